#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
use super::super::demand::Demand;
use super::super::machines::{NAMEPLATE, machines};
use super::super::{START_BAR, START_ON};
use super::*;

/// All courses of some steps, one after the other, from a pressure on. The variable machine's flows are those that lead to
/// a node, so that both searches choose among the same courses.
struct Brute<'a> {
    search: Search<'a>,
    demand: &'a [f64],
}

impl Brute<'_> {
    fn least(&self, step: usize, state: [usize; 3], node: usize) -> f64 {
        let Some(demand) = self.demand.get(step) else { return 0.0 };
        let (machines, timers) = (self.search.machines, self.search.timers);
        let hours = self.search.hours;
        let mut best = NEVER;
        for (na, sa) in timers[0].next(state[0]).into_iter().flatten() {
            for (nb, sb) in timers[1].next(state[1]).into_iter().flatten() {
                for (nc, sc) in timers[2].next(state[2]).into_iter().flatten() {
                    let mut start = if sa { machines.fixed[0].rules.start_cost } else { 0.0 };
                    start += if sb { machines.fixed[1].rules.start_cost } else { 0.0 };
                    start += if sc { machines.variable.rules.start_cost } else { 0.0 };
                    for course in self.search.courses([na, nb, nc]) {
                        let (least, most) = self.search.range(&course);
                        for to in 0..self.search.grid.pressures {
                            let moved = to as f64 - node as f64;
                            let flow = moved * self.search.flow_a_node + demand - course.base.flow;
                            if !(least - 1e-9 <= flow && flow <= most + 1e-9) {
                                continue;
                            }
                            let drawn = self.search.drawn(&course, flow);
                            let mean = BAND_BAR.0 + self.search.bar_a_node * (node as f64 + moved / 2.0);
                            let kw = drawn.loaded_kw * pressure_factor(mean) + drawn.idle_kw;
                            let rest = self.least(step + 1, [na, nb, nc], to);
                            best = best.min(kw * hours + start / PRICE + rest);
                        }
                    }
                }
            }
        }
        best
    }
}

#[test]
fn it_is_what_trying_everything_finds() {
    // Flows that the nodes divide, so that no course ends between two of them and nothing is interpolated: a node is
    // 0.25 bar, or 1 m³/min over five minutes.
    let mut tiny = NAMEPLATE;
    tiny.fixed[0].flow = 12.0;
    tiny.fixed[1].flow = 6.0;
    tiny.variable.flow = 9.0;
    tiny.variable.least_share = 3.0 / 9.0;
    for machine in &mut tiny.fixed {
        machine.rules.start_s = 0.0;
    }
    tiny.variable.rules.start_s = 0.0;
    let grid = Grid { step_s: 60.0, pressures: 5 };
    tiny.volume_m3 = 4.0;
    for demand in [vec![3.0, 4.0, 9.0, 14.0], vec![12.0, 1.0, 1.0, 8.0], vec![5.0, 5.0, 6.0, 7.0], vec![20.0, 3.0, 3.0]]
    {
        let brute = Brute { search: Search::new(&tiny, grid), demand: &demand };
        let state = [0, 1, 2].map(|which| brute.search.timers[which].rested(START_ON[which]));
        let by_hand = brute.least(0, state, 2);
        let found = least_cost(&tiny, &demand, START_ON, (7.0, 0.0), grid);
        match found {
            Some(found) => assert!((found - by_hand * PRICE).abs() < 1e-9, "{demand:?}: {found} {by_hand}"),
            None => assert!(by_hand >= NEVER, "{demand:?}: {by_hand}"),
        }
    }
}

#[test]
fn a_constant_demand_costs_what_the_best_steady_state_does() {
    // 8 m³/min for ten hours: the variable machine alone at the band's lower end, for the start's pressure is drawn first.
    let minutes = 600;
    let cost = least_cost(&NAMEPLATE, &vec![8.0; minutes], START_ON, (START_BAR, 0.0), GRID).unwrap();
    let steady = NAMEPLATE.variable.power_kw_at(8.0) * pressure_factor(BAND_BAR.0) * minutes as f64 / 60.0 * PRICE;
    let stored = 0.5 * NAMEPLATE.volume_m3 * AIR_PER_BAR;
    let air = NAMEPLATE.variable.power_kw_at(8.0) / 8.0 / 60.0 * PRICE * stored;
    assert!((cost / (steady - air) - 1.0).abs() < 0.003, "{cost} {steady} {air}");
}

#[test]
fn a_finer_grid_hardly_changes_it() {
    let seed = 4;
    let real = machines(seed);
    // An afternoon in which a fixed machine loads and unloads in turns.
    let demand = Demand::new(seed).ahead(990, 90);
    let cost = |grid| least_cost(&real, &demand, START_ON, (START_BAR, 0.0), grid).unwrap();
    let used = cost(GRID);
    let finer = cost(Grid { pressures: 2 * GRID.pressures - 1, ..GRID });
    let shorter = cost(Grid { step_s: GRID.step_s / 2.0, ..GRID });
    assert!((used / finer - 1.0).abs() < 0.002, "pressure: {used} {finer}");
    assert!((used / shorter - 1.0).abs() < 0.002, "time: {used} {shorter}");
}

#[test]
fn air_that_is_left_at_the_end_is_paid_for() {
    // Half the band is 10 m³. The variable machine makes them beside the steady demand, at a rising pressure.
    let cost = |end: f64| least_cost(&NAMEPLATE, &[8.0; 240], START_ON, (START_BAR, end), GRID).unwrap();
    let (empty, held, full) = (cost(0.0), cost(START_BAR), cost(BAND_BAR.1));
    assert_eq!(empty, cost(BAND_BAR.0));
    let air = NAMEPLATE.volume_m3 * AIR_PER_BAR * 0.5;
    let a_m3 = |flow: f64| NAMEPLATE.variable.power_kw_at(flow) / flow / 60.0 * PRICE;
    for (more, less) in [(held, empty), (full, held)] {
        let paid = (more - less) / air;
        assert!((a_m3(8.0)..1.35 * a_m3(8.0)).contains(&paid), "{empty} {held} {full}: {paid} for a m³");
    }
}

#[test]
fn what_cannot_be_kept_has_no_cost() {
    assert_eq!(least_cost(&NAMEPLATE, &[40.0; 20], START_ON, (START_BAR, 0.0), GRID), None);
    assert_eq!(least_cost(&NAMEPLATE, &[5.0], START_ON, (8.0, 0.0), GRID), None);
}
