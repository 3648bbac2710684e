//! Leases that end, and the controller's own end.

use super::*;

#[test]
fn a_lease_ends_and_the_default_takes_over_under_the_slew() {
    let cases = [
        (Some(79.0), Some(75.0), Some((80.0, Cause::LeaseEnd))),
        (None, Some(75.0), Some((80.0, Cause::LeaseEnd))),
        (None, None, None),
    ];
    for (default, fail_safe, expected) in cases {
        let mut rig = Rig::new(|spec, _| (spec.default, spec.fail_safe) = (default, fail_safe));
        rig.propose(OwnedProposal { valid_for_ns: 2 * SECOND_NS, ..proposal(80.5) });
        assert_eq!(rig.idle(), None);
        assert_eq!(rig.idle(), None, "its last moment");
        let ended = rig.scan_after(SECOND, &[]);
        assert_eq!(ended.events, [Event { output: SP, kind: EventKind::LeaseEnded }]);
        let command = ended.commands.first().map(|command| (command.value(), command.cause()));
        assert_eq!(command, expected, "{default:?} {fail_safe:?}");
        assert!(rig.state().initialise);
        for _ in 0..20 {
            rig.idle();
        }
        assert_eq!(rig.state().applied, default.or(fail_safe).or(Some(80.5)));
        assert_eq!(rig.idle(), None);
    }
}

#[test]
fn the_outputs_lease_cuts_what_the_proposal_asks_for() {
    let mut rig = Rig::new(|spec, _| {
        spec.lease_ns = 3 * SECOND_NS;
        spec.default = Some(70.0);
    });
    rig.propose(OwnedProposal { valid_for_ns: u64::MAX, ..proposal(80.5) });
    assert_eq!(rig.scan_after(3 * SECOND, &[]).events, []);
    assert_eq!(rig.scan_after(1, &[]).events, [Event { output: SP, kind: EventKind::LeaseEnded }]);
}

#[test]
fn what_renews_a_lease_and_what_does_not() {
    let cases: [(OwnedProposal, bool); 4] = [
        (proposal(80.5), true),
        (proposal(80.6), true),
        (OwnedProposal { input_quality: Quality::Bad, ..proposal(80.5) }, false),
        (OwnedProposal { owner: InstanceId(1), ..proposal(80.5) }, false),
    ];
    for (renewal, renews) in cases {
        let mut rig = Rig::new(|spec, _| {
            spec.lease_ns = 5 * SECOND_NS;
            spec.default = Some(70.0);
        });
        rig.propose(proposal(80.5));
        let mut ended = 0;
        for _ in 0..20 {
            ended += rig.scan_after(SECOND, &[renewal]).events.len();
        }
        assert_eq!(ended, usize::from(!renews), "{renewal:?}");
    }
}

#[test]
fn a_held_proposal_renews_the_lease_of_a_frozen_output() {
    let mut rig = Rig::new(|spec, tags| {
        spec.lease_ns = 2 * SECOND_NS;
        spec.default = Some(70.0);
        spec.inhibit = expression("not permit", tags);
    });
    rig.propose(proposal(80.5));
    rig.set("permit", 0.0);
    for _ in 0..10 {
        assert_eq!(rig.propose(proposal(90.0)).1, None);
    }
    rig.set("permit", 1.0);
    assert_eq!(rig.idle(), None, "no bump to the default");
}

#[test]
fn a_lease_that_ends_under_an_inhibit_acts_when_it_clears() {
    let mut rig = Rig::new(|spec, tags| {
        spec.lease_ns = 2 * SECOND_NS;
        spec.default = Some(70.0);
        spec.inhibit = expression("not permit", tags);
    });
    rig.propose(proposal(80.5));
    rig.set("permit", 0.0);
    for _ in 0..10 {
        assert_eq!(rig.idle(), None);
    }
    rig.set("permit", 1.0);
    assert_eq!(rig.idle(), Some((80.0, Cause::LeaseEnd)));
}

#[test]
fn every_output_does_its_on_stop() {
    type Expected = (Option<f64>, bool, bool);
    let cases: [(OnStop, Option<f64>, Expected); 5] = [
        (OnStop::Hold, Some(70.0), (None, false, true)),
        (OnStop::Release, Some(70.0), (Some(70.0), true, false)),
        (OnStop::Release, None, (None, true, false)),
        (OnStop::Value(75.0), None, (Some(75.0), false, false)),
        (OnStop::Value(80.5), None, (None, false, true)),
    ];
    for (on_stop, default, (commanded, released, held)) in cases {
        let mut rig = Rig::new(|spec, _| (spec.on_stop, spec.default) = (on_stop, default));
        rig.propose(proposal(80.5));
        let stopped = rig.stop();
        assert_eq!(stopped.commands.first().map(Command::value), commanded, "{on_stop:?}");
        assert!(stopped.commands.iter().all(|command| command.cause() == Cause::Stop && command.sequence() == 2));
        assert_eq!((!stopped.released.is_empty(), !stopped.held.is_empty()), (released, held), "{on_stop:?}");
        assert_eq!(rig.propose(proposal(90.0)).0.reason, Reason::Stopping);
        assert_eq!(rig.idle(), None);
        assert_eq!(rig.stop(), StopVerdicts::default(), "once");
        let refused = rig.guard.override_output(SP, 80.0, rig.now_ns, SECOND_NS);
        assert_eq!(refused, Err(OperatorError::Stopping));
    }
}

#[test]
fn stopping_leaves_alone_what_is_not_the_controllers() {
    let value = |spec: &mut OutputSpec, mode| (spec.on_stop, spec.mode) = (OnStop::Value(75.0), mode);
    let mut auto = Rig::new(|spec, _| value(spec, Mode::Auto));
    assert_eq!(auto.stop().commands[0].value(), 75.0, "in auto, its value known");
    let mut shadow = Rig::new(|spec, _| value(spec, Mode::Shadow));
    assert_eq!(shadow.stop(), StopVerdicts::default());
    let mut unknown = Rig::cold(|spec, _| value(spec, Mode::Auto));
    assert_eq!(unknown.stop(), StopVerdicts::default());
    let mut tripped = Rig::new(|spec, tags| {
        value(spec, Mode::Auto);
        spec.trip = expression("p > 6 bar", tags);
        spec.fail_safe = Some(72.0);
    });
    tripped.set("p", 7.0);
    tripped.idle();
    assert_eq!(tripped.stop(), StopVerdicts { held: vec![SP], ..StopVerdicts::default() });
}
