//! Whatever the belt, the counter, the trigger and the plugin do, no part gets what another is owed. The checks look at
//! a belt of their own, with parts of 40 counts, and at the value that is in force while a part is over the gate.

use super::*;
use proptest::prelude::*;

/// Half a part. Half a window is longer by more than what the belt's speed changes from scan to scan.
const HALF: i64 = 20;
/// Most counts in a scan, and its largest change from scan to scan.
const FASTEST: i64 = 100;
const CHANGE: i64 = 20;
/// From trigger to gate.
const DISTANCE: i64 = 1_000;

#[derive(Clone, Debug)]
struct Part {
    /// To the part before.
    pitch: i64,
    /// Whether the trigger tells of it, how many scans late, and whether twice.
    told: Option<(usize, bool)>,
    /// Verdicts, and how many scans after that.
    verdicts: Vec<(usize, Decision)>,
}

fn any_part() -> impl Strategy<Value = Part> {
    let decision = prop_oneof![Just(Decision::Pass), Just(Decision::Reject), Just(Decision::Rework)];
    let told = prop_oneof![9 => (0_usize..4, any::<bool>()).prop_map(Some), 1 => Just(None)];
    // A window and the longest way of a scan apart, so that no two are owed something at once.
    (2 * 50 + FASTEST + 10..500_i64, told, proptest::collection::vec((0_usize..40, decision), 0..3))
        .prop_map(|(pitch, told, verdicts)| Part { pitch, told, verdicts })
}

/// What the belt and its counter do in a scan.
#[derive(Clone, Copy, Debug)]
struct Turn {
    change: i64,
    blind: bool,
    begins_anew: bool,
}

fn any_turns(disturbed: bool) -> impl Strategy<Value = Vec<Turn>> {
    let rare = move |one_in: u32| prop_oneof![one_in => Just(false), 1 => Just(disturbed)];
    let turn = (-CHANGE..=CHANGE, rare(20), rare(80));
    proptest::collection::vec(
        turn.prop_map(|(change, blind, begins_anew)| Turn { change, blind, begins_anew }),
        50..400,
    )
}

fn any_spec() -> impl Strategy<Value = GateSpec> {
    let fallback = prop_oneof![Just(Fallback::Reject), Just(Fallback::Pass)];
    let rest = prop_oneof![3 => Just(Action::Pass), 1 => Just(Action::Reject)];
    let modulus = prop_oneof![Just(None), Just(Some(65_536)), (4_400..9_000_i64).prop_map(Some)];
    (fallback, rest, modulus).prop_map(|(fallback, rest, modulus)| GateSpec {
        fallback,
        rest,
        modulus,
        ..gate(&Rig::cold(|_, _| {}).tags)
    })
}

/// What a part met at the gate.
#[derive(Clone, Debug, Default)]
struct Met {
    values: Vec<f64>,
}

struct World {
    rig: Rig,
    spec: GateSpec,
    parts: Vec<(i64, Part)>,
    met: Vec<Met>,
    belt: i64,
    speed: i64,
    /// Belt less counter.
    offset: i64,
    /// By scan: what is told then.
    arrivals: Vec<(usize, Arrival)>,
    verdicts: Vec<(usize, u64, Decision)>,
    told: usize,
    scans: usize,
}

impl World {
    fn new(spec: GateSpec, parts: Vec<Part>, offset: i64) -> World {
        let configured = spec.clone();
        let mut rig = Rig::cold(|output, _| output.gate = Some(configured));
        rig.value = Some(spec.positions.of(spec.unknown()));
        // Whatever was there before is past.
        let mut at = DISTANCE + 200;
        let parts: Vec<(i64, Part)> = parts
            .into_iter()
            .map(|part| {
                at += part.pitch;
                (at, part)
            })
            .collect();
        World {
            met: vec![Met::default(); parts.len()],
            rig,
            spec,
            parts,
            belt: 0,
            speed: 0,
            offset,
            arrivals: Vec::new(),
            verdicts: Vec::new(),
            told: 0,
            scans: 0,
        }
    }

    fn counter(&self, belt: i64) -> i64 {
        let counts = belt - self.offset;
        self.spec.modulus.map_or(counts, |modulus| counts.rem_euclid(modulus))
    }

    /// The belt moves under what is in force, and a scan sees where it is.
    fn turn(&mut self, turn: Turn) {
        self.speed = (self.speed + turn.change).clamp(0, FASTEST);
        let before = self.belt;
        self.belt += self.speed;
        for ((at, _), met) in self.parts.iter().zip(&mut self.met) {
            let over = (at + DISTANCE - HALF, at + DISTANCE + HALF);
            if over.0 <= self.belt && before <= over.1 && before < self.belt {
                met.values.extend(self.rig.value);
            }
        }
        // One that begins anew near to where it is can't be told from a belt that moved.
        let shown = self.counter(self.belt);
        let leap = shown.min(self.spec.modulus.map_or(shown, |modulus| modulus - shown)).abs();
        if turn.begins_anew && leap > 3 * FASTEST {
            self.offset = self.belt;
        }
        for (index, (at, part)) in self.parts.iter().enumerate() {
            if !(before < *at && *at <= self.belt) {
                continue;
            }
            let Some((late, twice)) = part.told else { continue };
            self.told += 1;
            let arrival = Arrival { items: 0, item: index as u64, encoder: Some(self.counter(*at)) };
            self.arrivals.push((self.scans + late, arrival));
            if twice {
                self.arrivals.push((self.scans + late + 1, arrival));
            }
            let verdicts = part.verdicts.iter();
            self.verdicts
                .extend(verdicts.map(|(after, decision)| (self.scans + late + after, index as u64, *decision)));
        }
        let scan = self.scans;
        let due = |at: usize| at == scan;
        self.rig.news.arrivals = self.arrivals.iter().filter(|(at, _)| due(*at)).map(|(_, arrival)| *arrival).collect();
        for (_, item, decision) in self.verdicts.iter().filter(|(at, ..)| due(*at)) {
            self.rig.verdict(*item, *decision);
        }
        let seen = if turn.blind { f64::NAN } else { self.counter(self.belt) as f64 };
        self.rig.at(seen);
        self.scans += 1;
    }

    /// Until every part is past and was told of.
    fn run(&mut self, turns: &[Turn]) {
        turns.iter().for_each(|turn| self.turn(*turn));
        let end = self.parts.last().map_or(0, |(at, _)| at + 2 * DISTANCE);
        while self.belt < end {
            self.turn(Turn { change: CHANGE, blind: false, begins_anew: false });
        }
    }

    /// What the verdicts that were accepted, or else the fallback, make of an item.
    fn owed(&self, index: usize) -> f64 {
        let (_, part) = &self.parts[index];
        if part.told.is_none() {
            return self.spec.positions.of(self.spec.rest);
        }
        let outcome = self.rig.outcomes.iter().find(|left| left.0 == index as u64).unwrap();
        self.spec.positions.of(outcome.1)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// With a counter that can be read, every part gets what it is owed and nothing else, from its leading edge to its
    /// trailing one: the strictest of the verdicts that were accepted, or the fallback; what was never told gets the rest.
    #[test]
    fn every_part_gets_what_it_is_owed(
        spec in any_spec(),
        parts in proptest::collection::vec(any_part(), 1..25),
        turns in any_turns(false),
        offset in -100_000..100_000_i64,
    ) {
        let mut world = World::new(spec, parts, offset);
        world.run(&turns);
        prop_assert_eq!(world.rig.outcomes.len(), world.told);
        for (index, (at, part)) in world.parts.iter().enumerate() {
            let owed = world.owed(index);
            prop_assert!(world.met[index].values.iter().all(|value| *value == owed), "{} at {}: {:?}", index, at, world.met[index]);
            if part.told.is_none() {
                continue;
            }
            let accepted = world.rig.judged.iter().filter(|judged| judged.0 == index as u64 && judged.1 == Verdict::Accepted);
            let outcome = world.rig.outcomes.iter().find(|left| left.0 == index as u64).unwrap();
            let cause = if accepted.count() > 0 { ActionCause::Verdict } else { ActionCause::NoVerdict };
            prop_assert_eq!((outcome.2, outcome.3), (cause, true));
        }
    }

    /// Whatever the counter does, each item that came in leaves once, and what is told as done was done.
    #[test]
    fn what_is_told_as_done_was_done(
        spec in any_spec(),
        parts in proptest::collection::vec(any_part(), 1..25),
        turns in any_turns(true),
        offset in -100_000..100_000_i64,
    ) {
        let mut world = World::new(spec, parts, offset);
        world.run(&turns);
        let mut left: Vec<u64> = world.rig.outcomes.iter().map(|left| left.0).collect();
        left.sort_unstable();
        left.dedup();
        // One that was lost and is told again begins anew, and is lost again.
        prop_assert_eq!(left.len(), world.told);
        for (item, action, cause, done) in &world.rig.outcomes {
            let times = world.rig.outcomes.iter().filter(|left| left.0 == *item).count();
            if !*done || times > 1 {
                continue;
            }
            prop_assert!(*cause == ActionCause::Verdict || *cause == ActionCause::NoVerdict);
            let value = world.spec.positions.of(*action);
            let met = &world.met[*item as usize].values;
            prop_assert!(met.iter().all(|met| *met == value), "{}: {:?} and not {}", item, met, value);
        }
    }
}
