//! Outputs that can't be guarded as configured.

use super::*;

/// The keys that have to change.
fn check(change: impl FnOnce(&mut OutputSpec, &TagTable), expected: &[&str]) {
    let rig = Rig::cold(|_, _| {});
    let mut spec = spec(&rig.tags);
    change(&mut spec, &rig.tags);
    let errors = spec.check();
    let keys: Vec<&str> = errors.iter().map(|error| error.problem.key()).collect();
    assert_eq!(keys, expected, "{errors:?}");
    assert_eq!(Guard::new(vec![spec], SECOND_NS).is_ok(), expected.is_empty());
}

fn reduced(spec: &mut OutputSpec, tags: &TagTable, range: (f64, f64)) {
    spec.reduced = Some(Reduced { when: expression("index < 60 %", tags).unwrap(), range });
}

#[test]
fn each_mistake_names_its_key() {
    check(|_, _| {}, &[]);
    check(|spec, _| spec.range = (70.0, 70.0), &[]);
    check(|spec, _| spec.range = (100.0, 70.0), &["range"]);
    check(|spec, _| spec.range = (f64::NAN, 100.0), &["range"]);
    check(|spec, _| spec.range = (70.0, f64::INFINITY), &["range"]);
    check(|spec, _| spec.slew_per_s = None, &["slew"]);
    check(|spec, _| (spec.slew_per_s, spec.mode) = (None, Mode::Advise), &[]);
    check(|spec, _| spec.slew_per_s = Some(0.0), &["slew"]);
    check(|spec, _| spec.slew_per_s = Some(f64::NAN), &["slew"]);
    check(|spec, _| spec.slew_per_s = Some(f64::MIN_POSITIVE), &[]);
    check(|spec, _| spec.kind = OutputKind::Discrete, &["slew"]);
    check(|spec, _| (spec.kind, spec.slew_per_s) = (OutputKind::Discrete, None), &["deadband"]);
    check(|spec, _| (spec.kind, spec.slew_per_s, spec.deadband) = (OutputKind::Discrete, None, 0.0), &[]);
    check(|spec, _| spec.deadband = -0.1, &["deadband"]);
    check(|spec, _| spec.deadband = f64::NAN, &["deadband"]);
    check(|spec, _| spec.fail_safe = Some(70.0), &[]);
    check(|spec, _| spec.fail_safe = Some(69.999), &["fail_safe"]);
    check(|spec, _| spec.default = Some(100.001), &["default"]);
    check(|spec, _| spec.default = Some(f64::NAN), &["default"]);
    check(|spec, _| spec.on_stop = OnStop::Value(100.0), &[]);
    check(|spec, _| spec.on_stop = OnStop::Value(101.0), &["on_stop"]);
    check(|spec, tags| spec.trip = expression("p > 6 bar", tags), &["trip"]);
    check(|spec, tags| reduced(spec, tags, (70.0, 100.0)), &[]);
    check(|spec, tags| reduced(spec, tags, (80.0, 80.0)), &[]);
    check(|spec, tags| reduced(spec, tags, (69.9, 80.0)), &["reduced"]);
    check(|spec, tags| reduced(spec, tags, (80.0, 100.1)), &["reduced"]);
    check(|spec, tags| reduced(spec, tags, (90.0, 80.0)), &["reduced"]);
    check(|spec, tags| reduced(spec, tags, (f64::NAN, 80.0)), &["reduced"]);
    check(|spec, _| spec.lease_ns = 0, &["lease"]);
    check(|spec, _| (spec.lease_ns, spec.slew_per_s) = (0, None), &["slew", "lease"]);
}

#[test]
fn a_discrete_outputs_values_are_whole() {
    let discrete = |spec: &mut OutputSpec, value| {
        spec.kind = OutputKind::Discrete;
        (spec.slew_per_s, spec.deadband, spec.fail_safe) = (None, 0.0, Some(value));
    };
    check(|spec, _| discrete(spec, 71.0), &[]);
    check(|spec, _| discrete(spec, 71.5), &["fail_safe"]);
    let both = |spec: &mut OutputSpec, tags: &TagTable, range| {
        discrete(spec, 71.0);
        reduced(spec, tags, range);
    };
    check(|spec, tags| both(spec, tags, (70.0, 80.0)), &[]);
    check(|spec, tags| both(spec, tags, (70.0, 80.5)), &["reduced"]);
}

#[test]
fn a_lease_lasts_until_the_next_answer() {
    let rig = Rig::cold(|_, _| {});
    let spec = spec(&rig.tags);
    assert_eq!(spec.check_lease(50 * SECOND_NS, 10 * SECOND_NS), Ok(()));
    let short = spec.check_lease(50 * SECOND_NS, 10 * SECOND_NS + 1).unwrap_err();
    assert_eq!(short.problem.key(), "lease");
    assert_eq!(
        short.to_string(),
        "the output `sp`: its lease of 60000 ms is shorter than its plugin's period of 50000 ms and deadline of 10000 ms together"
    );
    assert!(spec.check_lease(u64::MAX, u64::MAX).is_err());
}

#[test]
fn names_are_unique() {
    let rig = Rig::cold(|_, _| {});
    let twice = Guard::new(vec![spec(&rig.tags), spec(&rig.tags)], SECOND_NS).unwrap_err();
    assert_eq!(twice.problem, Problem::Twice);
}

#[test]
fn auto_is_refused_without_slew_also_later() {
    let mut rig = Rig::cold(|spec, _| (spec.slew_per_s, spec.mode) = (None, Mode::Shadow));
    let refused = rig.guard.set_mode(SP, Mode::Auto);
    assert!(matches!(refused, Err(SetModeError::Refused(GuardError { problem: Problem::SlewMissing, .. }))));
    assert_eq!(rig.guard.set_mode(SP, Mode::Advise), Ok(()));
    assert_eq!(rig.guard.spec(SP).unwrap().mode, Mode::Advise);
}
