//! Dynamic programming over the next stretch: machine states with their timers, and the pressure on a grid.
//!
//! Backwards over stages (Bellman 1957): long ones far ahead, then those of the next minutes, whose costs-to-go are kept,
//! so that a plan serves for many calls. In a stage one machine at most is modulated (`ways`). Its flow is chosen by the
//! pressure that it leads to. The band's edges are soft inside a margin, so that there is always a plan.

mod timers;

mod ways;

mod stage;

use super::model::Model;
use super::plate::{Plate, Site};
use stage::{Grid, Move, Soft, Stage};
use timers::Layer;
use ways::Way;

/// Pressures from one end of the band to the other.
const NODES: usize = 41;
/// kWh for each bar and stage beyond the margin; a start costs a few.
const MARGIN_KWH: f64 = 60.0;
/// kWh for each bar and stage that is missing from the reserve: a step that would need it is rare.
const RESERVE_KWH: f64 = 8.0;
/// kWh for each bar beyond the band.
const BEYOND_KWH: f64 = 2000.0;
/// What a start counts where the demand is a forecast, in starts: it is paid now, and what it is made for may not come.
const DOUBTED_START: f64 = 2.0;
/// What is planned ahead, in seconds.
pub const HORIZON_S: f64 = 7200.0;
/// Lengths that a stage may have in the next minutes, and far ahead, in seconds.
const NEAR_S: [f64; 4] = [60.0, 120.0, 180.0, 300.0];
const FAR_S: [f64; 4] = [120.0, 180.0, 300.0, 600.0];
/// Combinations of timers that the layers may have: what a plan may cost in time and memory.
const MOST_COMBINATIONS: (usize, usize) = (512, 128);
/// Stages whose costs-to-go are kept: with the demand known, and with a forecast, which is a new one sooner.
const KEPT: (usize, usize) = (20, 10);
/// A timer that runs out so soon has run out, in seconds: the machine's own controller sees to the rest.
const SOON_S: f64 = 12.0;

/// What is to be reckoned with.
pub struct Outlook<'a> {
    /// The mean demand from one run time to another, in m³/min.
    pub demand: &'a dyn Fn(f64, f64) -> f64,
    /// What is kept for these machines, where this much is drawn at this run time.
    pub margins: &'a dyn Fn(Machines, f64, f64) -> Margins,
    /// A bit for each machine that can't be started.
    pub absent: u8,
    /// How the demand may leave its forecast; none where it is known.
    pub doubt: Option<Doubt>,
}

/// Distances from the band's edges, in bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margins {
    /// From the lower one.
    pub below: f64,
    /// Above that, for what nobody foresees.
    pub reserve: f64,
    /// From the upper one.
    pub above: f64,
}

/// A demand that is at its forecast, above it or below it, and changes from one to the other at random.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Doubt {
    /// By how much it may be above, in m³/min, and the mean time until it is, in seconds.
    pub above: (f64, f64),
    /// The same for below.
    pub below: (f64, f64),
    /// Mean time until it is back, in seconds.
    pub return_s: f64,
}

impl Outlook<'_> {
    /// What a start counts, in starts.
    fn start(&self) -> f64 {
        self.doubt.map_or(1.0, |_| DOUBTED_START)
    }

    /// Differences from the forecast, in m³/min; the first is none.
    fn branches(&self) -> Vec<f64> {
        self.doubt.map_or(vec![0.0], |doubt| vec![0.0, doubt.above.0, -doubt.below.0])
    }

    /// The costs-to-go at the end of a stage, by what its demand was, from those by what it will be.
    fn mix(&self, ahead: &[Vec<f32>], step_s: f64) -> Vec<Vec<f32>> {
        let (Some(doubt), [at, above, below]) = (self.doubt, ahead) else { return ahead.to_vec() };
        let chance = |mean_s: f64| (1.0 - (-step_s / mean_s.max(1.0)).exp()).min(0.4) as f32;
        let (up, down, back) = (chance(doubt.above.1), chance(doubt.below.1), chance(doubt.return_s));
        let home = |side: &[f32]| at.iter().zip(side).map(|(at, side)| side + back * (at - side)).collect();
        let sides = above.iter().zip(below).zip(at);
        let away = sides.map(|((above, below), at)| at + up * (above - at) + down * (below - at)).collect();
        vec![away, home(above), home(below)]
    }
}

/// Which machines give air and which could: a bit for each, the variable one last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machines {
    /// Those that run.
    pub on: u8,
    /// Those that stand and may be started at once.
    pub rested: u8,
}

/// Machines and pressure at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Now<'a> {
    /// Run time.
    pub time_s: f64,
    /// Each machine's state, and for how long.
    pub since: &'a [(bool, f64)],
    /// In bar.
    pub bar: f64,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// A bit for each machine that is to run, the variable one last.
    pub on: u8,
    /// A bit for each fixed machine that is to be loaded.
    pub loaded: u8,
    /// The machine that holds the pressure, if one does.
    pub modulated: Option<usize>,
    /// Pressure at the stage's end, in bar.
    pub target_bar: f64,
    /// Run time of the stage's end.
    pub until_s: f64,
}

/// What a stage costs where the same machines run.
struct Costs {
    moves: Vec<Move>,
    /// For the pressure at the stage's end, by node.
    ends: [f32; NODES],
    /// By node at its beginning, for the lowest pressure until those that start deliver.
    dips: Option<[f32; NODES]>,
}

/// The planner of one station.
#[derive(Debug, Clone)]
pub struct Planner {
    plates: Vec<Plate>,
    grid: Grid,
    near: Layer,
    far: Layer,
    /// For each near combination, the far one.
    junction: Vec<usize>,
    /// Least kWh from the beginning of each near stage on, by combination and node; the first is that of the second stage.
    kept: Vec<Vec<f32>>,
    /// Run time at which the first near stage begins.
    start_s: f64,
}

impl Planner {
    /// For these machines.
    pub fn new(site: &Site) -> Self {
        let plates: Vec<Plate> = site.fixed.iter().chain([&site.variable]).copied().collect();
        let near = Layer::new(&plates, &NEAR_S, MOST_COMBINATIONS.0);
        let far = Layer::new(&plates, &FAR_S, MOST_COMBINATIONS.1);
        let junction = (0..near.combinations.len()).map(|index| far.index(&near.since(index))).collect();
        Self { plates, grid: Grid::new(site.band_bar), near, far, junction, kept: Vec::new(), start_s: 0.0 }
    }

    /// Length of a stage in the next minutes, in seconds. Stages begin at whole multiples of it.
    pub fn step_s(&self) -> f64 {
        self.near.step_s
    }

    /// Number of the stage that this run time lies in.
    fn stage_of(&self, time_s: f64) -> f64 {
        (time_s / self.near.step_s + 1e-6).floor()
    }

    /// Stages that the plan still reaches beyond this run time; 0 where there is none.
    pub fn reaches(&self, time_s: f64) -> usize {
        let passed = self.stage_of(time_s) - self.stage_of(self.start_s);
        if passed < 0.0 { 0 } else { self.kept.len().saturating_sub(passed as usize) }
    }

    /// Plans from the stage of this run time on.
    pub fn plan(&mut self, model: &Model, time_s: f64, outlook: &Outlook<'_>) {
        self.start_s = self.stage_of(time_s) * self.near.step_s;
        let kept = if outlook.doubt.is_some() { KEPT.1 } else { KEPT.0 };
        let near_end_s = self.start_s + kept as f64 * self.near.step_s;
        // Air in the receiver is worth what it takes to make it.
        let worth = -model.best_kwh_a_m3() * model.volume_m3 * self.grid.bar_a_node;
        let end = (0..self.far.combinations.len() * NODES).map(|i| (worth * (i % NODES) as f64) as f32).collect();
        let mut ahead: Vec<Vec<f32>> = vec![end; outlook.branches().len()];
        let stages = ((HORIZON_S - kept as f64 * self.near.step_s) / self.far.step_s).max(1.0) as usize;
        for stage in (0..stages).rev() {
            let from_s = near_end_s + stage as f64 * self.far.step_s;
            ahead = self.back(&self.far, model, from_s, &outlook.mix(&ahead, self.far.step_s), outlook);
        }
        let near = |ahead: &Vec<f32>| {
            let row = |far: &usize| ahead.get(far * NODES..(far + 1) * NODES).unwrap_or_default().to_vec();
            self.junction.iter().flat_map(row).collect::<Vec<f32>>()
        };
        let mut ahead: Vec<Vec<f32>> = ahead.iter().map(near).collect();
        self.kept.clear();
        for stage in (0..kept).rev() {
            let mixed = outlook.mix(&ahead, self.near.step_s);
            if stage > 0 {
                let from_s = self.start_s + stage as f64 * self.near.step_s;
                ahead = self.back(&self.near, model, from_s, &mixed, outlook);
            }
            // The demand is at its forecast now.
            self.kept.extend(mixed.into_iter().next());
        }
        self.kept.reverse();
    }

    /// One stage back, from the costs at its end, by the demand in it.
    fn back(
        &self,
        layer: &Layer,
        model: &Model,
        from_s: f64,
        ahead: &[Vec<f32>],
        outlook: &Outlook<'_>,
    ) -> Vec<Vec<f32>> {
        let demand = (outlook.demand)(from_s, from_s + layer.step_s);
        let branches = outlook.branches().into_iter().zip(ahead);
        let branch = |(off, ahead): (f64, &Vec<f32>)| {
            let demand = (demand + off).max(0.0);
            let stage = Stage { grid: self.grid, model, step_s: layer.step_s, demand };
            self.branch_back(layer, &stage, from_s, ahead, outlook)
        };
        branches.map(branch).collect()
    }

    fn branch_back(
        &self,
        layer: &Layer,
        stage: &Stage<'_>,
        from_s: f64,
        ahead: &[f32],
        outlook: &Outlook<'_>,
    ) -> Vec<f32> {
        let (model, demand) = (stage.model, stage.demand);
        let patterns: Vec<Option<Costs>> = layer
            .patterns
            .iter()
            .map(|pattern| {
                if pattern.on & outlook.absent != 0 {
                    return None;
                }
                let late = |(which, plate): (usize, &Plate)| {
                    if pattern.starting & (1 << which) != 0 { plate.start_s } else { 0.0 }
                };
                let late_s: Vec<f64> = self.plates.iter().enumerate().map(late).collect();
                let ways = ways::ways(model, &self.plates, pattern.on, &late_s, layer.step_s);
                let machines = Machines { on: pattern.on, rested: pattern.rested & !outlook.absent };
                let margins = (outlook.margins)(machines, demand, from_s);
                let dip_bar = stage.dip_bar(pattern.on, &late_s);
                let penalty = |bar: f64| self.grid.penalty(bar, margins) as f32;
                Some(Costs {
                    moves: stage.moves(&ways),
                    ends: std::array::from_fn(|node| penalty(self.grid.bar(node))),
                    dips: (dip_bar < 0.0).then(|| std::array::from_fn(|node| penalty(self.grid.bar(node) + dip_bar))),
                })
            })
            .collect();
        let mut arrived = vec![f32::MAX; ahead.len()];
        let rows = layer.combinations.iter().zip(arrived.chunks_mut(NODES)).zip(ahead.chunks(NODES));
        for ((at, best), ahead) in rows {
            if let Some(Some(costs)) = patterns.get(at.pattern) {
                Soft::new(ahead, &costs.ends, self.grid).least(&costs.moves, best);
                let dips = costs.dips.iter().flatten();
                best.iter_mut().zip(dips).for_each(|(best, dip)| *best += dip);
            }
        }
        // Row by row: what is least over the ways out of a combination.
        let mut out = vec![f32::MAX; ahead.len()];
        let start = outlook.start() as f32;
        for (at, row) in layer.combinations.iter().zip(out.chunks_mut(NODES)) {
            for (to, paid) in &at.next {
                let paid = start * paid;
                let from = arrived.get(to * NODES..(to + 1) * NODES).unwrap_or_default();
                for (best, cost) in row.iter_mut().zip(from) {
                    let total = cost + paid;
                    *best = if total < *best { total } else { *best };
                }
            }
        }
        out
    }

    /// The best thing to do until the stage's end; none where there is no plan of it.
    pub fn choose(&self, model: &Model, now: Now<'_>, outlook: &Outlook<'_>) -> Option<Choice> {
        let passed = self.stage_of(now.time_s) - self.stage_of(self.start_s);
        let ahead = (passed >= 0.0).then(|| self.kept.get(passed as usize)).flatten()?;
        let until_s = (self.stage_of(now.time_s) + 1.0) * self.near.step_s;
        let step_s = until_s - now.time_s;
        let demand = (outlook.demand)(now.time_s, until_s);
        let stage = Stage { grid: self.grid, model, step_s, demand };
        let mut found: Option<(f64, Choice)> = None;
        for on in 0..1_u8 << self.plates.len() {
            let Some((since, late_s, paid)) = self.switched(now, on, step_s, outlook.absent) else {
                continue;
            };
            let index = self.near.index(&since);
            let Some(row) = ahead.get(index * NODES..(index + 1) * NODES) else { continue };
            let machines = Machines { on, rested: self.near.rested(&since) & !outlook.absent };
            let margins = (outlook.margins)(machines, demand, now.time_s);
            let dip_bar = stage.dip_bar(on, &late_s);
            let dip = if dip_bar < 0.0 { self.grid.penalty(now.bar + dip_bar, margins) } else { 0.0 };
            for way in ways::ways(model, &self.plates, on, &late_s, step_s) {
                let (cost, target_bar) = self.best_end(&stage, &way, now.bar, row, margins);
                let cost = cost + outlook.start() * paid + dip;
                if found.is_none_or(|(best, _)| cost < best) {
                    let choice = Choice { on, loaded: way.loaded, modulated: way.by, target_bar, until_s };
                    found = Some((cost, choice));
                }
            }
        }
        found.map(|(_, choice)| choice)
    }

    /// Timers at the stage's end, seconds until each machine delivers, and the price of starts, where these machines run from
    /// now on; none where a machine would refuse.
    #[expect(clippy::type_complexity, reason = "three answers to one question")]
    fn switched(&self, now: Now<'_>, on: u8, step_s: f64, absent: u8) -> Option<(Vec<(bool, f64)>, Vec<f64>, f64)> {
        let (mut since, mut late_s, mut paid) = (Vec::new(), Vec::new(), 0.0);
        for (which, (plate, (was, for_s))) in self.plates.iter().zip(now.since).enumerate() {
            let is = on & (1 << which) != 0;
            let least_s = if *was { plate.least_run_s } else { plate.least_off_s };
            let changes = is != *was;
            if changes && (*for_s + SOON_S < least_s || (is && absent & (1 << which) != 0)) {
                return None;
            }
            let so_far_s = if changes { 0.0 } else { *for_s };
            since.push((is, so_far_s + step_s + SOON_S));
            late_s.push(if is { (plate.start_s - so_far_s).max(0.0) } else { 0.0 });
            paid += if changes && is { plate.start_kwh } else { 0.0 };
        }
        Some((since, late_s, paid))
    }

    /// The cheapest pressure to end with, and what it costs from now on.
    fn best_end(&self, stage: &Stage<'_>, way: &Way, bar: f64, row: &[f32], margins: Margins) -> (f64, f64) {
        let (least, most) = way.range;
        let a_bar = stage.model.volume_m3 * 60.0 / stage.step_s;
        let flow_to = |node: usize| stage.demand - way.flow + (self.grid.bar(node) - bar) * a_bar;
        let nodes = (0..NODES).map(flow_to).filter(|flow| least < *flow && *flow < most);
        let mut best = (f64::INFINITY, bar);
        for flow in nodes.chain([least, most]) {
            let end = bar + (way.flow + flow - stage.demand) / a_bar;
            let (loaded_kw, idle_kw) = way.power_kw(stage.model, flow);
            let kw = loaded_kw * stage.model.pressure_factor((bar + end) / 2.0) + idle_kw;
            let cost = kw * stage.step_s / 3600.0 + self.grid.between(row, end) + self.grid.penalty(end, margins);
            if cost < best.0 {
                best = (cost, end);
            }
        }
        best
    }
}
