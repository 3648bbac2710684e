//! Three screw compressors: what they deliver, draw and refuse.
//!
//! The figures are those of oil-injected screw machines at 7 bar: 6 to 7 kW for each m³/min (CAGI data sheets of the
//! 37, 55 and 75 kW classes), 25 to 35 % of full power while unloaded, and some 6 to 7 % more power for each bar
//! (US DOE, *Improving Compressed Air System Performance: A Sourcebook for Industry*, 3rd edition, 2016). Six to ten
//! starts an hour are what motors of this size permit. A variable-speed machine is at its best between half and
//! three quarters of its speed and worse at both ends. Flow is free air delivered.

use crate::noise;

/// Money for a kWh.
pub const PRICE: f64 = 0.20;
/// A machine draws so much more for each bar above [`RATED_BAR`], as a share.
pub const POWER_PER_BAR: f64 = 0.06;
/// Where powers are rated.
pub const RATED_BAR: f64 = 7.0;
/// What must never be left, in bar.
pub const BAND_BAR: (f64, f64) = (6.5, 7.5);
/// Receiver and network, in m³, as the site's papers say.
pub const VOLUME_M3: f64 = 20.0;
/// Free air in a m³ of volume for each bar: the atmosphere's pressure is 1 bar here, and temperature stays.
pub const AIR_PER_BAR: f64 = 1.0;

/// A machine that runs at one speed, loaded or unloaded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fixed {
    /// Delivered while loaded, in m³/min.
    pub flow: f64,
    /// Drawn while loaded at [`RATED_BAR`], in kW.
    pub power_kw: f64,
    /// Drawn while unloaded, as a share of `power_kw`.
    pub idle_share: f64,
    /// When it starts and stops.
    pub rules: Rules,
}

/// A machine whose speed can be set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variable {
    /// Delivered at full speed, in m³/min.
    pub flow: f64,
    /// The lowest flow, as a share of `flow`.
    pub least_share: f64,
    /// Drawn at full speed and [`RATED_BAR`], in kW.
    pub power_kw: f64,
    /// Share of full power at the share x of full flow: `curve[0]` + `curve[1]`·x + `curve[2]`·x².
    pub curve: [f64; 3],
    /// Drawn while it runs and delivers nothing, as a share of `power_kw`.
    pub idle_share: f64,
    /// When it starts and stops.
    pub rules: Rules,
}

/// What a machine's own controller sees to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// A stop sooner after the start is put off: it runs unloaded until then.
    pub least_run_s: f64,
    /// A start sooner after the stop is put off.
    pub least_off_s: f64,
    /// From the start until it can deliver: it runs unloaded.
    pub start_s: f64,
    /// What a start costs in wear, in money.
    pub start_cost: f64,
}

/// All three.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Machines {
    /// `a`, the large one, and `b`.
    pub fixed: [Fixed; 2],
    /// `c`.
    pub variable: Variable,
    /// In m³.
    pub volume_m3: f64,
}

/// As their plates and the site's papers say.
pub const NAMEPLATE: Machines = Machines {
    fixed: [
        Fixed {
            flow: 12.0,
            power_kw: 74.5,
            idle_share: 0.30,
            rules: Rules { least_run_s: 360.0, least_off_s: 240.0, start_s: 10.0, start_cost: 1.0 },
        },
        Fixed {
            flow: 6.0,
            power_kw: 39.0,
            idle_share: 0.32,
            rules: Rules { least_run_s: 240.0, least_off_s: 240.0, start_s: 10.0, start_cost: 0.6 },
        },
    ],
    variable: Variable {
        flow: 10.0,
        least_share: 0.3,
        power_kw: 68.0,
        curve: [0.08, 0.75, 0.17],
        idle_share: 0.25,
        rules: Rules { least_run_s: 120.0, least_off_s: 120.0, start_s: 5.0, start_cost: 0.2 },
    },
    volume_m3: VOLUME_M3,
};

/// The machines as they stand there: each differs from its plate by a few percent.
pub fn machines(seed: u64) -> Machines {
    let mut rng = noise::stream(seed, super::MACHINE_STREAM, 0);
    let mut off = |spread: f64| 1.0 + noise::uniform(&mut rng, -spread, spread);
    let mut real = NAMEPLATE;
    for fixed in &mut real.fixed {
        fixed.flow *= off(0.03);
        fixed.power_kw *= off(0.03);
        fixed.idle_share *= off(0.08);
    }
    let variable = &mut real.variable;
    variable.flow *= off(0.03);
    variable.power_kw *= off(0.03);
    variable.curve[0] *= off(0.15);
    variable.curve[2] *= off(0.15);
    real.volume_m3 *= off(0.05);
    real
}

/// How power at this pressure relates to power at [`RATED_BAR`].
pub fn pressure_factor(bar: f64) -> f64 {
    1.0 + POWER_PER_BAR * (bar - RATED_BAR)
}

impl Fixed {
    /// In kW while unloaded.
    pub fn idle_kw(&self) -> f64 {
        self.idle_share * self.power_kw
    }
}

impl Variable {
    /// The lowest flow, in m³/min.
    pub fn least_flow(&self) -> f64 {
        self.least_share * self.flow
    }

    /// In kW at this flow and [`RATED_BAR`].
    pub fn power_kw_at(&self, flow: f64) -> f64 {
        let x = flow / self.flow;
        self.power_kw * (self.curve[0] + self.curve[1] * x + self.curve[2] * x * x)
    }

    /// In kW while it delivers nothing.
    pub fn idle_kw(&self) -> f64 {
        self.idle_share * self.power_kw
    }
}

/// A machine that starts and stops by its [`Rules`].
///
/// ```text
///        wanted, off for least_off_s
/// Off ───────────────────────────────► On (unloaded for start_s, then as told)
///  ▲                                    │
///  └────────────────────────────────────┘
///      unwanted, on for least_run_s
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Motor {
    pub(super) on: bool,
    /// In this state since, in seconds; long ago at the run's start.
    pub(super) for_s: f64,
}

impl Motor {
    pub(super) fn new(on: bool) -> Self {
        Self { on, for_s: 3600.0 }
    }

    /// Lets a step pass in which running is wanted or not; whether it delivers if told to.
    pub(super) fn step(&mut self, rules: &Rules, wanted: bool, step_s: f64) -> bool {
        let (least_s, change) = match self.on {
            true => (rules.least_run_s, !wanted),
            false => (rules.least_off_s, wanted),
        };
        // Sums of 0.1 s are off by less than this.
        if change && self.for_s >= least_s - 1e-6 {
            (self.on, self.for_s) = (!self.on, 0.0);
        }
        let ready = self.on && self.for_s >= rules.start_s - 1e-6;
        self.for_s += step_s;
        ready
    }

    /// Money a second that a start costs: it is spread over the time until the machine can deliver.
    pub(super) fn start_rate(&self, rules: &Rules, step_s: f64) -> f64 {
        let starting = self.on && self.for_s - step_s < rules.start_s - 1e-6;
        if starting { rules.start_cost / rules.start_s } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specific_powers_are_those_of_screw_machines() {
        for fixed in NAMEPLATE.fixed {
            let specific = fixed.power_kw / fixed.flow;
            assert!((6.0..7.0).contains(&specific), "{specific}");
        }
        let c = NAMEPLATE.variable;
        let specific = |x: f64| c.power_kw_at(x * c.flow) / (x * c.flow);
        assert!((specific(1.0) - 6.8).abs() < 1e-9);
        assert!(specific(0.68) < specific(1.0) && specific(0.68) < specific(0.3));
        assert!(specific(0.3) < 7.5);
    }

    #[test]
    fn seeds_differ_by_a_few_percent() {
        for seed in 0..50 {
            let real = machines(seed);
            let ratios = [
                real.fixed[0].flow / NAMEPLATE.fixed[0].flow,
                real.variable.power_kw / NAMEPLATE.variable.power_kw,
                real.volume_m3 / VOLUME_M3,
            ];
            assert!(ratios.iter().all(|r| (0.95..=1.05).contains(r)), "seed {seed}: {ratios:?}");
        }
        assert_ne!(machines(1), machines(2));
        assert_eq!(machines(1), machines(1));
    }

    #[test]
    fn a_motor_keeps_its_least_times() {
        let rules = Rules { least_run_s: 1.0, least_off_s: 0.5, start_s: 0.2, start_cost: 1.0 };
        let mut motor = Motor::new(false);
        let mut paid = 0.0;
        let mut step = |wanted| {
            let ready = motor.step(&rules, wanted, 0.1);
            paid += 0.1 * motor.start_rate(&rules, 0.1);
            (motor.on, ready)
        };
        assert_eq!(step(true), (true, false));
        assert_eq!(step(true), (true, false));
        assert_eq!(step(true), (true, true));
        // A stop at once is put off to the tenth step.
        let on = (0..20).take_while(|_| step(false).0).count();
        assert_eq!(on, 7);
        let off = (0..20).take_while(|_| !step(true).0).count();
        assert_eq!(off, 4);
        assert!((paid - 1.5).abs() < 1e-9, "{paid}");
    }
}
