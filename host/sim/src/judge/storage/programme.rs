//! The linear programme of a site with a battery, built for clarabel.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{
    DefaultSettings, DefaultSolver, IPSolver, NonnegativeConeT, SolverStatus, SupportedConeT, ZeroConeT,
};

use super::{Battery, Bill, Course, Series, StorageError, Terms};

/// Rows of `A x + s = b` in the making, of one cone.
#[derive(Default)]
struct Rows {
    entries: Vec<(usize, usize, f64)>,
    right: Vec<f64>,
}

impl Rows {
    fn add(&mut self, entries: &[(usize, f64)], right: f64) {
        let row = self.right.len();
        self.entries.extend(entries.iter().map(|(column, value)| (row, *column, *value)));
        self.right.push(right);
    }

    /// `lower` is 0 for every variable of the programme.
    fn bound(&mut self, column: usize, upper: Option<f64>) {
        self.add(&[(column, -1.0)], 0.0);
        if let Some(upper) = upper {
            self.add(&[(column, 1.0)], upper);
        }
    }
}

/// Where each variable stands.
struct Columns {
    steps: usize,
    paid_export: bool,
    /// A shiftable load's steps, in the order of the windows.
    shifted: Vec<(usize, usize)>,
    first_period: usize,
    count: usize,
}

impl Columns {
    fn new(series: &Series<'_>, terms: &Terms, periods: usize) -> Self {
        let steps = series.price.len();
        let paid_export = terms.export_price > 0.0;
        let first_shifted = if paid_export { 5 * steps } else { 4 * steps };
        let window_steps = terms.shiftable.iter().flat_map(|window| window.from..window.to);
        let shifted: Vec<(usize, usize)> = window_steps.zip(first_shifted..).collect();
        let first_period = first_shifted + shifted.len();
        Self { steps, paid_export, shifted, first_period, count: first_period + periods }
    }

    fn charge(&self, t: usize) -> usize {
        4 * t
    }

    fn discharge(&self, t: usize) -> usize {
        4 * t + 1
    }

    fn import(&self, t: usize) -> usize {
        4 * t + 2
    }

    /// What the battery holds at the end of the step.
    fn held(&self, t: usize) -> usize {
        4 * t + 3
    }

    fn export(&self, t: usize) -> Option<usize> {
        self.paid_export.then_some(4 * self.steps + t)
    }
}

/// The billing period of each step, from 0, and how many there are; none without a demand charge.
fn periods(terms: &Terms, steps: usize) -> (Vec<usize>, usize) {
    if terms.demand_charge <= 0.0 || steps == 0 {
        return (Vec::new(), 0);
    }
    // Steps before the first start are a period of their own.
    let lead = usize::from(terms.period_starts.first() != Some(&0));
    let period = |t: usize| terms.period_starts.partition_point(|start| *start <= t) + lead - 1;
    let all: Vec<usize> = (0..steps).map(period).collect();
    let count = all.last().map_or(0, |last| last + 1);
    (all, count)
}

/// Solves it. The numbers have been checked.
pub(super) fn solve(series: &Series<'_>, battery: &Battery, terms: &Terms) -> Result<Course, StorageError> {
    let steps = series.price.len();
    let (period, count) = periods(terms, steps);
    let columns = Columns::new(series, terms, count);
    let mut used_by: Vec<Vec<usize>> = vec![Vec::new(); steps];
    for (t, column) in &columns.shifted {
        used_by[*t].push(*column);
    }
    let (equal, less) = constraints(series, battery, terms, &columns, &used_by, &period);
    let cost = objective(series, terms, &columns);
    let (rows_equal, rows_less) = (equal.right.len(), less.right.len());
    let shift = |(row, column, value): &(usize, usize, f64)| (row + rows_equal, *column, *value);
    let entries: Vec<_> = equal.entries.iter().copied().chain(less.entries.iter().map(shift)).collect();
    let split = |pick: fn(&(usize, usize, f64)) -> usize| entries.iter().map(pick).collect::<Vec<_>>();
    let values = entries.iter().map(|entry| entry.2).collect();
    let matrix =
        CscMatrix::new_from_triplets(rows_equal + rows_less, columns.count, split(|e| e.0), split(|e| e.1), values);
    let right: Vec<f64> = equal.right.iter().chain(&less.right).copied().collect();
    let cones: [SupportedConeT<f64>; 2] = [ZeroConeT(rows_equal), NonnegativeConeT(rows_less)];
    let settings =
        DefaultSettings { verbose: false, presolve_enable: false, max_threads: 1, ..DefaultSettings::default() };
    let none = CscMatrix::zeros((columns.count, columns.count));
    let mut solver = DefaultSolver::new(&none, &cost, &matrix, &right, &cones, settings)
        .map_err(|_error| StorageError::Unsolved(SolverStatus::Unsolved))?;
    solver.solve();
    match solver.solution.status {
        SolverStatus::Solved | SolverStatus::AlmostSolved => {
            Ok(course(series, battery, terms, &columns, &solver.solution.x, solver.solution.obj_val_dual))
        }
        status => Err(StorageError::Unsolved(status)),
    }
}

fn objective(series: &Series<'_>, terms: &Terms, columns: &Columns) -> Vec<f64> {
    let mut cost = vec![0.0; columns.count];
    for (t, price) in series.price.iter().enumerate() {
        cost[columns.charge(t)] = terms.wear;
        cost[columns.discharge(t)] = terms.wear;
        cost[columns.import(t)] = *price;
        if let Some(export) = columns.export(t) {
            cost[export] = -terms.export_price;
        }
    }
    cost[columns.first_period..].fill(terms.demand_charge);
    cost
}

fn constraints(
    series: &Series<'_>,
    battery: &Battery,
    terms: &Terms,
    columns: &Columns,
    used_by: &[Vec<usize>],
    period: &[usize],
) -> (Rows, Rows) {
    let (mut equal, mut less) = (Rows::default(), Rows::default());
    let power = battery.power_kw * series.step_h;
    let limit = terms.export_limit_kw.map(|limit| limit * series.step_h);
    for (t, used) in used_by.iter().enumerate().take(columns.steps) {
        let (charge, discharge, import, held) =
            (columns.charge(t), columns.discharge(t), columns.import(t), columns.held(t));
        // What is held: kept from the step before, and charged or discharged with losses.
        let flow = [(held, 1.0), (charge, -battery.efficiency), (discharge, 1.0 / battery.efficiency)];
        match t.checked_sub(1).map(|before| columns.held(before)) {
            Some(before) => equal.add(&[&flow[..], &[(before, -1.0)]].concat(), 0.0),
            None => equal.add(&flow, battery.initial_kwh),
        }
        // The meter: what is used beyond generation is imported; the slack is generation that nobody pays for.
        let net = series.load_kwh[t] - series.pv_kwh[t];
        let mut meter = vec![(import, -1.0), (charge, 1.0), (discharge, -1.0)];
        meter.extend(columns.export(t).map(|export| (export, 1.0)));
        meter.extend(used.iter().map(|column| (*column, 1.0)));
        less.add(&meter, -net);
        if series.price[t] < 0.0 {
            // Where importing earns, only what is there to be curtailed or exported can be thrown away.
            let away: Vec<(usize, f64)> = meter.iter().map(|(column, value)| (*column, -value)).collect();
            match (columns.export(t), limit) {
                (None, None) => less.add(&[&away[..], &[(discharge, -2.0)]].concat(), series.pv_kwh[t] + net),
                (None, Some(limit)) => less.add(&away, series.pv_kwh[t] + limit + net),
                (Some(_), _) => less.add(&away, series.pv_kwh[t] + net),
            }
        }
        less.bound(charge, Some(power));
        less.bound(discharge, Some(power));
        less.bound(import, None);
        less.bound(held, Some(battery.capacity_kwh));
        if let Some(export) = columns.export(t) {
            less.bound(export, limit);
            // Only what the site itself has can be sold, not what it imports in the same step.
            less.add(&[(export, 1.0), (discharge, -1.0)], series.pv_kwh[t]);
        }
        if let Some(period) = period.get(t) {
            less.add(&[(import, 1.0), (columns.first_period + period, -series.step_h)], 0.0);
        }
    }
    let mut shifted = columns.shifted.iter();
    for window in &terms.shiftable {
        let own: Vec<(usize, f64)> =
            shifted.by_ref().take(window.to - window.from).map(|(_, column)| (*column, 1.0)).collect();
        own.iter().for_each(|(column, _)| less.bound(*column, Some(window.power_kw * series.step_h)));
        equal.add(&own, window.energy_kwh);
    }
    (columns.first_period..columns.count).for_each(|column| less.bound(column, None));
    (equal, less)
}

/// Reads the solution: rounded into its bounds, and billed as it then is.
fn course(series: &Series<'_>, battery: &Battery, terms: &Terms, columns: &Columns, x: &[f64], bound: f64) -> Course {
    let power = battery.power_kw * series.step_h;
    let take = |column: fn(&Columns, usize) -> usize| -> Vec<f64> {
        (0..columns.steps).map(|t| x[column(columns, t)].clamp(0.0, f64::INFINITY)).collect()
    };
    let mut shifted = vec![0.0; columns.steps];
    for (t, column) in &columns.shifted {
        shifted[*t] += x[*column].max(0.0);
    }
    let limit = |values: Vec<f64>| -> Vec<f64> { values.into_iter().map(|value| value.min(power)).collect() };
    let (charge, discharge) = (limit(take(Columns::charge)), limit(take(Columns::discharge)));
    let export: Vec<f64> =
        (0..columns.steps).map(|t| columns.export(t).map_or(0.0, |column| x[column].max(0.0))).collect();
    let mut import = take(Columns::import);
    let mut bill = Bill::new(series.step_h, terms);
    for t in 0..columns.steps {
        let meter = series.load_kwh[t] - series.pv_kwh[t] + charge[t] - discharge[t] + shifted[t];
        // Where importing earns, the programme may curtail in order to import more; elsewhere the meter says it all.
        let meter = if series.price[t] < 0.0 { import[t] - export[t] } else { meter };
        import[t] = meter.max(0.0);
        bill.add(series.price[t], meter, charge[t] + discharge[t]);
    }
    Course { cost: bill.cost(), bound, charge, discharge, import, export, shifted }
}
