//! Dynamic programming over the next stretch: machine states with their timers, and the pressure on a grid.
//!
//! Backwards over stages (Bellman 1957). In a stage one machine at most is modulated: the variable one by its speed, or a
//! fixed one by loading and unloading it in turns, the others staying as they are. Its flow is chosen by the pressure
//! that it leads to. The band's edges are soft inside a margin, so that there is always a plan.

use super::model::Model;
use super::plate::{MOST_FIXED, Plate, Site};

/// Length of a stage, in seconds.
pub const STAGE_S: f64 = 120.0;
/// Stages ahead.
pub const STAGES: usize = 45;
/// Pressures from one end of the band to the other: a node every 1/25 of it.
pub const NODES: usize = 26;
/// kWh for each bar and stage beyond the margin; a start costs a few.
const MARGIN_KWH: f64 = 60.0;
/// kWh for each bar beyond the band.
const BEYOND_KWH: f64 = 2000.0;

/// One machine's timers, in stages.
#[derive(Debug, Clone, Copy)]
struct Timers {
    run: usize,
    off: usize,
    least_run: usize,
    least_off: usize,
}

impl Timers {
    fn new(plate: &Plate) -> Self {
        // Ten stages are twenty minutes; who sets more gets a plan that thinks of twenty.
        let stages = |time_s: f64| ((time_s / STAGE_S).ceil() as usize).clamp(1, 10);
        let (least_run, least_off) = (stages(plate.least_run_s), stages(plate.least_off_s));
        Self { run: least_run.max(2), off: least_off, least_run, least_off }
    }

    fn len(&self) -> usize {
        self.run + self.off
    }

    fn next(&self, state: usize) -> [Option<(usize, bool)>; 2] {
        if state < self.run {
            let stop = (state + 1 >= self.least_run).then_some((self.run, false));
            [Some(((state + 1).min(self.run - 1), false)), stop]
        } else {
            let off = state - self.run;
            let start = (off + 1 >= self.least_off).then_some((0, true));
            [Some((self.run + (off + 1).min(self.off - 1), false)), start]
        }
    }

    /// The state of a machine that has been on or off for so long.
    fn state(&self, plate: &Plate, on: bool, for_s: f64) -> usize {
        let (least_s, least, base, last) = match on {
            true => (plate.least_run_s, self.least_run, 0, self.run - 1),
            false => (plate.least_off_s, self.least_off, self.run, self.off - 1),
        };
        let left_s = least_s - for_s;
        if left_s <= 0.0 {
            return base + last;
        }
        let stages = (left_s / STAGE_S).ceil() as usize;
        base + (least - 1).saturating_sub(stages)
    }
}

/// What the fixed machines do in a stage, added up.
#[derive(Debug, Clone, Copy, Default)]
struct Base {
    flow: f64,
    loaded_kw: f64,
    idle_kw: f64,
    /// A bit for each loaded machine.
    loaded: u8,
}

/// The machines of a stage, and the one that is modulated.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// Without the modulated one's flow.
    base: Base,
    by: Option<usize>,
    /// Of the modulated one, in m³/min.
    flows: (f64, f64),
    /// Of a fixed machine that is modulated; 0: the variable one's curve holds.
    kw_a_flow: f64,
}

impl Way {
    fn at(&self, model: &Model, flow: f64) -> Base {
        let kw = match self.by {
            None => 0.0,
            Some(_) if self.kw_a_flow > 0.0 => self.kw_a_flow * flow,
            Some(_) => model.variable.power_kw(flow),
        };
        Base { flow: self.base.flow + flow, loaded_kw: self.base.loaded_kw + kw, ..self.base }
    }
}

/// One combination of the machines' timers.
#[derive(Debug, Clone)]
struct Combination {
    /// A bit for each machine that runs, the variable one last.
    on: u8,
    starting: u8,
    /// Where it can go, and what the starts on the way cost in kWh.
    next: Vec<(usize, f32)>,
    bases: Vec<Base>,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// A bit for each machine that is to run, the variable one last.
    pub on: u8,
    /// A bit for each fixed machine that is to be loaded.
    pub loaded: u8,
    /// The machine that holds the pressure, if one does; the variable one is at its least flow while a fixed one does.
    pub modulated: Option<usize>,
    /// Pressure at the stage's end, in bar.
    pub target_bar: f64,
}

/// The planner of one station.
#[derive(Debug, Clone)]
pub struct Planner {
    plates: Vec<Plate>,
    timers: Vec<Timers>,
    band: (f64, f64),
    combinations: Vec<Combination>,
    /// Least kWh from the first stage's end on, by combination and node.
    ahead: Vec<f32>,
    spare: Vec<f32>,
}

/// A stage's constants.
struct Stage<'a> {
    model: &'a Model,
    demand: f64,
    margin_bar: f64,
}

impl Planner {
    /// For these machines.
    pub fn new(site: &Site) -> Self {
        let plates: Vec<Plate> = site.fixed.iter().chain([&site.variable]).copied().collect();
        let timers: Vec<Timers> = plates.iter().map(Timers::new).collect();
        let count: usize = timers.iter().map(Timers::len).product();
        let mut planner = Self {
            plates,
            timers,
            band: site.band_bar,
            combinations: Vec::new(),
            ahead: Vec::new(),
            spare: Vec::new(),
        };
        planner.combinations = (0..count).map(|index| planner.combination(index)).collect();
        planner.ahead = vec![0.0; count * NODES];
        planner.spare = vec![0.0; count * NODES];
        planner
    }

    fn digits(&self, mut index: usize) -> Vec<usize> {
        let digit = |timers: &Timers| {
            let digit = index % timers.len();
            index /= timers.len();
            digit
        };
        self.timers.iter().map(digit).collect()
    }

    fn combination(&self, index: usize) -> Combination {
        let (mut on, mut starting) = (0, 0);
        let mut next = vec![(0, 0.0)];
        let mut place = 1;
        for (which, (digit, timers)) in self.digits(index).into_iter().zip(&self.timers).enumerate() {
            on |= u8::from(digit < timers.run) << which;
            starting |= u8::from(digit == 0) << which;
            let fee = self.plates.get(which).map_or(0.0, |plate| plate.start_kwh as f32);
            let ways: Vec<_> = timers.next(digit).into_iter().flatten().collect();
            let go = |(to, paid): &(usize, f32)| {
                let (to, paid) = (*to, *paid);
                ways.iter()
                    .map(move |(state, starts)| (to + state * place, paid + if *starts { fee } else { 0.0 }))
                    .collect::<Vec<_>>()
            };
            next = next.iter().flat_map(go).collect();
            place *= timers.len();
        }
        Combination { on, starting, next, bases: Vec::new() }
    }

    fn bar_a_node(&self) -> f64 {
        (self.band.1 - self.band.0) / (NODES as f64 - 1.0)
    }

    /// Plans for these demands, a mean in m³/min for each stage; the last one holds on.
    pub fn plan(&mut self, model: &Model, demand: &[f64], margin_bar: f64) {
        let bases: Vec<_> = self.combinations.iter().map(|at| self.bases(model, at)).collect();
        for (combination, bases) in self.combinations.iter_mut().zip(bases) {
            combination.bases = bases;
        }
        // Air in the receiver is worth what it takes to make it.
        let worth = -model.best_kwh_a_m3() * model.volume_m3 * self.bar_a_node();
        for row in self.ahead.chunks_mut(NODES) {
            row.iter_mut().enumerate().for_each(|(i, cost)| *cost = (worth * i as f64) as f32);
        }
        let last = demand.last().copied().unwrap_or(0.0);
        for stage in (1..STAGES).rev() {
            let demand = demand.get(stage).copied().unwrap_or(last);
            self.back(&Stage { model, demand, margin_bar });
        }
    }

    fn bases(&self, model: &Model, at: &Combination) -> Vec<Base> {
        let mut bases = vec![Base::default()];
        let fixed = self.plates.len() - 1;
        for which in (0..fixed).filter(|which| at.on & (1 << which) != 0) {
            let Some(machine) = model.fixed.get(which) else { continue };
            let start_s = self.plates.get(which).map_or(0.0, |plate| plate.start_s);
            let share = if at.starting & (1 << which) != 0 { 1.0 - start_s / STAGE_S } else { 1.0 };
            let with = |base: &Base, loaded: bool| {
                let share = if loaded { share } else { 0.0 };
                Base {
                    flow: base.flow + machine.flow() * share,
                    loaded_kw: base.loaded_kw + machine.power_kw * share,
                    idle_kw: base.idle_kw + machine.idle_kw * (1.0 - share),
                    loaded: base.loaded | u8::from(loaded) << which,
                }
            };
            bases = bases.iter().flat_map(|base| [with(base, false), with(base, true)]).collect();
        }
        bases
    }

    /// One stage back.
    fn back(&mut self, stage: &Stage<'_>) {
        let mut arrived = std::mem::take(&mut self.spare);
        arrived.fill(f32::MAX);
        let rows = self.combinations.iter().zip(arrived.chunks_mut(NODES)).zip(self.ahead.chunks(NODES));
        for ((at, best), ahead) in rows {
            let mut soft = [0.0_f32; NODES];
            for (i, (soft, ahead)) in soft.iter_mut().zip(ahead).enumerate() {
                *soft = ahead + self.penalty(self.band.0 + self.bar_a_node() * i as f64, stage.margin_bar) as f32;
            }
            for base in &at.bases {
                for way in self.ways(stage.model, at, *base).into_iter().flatten() {
                    self.modulate(best, &soft, &way, stage);
                }
            }
        }
        // Row by row: what is least over the ways out of a combination.
        for (at, row) in self.combinations.iter().zip(self.ahead.chunks_mut(NODES)) {
            row.fill(f32::MAX);
            for (to, paid) in &at.next {
                let from = arrived.get(to * NODES..(to + 1) * NODES).unwrap_or_default();
                row.iter_mut().zip(from).for_each(|(best, cost)| *best = best.min(cost + paid));
            }
        }
        self.spare = arrived;
    }

    fn penalty(&self, bar: f64, margin_bar: f64) -> f64 {
        let (low, high) = (self.band.0, self.band.1);
        let inside = (low + margin_bar - bar).max(bar - high + margin_bar).max(0.0);
        let outside = (low - bar).max(bar - high).max(0.0);
        inside * MARGIN_KWH + outside * BEYOND_KWH
    }

    fn flow_a_node(&self, model: &Model) -> f64 {
        self.bar_a_node() * model.volume_m3 / (STAGE_S / 60.0)
    }

    /// What can be modulated while the fixed machines are as `base` says.
    fn ways(&self, model: &Model, at: &Combination, base: Base) -> [Option<Way>; MOST_FIXED + 1] {
        let mut ways = [None; MOST_FIXED + 1];
        let fixed = self.plates.len() - 1;
        let variable_on = at.on & (1 << fixed) != 0;
        let (least, most) = model.variable.flows();
        let mut under = base;
        if variable_on {
            ways[fixed] = Some(Way { base, by: Some(fixed), flows: (least, most), kw_a_flow: 0.0 });
            under.flow += least;
            under.loaded_kw += model.variable.power_kw(least);
        }
        let mut none_idles = true;
        for (which, machine) in model.fixed.iter().enumerate() {
            let idles = at.on & !base.loaded & !at.starting & (1 << which) != 0;
            if let (true, Some(way)) = (idles, ways.get_mut(which)) {
                none_idles = false;
                // Loading takes its idle power away; the difference counts at rated pressure, a percent at most.
                let kw_a_flow = (machine.power_kw - machine.idle_kw) / machine.flow();
                *way = Some(Way { base: under, by: Some(which), flows: (0.0, machine.flow()), kw_a_flow });
            }
        }
        if none_idles && !variable_on {
            ways[fixed] = Some(Way { base, by: None, flows: (0.0, 0.0), kw_a_flow: 0.0 });
        }
        ways
    }

    /// Linear between nodes; beyond them the last node's, and what it costs to be out of the band.
    fn between(&self, row: &[f32], at: f64) -> f64 {
        let last = row.len() as f64 - 1.0;
        let held = at.clamp(0.0, last);
        let lower = (held as usize).min(row.len().saturating_sub(2));
        let share = held - lower as f64;
        let pair = row.get(lower..lower + 2).unwrap_or(&[0.0, 0.0]);
        let inside = f64::from(pair[0]) * (1.0 - share) + f64::from(pair[1]) * share;
        inside + (at - held).abs() * self.bar_a_node() * BEYOND_KWH
    }

    /// Takes the best of a way's flows, for each pressure of the grid: those that lead to a node, the least and the most.
    fn modulate(&self, best: &mut [f32], soft: &[f32], way: &Way, stage: &Stage<'_>) {
        let a_node = self.flow_a_node(stage.model);
        let node_of = |flow: f64| (way.base.flow + flow - stage.demand) / a_node;
        let (least, most) = way.flows;
        self.drift(best, soft, way.at(stage.model, least), stage);
        if least == most {
            return;
        }
        self.drift(best, soft, way.at(stage.model, most), stage);
        let n = NODES as i64;
        let slope = stage.model.power_per_bar * self.bar_a_node();
        for k in (node_of(least).ceil() as i64).max(1 - n)..=(node_of(most).floor() as i64).min(n - 1) {
            let drawn = way.at(stage.model, k as f64 * a_node + stage.demand - way.base.flow);
            let kwh = drawn.loaded_kw * STAGE_S / 3600.0;
            let lowest = stage.model.pressure_factor(self.band.0) + 0.5 * slope * k as f64;
            let (constant, rise) = ((kwh * lowest + drawn.idle_kw * STAGE_S / 3600.0) as f32, (kwh * slope) as f32);
            let (from, to) = (k.min(0).unsigned_abs() as usize, k.max(0) as usize);
            let mut at = constant + rise * from as f32;
            for (best, later) in best.iter_mut().skip(from).zip(soft.iter().skip(to)) {
                *best = best.min(at + later);
                at += rise;
            }
        }
    }

    /// A flow that the pressure follows, wherever it leads.
    fn drift(&self, best: &mut [f32], soft: &[f32], base: Base, stage: &Stage<'_>) {
        let nodes = (base.flow - stage.demand) / self.flow_a_node(stage.model);
        let (kwh, idle) = (base.loaded_kw * STAGE_S / 3600.0, base.idle_kw * STAGE_S / 3600.0);
        let slope = stage.model.power_per_bar * self.bar_a_node();
        let lowest = stage.model.pressure_factor(self.band.0) + 0.5 * slope * nodes;
        for (i, best) in best.iter_mut().enumerate() {
            let cost = kwh * (lowest + slope * i as f64) + idle + self.between(soft, i as f64 + nodes);
            *best = best.min(cost as f32);
        }
    }

    /// The best first stage, for machines that have been on or off for so long and this pressure.
    pub fn choose(
        &self,
        model: &Model,
        since: &[(bool, f64)],
        bar: f64,
        demand: f64,
        margin_bar: f64,
    ) -> Option<Choice> {
        let (mut index, mut place) = (0, 1);
        for ((plate, timers), (on, for_s)) in self.plates.iter().zip(&self.timers).zip(since) {
            index += timers.state(plate, *on, *for_s) * place;
            place *= timers.len();
        }
        let mut found: Option<(f64, Choice)> = None;
        for (to, paid) in &self.combinations.get(index)?.next {
            let at = self.combinations.get(*to)?;
            let ahead = self.ahead.get(to * NODES..(to + 1) * NODES)?;
            for way in at.bases.iter().flat_map(|base| self.ways(model, at, *base)).flatten() {
                let (least, most) = way.flows;
                let flow_to = |node: usize| {
                    let rise = self.band.0 + self.bar_a_node() * node as f64 - bar;
                    demand - way.base.flow + rise * model.volume_m3 / (STAGE_S / 60.0)
                };
                let nodes = (0..NODES).map(flow_to).filter(|flow| least < *flow && *flow < most);
                for flow in nodes.chain([least, most]) {
                    let (cost, target_bar) = self.cost(model, ahead, way.at(model, flow), bar, demand, margin_bar);
                    let cost = cost + f64::from(*paid);
                    if found.is_none_or(|(best, _)| cost < best) {
                        let loaded = way.base.loaded;
                        found = Some((cost, Choice { on: at.on, loaded, modulated: way.by, target_bar }));
                    }
                }
            }
        }
        found.map(|(_, choice)| choice)
    }

    /// kWh of a first stage and everything after it, and where it leads.
    fn cost(&self, model: &Model, ahead: &[f32], base: Base, bar: f64, demand: f64, margin: f64) -> (f64, f64) {
        let end = bar + (base.flow - demand) * (STAGE_S / 60.0) / model.volume_m3;
        let kw = base.loaded_kw * model.pressure_factor((bar + end) / 2.0) + base.idle_kw;
        let later = self.between(ahead, (end - self.band.0) / self.bar_a_node());
        let inside = end.clamp(self.band.0, self.band.1);
        (kw * STAGE_S / 3600.0 + later + self.penalty(inside, margin), end)
    }
}
