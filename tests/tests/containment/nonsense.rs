//! Nonsense, which costs the frame and not the instance.

use crate::rig::{component, fault, limits, outcome, start, text};
use dinrail_core::description::{DescriptionError, ParameterValue};
use dinrail_core::outcome::{Fault, Nonsense, Outcome};
use dinrail_engine::DescribeError;

fn check_nonsense(guest: &str, parameter: &str, value: &str, expected: fn(&Nonsense) -> bool) {
    let mut instance = start(guest, &[(parameter, text(value))]);
    for _ in 0..2 {
        let Fault::Nonsense(nonsense) = fault(outcome(&mut instance)) else { panic!("{value}: expected nonsense") };
        assert!(expected(&nonsense), "{value}: {nonsense:?}");
        assert!(!instance.is_poisoned(), "{value}");
    }
}

#[test]
pub(crate) fn nan() {
    for score in ["nan", "infinite", "negative", "above-one", "share"] {
        check_nonsense("nan", "score", score, |nonsense| matches!(nonsense, Nonsense::Number { .. }));
    }
}

#[test]
pub(crate) fn bad_row() {
    for what in ["past-the-end", "seen-before", "twice", "falling", "missing"] {
        check_nonsense("bad-row", "what", what, |nonsense| {
            matches!(nonsense, Nonsense::Row { .. } | Nonsense::Count { .. })
        });
    }
    check_nonsense("bad-row", "what", "column", |nonsense| matches!(nonsense, Nonsense::Index { .. }));
}

#[test]
pub(crate) fn oversize() {
    check_nonsense("oversize", "what", "rows", |nonsense| matches!(nonsense, Nonsense::Count { .. }));
    check_nonsense("oversize", "what", "contributions", |nonsense| matches!(nonsense, Nonsense::TooMany { .. }));
    // Larger than the boundary lets through, it never becomes an answer to be judged.
    let given = [("what", text("contributions")), ("number", ParameterValue::Integer(100_000))];
    let mut instance = start("oversize", &given);
    assert!(matches!(fault(outcome(&mut instance)), Fault::Limit(_)));
}

/// What no output can be is refused here; what this output may not be is the guard's to judge.
#[test]
pub(crate) fn proposal_out_of_range() {
    for what in ["nan", "infinite", "confidence"] {
        check_nonsense("proposal-out-of-range", "what", what, |nonsense| matches!(nonsense, Nonsense::Number { .. }));
    }
    check_nonsense("proposal-out-of-range", "what", "output", |nonsense| matches!(nonsense, Nonsense::Index { .. }));
    check_nonsense("proposal-out-of-range", "what", "twice", |nonsense| {
        matches!(nonsense, Nonsense::Twice { .. } | Nonsense::TooMany { .. })
    });
    for (what, setpoint) in [("above", 100.0 + 1e6), ("below", -1e6), ("lease", 50.0)] {
        let mut instance = start("proposal-out-of-range", &[("what", text(what))]);
        let Outcome::Answered(results) = outcome(&mut instance) else { panic!("{what}: expected a proposal") };
        assert_eq!(results.proposals()[0].setpoint, setpoint, "{what}");
    }
}

#[test]
pub(crate) fn wrong_describe() {
    let described = component("wrong-describe").describe(&limits());
    let expected =
        |error: &DescriptionError| matches!(error, DescriptionError::Duplicate { .. } | DescriptionError::Unit { .. });
    assert!(matches!(&described, Err(DescribeError::Description(error)) if expected(error)), "{described:?}");
}
