//! Commands of the choice that stands: the modulated machine trimmed at every call, machines that refused probed.

use super::{LOADED, OFF, Observation, Sequencer, Standing, UNLOADED};
use crate::compressors::plate::Plate;

/// A variable machine's trim aims no nearer ahead than this, in seconds: with the demand known, and with a forecast, where
/// readings are noisy.
const AIM_S: (f64, f64) = (20.0, 45.0);

impl Sequencer {
    /// A machine that refused is started without being needed, before anything is built on it again.
    pub(super) fn probe(&self, values: &mut [f64], now_s: f64) {
        let variable = self.site.fixed.len();
        for (which, (value, refusal)) in values.iter_mut().zip(&self.refusals).enumerate() {
            if refusal.pause_s > 0.0 && now_s >= refusal.until_s {
                *value = if which == variable { self.site.variable.least_share } else { UNLOADED };
            }
        }
    }

    /// The least and the most that may be drawn until a little after the next call, in m³/min.
    pub(super) fn drawn_soon(&self, standing: &Standing, seen: &Observation<'_>, level: f64) -> (f64, f64) {
        // A known demand is watched as it comes; else a reading that leaves the level may be a step, and is taken at its word.
        let mean = standing.reckoned.mean(seen.time_s, seen.time_s + 1.5 * self.call_s);
        match seen.flow {
            _ if standing.reckoned.is_known => (mean, mean),
            Some(flow) if self.memory.past.is_step(flow) => (level.min(flow), level.max(flow)),
            _ => (level, level),
        }
    }

    /// The plan's commands, the modulated machine trimmed by what is drawn now.
    pub(super) fn commands(&self, standing: &Standing, now_s: f64, bar: f64, level: f64) -> Vec<f64> {
        let (model, fixed, choice) = (&self.memory.model, self.site.fixed.len(), &standing.choice);
        let mut values: Vec<f64> = (0..fixed)
            .map(|which| match (choice.on & (1 << which) != 0, choice.loaded & (1 << which) != 0) {
                (true, true) => LOADED,
                (true, false) => UNLOADED,
                (false, _) => OFF,
            })
            .collect();
        let least_s = if standing.reckoned.is_known { AIM_S.0 } else { AIM_S.1 };
        let aim_s = (choice.until_s - now_s).max(least_s);
        // Where the aim lies beyond the stage's end, what changes there is the next plan's.
        let drawn = match standing.reckoned.is_known {
            true => standing.reckoned.mean(now_s, choice.until_s),
            false => level,
        };
        let share = |which: usize, plate: &Plate| {
            let on_s = self.memory.since.get(which).filter(|(on, _)| *on).map_or(0.0, |(_, since_s)| now_s - since_s);
            (1.0 - (plate.start_s - on_s).max(0.0) / aim_s).max(0.1)
        };
        let loaded = (0..fixed).filter(|which| choice.loaded & (1 << which) != 0);
        let given: f64 = loaded.map(|which| model.fixed[which].flow() * share(which, &self.site.fixed[which])).sum();
        let needed = drawn - given + (choice.target_bar - bar) * model.volume_m3 * 60.0 / aim_s;
        let turns = choice.modulated.filter(|which| *which < fixed);
        let variable_on = choice.on & (1 << fixed) != 0;
        values.push(match (variable_on, turns) {
            (false, _) => OFF,
            (true, Some(_)) => self.site.variable.least_share,
            (true, None) => model.variable.share(needed / share(fixed, &self.site.variable)),
        });
        if let Some(which) = turns {
            let least = if variable_on { model.variable.flows().0 } else { 0.0 };
            let bar_a_s = |flow: f64| (flow - drawn) / 60.0 / model.volume_m3;
            let loaded = model.fixed[which].flow() * share(which, &self.site.fixed[which]);
            // Unloaded first and loaded later, at the lower pressure, as long as both the floor and the target are kept;
            // half a call's air is as near as it gets.
            let low = self.site.band_bar.0 + self.margins_bar.0;
            let floor = if standing.reckoned.is_known { low } else { standing.from_bar.min(choice.target_bar) };
            let then = bar + bar_a_s(given + least) * self.call_s;
            let left_s = (choice.until_s - now_s - self.call_s).max(0.0);
            let end = then + bar_a_s(given + least + loaded) * left_s;
            let near = loaded * self.call_s / 60.0 / model.volume_m3 / 2.0;
            values[which] = if then < floor || end < choice.target_bar - near { LOADED } else { UNLOADED };
        }
        values
    }
}
