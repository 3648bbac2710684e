//! What stands above verdicts, and gates that can't be.

use super::*;

#[test]
fn modes_below_auto_command_nothing_and_say_what_they_would_do() {
    for mode in [Mode::Manual, Mode::Shadow] {
        let mut rig = Rig::new(|spec, _| spec.mode = mode);
        rig.trigger(7, 1_100);
        rig.verdict(7, Decision::Reject);
        rig.run(1_100, 2_400);
        assert_eq!((rig.value, rig.judged[0].1), (None, Verdict::Accepted));
        assert_eq!(rig.outcomes, [(7, Action::Reject, ActionCause::Verdict, false)]);
    }
    // The owner's lower mode holds, and a gate waits for no operator.
    let mut rig = Rig::new(|spec, _| spec.owner_mode = Mode::Advise);
    rig.trigger(7, 1_100);
    rig.verdict(7, Decision::Reject);
    assert_eq!(rig.run(1_100, 2_400), []);
    let refused = rig.guard.set_mode(GATE, Mode::Advise);
    assert!(matches!(refused, Err(SetModeError::Refused(_))), "{refused:?}");
    // What is on its way when the mode rises is known.
    let mut rig = Rig::new(|spec, _| spec.mode = Mode::Shadow);
    rig.trigger(7, 1_100);
    rig.verdict(7, Decision::Reject);
    rig.run(1_100, 1_800);
    rig.guard.set_mode(GATE, Mode::Auto).unwrap();
    assert_eq!(rig.run(1_850, 2_400), [(1_850, 0.0), (2_000, 1.0), (2_200, 0.0)]);
}

#[test]
fn inhibits_trips_and_operators_stand_above_verdicts_and_it_is_told() {
    let expression = |text: &str, tags: &TagTable| Some(Expression::parse(text, tags).unwrap());
    let mut rig = Rig::new(|spec, tags| spec.inhibit = expression("not permit", tags));
    rig.trigger(7, 1_100);
    rig.verdict(7, Decision::Reject);
    rig.set("permit", 0.0);
    assert_eq!(rig.run(1_100, 2_400), []);
    assert_eq!(rig.outcomes, [(7, Action::Reject, ActionCause::Verdict, false)]);

    let mut rig = Rig::new(|spec, tags| spec.trip = expression("p > 6 bar", tags));
    rig.trigger(7, 1_100);
    rig.verdict(7, Decision::Pass);
    rig.set("p", 7.0);
    assert_eq!(rig.run(1_100, 2_400), [(1_100, 1.0)], "fail-safe");
    assert_eq!(rig.outcomes, [(7, Action::Pass, ActionCause::Verdict, false)]);

    let mut rig = Rig::new(|_, _| {});
    rig.trigger(7, 1_100);
    rig.verdict(7, Decision::Reject);
    rig.guard.override_output(GATE, 2.0, rig.now_ns, 600 * SECOND_NS).unwrap();
    assert_eq!(rig.run(1_100, 2_400), [(1_100, 2.0)]);
    assert_eq!(rig.outcomes, [(7, Action::Reject, ActionCause::Verdict, false)]);
}

#[test]
fn a_verdict_is_its_owners_alone_and_no_proposal_moves_a_gate() {
    let mut rig = Rig::new(|_, _| {});
    rig.trigger(7, 1_100);
    let stranger = OwnedVerdict { owner: InstanceId(9), item: 7, decision: Decision::Pass, quality: Quality::Good };
    rig.news.verdicts.push(stranger);
    assert_eq!(rig.run(1_100, 2_400), [(2_000, 1.0), (2_200, 0.0)]);
    assert_eq!(rig.judged, []);
    let proposal = crate::guard::OwnedProposal {
        owner: OWNER,
        output: GATE,
        setpoint: 1.0,
        valid_for_ns: SECOND_NS,
        made_scan: 0,
        input_quality: Quality::Good,
    };
    let at = ScanTime { scan: 0, time_ns: rig.now_ns };
    let verdicts = rig.guard.scan(at, &rig.image, &[proposal]);
    assert_eq!((verdicts.judgements[0].reason, verdicts.commands), (crate::guard::Reason::Gate, vec![]));
}

#[test]
fn commands_carry_their_cause() {
    let mut rig = Rig::new(|_, _| {});
    rig.trigger(7, 1_100);
    rig.verdict(7, Decision::Reject);
    rig.run(1_100, 1_950);
    rig.set("encoder", 2_000.0);
    assert_eq!(rig.scan().commands[0].cause(), Cause::Gate);
    let stopped = rig.guard.stop(ScanTime { scan: 0, time_ns: rig.now_ns });
    assert_eq!(stopped.held, [GATE]);
    assert_eq!(rig.scan(), ScanVerdicts::default(), "nothing after the stop");
}

#[test]
fn gates_that_would_act_on_the_wrong_item_are_refused() {
    fn check(change: impl FnOnce(&mut OutputSpec, &mut GateSpec), key: &str) {
        let tags = Rig::cold(|_, _| {}).tags;
        let mut spec = spec(&tags);
        let mut gate = spec.gate.take().unwrap();
        change(&mut spec, &mut gate);
        spec.gate = Some(gate);
        let keys: Vec<&str> = spec.check().iter().map(|error: &GuardError| error.problem.key()).collect();
        assert!(keys.contains(&key), "{key}: {keys:?}");
    }
    check(|_, gate| gate.distance = 0, "distance");
    check(|_, gate| gate.window = -1, "window");
    check(|_, gate| gate.window = MAX_COUNTS + 1, "window");
    check(|_, gate| gate.modulus = Some(4_399), "modulus");
    check(|_, gate| gate.stop_ahead = 1_001, "stop_ahead");
    check(|_, gate| gate.stop_ahead = -1, "stop_ahead");
    check(|_, gate| (gate.fallback, gate.positions.stop) = (Fallback::Stop, None), "positions");
    check(|_, gate| gate.positions.reject = 4.0, "positions");
    check(|_, gate| gate.positions.rework = 0.5, "positions");
    check(|spec, _| spec.mode = Mode::Advise, "mode");
    check(|spec, _| spec.min_dwell_ns = 1, "min_dwell");
    check(|spec, _| spec.slew_per_s = Some(1.0), "slew");
    let tags = Rig::cold(|_, _| {}).tags;
    let mut right = spec(&tags);
    right.gate.as_mut().unwrap().modulus = Some(4_400);
    assert_eq!(right.check(), []);
    assert_eq!(Problem::Gate(GateProblem::Advise).key(), "mode");
}
