//! What a call teaches: when machines started and stopped, which of them refuse, what was drawn, the pressure.

use super::{GAP_S, Observation, Refusal, Sequencer, State};
use crate::compressors::model::Seen;

/// Standard deviation of what is drawn between two calls, as a share: where it was told, and where a meter says so.
const DRAWN_SD: (f64, f64) = (0.015, 0.04);
/// A machine that is told to run for so many calls and could, and does not, is out of order.
const REFUSED_CALLS: f64 = 1.5;
/// After so long it is tried again, in seconds; twice as long after each time, up to the second.
const RETRY_S: (f64, f64) = (900.0, 28_800.0);

impl Sequencer {
    pub(super) fn learn(&mut self, seen: &Observation<'_>, outputs: &[State]) {
        let memory = &mut self.memory;
        let dt_s = memory.last_s.map_or(0.0, |last_s| seen.time_s - last_s);
        let gap = !(0.0..=GAP_S).contains(&dt_s);
        memory.last_s = Some(seen.time_s);
        if !gap && dt_s > 0.0 {
            self.call_s = dt_s.min(60.0);
        }
        if gap {
            (self.standing, self.planned) = (None, None);
            memory.pressure_s = None;
        }
        let machines = self.machines(seen, outputs, dt_s);
        let memory = &mut self.memory;
        let level = memory.past.level();
        // A meter tells this moment's flow, the filter needs that of the time since the last call: where both differ, neither
        // is sure.
        let now = seen.flow.or(level).unwrap_or(0.0);
        let before = memory.last_flow.unwrap_or(now);
        memory.last_flow = Some(now);
        let metered = (now + before) / 2.0;
        let doubt = DRAWN_SD.1 * metered.max(2.0) + (now - before).abs() / 2.0;
        let told = memory.trust.drawn(level.unwrap_or(now)).map(|told| (told, DRAWN_SD.0 * told.max(2.0)));
        let drawn = told.unwrap_or((metered, doubt));
        if let Some(flow) = seen.flow {
            let all =
                memory.model.fixed.iter().map(|machine| machine.flow()).sum::<f64>() + memory.model.variable.flows().1;
            memory.steps.observe(seen.time_s, flow, level.unwrap_or(flow), all);
            memory.past.observe(seen.time_s, flow);
        }
        let told = |for_s: f64| seen.ahead.and_then(|ahead| ahead.mean(seen.time_s, seen.time_s + for_s));
        memory.trust.observe(told(1.0), told(self.call_s), seen.flow);
        if gap {
            memory.model.update(0.0, &[], drawn, seen.pressure_bar);
        } else {
            memory.model.update(dt_s, &machines, drawn, seen.pressure_bar);
        }
        if seen.pressure_bar.is_some() {
            memory.pressure_s = Some(seen.time_s);
        }
    }

    /// What each machine did since the last call.
    fn machines(&mut self, seen: &Observation<'_>, outputs: &[State], dt_s: f64) -> Vec<Seen> {
        let variable = self.site.fixed.len();
        let mut machines = Vec::with_capacity(variable + 1);
        let plates = self.site.fixed.iter().chain([&self.site.variable]);
        let records = self.memory.since.iter_mut().zip(&mut self.refusals);
        for (which, ((since, refusal), plate)) in records.zip(plates).enumerate() {
            let state = seen.states.get(which).copied().flatten();
            let (on, loaded) = (state.map_or(since.0, |s| s >= 0.5), state.is_some_and(|s| s >= 1.5));
            if on != since.0 {
                // At the first sight of a machine its timers are taken as run out: it refuses by itself.
                let first = since.1 == f64::NEG_INFINITY && dt_s == 0.0;
                *since = (on, if first { f64::NEG_INFINITY } else { seen.time_s - dt_s });
            }
            let output = outputs.get(which);
            let applied = output.and_then(|output| output.applied);
            let own = applied.is_none_or(|value| value < 0.0);
            let told = !own && applied.is_some_and(|value| value > 0.05);
            let rested_s = (since.1 + plate.least_off_s).max(refusal.told_s.unwrap_or(seen.time_s));
            refusal.told_s = told.then(|| refusal.told_s.unwrap_or(seen.time_s));
            if on {
                *refusal = Refusal::default();
            } else if output.is_some_and(|output| output.blocked) {
                refusal.until_s = seen.time_s + 1.0;
            } else if told && seen.time_s - rested_s > REFUSED_CALLS * self.call_s {
                let pause_s = (2.0 * refusal.pause_s).clamp(RETRY_S.0, RETRY_S.1);
                *refusal = Refusal { told_s: None, until_s: seen.time_s + pause_s, pause_s };
            }
            let share = match (loaded, which == variable) {
                (false, _) => 0.0,
                (true, false) => 1.0,
                (true, true) => applied.unwrap_or(0.0).clamp(self.site.variable.least_share, 1.0),
            };
            let known = state.is_some() && !(own && which == variable);
            let power_kw = seen.powers_kw.get(which).copied().flatten();
            machines.push(Seen { power_kw, on, share, known });
        }
        machines
    }
}
