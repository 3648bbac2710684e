//! Proposals that wait for an operator.

use super::*;

fn advising(change: impl FnOnce(&mut OutputSpec, &TagTable)) -> Rig {
    Rig::new(|spec, tags| {
        spec.mode = Mode::Advise;
        spec.fail_safe = Some(75.0);
        change(spec, tags);
    })
}

fn waiting(rig: &Rig) -> Option<Advice> {
    rig.guard.advices().first().copied()
}

impl Rig {
    fn accept(&mut self, id: AdviceId) -> Result<Accepted, OperatorError> {
        self.guard.accept(id, self.now_ns)
    }
}

fn events(verdicts: &ScanVerdicts) -> Vec<EventKind> {
    verdicts.events.iter().map(|event| event.kind).collect()
}

#[test]
fn nothing_is_commanded_before_the_yes_and_the_slew_holds_after_it() {
    let mut rig = advising(|_, _| {});
    let verdicts = rig.scan_after(SECOND, &[proposal(82.0)]);
    assert_eq!((verdicts.commands.len(), events(&verdicts)), (0, vec![EventKind::Advised { id: AdviceId(1) }]));
    let advice = waiting(&rig).unwrap();
    assert_eq!((advice.setpoint, advice.verdict), (82.0, Verdict::Clamped), "cut by the slew");
    assert_eq!(rig.idle(), None);
    let accepted = rig.accept(advice.id).unwrap();
    assert_eq!((accepted.applied, accepted.setpoint, accepted.target), (Some(80.0), 82.0, 82.0));
    assert_eq!(accepted.reason, Reason::Slew { per_s: 0.5 });
    assert_eq!(waiting(&rig), None);
    assert_eq!(rig.idle(), Some((80.5, Cause::Plugin)));
    assert_eq!(rig.idle(), Some((81.0, Cause::Plugin)));
    assert_eq!(rig.accept(advice.id), Err(OperatorError::NoSuchAdvice), "a yes counts once");
}

#[test]
fn what_was_accepted_stays_while_the_plugin_lives_and_falls_back_when_it_is_silent() {
    let mut rig = advising(|_, _| {});
    rig.propose(proposal(80.5));
    rig.propose(proposal(82.0));
    let id = waiting(&rig).unwrap().id;
    rig.accept(id).unwrap();
    for _ in 0..200 {
        // Another value is another question; the one in force stays.
        rig.propose(proposal(90.0));
    }
    assert_eq!((rig.state().applied, waiting(&rig).unwrap().setpoint), (Some(82.0), 90.0));
    let last = waiting(&rig).unwrap().id;
    let silent = rig.scan_after(61 * SECOND, &[]);
    assert_eq!(events(&silent), [EventKind::LeaseEnded, EventKind::AdviceExpired { id: last }]);
    assert_eq!(silent.commands[0].cause(), Cause::LeaseEnd);
}

#[test]
fn a_moving_proposal_is_one_question_until_it_is_another_value() {
    let mut rig = advising(|_, _| {});
    rig.propose(proposal(85.0));
    let first = waiting(&rig).unwrap();
    rig.propose(proposal(85.25));
    assert_eq!(waiting(&rig).map(|advice| (advice.id, advice.setpoint)), Some((first.id, 85.0)));
    rig.propose(proposal(86.0));
    let second = waiting(&rig).unwrap();
    assert!(first.id < second.id && second.setpoint == 86.0);
    assert_eq!(rig.accept(first.id), Err(OperatorError::NoSuchAdvice));
    rig.propose(proposal(80.1));
    assert_eq!(waiting(&rig), None, "it proposes what is in force");
}

#[test]
fn a_no_holds_until_something_else_is_proposed() {
    let mut rig = advising(|_, _| {});
    rig.propose(proposal(85.0));
    rig.guard.reject(waiting(&rig).unwrap().id).unwrap();
    rig.propose(proposal(85.1));
    assert_eq!(waiting(&rig), None);
    rig.propose(proposal(88.0));
    assert!(waiting(&rig).is_some());
    rig.propose(proposal(85.0));
    assert_eq!(waiting(&rig).unwrap().setpoint, 85.0, "asked anew");
}

#[test]
fn it_is_judged_again_at_acceptance() {
    let mut rig = advising(|spec, tags| spec.inhibit = expression("permit == 0", tags));
    rig.propose(proposal(85.0));
    let id = waiting(&rig).unwrap().id;
    rig.set("permit", 0.0);
    rig.idle();
    assert_eq!(rig.accept(id), Err(OperatorError::NotNow(Reason::Inhibited)));
    assert!(waiting(&rig).is_some(), "it goes on waiting");
    rig.set("permit", 1.0);
    rig.idle();
    assert!(rig.accept(id).is_ok());
}

#[test]
fn a_trip_forces_the_fail_safe_value_on_what_was_accepted() {
    let mut rig = advising(|spec, tags| spec.trip = expression("p > 6 bar", tags));
    rig.propose(proposal(85.0));
    rig.accept(waiting(&rig).unwrap().id).unwrap();
    rig.idle();
    rig.set("p", 7.0);
    assert_eq!(rig.idle(), Some((75.0, Cause::Trip)));
    rig.propose(proposal(85.0));
    assert_eq!(waiting(&rig), None, "while it is tripped nothing is asked");
}

#[test]
fn leaving_advise_ends_the_question() {
    for mode in [Mode::Manual, Mode::Shadow, Mode::Auto] {
        let mut rig = advising(|_, _| {});
        rig.propose(proposal(85.0));
        let id = waiting(&rig).unwrap().id;
        rig.guard.set_mode(SP, mode).unwrap();
        assert_eq!(rig.accept(id), Err(OperatorError::NoSuchAdvice), "{mode:?}");
        assert_eq!(waiting(&rig), None);
    }
}

#[test]
fn an_analogue_output_without_slew_takes_no_yes() {
    let mut rig = advising(|spec, _| spec.slew_per_s = None);
    rig.propose(proposal(85.0));
    assert_eq!(rig.accept(waiting(&rig).unwrap().id), Err(OperatorError::NoSlew));
    assert_eq!(rig.idle(), None);
}

#[test]
fn a_trip_acts_on_what_was_accepted_also_after_the_mode_went_up_and_down() {
    let mut rig = advising(|spec, tags| spec.trip = expression("p > 6 bar", tags));
    rig.propose(proposal(85.0));
    rig.accept(waiting(&rig).unwrap().id).unwrap();
    rig.idle();
    for mode in [Mode::Auto, Mode::Advise] {
        rig.guard.set_mode(SP, mode).unwrap();
        rig.idle();
    }
    rig.set("p", 7.0);
    assert_eq!(rig.idle(), Some((75.0, Cause::Trip)));
}

#[test]
fn a_plugin_that_is_silent_when_its_output_goes_to_auto_has_one_lease() {
    let mut rig = advising(|_, _| {});
    rig.guard.set_mode(SP, Mode::Auto).unwrap();
    let silent = rig.scan_after(61 * SECOND, &[]);
    assert_eq!(events(&silent), [EventKind::LeaseEnded]);
    assert_eq!(silent.commands[0].cause(), Cause::LeaseEnd);
}

/// Numbers began at 1 again after a restart, and a late answer to an old one hit a new proposal.
#[test]
fn a_number_of_an_earlier_guard_names_nothing_here() {
    let mut rig = advising(|_, _| {});
    rig.propose(proposal(85.0));
    let old = waiting(&rig).unwrap().id;
    let mut restarted = advising(|_, _| {});
    restarted.guard.number_advices_above(4_000);
    restarted.propose(proposal(90.0));
    assert_eq!(restarted.accept(old), Err(OperatorError::NoSuchAdvice));
    assert_eq!(restarted.guard.reject(old), Err(OperatorError::NoSuchAdvice));
    assert_eq!(waiting(&restarted).unwrap().id, AdviceId(4_001));
    restarted.guard.number_advices_above(7);
    restarted.propose(proposal(95.0));
    assert_eq!(waiting(&restarted).unwrap().id, AdviceId(4_002), "numbers never go back");
}

#[test]
fn a_yes_after_the_lease_is_late_also_before_the_scan_that_ends_it() {
    let mut rig = advising(|_, _| {});
    rig.propose(proposal(85.0));
    let id = waiting(&rig).unwrap().id;
    assert_eq!(rig.guard.accept(id, rig.now_ns + 61 * SECOND), Err(OperatorError::NoSuchAdvice));
    assert!(rig.guard.accept(id, rig.now_ns + 60 * SECOND).is_ok());
}

#[test]
fn a_yes_to_what_lies_above_the_range_says_where_it_goes() {
    let mut rig = advising(|_, _| {});
    rig.propose(proposal(120.0));
    let accepted = rig.accept(waiting(&rig).unwrap().id).unwrap();
    assert_eq!((accepted.target, accepted.reason), (100.0, Reason::Slew { per_s: 0.5 }));
}

#[test]
fn a_trip_names_its_condition_and_what_made_it() {
    let mut rig = Rig::new(|spec, tags| {
        spec.fail_safe = Some(75.0);
        spec.trip = expression("p > 6 bar or permit == 0", tags);
    });
    let pressure = rig.tags.find("p").unwrap();
    let high = Witness { tag: pressure, value: 7.0, quality: Quality::Good };
    rig.set("p", 7.0);
    let verdicts = rig.scan_after(SECOND, &[]);
    let trip = Trip { output: SP, expression: "p > 6 bar or permit == 0".into(), witnesses: vec![high] };
    assert_eq!(verdicts.trips, [trip]);
    assert_eq!(rig.guard.trip_now(SP, &rig.image), [high]);
    rig.set("p", 5.0);
    assert_eq!(rig.scan_after(SECOND, &[]).trips, []);
    assert_eq!(rig.guard.trip_witnesses(SP), [high], "what tripped it is kept until the reset");
    assert_eq!(rig.guard.trip_now(SP, &rig.image), []);
    rig.guard.reset_trip(SP).unwrap();
    assert_eq!(rig.guard.trip_witnesses(SP), []);
}
