//! The least that a known demand can cost: dynamic programming over machine states and pressure.
//!
//! Backwards over steps of equal length. A state is each machine's timer and the pressure on a grid. In a step fixed machines
//! are loaded or unloaded throughout, and one machine holds the pressure: the variable one by its speed, or a fixed one by
//! loading and unloading in turns, which costs nothing and takes no time here. Its flow is chosen by the pressure it leads to:
//! every node of the grid that it can reach, and its least and full flow, between nodes by linear interpolation. So
//! what is found is paid by a course that really exists, up to that interpolation and to the dip of a start within a step;
//! [`GRID`] says how fine it is. A finer grid finds a little less: the tests bound how little.

use super::machines::{AIR_PER_BAR, BAND_BAR, Machines, POWER_PER_BAR, PRICE, RATED_BAR, Rules, pressure_factor};

/// How fine the search is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Length of a step, in seconds: a minute or an equal part of it.
    pub step_s: f64,
    /// Pressures in the band, its ends among them.
    pub pressures: usize,
}

/// What [`least_cost`] is asked with for accounts.
pub const GRID: Grid = Grid { step_s: 60.0, pressures: 41 };

/// Costs beyond it mean that the band cannot be kept. Finite, so that interpolation stays a number.
const NEVER: f64 = 1e12;

/// One machine's timers, in steps: on for 1, 2, … `run`, off for 1, 2, … `off`; the last of each means "or longer".
#[derive(Debug, Clone, Copy)]
struct Timers {
    run: usize,
    off: usize,
    least_run: usize,
    least_off: usize,
}

impl Timers {
    fn new(rules: &Rules, step_s: f64) -> Self {
        let steps = |time_s: f64| ((time_s / step_s).ceil() as usize).max(1);
        let (least_run, least_off) = (steps(rules.least_run_s), steps(rules.least_off_s));
        // The first step after a start differs from the others, so it has a state of its own.
        Self { run: least_run.max(2), off: least_off, least_run, least_off }
    }

    fn len(&self) -> usize {
        self.run + self.off
    }

    /// Whether it runs in that state, and is in the step of its start.
    fn is_on(&self, state: usize) -> (bool, bool) {
        (state < self.run, state == 0)
    }

    /// Where it can go, and whether that is a start.
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

    /// On or off for long.
    fn rested(&self, on: bool) -> usize {
        if on { self.run - 1 } else { self.run + self.off - 1 }
    }
}

/// What machines do in one step, added up.
#[derive(Debug, Clone, Copy, Default)]
struct Base {
    /// Delivered, in m³/min.
    flow: f64,
    /// Drawn loaded at [`RATED_BAR`], in kW; it grows with the pressure.
    loaded_kw: f64,
    /// Drawn unloaded, in kW.
    idle_kw: f64,
}

impl Base {
    fn plus(self, other: Base) -> Base {
        Base {
            flow: self.flow + other.flow,
            loaded_kw: self.loaded_kw + other.loaded_kw,
            idle_kw: self.idle_kw + other.idle_kw,
        }
    }

    fn times(self, share: f64) -> Base {
        Base { flow: self.flow * share, loaded_kw: self.loaded_kw * share, idle_kw: self.idle_kw * share }
    }
}

/// How the pressure is held in a step.
#[derive(Debug, Clone, Copy)]
enum By {
    /// It goes where it goes.
    Nothing,
    /// A fixed machine loads and unloads in turns; this is what loading it throughout adds.
    Turns(Base),
    /// The variable machine's speed; it delivers in this share of the step.
    Speed { share: f64 },
}

/// What all machines do in a step.
#[derive(Debug, Clone, Copy)]
struct Course {
    /// Without the one that holds the pressure.
    base: Base,
    by: By,
}

/// The least money for this demand, one value a minute in m³/min, from a start with the machines on or off as `on` says
/// (for long) and the first of `bars` to an end at the second or above; none where the band cannot be kept.
pub fn least_cost(machines: &Machines, demand: &[f64], on: [bool; 3], bars: (f64, f64), grid: Grid) -> Option<f64> {
    let search = Search::new(machines, grid);
    // The end falls between two nodes; the lower one is near enough.
    let end =
        ((bars.1 - BAND_BAR.0) / search.bar_a_node + 1e-9).floor().clamp(0.0, grid.pressures as f64 - 1.0) as usize;
    let worth = |i: usize| if i % grid.pressures < end { NEVER } else { 0.0 };
    let mut ahead: Vec<f64> = (0..search.states() * grid.pressures).map(worth).collect();
    let mut settled = 0.0;
    let steps_a_minute = (60.0 / grid.step_s).round().max(1.0) as usize;
    for minute in demand.iter().rev() {
        for _ in 0..steps_a_minute {
            ahead = search.back(&ahead, *minute);
            // What all states have in common is taken out, so that days of it do not swallow the differences.
            let common = ahead.iter().copied().fold(NEVER, f64::min);
            if common >= NEVER / 10.0 {
                return None;
            }
            settled += common;
            ahead.iter_mut().for_each(|cost| *cost = (*cost - common).min(NEVER));
        }
    }
    let [a, b, c] = search.timers;
    let state = search.index(a.rested(on[0]), b.rested(on[1]), c.rested(on[2]));
    let row = ahead.get(state * grid.pressures..(state + 1) * grid.pressures)?;
    let at = (bars.0 - BAND_BAR.0) / search.bar_a_node;
    let cost = between(row, at)?;
    (cost < NEVER / 10.0).then_some((settled + cost) * PRICE)
}

/// Linear between nodes; none beyond them.
fn between(row: &[f64], at: f64) -> Option<f64> {
    // A hair's breadth outside is rounding.
    let last = row.len() as f64 - 1.0;
    if !(-1e-9..=last + 1e-9).contains(&at) {
        return None;
    }
    let at = at.clamp(0.0, last);
    let lower = (at.floor() as usize).min(row.len().saturating_sub(2));
    let share = at - lower as f64;
    Some(row.get(lower)? * (1.0 - share) + row.get(lower + 1)? * share)
}

struct Search<'a> {
    machines: &'a Machines,
    grid: Grid,
    timers: [Timers; 3],
    bar_a_node: f64,
    /// Flow that moves the pressure by one node in a step, in m³/min.
    flow_a_node: f64,
    /// kWh for a kW over a step.
    hours: f64,
    /// [`pressure_factor`] above its value at the band's lower end, by node.
    rise: Vec<f64>,
}

impl<'a> Search<'a> {
    fn new(machines: &'a Machines, grid: Grid) -> Self {
        let bar_a_node = (BAND_BAR.1 - BAND_BAR.0) / (grid.pressures as f64 - 1.0);
        Self {
            machines,
            grid,
            timers: [
                Timers::new(&machines.fixed[0].rules, grid.step_s),
                Timers::new(&machines.fixed[1].rules, grid.step_s),
                Timers::new(&machines.variable.rules, grid.step_s),
            ],
            bar_a_node,
            flow_a_node: bar_a_node * AIR_PER_BAR * machines.volume_m3 / (grid.step_s / 60.0),
            hours: grid.step_s / 3600.0,
            rise: (0..grid.pressures).map(|i| POWER_PER_BAR * bar_a_node * i as f64).collect(),
        }
    }

    fn states(&self) -> usize {
        self.timers.iter().map(Timers::len).product()
    }

    fn index(&self, a: usize, b: usize, c: usize) -> usize {
        (a * self.timers[1].len() + b) * self.timers[2].len() + c
    }

    /// One step back: what is least from each state on, in kWh.
    fn back(&self, ahead: &[f64], demand: f64) -> Vec<f64> {
        let n = self.grid.pressures;
        let arrived = self.arrivals(ahead, demand);
        let mut out = vec![NEVER; ahead.len()];
        let rules = [self.machines.fixed[0].rules, self.machines.fixed[1].rules, self.machines.variable.rules];
        let fee = |which: usize, starts: bool| if starts { rules[which].start_cost / PRICE } else { 0.0 };
        let [ta, tb, tc] = self.timers;
        for a in 0..ta.len() {
            for b in 0..tb.len() {
                for c in 0..tc.len() {
                    let from = self.index(a, b, c) * n;
                    let best = &mut out[from..from + n];
                    for (na, sa) in ta.next(a).into_iter().flatten() {
                        for (nb, sb) in tb.next(b).into_iter().flatten() {
                            for (nc, sc) in tc.next(c).into_iter().flatten() {
                                let paid = fee(0, sa) + fee(1, sb) + fee(2, sc);
                                let to = self.index(na, nb, nc) * n;
                                let costs = best.iter_mut().zip(&arrived[to..to + n]);
                                costs.for_each(|(best, cost)| *best = best.min(cost + paid));
                            }
                        }
                    }
                }
            }
        }
        out
    }

    /// What is least from a step's beginning on, by the state that the machines are in during it.
    fn arrivals(&self, ahead: &[f64], demand: f64) -> Vec<f64> {
        let n = self.grid.pressures;
        let mut out = vec![NEVER; ahead.len()];
        let [ta, tb, tc] = self.timers;
        for a in 0..ta.len() {
            for b in 0..tb.len() {
                for c in 0..tc.len() {
                    let at = self.index(a, b, c) * n;
                    let (best, ahead) = (&mut out[at..at + n], &ahead[at..at + n]);
                    self.courses([a, b, c]).iter().for_each(|course| self.follow(best, ahead, course, demand));
                }
            }
        }
        out
    }

    /// Of the step, the share in which a machine delivers.
    fn share(&self, which: usize, starting: bool) -> f64 {
        let rules = match which {
            0 | 1 => self.machines.fixed[which].rules,
            _ => self.machines.variable.rules,
        };
        if starting { 1.0 - rules.start_s / self.grid.step_s } else { 1.0 }
    }

    /// All that the machines can do in a step.
    fn courses(&self, state: [usize; 3]) -> Vec<Course> {
        let mut courses = vec![Course { base: Base::default(), by: By::Nothing }];
        for which in [0, 1] {
            let machine = &self.machines.fixed[which];
            let (on, starting) = self.timers[which].is_on(state[which]);
            if !on {
                continue;
            }
            let (share, idle_kw) = (self.share(which, starting), machine.idle_kw());
            let full =
                Base { flow: machine.flow * share, loaded_kw: machine.power_kw * share, idle_kw: -idle_kw * share };
            let ways = |course: &Course| {
                let idle = Course { base: course.base.plus(Base { idle_kw, ..Base::default() }), ..*course };
                let loaded = Course { base: idle.base.plus(full), ..idle };
                let turns = matches!(idle.by, By::Nothing).then_some(Course { by: By::Turns(full), ..idle });
                [Some(idle), Some(loaded), turns].into_iter().flatten().collect::<Vec<_>>()
            };
            courses = courses.iter().flat_map(ways).collect();
        }
        let (machine, (on, starting)) = (&self.machines.variable, self.timers[2].is_on(state[2]));
        if !on {
            return courses;
        }
        let share = self.share(2, starting);
        let beside = |course: Course| {
            let idle_kw = machine.idle_kw() * (1.0 - share);
            let base = course.base.plus(Base { idle_kw, ..Base::default() });
            match course.by {
                // What a loaded machine makes more of is cheaper than what this one does, so this one is at its least.
                By::Turns(_) => {
                    Course { base: base.plus(self.variable_at(share * machine.least_flow(), share)), ..course }
                }
                _ => Course { base, by: By::Speed { share } },
            }
        };
        courses.into_iter().map(beside).collect()
    }

    /// The variable machine at a mean flow, delivering in this share of the step.
    fn variable_at(&self, flow: f64, share: f64) -> Base {
        Base { flow, loaded_kw: share * self.machines.variable.power_kw_at(flow / share), idle_kw: 0.0 }
    }

    /// What the machine that holds the pressure can deliver.
    fn range(&self, course: &Course) -> (f64, f64) {
        let c = &self.machines.variable;
        match course.by {
            By::Nothing => (0.0, 0.0),
            By::Turns(full) => (0.0, full.flow),
            By::Speed { share } => (share * c.least_flow(), share * c.flow),
        }
    }

    /// All machines, where the one that holds the pressure delivers this.
    fn drawn(&self, course: &Course, flow: f64) -> Base {
        match course.by {
            By::Nothing => course.base,
            By::Turns(full) => course.base.plus(full.times(flow / full.flow)),
            By::Speed { share } => course.base.plus(self.variable_at(flow, share)),
        }
    }

    /// Takes what is best of a course: the least and the most it can deliver, and every node that it can reach.
    fn follow(&self, best: &mut [f64], ahead: &[f64], course: &Course, demand: f64) {
        let (least, most) = self.range(course);
        self.drift(best, ahead, self.drawn(course, least), demand);
        if most <= least {
            return;
        }
        self.drift(best, ahead, self.drawn(course, most), demand);
        let node_of = |flow: f64| (course.base.flow + flow - demand) / self.flow_a_node;
        let n = self.grid.pressures as i64;
        let (first, last) = (node_of(least).ceil() as i64, node_of(most).floor() as i64);
        for k in first.max(1 - n)..=last.min(n - 1) {
            let drawn = self.drawn(course, k as f64 * self.flow_a_node + demand - course.base.flow);
            let kwh = drawn.loaded_kw * self.hours;
            let lowest = pressure_factor(BAND_BAR.0) + 0.5 * POWER_PER_BAR * self.bar_a_node * k as f64;
            let fixed = kwh * lowest + drawn.idle_kw * self.hours;
            let (from, to) = (k.min(0).unsigned_abs() as usize, k.max(0) as usize);
            let nodes = best[from..].iter_mut().zip(&self.rise[from..]).zip(&ahead[to..]);
            for ((best, rise), later) in nodes {
                let cost = fixed + kwh * rise + later;
                *best = best.min(cost);
            }
        }
    }

    /// A flow that the pressure follows, wherever it leads.
    fn drift(&self, best: &mut [f64], ahead: &[f64], drawn: Base, demand: f64) {
        let nodes = (drawn.flow - demand) / self.flow_a_node;
        let kwh = drawn.loaded_kw * self.hours;
        let lowest = pressure_factor(BAND_BAR.0) + 0.5 * POWER_PER_BAR * self.bar_a_node * nodes;
        for (i, best) in best.iter_mut().enumerate() {
            if let Some(later) = between(ahead, i as f64 + nodes) {
                let cost = kwh * (lowest + self.rise[i]) + drawn.idle_kw * self.hours + later;
                *best = best.min(cost);
            }
        }
    }
}

/// Where a machine's power has its rated value; here so that the formula above can be read beside its constant.
const _: () = assert!(BAND_BAR.0 < RATED_BAR && RATED_BAR < BAND_BAR.1);

#[cfg(test)]
mod tests;
