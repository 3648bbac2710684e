//! Models that mean harm: mutants of sound ones, known crashers, data in other files, slow ones, ones that give no
//! number.

use anyhow::{Context, Result};
use dinrail_core::inference::{InferenceError, Model, Tensor};
use dinrail_inference::planner::PlannerError;
use dinrail_inference::{Catalog, LoadError, Planner};
use prost::Message;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{self, AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};

/// What came of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// It loaded, and ran or said why not.
    Works,
    /// It was refused before or while it was planned, by a typed error.
    Refused,
    /// The child that planned it crashed.
    Crashed,
    /// The child that planned it took too long.
    TimedOut,
}

/// A catalog that plans in children of the built `dinrail`.
#[must_use]
pub fn catalog() -> Catalog {
    Catalog::with_planner(Planner::new(crate::environment::dinrail(), vec!["__plan-model".into()]))
}

/// Loads a model and, where that is let through, runs it on ones.
pub fn fate(catalog: &Catalog, path: &Path) -> Result<Fate> {
    let model = match catalog.load(path) {
        Ok(model) => model,
        Err(LoadError::Planning { source, .. }) => {
            return match source {
                PlannerError::Refused { .. } => Ok(Fate::Refused),
                PlannerError::Crashed { .. } => Ok(Fate::Crashed),
                PlannerError::TimedOut { .. } => Ok(Fate::TimedOut),
                PlannerError::Start { .. } | PlannerError::Garbled { .. } => Err(source.into()),
            };
        }
        Err(_) => return Ok(Fate::Refused),
    };
    let inputs = model.inputs().iter().map(|input| {
        let shape: Vec<u32> = input.shape.iter().map(|size| size.unwrap_or(1)).collect();
        let count = shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size as usize));
        let count = count.filter(|count| *count <= dinrail_core::inference::MAX_TENSOR_VALUES);
        let count = count.ok_or_else(|| InferenceError::Shape(format!("{shape:?}")))?;
        Tensor::new(shape, vec![1.0; count].into())
    });
    // An input that is too large to be made is the caller's mistake, and no harm.
    if let Ok(inputs) = inputs.collect::<Result<Vec<_>, _>>() {
        // An answer or a typed error: both are what is asked for.
        let _ = model.session().run(&inputs, Some(Instant::now() + Duration::from_secs(5)));
    }
    Ok(Fate::Works)
}

/// A deterministic sequence.
pub struct Chance(u64);

impl Chance {
    /// Starts at a seed.
    #[must_use]
    pub fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(2).wrapping_add(1))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit.max(1)
    }

    fn of<'a, T>(&mut self, values: &'a mut [T]) -> Option<&'a mut T> {
        let index = self.below(values.len());
        values.get_mut(index)
    }

    fn integer(&mut self) -> i64 {
        const WILD: [i64; 12] = [0, 1, -1, 2, 3, 7, 255, 65_536, 1 << 31, u32::MAX as i64, i64::MAX, i64::MIN];
        WILD[self.below(WILD.len())]
    }

    fn number(&mut self) -> f32 {
        const WILD: [f32; 8] = [0.0, -1.0, 1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-40];
        WILD[self.below(WILD.len())]
    }
}

/// The seeds of mutants: small models of many kinds.
pub fn seeds() -> Result<Vec<Vec<u8>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let names = [
        "host/inference/tests/operators/models/sk_forest_two.onnx",
        "host/inference/tests/operators/models/sk_boosted_number.onnx",
        "host/inference/tests/operators/models/sk_svc_three.onnx",
        "host/inference/tests/operators/models/sk_mlp_three.onnx",
        "host/inference/tests/operators/models/sk_logistic_two.onnx",
        "host/inference/tests/operators/models/elementwise.onnx",
        "models/channel-autoencoder/model.onnx",
    ];
    names.iter().map(|name| std::fs::read(root.join(name)).with_context(|| (*name).to_owned())).collect()
}

/// A mutant: bytes flipped, cut off, or a field of the decoded model changed.
#[must_use]
pub fn mutant(seed: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    match chance.below(10) {
        0..=2 => {
            for _ in 0..=chance.below(8) {
                let bit = 1 << chance.below(8);
                if let Some(byte) = chance.of(&mut bytes) {
                    *byte ^= bit;
                }
            }
        }
        3 => bytes.truncate(chance.below(seed.len())),
        _ => {
            if let Ok(mut proto) = ModelProto::decode(seed) {
                for _ in 0..=chance.below(3) {
                    proto.graph.iter_mut().for_each(|graph| change(graph, chance));
                }
                bytes = proto.encode_to_vec();
            }
        }
    }
    bytes
}

/// Changes one field.
fn change(graph: &mut GraphProto, chance: &mut Chance) {
    let names: Vec<String> = graph.node.iter().flat_map(|node| node.output.clone()).collect();
    let name = names.get(chance.below(names.len())).cloned().unwrap_or_default();
    match chance.below(12) {
        0..=5 => {
            let Some(node) = chance.of(&mut graph.node) else { return };
            change_attribute(node, chance);
        }
        6 => {
            let Some(node) = chance.of(&mut graph.node) else { return };
            if let Some(input) = chance.of(&mut node.input) {
                *input = name;
            }
        }
        7 => {
            let operators = ["Expand", "Tile", "Gather", "Reshape", "Conv", "MatMul", "Pad", "Slice", "TopK", "Resize"];
            let operator = operators[chance.below(operators.len())];
            if let Some(node) = chance.of(&mut graph.node) {
                operator.clone_into(&mut node.op_type);
                if chance.below(2) == 0 {
                    node.domain.clear();
                }
            }
        }
        8 => {
            let at = chance.below(graph.node.len());
            if at < graph.node.len() {
                graph.node.remove(at);
            }
        }
        9..=10 => {
            if let Some(tensor) = chance.of(&mut graph.initializer) {
                change_tensor(tensor, chance);
            }
        }
        _ => {
            let infos = if chance.below(2) == 0 { &mut graph.input } else { &mut graph.output };
            let Some(pb::type_proto::Value::TensorType(tensor)) =
                chance.of(infos).and_then(|info| info.r#type.as_mut()).and_then(|kind| kind.value.as_mut())
            else {
                return;
            };
            if let Some(dim) = tensor.shape.as_mut().and_then(|shape| chance.of(&mut shape.dim)) {
                dim.value = Some(dimension::Value::DimValue(chance.integer()));
            }
        }
    }
}

fn change_attribute(node: &mut NodeProto, chance: &mut Chance) {
    if chance.below(12) == 0 {
        node.attribute.truncate(chance.below(node.attribute.len()));
    }
    let Some(attribute) = chance.of(&mut node.attribute) else { return };
    match chance.below(10) {
        0 => attribute.r#type = chance.below(12) as i32,
        1 => attribute.s = b"BRANCH_EQ".to_vec(),
        2 => attribute.ints.truncate(chance.below(attribute.ints.len())),
        3 => attribute.floats.truncate(chance.below(attribute.floats.len())),
        _ => {
            attribute.i = chance.integer();
            attribute.f = chance.number();
            let (integer, number, near) = (chance.integer(), chance.number(), chance.below(16) as i64);
            if let Some(value) = chance.of(&mut attribute.ints) {
                *value = if chance.below(2) == 0 { integer } else { near };
            }
            if let Some(value) = chance.of(&mut attribute.floats) {
                *value = number;
            }
            if let Some(tensor) = &mut attribute.t {
                change_tensor(tensor, chance);
            }
        }
    }
}

fn change_tensor(tensor: &mut TensorProto, chance: &mut Chance) {
    match chance.below(5) {
        0 => tensor.data_type = chance.below(24) as i32,
        1 => tensor.raw_data.truncate(chance.below(tensor.raw_data.len())),
        2 => tensor.dims.push(chance.integer()),
        3 => tensor.dims.truncate(chance.below(tensor.dims.len() + 1)),
        _ => {
            let integer = chance.integer();
            if let Some(size) = chance.of(&mut tensor.dims) {
                *size = integer;
            }
        }
    }
}

/// The models that are known to bring other runtimes down, by name.
#[must_use]
pub fn crashers() -> Vec<(&'static str, Vec<u8>)> {
    let wide = ints_tensor("shape", &[1, 512 * 1024 * 1024]);
    let zero = floats_tensor("zero", &[1, 1], &[0.0]);
    let expand = vec![node("Expand", "", &["zero", "shape"], &["big"]), node("ReduceMax", "", &["big"], &["top"])];
    let tile = vec![node("Tile", "", &["zero", "shape"], &["big"]), node("ReduceMax", "", &["big"], &["top"])];
    let fill = vec![node("ConstantOfShape", "", &["shape"], &["big"]), node("ReduceMax", "", &["big"], &["top"])];
    let folded = |mut nodes: Vec<NodeProto>| {
        nodes.push(node("Add", "", &["x", "top"], &["y"]));
        model(nodes, vec![wide.clone(), zero.clone()], 4)
    };
    vec![
        ("a class id out of range", tree(&[0, 1_000_000_000], [1, 2])),
        ("a class id below zero", tree(&[0, -1], [1, 2])),
        ("a tree node that is its own child", tree(&[0, 1], [0, 2])),
        ("a tree node that is nobody's child and everybody's parent", tree(&[0, 1], [2, 2])),
        ("a tree node whose child is not there", tree(&[0, 1], [1, 77])),
        ("2 GiB folded by Expand", folded(expand)),
        ("2 GiB folded by Tile", folded(tile)),
        ("2 GiB folded by ConstantOfShape", folded(fill)),
    ]
}

/// A tree of one decision, with these class ids in its leaves and these children of its root.
fn tree(classes: &[i64], children: [i64; 2]) -> Vec<u8> {
    let mut ensemble = node("TreeEnsembleClassifier", "ai.onnx.ml", &["x"], &["label", "y"]);
    let modes = ["BRANCH_LEQ", "LEAF", "LEAF"].map(|mode| mode.as_bytes().to_vec()).to_vec();
    ensemble.attribute = vec![
        ints("nodes_treeids", &[0, 0, 0]),
        ints("nodes_nodeids", &[0, 1, 2]),
        ints("nodes_featureids", &[0, 0, 0]),
        ints("nodes_truenodeids", &[children[0], 0, 0]),
        ints("nodes_falsenodeids", &[children[1], 0, 0]),
        floats("nodes_values", &[0.5, 0.0, 0.0]),
        AttributeProto {
            name: "nodes_modes".into(),
            r#type: AttributeType::Strings as i32,
            strings: modes,
            ..Default::default()
        },
        ints("class_treeids", &[0, 0]),
        ints("class_nodeids", &[1, 2]),
        ints("class_ids", classes),
        floats("class_weights", &[0.25, 0.75]),
        ints("classlabels_int64s", &[0, 1]),
    ];
    model(vec![ensemble], vec![], 2)
}

/// Whether a tree like those of [`crashers`] loads when there is nothing wrong with it.
#[must_use]
pub fn sound_tree() -> Vec<u8> {
    tree(&[0, 1], [1, 2])
}

/// A model whose one weight lies at `location`.
#[must_use]
pub fn external(location: &str) -> Vec<u8> {
    let mut tensor = floats_tensor("w", &[1], &[]);
    tensor.data_location = Some(DataLocation::External as i32);
    let entry = |key: &str, value: &str| pb::StringStringEntryProto { key: key.into(), value: value.into() };
    tensor.external_data = vec![entry("location", location), entry("length", "4")];
    model(vec![node("Mul", "", &["x", "w"], &["y"])], vec![tensor], 4)
}

/// A model of `steps` nodes over `width` values, none of which can be fused with the next.
#[must_use]
pub fn slow(steps: usize, width: i64) -> Vec<u8> {
    let name = |step: usize| if step == steps { "y".to_owned() } else { format!("h{step}") };
    let nodes = (0..steps).map(|step| {
        let input = if step == 0 { "x".to_owned() } else { name(step) };
        let operator = if step % 2 == 0 { "Softmax" } else { "Sin" };
        node(operator, "", &[&input], &[&name(step + 1)])
    });
    model(nodes.collect(), vec![], width)
}

/// A model that gives the logarithm of its input less a million: of what a plant measures, no number.
#[must_use]
pub fn not_a_number() -> Vec<u8> {
    let nodes = vec![node("Sub", "", &["x", "million"], &["h"]), node("Log", "", &["h"], &["y"])];
    model(nodes, vec![floats_tensor("million", &[1], &[1e6])], 4)
}

/// A model that gives `value`, whatever it is given: what the others are compared with.
#[must_use]
pub fn constant(value: f32) -> Vec<u8> {
    let nodes = vec![node("Mul", "", &["x", "zero"], &["h"]), node("Add", "", &["h", "value"], &["y"])];
    model(nodes, vec![floats_tensor("zero", &[1], &[0.0]), floats_tensor("value", &[1], &[value])], 4)
}

/// Writes a model, and gives its path.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let path = folder.join(format!("{name}.onnx"));
    std::fs::write(&path, bytes)?;
    Ok(path)
}

fn node(operator: &str, domain: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    NodeProto {
        op_type: operator.into(),
        domain: domain.into(),
        input: owned(inputs),
        output: owned(outputs),
        ..Default::default()
    }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    let kind = AttributeType::Ints as i32;
    AttributeProto { name: name.into(), r#type: kind, ints: values.to_vec(), ..Default::default() }
}

fn floats(name: &str, values: &[f32]) -> AttributeProto {
    let kind = AttributeType::Floats as i32;
    AttributeProto { name: name.into(), r#type: kind, floats: values.to_vec(), ..Default::default() }
}

fn floats_tensor(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: DataType::Float as i32,
        float_data: values.to_vec(),
        ..Default::default()
    }
}

fn ints_tensor(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![values.len() as i64],
        data_type: DataType::Int64 as i32,
        int64_data: values.to_vec(),
        ..Default::default()
    }
}

/// `x` and `y`, both of [1, width].
fn model(nodes: Vec<NodeProto>, weights: Vec<TensorProto>, width: i64) -> Vec<u8> {
    let info = |name: &str| {
        let dim = |size| Dimension { value: Some(dimension::Value::DimValue(size)), ..Default::default() };
        let tensor = pb::type_proto::Tensor {
            elem_type: DataType::Float as i32,
            shape: Some(pb::TensorShapeProto { dim: vec![dim(1), dim(width)] }),
        };
        let kind = pb::TypeProto { value: Some(pb::type_proto::Value::TensorType(tensor)), ..Default::default() };
        pb::ValueInfoProto { name: name.into(), r#type: Some(kind), ..Default::default() }
    };
    let graph = GraphProto {
        name: "hostile".into(),
        node: nodes,
        initializer: weights,
        input: vec![info("x")],
        output: vec![info("y")],
        ..Default::default()
    };
    let import = |domain: &str, version| pb::OperatorSetIdProto { domain: domain.into(), version };
    let proto = ModelProto {
        ir_version: 8,
        opset_import: vec![import("", 17), import("ai.onnx.ml", 3)],
        graph: Some(graph),
        ..Default::default()
    };
    proto.encode_to_vec()
}
