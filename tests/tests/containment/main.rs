//! Containment: every guest of `plugins/guests` against the engine, one test each, named as the guest. Counts are
//! those of a quick run, and nothing here looks at a clock.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod rig;
mod worlds;

use dinrail_core::description::{DescriptionError, ParameterValue, TensorSpec, World};
use dinrail_core::inference::{InferenceError, Model, Tensor};
use dinrail_core::outcome::{Fault, Nonsense, Outcome, Results};
use dinrail_core::record::InstanceId;
use dinrail_core::tag::Quality;
use dinrail_engine::{
    AssetError, AssetTable, Assets, DescribeError, Grants, Limits, LoadError, LogLevel, Until, WorkerPool,
};
use rig::{GENEROUS, SHORT, call, component, engine, fault, frame, job, limits, models, outcome, scores, start, text};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use worlds::{inspector, orderer, planner};

dinrail_tests::assert_every_guest_tested!();

// ---- faults that cost the instance ----

/// Row 1: the loop ends, its store is lost, its worker and everybody else's instances go on.
#[test]
fn r#loop() {
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
fn recursion() {
    let component = component("recursion");
    for _ in 0..10 {
        let mut instance = rig::try_start(&component, Grants::default(), &[], &limits()).unwrap();
        let Fault::Trap(text) = fault(outcome(&mut instance)) else { panic!("expected a trap") };
        assert!(text.contains("call stack exhausted"), "{text}");
        assert!(instance.is_poisoned());
    }
}

#[test]
fn trap() {
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
fn memory_bomb() {
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
fn alloc_in_describe() {
    let described = component("alloc-in-describe").describe(&limits());
    assert!(matches!(described, Err(DescribeError::Fault(Fault::Limit(_)))), "{described:?}");
}

/// Row 6.
#[test]
fn handle_leak() {
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
fn huge_string() {
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
fn huge_describe() {
    let described = component("huge-describe").describe(&limits());
    assert!(matches!(described, Err(DescribeError::Fault(Fault::Limit(_)))), "{described:?}");
}

// ---- nonsense, which costs the frame and not the instance ----

fn check_nonsense(guest: &str, parameter: &str, value: &str, expected: fn(&Nonsense) -> bool) {
    let mut instance = start(guest, &[(parameter, text(value))]);
    for _ in 0..2 {
        let Fault::Nonsense(nonsense) = fault(outcome(&mut instance)) else { panic!("{value}: expected nonsense") };
        assert!(expected(&nonsense), "{value}: {nonsense:?}");
        assert!(!instance.is_poisoned(), "{value}");
    }
}

#[test]
fn nan() {
    for score in ["nan", "infinite", "negative", "above-one", "share"] {
        check_nonsense("nan", "score", score, |nonsense| matches!(nonsense, Nonsense::Number { .. }));
    }
}

#[test]
fn bad_row() {
    for what in ["past-the-end", "seen-before", "twice", "falling", "missing"] {
        check_nonsense("bad-row", "what", what, |nonsense| {
            matches!(nonsense, Nonsense::Row { .. } | Nonsense::Count { .. })
        });
    }
    check_nonsense("bad-row", "what", "column", |nonsense| matches!(nonsense, Nonsense::Index { .. }));
}

#[test]
fn oversize() {
    check_nonsense("oversize", "what", "rows", |nonsense| matches!(nonsense, Nonsense::Count { .. }));
    check_nonsense("oversize", "what", "contributions", |nonsense| matches!(nonsense, Nonsense::TooMany { .. }));
    // Larger than the boundary lets through, it never becomes an answer to be judged.
    let given = [("what", text("contributions")), ("number", ParameterValue::Integer(100_000))];
    let mut instance = start("oversize", &given);
    assert!(matches!(fault(outcome(&mut instance)), Fault::Limit(_)));
}

/// What no output can be is refused here; what this output may not be is the guard's to judge.
#[test]
fn proposal_out_of_range() {
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
fn wrong_describe() {
    let described = component("wrong-describe").describe(&limits());
    let expected =
        |error: &DescriptionError| matches!(error, DescriptionError::Duplicate { .. } | DescriptionError::Unit { .. });
    assert!(matches!(&described, Err(DescribeError::Description(error)) if expected(error)), "{described:?}");
}

// ---- imports ----

#[test]
fn wasi() {
    let refused = engine().compile(&rig::bytes("wasi")).unwrap_err();
    assert!(matches!(&refused, LoadError::Wasi { import } if import == "wasi:clocks/monotonic-clock@0.2.0"));
    assert!(refused.to_string().contains("Build it without"), "{refused}");
}

struct OneTable;

impl Assets for OneTable {
    fn load(&mut self, name: &str) -> Result<AssetTable, AssetError> {
        match name {
            "granted" => Ok(AssetTable { columns: vec!["a".to_owned()], rows: 1, values: vec![1.0] }),
            _ => Err(AssetError::Unknown(name.to_owned())),
        }
    }
}

#[test]
fn ungranted() {
    let component = component("ungranted");
    let refused = |grants: Grants| component.instantiate(grants, &limits()).unwrap_err();
    let key = |error: LoadError| match error {
        LoadError::NotGranted { import, key } => (import, key),
        other => panic!("expected a grant to be missing, got {other}"),
    };
    assert_eq!(key(refused(Grants::default())), ("dinrail:plugin/inference@0.1.0", "models"));
    assert_eq!(key(refused(models(vec![]))), ("dinrail:plugin/assets@0.1.0", "tables"));
    // Where others are granted, these are still unknown.
    let mut grants = models(vec![("granted", Sum::boxed().0)]);
    grants.assets = Some(Box::new(OneTable));
    let mut instance = rig::try_start(&component, grants, &[], &limits()).unwrap();
    let refusal = fault(outcome(&mut instance));
    assert!(matches!(&refusal, Fault::Model(text) if text.contains("secret")), "{refusal:?}");
    assert!(!instance.is_poisoned());
}

// ---- guests that behave ----

#[test]
fn echo() {
    let mut instance = start("echo", &[]);
    let lines = instance.take_notes().logs;
    assert_eq!((lines[0].level, lines[0].message.as_str()), (LogLevel::Info, "signals = tag0 tag1"));
    let mut doubtful = frame(7);
    doubtful.quality = vec![0, 0, 1, 0, 3, 0];
    let Outcome::Answered(Results::Anomalies(rows)) = call(&mut instance, &doubtful, GENEROUS).outcome else {
        panic!("expected anomalies");
    };
    assert_eq!(rows.iter().map(|row| (row.row, row.score)).collect::<Vec<_>>(), [(1, 1.0), (2, 0.5)]);
    assert_eq!(rows.iter().map(|row| row.quality).collect::<Vec<_>>(), [Quality::Uncertain, Quality::Bad]);
    let parts: Vec<_> = rows[0].contributions.iter().map(|part| (part.column, part.share)).collect();
    assert_eq!(parts, [(1, 0.3), (0, 0.2)]);
    let said = &instance.take_notes().logs[0].message;
    assert_eq!(said, "scan 7 time 3000000000 rows 3 new from 1 columns 2 blocks 0");
    assert!(instance.take_notes().is_empty(), "notes are handed over once");
}

/// Row 10: past the budget lines are dropped and counted, whoever looks or not.
#[test]
fn a_talkative_plugin_is_cut_short() {
    let mut instance = start("echo", &[]);
    for _ in 0..1_000 {
        assert!(matches!(outcome(&mut instance), Outcome::Answered(_)));
    }
    let notes = instance.take_notes();
    assert_eq!(notes.logs.len() as u64 + notes.logs_dropped, 1_001);
    assert_eq!(notes.logs.len(), 64);
}

#[test]
fn counter() {
    let mut instance = start("counter", &[]);
    assert_eq!(scores(&outcome(&mut instance)), [0.0, 0.5]);
    let state = instance.save().unwrap();
    let mut heir = start("counter", &[]);
    heir.restore(1, &state).unwrap();
    let expected = [1.0 - 1.0 / 3.0, 0.75];
    assert_eq!(scores(&outcome(&mut heir)), expected);
    assert_eq!(scores(&outcome(&mut instance)), expected, "saving changes nothing");
    let refused = start("counter", &[]).restore(9, &state);
    assert!(matches!(refused, Err(Fault::Configuration(_))), "{refused:?}");
    let refused = start("counter", &[]).restore(1, &vec![0; 1024 * 1024 + 1]);
    assert!(matches!(refused, Err(Fault::Limit(_))), "{refused:?}");
}

#[test]
fn stepper() {
    let component = component("stepper");
    assert_eq!(component.world(), World::ProcessOptimization);
    assert_eq!(component.digest().len(), 64);
    let Outcome::Answered(results) = outcome(&mut start("stepper", &[])) else { panic!("expected a proposal") };
    let [proposal] = results.proposals() else { panic!("expected one proposal") };
    assert_eq!((proposal.output, proposal.setpoint, proposal.valid_for_ns), (0, 10.5, 60_000_000_000));
}

/// A model's answer becomes a proposal, and its failure a fault.
#[test]
fn adviser() {
    let component = component("adviser");
    for fails in [false, true] {
        let specs = [TensorSpec { name: "x".to_owned(), shape: vec![Some(1), Some(2)] }];
        let model = Box::new(Sum { specs, fails, deadlines: Arc::default() });
        let mut instance = rig::try_start(&component, models(vec![("model", model)]), &[], &limits()).unwrap();
        match (outcome(&mut instance), fails) {
            (Outcome::Answered(results), false) => {
                assert_eq!(results.proposals()[0].setpoint, f64::from(0.1_f32));
            }
            (Outcome::Faulted(Fault::Model(_)), true) => {}
            (other, _) => panic!("{other:?}"),
        }
    }
}

#[test]
fn zscore() {
    let mut instance = start("zscore", &[]);
    assert_eq!(scores(&outcome(&mut instance)).len(), 2);
}

#[test]
fn slow() {
    let component = component("slow");
    let asked = |iterations, deadline| {
        let given = [("iterations", ParameterValue::Integer(iterations))];
        let mut instance = rig::try_start(&component, Grants::default(), &given, &limits()).unwrap();
        call(&mut instance, &frame(0), deadline).outcome
    };
    assert!(matches!(asked(1_000_000, GENEROUS), Outcome::Answered(_)));
    assert_eq!(fault(asked(i64::MAX, SHORT)), Fault::Timeout { limit_ms: 20 });
}

// ---- inference ----

/// Shared with a model, which is the engine's once it is granted.
type Deadlines = Arc<Mutex<Vec<Option<Instant>>>>;

/// Gives the sum of its one input, and keeps the deadlines it was given.
struct Sum {
    specs: [TensorSpec; 1],
    fails: bool,
    deadlines: Deadlines,
}

impl Sum {
    fn boxed() -> (Box<dyn Model>, Deadlines) {
        let deadlines = Arc::default();
        let specs = [TensorSpec { name: "x".to_owned(), shape: vec![None, Some(2)] }];
        (Box::new(Sum { specs, fails: false, deadlines: Arc::clone(&deadlines) }), deadlines)
    }
}

impl Model for Sum {
    fn inputs(&self) -> &[TensorSpec] {
        &self.specs
    }

    fn outputs(&self) -> &[TensorSpec] {
        &self.specs
    }

    fn run(&mut self, inputs: &[Tensor], deadline: Option<Instant>) -> Result<Vec<Tensor>, InferenceError> {
        self.deadlines.lock().unwrap().push(deadline);
        if self.fails {
            return Err(InferenceError::Deadline);
        }
        let sum = inputs[0].values().iter().sum();
        Ok(vec![Tensor::new(vec![1], Arc::from([sum]))?])
    }
}

#[test]
fn inference() {
    let component = component("inference");
    for way in ["run-one", "tensors"] {
        let (model, deadlines) = Sum::boxed();
        let given = [("way", text(way))];
        let mut instance = rig::try_start(&component, models(vec![("model", model)]), &given, &limits()).unwrap();
        for _ in 0..2_000 {
            // More calls than handles: each call's tensors are given back.
            let report = call(&mut instance, &frame(0), GENEROUS);
            assert_eq!(scores(&report.outcome), [f64::from(0.1_f32); 2], "{way}");
            let [entry] = &report.inferences[..] else { panic!("{way}: one inference a call") };
            assert_eq!(&*entry.model, "model");
            assert_eq!(entry.outputs.as_ref().unwrap()[0].values(), [0.1_f32]);
        }
        let now = Instant::now();
        let bounded = |deadline: &Option<Instant>| deadline.is_some_and(|deadline| deadline <= now + 4 * GENEROUS);
        assert!(deadlines.lock().unwrap().iter().all(bounded), "{way}");
    }
}

/// A model that is cut costs the frame, and the record says why.
#[test]
fn a_failed_inference_is_journaled_and_faults_the_frame() {
    let specs = [TensorSpec { name: "x".to_owned(), shape: vec![Some(1), Some(2)] }];
    let model = Box::new(Sum { specs, fails: true, deadlines: Arc::default() });
    let grants = models(vec![("model", model)]);
    let mut instance = rig::try_start(&component("inference"), grants, &[], &limits()).unwrap();
    let report = call(&mut instance, &frame(0), GENEROUS);
    assert_eq!(report.inferences[0].outputs, Err(InferenceError::Deadline));
    assert!(matches!(fault(report.outcome), Fault::Model(_)));
    assert!(!instance.is_poisoned());
}

/// A late result comes back later, and its instance with it.
#[test]
fn a_late_result_is_not_lost() {
    struct Gate([TensorSpec; 1], Receiver<()>);
    impl Model for Gate {
        fn inputs(&self) -> &[TensorSpec] {
            &self.0
        }
        fn outputs(&self) -> &[TensorSpec] {
            &self.0
        }
        fn run(&mut self, inputs: &[Tensor], _: Option<Instant>) -> Result<Vec<Tensor>, InferenceError> {
            self.1.recv().unwrap();
            Ok(inputs.to_vec())
        }
    }
    let (open, gate) = channel();
    let model = Gate([TensorSpec { name: "x".to_owned(), shape: vec![Some(2)] }], gate);
    let grants = models(vec![("model", Box::new(model))]);
    let instance = rig::try_start(&component("inference"), grants, &[], &limits()).unwrap();
    let mut pool = WorkerPool::new(1).unwrap();
    pool.submit(0, job(7, instance, GENEROUS));
    // Whatever is not back when the scan's budget ends is late, and still under way.
    assert!(pool.next(Until::Deadline(Instant::now())).is_none());
    assert_eq!(pool.in_flight(), 1);
    open.send(()).unwrap();
    let done = pool.next(Until::All).unwrap();
    assert_eq!((done.id, done.frame.scan, pool.in_flight()), (InstanceId(7), 1, 0));
    assert!(matches!(done.report.outcome, Outcome::Answered(_)));
    assert!(!done.instance.is_poisoned());
    assert!(pool.next(Until::All).is_none());
}

/// A host that panics in a model costs that instance, and the worker goes on.
#[test]
fn a_panic_in_a_model_costs_its_instance_only() {
    struct Panics([TensorSpec; 1]);
    impl Model for Panics {
        fn inputs(&self) -> &[TensorSpec] {
            &self.0
        }
        fn outputs(&self) -> &[TensorSpec] {
            &self.0
        }
        fn run(&mut self, _: &[Tensor], _: Option<Instant>) -> Result<Vec<Tensor>, InferenceError> {
            panic!("as a runtime may")
        }
    }
    let model = Panics([TensorSpec { name: "x".to_owned(), shape: vec![Some(2)] }]);
    let grants = models(vec![("model", Box::new(model))]);
    let instance = rig::try_start(&component("inference"), grants, &[], &limits()).unwrap();
    let mut pool = WorkerPool::new(1).unwrap();
    pool.submit(0, job(0, instance, GENEROUS));
    pool.submit(0, job(1, start("counter", &[]), GENEROUS));
    let lost = pool.next(Until::All).unwrap();
    assert!(lost.instance.is_poisoned());
    assert!(matches!(fault(lost.report.outcome), Fault::Internal(_)));
    assert_eq!(scores(&pool.next(Until::All).unwrap().report.outcome), [0.0, 0.5]);
}
