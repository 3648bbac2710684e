//! What is checked of an ONNX file before tract sees it.
//!
//! Checked: counts and sizes; that the operators are on a list; that no tensor lies in another file; that there is no
//! subgraph, function or sparse tensor; that every value is produced once, before it is read (so there is no loop); that
//! inputs are named f32 tensors, and outputs too, or integers; every attribute of [our own operators](crate::operators).
//! Not checked: what the attributes of tract's operators ask for. An `Expand` to a huge constant shape, for one, is
//! still folded when the model is planned.
//!
//! Integers leave a model as f32, which is exact up to 2²⁴: class labels above that are refused. Labels that are text
//! leave it as their position in the classifier's list, from 0, and only where nothing in the model reads them.

use crate::operators::{self, OperatorError};
use std::collections::HashSet;
use tract_onnx::pb;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::type_proto;

/// Most nodes of a graph. A large transformer export has some 5,000.
pub const MAX_NODES: usize = 10_000;
/// Most values in all weights together: 128 MiB of f32, what the cap on the file lets through.
pub const MAX_WEIGHTS: u64 = 32 * 1024 * 1024;
/// Most inputs, and most outputs, of a model. A plugin hands them over one by one.
pub const MAX_TENSORS: usize = 32;
/// Most dimensions of an input or output. Video, the largest in use, has five.
pub const MAX_RANK: usize = 8;

/// tract's operators that are let through, sorted. Left out on purpose: the quantised ones (static int8 was seen to give
/// wrong answers silently), those that draw random numbers, those with subgraphs, those whose output's size depends on
/// values.
const OPERATORS: &[&str] = &[
    "Abs",
    "Acos",
    "Acosh",
    "Add",
    "And",
    "ArgMax",
    "ArgMin",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "CastLike",
    "Ceil",
    "Celu",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "ConvTranspose",
    "Cos",
    "Cosh",
    "CumSum",
    "DepthToSpace",
    "Div",
    "Dropout",
    "Einsum",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Floor",
    "GRU",
    "Gather",
    "GatherElements",
    "GatherND",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalLpPool",
    "GlobalMaxPool",
    "Greater",
    "GreaterOrEqual",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Hardmax",
    "Identity",
    "InstanceNormalization",
    "IsInf",
    "IsNaN",
    "LRN",
    "LSTM",
    "LayerNormalization",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "LogSoftmax",
    "LpNormalization",
    "MatMul",
    "Max",
    "MaxPool",
    "Mean",
    "MeanVarianceNormalization",
    "Min",
    "Mish",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "OneHot",
    "Or",
    "PRelu",
    "Pad",
    "Pow",
    "RNN",
    "Range",
    "Reciprocal",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
    "Relu",
    "Reshape",
    "Resize",
    "Round",
    "ScatterElements",
    "ScatterND",
    "Selu",
    "Shape",
    "Shrink",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Size",
    "Slice",
    "Softmax",
    "Softplus",
    "Softsign",
    "SpaceToDepth",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Sum",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
    "Tile",
    "TopK",
    "Transpose",
    "Trilu",
    "Unsqueeze",
    "Where",
    "Xor",
];

/// The size of one dimension.
#[derive(Clone, Debug, PartialEq)]
pub enum Size {
    /// Always this.
    Fixed(u32),
    /// Any, but the same wherever the name stands.
    Named(String),
    /// Any.
    Free,
}

impl Size {
    /// The size as a plugin sees it.
    pub(crate) fn fixed(&self) -> Option<u32> {
        match self {
            Size::Fixed(size) => Some(*size),
            Size::Named(_) | Size::Free => None,
        }
    }
}

/// A shape for people: `[batch, 32]`, `?` for a size without a name.
pub(crate) fn written(sizes: &[Size]) -> String {
    let sizes: Vec<String> = sizes
        .iter()
        .map(|size| match size {
            Size::Fixed(size) => size.to_string(),
            Size::Named(name) => name.clone(),
            Size::Free => "?".to_owned(),
        })
        .collect();
    format!("[{}]", sizes.join(", "))
}

/// An input or output as the file declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// Its dimensions; `None` where the file doesn't say (outputs only).
    pub sizes: Option<Vec<Size>>,
    /// Whether it is computed in integers and handed over as f32 (outputs only).
    pub integers: bool,
}

/// What goes in and comes out, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// Inputs that are given at each call.
    pub inputs: Vec<Declared>,
    /// Outputs.
    pub outputs: Vec<Declared>,
}

/// Why a file is not let through.
#[derive(Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum InspectError {
    #[error("it holds no graph")]
    NoGraph,
    #[error("{count} {what}; at most {limit} are let through")]
    TooMany { what: &'static str, count: u64, limit: u64 },
    #[error("it defines functions of its own, or training steps; export it for inference, with functions inlined")]
    Functions,
    #[error("node `{node}` holds a subgraph; models with control flow are refused")]
    Subgraph { node: String },
    #[error("tensor `{tensor}` lies in another file; save the model with its weights inside")]
    ExternalData { tensor: String },
    #[error("tensor `{tensor}` is sparse")]
    Sparse { tensor: String },
    #[error("tensor `{tensor}` has the dimensions {dims:?}")]
    Dimensions { tensor: String, dims: Vec<i64> },
    #[error(
        "node `{node}` is a `{operator}` of the domain `{domain}`; only those of ONNX itself and of `ai.onnx.ml` are let \
         through: export the model without it"
    )]
    Domain { node: String, operator: String, domain: String },
    #[error(
        "node `{node}` is a `{operator}`, which is not let through: export the model without it, and leave what it does \
         to the plugin"
    )]
    Operator { node: String, operator: String },
    #[error("node `{node}` is a `{operator}`, which is not let through; of `ai.onnx.ml` there are {known}")]
    Learning { node: String, operator: String, known: String },
    #[error("node `{node}`, a `{operator}`: {source}")]
    Attributes { node: String, operator: String, source: Box<OperatorError> },
    #[error(
        "node `{node}` reads `{value}`, class labels that are text; train the model on labels that are numbers, or leave \
         what is done with them to the plugin"
    )]
    TextLabels { node: String, value: String },
    #[error("node `{node}` reads `{value}`, which nothing before it produces")]
    Undefined { node: String, value: String },
    #[error("`{value}` is produced twice")]
    ProducedTwice { value: String },
    #[error("output `{output}` is never produced")]
    NeverProduced { output: String },
    #[error("it has no {what}")]
    NoTensors { what: &'static str },
    #[error("{what} `{tensor}` is {given}; tensors of f32 cross between plugin and model, and integers as outputs")]
    ElementType { what: &'static str, tensor: String, given: &'static str },
    #[error("input `{tensor}` declares no shape")]
    NoShape { tensor: String },
    #[error("{what} `{tensor}` declares the size {size} in dimension {dimension}")]
    SizeOutOfRange { what: &'static str, tensor: String, dimension: usize, size: i64 },
}

/// Checks a decoded file and says what goes in and comes out.
pub fn inspect(proto: &pb::ModelProto) -> Result<Signature, InspectError> {
    let graph = proto.graph.as_ref().ok_or(InspectError::NoGraph)?;
    if !proto.functions.is_empty() || !proto.training_info.is_empty() {
        return Err(InspectError::Functions);
    }
    at_most("nodes", graph.node.len() as u64, MAX_NODES as u64)?;
    check_weights(graph)?;
    graph.node.iter().try_for_each(check_node)?;
    check_order(graph)?;
    let text_labels = text_labels(graph)?;
    let weights: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let given = graph.input.iter().filter(|input| !weights.contains(input.name.as_str()));
    let inputs = declared("input", given, |info| declare("input", info, false))?;
    if let Some(input) = inputs.iter().find(|input| input.sizes.is_none()) {
        return Err(InspectError::NoShape { tensor: input.name.clone() });
    }
    let outputs = declared("output", graph.output.iter(), |info| {
        let zip_map = graph.node.iter().find(|node| node.op_type == "ZipMap" && node.output.contains(&info.name));
        match zip_map {
            Some(node) => zipped(node),
            None => declare("output", info, text_labels.contains(info.name.as_str())),
        }
    })?;
    Ok(Signature { inputs, outputs })
}

fn at_most(what: &'static str, count: u64, limit: u64) -> Result<(), InspectError> {
    if count > limit { Err(InspectError::TooMany { what, count, limit }) } else { Ok(()) }
}

fn check_weights(graph: &pb::GraphProto) -> Result<(), InspectError> {
    if let Some(sparse) = graph.sparse_initializer.first() {
        let tensor = sparse.values.as_ref().map_or_else(String::new, |values| values.name.clone());
        return Err(InspectError::Sparse { tensor });
    }
    let attributes = graph.node.iter().flat_map(|node| &node.attribute);
    let constants = attributes.flat_map(|attribute| attribute.t.iter().chain(&attribute.tensors));
    let mut total = 0_u64;
    for tensor in graph.initializer.iter().chain(constants) {
        if tensor.data_location == Some(DataLocation::External as i32) || !tensor.external_data.is_empty() {
            return Err(InspectError::ExternalData { tensor: tensor.name.clone() });
        }
        let count = tensor.dims.iter().try_fold(1_u64, |count, size| {
            let size = u64::try_from(*size).ok()?;
            count.checked_mul(size)
        });
        let Some(count) = count else {
            return Err(InspectError::Dimensions { tensor: tensor.name.clone(), dims: tensor.dims.clone() });
        };
        total = total.saturating_add(count);
    }
    at_most("values in its weights", total, MAX_WEIGHTS)
}

fn check_node(node: &pb::NodeProto) -> Result<(), InspectError> {
    let (name, operator) = (label(node), node.op_type.clone());
    if !["", "ai.onnx", operators::DOMAIN].contains(&node.domain.as_str()) {
        return Err(InspectError::Domain { node: name, operator, domain: node.domain.clone() });
    }
    if node.attribute.iter().any(|attribute| attribute.g.is_some() || !attribute.graphs.is_empty()) {
        return Err(InspectError::Subgraph { node: name });
    }
    if node.attribute.iter().any(|attribute| attribute.sparse_tensor.is_some() || !attribute.sparse_tensors.is_empty())
    {
        return Err(InspectError::Sparse { tensor: name });
    }
    if node.domain == operators::DOMAIN {
        return match operators::check(node) {
            Some(Ok(())) => Ok(()),
            Some(Err(source)) => Err(InspectError::Attributes { node: name, operator, source: source.into() }),
            None => Err(InspectError::Learning { node: name, operator, known: operators::names() }),
        };
    }
    if OPERATORS.binary_search(&operator.as_str()).is_err() {
        return Err(InspectError::Operator { node: name, operator });
    }
    Ok(())
}

/// A node's name; where it has none, that of its first output.
fn label(node: &pb::NodeProto) -> String {
    if node.name.is_empty() { node.output.first().cloned().unwrap_or_default() } else { node.name.clone() }
}

/// Every value is produced once and before it is read, as the ONNX specification asks ("topologically sorted").
fn check_order(graph: &pb::GraphProto) -> Result<(), InspectError> {
    let mut known: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    // Old exporters list the weights among the inputs too, so these may be known already.
    known.extend(graph.input.iter().map(|input| input.name.as_str()));
    for node in &graph.node {
        if let Some(value) = node.input.iter().find(|value| !value.is_empty() && !known.contains(value.as_str())) {
            return Err(InspectError::Undefined { node: label(node), value: value.clone() });
        }
        for value in node.output.iter().filter(|value| !value.is_empty()) {
            if !known.insert(value) {
                return Err(InspectError::ProducedTwice { value: value.clone() });
            }
        }
    }
    match graph.output.iter().find(|output| !known.contains(output.name.as_str())) {
        Some(output) => Err(InspectError::NeverProduced { output: output.name.clone() }),
        None => Ok(()),
    }
}

/// The outputs of classifiers that are labels of text, which no node may read but those that hand them on: they are
/// numbers when the model runs.
fn text_labels(graph: &pb::GraphProto) -> Result<HashSet<&str>, InspectError> {
    let is_text = |node: &&pb::NodeProto| {
        let texts =
            |attribute: &pb::AttributeProto| attribute.name == "classlabels_strings" && !attribute.strings.is_empty();
        node.domain == operators::DOMAIN && node.output.len() == 2 && node.attribute.iter().any(texts)
    };
    let mut labels: HashSet<&str> =
        graph.node.iter().filter(is_text).filter_map(|node| node.output.first()).map(String::as_str).collect();
    for node in &graph.node {
        let Some(value) = node.input.iter().find(|value| labels.contains(value.as_str())) else { continue };
        if node.op_type != "Identity" {
            return Err(InspectError::TextLabels { node: label(node), value: value.clone() });
        }
        labels.extend(node.output.iter().map(String::as_str));
    }
    Ok(labels)
}

/// What a `ZipMap` gives out, whose declared type, a sequence of maps, is no tensor: the row of scores that it is given.
fn zipped(node: &pb::NodeProto) -> Result<Declared, InspectError> {
    let attributes = |source: OperatorError| InspectError::Attributes {
        node: label(node),
        operator: node.op_type.clone(),
        source: source.into(),
    };
    let columns = u32::try_from(operators::zipped(node).map_err(attributes)?).unwrap_or_default();
    let sizes = (columns > 0).then(|| vec![Size::Free, Size::Fixed(columns)]);
    Ok(Declared { name: node.output.first().cloned().unwrap_or_default(), sizes, integers: false })
}

fn declared<'a>(
    what: &'static str,
    infos: impl Iterator<Item = &'a pb::ValueInfoProto>,
    declare: impl Fn(&pb::ValueInfoProto) -> Result<Declared, InspectError>,
) -> Result<Vec<Declared>, InspectError> {
    let tensors = infos.map(declare).collect::<Result<Vec<_>, _>>()?;
    if tensors.is_empty() {
        return Err(InspectError::NoTensors { what });
    }
    at_most(what, tensors.len() as u64, MAX_TENSORS as u64)?;
    let mut names = HashSet::new();
    match tensors.iter().find(|tensor| !names.insert(tensor.name.as_str())) {
        Some(tensor) => Err(InspectError::ProducedTwice { value: tensor.name.clone() }),
        None => Ok(tensors),
    }
}

fn declare(what: &'static str, info: &pb::ValueInfoProto, text_labels: bool) -> Result<Declared, InspectError> {
    let element = |given| InspectError::ElementType { what, tensor: info.name.clone(), given };
    let tensor = match info.r#type.as_ref().and_then(|kind| kind.value.as_ref()) {
        Some(type_proto::Value::TensorType(tensor)) => tensor,
        None => return Err(element("not a tensor")),
    };
    let integers = match DataType::try_from(tensor.elem_type) {
        Ok(DataType::Float) => false,
        Ok(DataType::Int64 | DataType::Int32) if what == "output" => true,
        Ok(DataType::String) if text_labels => true,
        Ok(other) => return Err(element(other.as_str_name())),
        Err(_) => return Err(element("of an unknown type")),
    };
    let Some(shape) = &tensor.shape else { return Ok(Declared { name: info.name.clone(), sizes: None, integers }) };
    at_most("dimensions of one tensor", shape.dim.len() as u64, MAX_RANK as u64)?;
    let sizes = shape.dim.iter().enumerate().map(|(dimension, dim)| match &dim.value {
        // What old exporters write of a size that may vary.
        Some(dimension::Value::DimValue(-1)) => Ok(Size::Free),
        Some(dimension::Value::DimValue(size)) => match u32::try_from(*size) {
            Ok(fixed) if fixed > 0 => Ok(Size::Fixed(fixed)),
            _ => Err(InspectError::SizeOutOfRange { what, tensor: info.name.clone(), dimension, size: *size }),
        },
        Some(dimension::Value::DimParam(name)) if !name.is_empty() && name != "?" => Ok(Size::Named(name.clone())),
        Some(dimension::Value::DimParam(_)) | None => Ok(Size::Free),
    });
    Ok(Declared { name: info.name.clone(), sizes: Some(sizes.collect::<Result<_, _>>()?), integers })
}

#[cfg(test)]
mod tests;
