//! A model as one plugin instance runs it.

use crate::model::OnnxModel;
use crate::plan::{Plan, caught};
use dinrail_core::description::TensorSpec;
use dinrail_core::inference::{InferenceError, Model, Tensor};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tract_onnx::prelude::*;
use tract_onnx::tract_core;

/// Most shapes whose working memory one instance keeps. An instance runs at one or two; past it, the one that lay unused
/// longest goes, and coming back to it costs microseconds.
pub const MAX_STATES: usize = 4;

/// Runs one model for one instance, on one thread at a time. Its answers depend on its inputs alone: what a recurrent
/// model carries from one step to the next ends with the call.
pub struct Session {
    model: Arc<OnnxModel>,
    /// Used last stands first.
    states: Vec<Ready>,
}

struct Ready {
    plan: Arc<Plan>,
    /// Taken out while it runs, and not put back after a failure.
    state: Option<TypedSimpleState>,
}

impl Session {
    pub(crate) fn new(model: Arc<OnnxModel>) -> Session {
        Session { model, states: Vec::new() }
    }

    /// The model that this runs.
    #[must_use]
    pub fn model(&self) -> &Arc<OnnxModel> {
        &self.model
    }

    /// Makes ready for a batch (see [`OnnxModel::prepare`]), so that the first call at it costs what every call does.
    pub fn prepare(&mut self, batch: u32) -> Result<(), InferenceError> {
        let shapes = self.model.shapes_at(batch)?;
        let zeros = |shape: &Vec<u32>| {
            let count = shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size as usize));
            let count = count.filter(|count| *count <= dinrail_core::inference::MAX_TENSOR_VALUES);
            let count =
                count.ok_or_else(|| InferenceError::Shape(format!("an input of shape {shape:?} is too large")))?;
            Tensor::new(shape.clone(), Arc::from(vec![0.0; count]))
        };
        let inputs = shapes.iter().map(zeros).collect::<Result<Vec<_>, _>>()?;
        match self.run_until(&inputs, || false) {
            // Zeros need not mean anything to the model.
            Ok(_) | Err(InferenceError::NotFinite(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Runs the model; `passed` is asked before every node that computes, and after the last.
    fn run_until(
        &mut self,
        inputs: &[Tensor],
        mut passed: impl FnMut() -> bool,
    ) -> Result<Vec<Tensor>, InferenceError> {
        let ready = self.ready(inputs)?;
        let plan = ready.plan.clone();
        let mut cut = false;
        let state = ready.state.take();
        let answer = caught(|| {
            let mut state = match state {
                Some(state) => state,
                None => plan.runnable.spawn()?,
            };
            let mut given = tvec![];
            for (sizes, input) in plan.input_sizes.iter().zip(inputs) {
                given.push(tract_onnx::prelude::Tensor::from_shape(sizes, input.values())?.into());
            }
            let answer = state.run_plan_with_eval(given, |context, op_state, node, values| {
                // A source hands its input on; it is not worth a look at the clock.
                if !node.inputs.is_empty() && passed() {
                    cut = true;
                    return Err(TractError::msg("cut"));
                }
                let answer = tract_core::plan::eval(context, op_state, node, values);
                release_upper_halves();
                answer
            })?;
            Ok((state, answer))
        });
        let (state, answer) = match answer {
            Ok(answered) => answered,
            Err(_) if cut => return Err(InferenceError::Deadline),
            Err(text) => return Err(InferenceError::Failed(text)),
        };
        // tract's recurrent operators keep what they carry beyond the call, where ONNX asks for a fresh start.
        let recurrent = state.op_states.iter().any(Option::is_some);
        ready.state = (!recurrent).then_some(state);
        if passed() {
            return Err(InferenceError::Deadline);
        }
        outputs(&plan, self.model.outputs(), &answer)
    }

    /// Runs the model to its end and gives the longest stretch between two looks at the clock, which is a node's time:
    /// so much later than its deadline may a run be cut.
    pub fn longest_node(&mut self, inputs: &[Tensor]) -> Result<Duration, InferenceError> {
        let mut longest = Duration::ZERO;
        let mut last: Option<Instant> = None;
        self.run_until(inputs, || {
            let now = Instant::now();
            longest = longest.max(last.replace(now).map_or(Duration::ZERO, |last| now - last));
            false
        })?;
        Ok(longest)
    }

    /// What runs inputs of these shapes, in front of the others.
    fn ready(&mut self, inputs: &[Tensor]) -> Result<&mut Ready, InferenceError> {
        match self.states.iter().position(|ready| ready.plan.takes(inputs)) {
            Some(0) => {}
            Some(at) => self.states[..=at].rotate_right(1),
            None => {
                let plan = self.model.plan_for(inputs)?;
                self.states.truncate(MAX_STATES - 1);
                self.states.insert(0, Ready { plan, state: None });
            }
        }
        Ok(&mut self.states[0])
    }
}

/// Some of tract's kernels leave the upper halves of the vector registers in use, after which each change between SSE (what
/// the host is compiled to) and AVX (what guests are compiled to where there is AVX) may cost some 70 cycles: 150 ns for
/// every number that a guest converts. The search of `memchr` is compiled for AVX2 where that is there, and such code
/// releases the halves when it returns, by the instruction `vzeroupper`.
fn release_upper_halves() {
    /// Two vectors: less would be searched without them.
    const HAYSTACK: [u8; 64] = [0; 64];
    std::hint::black_box(memchr::memchr(1, std::hint::black_box(&HAYSTACK)));
}

/// Takes the answer over, if every value in it is finite.
fn outputs(plan: &Plan, specs: &[TensorSpec], answer: &[TValue]) -> Result<Vec<Tensor>, InferenceError> {
    let mut outputs = Vec::with_capacity(specs.len());
    for ((spec, shape), value) in specs.iter().zip(&plan.output_shapes).zip(answer) {
        let view = value.try_as_plain_ram().and_then(|view| view.as_slice::<f32>());
        let values = view.map_err(|error| InferenceError::Failed(format!("output `{}`: {error:#}", spec.name)))?;
        // No early exit: so it is a handful of vector instructions.
        if !values.iter().fold(true, |finite, value| finite & value.is_finite()) {
            return Err(InferenceError::NotFinite(spec.name.clone()));
        }
        outputs.push(Tensor::new(shape.clone(), Arc::from(values))?);
    }
    Ok(outputs)
}

impl Model for Session {
    fn inputs(&self) -> &[TensorSpec] {
        self.model.inputs()
    }

    fn outputs(&self) -> &[TensorSpec] {
        self.model.outputs()
    }

    fn run(&mut self, inputs: &[Tensor], deadline: Option<Instant>) -> Result<Vec<Tensor>, InferenceError> {
        match deadline {
            Some(deadline) => self.run_until(inputs, || Instant::now() >= deadline),
            None => self.run_until(inputs, || false),
        }
    }

    fn is_outside(&self, inputs: &[Tensor]) -> bool {
        let described = self.model.manifest().map_or(&[][..], |manifest| &manifest.inputs);
        let pairs = described.iter().zip(inputs);
        pairs
            .filter_map(|(entry, input)| Some((entry.statistics.as_ref()?, input)))
            .any(|(statistics, input)| statistics.is_outside(input.values()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panic")]
    use super::*;
    use crate::fixtures::Build;

    fn tensor(shape: &[u32], values: &[f32]) -> Tensor {
        Tensor::new(shape.to_vec(), Arc::from(values)).unwrap()
    }

    #[test]
    fn the_longest_node_takes_no_longer_than_the_whole() {
        let mut session = Build::autoencoder(32, &[16, 4, 16]).model().session();
        let input = [tensor(&[1, 32], &[0.5; 32])];
        let begun = Instant::now();
        let longest = session.longest_node(&input).unwrap();
        assert!(Duration::ZERO < longest && longest <= begun.elapsed(), "{longest:?}");
        assert!(session.longest_node(&[]).is_err());
    }

    #[test]
    fn a_batch_goes_through_row_by_row() {
        let mut session = Build::doubler().model().session();
        for batch in [1_u32, 3, 1, 5, 6, 7, 8, 1] {
            let values: Vec<f32> = (0..batch * 4).map(|value| value as f32).collect();
            let outputs = session.run(&[tensor(&[batch, 4], &values)], None).unwrap();
            assert_eq!(outputs.len(), 1);
            assert_eq!(outputs[0].shape(), [batch, 4]);
            assert!(outputs[0].values().iter().zip(&values).all(|(out, x)| *out == 2.0 * x));
        }
        assert_eq!(session.states.len(), MAX_STATES);
        assert_eq!(session.model().plans(), 6);
    }

    #[test]
    fn an_autoencoder_gives_what_plain_arithmetic_gives() {
        let build = Build::autoencoder(32, &[16, 4, 16]);
        let mut session = build.model().session();
        let x: Vec<f32> = (0..3 * 32).map(|value| ((value * 37 % 61) as f32 - 30.0) / 15.0).collect();
        let outputs = session.run(&[tensor(&[3, 32], &x)], None).unwrap();
        let expected: Vec<f32> = x.chunks(32).flat_map(|row| build.dense(row)).collect();
        for (given, expected) in outputs[0].values().iter().zip(&expected) {
            assert!((given - expected).abs() < 1e-5, "{given} {expected}");
        }
    }

    #[test]
    fn inputs_that_do_not_fit_are_refused_by_name() {
        let mut session = Build::doubler().model().session();
        let mut check = |inputs: &[Tensor], expected: &str| match session.run(inputs, None) {
            Err(InferenceError::Shape(text)) => assert_eq!(text, expected),
            other => panic!("{other:?}"),
        };
        check(&[], "the model `doubler` takes 1 inputs (x), 0 were given");
        check(
            &[tensor(&[1, 5], &[0.0; 5])],
            "input `x` of the model `doubler` has the shape [any, 4], [1, 5] was given",
        );
        check(&[tensor(&[4], &[0.0; 4])], "input `x` of the model `doubler` has the shape [any, 4], [4] was given");
        check(&[tensor(&[0, 4], &[])], "input `x` of the model `doubler` has the shape [any, 4], [0, 4] was given");
        assert_eq!(session.model().plans(), 0);
    }

    #[test]
    fn sizes_of_one_name_are_equal() {
        let mut session = Build::adder().model().session();
        let (two, three) = (tensor(&[2, 4], &[1.0; 8]), tensor(&[3, 4], &[1.0; 12]));
        assert_eq!(session.run(&[two.clone(), two.clone()], None).unwrap()[0].values(), [2.0; 8]);
        let error = session.run(&[two, three], None).unwrap_err();
        assert_eq!(
            error,
            InferenceError::Shape("`batch` of the model `adder` is 2 in input `a` and 3 in input `b`".into())
        );
    }

    #[test]
    fn an_output_that_is_not_finite_is_an_error_and_the_next_one_is_good_again() {
        let mut session = Build::logarithm().model().session();
        for bad in [-1.0, 0.0, f32::NAN, f32::INFINITY] {
            let error = session.run(&[tensor(&[1, 4], &[1.0, bad, 1.0, 1.0])], None).unwrap_err();
            assert_eq!(error, InferenceError::NotFinite("y".into()), "{bad}");
        }
        let outputs = session.run(&[tensor(&[1, 4], &[1.0; 4])], None).unwrap();
        assert_eq!(outputs[0].values(), [0.0; 4]);
        session.prepare(2).unwrap();
    }

    #[test]
    fn a_deadline_cuts_at_the_next_node() {
        let mut session = Build::cumulative(6).model().session();
        let x = [tensor(&[1, 4], &[1.0, 2.0, 3.0, 4.0])];
        let whole = session.run(&x, None).unwrap();
        // Asked before each node and once after the last.
        let mut asked = 0;
        session
            .run_until(&x, || {
                asked += 1;
                false
            })
            .unwrap();
        assert!(asked > 6, "the nodes were fused into {asked}");
        for cut in 1..=asked {
            let mut count = 0;
            let answer = session.run_until(&x, || {
                count += 1;
                count >= cut
            });
            assert_eq!(answer, Err(InferenceError::Deadline));
            assert_eq!(count, cut, "it ran on");
            assert_eq!(session.run(&x, None).unwrap(), whole);
        }
        assert_eq!(session.run(&x, Some(Instant::now())), Err(InferenceError::Deadline));
    }

    #[test]
    fn a_batch_that_would_fill_the_memory_is_refused_before_it_runs() {
        let mut session = Build::autoencoder(4, &[4096]).model().session();
        // 4 MiB of input, 4 GiB behind the first layer.
        let rows = 256 * 1024;
        let error = session.run(&[tensor(&[rows, 4], &vec![0.5; rows as usize * 4])], None).unwrap_err();
        let InferenceError::Shape(text) = error else { panic!("{error}") };
        assert!(text.contains("at most 67108864 are let through"), "{text}");
        assert!(session.run(&[tensor(&[1024, 4], &[0.5; 4096])], None).is_ok());
    }

    #[test]
    fn a_recurrent_model_starts_afresh_at_each_call() {
        let mut session = Build::recurrent().model().session();
        let x = [tensor(&[3, 1, 2], &[0.5, -0.5, 1.0, 0.25, -1.0, 0.75])];
        let first = session.run(&x, None).unwrap();
        assert!(first[0].values().iter().any(|value| *value != 0.0));
        for _ in 0..3 {
            assert_eq!(session.run(&x, None).unwrap(), first);
        }
    }

    #[test]
    fn a_session_may_move_to_a_worker() {
        let mut session = Build::doubler().model().session();
        session.prepare(1).unwrap();
        let worker = std::thread::spawn(move || session.run(&[tensor(&[1, 4], &[1.0; 4])], None));
        assert_eq!(worker.join().unwrap().unwrap()[0].values(), [2.0; 4]);
    }
}
