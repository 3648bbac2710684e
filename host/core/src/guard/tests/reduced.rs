//! A range that is reduced while an index is low, and what comes back when it recovers.

use super::*;
use crate::guard::limits::Cut;

/// Auto, 70 to 100 Cel, reduced to 70 to 85 while the index is low. The value in force is 80.
fn reducible(spec: &mut OutputSpec, tags: &TagTable) {
    let when = expression("index < 60 % hysteresis 5 %", tags).unwrap();
    spec.reduced = Some(Reduced { when, range: (70.0, 85.0) });
}

/// The same with the value in force at 95, on its way nowhere.
fn at_95(change: impl FnOnce(&mut OutputSpec, &TagTable)) -> Rig {
    let mut rig = Rig::new(|spec, tags| {
        reducible(spec, tags);
        change(spec, tags);
    });
    rig.set("readback", 95.0);
    rig
}

const ABOVE: Reason = Reason::ReducedRange { cut: Cut::High, lo: 70.0, hi: 85.0 };

/// Scans of a second without proposals, until nothing is commanded any more: the values.
fn course(rig: &mut Rig) -> Vec<f64> {
    std::iter::from_fn(|| rig.idle().map(|(value, _)| value)).collect()
}

#[test]
fn a_value_in_force_goes_into_the_range_and_back_under_the_slew() {
    let mut rig = at_95(|_, _| {});
    assert_eq!(rig.propose(proposal(96.0)).1, Some(95.5));
    assert_eq!(course(&mut rig), [96.0]);
    rig.set("index", 55.0);
    let begun = rig.scan_after(SECOND, &[]);
    assert_eq!(begun.events, [Event { output: SP, kind: EventKind::RangeReduced }]);
    assert_eq!((begun.commands[0].value(), begun.commands[0].cause()), (95.5, Cause::Plugin), "not at once");
    assert!(rig.state().limited_high && !rig.state().limited_low);
    let (judgement, command) = rig.propose(proposal(96.0));
    assert_eq!((judgement.verdict, judgement.reason, command), (Verdict::Clamped, ABOVE, Some(95.0)));
    let course_down = course(&mut rig);
    assert_eq!((course_down.len(), course_down.last()), (20, Some(&85.0)));
    rig.set("index", 64.0);
    assert_eq!(rig.idle(), None, "within its hysteresis");
    rig.propose(proposal(96.0));
    rig.set("index", 66.0);
    let ended = rig.scan_after(SECOND, &[]);
    assert_eq!(ended.events, [Event { output: SP, kind: EventKind::RangeRestored }]);
    assert_eq!(ended.commands[0].value(), 85.5, "what was proposed is pursued again");
    assert!(!rig.state().limited_high);
    assert_eq!(course(&mut rig).last(), Some(&96.0));
}

#[test]
fn a_proposal_within_the_reduced_range_is_as_any_other() {
    let mut rig = Rig::new(reducible);
    rig.set("index", 10.0);
    let (judgement, command) = rig.propose(proposal(80.5));
    assert_eq!((judgement.verdict, judgement.reason, command), (Verdict::Accepted, Reason::AsProposed, Some(80.5)));
    let (judgement, _) = rig.propose(proposal(110.0));
    assert_eq!((judgement.verdict, judgement.reason), (Verdict::Clamped, ABOVE), "the narrower of both is told");
    let (judgement, _) = rig.propose(proposal(60.0));
    assert_eq!(judgement.reason, Reason::BelowRange { lo: 70.0 });
    assert_eq!(
        ABOVE.to_string(),
        "above the range of 70 to 85 while the condition of `reduced` holds",
        "an operator reads it"
    );
}

#[test]
fn what_is_within_the_deadband_of_the_range_is_cut_and_remembered() {
    let mut rig = Rig::new(reducible);
    rig.set("readback", 84.875);
    rig.set("index", 10.0);
    assert_eq!(rig.propose(proposal(90.0)).0.reason, ABOVE);
    rig.idle();
    rig.set("index", 90.0);
    assert_eq!(rig.idle().map(|(value, _)| value), Some(85.5), "its own target, not where it was cut");
}

#[test]
fn what_nobody_moves_goes_into_the_range_in_auto_alone() {
    for (mode, expected) in [(Mode::Auto, Some((94.5, Cause::Reduced))), (Mode::Advise, None), (Mode::Shadow, None)] {
        let mut rig = at_95(|spec, _| spec.mode = mode);
        rig.set("index", 10.0);
        assert_eq!(rig.idle(), expected, "{mode:?}");
    }
    let mut rig = at_95(|_, _| {});
    rig.propose(proposal(95.125));
    rig.set("index", 10.0);
    assert_eq!(course(&mut rig).last(), Some(&85.0));
    rig.set("index", 90.0);
    assert_eq!(course(&mut rig).last(), Some(&95.0), "to where it stood, within the deadband of what was proposed");
}

#[test]
fn a_value_that_happens_to_be_the_fail_safe_one_is_led_back_too() {
    let mut rig = at_95(|spec, _| spec.fail_safe = Some(95.0));
    rig.set("index", 10.0);
    assert_eq!(course(&mut rig).last(), Some(&85.0), "no trip put it there");
}

#[test]
fn what_is_known_to_be_true_needs_no_other_input() {
    let mut rig = Rig::cold(|spec, tags| {
        reducible(spec, tags);
        spec.reduced.as_mut().unwrap().when = expression("p > 6 bar or index < 60 %", tags).unwrap();
    });
    rig.set("readback", 95.0);
    rig.set("p", 5.0);
    assert_eq!(rig.idle(), None, "the index was never there, and may be low or not");
    rig.set("p", 7.0);
    assert_eq!(course(&mut rig).last(), Some(&85.0));
}

#[test]
fn a_lease_that_ended_meanwhile_is_not_taken_up() {
    let mut rig = at_95(|spec, _| spec.default = Some(90.0));
    rig.propose(OwnedProposal { valid_for_ns: 5 * SECOND_NS, ..proposal(95.5) });
    rig.set("index", 10.0);
    for _ in 0..5 {
        rig.idle();
    }
    assert_eq!(rig.idle().map(|(_, cause)| cause), Some(Cause::LeaseEnd));
    assert_eq!(course(&mut rig).last(), Some(&85.0), "a silence raises nothing past a limit that holds");
    rig.set("index", 90.0);
    assert_eq!(course(&mut rig).last(), Some(&90.0), "the default, once it holds no longer");
}

#[test]
fn an_override_is_cut_while_it_holds_and_refused_from_then_on() {
    let mut rig = at_95(|_, _| {});
    assert_eq!(rig.guard.override_output(SP, 95.5, rig.now_ns, 3_600 * SECOND_NS), Ok(()));
    assert_eq!(rig.idle(), Some((95.5, Cause::Operator)));
    rig.set("index", 10.0);
    assert_eq!(rig.idle(), Some((95.0, Cause::Operator)));
    assert_eq!(course(&mut rig).last(), Some(&85.0));
    let refused = rig.guard.override_output(SP, 90.0, rig.now_ns, SECOND_NS);
    assert_eq!(refused, Err(OperatorError::Reduced { value: 90.0, lo: 70.0, hi: 85.0 }));
    rig.set("index", 90.0);
    assert_eq!(course(&mut rig).last(), Some(&95.5), "while the override lasts");
}

#[test]
fn a_trip_goes_past_it_and_stays_there() {
    let mut rig = at_95(|spec, tags| {
        spec.trip = expression("p > 6 bar", tags);
        spec.fail_safe = Some(100.0);
    });
    rig.set("index", 10.0);
    rig.idle();
    rig.set("p", 7.0);
    assert_eq!(rig.idle(), Some((100.0, Cause::Trip)));
    rig.set("p", 5.0);
    rig.idle();
    rig.guard.reset_trip(SP).unwrap();
    assert_eq!(rig.idle(), None, "at its fail-safe value, until somebody moves it");
    let (judgement, command) = rig.propose(proposal(99.0));
    assert_eq!((judgement.reason, command), (ABOVE, Some(99.5)));
}

#[test]
fn a_trip_that_finds_its_value_in_force_keeps_it_there_too() {
    let mut rig = at_95(|spec, tags| {
        spec.trip = expression("p > 6 bar", tags);
        spec.fail_safe = Some(95.5);
    });
    assert_eq!(rig.propose(proposal(95.5)).1, Some(95.5));
    rig.set("p", 7.0);
    assert_eq!(rig.idle(), None, "it is there");
    rig.set("index", 10.0);
    rig.set("p", 5.0);
    rig.idle();
    rig.guard.reset_trip(SP).unwrap();
    assert_eq!(rig.idle(), None, "until somebody moves it");
}

#[test]
fn an_inhibit_freezes_it_all_the_same() {
    let mut rig = at_95(|spec, tags| spec.inhibit = expression("not permit", tags));
    rig.set("index", 10.0);
    rig.set("permit", 0.0);
    assert_eq!(rig.idle(), None);
    assert_eq!(rig.propose(proposal(99.0)).0.reason, Reason::Inhibited);
    rig.set("permit", 1.0);
    assert_eq!(rig.idle(), Some((94.5, Cause::Reduced)));
}

#[test]
fn the_dwell_counts_and_a_discrete_output_goes_at_once_after_it() {
    let mut rig = Rig::new(|spec, tags| {
        spec.kind = OutputKind::Discrete;
        (spec.range, spec.slew_per_s, spec.deadband) = ((0.0, 3.0), None, 0.0);
        (spec.readback, spec.min_dwell_ns) = (None, 5 * SECOND_NS);
        spec.reduced = Some(Reduced { when: expression("index < 60 %", tags).unwrap(), range: (0.0, 1.0) });
    });
    assert_eq!(rig.propose(proposal(3.0)).1, Some(3.0));
    rig.set("index", 10.0);
    for _ in 0..4 {
        assert_eq!(rig.idle(), None);
    }
    assert_eq!(rig.idle(), Some((1.0, Cause::Plugin)));
    rig.set("index", 90.0);
    for _ in 0..4 {
        assert_eq!(rig.idle(), None);
    }
    assert_eq!(rig.idle(), Some((3.0, Cause::Plugin)));
}

#[test]
fn before_its_inputs_were_there_nothing_is_lowered_and_nothing_goes_further_out() {
    let mut rig = Rig::cold(reducible);
    rig.set("readback", 95.0);
    assert_eq!(rig.idle(), None, "a start lowers nothing");
    let (judgement, command) = rig.propose(proposal(98.0));
    let blind = Reason::ReducedBlind { cut: Cut::High, lo: 70.0, hi: 95.0 };
    assert_eq!((judgement.verdict, judgement.reason, command), (Verdict::Clamped, blind, None));
    assert_eq!(rig.propose(proposal(94.5)).1, Some(94.5), "the way in is free");
    assert_eq!(rig.propose(proposal(98.0)).1, Some(95.0), "and so is the way back");
    assert_eq!(rig.propose(proposal(94.5)).1, Some(94.5));
    rig.set("index", 90.0);
    assert_eq!(rig.propose(proposal(98.0)).1, Some(95.0));
    rig.set("index", f64::NAN);
    assert_eq!(rig.scan_after(SECOND, &[]).events, [Event { output: SP, kind: EventKind::RangeReduced }]);
    assert_eq!(course(&mut rig).last(), Some(&85.0), "now a bad input is a loss");
    let mut unknown = Rig::cold(|spec, tags| {
        reducible(spec, tags);
        spec.readback = None;
    });
    assert_eq!(unknown.propose(proposal(98.0)).1, Some(85.0), "where nothing is known, no more than what always holds");
}

#[test]
fn a_bad_input_waits_for_its_delay() {
    let mut rig = at_95(|spec, tags| {
        let when = expression("index < 60 % for 3s", tags).unwrap();
        spec.reduced = Some(Reduced { when, range: (70.0, 85.0) });
    });
    rig.propose(proposal(99.0));
    rig.set("index", f64::NAN);
    for _ in 0..3 {
        assert_eq!(rig.idle(), None, "neither on nor back");
    }
    assert_eq!(course(&mut rig).last(), Some(&85.0));
}

#[test]
fn an_advice_asks_for_what_a_yes_would_do() {
    let mut rig = at_95(|spec, _| spec.mode = Mode::Advise);
    rig.set("index", 10.0);
    rig.propose(proposal(99.0));
    let advice = rig.guard.advices()[0];
    assert_eq!((advice.setpoint, advice.reason), (85.0, ABOVE));
    let accepted = rig.guard.accept(advice.id, rig.now_ns).unwrap();
    assert_eq!(accepted.target, 85.0);
    assert_eq!(course(&mut rig).last(), Some(&85.0));
    rig.set("index", 90.0);
    rig.propose(proposal(99.0));
    assert_eq!(rig.guard.advices()[0].setpoint, 99.0, "another value is another question");
}

#[test]
fn stopping_knows_nothing_of_it() {
    let mut rig = at_95(|spec, _| spec.on_stop = OnStop::Value(98.0));
    rig.set("index", 10.0);
    rig.idle();
    assert_eq!(rig.stop().commands[0].value(), 98.0);
}
