//! Three compressors on one receiver: which of them runs, so that the pressure keeps its band and the bill stays small.
//!
//! Each machine obeys a command of its own, or its own pressure switch where the command is negative; in the beginning all
//! three do, and what that costs is the baseline. Whatever the command, a machine's own controller keeps its least run and
//! off times ([`machines::Rules`]): it starts later, or runs on unloaded. The pressure follows what is delivered less
//! what is drawn; there is no cooler, dryer or filter, and unloading takes no time.

pub mod machines;

pub mod demand;

pub mod cascade;

pub mod optimum;

use crate::noise;
use crate::plant::{Account, Actuator, Kind, Plant, Reading, STEP_S, Schedule, Signal, Stepper, Truth, Value};
use cascade::Cascade;
use demand::{Demand, MINUTE_S};
use machines::{AIR_PER_BAR, BAND_BAR, Machines, Motor, PRICE, pressure_factor};

const DEMAND_STREAM: u64 = 200;
const MACHINE_STREAM: u64 = 201;
const MEASUREMENT_STREAM: u64 = 202;

/// Standard deviation of the pressure transmitter, in bar.
const PRESSURE_NOISE_BAR: f64 = 0.01;
/// Relative standard deviation of the flow meter.
const FLOW_NOISE: f64 = 0.015;
/// Relative standard deviation of the power meters.
const POWER_NOISE: f64 = 0.005;
/// The receiver's relief valve opens here, in bar.
const RELIEF_BAR: f64 = 8.5;
/// Pressure in the beginning, in bar.
pub const START_BAR: f64 = 7.0;
/// Which machines run in the beginning: the variable one.
pub const START_ON: [bool; 3] = [false, false, true];
/// A command for the machine's own pressure switch.
pub const LOCAL: f64 = -1.0;

/// Its signals.
pub fn signals() -> Vec<Signal> {
    let value = |name, unit, lo, hi| Signal { name, unit, kind: Kind::Value, range: (lo, hi) };
    vec![
        value("compressors.pressure", "bar", 0.0, 10.0),
        value("compressors.flow", "m3/min", 0.0, 40.0),
        value("compressors.a_power", "kW", 0.0, 120.0),
        value("compressors.b_power", "kW", 0.0, 120.0),
        value("compressors.c_power", "kW", 0.0, 120.0),
        value("compressors.a_state", "1", 0.0, 2.0),
        value("compressors.b_state", "1", 0.0, 2.0),
        value("compressors.c_state", "1", 0.0, 2.0),
        value("compressors.permit", "1", 0.0, 1.0),
        value("compressors.a_readback", "1", -1.0, 2.0),
        value("compressors.b_readback", "1", -1.0, 2.0),
        value("compressors.c_readback", "1", -1.0, 1.0),
    ]
}

/// Its commands. Fixed machines: below 0 by their own switch, 0 off, 1 unloaded, 2 loaded. The variable one: below 0 by its
/// own controller, 0 off, else the share of its full flow (no less than it can).
pub fn actuators() -> Vec<Actuator> {
    let command = |name, hi| Actuator { name, unit: "1", range: (LOCAL, hi), initial: LOCAL };
    vec![command("compressors.a", 2.0), command("compressors.b", 2.0), command("compressors.c", 1.0)]
}

/// What a machine does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// At a standstill.
    Off,
    /// Running without delivering.
    Unloaded,
    /// Delivering.
    Loaded,
}

/// The machines, the receiver, and what was paid.
#[derive(Debug, Clone)]
struct Station {
    machines: Machines,
    cascade: Cascade,
    motors: [Motor; 3],
    states: [State; 3],
    power_kw: [f64; 3],
    bar: f64,
    /// Money a second, in the last step.
    rate: f64,
    cost: f64,
    violation_s: f64,
}

impl Station {
    fn new(machines: Machines) -> Self {
        Self {
            machines,
            cascade: Cascade::default(),
            motors: START_ON.map(Motor::new),
            states: START_ON.map(|on| if on { State::Loaded } else { State::Off }),
            power_kw: [0.0; 3],
            bar: START_BAR,
            rate: 0.0,
            cost: 0.0,
            violation_s: 0.0,
        }
    }

    /// One step of [`STEP_S`] under these commands.
    fn step(&mut self, commands: [f64; 3], demand: f64) {
        let local = self.cascade.step(self.bar, &self.machines);
        let command = |which: usize| if commands[which] < -0.5 { local[which] } else { commands[which] };
        let factor = pressure_factor(self.bar);
        let (mut flow, mut starts) = (0.0, 0.0);
        for (which, machine) in self.machines.fixed.iter().enumerate() {
            let motor = &mut self.motors[which];
            let ready = motor.step(&machine.rules, command(which) >= 0.5, STEP_S);
            let loaded = ready && command(which) >= 1.5;
            flow += if loaded { machine.flow } else { 0.0 };
            (self.states[which], self.power_kw[which]) = match (motor.on, loaded) {
                (false, _) => (State::Off, 0.0),
                (true, false) => (State::Unloaded, machine.idle_kw()),
                (true, true) => (State::Loaded, machine.power_kw * factor),
            };
            starts += motor.start_rate(&machine.rules, STEP_S);
        }
        let (machine, share) = (&self.machines.variable, command(2));
        let wanted = share > 0.05;
        let ready = self.motors[2].step(&machine.rules, wanted, STEP_S);
        (self.states[2], self.power_kw[2]) = match (self.motors[2].on, ready && wanted) {
            (false, _) => (State::Off, 0.0),
            (true, false) => (State::Unloaded, machine.idle_kw()),
            (true, true) => {
                let delivered = share.clamp(machine.least_share, 1.0) * machine.flow;
                flow += delivered;
                (State::Loaded, machine.power_kw_at(delivered) * factor)
            }
        };
        starts += self.motors[2].start_rate(&machine.rules, STEP_S);
        self.rate = self.power_kw.iter().sum::<f64>() / 3600.0 * PRICE + starts;
        self.cost += self.rate * STEP_S;
        let rise = (flow - demand) * STEP_S / 60.0 / (AIR_PER_BAR * self.machines.volume_m3);
        self.bar = (self.bar + rise).clamp(0.0, RELIEF_BAR);
        if self.violation() > 0.0 {
            self.violation_s += STEP_S;
        }
    }

    /// In bar, outside the band.
    fn violation(&self) -> f64 {
        (BAND_BAR.0 - self.bar).max(self.bar - BAND_BAR.1).max(0.0)
    }
}

/// The plant.
#[derive(Debug, Clone)]
pub struct Compressors {
    seed: u64,
    signals: Vec<Signal>,
    actuators: Vec<Actuator>,
    /// In the order of `actuators`.
    commands: [f64; 3],
    station: Station,
    demand: Demand,
    stepper: Stepper,
    steps: u64,
    /// Cost, time outside the band and pressure at the last full minute.
    settled: (f64, f64, f64),
}

impl Compressors {
    /// At midnight before a Monday; `seed` decides the demand, the machines and the measurement noise.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            signals: signals(),
            actuators: actuators(),
            commands: [LOCAL; 3],
            station: Station::new(machines::machines(seed)),
            demand: Demand::new(seed),
            stepper: Stepper::default(),
            steps: 0,
            settled: (0.0, 0.0, START_BAR),
        }
    }

    /// The demand of the next minutes, this one first: its means in m³/min.
    pub fn ahead(&mut self, minutes: u64) -> Vec<f64> {
        let now = self.steps / steps_a_minute();
        self.demand.ahead(now, minutes)
    }

    /// What the machines use now, in kW.
    pub fn used_kw(&self) -> f64 {
        self.station.power_kw.iter().sum()
    }

    /// The true pressure, in bar.
    pub fn bar(&self) -> f64 {
        self.station.bar
    }
}

fn steps_a_minute() -> u64 {
    (MINUTE_S / STEP_S).round() as u64
}

/// What a works that plans its shifts knows of them.
const SCHEDULES: [Schedule; 1] = [Schedule { name: "compressors.demand", unit: "m3/min", step_s: MINUTE_S }];

impl Plant for Compressors {
    fn schedules(&self) -> &[Schedule] {
        &SCHEDULES
    }

    fn ahead(&mut self, schedule: usize, steps: usize) -> Vec<f64> {
        if schedule == 0 { Compressors::ahead(self, steps as u64) } else { Vec::new() }
    }

    fn signals(&self) -> &[Signal] {
        &self.signals
    }

    fn actuators(&self) -> &[Actuator] {
        &self.actuators
    }

    fn advance(&mut self, dt_s: f64) {
        for _ in 0..self.stepper.due(dt_s) {
            let demand = self.demand.at(self.steps as f64 * STEP_S);
            self.station.step(self.commands, demand);
            self.steps += 1;
            if self.steps.is_multiple_of(steps_a_minute()) {
                self.settled = (self.station.cost, self.station.violation_s, self.station.bar);
            }
        }
    }

    fn read(&mut self, out: &mut Vec<Reading>) {
        let mut rng = noise::stream(self.seed, MEASUREMENT_STREAM, self.stepper.steps());
        let mut noise = |sd: f64| sd * noise::normal(&mut rng);
        let pressure = (self.station.bar + noise(PRESSURE_NOISE_BAR)).clamp(0.0, 10.0);
        let demand = self.demand.at(self.steps as f64 * STEP_S);
        let flow = (demand * (1.0 + noise(FLOW_NOISE))).clamp(0.0, 40.0);
        let power = self.station.power_kw.map(|kw| (kw * (1.0 + noise(POWER_NOISE))).clamp(0.0, 120.0));
        let states = self.station.states.map(|state| f64::from(state as u8));
        let values = [pressure, flow].into_iter().chain(power).chain(states).chain([1.0]).chain(self.commands);
        out.extend(values.enumerate().map(|(signal, value)| Reading { signal, value: Value::Number(value) }));
    }

    fn write(&mut self, actuator: usize, value: f64) {
        if let (Some(command), Some(a)) = (self.commands.get_mut(actuator), self.actuators.get(actuator))
            && value.is_finite()
        {
            *command = value.clamp(a.range.0, a.range.1);
        }
    }

    fn truth(&self) -> Truth {
        Truth {
            time_s: self.stepper.time_s(),
            cost: Some(self.station.rate),
            violation: Some(self.station.violation()),
            ..Truth::default()
        }
    }

    /// Over the full minutes of the run: what the machines' own switches would have cost, and the optimum of the demand
    /// that was, with no less air in the receiver at the end than there is: neither side gains by emptying it. None before
    /// the first minute, and where no course keeps the band.
    fn account(&self) -> Option<Account> {
        let minutes = self.steps / steps_a_minute();
        if minutes == 0 {
            return None;
        }
        let machines = &self.station.machines;
        let demand = self.demand.clone().ahead(0, minutes);
        let (cost, violation_s, end_bar) = self.settled;
        let optimum = optimum::least_cost(machines, &demand, START_ON, (START_BAR, end_bar), optimum::GRID)?;
        let mut alone = Self::new(self.seed);
        alone.advance(minutes as f64 * MINUTE_S);
        Some(Account { time_s: minutes as f64 * MINUTE_S, cost, baseline: alone.settled.0, optimum, violation_s })
    }
}

#[cfg(test)]
mod tests;
