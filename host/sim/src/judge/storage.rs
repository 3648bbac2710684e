//! The least that a site with a battery could have paid, with everything known ahead: a linear programme.
//!
//! Solved by clarabel's interior-point method (Goulart, Chen: *Clarabel: An interior-point solver for conic programs
//! with
//! quadratic objectives*, 2024). The programme is the usual one of a battery behind one meter: energy in the battery
//! and
//! at the meter are balanced in every step, and charging and discharging lose the same share each.

mod programme;

use clarabel::solver::SolverStatus;

/// A battery, as its terminals on the site's bus see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Battery {
    /// What it holds, in kWh.
    pub capacity_kwh: f64,
    /// What it takes or gives at its terminals at most, in kW.
    pub power_kw: f64,
    /// Share of the energy that arrives, in each of the two directions.
    pub efficiency: f64,
    /// What it holds at the beginning, in kWh. The end is free.
    pub initial_kwh: f64,
}

/// What a site used, generated and paid, one value a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Series<'a> {
    /// Length of a step, in hours.
    pub step_h: f64,
    /// Price of imported energy, in money a kWh.
    pub price: &'a [f64],
    /// Energy used, in kWh.
    pub load_kwh: &'a [f64],
    /// Energy generated, in kWh; all of it may be curtailed.
    pub pv_kwh: &'a [f64],
}

/// What else costs or limits. The default is nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Terms {
    /// Money for each kW of the highest import within a billing period.
    pub demand_charge: f64,
    /// The first step of each billing period, rising; empty: the whole is one.
    pub period_starts: Vec<usize>,
    /// Money for each kWh through the battery's terminals, in either direction.
    pub wear: f64,
    /// What an exported kWh earns.
    pub export_price: f64,
    /// The highest export, in kW; none: any.
    pub export_limit_kw: Option<f64>,
    /// Loads of which only the sum within a window is given.
    pub shiftable: Vec<Window>,
}

/// A load that may run at any time of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Its first step.
    pub from: usize,
    /// The step after its last.
    pub to: usize,
    /// What it needs within the window, in kWh.
    pub energy_kwh: f64,
    /// What it takes at most, in kW.
    pub power_kw: f64,
}

/// The best course, one value a step, in kWh.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Course {
    /// What it costs.
    pub cost: f64,
    /// A lower bound on what any course costs, from the dual programme; equal to `cost` but for rounding.
    pub bound: f64,
    /// Taken at the battery's terminals.
    pub charge: Vec<f64>,
    /// Given at the battery's terminals.
    pub discharge: Vec<f64>,
    /// Imported.
    pub import: Vec<f64>,
    /// Exported and paid for; zeros where exports earn nothing.
    pub export: Vec<f64>,
    /// Used by the loads that may be shifted.
    pub shifted: Vec<f64>,
}

/// Why there is no best course.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum StorageError {
    /// Series of different lengths, or a number that makes no sense.
    #[error("the site's numbers make no sense: {0}")]
    Numbers(&'static str),
    /// The solver gave up, for instance on a window that is too short for its energy.
    #[error("the linear programme was not solved: {0:?}")]
    Unsolved(SolverStatus),
}

/// What the site would pay without a battery, its shiftable loads running at full power from the beginning of their
/// windows.
pub fn without_battery(series: &Series<'_>, terms: &Terms) -> f64 {
    let shifted = at_once(series, &terms.shiftable);
    let mut bill = Bill::new(series.step_h, terms);
    for (t, price) in series.price.iter().enumerate() {
        let at = |values: &[f64]| values.get(t).copied().unwrap_or(0.0);
        bill.add(*price, at(series.load_kwh) + at(&shifted) - at(series.pv_kwh), 0.0);
    }
    bill.cost()
}

/// What the shiftable loads use in each step where each runs at full power as soon as it may.
fn at_once(series: &Series<'_>, windows: &[Window]) -> Vec<f64> {
    let mut used = vec![0.0; series.price.len()];
    for window in windows {
        let mut left = window.energy_kwh;
        for step in used.iter_mut().take(window.to).skip(window.from) {
            let now = left.min(window.power_kw * series.step_h);
            *step += now;
            left -= now;
        }
    }
    used
}

/// Adds up what a course costs, step by step.
#[derive(Debug, Clone, PartialEq)]
pub struct Bill {
    step_h: f64,
    demand_charge: f64,
    wear: f64,
    export_price: f64,
    export_limit_kwh: f64,
    period_starts: Vec<usize>,
    steps: usize,
    peak_kw: f64,
    closed: f64,
}

impl Bill {
    /// Of nothing yet.
    pub fn new(step_h: f64, terms: &Terms) -> Self {
        Self {
            step_h,
            demand_charge: terms.demand_charge,
            wear: terms.wear,
            export_price: terms.export_price,
            export_limit_kwh: terms.export_limit_kw.map_or(f64::INFINITY, |limit| limit * step_h),
            period_starts: terms.period_starts.clone(),
            steps: 0,
            peak_kw: 0.0,
            closed: 0.0,
        }
    }

    /// A step: its price, the energy at the meter (negative: surplus, exported to the limit and curtailed beyond it)
    /// and
    /// what went through the battery's terminals, all in kWh. Returns what the step itself costs, the demand charge
    /// aside.
    pub fn add(&mut self, price: f64, meter_kwh: f64, through_kwh: f64) -> f64 {
        if self.period_starts.binary_search(&self.steps).is_ok() {
            self.closed += self.demand_charge * self.peak_kw;
            self.peak_kw = 0.0;
        }
        self.steps += 1;
        self.peak_kw = self.peak_kw.max(meter_kwh / self.step_h);
        let export = (-meter_kwh).clamp(0.0, self.export_limit_kwh.max(0.0));
        let step = price * meter_kwh.max(0.0) - self.export_price * export + self.wear * through_kwh;
        self.closed += step;
        step
    }

    /// The highest import of the present billing period, in kW.
    pub fn peak_kw(&self) -> f64 {
        self.peak_kw
    }

    /// Steps so far.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The sum, the present period's demand charge included.
    pub fn cost(&self) -> f64 {
        self.closed + self.demand_charge * self.peak_kw
    }
}

/// The course that costs least. A year of hours takes about a second, one of quarter hours some seconds.
///
/// # Errors
/// Numbers that make no sense, and programmes without a solution: see [`StorageError`].
pub fn best_course(series: &Series<'_>, battery: &Battery, terms: &Terms) -> Result<Course, StorageError> {
    check(series, battery, terms)?;
    match series.price.is_empty() {
        true => Ok(Course::default()),
        false => programme::solve(series, battery, terms),
    }
}

/// What [`best_course`] refuses before it begins.
pub(crate) fn check(series: &Series<'_>, battery: &Battery, terms: &Terms) -> Result<(), StorageError> {
    let steps = series.price.len();
    let refuse = |what| Err(StorageError::Numbers(what));
    if series.load_kwh.len() != steps || series.pv_kwh.len() != steps {
        return refuse("the series differ in length");
    }
    let all = [series.price, series.load_kwh, series.pv_kwh];
    if all.iter().any(|values| values.iter().any(|value| !value.is_finite())) {
        return refuse("a series has a value that is not finite");
    }
    let amounts = [battery.capacity_kwh, battery.power_kw, battery.initial_kwh, series.step_h, terms.demand_charge];
    if amounts.iter().chain(&[terms.wear, terms.export_price]).any(|x| !x.is_finite() || *x < 0.0) {
        return refuse("an amount is negative or not finite");
    }
    if !(0.0 < battery.efficiency && battery.efficiency <= 1.0) || battery.initial_kwh > battery.capacity_kwh {
        return refuse("the battery's efficiency or initial charge");
    }
    if series.step_h == 0.0 || terms.period_starts.windows(2).any(|pair| pair[1] <= pair[0]) {
        return refuse("the step, or the periods' order");
    }
    let good = |window: &Window| window.from < window.to && window.to <= steps && window.energy_kwh >= 0.0;
    match terms.shiftable.iter().all(good) {
        true => Ok(()),
        false => refuse("a shiftable load's window"),
    }
}

#[cfg(test)]
mod tests;
