//! One stage of the dynamic programme: what it costs to move the pressure by so many nodes, and the least of it.

use super::ways::Way;
use super::{BEYOND_KWH, MARGIN_KWH, Margins, NODES, RESERVE_KWH};
use crate::compressors::model::Model;

/// Nodes that a row is prolonged by on both sides, where it is costly to be.
const PAD: usize = NODES + 2;

/// The pressures of the band, as nodes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grid {
    pub(super) low_bar: f64,
    pub(super) bar_a_node: f64,
}

impl Grid {
    pub(super) fn new((low, high): (f64, f64)) -> Self {
        Self { low_bar: low, bar_a_node: (high - low) / (NODES as f64 - 1.0) }
    }

    pub(super) fn bar(&self, node: usize) -> f64 {
        self.low_bar + self.bar_a_node * node as f64
    }

    /// Flow that moves the pressure by a node in a stage of this length, in m³/min.
    pub(super) fn flow_a_node(&self, volume_m3: f64, step_s: f64) -> f64 {
        self.bar_a_node * volume_m3 * 60.0 / step_s
    }

    /// kWh for a pressure at a stage's end: nothing inside the margins, a lot beyond the band.
    pub(super) fn penalty(&self, bar: f64, margins: Margins) -> f64 {
        let (low, high) = (self.low_bar, self.bar(NODES - 1));
        let inside = (low + margins.below - bar).max(bar - high + margins.above).max(0.0);
        let reserve = (low + margins.below + margins.reserve - bar).clamp(0.0, margins.reserve);
        let outside = (low - bar).max(bar - high).max(0.0);
        inside * MARGIN_KWH + reserve * RESERVE_KWH + outside * BEYOND_KWH
    }

    /// A row at a pressure: linear between nodes, and beyond them the last node's.
    pub(super) fn between(&self, row: &[f32], bar: f64) -> f64 {
        let held = ((bar - self.low_bar) / self.bar_a_node).clamp(0.0, NODES as f64 - 1.0);
        let lower = (held as usize).min(NODES - 2);
        let share = held - lower as f64;
        let pair = row.get(lower..lower + 2).unwrap_or(&[0.0, 0.0]);
        f64::from(pair[0]) * (1.0 - share) + f64::from(pair[1]) * share
    }
}

/// A stage's way of moving the pressure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Move {
    /// Whole nodes, and the share of another.
    nodes: isize,
    share: f32,
    /// In kWh, from the lowest node.
    cost: f32,
    /// For each node above it.
    rise: f32,
}

/// A stage's constants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) grid: Grid,
    pub(super) model: &'a Model,
    pub(super) step_s: f64,
    /// Mean, in m³/min.
    pub(super) demand: f64,
}

impl Stage<'_> {
    /// Every move that these ways allow: to whole nodes, of equal ones the cheapest, and with the least and the most flow.
    pub(super) fn moves(&self, ways: &[Way]) -> Vec<Move> {
        let a_node = self.grid.flow_a_node(self.model.volume_m3, self.step_s);
        let mut ends = Vec::new();
        let mut whole: Vec<Option<Move>> = vec![None; 2 * NODES + 1];
        for way in ways {
            let node_of = |flow: f64| (way.flow + flow - self.demand) / a_node;
            let (least, most) = way.range;
            ends.push(self.with(way, least, node_of(least)));
            if least == most {
                continue;
            }
            ends.push(self.with(way, most, node_of(most)));
            let last = NODES as i64;
            for k in (node_of(least).ceil() as i64).max(-last)..=(node_of(most).floor() as i64).min(last) {
                let new = self.with(way, k as f64 * a_node + self.demand - way.flow, k as f64);
                let half = NODES as f32 / 2.0;
                let middle = |known: &Move| known.cost + known.rise * half;
                if let Some(slot) = whole.get_mut((k + last) as usize)
                    && slot.as_ref().is_none_or(|known| middle(&new) < middle(known))
                {
                    *slot = Some(new);
                }
            }
        }
        ends.extend(whole.into_iter().flatten());
        ends
    }

    /// By how much the pressure falls, as a number below zero, until the machines that start deliver, if the others give all
    /// they can.
    pub(super) fn dip_bar(&self, on: u8, late_s: &[f64]) -> f64 {
        let flows = self.model.fixed.iter().map(|machine| machine.flow()).chain([self.model.variable.flows().1]);
        let (mut ready, mut longest_s) = (0.0, 0.0_f64);
        let machines = flows.zip(late_s).enumerate().filter(|(which, _)| on & (1 << which) != 0);
        for (flow, late_s) in machines.map(|(_, machine)| machine) {
            (ready, longest_s) =
                if *late_s > 0.0 { (ready, longest_s.max(*late_s)) } else { (ready + flow, longest_s) };
        }
        ((ready - self.demand) * longest_s / 60.0 / self.model.volume_m3).min(0.0)
    }

    fn with(&self, way: &Way, flow: f64, nodes: f64) -> Move {
        let (loaded_kw, idle_kw) = way.power_kw(self.model, flow);
        let hours = self.step_s / 3600.0;
        let slope = self.model.power_per_bar * self.grid.bar_a_node;
        let lowest = self.model.pressure_factor(self.grid.low_bar) + 0.5 * slope * nodes;
        let held = nodes.clamp(-(NODES as f64), NODES as f64);
        let beyond = (nodes - held).abs() * self.grid.bar_a_node * BEYOND_KWH;
        Move {
            nodes: held.floor() as isize,
            share: (held - held.floor()) as f32,
            cost: ((loaded_kw * lowest + idle_kw) * hours + beyond) as f32,
            rise: (loaded_kw * slope * hours) as f32,
        }
    }
}

/// The costs from a stage's end on, with what each pressure there is worth, prolonged beyond the band.
pub(super) struct Soft {
    costs: [f32; NODES + 2 * PAD],
}

impl Soft {
    pub(super) fn new(row: &[f32], penalties: &[f32; NODES], grid: Grid) -> Self {
        let mut costs = [0.0; NODES + 2 * PAD];
        let beyond = (grid.bar_a_node * BEYOND_KWH) as f32;
        let (below, rest) = costs.split_at_mut(PAD);
        let (inside, above) = rest.split_at_mut(NODES);
        for ((cost, ahead), penalty) in inside.iter_mut().zip(row).zip(penalties) {
            *cost = ahead + penalty;
        }
        let (first, last) = (inside.first().copied().unwrap_or(0.0), inside.last().copied().unwrap_or(0.0));
        below.iter_mut().rev().enumerate().for_each(|(i, cost)| *cost = first + beyond * (i + 1) as f32);
        above.iter_mut().enumerate().for_each(|(i, cost)| *cost = last + beyond * (i + 1) as f32);
        Self { costs }
    }

    /// Takes the best of these moves, for each pressure of the grid.
    pub(super) fn least(&self, moves: &[Move], best: &mut [f32]) {
        for step in moves {
            let from = PAD.saturating_add_signed(step.nodes);
            let Some(later) = self.costs.get(from..from + NODES + 1) else { continue };
            let mut cost = step.cost;
            if step.share == 0.0 {
                for (best, later) in best.iter_mut().zip(later) {
                    let total = cost + later;
                    *best = if total < *best { total } else { *best };
                    cost += step.rise;
                }
            } else {
                for (best, pair) in best.iter_mut().zip(later.windows(2)) {
                    let total = cost + pair[0] + (pair[1] - pair[0]) * step.share;
                    *best = if total < *best { total } else { *best };
                    cost += step.rise;
                }
            }
        }
    }
}
