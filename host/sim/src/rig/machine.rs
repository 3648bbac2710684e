//! What really happens in the rig: load, hydraulics, motor, heat, vibration.
//!
//! The load is a valve downstream that follows a demand with steps and a slow wander. Everything else follows from it: the
//! pump works where its head curve meets the system's, the motor draws what the shaft needs, the heat comes with its lags.

use rand_pcg::Pcg64Mcg;

use super::Load;
use crate::fault::Race;
use crate::noise::{self, Lag, Wander};
use crate::plant::STEP_S;

const LOAD_STREAM: u64 = 3;

/// Bar a metre of water.
const BAR_PER_M: f64 = 0.0981;
/// Synchronous speed of a four-pole motor at 50 Hz.
const SYNCHRONOUS_RPM: f64 = 1500.0;
/// Shaft power at which the slip is nominal, kW.
const RATED_KW: f64 = 15.0;

/// The state of the machine and all that follows from it.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    rng: Pcg64Mcg,
    /// Where the demand stands, in [0.5, 1], and when it next changes.
    demand: f64,
    demand_holds_s: f64,
    valve: Lag,
    wander: Wander,
    supply: Wander,
    tank: Wander,
    weather: Wander,
    tremor_h: Wander,
    tremor_v: Wander,
    pub(super) bearing_de: Lag,
    pub(super) bearing_nde: Lag,
    pub(super) winding: Lag,
    pub(super) profile: Load,
    /// Steps since the start, for the time of day.
    steps: u64,
    /// Severities, 0 healthy.
    pub(super) wear: f64,
    /// How far a spall has spread over its race, of a run to failure.
    pub(super) spread: f64,
    pub(super) race: Race,
    /// How much louder than at the best point the machine runs; 1 where the profile leaves that out.
    pub(super) roughness: f64,
    pub(super) cavitation: f64,
    pub(super) voltage_v: f64,
    pub(super) ambient_cel: f64,
    pub(super) flow_m3_h: f64,
    pub(super) suction_bar: f64,
    pub(super) discharge_bar: f64,
    pub(super) current_a: f64,
    pub(super) speed_rpm: f64,
    pub(super) vibration_h_mm_s: f64,
    pub(super) vibration_v_mm_s: f64,
}

impl Machine {
    /// At its usual load, in thermal balance.
    pub(super) fn new(seed: u64) -> Self {
        let wander = |tau_s, sd| Wander::new(tau_s, sd, STEP_S);
        let lag = |tau_s, at| Lag::new(tau_s, STEP_S, at);
        let mut machine = Self {
            rng: noise::stream(seed, LOAD_STREAM, 0),
            demand: 0.75,
            demand_holds_s: 60.0,
            valve: lag(12.0, 0.75),
            wander: wander(40.0, 0.015),
            supply: wander(120.0, 1.5),
            tank: wander(300.0, 0.03),
            weather: wander(600.0, 0.15),
            tremor_h: wander(3.0, 0.04),
            tremor_v: wander(3.0, 0.04),
            bearing_de: lag(150.0, 0.0),
            bearing_nde: lag(150.0, 0.0),
            winding: lag(300.0, 0.0),
            profile: Load::Steps,
            steps: 0,
            wear: 0.0,
            spread: 0.0,
            race: Race::Outer,
            roughness: 1.0,
            cavitation: 0.0,
            voltage_v: 400.0,
            ambient_cel: 22.0,
            flow_m3_h: 0.0,
            suction_bar: 0.0,
            discharge_bar: 0.0,
            current_a: 0.0,
            speed_rpm: 1480.0,
            vibration_h_mm_s: 0.0,
            vibration_v_mm_s: 0.0,
        };
        machine.hydraulics();
        let [de, nde, winding] = machine.heat();
        machine.bearing_de.at = de;
        machine.bearing_nde.at = nde;
        machine.winding.at = winding;
        machine.vibrate();
        machine
    }

    /// One step of [`STEP_S`], with these severities in force.
    pub(super) fn step(&mut self, wear: f64, cavitation: f64) {
        (self.wear, self.cavitation) = (wear, cavitation);
        self.load();
        self.steps += 1;
        self.voltage_v = 400.0 + self.supply.at;
        self.ambient_cel = 22.0 + self.profile.warmth_cel(self.time_s()) + self.weather.at;
        self.hydraulics();
        self.roughness = match self.profile {
            Load::Steps => 1.0,
            Load::Shifts => 1.0 + 0.8 * ((self.flow_m3_h - 72.0) / 72.0).abs(),
        };
        let [de, nde, winding] = self.heat();
        self.bearing_de.step(de);
        self.bearing_nde.step(nde);
        self.winding.step(winding);
        self.vibrate();
    }

    fn time_s(&self) -> f64 {
        self.steps as f64 * STEP_S
    }

    /// The demand moves to another level every half to two and a half minutes; the valve follows it.
    fn load(&mut self) {
        self.demand_holds_s -= STEP_S;
        if self.demand_holds_s <= 0.0 {
            let (lo, hi) = self.profile.demand(self.time_s());
            self.demand = noise::uniform(&mut self.rng, lo, hi);
            self.demand_holds_s = noise::uniform(&mut self.rng, 30.0, 150.0);
        }
        self.valve.step(self.demand);
        let wanders = [
            &mut self.wander,
            &mut self.supply,
            &mut self.tank,
            &mut self.weather,
            &mut self.tremor_h,
            &mut self.tremor_v,
        ];
        for wander in wanders {
            wander.step(&mut self.rng);
        }
    }

    /// The working point: head curve a·n² − b·Q² against the system's static head and a valve's (k/u²)·Q².
    fn hydraulics(&mut self) {
        let opening = (self.valve.at + self.wander.at).clamp(0.4, 1.0);
        let turn = self.speed_rpm / 1480.0;
        let lost_head = 1.0 - 0.06 * self.cavitation;
        let shut_off_m = 42.0 * turn * turn * lost_head;
        let (static_m, valve_m) = (10.0, 0.0034 / (opening * opening));
        self.flow_m3_h = ((shut_off_m - static_m).max(0.0) / (0.0011 + valve_m)).sqrt();
        let square = self.flow_m3_h * self.flow_m3_h;
        let head_m = shut_off_m - 0.0011 * square;
        self.suction_bar = 0.80 + self.tank.at - 2.0e-5 * square - 0.30 * self.cavitation;
        self.discharge_bar = self.suction_bar + BAR_PER_M * head_m;
        // Best efficiency at 72 m3/h; a cavitating pump wastes some.
        let off_best = (self.flow_m3_h - 72.0) / 72.0;
        let efficiency = (0.74 - 0.5 * off_best * off_best) * (1.0 - 0.04 * self.cavitation);
        let hydraulic_kw = self.flow_m3_h / 3600.0 * head_m * 9.81;
        let shaft_kw = hydraulic_kw / efficiency.max(0.2) + 0.35 + 0.25 * self.wear;
        let active_a = shaft_kw / 0.91 * 1000.0 / (3.0_f64.sqrt() * self.voltage_v);
        let magnetising_a = 10.0 * self.voltage_v / 400.0;
        self.current_a = active_a.hypot(magnetising_a);
        self.speed_rpm = SYNCHRONOUS_RPM - 24.0 * shaft_kw / RATED_KW;
    }

    /// Temperatures towards which drive-end bearing, other bearing and winding tend, Cel.
    fn heat(&self) -> [f64; 3] {
        let load = self.current_a / 25.0;
        [
            self.ambient_cel + 22.0 + 9.0 * load + 12.0 * self.wear,
            self.ambient_cel + 18.0 + 7.0 * load + 1.0 * self.wear,
            self.ambient_cel + 15.0 + 38.0 * load * load,
        ]
    }

    /// Vibration velocity, RMS: unbalance and flow, a tremor, and the faults' shares, which add as powers do.
    fn vibrate(&mut self) {
        let off_best = (self.flow_m3_h - 72.0) / 72.0;
        let healthy = 1.5 + 2.2 * off_best.abs() + 0.004 * (self.flow_m3_h - 60.0);
        let with = |base: f64, wear: f64, cavitation: f64, tremor: f64| {
            (base * base + (wear * self.wear).powi(2) + (cavitation * self.cavitation).powi(2)).sqrt() * (1.0 + tremor)
        };
        self.vibration_h_mm_s = with(healthy, 3.2, 1.8, self.tremor_h.at);
        self.vibration_v_mm_s = with(0.8 * healthy, 2.4, 1.6, self.tremor_v.at);
    }
}
