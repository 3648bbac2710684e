//! A home with a battery, solar generation and a tariff, made of series that its caller gives.

pub mod inverter;

mod options;

pub mod synthetic;

use crate::judge::storage::{Battery, Bill, Series, StorageError, Terms, Window, best_course, check, without_battery};
use crate::plant::{Account, Actuator, Kind, Plant, Reading, Schedule, Signal, Truth, Value};
use inverter::{Orders, settle};

/// What is so whatever the battery does, one value a step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HomeSeries {
    /// Length of a step, in seconds.
    pub step_s: f64,
    /// Energy used, in kWh.
    pub load_kwh: Vec<f64>,
    /// Energy generated, in kWh.
    pub pv_kwh: Vec<f64>,
    /// Price of imported energy, in money a kWh.
    pub price: Vec<f64>,
}

/// The battery, and what else costs or limits.
#[derive(Debug, Clone, PartialEq)]
pub struct HomeSettings {
    /// The battery.
    pub battery: Battery,
    /// Demand charge, wear, exports, loads that can wait.
    pub terms: Terms,
}

impl Default for HomeSettings {
    /// 6.4 kWh and 5 kW, nine tenths there and back, empty at the beginning; nothing else costs.
    fn default() -> Self {
        let battery = Battery { capacity_kwh: 6.4, power_kw: 5.0, efficiency: 0.9_f64.sqrt(), initial_kwh: 0.0 };
        Self { battery, terms: Terms::default() }
    }
}

/// Why a home could not be built: its numbers are refused as [`best_course`] would refuse them.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the home's series or settings make no sense")]
pub struct HomeError(#[from] StorageError);

/// The actuators, in their order.
const CHARGE_TO: usize = 0;
const DISCHARGE_TO: usize = 1;
const SURPLUS_TO: usize = 2;
const IMPORT_LIMIT: usize = 3;
const SHIFTABLE_POWER: usize = 4;

/// The home. Its step is that of its series: what is ordered when a step begins is in force until the step ends.
#[derive(Debug, Clone)]
pub struct Home {
    series: HomeSeries,
    settings: HomeSettings,
    signals: Vec<Signal>,
    schedules: [Schedule; 1],
    actuators: Vec<Actuator>,
    /// In the order of `actuators`.
    setpoints: Vec<f64>,
    /// Those that were in force when the present step began.
    in_force: Vec<f64>,
    /// Run time within the present step.
    into_step_s: f64,
    /// The present step.
    step: usize,
    held_kwh: f64,
    /// Energy at the meter in the last full step.
    meter_kwh: f64,
    /// What the shiftable loads have used of their present windows, in the order of the windows.
    used_kwh: Vec<f64>,
    shifted_last_kwh: f64,
    bill: Bill,
    cost_last: f64,
    violated: f64,
    violation_s: f64,
}

impl Home {
    /// At the beginning of its series, with an inverter that stores surplus and gives nothing until it is told.
    ///
    /// # Errors
    /// Series of different lengths, and numbers that make no sense.
    pub fn new(series: HomeSeries, settings: HomeSettings) -> Result<Self, HomeError> {
        check(&series.as_judged(), &settings.battery, &settings.terms)?;
        let actuators = actuators(&settings);
        let setpoints: Vec<f64> = actuators.iter().map(|actuator| actuator.initial).collect();
        Ok(Self {
            signals: signals(&series, &settings),
            schedules: [Schedule { name: "home.price", unit: "{money}/kW/h", step_s: series.step_s }],
            in_force: setpoints.clone(),
            setpoints,
            actuators,
            into_step_s: 0.0,
            step: 0,
            held_kwh: settings.battery.initial_kwh,
            meter_kwh: 0.0,
            used_kwh: vec![0.0; settings.terms.shiftable.len()],
            shifted_last_kwh: 0.0,
            bill: Bill::new(series.step_s / 3600.0, &settings.terms),
            cost_last: 0.0,
            violated: 0.0,
            violation_s: 0.0,
            series,
            settings,
        })
    }

    /// The series that it runs on.
    pub fn series(&self) -> &HomeSeries {
        &self.series
    }

    /// The present step uses so much more, in kWh.
    pub(crate) fn add_load(&mut self, energy_kwh: f64) {
        if let Some(load) = self.series.load_kwh.get_mut(self.step) {
            *load += energy_kwh;
        }
    }

    fn step_h(&self) -> f64 {
        self.series.step_s / 3600.0
    }

    fn at(&self, values: &[f64], step: usize) -> f64 {
        values.get(step).copied().unwrap_or(0.0)
    }

    /// What is still due in the present step's windows, in kWh, and the hours that are left for it.
    fn due(&self) -> (f64, f64) {
        let windows = self.settings.terms.shiftable.iter().zip(&self.used_kwh);
        let open = windows.filter(|(window, _)| window.from <= self.step && self.step < window.to);
        open.fold((0.0, 0.0), |(energy, hours), (window, used)| {
            let left = (window.energy_kwh - used).max(0.0);
            (energy + left, f64::max(hours, (window.to - self.step) as f64 * self.step_h()))
        })
    }

    /// Runs the loads that can wait: as ordered, but never so late that they can't be done in time.
    fn shift(&mut self) -> f64 {
        let step_h = self.step_h();
        let mut ordered = self.in_force.get(SHIFTABLE_POWER).copied().unwrap_or(0.0) * step_h;
        let mut sum = 0.0;
        for (window, used) in self.settings.terms.shiftable.iter().zip(&mut self.used_kwh) {
            if !(window.from..window.to).contains(&self.step) {
                continue;
            }
            let flow = window.power_kw * step_h;
            let left = (window.energy_kwh - *used).max(0.0);
            let later = flow * (window.to - self.step - 1) as f64;
            let now = ordered.min(flow).min(left).max(left - later);
            *used += now;
            ordered = (ordered - now).max(0.0);
            sum += now;
            if self.step + 1 == window.to && *used < window.energy_kwh * (1.0 - 1e-9) {
                self.violated = self.violated.max(window.energy_kwh - *used);
            }
        }
        sum
    }

    fn end_step(&mut self) {
        self.violated = 0.0;
        let battery = self.settings.battery;
        let flow_kwh = battery.power_kw * self.step_h();
        let shifted = self.shift();
        let net = self.at(&self.series.load_kwh, self.step) + shifted - self.at(&self.series.pv_kwh, self.step);
        let order = |index: usize| self.in_force.get(index).copied().unwrap_or(0.0);
        let orders = Orders {
            charge_to_kwh: order(CHARGE_TO),
            discharge_to_kwh: order(DISCHARGE_TO),
            surplus_to_kwh: order(SURPLUS_TO),
            import_limit_kwh: order(IMPORT_LIMIT) * self.step_h(),
        };
        let flow = settle(&battery, flow_kwh, &orders, self.held_kwh, net);
        // The inverter keeps to its battery; the check is of what came out, not of what was meant.
        let over = [-flow.held_kwh, flow.held_kwh - battery.capacity_kwh, flow.through_kwh - flow_kwh];
        self.violated = over.into_iter().fold(self.violated, f64::max);
        if self.violated > 1e-9 {
            self.violation_s += self.series.step_s;
        }
        self.held_kwh = flow.held_kwh;
        // Generation that may not be exported is curtailed: the bill does not pay for it, and the meter does not see it.
        let export_kwh = self.settings.terms.export_limit_kw.map_or(f64::INFINITY, |limit| limit * self.step_h());
        self.meter_kwh = flow.meter_kwh.max(-export_kwh);
        self.shifted_last_kwh = shifted;
        self.cost_last = self.bill.add(self.at(&self.series.price, self.step), self.meter_kwh, flow.through_kwh);
        self.step += 1;
    }
}

impl HomeSeries {
    fn as_judged(&self) -> Series<'_> {
        let step_h = self.step_s / 3600.0;
        Series { step_h, price: &self.price, load_kwh: &self.load_kwh, pv_kwh: &self.pv_kwh }
    }
}

impl Plant for Home {
    fn end_s(&self) -> Option<f64> {
        Some(self.series.price.len() as f64 * self.series.step_s)
    }

    fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    fn ahead(&mut self, schedule: usize, steps: usize) -> Vec<f64> {
        let price = self.series.price.get(self.step..).unwrap_or_default();
        if schedule == 0 { price.iter().take(steps).copied().collect() } else { Vec::new() }
    }

    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    fn advance(&mut self, dt_s: f64) {
        if !(dt_s.is_finite() && dt_s > 0.0) {
            return;
        }
        let mut left = dt_s;
        while left > 0.0 && self.step < self.series.price.len() {
            if self.into_step_s == 0.0 {
                self.in_force.clone_from(&self.setpoints);
            }
            let slice = left.min(self.series.step_s - self.into_step_s);
            self.into_step_s += slice;
            left -= slice;
            // A millionth of a second forgives the rounding of many short slices.
            if self.into_step_s >= self.series.step_s - 1e-6 {
                self.end_step();
                self.into_step_s = 0.0;
            }
        }
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let step_h = self.step_h();
        let present = self.step.min(self.series.price.len().saturating_sub(1));
        let before = |values: &[f64]| self.step.checked_sub(1).map_or(0.0, |step| self.at(values, step) / step_h);
        let (due_kwh, due_h) = self.due();
        let starts = &self.settings.terms.period_starts;
        let period = starts.partition_point(|start| *start <= present);
        let period_ends = starts.get(period).map_or(self.series.price.len(), |end| *end).max(present);
        let measured = [
            self.at(&self.series.load_kwh, present) / step_h,
            self.at(&self.series.pv_kwh, present) / step_h,
            before(&self.series.load_kwh),
            before(&self.series.pv_kwh),
            self.held_kwh,
            self.at(&self.series.price, present),
            self.meter_kwh / step_h,
            self.shifted_last_kwh / step_h,
            due_kwh,
            due_h,
            period as f64,
            (period_ends - present) as f64 * step_h,
        ];
        let values = measured.into_iter().chain(self.setpoints.iter().copied()).enumerate();
        out.extend(values.map(|(signal, value)| Reading { signal, value: Value::Number(value) }));
    }

    fn write(&mut self, actuator: usize, value: f64) {
        if let (Some(setpoint), Some(a)) = (self.setpoints.get_mut(actuator), self.actuators.get(actuator))
            && value.is_finite()
        {
            *setpoint = value.clamp(a.range.0, a.range.1);
        }
    }

    fn truth(&self) -> Truth {
        Truth {
            time_s: self.step as f64 * self.series.step_s + self.into_step_s,
            cost: Some(self.cost_last / self.series.step_s),
            violation: Some(self.violated),
            ..Truth::default()
        }
    }

    /// The baseline is the home without a battery, its shiftable loads run at once. None before the first step's end,
    /// and where the best course could not be found.
    fn account(&self) -> Option<Account> {
        let done = self.step;
        if done == 0 {
            return None;
        }
        let upto = |values: &[f64]| values.get(..done).map(<[f64]>::to_vec);
        let (price, load, pv) = (upto(&self.series.price)?, upto(&self.series.load_kwh)?, upto(&self.series.pv_kwh)?);
        let series = Series { step_h: self.step_h(), price: &price, load_kwh: &load, pv_kwh: &pv };
        let mut terms = self.settings.terms.clone();
        let started = terms.shiftable.iter().zip(&self.used_kwh).filter(|(window, _)| window.from < done);
        // Of a window that has not ended, what has been used is what had to be.
        let ended = started.map(|(window, used)| match window.to <= done {
            true => *window,
            false => Window { to: done, energy_kwh: *used, ..*window },
        });
        terms.shiftable = ended.collect();
        let optimum = best_course(&series, &self.settings.battery, &terms).ok()?.cost;
        Some(Account {
            time_s: done as f64 * self.series.step_s,
            cost: self.bill.cost(),
            baseline: without_battery(&series, &terms),
            optimum,
            violation_s: self.violation_s,
        })
    }
}

/// Its signals; the ranges follow from the series.
fn signals(series: &HomeSeries, settings: &HomeSettings) -> Vec<Signal> {
    let highest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max) / (series.step_s / 3600.0);
    let (load, pv) = (highest(&series.load_kwh), highest(&series.pv_kwh));
    let waiting: f64 = settings.terms.shiftable.iter().map(|window| window.power_kw).sum();
    let energy: f64 = settings.terms.shiftable.iter().map(|window| window.energy_kwh).sum();
    let Battery { capacity_kwh, power_kw, .. } = settings.battery;
    let cheapest = series.price.iter().copied().fold(0.0, f64::min);
    let dearest = series.price.iter().copied().fold(0.0, f64::max);
    let import = load + power_kw + waiting;
    let value = |name, unit, lo, hi| Signal { name, unit, kind: Kind::Value, range: (lo, hi) };
    vec![
        value("home.load", "kW", 0.0, load),
        value("home.pv", "kW", 0.0, pv),
        value("home.load_last", "kW", 0.0, load),
        value("home.pv_last", "kW", 0.0, pv),
        value("home.charge", "kW.h", 0.0, capacity_kwh),
        value("home.price", "{money}/kW/h", cheapest, dearest),
        value("home.grid", "kW", -pv - power_kw, import),
        value("home.shiftable", "kW", 0.0, waiting),
        value("home.due", "kW.h", 0.0, energy),
        value("home.due_time", "h", 0.0, series.step_s / 3600.0 * series.price.len() as f64),
        value("home.period", "1", 0.0, settings.terms.period_starts.len() as f64),
        value("home.period_left", "h", 0.0, series.step_s / 3600.0 * series.price.len() as f64),
        value("home.charge_to_readback", "kW.h", 0.0, capacity_kwh),
        value("home.discharge_to_readback", "kW.h", 0.0, capacity_kwh),
        value("home.surplus_to_readback", "kW.h", 0.0, capacity_kwh),
        value("home.import_limit_readback", "kW", 0.0, UNLIMITED_KW),
        value("home.shiftable_power_readback", "kW", 0.0, waiting),
    ]
}

/// Its setpoints: at first the battery gives nothing and the loads that can wait do not.
fn actuators(settings: &HomeSettings) -> Vec<Actuator> {
    let Battery { capacity_kwh, .. } = settings.battery;
    let waiting: f64 = settings.terms.shiftable.iter().map(|window| window.power_kw).sum();
    let actuator = |name, unit, hi, initial| Actuator { name, unit, range: (0.0, hi), initial };
    vec![
        actuator("home.charge_to", "kW.h", capacity_kwh, 0.0),
        actuator("home.discharge_to", "kW.h", capacity_kwh, capacity_kwh),
        actuator("home.surplus_to", "kW.h", capacity_kwh, capacity_kwh),
        actuator("home.import_limit", "kW", UNLIMITED_KW, UNLIMITED_KW),
        actuator("home.shiftable_power", "kW", waiting, waiting),
    ]
}

/// An import limit that is none for any home.
pub const UNLIMITED_KW: f64 = 1e6;

#[cfg(test)]
mod tests;
