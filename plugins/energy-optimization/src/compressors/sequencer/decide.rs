//! From what is known to wishes: what to reckon with, when to plan, what to choose.

use super::ahead::Reckoned;
use super::edges::Moments;
use super::margins::Reserve;
use super::{Memory, Observation, Planned, Reason, Sequencer, Standing, Wish};
use crate::compressors::model::Model;
use crate::compressors::plan::{Doubt, HORIZON_S, Now, Outlook};

/// Length of a forecast's steps, in seconds.
const FORECAST_S: f64 = 60.0;
/// A plan's costs-to-go serve for so long, in seconds: with the demand known, and with a forecast.
const PLAN_S: (f64, f64) = (600.0, 300.0);
/// A demand leaves its forecast for one side once in such a time, and is back after the second, in seconds.
const LEAVE_S: f64 = 1800.0;
/// One that lately was elsewhere goes back there in such a time, in seconds; no further down than by this share of what all
/// machines give.
const COMES_BACK_S: f64 = 900.0;
const MOST_PASSING: f64 = 0.18;
const RETURN_S: f64 = 720.0;
/// So much further a plan and what is reckoned with now have to agree, in stages.
const AGREE: usize = 6;
/// A level that has left what was reckoned with by more than this is a step: m³/min, and a share.
const STEP: (f64, f64) = (0.5, 0.1);
/// So far from a plan's course the pressure calls for a new one, in bar.
const ASTRAY_BAR: f64 = 0.08;
/// Where all that a choice lets run would miss its pressure by so much, the demand has outgrown it, in bar.
const SHORT_BAR: f64 = 0.02;

impl Sequencer {
    /// What to reckon with.
    fn reckon(&mut self, seen: &Observation<'_>, level: f64, step: bool) -> Reckoned {
        if let Some(ahead) = seen.ahead
            && ahead.mean(seen.time_s, seen.time_s + 2.0 * self.call_s).is_some()
            && ahead.values.iter().all(|value| value.is_finite() && *value >= 0.0)
        {
            let correction = self.memory.trust.correction(level);
            return Reckoned {
                start_s: ahead.start_s,
                step_s: ahead.step_s,
                means: ahead.values.iter().map(|value| (value + correction).max(0.0)).collect(),
                is_known: correction == 0.0,
            };
        }
        let fresh = |old: &Reckoned| !step && !old.is_known && seen.time_s < old.start_s + FORECAST_S - 1e-6;
        if let Some(old) = self.standing.as_ref().map(|standing| &standing.reckoned).filter(|old| fresh(old)) {
            return old.clone();
        }
        let mut means = self.memory.past.ahead(seen.time_s, FORECAST_S, (HORIZON_S / FORECAST_S) as usize);
        // The next two minutes are as the last readings, whatever is usual.
        means.iter_mut().take(2).for_each(|mean| *mean = level);
        Reckoned { start_s: seen.time_s, step_s: FORECAST_S, means, is_known: false }
    }

    /// What to wish at this pressure, in bar, and this demand, in m³/min.
    pub(super) fn decide(&mut self, seen: &Observation<'_>, bar: f64, level: f64) -> Vec<Wish> {
        let now_s = seen.time_s;
        let bits = (0_u8..).zip(&self.refusals);
        let absent = bits.filter(|(_, refusal)| refusal.holds(now_s)).fold(0, |bits, (which, _)| bits | 1 << which);
        let since: Vec<(bool, f64)> = self.memory.since.iter().map(|(on, s)| (*on, now_s - s)).collect();
        self.settle(seen, Now { time_s: now_s, since: &since, bar }, level, absent);
        let Some(standing) = &self.standing else { return Vec::new() };
        let mut values = self.commands(standing, now_s, bar, level);
        self.probe(&mut values, now_s);
        let margin_bar = if standing.reckoned.is_known { self.margins_bar.0 } else { self.margins_bar.1 };
        let moments = Moments {
            site: &self.site,
            model: &self.memory.model,
            since: &since,
            call_s: self.call_s,
            bar,
            drawn: self.drawn_soon(standing, seen, level),
            absent,
            edge_bar: 0.5 * margin_bar,
        };
        let changed = moments.guard(&mut values);
        if let Some(standing) = &mut self.standing {
            // A machine that was called stays until the next choice.
            standing.choice.on |= changed.called;
            standing.choice.loaded |= changed.called & !(1 << self.site.fixed.len());
        }
        let reason = if changed.anything { Reason::Edge } else { Reason::Plan };
        values.into_iter().enumerate().map(|(machine, value)| Wish { machine, value, reason }).collect()
    }

    /// Sees to it that a plan serves and a choice stands, where there can be one.
    fn settle(&mut self, seen: &Observation<'_>, now: Now<'_>, level: f64, absent: u8) {
        let now_s = now.time_s;
        let step = self.standing.as_ref().is_some_and(|standing| {
            let was = standing.reckoned.mean(now_s, now_s + 1.0);
            !standing.reckoned.is_known && (level - was).abs() > STEP.0 + STEP.1 * was
        });
        let reckoned = self.reckon(seen, level, step);
        let reserve = Reserve {
            site: &self.site,
            model: &self.memory.model,
            steps: &self.memory.steps,
            bars: self.margins_bar,
            is_known: reckoned.is_known,
            call_s: self.call_s,
        };
        let outlook = Outlook {
            demand: &|from_s, to_s| reckoned.mean(from_s, to_s),
            margins: &|machines, demand, time_s| reserve.of(machines, demand, time_s),
            absent,
            doubt: (!reckoned.is_known).then(|| doubt(&self.memory, level, reserve.all())),
        };
        let model = self.memory.model.hopeful();
        let stage_s = self.planner.step_s();
        let plan_s = if reckoned.is_known { PLAN_S.0 } else { PLAN_S.1 };
        let serves = self.planned.as_ref().is_some_and(|planned| {
            planned.absent == absent
                && now_s - planned.made_s < plan_s - 1e-6
                && self.planner.reaches(now_s) > 1
                && planned.reckoned.agrees(&reckoned, now_s, stage_s, AGREE)
        });
        if !serves {
            self.planner.plan(&model, now_s, &outlook);
            self.planned = Some(Planned { made_s: now_s, absent, reckoned: reckoned.clone() });
        }
        let outgrown = self.standing.as_ref().is_some_and(|standing| {
            !reckoned.is_known && standing.short(&self.memory.model, now_s, now.bar, level) > SHORT_BAR
        });
        let stands = self.standing.take().filter(|standing| {
            !step
                && !outgrown
                && standing.choice.on & absent == 0
                && now_s < standing.choice.until_s - 1e-6
                && (now.bar - standing.course(now_s)).abs() < ASTRAY_BAR
        });
        self.standing = match stands {
            Some(standing) => Some(Standing { reckoned, ..standing }),
            None => {
                let choice = self.planner.choose(&model, now, &outlook);
                choice.map(|choice| Standing { made_s: now_s, from_bar: now.bar, choice, reckoned })
            }
        };
    }
}

/// How the demand may leave its forecast: by what is usual, and sooner to where it came from lately.
fn doubt(memory: &Memory, level: f64, all: f64) -> Doubt {
    let usual = memory.steps.usual(level, all);
    let side = |back: f64| if back > usual { (back, COMES_BACK_S) } else { (usual, LEAVE_S) };
    // What rose by more than a consumer or two has come to stay.
    let risen = memory.past.off().min(MOST_PASSING * all);
    Doubt { above: side(-memory.past.off()), below: side(risen), return_s: RETURN_S }
}

impl Standing {
    /// Where the pressure is to be, in bar.
    pub(super) fn course(&self, now_s: f64) -> f64 {
        let share = (now_s - self.made_s) / (self.choice.until_s - self.made_s).max(1.0);
        self.from_bar + (self.choice.target_bar - self.from_bar) * share.clamp(0.0, 1.0)
    }

    /// By how much the pressure will miss its aim at the stage's end if this is drawn and all that is to run gives all it can,
    /// in bar. A choice that is kept all the same spends the reserve on a step that is seen already, and the next one finds
    /// nothing of it.
    pub(super) fn short(&self, model: &Model, now_s: f64, bar: f64, drawn: f64) -> f64 {
        let choice = &self.choice;
        let gives = |which: usize| choice.loaded & (1 << which) != 0 || choice.modulated == Some(which);
        let fixed = model.fixed.iter().enumerate().filter(|(which, _)| gives(*which));
        let variable = if choice.on & (1 << model.fixed.len()) != 0 { model.variable.flows().1 } else { 0.0 };
        let given = variable + fixed.map(|(_, machine)| machine.flow()).sum::<f64>();
        let left_s = (choice.until_s - now_s).max(0.0);
        choice.target_bar - bar - (given - drawn) * left_s / 60.0 / model.volume_m3
    }
}
