//! Load sharing: each unit's cost curve learnt from noisy readings, and the demand dispatched at equal incremental cost.
//!
//! A unit's cost rate is a convex parabola of its power, kept by recursive least squares with slow forgetting and a weak
//! prior. Powers are taken as the setpoints behind a lag, chosen from a few by the readings: regression on the noisy readings
//! themselves would flatten the curves. The demand is split where one more unit of power costs the same everywhere, within
//! limits (lambda iteration: Wood and Wollenberg, *Power Generation, Operation, and Control*, 1996, chapter 3); a slow swing,
//! as wide as the split is uncertain, keeps the curves known.
//!
//! The last mile: whenever the setpoints can meet the demand within limits and slew, their sum is the demand; the
//! split moves so slowly that lags of different units hardly show. Units that steadily deliver other than told, by more than
//! their meters' noise explains, are made up for.

use crate::bytes::{Bytes, ForeignState};
use crate::climb::{Observation, Reason, Setpoint, Target};
use crate::curve::Curve;
use crate::surface::Settings;

/// Lags that a unit may have, as shares of the settling time; the first is none.
const LAGS: [f64; 6] = [0.0, 0.04, 0.08, 0.16, 0.32, 0.64];
/// Settling times after which a reading of the power counts 1/e, for lag and offset.
const MEMORY: f64 = 60.0;
/// Readings of every unit before the first split of our own.
const REST: u64 = 20;
/// Share of `step` of a range that the split moves in a settling time. At three per cent of a range in two minutes, a lag of
/// half a minute more than the others' is worth less than a per cent of that range.
const SLOWNESS: f64 = 0.2;
/// Settling times that a swing takes.
const SWING: f64 = 6.0;
/// The widest swing, as a share of a range.
const WIDEST: f64 = 0.1;
/// Share of a range that a plan may be off what is applied: more than a deadband, little enough for the sum not to suffer
/// where a guard holds a unit back.
const SLACK: f64 = 0.005;
/// A reading is off its setpoint by so many ranges at most.
const BEYOND: f64 = 10.0;
/// Steady differences below so many of their standard deviations are the meters' noise.
const SIGNIFICANT: f64 = 4.0;

/// One unit.
#[derive(Debug, Clone, PartialEq)]
struct Unit {
    setpoint: Setpoint,
    /// In the setpoint's unit a second; none where it may jump.
    slew_per_s: Option<f64>,
    curve: Curve,
    /// The setpoint behind each lag.
    lagged: [f64; LAGS.len()],
    /// The mean squared difference of the reading from each, and its mean.
    errors: [f64; LAGS.len()],
    offsets: [f64; LAGS.len()],
    /// Weight of the readings so far, at most the memory's.
    readings: f64,
    /// Where it is to go.
    plan: f64,
    /// Half-width of its swing.
    swing: f64,
    /// It stands where it was and not where it should go: something holds it back, and the others make up for it.
    stuck: bool,
}

/// The method's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    units: Vec<Unit>,
    settings: Settings,
    /// The narrowest swing, as a share of a range.
    excitation: f64,
    time_s: Option<f64>,
    seen: u64,
    phase: f64,
}

impl Unit {
    fn new(setpoint: Setpoint, slew_per_s: Option<f64>) -> Self {
        Self {
            setpoint,
            slew_per_s,
            curve: Curve::new(setpoint),
            lagged: [0.0; LAGS.len()],
            errors: [0.0; LAGS.len()],
            offsets: [0.0; LAGS.len()],
            readings: 0.0,
            plan: 0.0,
            swing: 0.0,
            stuck: false,
        }
    }

    fn range(&self) -> f64 {
        self.setpoint.upper - self.setpoint.lower
    }

    /// Moves the lags on, and holds them against a reading.
    fn follow(&mut self, applied: f64, reading: Option<f64>, dt: f64) {
        for (lagged, lag) in self.lagged.iter_mut().zip(LAGS) {
            let share = if lag > 0.0 { 1.0 - (-dt / lag).exp() } else { 1.0 };
            *lagged += share * (applied - *lagged);
        }
        // A number beyond all measure is not one to learn from.
        let Some(reading) = reading.filter(|power| (power - applied).abs() < BEYOND * self.range()) else { return };
        self.readings = self.readings * (-dt / MEMORY).exp() + 1.0;
        let rate = 1.0 / self.readings;
        for ((lagged, error), offset) in self.lagged.iter().zip(&mut self.errors).zip(&mut self.offsets) {
            let off = reading - lagged;
            *error += rate * (off * off - *error);
            *offset += rate * (off - *offset);
        }
    }

    /// The lag that explains the readings best.
    fn best(&self) -> usize {
        let better = |a: &usize, b: &usize| {
            let error = |i: &usize| self.errors.get(*i).copied().unwrap_or(f64::INFINITY);
            error(a).total_cmp(&error(b))
        };
        (0..LAGS.len()).min_by(better).unwrap_or(0)
    }

    /// What it steadily delivers beyond its setpoint, as far as the meter's noise does not explain it.
    fn offset(&self) -> f64 {
        let best = self.best();
        let (offset, error) = (self.offsets[best], self.errors[best]);
        let doubt = SIGNIFICANT * (error / self.readings.max(1.0)).sqrt();
        offset.signum() * (offset.abs() - doubt).max(0.0)
    }

    /// Its power, without the meter's noise.
    fn power(&self) -> f64 {
        self.lagged[self.best()] + self.offset()
    }
}

impl Share {
    /// For units' setpoints with their slew, and the narrowest swing as a share of their ranges.
    pub fn new(setpoints: Vec<(Setpoint, Option<f64>)>, settings: Settings, excitation: f64) -> Self {
        let units = setpoints.into_iter().map(|(setpoint, slew)| Unit::new(setpoint, slew)).collect();
        Self { units, settings, excitation, time_s: None, seen: 0, phase: 0.0 }
    }

    /// Takes one observation that has a demand, and plans the split.
    pub fn observe(&mut self, seen: &Observation) {
        let Some(demand) = seen.demand else { return };
        let first = self.time_s.is_none();
        let dt_s = self.time_s.map_or(0.0, |before| (seen.time_s - before).max(0.0));
        self.time_s = Some(seen.time_s);
        let dt = dt_s / self.settings.settling_s;
        // What the setpoints did in a long silence is unknown: the lags start anew where they are.
        let silent = first || dt > 1.0;
        for (i, (unit, applied)) in self.units.iter_mut().zip(&seen.applied).enumerate() {
            if silent {
                (unit.lagged, unit.plan, unit.swing) = ([*applied; LAGS.len()], *applied, 0.0);
            }
            let still = (applied - unit.lagged[0]).abs() <= 1e-9 * unit.range();
            unit.stuck = still && (unit.plan - applied).abs() > 0.5 * SLACK * unit.range();
            unit.follow(*applied, seen.powers.get(i).copied().flatten(), dt.min(1.0));
            if let Some(cost) = seen.costs.get(i).copied().flatten() {
                unit.curve.learn(unit.power(), cost, dt.min(1.0));
            }
        }
        self.seen += 1;
        let dt_s = dt_s.min(self.settings.settling_s);
        self.phase = (self.phase + std::f64::consts::TAU * dt.min(1.0) / SWING) % std::f64::consts::TAU;
        self.plan(demand, seen, dt_s);
    }

    /// Splits the demand.
    fn plan(&mut self, demand: f64, seen: &Observation, dt_s: f64) {
        let dt = dt_s / self.settings.settling_s;
        let trim: f64 = self.units.iter().map(Unit::offset).sum();
        let demand = demand - trim.clamp(-0.05 * demand.abs(), 0.05 * demand.abs());
        let held = |i: usize| seen.holds.get(i).is_some_and(|hold| hold.follow);
        // A plan does not run away from what is applied.
        for (i, (unit, applied)) in self.units.iter_mut().zip(&seen.applied).enumerate() {
            let slack = if held(i) || unit.stuck { 0.0 } else { SLACK * unit.range() };
            unit.plan = unit.plan.max(applied - slack).min(applied + slack);
            if held(i) {
                unit.swing = 0.0;
            }
        }
        let known = self.seen > REST && self.units.iter().all(|unit| unit.curve.readings() >= REST as f64);
        let slopes = self.slopes(dt, known);
        // What the demand changed is shared at once, by the curvatures; beyond that the split moves slowly.
        let wide: Vec<(f64, f64)> = (0..self.units.len()).map(|i| self.reach(i, seen, dt_s, held(i))).collect();
        let stiff: Vec<Line> = self.units.iter().zip(&slopes).map(|(unit, line)| line.through(unit.plan)).collect();
        let moved = equal_increments(&stiff, &wide, demand);
        let narrow: Vec<(f64, f64)> = self
            .units
            .iter()
            .zip(moved.iter().zip(&wide))
            .map(|(unit, (moved, (lo, hi)))| {
                let most = SLOWNESS * self.settings.step * unit.range() * dt;
                ((moved - most).max(*lo), (moved + most).min(*hi))
            })
            .collect();
        let planned_split = if known { equal_increments(&slopes, &narrow, demand) } else { moved };
        self.units.iter_mut().zip(planned_split).for_each(|(unit, plan)| unit.plan = plan);
    }

    /// Each unit's incremental cost as a line of its power, its swing in it.
    fn slopes(&mut self, dt: f64, known: bool) -> Vec<Line> {
        let count = self.units.len() as f64;
        let (phase, excitation) = (self.phase, self.excitation);
        let swung = |(i, unit): (usize, &mut Unit)| {
            if !known {
                return Line { at_zero: 0.0, bend: 1.0 / unit.range() };
            }
            let (at_zero, bend) = unit.curve.incremental();
            let doubt = unit.curve.doubt(unit.plan) / bend;
            let wide = doubt.clamp(excitation * unit.range(), WIDEST.max(excitation) * unit.range());
            unit.swing += (wide - unit.swing) * (1.0 - (-dt).exp());
            let swing = unit.swing * (phase + std::f64::consts::TAU * i as f64 / count).sin();
            Line { at_zero: at_zero - bend * swing, bend }
        };
        self.units.iter_mut().enumerate().map(swung).collect()
    }

    /// Where a unit can be at the next scan.
    fn reach(&self, i: usize, seen: &Observation, dt_s: f64, held: bool) -> (f64, f64) {
        let (Some(unit), Some(applied)) = (self.units.get(i), seen.applied.get(i)) else { return (0.0, 0.0) };
        let most = unit.slew_per_s.map_or(f64::INFINITY, |slew| slew * dt_s);
        let (lo, hi) = (unit.setpoint.lower, unit.setpoint.upper);
        if held || unit.stuck {
            (*applied, *applied)
        } else {
            ((applied - most).clamp(lo, hi), (applied + most).clamp(lo, hi))
        }
    }

    /// The split; none before the first observation.
    pub fn target(&self) -> Option<Target> {
        self.time_s?;
        let known = self.units.iter().all(|unit| unit.curve.readings() >= REST as f64);
        let confident = |unit: &Unit| {
            let (_, bend) = unit.curve.incremental();
            1.0 / (1.0 + unit.curve.doubt(unit.plan) / (bend * unit.range()))
        };
        let least = self.units.iter().map(confident).fold(1.0, f64::min);
        Some(Target {
            values: self.units.iter().map(|unit| unit.plan).collect(),
            confidence: if known && least.is_finite() { least } else { 0.0 },
            reason: if known { Reason::Climb } else { Reason::Learn },
        })
    }

    /// Its fields, for saving and restoring.
    pub fn bytes(&mut self, io: &mut Bytes<'_>) -> Result<(), ForeignState> {
        io.same(self.units.len() as u64)?;
        io.maybe(&mut self.time_s)?;
        io.count(&mut self.seen)?;
        io.number(&mut self.phase)?;
        for unit in &mut self.units {
            unit.curve.bytes(io)?;
            io.numbers(unit.lagged.iter_mut().chain(&mut unit.errors).chain(&mut unit.offsets))?;
            io.numbers([&mut unit.readings, &mut unit.plan, &mut unit.swing])?;
        }
        Ok(())
    }
}

/// An incremental cost: at no power, and its rise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Money for one more at power 0.
    pub at_zero: f64,
    /// Its rise with the power, above 0.
    pub bend: f64,
}

impl Line {
    /// As steep, and zero at a power.
    fn through(self, power: f64) -> Self {
        Self { at_zero: -self.bend * power, ..self }
    }
}

/// The powers within their bounds at which one more costs the same for all that are not at a bound, and whose sum is `demand`
/// or as near to it as the bounds let.
pub fn equal_increments(lines: &[Line], bounds: &[(f64, f64)], demand: f64) -> Vec<f64> {
    let at = |(line, (lo, hi)): (&Line, &(f64, f64)), increment: f64| {
        ((increment - line.at_zero) / line.bend).max(*lo).min(*hi)
    };
    let powers = |increment: f64| lines.iter().zip(bounds).map(|both| at(both, increment)).collect::<Vec<f64>>();
    let edge = |pick: fn(f64, f64) -> f64, from: f64, of: fn(&(f64, f64)) -> f64| {
        lines.iter().zip(bounds).map(|(line, bound)| line.at_zero + line.bend * of(bound)).fold(from, pick)
    };
    let mut lo = edge(f64::min, f64::INFINITY, |bound| bound.0);
    let mut hi = edge(f64::max, f64::NEG_INFINITY, |bound| bound.1);
    // 60 halvings use up the digits that matter.
    for _ in 0..60 {
        let mid = 0.5 * (lo + hi);
        if powers(mid).iter().sum::<f64>() < demand { lo = mid } else { hi = mid }
    }
    powers(0.5 * (lo + hi))
}
