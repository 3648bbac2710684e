//! One proposal, one verdict, one reason.

use super::*;

const AS_PROPOSED: (Verdict, Reason) = (Verdict::Accepted, Reason::AsProposed);
const SLEW: (Verdict, Reason) = (Verdict::Clamped, Reason::Slew { per_s: 0.5 });
const DEADBAND: (Verdict, Reason) = (Verdict::Held, Reason::Deadband { deadband: 0.25 });

/// In force is 80; the proposal comes one second later, so 0.5 is in reach.
fn check(setpoint: f64, expected: (Verdict, Reason), commanded: Option<f64>) {
    let mut rig = Rig::new(|_, _| {});
    let (judgement, command) = rig.propose(proposal(setpoint));
    assert_eq!((judgement.verdict, judgement.reason), expected, "{setpoint}");
    assert_eq!(command, commanded, "{setpoint}");
    assert_eq!(judgement.applied, Some(commanded.unwrap_or(80.0)), "{setpoint}");
    assert_eq!(judgement.setpoint, setpoint.is_finite().then_some(setpoint));
    assert_eq!(judgement.mode, Mode::Auto);
}

#[test]
fn every_limit_at_it_and_one_past_it() {
    let above = (Verdict::Clamped, Reason::AboveRange { hi: 100.0 });
    let below = (Verdict::Clamped, Reason::BelowRange { lo: 70.0 });
    let cases = [
        (80.0, (Verdict::Accepted, Reason::InForce), None),
        (80.5, AS_PROPOSED, Some(80.5)),
        (79.5, AS_PROPOSED, Some(79.5)),
        (80.500_001, SLEW, Some(80.5)),
        (79.499_999, SLEW, Some(79.5)),
        (80.25, AS_PROPOSED, Some(80.25)),
        (80.249, DEADBAND, None),
        (79.751, DEADBAND, None),
        (100.0, SLEW, Some(80.5)),
        (100.001, above, Some(80.5)),
        (70.0, SLEW, Some(79.5)),
        (69.999, below, Some(79.5)),
        (f64::MAX, above, Some(80.5)),
        (-f64::MAX, below, Some(79.5)),
        (f64::NAN, (Verdict::Rejected, Reason::NotFinite), None),
        (f64::INFINITY, (Verdict::Rejected, Reason::NotFinite), None),
        (f64::NEG_INFINITY, (Verdict::Rejected, Reason::NotFinite), None),
    ];
    for (setpoint, expected, commanded) in cases {
        check(setpoint, expected, commanded);
    }
}

#[test]
fn who_may_propose_and_for_how_long() {
    let rejected = |reason| (Verdict::Rejected, reason);
    let held = |quality| (Verdict::Held, Reason::InputQuality { quality });
    type Case = (fn(&mut OwnedProposal), (Verdict, Reason));
    let cases: [Case; 7] = [
        (|p| p.owner = InstanceId(8), rejected(Reason::NotOwner)),
        (|p| p.output = OutputId(1), rejected(Reason::NoSuchOutput)),
        (|p| p.valid_for_ns = 0, rejected(Reason::NoValidity)),
        (|p| p.valid_for_ns = 1, AS_PROPOSED),
        (|p| p.input_quality = Quality::Uncertain, AS_PROPOSED),
        (|p| p.input_quality = Quality::Bad, held(Quality::Bad)),
        (|p| p.input_quality = Quality::Stale, held(Quality::Stale)),
    ];
    for (change, expected) in cases {
        let mut rig = Rig::new(|_, _| {});
        let mut proposal = proposal(80.5);
        change(&mut proposal);
        let (judgement, command) = rig.propose(proposal);
        assert_eq!((judgement.verdict, judgement.reason), expected, "{proposal:?}");
        assert_eq!(command.is_some(), judgement.verdict == Verdict::Accepted, "{proposal:?}");
    }
}

#[test]
fn the_second_proposal_of_a_scan_is_rejected() {
    let mut rig = Rig::new(|_, _| {});
    let stranger = OwnedProposal { owner: InstanceId(1), ..proposal(90.0) };
    let verdicts = rig.scan_after(SECOND, &[stranger, proposal(80.5), proposal(79.5)]);
    let reasons: Vec<Reason> = verdicts.judgements.iter().map(|judgement| judgement.reason).collect();
    assert_eq!(reasons, [Reason::NotOwner, Reason::AsProposed, Reason::Twice]);
    assert_eq!(verdicts.commands.len(), 1);
    assert_eq!(verdicts.commands[0].value(), 80.5);
}

#[test]
fn below_auto_the_verdict_is_the_same_and_nothing_is_commanded() {
    for mode in [Mode::Manual, Mode::Shadow, Mode::Advise] {
        for owner_too in [true, false] {
            let mut rig = Rig::new(|spec, _| if owner_too { spec.owner_mode = mode } else { spec.mode = mode });
            let (judgement, command) = rig.propose(proposal(85.0));
            assert_eq!((judgement.verdict, judgement.reason), SLEW);
            assert_eq!((judgement.mode, judgement.applied, command), (mode, Some(80.0), None));
            assert_eq!(rig.idle(), None, "nothing was taken");
            rig.set("readback", 77.0);
            let (judgement, _) = rig.propose(proposal(77.5));
            assert_eq!((judgement.verdict, judgement.reason), AS_PROPOSED);
            assert_eq!(judgement.applied, Some(77.0), "the value in force is what the device says");
        }
    }
}

#[test]
fn a_clamped_proposal_stays_the_target() {
    let mut rig = Rig::new(|_, _| {});
    let (judgement, command) = rig.propose(proposal(81.25));
    assert_eq!(((judgement.verdict, judgement.reason), command), (SLEW, Some(80.5)));
    assert!(rig.state().limited_high && !rig.state().limited_low);
    assert_eq!(rig.idle(), Some((81.0, Cause::Plugin)));
    assert!(rig.state().limited_high);
    assert_eq!(rig.idle(), Some((81.25, Cause::Plugin)));
    assert!(!rig.state().limited_high, "it arrived");
    assert_eq!(rig.idle(), None);
    let (judgement, _) = rig.propose(proposal(60.0));
    assert_eq!(judgement.reason, Reason::BelowRange { lo: 70.0 });
    assert!(rig.state().limited_low);
    for _ in 0..30 {
        rig.idle();
    }
    assert_eq!(rig.state().applied, Some(70.0));
    assert!(rig.state().limited_low, "the range still cuts it");
    let (judgement, _) = rig.propose(proposal(70.0));
    assert_eq!((judgement.verdict, judgement.reason), (Verdict::Accepted, Reason::InForce));
    assert!(!rig.state().limited_low);
}

#[test]
fn steps_below_the_deadband_add_up() {
    let mut rig = Rig::new(|spec, _| spec.slew_per_s = Some(0.125));
    let (judgement, command) = rig.propose(proposal(80.625));
    assert_eq!((judgement.verdict, command), (Verdict::Clamped, None));
    assert_eq!(rig.idle(), Some((80.25, Cause::Plugin)));
    assert_eq!(rig.idle(), None);
    assert_eq!(rig.idle(), Some((80.5, Cause::Plugin)));
    assert_eq!(rig.idle(), Some((80.625, Cause::Plugin)), "what remains is less than the deadband, and goes");
}

#[test]
fn time_at_rest_is_not_saved_up_for_the_slew() {
    let mut rig = Rig::new(|_, _| {});
    for _ in 0..1_000 {
        assert_eq!(rig.idle(), None);
    }
    let (_, command) = rig.propose(proposal(90.0));
    assert_eq!(command, Some(80.5));
}

#[test]
fn after_a_gap_it_goes_on_slowly() {
    let mut rig = Rig::new(|_, _| {});
    rig.guard = Guard::new(vec![spec(&rig.tags)], SECOND_NS).unwrap();
    rig.scan_after(SECOND, &[]);
    rig.propose(proposal(90.0));
    let after = rig.scan_after(50 * SECOND, &[]);
    let reach = 0.5 * MAX_GAP_PERIODS as f64;
    assert_eq!(after.commands[0].value(), 80.5 + reach);
}

#[test]
fn a_dwell_delays_the_next_change() {
    let mut rig = Rig::new(|spec, _| spec.min_dwell_ns = 3 * SECOND_NS);
    assert_eq!(rig.propose(proposal(80.5)).1, Some(80.5));
    let (judgement, command) = rig.propose(proposal(82.0));
    assert_eq!((judgement.verdict, judgement.reason, command), (Verdict::Held, Reason::Dwell, None));
    let almost = rig.scan_after(2 * SECOND - 1, &[proposal(82.0)]);
    assert_eq!(almost.judgements[0].reason, Reason::Dwell);
    let at_last = rig.scan_after(1, &[]);
    assert_eq!(at_last.commands[0].value(), 82.0, "three seconds of slew since the last change");
}

#[test]
fn a_discrete_output_takes_whole_numbers() {
    let discrete = |spec: &mut OutputSpec, _: &TagTable| {
        spec.kind = OutputKind::Discrete;
        spec.range = (0.0, 3.0);
        (spec.slew_per_s, spec.deadband) = (None, 0.0);
        spec.readback = None;
    };
    let cases = [
        (0.5, (Verdict::Rejected, Reason::NotWhole), None),
        (3.0, AS_PROPOSED, Some(3.0)),
        (4.0, (Verdict::Clamped, Reason::AboveRange { hi: 3.0 }), Some(3.0)),
    ];
    for (setpoint, expected, commanded) in cases {
        let mut rig = Rig::new(discrete);
        let (judgement, command) = rig.propose(proposal(setpoint));
        assert_eq!(((judgement.verdict, judgement.reason), command), (expected, commanded), "{setpoint}");
    }
}

#[test]
fn reasons_are_sentences_for_an_operator() {
    let cases = [
        (Reason::AboveRange { hi: 100.0 }, "above the range, cut to 100"),
        (Reason::Slew { per_s: 0.5 }, "further than the slew limit of 0.5 a second lets it go at once"),
        (Reason::InputQuality { quality: Quality::Stale }, "made from inputs that are stale"),
        (Reason::Tripped, "tripped, until it is reset"),
    ];
    for (reason, expected) in cases {
        assert_eq!(reason.to_string(), expected);
    }
}

#[test]
fn a_device_that_stands_outside_the_range_is_led_back() {
    let mut rig = Rig::new(|_, _| {});
    rig.set("readback", 120.0);
    let (judgement, command) = rig.propose(proposal(99.0));
    assert_eq!((judgement.verdict, command), (Verdict::Clamped, Some(99.5)), "from the range's end");
}

#[test]
fn what_is_held_does_not_move_a_device_that_stands_outside_the_range() {
    let mut rig = Rig::new(|_, _| {});
    rig.set("readback", 100.125);
    assert_eq!(rig.propose(proposal(100.0)).0.reason, Reason::Deadband { deadband: 0.25 });
    rig.set("readback", 101.0);
    assert_eq!(rig.idle(), None, "nor does it follow where it once stood");
    assert_eq!(rig.propose(proposal(100.0)).1, Some(100.0));
}
