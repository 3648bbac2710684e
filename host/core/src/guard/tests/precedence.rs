//! Trip, operator, owner; inhibits; modes.

use super::*;

fn tripping(spec: &mut OutputSpec, tags: &TagTable) {
    spec.trip = expression("p > 6 bar", tags);
    spec.fail_safe = Some(75.0);
}

fn inhibited(spec: &mut OutputSpec, tags: &TagTable) {
    spec.inhibit = expression("not permit", tags);
}

#[test]
fn an_inhibit_freezes_and_does_not_latch() {
    for (permit, reason) in [(0.0, Reason::Inhibited), (f64::NAN, Reason::InhibitBlind)] {
        let mut rig = Rig::new(inhibited);
        rig.propose(proposal(90.0));
        rig.set("permit", permit);
        assert_eq!(rig.idle(), None, "frozen on its way");
        assert!(rig.state().blocked);
        let (judgement, command) = rig.propose(proposal(85.0));
        assert_eq!((judgement.verdict, judgement.reason, command), (Verdict::Held, reason, None));
        assert_eq!(judgement.applied, Some(80.5));
        rig.set("permit", 1.0);
        assert_eq!(rig.idle(), None, "what was proposed meanwhile was held, and is not taken up");
        assert!(!rig.state().blocked);
        let (judgement, command) = rig.propose(proposal(85.0));
        assert_eq!((judgement.verdict, command), (Verdict::Clamped, Some(81.0)), "one second of slew, no more");
    }
}

#[test]
fn without_a_proposal_meanwhile_it_goes_on_after_an_inhibit() {
    let mut rig = Rig::new(inhibited);
    rig.propose(proposal(90.0));
    rig.set("permit", 0.0);
    for _ in 0..10 {
        assert_eq!(rig.idle(), None);
    }
    rig.set("permit", 1.0);
    assert_eq!(rig.idle(), Some((81.0, Cause::Plugin)));
}

#[test]
fn a_trip_forces_the_fail_safe_value_and_latches() {
    let mut rig = Rig::new(|spec, tags| {
        tripping(spec, tags);
        inhibited(spec, tags);
        spec.min_dwell_ns = 1_000 * SECOND_NS;
    });
    rig.propose(proposal(90.0));
    rig.set("permit", 0.0);
    rig.set("p", 6.0);
    assert_eq!(rig.idle(), None, "at the limit");
    rig.set("p", 6.001);
    let tripped = rig.scan_after(SECOND, &[proposal(90.0)]);
    assert_eq!(tripped.events, [Event { output: SP, kind: EventKind::Tripped }]);
    assert_eq!(tripped.judgements[0].reason, Reason::Tripped);
    assert_eq!(tripped.judgements[0].applied, Some(75.0));
    assert_eq!((tripped.commands[0].value(), tripped.commands[0].cause()), (75.0, Cause::Trip));
    assert_eq!(rig.guard.reset_trip(SP), Err(OperatorError::TripHolds));
    rig.set("p", 5.0);
    rig.set("permit", 1.0);
    assert_eq!(rig.propose(proposal(90.0)).0.reason, Reason::Tripped, "latched");
    assert!(rig.guard.is_tripped(SP) && rig.state().blocked);
    assert_eq!(rig.guard.reset_trip(SP), Ok(()));
    assert_eq!(rig.guard.reset_trip(SP), Err(OperatorError::NothingThere));
    assert_eq!(rig.idle(), None, "it stays at its fail-safe value");
    assert!(rig.state().initialise && !rig.state().blocked);
    assert_eq!(rig.propose(proposal(75.0)).0.reason, Reason::InForce);
    assert!(!rig.state().initialise);
}

#[test]
fn a_bad_or_stale_input_trips() {
    let mut rig = Rig::new(tripping);
    rig.set("p", f64::NAN);
    assert_eq!(rig.idle(), Some((75.0, Cause::Trip)));
    assert_eq!(rig.guard.reset_trip(SP), Err(OperatorError::TripHolds));
}

fn tripping_after_2_s(spec: &mut OutputSpec, tags: &TagTable) {
    tripping(spec, tags);
    spec.trip = expression("p > 6 bar for 2s", tags);
}

#[test]
fn while_a_bad_input_waits_for_its_delay_nothing_moves() {
    let mut rig = Rig::new(tripping_after_2_s);
    rig.propose(proposal(90.0));
    rig.set("p", f64::NAN);
    assert_eq!(rig.idle(), None, "it was on its way");
    let (judgement, command) = rig.propose(proposal(90.0));
    assert_eq!((judgement.reason, command), (Reason::TripBlind, None));
    assert_eq!(rig.idle(), Some((75.0, Cause::Trip)), "two seconds");
}

#[test]
fn one_bad_sample_is_not_two_seconds() {
    let mut rig = Rig::new(tripping_after_2_s);
    rig.set("p", f64::NAN);
    assert_eq!(rig.idle(), None);
    rig.set("p", 5.0);
    assert_eq!(rig.propose(proposal(80.5)).1, Some(80.5));
}

#[test]
fn a_trip_is_not_reset_blindly() {
    let mut rig = Rig::new(tripping_after_2_s);
    rig.set("p", 7.0);
    rig.scan_after(SECOND, &[]);
    rig.scan_after(2 * SECOND, &[]);
    assert!(rig.guard.is_tripped(SP));
    rig.set("p", 5.0);
    rig.idle();
    rig.set("p", f64::NAN);
    rig.idle();
    assert_eq!(rig.guard.reset_trip(SP), Err(OperatorError::TripHolds), "its delay runs");
    rig.set("p", 5.0);
    rig.idle();
    assert_eq!(rig.guard.reset_trip(SP), Ok(()));
}

#[test]
fn a_trip_in_shadow_latches_and_writes_nothing() {
    let mut rig = Rig::new(|spec, tags| {
        tripping(spec, tags);
        spec.mode = Mode::Shadow;
    });
    rig.set("p", 7.0);
    assert_eq!(rig.idle(), None);
    assert_eq!(rig.propose(proposal(80.5)).0.reason, Reason::Tripped);
    rig.guard.set_mode(SP, Mode::Auto).unwrap();
    assert_eq!(rig.idle(), Some((75.0, Cause::Trip)), "in auto the latched trip acts");
    assert_eq!(rig.idle(), None);
}

#[test]
fn an_operator_stands_above_the_owner_and_below_a_trip() {
    let mut rig = Rig::new(tripping);
    rig.propose(proposal(90.0));
    rig.guard.override_output(SP, 78.0, rig.now_ns, 10 * SECOND_NS).unwrap();
    let (judgement, command) = rig.propose(proposal(90.0));
    assert_eq!((judgement.verdict, judgement.reason), (Verdict::Held, Reason::Operator));
    assert_eq!(command, Some(80.0), "under the slew limit");
    rig.set("p", 7.0);
    assert_eq!(rig.idle(), Some((75.0, Cause::Trip)));
    assert_eq!(rig.guard.override_output(SP, 78.0, rig.now_ns, SECOND_NS), Err(OperatorError::Tripped));
    assert_eq!(rig.guard.release(SP, rig.now_ns), Err(OperatorError::NothingThere), "the trip ended it");
}

#[test]
fn an_override_ends_by_its_time_and_hands_over_without_a_bump() {
    let mut rig = Rig::new(|spec, _| spec.default = Some(70.0));
    rig.propose(proposal(90.0));
    rig.guard.override_output(SP, 80.25, rig.now_ns, 2 * SECOND_NS).unwrap();
    assert_eq!(rig.idle(), Some((80.25, Cause::Operator)));
    assert_eq!(rig.idle(), None, "its last moment");
    let ended = rig.scan_after(SECOND, &[]);
    assert_eq!(ended.events, [Event { output: SP, kind: EventKind::OverrideEnded }]);
    assert_eq!(ended.commands, [], "the owner's earlier proposal is not taken up again");
    assert!(rig.state().initialise);
    let silent = rig.scan_after(60 * SECOND, &[]);
    assert_eq!(silent.commands, [], "one lease's time to take over, its last moment included");
    let silent = rig.scan_after(SECOND, &[]);
    assert_eq!(silent.events, [Event { output: SP, kind: EventKind::LeaseEnded }]);
    assert_eq!(silent.commands[0].cause(), Cause::LeaseEnd);
}

#[test]
fn an_operator_writes_in_manual_and_a_trip_guards_what_was_written() {
    let mut rig = Rig::new(|spec, tags| {
        tripping(spec, tags);
        spec.mode = Mode::Manual;
    });
    rig.guard.override_output(SP, 80.5, rig.now_ns, SECOND_NS).unwrap();
    assert_eq!(rig.idle(), Some((80.5, Cause::Operator)));
    rig.scan_after(10 * SECOND, &[]);
    assert_eq!(rig.idle(), None);
    rig.set("p", 7.0);
    assert_eq!(rig.idle(), Some((75.0, Cause::Trip)));
}

#[test]
fn an_operators_mistakes_are_refused() {
    let mut rig = Rig::new(|_, _| {});
    let now = rig.now_ns;
    let refused = |value| Err(OperatorError::Value { value, lo: 70.0, hi: 100.0 });
    for (value, for_ns, expected) in [
        (70.0, 1, Ok(())),
        (100.0, MAX_OVERRIDE_NS, Ok(())),
        (100.0, MAX_OVERRIDE_NS + 1, Err(OperatorError::Duration)),
        (100.0, 0, Err(OperatorError::Duration)),
        (100.001, 1, refused(100.001)),
        (f64::INFINITY, 1, refused(f64::INFINITY)),
    ] {
        assert_eq!(rig.guard.override_output(SP, value, now, for_ns), expected, "{value} {for_ns}");
    }
    assert!(matches!(rig.guard.override_output(SP, f64::NAN, now, 1), Err(OperatorError::Value { .. })));
    let nowhere = Err(OperatorError::NoSuchOutput);
    assert_eq!(rig.guard.override_output(OutputId(1), 80.0, now, 1), nowhere);
    assert_eq!(rig.guard.release(OutputId(1), now), nowhere);
    assert_eq!(rig.guard.reset_trip(OutputId(1)), nowhere);
    assert_eq!(rig.guard.set_mode(OutputId(1), Mode::Auto), Err(SetModeError::NoSuchOutput));
    assert!(rig.guard.output_states(&[OutputId(1)])[0].blocked);
}

#[test]
fn a_lower_mode_lets_go_and_auto_takes_over_from_the_readback() {
    let mut rig = Rig::new(|_, _| {});
    rig.propose(proposal(90.0));
    rig.guard.set_owner_mode(OWNER, Mode::Shadow);
    assert_eq!(rig.idle(), None, "hands off");
    rig.set("readback", 95.0);
    rig.idle();
    assert_eq!(rig.state().applied, Some(95.0), "somebody else moved it");
    rig.guard.set_owner_mode(OWNER, Mode::Auto);
    assert!(rig.state().initialise);
    assert_eq!(rig.idle(), None, "the earlier proposal is gone");
    assert_eq!(rig.propose(proposal(90.0)).1, Some(94.5));
    assert!(!rig.state().initialise);
}
