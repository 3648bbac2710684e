//! Faults that cost the instance, and nobody else's.

use crate::rig::{
    self, GENEROUS, SHORT, call, component, fault, frame, job, limits, models, outcome, scores, start, text,
};
use dinrail_core::description::ParameterValue;
use dinrail_core::outcome::{Fault, Outcome};
use dinrail_engine::{DescribeError, Grants, Limits, LoadError, Until, WorkerPool};

/// Row 1: the loop ends, its store is lost, its worker and everybody else's instances go on.
#[test]
pub(crate) fn r#loop() {
    let component = component("loop");
    let mut pool = WorkerPool::new(2).unwrap();
    let (mut mate, mut neighbour) = (start("counter", &[]), start("counter", &[]));
    for round in 1..=5_u32 {
        let looping = rig::try_start(&component, Grants::default(), &[], &limits()).unwrap();
        pool.submit(0, job(0, looping, SHORT));
        pool.submit(0, job(1, mate, GENEROUS));
        pool.submit(1, job(2, neighbour, GENEROUS));
        let mut done = std::iter::from_fn(|| pool.next(Until::All)).collect::<Vec<_>>();
        done.sort_by_key(|done| done.id);
        let [stopped, after, beside] = <[_; 3]>::try_from(done).unwrap();
        assert_eq!(fault(stopped.report.outcome), Fault::Timeout { limit_ms: 20 });
        assert!(stopped.instance.is_poisoned());
        // Each of the two new rows of a round raises the count.
        let expected = 1.0 - 1.0 / f64::from(2 * round);
        for done in [&after, &beside] {
            assert_eq!(scores(&done.report.outcome).last(), Some(&expected));
        }
        (mate, neighbour) = (after.instance, beside.instance);
    }
}

/// The calls beside frames have a limit of their own.
#[test]
fn a_loop_in_configure_and_in_save_ends_too() {
    let component = component("loop");
    let tight = Limits { lifecycle: std::time::Duration::from_millis(500), ..limits() };
    let refused = rig::try_start(&component, Grants::default(), &[("call", text("configure"))], &tight);
    assert_eq!(refused.unwrap_err(), Fault::Timeout { limit_ms: 500 });
    let mut instance = rig::try_start(&component, Grants::default(), &[("call", text("save"))], &tight).unwrap();
    assert_eq!(instance.save(), Err(Fault::Timeout { limit_ms: 500 }));
    assert!(instance.is_poisoned());
}

/// Row 4: a trap and never an abort, and the same component starts again.
#[test]
pub(crate) fn recursion() {
    let component = component("recursion");
    for _ in 0..10 {
        let mut instance = rig::try_start(&component, Grants::default(), &[], &limits()).unwrap();
        let Fault::Trap(text) = fault(outcome(&mut instance)) else { panic!("expected a trap") };
        assert!(text.contains("call stack exhausted"), "{text}");
        assert!(instance.is_poisoned());
    }
}

#[test]
pub(crate) fn trap() {
    let component = component("trap");
    let started = |call: &str| {
        let given = [("call", text(call)), ("from-scan", ParameterValue::Integer(2))];
        rig::try_start(&component, Grants::default(), &given, &limits())
    };
    let mut instance = started("detect").unwrap();
    assert!(matches!(call(&mut instance, &frame(1), GENEROUS).outcome, Outcome::Answered(_)));
    assert!(matches!(fault(call(&mut instance, &frame(2), GENEROUS).outcome), Fault::Trap(_)));
    // Lost for good: not even a frame that it could answer.
    assert!(matches!(fault(call(&mut instance, &frame(1), GENEROUS).outcome), Fault::Trap(_)));
    assert!(matches!(instance.save(), Err(Fault::Trap(_))));
    assert!(matches!(started("configure"), Err(Fault::Trap(_))));
    assert!(matches!(started("save").unwrap().save(), Err(Fault::Trap(_))));
    assert!(matches!(started("restore").unwrap().restore(1, &[1]), Err(Fault::Trap(_))));
    assert!(matches!(outcome(&mut started("save").unwrap()), Outcome::Answered(_)));
}

/// Row 3.
#[test]
pub(crate) fn memory_bomb() {
    let component = component("memory-bomb");
    for limits in [Limits { lifecycle: GENEROUS, ..Limits::default() }, limits()] {
        for _ in 0..10 {
            let mut instance = rig::try_start(&component, Grants::default(), &[], &limits).unwrap();
            let Fault::Limit(text) = fault(outcome(&mut instance)) else { panic!("expected a limit") };
            assert!(text.contains(&format!("{} are the limit", limits.memory_bytes)), "{text}");
            assert!(instance.is_poisoned());
        }
    }
}

/// Row 3, the other bombs: any guest is one where a limit is smaller than what it asks for.
#[test]
fn every_limit_refuses_an_instance_with_its_name() {
    let component = component("counter");
    let all = limits();
    let cases = [
        (Limits { memory_bytes: 65_536, ..all }, "65536 are the limit"),
        (Limits { total_memory_bytes: 65_536, ..all }, "together, 65536 are the limit"),
        (Limits { memories: 0, ..all }, "memory count too high"),
        (Limits { tables: 0, ..all }, "table count too high"),
        (Limits { table_elements: 0, ..all }, "elements, 0 are the limit"),
        (Limits { instances: 1, ..all }, "instance count too high"),
    ];
    for (limits, expected) in cases {
        let LoadError::Instantiate(Fault::Limit(text)) = component.instantiate(Grants::default(), &limits).unwrap_err()
        else {
            panic!("{expected}: expected a limit");
        };
        assert!(text.contains(expected), "{text}");
    }
    assert!(component.instantiate(Grants::default(), &all).is_ok());
}

#[test]
pub(crate) fn alloc_in_describe() {
    let described = component("alloc-in-describe").describe(&limits());
    assert!(matches!(described, Err(DescribeError::Fault(Fault::Limit(_)))), "{described:?}");
}

/// Row 6.
#[test]
pub(crate) fn handle_leak() {
    let component = component("handle-leak");
    let leak = |number: i64| {
        let given = [("number", ParameterValue::Integer(number))];
        let mut instance = rig::try_start(&component, models(vec![]), &given, &limits()).unwrap();
        let outcome = outcome(&mut instance);
        (outcome, instance.take_notes())
    };
    assert!(matches!(leak(1_024).0, Outcome::Answered(_)), "at the limit");
    for number in [1_025, 1_000_000] {
        let (outcome, notes) = leak(number);
        let Fault::Limit(text) = fault(outcome) else { panic!("expected a limit") };
        assert!(text.contains("handle"), "{text}");
        assert!(notes.logs.is_empty(), "it had gone on: {notes:?}");
    }
}

/// Row 5: refused on each way across the boundary.
#[test]
pub(crate) fn huge_string() {
    let component = component("huge-string");
    for way in ["result", "fault", "log", "metric", "model", "state"] {
        let mut instance = rig::try_start(&component, models(vec![]), &[("through", text(way))], &limits()).unwrap();
        let refused = match way {
            "state" => instance.save().unwrap_err(),
            _ => fault(outcome(&mut instance)),
        };
        let Fault::Limit(text) = refused else { panic!("{way}: expected a limit, got {refused:?}") };
        assert!(text.contains("hostcalls"), "{way}: {text}");
        assert!(instance.is_poisoned(), "{way}");
        assert!(instance.take_notes().is_empty(), "{way}");
    }
}

#[test]
pub(crate) fn huge_describe() {
    let described = component("huge-describe").describe(&limits());
    assert!(matches!(described, Err(DescribeError::Fault(Fault::Limit(_)))), "{described:?}");
}
