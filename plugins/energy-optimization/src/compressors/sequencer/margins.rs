//! The distance that plans keep from the band's edges: what a step of demand would take that nobody foresaw.

use crate::compressors::model::Model;
use crate::compressors::plan::{Machines, Margins};
use crate::compressors::plate::Site;
use crate::compressors::steps::Steps;

/// From a call until it is obeyed, in seconds.
const OBEYED_S: f64 = 1.0;
/// A machine that must rest first is no help, in seconds.
const NO_HELP_S: f64 = 60.0;
/// No reserve is larger, as a share of the band.
const MOST: f64 = 0.35;

/// What margins depend on.
pub(super) struct Reserve<'a> {
    pub(super) site: &'a Site,
    pub(super) model: &'a Model,
    pub(super) steps: &'a Steps,
    /// With the demand known, and with a forecast, in bar.
    pub(super) bars: (f64, f64),
    pub(super) is_known: bool,
    /// Between two calls, in seconds.
    pub(super) call_s: f64,
}

impl Reserve<'_> {
    /// What all machines give, in m³/min.
    pub(super) fn all(&self) -> f64 {
        self.model.fixed.iter().map(|machine| machine.flow()).sum::<f64>() + self.model.variable.flows().1
    }

    /// For these machines and this demand at this run time.
    pub(super) fn of(&self, machines: Machines, demand: f64, time_s: f64) -> Margins {
        if self.is_known {
            return Margins { below: self.bars.0, reserve: 0.0, above: self.bars.0 };
        }
        let (mut all, mut ready, mut near) = (0.0, 0.0, 0.0);
        let mut start_s = 0.0_f64;
        let flows = self.model.fixed.iter().map(|machine| machine.flow()).chain([self.model.variable.flows().1]);
        for ((which, flow), plate) in flows.enumerate().zip(self.site.fixed.iter().chain([&self.site.variable])) {
            all += flow;
            if machines.on & (1 << which) != 0 {
                ready += flow;
            } else if machines.rested & (1 << which) != 0 {
                near += flow;
                start_s = start_s.max(plate.start_s);
            }
        }
        let step = self.steps.possible(time_s, demand, all);
        let lacking = (demand + step - ready).max(0.0);
        let beyond = (lacking - near).max(0.0);
        let taken = step * self.call_s + lacking * (start_s + OBEYED_S) + beyond * NO_HELP_S;
        let most = MOST * (self.site.band_bar.1 - self.site.band_bar.0);
        let reserve = (taken / 60.0 / self.model.volume_m3).min(most);
        Margins { below: self.bars.1, reserve, above: self.bars.1 }
    }
}
