//! At the band's edges: commands under which the pressure would leave it are changed at once.

use super::{LOADED, OFF, UNLOADED};
use crate::compressors::model::Model;
use crate::compressors::plate::{Plate, Site};

/// What is known of the next moments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments<'a> {
    pub(super) site: &'a Site,
    pub(super) model: &'a Model,
    /// Each machine on or off, and for how long in seconds.
    pub(super) since: &'a [(bool, f64)],
    /// Between two calls, in seconds.
    pub(super) call_s: f64,
    /// In bar.
    pub(super) bar: f64,
    /// The least and the most that may be drawn, in m³/min.
    pub(super) drawn: (f64, f64),
    /// A bit for each machine that can't be started.
    pub(super) absent: u8,
    /// So near to an edge it acts, in bar.
    pub(super) edge_bar: f64,
}

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Changed {
    pub(super) anything: bool,
    /// A bit for each machine that was called.
    pub(super) called: u8,
}

impl Moments<'_> {
    /// Changes commands under which the pressure would leave the band soon.
    pub(super) fn guard(&self, values: &mut [f64]) -> Changed {
        let before: Vec<f64> = values.to_vec();
        self.raise(values);
        let called = self.call(values);
        self.lower(values);
        Changed { anything: before != values, called }
    }

    fn runs(&self, which: usize) -> bool {
        self.since.get(which).is_some_and(|(on, _)| *on)
    }

    fn variable(&self) -> usize {
        self.site.fixed.len()
    }

    fn plate(&self, which: usize) -> &Plate {
        self.site.fixed.get(which).unwrap_or(&self.site.variable)
    }

    /// Of a machine at a command, in m³/min.
    fn flow(&self, which: usize, value: f64) -> f64 {
        match self.model.fixed.get(which) {
            Some(machine) => {
                if value == LOADED {
                    machine.flow()
                } else {
                    0.0
                }
            }
            None => value.max(0.0) * self.model.variable.flows().1,
        }
    }

    fn full(&self, which: usize) -> f64 {
        if which == self.variable() { 1.0 } else { LOADED }
    }

    /// The pressure after so long. Machines that run give what they are told to, the others nothing yet.
    fn after(&self, values: &[f64], drawn: f64, time_s: f64) -> f64 {
        let running = values.iter().enumerate().filter(|(which, _)| self.runs(*which));
        let given: f64 = running.map(|(which, value)| self.flow(which, *value)).sum();
        self.bar + (given - drawn) * time_s / 60.0 / self.model.volume_m3
    }

    /// What runs can be changed at the next call too, so it is watched until a little after that.
    fn next_s(&self) -> f64 {
        1.5 * self.call_s
    }

    /// The machines of one speed that run, the smallest first.
    fn by_size(&self) -> Vec<usize> {
        let mut machines: Vec<usize> = (0..self.variable()).filter(|which| self.runs(*which)).collect();
        machines.sort_by(|a, b| self.flow(*a, LOADED).total_cmp(&self.flow(*b, LOADED)));
        machines
    }

    fn raise(&self, values: &mut [f64]) {
        let (lowest, variable) = (self.site.band_bar.0 + self.edge_bar, self.variable());
        let lacking = |values: &[f64]| lowest - self.after(values, self.drawn.1, self.next_s());
        if lacking(values) > 0.0 && self.runs(variable) && values[variable] < 1.0 {
            // No more than it takes to stay clear of the edge.
            let flow = lacking(values) * self.model.volume_m3 * 60.0 / self.next_s();
            values[variable] = self.model.variable.share(self.flow(variable, values[variable]) + flow);
        }
        for which in self.by_size() {
            if lacking(values) > 0.0 {
                values[which] = LOADED;
            }
        }
    }

    /// Calls machines where all that run would not do until one that is called at the next call gives air.
    fn call(&self, values: &mut [f64]) -> u8 {
        let full: Vec<f64> = (0..=self.variable()).map(|which| self.full(which)).collect();
        let could = |which: &usize| {
            let rested = |(on, for_s): &(bool, f64)| !on && *for_s >= self.plate(*which).least_off_s;
            self.absent & (1 << *which) == 0 && self.since.get(*which).is_some_and(rested)
        };
        let mut idle: Vec<usize> = (0..=self.variable()).filter(could).collect();
        let size = |which: usize| self.flow(which, self.full(which));
        // Those that the plan starts first, then the variable one, then the smallest.
        idle.sort_by(|a, b| {
            let rank = |which: usize| (values[which] <= OFF, which != self.variable());
            rank(*a).cmp(&rank(*b)).then(size(*a).total_cmp(&size(*b)))
        });
        let mut called = 0;
        let mut watched: Vec<f64> = full.clone();
        let mut coming = 0.0;
        while let Some(first) = idle.first() {
            let watch_s = self.call_s + self.plate(*first).start_s + 2.0;
            let lowest = self.site.band_bar.0 + self.edge_bar;
            let lacking =
                (lowest - self.after(&watched, self.drawn.1, watch_s)) * self.model.volume_m3 * 60.0 / watch_s;
            if lacking <= coming {
                break;
            }
            let enough = idle.iter().position(|which| coming + size(*which) >= lacking).unwrap_or(0);
            let which = idle.remove(enough);
            watched[which] = self.full(which);
            coming += size(which);
            called |= if values[which] <= OFF { 1 << which } else { 0 };
            values[which] = self.full(which);
        }
        called
    }

    fn lower(&self, values: &mut [f64]) {
        let (highest, variable) = (self.site.band_bar.1 - self.edge_bar, self.variable());
        let over = |values: &[f64]| self.after(values, self.drawn.0, self.next_s()) > highest;
        if over(values) && self.runs(variable) && values[variable] > OFF {
            values[variable] = self.site.variable.least_share;
        }
        for which in self.by_size() {
            if over(values) && values[which] == LOADED {
                values[which] = UNLOADED;
            }
        }
        if over(values) && self.runs(variable) {
            values[variable] = OFF;
        }
    }
}
