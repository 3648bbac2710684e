//! A gate as the guard drives it: one output, an encoder, a permit and a pressure.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod guarded;

mod properties;

use super::super::{
    Cause, Command, EventKind, Expression, Guard, GuardError, OnStop, OperatorError, OutputKind, OutputSpec, Problem,
    ScanTime, ScanVerdicts, SetModeError,
};
use super::*;
use crate::image::ProcessImage;
use crate::reading::{RawValue, Reading, ReadingKind, SourceId};
use crate::tag::{Tag, TagTable};
use crate::time::{SECOND_NS, TimeNs};
use crate::unit::Unit;

const GATE: OutputId = OutputId(0);
const OWNER: InstanceId = InstanceId(3);
const SCAN_NS: i64 = 100_000_000;

/// 1,000 counts from trigger to gate, 100 counts at it, default reject, at rest it lets pass.
fn gate(tags: &TagTable) -> GateSpec {
    GateSpec {
        items: 0,
        encoder: tags.find("encoder").unwrap(),
        distance: 1_000,
        window: 100,
        modulus: None,
        delay_ns: 0,
        fallback: Fallback::Reject,
        stop_ahead: 0,
        rest: Action::Pass,
        positions: Positions { pass: 0.0, rework: 2.0, reject: 1.0, stop: Some(3.0) },
    }
}

fn spec(tags: &TagTable) -> OutputSpec {
    OutputSpec {
        name: "gate".to_owned(),
        unit: Unit::parse("").unwrap(),
        kind: OutputKind::Discrete,
        order: Default::default(),
        range: (0.0, 3.0),
        slew_per_s: None,
        deadband: 0.0,
        min_dwell_ns: 0,
        inhibit: None,
        reduced: None,
        trip: None,
        fail_safe: Some(1.0),
        default: None,
        lease_ns: SECOND_NS,
        on_stop: OnStop::Hold,
        mode: Mode::Auto,
        readback: None,
        owner: Some(OWNER),
        owner_mode: Mode::Auto,
        gate: Some(gate(tags)),
    }
}

struct Rig {
    tags: TagTable,
    image: ProcessImage,
    guard: Guard,
    now_ns: TimeNs,
    news: LineNews,
    /// What is in force.
    value: Option<f64>,
    outcomes: Vec<(u64, Action, ActionCause, bool)>,
    judged: Vec<(u64, Verdict, ItemReason)>,
    halts: usize,
}

impl Rig {
    /// The belt has run so far from its start that everything on it was seen.
    fn new(change: impl FnOnce(&mut OutputSpec, &TagTable)) -> Rig {
        let mut rig = Rig::cold(change);
        rig.set("permit", 1.0);
        rig.set("p", 5.0);
        rig.at(-3_000.0);
        rig.stand(-3_000.0);
        rig.run(-3_000, 1_100);
        rig.at(1_100.0);
        rig
    }

    /// Until counts of before and after a new beginning are no longer mixed.
    fn stand(&mut self, encoder: f64) {
        for _ in 0..10 {
            self.at(encoder);
        }
    }

    fn cold(change: impl FnOnce(&mut OutputSpec, &TagTable)) -> Rig {
        let mut tags = TagTable::default();
        for (name, unit) in [("encoder", ""), ("permit", ""), ("p", "bar")] {
            tags.add(Tag::new(name, Unit::parse(unit).unwrap())).unwrap();
        }
        let mut spec = spec(&tags);
        change(&mut spec, &tags);
        let guard = Guard::new(vec![spec], u64::MAX).unwrap();
        Rig {
            image: ProcessImage::new(&tags),
            tags,
            guard,
            now_ns: 0,
            news: LineNews::default(),
            value: None,
            outcomes: Vec::new(),
            judged: Vec::new(),
            halts: 0,
        }
    }

    fn set(&mut self, name: &str, value: f64) {
        let id = self.tags.find(name).unwrap();
        let time_ns = self.image.get(id).source_time_ns.saturating_add(1);
        let values = vec![(id, RawValue::Number(value))];
        let reading = Reading { source: SourceId(0), kind: ReadingKind::Live, asset: None, time_ns, values };
        self.image.apply(&self.tags, &reading, self.now_ns);
    }

    fn trigger(&mut self, item: u64, encoder: impl Into<Option<i64>>) {
        self.news.arrivals.push(Arrival { items: 0, item, encoder: encoder.into() });
    }

    fn verdict(&mut self, item: u64, decision: Decision) {
        self.news.verdicts.push(OwnedVerdict { owner: OWNER, item, decision, quality: Quality::Good });
    }

    /// A scan in which the encoder says so: what is in force afterwards.
    fn at(&mut self, encoder: f64) -> Option<f64> {
        self.set("encoder", encoder);
        self.scan();
        self.value
    }

    fn scan(&mut self) -> ScanVerdicts {
        self.now_ns += SCAN_NS;
        let at = ScanTime { scan: self.now_ns as u64, time_ns: self.now_ns };
        let verdicts = self.guard.scan_line(at, &self.image, &[], &std::mem::take(&mut self.news));
        self.value = verdicts.commands.last().map(Command::value).or(self.value);
        self.outcomes.extend(verdicts.gates.iter().map(|left| (left.item, left.action, left.cause, left.done)));
        self.judged.extend(verdicts.items.iter().map(|item| (item.item, item.verdict, item.reason)));
        self.halts += verdicts.events.iter().filter(|event| event.kind == EventKind::Halted).count();
        verdicts
    }

    /// The belt goes on by 50 counts a scan from one count to another: the counts at which each value came into force.
    fn run(&mut self, from: i64, to: i64) -> Vec<(i64, f64)> {
        let mut changes = Vec::new();
        for encoder in (from..=to).step_by(50) {
            let before = self.value;
            if self.at(encoder as f64) != before {
                changes.push((encoder, self.value.unwrap()));
            }
        }
        changes
    }
}

#[test]
fn a_verdict_is_carried_out_when_its_item_is_at_the_gate_and_not_before() {
    let mut rig = Rig::new(|_, _| {});
    rig.trigger(7, 1_100);
    rig.verdict(7, Decision::Reject);
    // At the gate from 2,050 to 2,150; the command is there a scan's way before.
    assert_eq!(rig.run(1_100, 2_400), [(2_000, 1.0), (2_200, 0.0)]);
    assert_eq!(rig.outcomes, [(7, Action::Reject, ActionCause::Verdict, true)]);
    assert_eq!(rig.judged, [(7, Verdict::Accepted, ItemReason::OnItsWay)]);
}

#[test]
fn neighbours_get_their_own() {
    let mut rig = Rig::new(|_, _| {});
    for (item, decision) in [(1, Decision::Pass), (2, Decision::Reject), (3, Decision::Rework), (4, Decision::Pass)] {
        rig.trigger(item, 1_100 + 200 * item as i64);
        rig.verdict(item, decision);
    }
    assert_eq!(rig.run(1_100, 3_200), [(2_400, 1.0), (2_600, 2.0), (2_800, 0.0)]);
    assert!(rig.outcomes.iter().all(|(_, _, cause, done)| *cause == ActionCause::Verdict && *done));
    assert_eq!(rig.outcomes.len(), 4);
}

#[test]
fn without_a_verdict_the_default_holds() {
    for (fallback, expected) in [(Fallback::Reject, vec![(2_000, 1.0), (2_200, 0.0)]), (Fallback::Pass, vec![])] {
        let mut rig = Rig::new(|spec, _| spec.gate.as_mut().unwrap().fallback = fallback);
        rig.trigger(7, 1_100);
        // One that can't be used is none.
        rig.news.verdicts.push(OwnedVerdict { owner: OWNER, item: 7, decision: Decision::Pass, quality: Quality::Bad });
        assert_eq!(rig.run(1_100, 2_400), expected, "{fallback:?}");
        assert_eq!(rig.judged, [(7, Verdict::Held, ItemReason::Unusable)]);
        assert!(matches!(rig.outcomes[..], [(7, _, ActionCause::NoVerdict, true)]), "{:?}", rig.outcomes);
    }
}

#[test]
fn a_late_verdict_acts_on_nothing() {
    let mut rig = Rig::new(|spec, _| spec.gate.as_mut().unwrap().fallback = Fallback::Pass);
    rig.trigger(7, 1_100);
    rig.trigger(8, 1_400);
    rig.run(1_100, 2_000);
    rig.verdict(7, Decision::Reject);
    assert_eq!(rig.run(2_050, 2_300), []);
    rig.verdict(7, Decision::Reject);
    rig.verdict(99, Decision::Reject);
    assert_eq!(rig.run(2_350, 2_700), []);
    let reasons: Vec<ItemReason> = rig.judged.iter().map(|judged| judged.2).collect();
    assert_eq!(reasons, [ItemReason::TooLate, ItemReason::NoSuchItem, ItemReason::NoSuchItem]);
    assert!(rig.judged.iter().all(|judged| judged.1 == Verdict::Rejected));
    assert_eq!(rig.outcomes.iter().filter(|left| left.2 == ActionCause::NoVerdict).count(), 2);
}

#[test]
fn of_two_verdicts_on_one_item_the_stricter_holds() {
    use Decision::{Pass, Reject, Rework};
    for (first, second, reason, value) in [
        (Pass, Reject, ItemReason::Stricter, 1.0),
        (Reject, Pass, ItemReason::Twice, 1.0),
        (Rework, Pass, ItemReason::Twice, 2.0),
        (Reject, Reject, ItemReason::Twice, 1.0),
    ] {
        let mut rig = Rig::new(|_, _| {});
        rig.trigger(7, 1_100);
        rig.verdict(7, first);
        rig.run(1_100, 1_500);
        rig.verdict(7, second);
        assert_eq!(rig.run(1_550, 2_000), [(2_000, value)], "{first:?} {second:?}");
        assert_eq!(rig.judged[1].2, reason, "{first:?} {second:?}");
    }
}

#[test]
fn a_stop_holds_until_the_verdict_comes_or_an_operator_goes_on() {
    for by_operator in [false, true] {
        let mut rig = Rig::new(|spec, _| spec.gate.as_mut().unwrap().fallback = Fallback::Stop);
        rig.trigger(7, 1_100);
        assert_eq!(rig.run(1_100, 2_000), [(2_000, 3.0)]);
        // It runs out and stands.
        assert_eq!((rig.at(2_020.0), rig.at(2_020.0), rig.halts), (Some(3.0), Some(3.0), 1));
        assert!(rig.guard.is_halted(GATE));
        let expected = if by_operator {
            assert_eq!(rig.guard.reset_trip(GATE), Ok(()));
            (7, Action::Reject, ActionCause::Operator, true)
        } else {
            rig.verdict(7, Decision::Rework);
            (7, Action::Rework, ActionCause::Verdict, true)
        };
        assert_eq!(rig.at(2_020.0), Some(0.0), "it is not there yet");
        let value = if by_operator { 1.0 } else { 2.0 };
        assert_eq!(rig.run(2_040, 2_400), [(2_040, value), (2_190, 0.0)]);
        assert_eq!((rig.outcomes.clone(), rig.halts), (vec![expected], 1));
        assert_eq!(rig.guard.reset_trip(GATE), Err(OperatorError::NothingThere));
    }
}

#[test]
fn a_line_that_runs_out_is_stopped_ahead() {
    let mut rig = Rig::new(|spec, _| {
        let gate = spec.gate.as_mut().unwrap();
        (gate.fallback, gate.stop_ahead) = (Fallback::Stop, 300);
    });
    rig.trigger(7, 1_100);
    rig.trigger(8, 1_500);
    rig.verdict(8, Decision::Reject);
    assert_eq!(rig.run(1_100, 1_750), [(1_700, 3.0)]);
    // It runs out, and stands before the gate until the verdict comes.
    assert_eq!((rig.at(1_800.0), rig.at(1_850.0), rig.at(1_850.0)), (Some(3.0), Some(3.0), Some(3.0)));
    rig.verdict(7, Decision::Pass);
    assert_eq!(rig.run(1_850, 2_700), [(1_850, 0.0), (2_400, 1.0), (2_600, 0.0)]);
    assert!(rig.outcomes.iter().all(|left| left.2 == ActionCause::Verdict && left.3));
    assert_eq!((rig.outcomes.len(), rig.halts), (2, 1));
}

#[test]
fn a_line_that_does_not_stop_stays_told_to() {
    let mut rig = Rig::new(|spec, _| spec.gate.as_mut().unwrap().fallback = Fallback::Stop);
    rig.trigger(7, 1_100);
    rig.run(1_100, 3_000);
    assert_eq!(rig.value, Some(3.0));
    assert_eq!(rig.outcomes, [(7, Action::Stop, ActionCause::NoVerdict, false)]);
    // Below auto nobody stops a line, so nothing is latched.
    let mut rig = Rig::new(|spec, _| {
        spec.mode = Mode::Shadow;
        spec.gate.as_mut().unwrap().fallback = Fallback::Stop;
    });
    rig.trigger(7, 1_100);
    assert_eq!(rig.run(1_100, 3_000), []);
    assert_eq!((rig.value, rig.outcomes.len(), rig.guard.is_halted(GATE)), (None, 1, false));
}

#[test]
fn a_stopped_belt_keeps_its_items() {
    let mut rig = Rig::new(|_, _| {});
    rig.trigger(7, 1_100);
    rig.verdict(7, Decision::Reject);
    rig.run(1_100, 2_100);
    for _ in 0..50 {
        assert_eq!(rig.at(2_100.0), Some(1.0));
    }
    // Back a little, and on: it gets the same again.
    assert_eq!((rig.at(2_070.0), rig.at(1_970.0), rig.at(1_900.0)), (Some(1.0), Some(0.0), Some(0.0)));
    rig.at(1_900.0);
    assert_eq!(rig.run(1_950, 2_400), [(2_000, 1.0), (2_200, 0.0)]);
    assert_eq!(rig.outcomes.len(), 1, "it leaves once");
}

#[test]
fn a_belt_that_runs_back_after_an_item_left_brings_it_again() {
    let mut rig = Rig::new(|_, _| {});
    rig.trigger(7, 1_100);
    rig.verdict(7, Decision::Reject);
    rig.run(1_100, 2_300);
    assert_eq!(rig.value, Some(0.0));
    assert_eq!((rig.at(2_200.0), rig.at(2_100.0)), (Some(1.0), Some(1.0)));
    assert_eq!(rig.outcomes.len(), 1);
}

#[test]
fn what_is_on_the_belt_at_the_start_gets_the_default() {
    for (fallback, value) in [(Fallback::Reject, 1.0), (Fallback::Stop, 1.0), (Fallback::Pass, 0.0)] {
        let mut rig = Rig::cold(|spec, _| spec.gate.as_mut().unwrap().fallback = fallback);
        assert_eq!(rig.scan().commands, [], "nothing before the belt was seen");
        assert_eq!(rig.at(5_000.0), Some(value), "{fallback:?}");
        // Told so early, its counts may be of before.
        rig.trigger(9, 5_200);
        rig.stand(5_000.0);
        assert_eq!(rig.outcomes, [(9, rig.outcomes[0].1, ActionCause::Lost, false)]);
        rig.trigger(1, 5_200);
        rig.verdict(1, Decision::Pass);
        let changes = rig.run(5_050, 6_400);
        // The last place that was not seen is past, half a window on.
        let expected = if value == 1.0 { vec![(6_100, 0.0)] } else { vec![] };
        assert_eq!(changes, expected, "{fallback:?}");
    }
}

#[test]
fn a_counter_that_begins_anew_loses_everything_on_the_belt() {
    let mut rig = Rig::new(|_, _| {});
    rig.trigger(7, 1_100);
    rig.verdict(7, Decision::Pass);
    rig.run(1_100, 1_500);
    assert_eq!(rig.at(0.0), Some(1.0), "who knows what is there");
    assert_eq!(rig.outcomes, [(7, Action::Pass, ActionCause::Lost, false)]);
    rig.verdict(7, Decision::Pass);
    rig.stand(0.0);
    assert_eq!(rig.judged.last().unwrap().2, ItemReason::NoSuchItem);
    rig.trigger(8, 100);
    rig.verdict(8, Decision::Pass);
    rig.run(50, 1_400);
    assert_eq!(rig.judged.last().unwrap().2, ItemReason::OnItsWay);
    assert_eq!(rig.value, Some(0.0));
    assert_eq!(rig.outcomes[1], (8, Action::Pass, ActionCause::Verdict, true));
}

#[test]
fn blind_it_does_the_default_and_knows_its_items_when_it_sees_again() {
    let mut rig = Rig::new(|_, _| {});
    for (item, encoder) in [(6, 1_100), (7, 1_500)] {
        rig.trigger(item, encoder);
        rig.verdict(item, Decision::Pass);
    }
    rig.run(1_100, 1_900);
    assert_eq!(rig.at(f64::NAN), Some(1.0));
    rig.scan();
    // Item 6 went by meanwhile.
    assert_eq!((rig.at(2_250.0), rig.value), (Some(0.0), Some(0.0)));
    assert_eq!(rig.outcomes, [(6, Action::Pass, ActionCause::Unseen, false)]);
    rig.run(2_300, 2_700);
    assert_eq!(rig.outcomes[1], (7, Action::Pass, ActionCause::Verdict, true));
    // What passed the trigger while nobody saw how far the belt went gets the default.
    assert_eq!(rig.run(2_750, 3_400), [(2_800, 1.0), (3_350, 0.0)]);
}

#[test]
fn a_trigger_whose_counts_are_bad_counts_from_where_the_belt_is() {
    for told in [None, Some(900_000)] {
        let mut rig = Rig::new(|_, _| {});
        rig.run(1_100, 1_500);
        rig.trigger(7, told);
        rig.verdict(7, Decision::Reject);
        // Half a window and a scan's way wider on both sides.
        assert_eq!(rig.run(1_550, 2_800), [(2_400, 1.0), (2_700, 0.0)], "{told:?}");
    }
}

#[test]
fn a_trigger_that_is_missing_moves_nobody_elses_verdict() {
    let mut rig = Rig::new(|_, _| {});
    for item in [1, 3] {
        rig.trigger(item, 1_100 + 300 * item as i64);
        rig.verdict(item, if item == 3 { Decision::Reject } else { Decision::Pass });
    }
    assert_eq!(rig.run(1_100, 3_300), [(2_900, 1.0), (3_100, 0.0)]);
    // One that takes out what nobody told of.
    let mut rig = Rig::new(|spec, _| spec.gate.as_mut().unwrap().rest = Action::Reject);
    rig.trigger(1, 1_400);
    rig.verdict(1, Decision::Pass);
    assert_eq!(rig.run(1_100, 3_300), [(2_300, 0.0), (2_500, 1.0)]);
}

#[test]
fn an_item_that_is_told_twice_is_one() {
    let mut rig = Rig::new(|_, _| {});
    rig.trigger(7, 1_100);
    rig.trigger(7, 1_300);
    rig.verdict(7, Decision::Reject);
    assert_eq!(rig.run(1_100, 2_600), [(2_000, 1.0), (2_200, 0.0)]);
    assert_eq!(rig.outcomes.len(), 1);
    // The trigger bounced: two ids at one place, and only one was judged.
    let mut rig = Rig::new(|_, _| {});
    rig.trigger(7, 1_100);
    rig.trigger(8, 1_110);
    rig.verdict(7, Decision::Pass);
    rig.run(1_100, 2_600);
    let expected = [(7, Action::Pass, ActionCause::Verdict, false), (8, Action::Reject, ActionCause::NoVerdict, true)];
    assert_eq!(rig.outcomes, expected, "the stricter holds, and it is told");
}

#[test]
fn an_item_that_flies_past_between_two_scans_is_told() {
    let mut rig = Rig::new(|_, _| {});
    rig.trigger(7, 1_100);
    rig.verdict(7, Decision::Reject);
    rig.run(1_100, 1_950);
    assert_eq!((rig.at(1_990.0), rig.at(1_990.0), rig.at(2_190.0)), (Some(0.0), Some(0.0), Some(0.0)));
    assert_eq!(rig.outcomes, [(7, Action::Reject, ActionCause::Unseen, false)]);
}

#[test]
fn a_gate_that_is_slow_is_told_earlier() {
    let mut rig = Rig::new(|spec, _| spec.gate.as_mut().unwrap().delay_ns = 200_000_000);
    rig.trigger(7, 1_100);
    rig.verdict(7, Decision::Reject);
    // Two scans' way of 50 counts each before.
    assert_eq!(rig.run(1_100, 2_400), [(1_900, 1.0), (2_100, 0.0)]);
}
