//! Plans: one for each model and set of input shapes, shared by all who run it.

use crate::inspect::{Declared, written};
use dinrail_core::inference::{InferenceError, MAX_TENSOR_VALUES, Tensor};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tract_onnx::prelude::*;
use tract_onnx::tract_core;

/// Most plans that are kept for one model; past it the one that lay unused longest goes. A plant binds a model at a
/// handful of batches, and a guest that asks for ever new ones pays the planning within its own call.
pub const MAX_PLANS: usize = 16;

/// Most values that a plan's nodes may give out together: 256 MiB of f32, eight times what a ResNet-50 takes for one
/// picture. The batch is guest-controlled, so this is what keeps a guest from filling the host's memory through a model.
pub const MAX_WORKING_VALUES: usize = 64 * 1024 * 1024;

/// The shapes of all inputs, in order.
pub(crate) type Shapes = Arc<[Vec<u32>]>;

/// A model optimised for one set of input shapes.
pub(crate) struct Plan {
    pub(crate) runnable: Arc<TypedRunnableModel>,
    pub(crate) input_shapes: Shapes,
    /// The same, as tract takes them.
    pub(crate) input_sizes: Vec<Vec<usize>>,
    pub(crate) output_shapes: Vec<Vec<u32>>,
}

type Planned = Arc<OnceLock<Result<Arc<Plan>, InferenceError>>>;

/// A parsed model and the plans made of it.
pub(crate) struct Plans {
    parsed: InferenceModel,
    outputs: Vec<Declared>,
    /// Used last stands last.
    made: Mutex<Vec<(Shapes, Planned)>>,
}

impl Plans {
    pub(crate) fn new(parsed: InferenceModel, outputs: Vec<Declared>) -> Plans {
        Plans { parsed, outputs, made: Mutex::new(Vec::new()) }
    }

    /// The plan for these shapes. The first who asks makes it, which takes milliseconds or more; others who want the
    /// same one wait for it, and nobody else does. A failure is kept like a plan.
    pub(crate) fn get(&self, shapes: &Shapes) -> Result<Arc<Plan>, InferenceError> {
        self.entry(shapes).get_or_init(|| self.make(shapes)).clone()
    }

    /// How many plans are kept.
    pub(crate) fn count(&self) -> usize {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn entry(&self, shapes: &Shapes) -> Planned {
        // Nothing panics under this lock.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match made.iter().position(|(known, _)| known == shapes) {
            Some(at) => made.remove(at),
            None => {
                if made.len() == MAX_PLANS {
                    made.remove(0);
                }
                (shapes.clone(), Planned::default())
            }
        };
        let planned = entry.1.clone();
        made.push(entry);
        planned
    }

    fn make(&self, shapes: &Shapes) -> Result<Arc<Plan>, InferenceError> {
        let input_sizes: Vec<Vec<usize>> =
            shapes.iter().map(|shape| shape.iter().map(|size| *size as usize).collect()).collect();
        let optimise = || {
            let mut model = self.parsed.clone();
            for (index, sizes) in input_sizes.iter().enumerate() {
                model.set_input_fact(index, f32::fact(sizes).into())?;
            }
            floating(model.into_typed()?, &self.outputs)?.into_optimized()?.into_runnable()
        };
        let runnable = caught(optimise).map_err(|error| {
            InferenceError::Failed(format!("the model can't be planned for inputs of shape {shapes:?}: {error}"))
        })?;
        check_working_values(&runnable).map_err(|text| {
            InferenceError::Shape(format!("the model can't be run for inputs of shape {shapes:?}: {text}"))
        })?;
        let output_shapes = self
            .outputs
            .iter()
            .enumerate()
            .map(|(index, output)| planned_output(&runnable, index, output))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Arc::new(Plan { runnable, input_shapes: shapes.clone(), input_sizes, output_shapes }))
    }
}

impl Plan {
    /// Whether the inputs are of the shapes that this was made for.
    pub(crate) fn takes(&self, inputs: &[Tensor]) -> bool {
        self.input_shapes.len() == inputs.len()
            && self.input_shapes.iter().zip(inputs).all(|(shape, input)| shape == input.shape())
    }
}

/// Hands over as f32 what is declared in integers, and computed so.
fn floating(mut model: TypedModel, outputs: &[Declared]) -> TractResult<TypedModel> {
    let mut outlets = model.output_outlets()?.to_vec();
    for (outlet, output) in outlets.iter_mut().zip(outputs) {
        let kind = model.outlet_fact(*outlet)?.datum_type;
        if output.integers && [i64::datum_type(), i32::datum_type(), TDim::datum_type()].contains(&kind) {
            // A node's name must be its own. What tract takes for a size becomes a number first.
            for to in [i64::datum_type(), f32::datum_type()] {
                let name = format!("{}.handed-over-as-{to:?}", output.name);
                *outlet = model.wire_node(name, tract_core::ops::cast::cast(to), &[*outlet])?[0];
            }
        }
    }
    model.select_output_outlets(&outlets)?;
    Ok(model)
}

/// Bounds what running a plan allocates, before it is run.
fn check_working_values(runnable: &TypedRunnableModel) -> Result<(), String> {
    let mut total = 0_usize;
    for node in runnable.model().nodes() {
        for output in node.outputs.iter().filter(|output| output.fact.konst.is_none()) {
            let Some(sizes) = output.fact.shape.as_concrete() else {
                return Err(format!("how much the node `{}` gives out is not known ahead", node.name));
            };
            let count = sizes.iter().fold(1_usize, |count, size| count.saturating_mul(*size));
            total = total.saturating_add(count);
        }
    }
    if total > MAX_WORKING_VALUES {
        return Err(format!("its nodes would give out {total} values, at most {MAX_WORKING_VALUES} are let through"));
    }
    Ok(())
}

/// Checks one output of a plan against what is declared of it, and gives its shape.
fn planned_output(runnable: &TypedRunnableModel, index: usize, output: &Declared) -> Result<Vec<u32>, InferenceError> {
    let failed = |text: String| InferenceError::Failed(format!("output `{}`: {text}", output.name));
    let fact = runnable.model().output_fact(index).map_err(|error| failed(format!("{error:#}")))?;
    if fact.datum_type != f32::datum_type() {
        return Err(failed(format!("the model computes {:?}, not f32", fact.datum_type)));
    }
    let sizes = fact
        .shape
        .as_concrete()
        .ok_or_else(|| failed(format!("its shape {:?} does not follow from those of the inputs", fact.shape)))?;
    let shape = sizes.iter().map(|size| u32::try_from(*size).ok()).collect::<Option<Vec<u32>>>();
    let within = |shape: &Vec<u32>| {
        let count = shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size as usize));
        count.is_some_and(|count| count <= MAX_TENSOR_VALUES)
    };
    let shape = shape
        .filter(within)
        .ok_or_else(|| failed(format!("of shape {sizes:?}; at most {MAX_TENSOR_VALUES} values are handed over")))?;
    let declared = output.sizes.as_deref().unwrap_or_default();
    let agree = declared.len() == shape.len()
        && declared.iter().zip(&shape).all(|(size, given)| size.fixed().is_none_or(|size| size == *given));
    if agree {
        Ok(shape)
    } else {
        Err(failed(format!("computed in the shape {shape:?}, declared as {}", written(declared))))
    }
}

/// Runs tract's code on a foreign model: its errors and its panics become text. What `work` left half done must not be
/// used again.
pub(crate) fn caught<T>(work: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(answer) => answer.map_err(|error| format!("{error:#}")),
        Err(panic) => Err(format!("tract panicked: {}", panic_text(panic.as_ref()))),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
