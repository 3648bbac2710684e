//! Models under a guest: what is journaled, what is late, what is cut.

use crate::rig::{self, GENEROUS, call, component, fault, frame, job, limits, models, scores, start, text};
use dinrail_core::description::TensorSpec;
use dinrail_core::inference::{InferenceError, Model, Tensor};
use dinrail_core::outcome::{Fault, Outcome};
use dinrail_core::record::InstanceId;
use dinrail_engine::{Until, WorkerPool};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Shared with a model, which is the engine's once it is granted.
pub(crate) type Deadlines = Arc<Mutex<Vec<Option<Instant>>>>;

/// Gives the sum of its one input, and keeps the deadlines it was given.
pub(crate) struct Sum {
    pub(crate) specs: [TensorSpec; 1],
    pub(crate) fails: bool,
    pub(crate) deadlines: Deadlines,
}

impl Sum {
    pub(crate) fn boxed() -> (Box<dyn Model>, Deadlines) {
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
pub(crate) fn inference() {
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
