//! Observations in, wishes out: plans every minute, trims the variable machine at every call, and acts at once at the
//! band's edges.

use serde::{Deserialize, Serialize};

use super::demand::Past;
use super::model::{Model, Seen};
use super::plan::{Choice, Planner, STAGE_S, STAGES};
use super::plate::Site;

/// Between two plans, in seconds; a demand that has left the plan's calls for one at once.
const REPLAN_S: f64 = 60.0;
/// So long the pressure is reckoned from flows while its reading is bad, in seconds.
const RECKON_S: f64 = 60.0;
/// Longer without an observation, and nothing is known of the machines' timers.
const GAP_S: f64 = 300.0;
/// A variable machine's trim aims no nearer ahead than this, in seconds: readings are noisy.
const AIM_S: f64 = 60.0;
/// So far ahead the band's edges are watched, in seconds: a start and two calls.
const WATCH_S: f64 = 30.0;
/// A step of demand that nobody foresaw, as a share of what all machines give.
const STEP_SHARE: f64 = 0.4;
/// From such a step until another machine gives air, in seconds: a call and a start.
const REACTION_S: f64 = 22.0;
/// So near to an edge, in shares of the band, it acts at once.
const EDGE: f64 = 0.04;

/// Commands of a fixed machine.
const OFF: f64 = 0.0;
const UNLOADED: f64 = 1.0;
const LOADED: f64 = 2.0;
/// Gives a machine back to its own pressure switch, where its output allows it.
const LOCAL: f64 = -1.0;

/// A meter may read so much more than the plates' flows together.
const FLOW_MARGIN: f64 = 1.15;

/// What a call is told. Lists are in the machines' order, the variable one last.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// Run time of the row; it must not fall.
    pub time_s: f64,
    /// In the receiver, in bar; none where the reading is bad.
    pub pressure_bar: Option<f64>,
    /// Drawn, in m³/min.
    pub flow: Option<f64>,
    /// Each machine's power, in kW; may be empty.
    pub powers_kw: &'a [Option<f64>],
    /// Each machine's state: 0 off, 1 unloaded, 2 loaded.
    pub states: &'a [Option<f64>],
    /// Whether it may propose anything.
    pub permit: bool,
    /// The demand, where it is known.
    pub ahead: Option<Ahead<'a>>,
}

/// A demand that is known ahead.
#[derive(Debug, Clone, Copy)]
pub struct Ahead<'a> {
    /// Run time at which its first value begins.
    pub start_s: f64,
    /// How long each value holds, in seconds.
    pub step_s: f64,
    /// Means in m³/min.
    pub values: &'a [f64],
}

/// What became of an output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State {
    /// In force.
    pub applied: Option<f64>,
    /// Nothing that is proposed is applied.
    pub blocked: bool,
    /// Propose what is applied.
    pub initialise: bool,
    /// The output's lower limit: below zero it takes a command for the machine's own switch.
    pub lowest: f64,
}

/// Why something is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Control was just handed over.
    Follow,
    /// As planned.
    Plan,
    /// The pressure nears an edge.
    Edge,
    /// The pressure is unknown: the machine's own switch knows better.
    Blind,
}

/// A setpoint that it would like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// In the machines' order.
    pub machine: usize,
    /// 0 off, 1 unloaded, 2 loaded, or the share of full flow; below 0 the machine's own switch.
    pub value: f64,
    /// For the operator.
    pub reason: Reason,
}

/// What is kept of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Memory {
    model: Model,
    past: Past,
    /// On or off since when, in run time.
    since: Vec<(bool, f64)>,
    last_s: Option<f64>,
    pressure_s: Option<f64>,
    last_flow: Option<f64>,
}

/// The plan in force.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Standing {
    made_s: f64,
    /// Of its first stage, in m³/min.
    demand: f64,
    /// Pressure when it was made, in bar.
    from_bar: f64,
    choice: Choice,
}

/// One station's sequencer.
#[derive(Debug, Clone)]
pub struct Sequencer {
    site: Site,
    memory: Memory,
    planner: Planner,
    standing: Option<Standing>,
    /// Distance that plans keep from the band's edges, in bar: with the demand known, and with a forecast.
    margins_bar: (f64, f64),
    /// Between the last two calls, in seconds.
    call_s: f64,
}

/// The bytes are not a state of this station.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the saved state is of other machines, or damaged")]
pub struct ForeignState;

impl Sequencer {
    /// For this station.
    pub fn new(site: Site) -> Self {
        let machines = site.fixed.len() + 1;
        let memory = Memory {
            model: Model::new(&site),
            past: Past::default(),
            since: vec![(false, f64::NEG_INFINITY); machines],
            last_s: None,
            pressure_s: None,
            last_flow: None,
        };
        let width = site.band_bar.1 - site.band_bar.0;
        let planner = Planner::new(&site);
        Self { site, memory, planner, standing: None, margins_bar: (0.07 * width, 0.06 * width), call_s: 10.0 }
    }

    /// With other margins, in bar: where the demand is known, and where it is forecast.
    #[must_use]
    pub fn with_margins(self, known_bar: f64, forecast_bar: f64) -> Self {
        Self { margins_bar: (known_bar, forecast_bar), ..self }
    }

    /// What it knows of the machines.
    pub fn model(&self) -> &Model {
        &self.memory.model
    }

    /// Takes an observation and answers with at most one wish a machine, none where it may not or cannot.
    pub fn step(&mut self, seen: Observation<'_>, outputs: &[State]) -> Vec<Wish> {
        if outputs.len() != self.site.fixed.len() + 1 || !seen.time_s.is_finite() {
            return Vec::new();
        }
        // More than all machines together give is not drawn for long: it is a meter's error.
        let most =
            FLOW_MARGIN * (self.site.fixed.iter().map(|plate| plate.flow).sum::<f64>() + self.site.variable.flow);
        let seen = Observation { flow: seen.flow.filter(|flow| (0.0..=most).contains(flow)), ..seen };
        self.learn(&seen, outputs);
        if !seen.permit {
            self.standing = None;
            return Vec::new();
        }
        let age_s = self.memory.pressure_s.map_or(f64::INFINITY, |at| seen.time_s - at);
        let wishes = match (self.memory.model.bar(), self.memory.past.level()) {
            (Some(bar), Some(level)) if age_s <= RECKON_S => self.decide(&seen, bar, level),
            _ => self.blind(outputs),
        };
        let follow = |wish: Wish| match outputs.get(wish.machine)? {
            state if state.blocked => None,
            state if state.initialise => state.applied.map(|value| Wish { value, reason: Reason::Follow, ..wish }),
            _ => Some(wish),
        };
        wishes.into_iter().filter_map(follow).collect()
    }

    /// Bytes for [`Sequencer::restore`]: some 18 KB after two weeks.
    pub fn save(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_allocvec(&self.memory)
    }

    /// Takes what was learnt back; a state of other machines is refused and changes nothing.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), ForeignState> {
        let memory: Memory = postcard::from_bytes(bytes).ok().ok_or(ForeignState)?;
        let sound = memory.model.fits(&self.site) && memory.past.is_sound();
        if !sound || memory.since.len() != self.memory.since.len() || memory.since.iter().any(|(_, s)| s.is_nan()) {
            return Err(ForeignState);
        }
        (self.memory, self.standing) = (memory, None);
        Ok(())
    }

    /// Nothing is known of the pressure: machines that have a switch of their own get it back.
    fn blind(&mut self, outputs: &[State]) -> Vec<Wish> {
        self.standing = None;
        let local = outputs.iter().enumerate().filter(|(_, output)| output.lowest <= LOCAL);
        local.map(|(machine, _)| Wish { machine, value: LOCAL, reason: Reason::Blind }).collect()
    }

    fn learn(&mut self, seen: &Observation<'_>, outputs: &[State]) {
        let memory = &mut self.memory;
        let dt_s = memory.last_s.map_or(0.0, |last_s| seen.time_s - last_s);
        let gap = !(0.0..=GAP_S).contains(&dt_s);
        memory.last_s = Some(seen.time_s);
        if !gap && dt_s > 0.0 {
            self.call_s = dt_s.min(60.0);
        }
        if gap {
            self.standing = None;
            memory.pressure_s = None;
        }
        let variable = self.site.fixed.len();
        let mut machines = Vec::with_capacity(variable + 1);
        for (which, since) in memory.since.iter_mut().enumerate() {
            let state = seen.states.get(which).copied().flatten();
            let (on, loaded) = (state.map_or(since.0, |s| s >= 0.5), state.is_some_and(|s| s >= 1.5));
            if on != since.0 {
                // At the first sight of a machine its timers are taken as run out: it refuses by itself.
                let first = since.1 == f64::NEG_INFINITY && dt_s == 0.0;
                *since = (on, if first { f64::NEG_INFINITY } else { seen.time_s - dt_s });
            }
            let applied = outputs.get(which).and_then(|output| output.applied);
            let own = applied.is_none_or(|value| value < 0.0);
            let share = match (loaded, which == variable) {
                (false, _) => 0.0,
                (true, false) => 1.0,
                (true, true) => applied.unwrap_or(0.0).clamp(self.site.variable.least_share, 1.0),
            };
            let known = state.is_some() && !(own && which == variable);
            let power_kw = seen.powers_kw.get(which).copied().flatten();
            machines.push(Seen { power_kw, on, share, known });
        }
        // A meter tells this moment's flow, the filter needs that of the time since the last call: where both differ, neither
        // is sure.
        let now = seen.flow.or(memory.past.level()).unwrap_or(0.0);
        let before = memory.last_flow.unwrap_or(now);
        memory.last_flow = Some(now);
        let (drawn, doubt) = ((now + before) / 2.0, (now - before).abs() / 2.0);
        if let Some(flow) = seen.flow {
            memory.past.observe(seen.time_s, flow);
        }
        if gap {
            memory.model.update(0.0, &[], (drawn, doubt), seen.pressure_bar);
        } else {
            memory.model.update(dt_s, &machines, (drawn, doubt), seen.pressure_bar);
        }
        if seen.pressure_bar.is_some() {
            memory.pressure_s = Some(seen.time_s);
        }
    }

    /// Means of the next stages in m³/min, and whether they are known.
    fn demand(&self, seen: &Observation<'_>, level: f64) -> (Vec<f64>, bool) {
        if let Some(ahead) = seen.ahead
            && let Some(first) = ahead.mean(seen.time_s, seen.time_s + STAGE_S)
        {
            let mut last = first;
            let stage = |k: usize| {
                let from_s = seen.time_s + k as f64 * STAGE_S;
                last = ahead.mean(from_s, from_s + STAGE_S).unwrap_or(last);
                last
            };
            return ((0..STAGES).map(stage).collect(), true);
        }
        let mut means = self.memory.past.ahead(seen.time_s, STAGE_S, STAGES);
        // The next two minutes are as the last reading, whatever is usual.
        if let Some(first) = means.first_mut() {
            *first = level;
        }
        (means, false)
    }

    /// Pressure that a step of demand would take until another machine gives air, beyond what those that run can give.
    fn reserve_bar(&self, level: f64) -> f64 {
        let model = &self.memory.model;
        let flows = model.fixed.iter().map(|machine| machine.flow()).chain([model.variable.flows().1]);
        let (mut all, mut ready) = (0.0, 0.0);
        for (flow, (on, _)) in flows.zip(&self.memory.since) {
            all += flow;
            ready += if *on { flow } else { 0.0 };
        }
        let lacking = (level + STEP_SHARE * all).min(all) - ready;
        (lacking * REACTION_S / 60.0 / model.volume_m3).clamp(0.0, 0.2 * (self.site.band_bar.1 - self.site.band_bar.0))
    }

    fn decide(&mut self, seen: &Observation<'_>, bar: f64, level: f64) -> Vec<Wish> {
        let now_s = seen.time_s;
        let coming = seen.ahead.and_then(|ahead| ahead.mean(now_s, now_s + AIM_S)).unwrap_or(level);
        let stale = self.standing.is_none_or(|plan| {
            let left = (coming - plan.demand).abs() > 0.5 + 0.1 * plan.demand;
            // Steps of a known demand fall between stages, not into them, where plans begin with its values.
            let turn = |at_s: f64, ahead: &Ahead<'_>| ((at_s - ahead.start_s) / REPLAN_S + 1e-6).floor();
            let turned = seen.ahead.is_some_and(|ahead| turn(now_s, &ahead) != turn(plan.made_s, &ahead));
            turned || now_s - plan.made_s >= REPLAN_S - 0.5 || (left && seen.ahead.is_none())
        });
        if stale {
            let (means, known) = self.demand(seen, level);
            let margin_bar = if known { self.margins_bar.0 } else { self.margins_bar.1 + self.reserve_bar(level) };
            self.planner.plan(&self.memory.model, &means, margin_bar);
            let since: Vec<(bool, f64)> = self.memory.since.iter().map(|(on, s)| (*on, now_s - s)).collect();
            let demand = means.first().copied().unwrap_or(level);
            let choice = self.planner.choose(&self.memory.model, &since, bar, demand, margin_bar);
            self.standing = choice.map(|choice| Standing { made_s: now_s, demand, from_bar: bar, choice });
        }
        let Some(plan) = self.standing else { return Vec::new() };
        self.commands(plan, now_s, bar, level, coming, seen)
    }

    /// The plan's commands, trimmed by what is drawn now, and overruled at the band's edges.
    fn commands(
        &self,
        plan: Standing,
        now_s: f64,
        bar: f64,
        level: f64,
        coming: f64,
        seen: &Observation<'_>,
    ) -> Vec<Wish> {
        let (model, fixed) = (&self.memory.model, self.site.fixed.len());
        let mut values: Vec<f64> = (0..fixed)
            .map(|which| match (plan.choice.on & (1 << which) != 0, plan.choice.loaded & (1 << which) != 0) {
                (true, true) => LOADED,
                (true, false) => UNLOADED,
                (false, _) => OFF,
            })
            .collect();
        // What the loaded machines give over the aim's time; one that starts gives nothing at first.
        let aim_s = (plan.made_s + STAGE_S - now_s).max(AIM_S);
        let drawn = seen.ahead.and_then(|ahead| ahead.mean(now_s, now_s + aim_s)).unwrap_or(level);
        let runs = |which: usize| self.memory.since.get(which).is_some_and(|(on, _)| *on);
        let given: f64 = (0..fixed)
            .filter(|which| values[*which] == LOADED)
            .map(|which| {
                let late_s = if runs(which) { 0.0 } else { self.site.fixed[which].start_s };
                model.fixed[which].flow() * (1.0 - late_s / aim_s)
            })
            .sum();
        let needed = drawn - given + (plan.choice.target_bar - bar) * model.volume_m3 * 60.0 / aim_s;
        let mut needed = needed;
        // A demand that changes within the aim's time would lead through pressures that the ends do not show.
        for part_s in [AIM_S / 2.0, AIM_S] {
            if let Some(mean) = seen.ahead.and_then(|ahead| ahead.mean(now_s, now_s + part_s)) {
                let (low, high) =
                    (self.site.band_bar.0 + self.margins_bar.0, self.site.band_bar.1 - self.margins_bar.0);
                let to = |end: f64| mean - given + (end - bar) * model.volume_m3 * 60.0 / part_s;
                needed = needed.clamp(to(low), to(high));
            }
        }
        let variable_on = plan.choice.on & (1 << fixed) != 0;
        let modulated = plan.choice.modulated.filter(|which| *which < fixed);
        values.push(match (variable_on, modulated) {
            (false, _) => OFF,
            (true, Some(_)) => self.site.variable.least_share,
            (true, None) => model.variable.share(needed),
        });
        if let Some(value) = modulated.and_then(|which| values.get_mut(which)) {
            // Loaded where the pressure would fall below its course until the next call.
            let least = if variable_on { model.variable.flows().0 } else { 0.0 };
            let course =
                plan.from_bar + (plan.choice.target_bar - plan.from_bar) * ((now_s - plan.made_s) / STAGE_S).min(1.0);
            let then = bar + (given + least - drawn) * self.call_s / 60.0 / model.volume_m3;
            *value = if then < course { LOADED } else { UNLOADED };
        }
        // A known demand is watched as it comes; else a reading that leaves the level may be a step, and is taken at its word.
        // No further than it is watched for, lest a step beyond hides what is drawn until then.
        let drawn_soon = seen.ahead.and_then(|ahead| ahead.mean(now_s, now_s + 1.5 * self.call_s));
        let (most, least) = match (drawn_soon, seen.flow) {
            (Some(mean), _) => (mean, mean),
            (None, Some(flow)) if self.memory.past.is_step(flow) => (level.max(flow), level.min(flow)),
            (None, _) => (level.max(coming), level.min(coming)),
        };
        let edge = self.guard_edges(&mut values, now_s, bar, (least, most));
        let reason = if edge { Reason::Edge } else { Reason::Plan };
        values.into_iter().enumerate().map(|(machine, value)| Wish { machine, value, reason }).collect()
    }

    /// Changes commands under which the pressure would leave the band soon; whether it did.
    fn guard_edges(&self, values: &mut [f64], now_s: f64, bar: f64, (least, most): (f64, f64)) -> bool {
        let (model, fixed) = (&self.memory.model, self.site.fixed.len());
        let (low, high) = self.site.band_bar;
        let edge = EDGE * (high - low);
        let runs = |which: usize| self.memory.since.get(which).is_some_and(|(on, _)| *on);
        // Machines that run give what they are told to, the others nothing yet.
        let after = |values: &[f64], drawn: f64, time_s: f64| {
            let flow = |which: usize, value: f64| match model.fixed.get(which) {
                Some(machine) if value == LOADED && runs(which) => machine.flow(),
                Some(_) => 0.0,
                None if value > OFF && runs(which) => value * model.variable.flows().1,
                None => 0.0,
            };
            let given: f64 = values.iter().enumerate().map(|(which, value)| flow(which, *value)).sum();
            bar + (given - drawn) * time_s / 60.0 / model.volume_m3
        };
        let mut by_size: Vec<usize> = (0..fixed).collect();
        by_size.sort_by(|a, b| model.fixed[*a].flow().total_cmp(&model.fixed[*b].flow()));
        let mut acted = false;
        // What runs can be loaded at the next call too, so it is watched until a little after that.
        let next_s = 1.5 * self.call_s;
        let short = |values: &[f64]| after(values, most, next_s) < low + edge;
        if short(values) && runs(fixed) && values[fixed] < 1.0 {
            (values[fixed], acted) = (1.0, true);
        }
        for which in by_size.iter().copied().filter(|which| runs(*which)) {
            if short(values) && values[which] < LOADED {
                (values[which], acted) = (LOADED, true);
            }
        }
        // What does not run takes its time to start: it is called while all that runs would not do until then.
        let all: Vec<f64> = (0..=fixed).map(|which| if which == fixed { 1.0 } else { LOADED }).collect();
        let watch_s = WATCH_S.max(next_s);
        if after(&all, most, watch_s) < low + edge {
            let mut lacking = most - (after(&all, 0.0, watch_s) - bar) * model.volume_m3 * 60.0 / watch_s;
            let plates: Vec<_> = self.site.fixed.iter().chain([&self.site.variable]).collect();
            // A machine that stopped a moment ago would refuse.
            let may = |which: &usize| {
                let rested = |(on, since): &(bool, f64)| !on && now_s - since >= plates[*which].least_off_s;
                self.memory.since.get(*which).is_some_and(rested)
            };
            let mut idle: Vec<usize> = (0..=fixed).filter(may).collect();
            let size = |which: &usize| model.fixed.get(*which).map_or(model.variable.flows().1, |m| m.flow());
            idle.sort_by(|a, b| size(a).total_cmp(&size(b)));
            // The smallest that is enough, else the largest and what else it takes.
            while let Some(at) = idle.iter().position(|which| size(which) >= lacking).or(idle.len().checked_sub(1)) {
                let which = idle.remove(at);
                let full = if which == fixed { 1.0 } else { LOADED };
                (values[which], acted) = (full, acted || values[which] < full);
                lacking -= size(&which);
                if lacking <= 0.0 {
                    break;
                }
            }
        }
        let over = |values: &[f64]| after(values, least, next_s) > high - edge;
        if over(values) && values[fixed] > OFF {
            (values[fixed], acted) = (self.site.variable.least_share, true);
        }
        for which in by_size {
            if over(values) && values[which] == LOADED {
                (values[which], acted) = (UNLOADED, true);
            }
        }
        if over(values) && values[fixed] > OFF {
            (values[fixed], acted) = (OFF, true);
        }
        acted
    }
}

impl Ahead<'_> {
    /// The mean from one run time to another; none where the series does not cover it.
    fn mean(&self, from_s: f64, to_s: f64) -> Option<f64> {
        if !(self.step_s > 0.0 && from_s >= self.start_s - 1e-6 && to_s > from_s) {
            return None;
        }
        let (from, to) = ((from_s - self.start_s) / self.step_s, (to_s - self.start_s) / self.step_s);
        if !(to.is_finite() && to <= self.values.len() as f64 + 1e-6) {
            return None;
        }
        let first = from.max(0.0) as usize;
        let mut sum = 0.0;
        for (at, value) in self.values.iter().enumerate().skip(first).take_while(|(at, _)| (*at as f64) < to) {
            let inside = (to.min(at as f64 + 1.0) - from.max(at as f64)).max(0.0);
            sum += value * inside;
        }
        Some(sum / (to - from)).filter(|mean| mean.is_finite() && *mean >= 0.0)
    }
}

#[cfg(test)]
mod tests;
