//! After a start nothing is energised without fresh good data.

use super::*;

#[test]
fn until_the_readback_is_good_nothing_is_commanded() {
    let mut rig = Rig::cold(|spec, _| spec.default = Some(70.0));
    assert_eq!(rig.state().applied, None);
    assert!(rig.state().initialise);
    let (judgement, command) = rig.propose(proposal(80.5));
    assert_eq!((judgement.verdict, judgement.reason), (Verdict::Held, Reason::ValueUnknown));
    assert_eq!((judgement.applied, command), (None, None));
    rig.set("readback", f64::NAN);
    assert_eq!(rig.propose(proposal(80.5)).0.reason, Reason::ValueUnknown);
    let refused = rig.guard.override_output(SP, 80.0, rig.now_ns, SECOND_NS);
    assert_eq!(refused, Err(OperatorError::ValueUnknown));
    assert!(rig.state().initialise);
    rig.set("readback", 80.0);
    assert_eq!(rig.propose(proposal(90.0)).1, Some(80.5), "slew starts at the readback");
    assert!(!rig.state().initialise);
    rig.set("readback", f64::NAN);
    assert_eq!(rig.idle(), Some((81.0, Cause::Plugin)), "from here on the last command is what is known");
}

#[test]
fn a_readback_that_was_good_once_is_not_enough() {
    let mut rig = Rig::new(|_, _| {});
    rig.set("readback", f64::NAN);
    assert_eq!(rig.propose(proposal(80.5)).0.reason, Reason::ValueUnknown);
}

#[test]
fn without_readback_the_first_proposal_needs_good_inputs() {
    for (quality, expected) in [(Quality::Uncertain, None), (Quality::Good, Some(90.0))] {
        let mut rig = Rig::cold(|spec, _| spec.readback = None);
        let (judgement, command) = rig.propose(OwnedProposal { input_quality: quality, ..proposal(90.0) });
        assert_eq!(command, expected, "{quality:?}");
        assert_eq!(judgement.verdict == Verdict::Accepted, expected.is_some());
    }
    let mut rig = Rig::cold(|spec, _| spec.readback = None);
    assert_eq!(rig.propose(proposal(130.0)).1, Some(100.0), "the range holds for the first value too");
    assert_eq!(rig.propose(proposal(90.0)).1, Some(99.5), "and from then on the slew");
}

#[test]
fn a_readback_in_another_unit_is_converted() {
    let mut rig = Rig::cold(|spec, tags| {
        let kelvin = Unit::parse("K").unwrap();
        let conversion = kelvin.conversion_to(&spec.unit).unwrap();
        spec.readback = Some(Readback { tag: tags.find("readback").unwrap(), conversion });
    });
    rig.set("readback", 353.15);
    rig.idle();
    let applied = rig.state().applied.unwrap();
    assert!((applied - 80.0).abs() < 1e-9, "{applied}");
}

#[test]
fn before_the_trips_inputs_were_there_it_blocks_and_does_not_trip() {
    let mut rig = Rig::cold(|spec, tags| {
        spec.trip = expression("p > 6 bar", tags);
        spec.fail_safe = Some(75.0);
    });
    rig.set("readback", 80.0);
    let (judgement, command) = rig.propose(proposal(80.5));
    assert_eq!((judgement.verdict, judgement.reason, command), (Verdict::Held, Reason::TripBlind, None));
    assert!(rig.state().blocked && !rig.guard.is_tripped(SP));
    assert!(rig.state().initialise, "held: the owner did not take over");
    rig.set("p", 5.0);
    assert_eq!(rig.propose(proposal(80.5)).1, Some(80.5));
    rig.set("p", f64::NAN);
    assert_eq!(rig.idle(), Some((75.0, Cause::Trip)), "now a bad input is a loss");
}

#[test]
fn a_true_trip_acts_at_the_first_look() {
    let mut rig = Rig::cold(|spec, tags| {
        spec.trip = expression("p > 6 bar", tags);
        spec.fail_safe = Some(75.0);
    });
    rig.set("p", 7.0);
    assert_eq!(rig.idle(), Some((75.0, Cause::Trip)));
}

#[test]
fn an_inhibit_that_was_never_seen_holds() {
    let mut rig = Rig::cold(|spec, tags| spec.inhibit = expression("not permit", tags));
    rig.set("readback", 80.0);
    assert_eq!(rig.propose(proposal(80.5)).0.reason, Reason::InhibitBlind);
    rig.set("permit", 1.0);
    assert_eq!(rig.propose(proposal(80.5)).1, Some(80.5));
}

#[test]
fn a_silence_energises_nothing_that_was_never_known() {
    let mut rig = Rig::cold(|spec, tags| {
        spec.readback = None;
        spec.default = Some(75.0);
        spec.inhibit = expression("not permit", tags);
    });
    rig.set("permit", 0.0);
    assert_eq!(rig.propose(proposal(80.0)).0.reason, Reason::Inhibited);
    rig.set("permit", 1.0);
    rig.scan_after(61 * SECOND, &[]);
    assert_eq!(rig.idle(), None);
    assert_eq!(rig.propose(proposal(80.0)).1, Some(80.0));
}
