//! A loaded model: its tensors, whether it fits a plugin's slot, and its plans.

use crate::inspect::{Signature, Size};
use crate::manifest::Manifest;
use crate::operators;
use crate::plan::{Plan, Plans, Shapes, caught};
use crate::session::Session;
use dinrail_core::description::{ModelSlot, TensorSpec};
use dinrail_core::inference::{InferenceError, Tensor};
use std::fmt;
use std::sync::Arc;
use tract_onnx::pb;
use tract_onnx::prelude::*;

/// A model that was let through, shared by all instances that run it.
pub struct OnnxModel {
    name: String,
    sha256: String,
    manifest: Option<Manifest>,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    /// The inputs' sizes with their names, which a [`TensorSpec`] doesn't have.
    sizes: Vec<Vec<Size>>,
    plans: Plans,
}

/// A model that does not do what a plugin asks for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SlotError {
    /// Another number of inputs or outputs.
    #[error("the plugin's slot `{slot}` has {expected} {what}s, the model `{model}` has {given}")]
    Count {
        /// The plugin's name for the model.
        slot: Box<str>,
        /// The model's own.
        model: Box<str>,
        /// `input` or `output`.
        what: &'static str,
        /// What the plugin asks for.
        expected: usize,
        /// What the model has.
        given: usize,
    },
    /// Another name.
    #[error("{what} {index} of the plugin's slot `{slot}` is `{expected}`, that of the model `{model}` is `{given}`")]
    Name {
        /// The plugin's name for the model.
        slot: Box<str>,
        /// The model's own.
        model: Box<str>,
        /// `input` or `output`.
        what: &'static str,
        /// Which one, from 0.
        index: usize,
        /// What the plugin asks for.
        expected: String,
        /// What the model has.
        given: String,
    },
    /// Another shape.
    #[error(
        "{what} `{tensor}`: the plugin's slot `{slot}` asks for the shape {}, the model `{model}` has {}",
        shape_text(expected),
        shape_text(given)
    )]
    Shape {
        /// The plugin's name for the model.
        slot: Box<str>,
        /// The model's own.
        model: Box<str>,
        /// `input` or `output`.
        what: &'static str,
        /// Its name.
        tensor: Box<str>,
        /// What the plugin asks for.
        expected: Vec<Option<u32>>,
        /// What the model has.
        given: Vec<Option<u32>>,
    },
}

/// A shape for people: `[any, 32]`.
fn shape_text(shape: &[Option<u32>]) -> String {
    let sizes: Vec<String> =
        shape.iter().map(|size| size.map_or_else(|| "any".to_owned(), |size| size.to_string())).collect();
    format!("[{}]", sizes.join(", "))
}

impl OnnxModel {
    /// Hands a checked file to tract. `signature` has a shape for every tensor.
    pub(crate) fn new(
        name: String,
        sha256: String,
        manifest: Option<Manifest>,
        signature: Signature,
        proto: &pb::ModelProto,
    ) -> Result<OnnxModel, String> {
        // What an exporter wrote of inner values is ignored: it is often wrong once the batch is fixed.
        let mut onnx = tract_onnx::onnx().with_ignore_value_info(true);
        operators::register(&mut onnx);
        let parsed = caught(|| onnx.model_for_proto_model(proto))?;
        let spec = |(name, sizes): (&String, &[Size])| TensorSpec {
            name: name.clone(),
            shape: sizes.iter().map(Size::fixed).collect(),
        };
        let named =
            |tensor: &'_ crate::inspect::Declared| spec((&tensor.name, tensor.sizes.as_deref().unwrap_or_default()));
        Ok(OnnxModel {
            name,
            sha256,
            manifest,
            inputs: signature.inputs.iter().map(named).collect(),
            outputs: signature.outputs.iter().map(named).collect(),
            sizes: signature.inputs.iter().map(|input| input.sizes.clone().unwrap_or_default()).collect(),
            plans: Plans::new(parsed, signature.outputs),
        })
    }

    /// What its directory calls it, else its file's name without the ending.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the ONNX file, in lower-case hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// What its directory says of it; `None` for a bare file.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Inputs in order. `None` in a shape: any size.
    #[must_use]
    pub fn inputs(&self) -> &[TensorSpec] {
        &self.inputs
    }

    /// Outputs in order. `None` in a shape: it follows from the inputs.
    #[must_use]
    pub fn outputs(&self) -> &[TensorSpec] {
        &self.outputs
    }

    /// Whether this model does what a plugin asks for: the same tensors by number, order and name, of agreeing shapes.
    /// `None` in the slot takes whatever the model has, `None` in the model takes whatever the slot asks for.
    pub fn check_slot(&self, slot: &ModelSlot) -> Result<(), SlotError> {
        self.check_tensors("input", slot, &slot.inputs, &self.inputs)?;
        self.check_tensors("output", slot, &slot.outputs, &self.outputs)
    }

    fn check_tensors(
        &self,
        what: &'static str,
        slot: &ModelSlot,
        asked: &[TensorSpec],
        has: &[TensorSpec],
    ) -> Result<(), SlotError> {
        let (slot, model) = (Box::from(slot.name.as_str()), Box::from(self.name.as_str()));
        if asked.len() != has.len() {
            return Err(SlotError::Count { slot, model, what, expected: asked.len(), given: has.len() });
        }
        if let Some(index) = (0..asked.len()).find(|index| asked[*index].name != has[*index].name) {
            let (expected, given) = (asked[index].name.clone(), has[index].name.clone());
            return Err(SlotError::Name { slot, model, what, index, expected, given });
        }
        let agree = |asked: &TensorSpec, has: &TensorSpec| {
            let sizes = asked.shape.iter().zip(&has.shape);
            asked.shape.len() == has.shape.len()
                && sizes.into_iter().all(|(asked, has)| asked.is_none() || has.is_none() || asked == has)
        };
        match asked.iter().zip(has).find(|(asked, has)| !agree(asked, has)) {
            Some((asked, has)) => {
                let (expected, given) = (asked.shape.clone(), has.shape.clone());
                Err(SlotError::Shape { slot, model, what, tensor: Box::from(has.name.as_str()), expected, given })
            }
            None => Ok(()),
        }
    }

    /// Plans the model for a batch, the first dimension of every input. Planning takes milliseconds for a small model and
    /// seconds for a large one, so who knows the batch calls this before the first scan; a call with a batch that nobody
    /// prepared plans it then and there, within its own time.
    pub fn prepare(&self, batch: u32) -> Result<(), InferenceError> {
        self.plan_of(&self.shapes_at(batch)?).map(drop)
    }

    /// Plans the model for the shapes of its inputs: for models that leave more open than the batch.
    pub fn prepare_shapes(&self, shapes: &[Vec<u32>]) -> Result<(), InferenceError> {
        self.plan_of(shapes).map(drop)
    }

    /// How many plans are kept, at most [`MAX_PLANS`](crate::MAX_PLANS).
    #[must_use]
    pub fn plans(&self) -> usize {
        self.plans.count()
    }

    /// The model as one plugin instance runs it.
    #[must_use]
    pub fn session(self: &Arc<Self>) -> Session {
        Session::new(self.clone())
    }

    /// Whether nothing but the first dimensions is open.
    pub(crate) fn only_batch_is_open(&self) -> bool {
        self.inputs.iter().all(|input| input.shape.iter().skip(1).all(Option::is_some))
    }

    pub(crate) fn shapes_at(&self, batch: u32) -> Result<Shapes, InferenceError> {
        let fill = |input: &TensorSpec| -> Result<Vec<u32>, InferenceError> {
            let sizes = input.shape.iter().enumerate().map(|(dimension, size)| match size {
                Some(size) => Ok(*size),
                None if dimension == 0 => Ok(batch),
                None => Err(InferenceError::Shape(format!(
                    "input `{}` of the model `{}` has the shape {}: a batch alone doesn't say how large it is",
                    input.name,
                    self.name,
                    shape_text(&input.shape)
                ))),
            });
            sizes.collect()
        };
        self.inputs.iter().map(fill).collect()
    }

    pub(crate) fn plan_for(&self, inputs: &[Tensor]) -> Result<Arc<Plan>, InferenceError> {
        let shapes: Vec<Vec<u32>> = inputs.iter().map(|input| input.shape().to_vec()).collect();
        self.plan_of(&shapes)
    }

    fn plan_of(&self, shapes: &[Vec<u32>]) -> Result<Arc<Plan>, InferenceError> {
        self.check_shapes(shapes)?;
        self.plans.get(&Shapes::from(shapes))
    }

    fn check_shapes(&self, shapes: &[Vec<u32>]) -> Result<(), InferenceError> {
        if shapes.len() != self.inputs.len() {
            let names: Vec<&str> = self.inputs.iter().map(|input| input.name.as_str()).collect();
            return Err(InferenceError::Shape(format!(
                "the model `{}` takes {} inputs ({}), {} were given",
                self.name,
                names.len(),
                names.join(", "),
                shapes.len()
            )));
        }
        // What each named size turned out to be, and in which input.
        let mut known: Vec<(&str, u32, &str)> = Vec::new();
        for ((input, sizes), given) in self.inputs.iter().zip(&self.sizes).zip(shapes) {
            let fits = |(size, given): (&Size, &u32)| *given > 0 && size.fixed().is_none_or(|size| size == *given);
            if sizes.len() != given.len() || !sizes.iter().zip(given).all(fits) {
                return Err(InferenceError::Shape(format!(
                    "input `{}` of the model `{}` has the shape {}, {given:?} was given",
                    input.name,
                    self.name,
                    shape_text(&input.shape)
                )));
            }
            for (size, given) in sizes.iter().zip(given) {
                let Size::Named(name) = size else { continue };
                match known.iter().find(|(known, _, _)| known == name) {
                    Some((_, before, _)) if before == given => {}
                    Some((_, before, first)) => {
                        return Err(InferenceError::Shape(format!(
                            "`{name}` of the model `{}` is {before} in input `{first}` and {given} in input `{}`",
                            self.name, input.name
                        )));
                    }
                    None => known.push((name, *given, &input.name)),
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for OnnxModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxModel").field("name", &self.name).field("sha256", &self.sha256).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panic")]
    use super::*;
    use crate::fixtures::Build;
    use crate::plan::MAX_PLANS;

    fn slot(inputs: &[(&str, &[Option<u32>])], outputs: &[(&str, &[Option<u32>])]) -> ModelSlot {
        let specs = |tensors: &[(&str, &[Option<u32>])]| {
            tensors.iter().map(|(name, shape)| TensorSpec { name: (*name).into(), shape: shape.to_vec() }).collect()
        };
        ModelSlot {
            name: "channel".into(),
            summary: String::new(),
            required: true,
            inputs: specs(inputs),
            outputs: specs(outputs),
        }
    }

    #[test]
    fn a_slot_takes_what_agrees_and_names_what_does_not() {
        let model = Build::doubler().model();
        let y: &[(&str, &[Option<u32>])] = &[("y", &[None, Some(4)])];
        for shape in [[None, Some(4)], [Some(8), Some(4)], [None, None]] {
            model.check_slot(&slot(&[("x", &shape)], y)).unwrap();
        }
        let check = |asked: &ModelSlot, expected: &str| {
            assert_eq!(model.check_slot(asked).unwrap_err().to_string(), expected);
        };
        check(
            &slot(&[("x", &[None, Some(32)])], y),
            "input `x`: the plugin's slot `channel` asks for the shape [any, 32], the model `doubler` has [any, 4]",
        );
        check(
            &slot(&[("x", &[None])], y),
            "input `x`: the plugin's slot `channel` asks for the shape [any], the model `doubler` has [any, 4]",
        );
        check(
            &slot(&[("window", &[None, Some(4)])], y),
            "input 0 of the plugin's slot `channel` is `window`, that of the model `doubler` is `x`",
        );
        check(
            &slot(&[("x", &[None, Some(4)])], &[]),
            "the plugin's slot `channel` has 0 outputs, the model `doubler` has 1",
        );
    }

    #[test]
    fn plans_are_made_once_for_all_and_their_number_is_bounded() {
        let model = Build::doubler().model();
        assert_eq!(model.plans(), 0);
        let first = model.plan_of(&model.shapes_at(3).unwrap()).unwrap();
        let again = model.plan_of(&[vec![3, 4]]).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        for batch in 1..=MAX_PLANS as u32 + 1 {
            model.prepare(batch).unwrap();
            // Kept in use, it outlives those that are not.
            assert!(Arc::ptr_eq(&first, &model.plan_of(&[vec![3, 4]]).unwrap()));
        }
        assert_eq!(model.plans(), MAX_PLANS);
        for batch in 1..=MAX_PLANS as u32 {
            model.prepare(100 + batch).unwrap();
        }
        assert_eq!(model.plans(), MAX_PLANS);
        assert!(!Arc::ptr_eq(&first, &model.plan_of(&[vec![3, 4]]).unwrap()));
    }

    #[test]
    fn threads_that_want_one_plan_get_the_same_one() {
        let model = Build::autoencoder(32, &[16, 4, 16]).model();
        let plans: Vec<Arc<Plan>> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| model.plan_of(&[vec![7, 32]]).unwrap())).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        assert!(plans.iter().all(|plan| Arc::ptr_eq(plan, &plans[0])));
        assert_eq!(model.plans(), 1);
    }

    #[test]
    fn a_batch_alone_does_not_size_an_open_sequence() {
        let mut build = Build::doubler();
        build.sizes = vec!["batch".into(), "length".into()];
        build.weights[0].dims = vec![1];
        build.weights[0].float_data = vec![2.0];
        let model = build.model();
        let text = model.prepare(2).unwrap_err().to_string();
        assert!(text.contains("[any, any]"), "{text}");
        model.prepare_shapes(&[vec![2, 9]]).unwrap();
    }
}
