//! What every operator of ours is to tract: shapes and element types ahead of running, then plain slices.

use super::error::OperatorError;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use tract_onnx::tract_core::ops::cast::cast;
use tract_onnx::tract_hir::internal::*;

/// Element types that cross.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Element {
    F32,
    I64,
}

/// A tensor's type and sizes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Form {
    pub(crate) element: Element,
    pub(crate) sizes: Vec<usize>,
}

impl Form {
    pub(crate) fn f32(sizes: &[usize]) -> Form {
        Form { element: Element::F32, sizes: sizes.to_vec() }
    }

    pub(crate) fn i64(sizes: &[usize]) -> Form {
        Form { element: Element::I64, sizes: sizes.to_vec() }
    }

    /// Rows and columns of a table of f32; one dimension is one row.
    pub(crate) fn rows(&self) -> Result<(usize, usize), OperatorError> {
        self.only_f32()?;
        match self.sizes[..] {
            [columns] => Ok((1, columns)),
            [rows, columns] => Ok((rows, columns)),
            _ => Err(OperatorError::Shape { given: self.sizes.clone(), expected: "[rows, features]".into() }),
        }
    }

    /// Rows of at least, or exactly, so many columns.
    pub(crate) fn rows_of(&self, columns: usize, exactly: bool) -> Result<usize, OperatorError> {
        let (rows, given) = self.rows()?;
        if given == columns || (given > columns && !exactly) {
            return Ok(rows);
        }
        let least = if exactly { "" } else { "at least " };
        Err(OperatorError::Shape { given: self.sizes.clone(), expected: format!("[rows, {least}{columns}]") })
    }

    pub(crate) fn only_f32(&self) -> Result<(), OperatorError> {
        match self.element {
            Element::F32 => Ok(()),
            Element::I64 => Err(OperatorError::Element { given: "i64".into(), expected: "f32" }),
        }
    }
}

/// A tensor's values, row-major.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Given<'a> {
    F32(&'a [f32]),
    I64(&'a [i64]),
}

impl<'a> Given<'a> {
    /// Its numbers, where [`Form::only_f32`] was asked for.
    pub(crate) fn f32(self) -> &'a [f32] {
        match self {
            Given::F32(values) => values,
            Given::I64(_) => &[],
        }
    }
}

/// What came out.
#[derive(Debug, PartialEq)]
pub(crate) enum Values {
    F32(Vec<f32>),
    I64(Vec<i64>),
}

/// An operator with its attributes checked.
pub(crate) trait Operator: fmt::Debug + Send + Sync + 'static {
    /// Its ONNX name.
    fn name(&self) -> &'static str;
    /// How many inputs and outputs it has.
    fn arity(&self) -> (usize, usize);
    /// Its outputs' forms, or why it does not take inputs of these forms.
    fn forms(&self, inputs: &[Form]) -> Result<Vec<Form>, OperatorError>;
    /// Runs. The inputs are of forms that [`forms`](Operator::forms) took.
    fn run(&self, inputs: &[(&Form, Given<'_>)]) -> Result<Vec<Values>, OperatorError>;
}

/// An operator as tract holds it.
#[derive(Clone)]
pub(crate) struct Held(pub(crate) Arc<dyn Operator>);

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Held) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Held {}

impl Hash for Held {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl Held {
    fn forms(&self, inputs: &[(DatumType, TVec<usize>)]) -> TractResult<Vec<Form>> {
        let forms = inputs.iter().map(|(kind, sizes)| form(*kind, sizes)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.0.forms(&forms)?)
    }
}

fn form(kind: DatumType, sizes: &[usize]) -> Result<Form, OperatorError> {
    let element = match kind {
        DatumType::F32 => Element::F32,
        // What tract computes in narrower integers, or as sizes, is widened when it is wired.
        DatumType::I64 | DatumType::I32 | DatumType::TDim => Element::I64,
        other => return Err(OperatorError::Element { given: format!("{other:?}"), expected: "f32 or i64" }),
    };
    Ok(Form { element, sizes: sizes.to_vec() })
}

fn datum_type(element: Element) -> DatumType {
    match element {
        Element::F32 => f32::datum_type(),
        Element::I64 => i64::datum_type(),
    }
}

fn concrete(sizes: &[TDim]) -> TractResult<TVec<usize>> {
    sizes.iter().map(|size| Ok(size.to_usize()?)).collect()
}

impl Expansion for Held {
    fn name(&self) -> StaticName {
        self.0.name().into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.0.arity().1)
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let (inputs_expected, outputs_expected) = self.0.arity();
        check_input_arity(inputs, inputs_expected)?;
        check_output_arity(outputs, outputs_expected)?;
        let set = |solver: &mut Solver<'r>, given: Vec<(DatumType, TVec<usize>)>| -> InferenceResult {
            for (output, form) in outputs.iter().zip(self.forms(&given)?) {
                let sizes: TVec<TDim> = form.sizes.iter().map(|size| size.to_dim()).collect();
                solver.equals(&output.datum_type, datum_type(form.element))?;
                solver.equals(&output.shape, sizes)?;
            }
            Ok(())
        };
        match inputs {
            [input] => solver.given_2(&input.datum_type, &input.shape, move |solver, kind, sizes| {
                set(solver, vec![(kind, concrete(&sizes)?)])
            }),
            [first, second] => solver.given_4(
                &first.datum_type,
                &first.shape,
                &second.datum_type,
                &second.shape,
                move |solver, kind, sizes, other, others| {
                    set(solver, vec![(kind, concrete(&sizes)?), (other, concrete(&others)?)])
                },
            ),
            _ => bail!("{} inputs", inputs.len()),
        }
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let mut given = tvec![];
        for (index, input) in inputs.iter().enumerate() {
            let kind = model.outlet_fact(*input)?.datum_type;
            let element = datum_type(form(kind, &[])?.element);
            given.push(if kind == element {
                *input
            } else {
                model.wire_node(format!("{prefix}.input-{index}"), cast(element), &[*input])?[0]
            });
        }
        model.wire_node(prefix, self.clone(), &given)
    }
}

impl Op for Held {
    fn name(&self) -> StaticName {
        self.0.name().into()
    }

    op_as_typed_op!();
}

impl EvalOp for Held {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let forms = inputs
            .iter()
            .map(|input| form(input.datum_type(), input.shape()))
            .collect::<Result<TVec<_>, OperatorError>>()?;
        let mut given: TVec<(&Form, Given<'_>)> = tvec![];
        for (form, input) in forms.iter().zip(&inputs) {
            let view = input.try_as_plain_ram()?;
            let values = match form.element {
                Element::F32 => Given::F32(view.as_slice::<f32>()?),
                Element::I64 => Given::I64(view.as_slice::<i64>()?),
            };
            given.push((form, values));
        }
        let shapes = self.0.forms(&forms)?;
        let mut outputs = tvec![];
        for (form, values) in shapes.iter().zip(self.0.run(&given)?) {
            let tensor = match values {
                Values::F32(values) => Tensor::from_shape(&form.sizes, &values)?,
                Values::I64(values) => Tensor::from_shape(&form.sizes, &values)?,
            };
            outputs.push(tensor.into_tvalue());
        }
        Ok(outputs)
    }
}

impl TypedOp for Held {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let given =
            inputs.iter().map(|fact| Ok((fact.datum_type, concrete(&fact.shape)?))).collect::<TractResult<Vec<_>>>()?;
        Ok(self.forms(&given)?.iter().map(|form| datum_type(form.element).fact(&form.sizes)).collect())
    }

    as_op!();
}
