#![allow(clippy::unwrap_used, reason = "a test may panic")]
use super::*;
use crate::alarm::Priority;
use crate::outcome::Results;
use proptest::prelude::*;

const ROOMY: Bounds = Bounds { keep_ns: 100, bytes: 1_000_000 };

fn call(time_ns: TimeNs, values: usize) -> FlightKind {
    let frame = Frame { time_ns, values: vec![0.0; values], quality: vec![0; values], ..Frame::default() };
    let outcome = Outcome::Answered(Results::Anomalies(vec![]));
    FlightKind::Call(Arc::new(RecordedCall {
        time_ns,
        frame: Arc::new(frame),
        outputs: vec![],
        outlook: Arc::default(),
        items: vec![],
        report: Arc::new(CallReport { outcome, inferences: vec![], duration_ns: 0 }),
        missed: false,
    }))
}

fn state(time_ns: TimeNs, bytes: usize) -> FlightKind {
    FlightKind::Base(Base::State { version: 1, bytes: vec![0; bytes].into() }, time_ns)
}

fn log(kinds: impl IntoIterator<Item = FlightKind>, bounds: Bounds) -> FlightLog {
    let mut log = FlightLog::default();
    for (number, kind) in (0..).zip(kinds) {
        log.push(FlightEntry { instance: InstanceId(0), number, kind }, bounds);
    }
    log
}

fn bases(log: &FlightLog) -> Vec<(bool, usize)> {
    log.segments().map(|segment| (segment.base != Base::Lost, segment.calls.len())).collect()
}

#[test]
fn a_segment_goes_when_the_next_one_covers_what_is_to_be_kept() {
    let start = FlightKind::Base(Base::Start, 0);
    let until = |last: i64| {
        let calls =
            (0..=last).flat_map(|time| (time % 25 == 24).then(|| state(time, 8)).into_iter().chain([call(time, 1)]));
        log(std::iter::once(start.clone()).chain(calls), ROOMY)
    };
    assert_eq!(until(123).segments().next().unwrap().base, Base::Start, "the second base is 99 old");
    let later = until(124);
    assert_eq!(later.segments().next().unwrap().base_ns, 24, "100 old: it covers the time alone");
    assert_eq!(later.dropped(), 24);
}

#[test]
fn without_a_state_the_start_is_kept_while_there_is_room() {
    let kinds = || std::iter::once(FlightKind::Base(Base::Start, 0)).chain((1..2_000).map(|time| call(time, 1)));
    let one = RecordedCall::bytes(match &call(0, 1) {
        FlightKind::Call(call) => call,
        FlightKind::Base(..) => unreachable!("it is a call"),
    });
    assert_eq!(bases(&log(kinds(), Bounds { keep_ns: 10, bytes: one * 1_999 })), [(true, 1_999)]);
    assert_eq!(bases(&log(kinds(), Bounds { keep_ns: 10, bytes: one * 1_999 - 1 })), [(false, 1_998)]);
}

#[test]
fn what_never_came_can_not_be_replayed_across() {
    let mut log = FlightLog::default();
    let push = |log: &mut FlightLog, number, kind| {
        log.push(FlightEntry { instance: InstanceId(0), number, kind }, ROOMY);
    };
    push(&mut log, 0, FlightKind::Base(Base::Start, 0));
    push(&mut log, 1, call(1, 1));
    push(&mut log, 3, call(3, 1));
    push(&mut log, 4, state(4, 1));
    push(&mut log, 5, call(5, 1));
    assert_eq!(bases(&log), [(true, 1), (false, 1), (true, 1)]);
    assert_eq!(log.gaps(), 1);
    push(&mut log, 9, state(9, 1));
    assert_eq!(bases(&log)[3..], [(false, 0), (true, 0)], "a state after a gap is not where the calls lead");
}

#[test]
fn causes_are_told_apart_by_what_fires() {
    let alarm = |urgency| IncidentCause::Alarm { alarm: "a".into(), urgency };
    let high = Trigger::parse("alarm:high").unwrap();
    assert!(high.fires(&alarm(Priority::Critical)) && high.fires(&alarm(Priority::High)));
    assert!(!high.fires(&alarm(Priority::Medium)));
    assert!(!high.fires(&IncidentCause::Operator { user: "u".into(), reason: "r".into() }));
    assert_eq!(
        (Trigger::parse("trap"), Trigger::parse("alarm:"), Trigger::parse("")),
        (Some(Trigger::Trap), None, None)
    );
}

proptest! {
    /// Whatever comes, the bounds hold, what is counted is what is there, and the newest call stays where it fits.
    #[test]
    fn bounds_hold_and_counts_agree(
        entries in proptest::collection::vec((0_u8..8, 0_usize..200, 0_u64..3), 1..120),
        bytes in 0_usize..20_000,
        keep_ns in 0_u64..200,
    ) {
        let bounds = Bounds { keep_ns, bytes };
        let mut log = FlightLog::default();
        let (mut number, mut calls) = (0, 0);
        for (time, (kind, size, skipped)) in (0..).zip(entries) {
            let kind = match kind {
                0 => FlightKind::Base(Base::Start, time),
                1 => state(time, size * 10),
                _ => call(time, size),
            };
            calls += u64::from(matches!(kind, FlightKind::Call(_)));
            number += skipped / 2;
            log.push(FlightEntry { instance: InstanceId(0), number, kind: kind.clone() }, bounds);
            number += 1;
            prop_assert!(log.bytes() <= bytes);
            let counted: usize = log.segments().map(|segment| {
                let base = match &segment.base { Base::State { bytes, .. } => bytes.len(), Base::Start | Base::Lost => 0 };
                base + segment.calls.iter().map(|call| call.bytes()).sum::<usize>()
            }).sum();
            prop_assert_eq!(counted, log.bytes());
            prop_assert_eq!(log.calls() as u64 + log.dropped(), calls);
            if let FlightKind::Call(newest) = kind && newest.bytes() <= bytes {
                let last = log.segments().last().and_then(|segment| segment.calls.back());
                prop_assert!(last.is_some_and(|last| Arc::ptr_eq(last, &newest)));
            }
        }
    }
}
