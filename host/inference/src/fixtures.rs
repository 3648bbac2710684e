//! Small ONNX models for the tests, written from scratch.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use crate::inspect::inspect;
use crate::model::OnnxModel;
use prost::Message;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tract_onnx::pb;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension::Value};

/// What the doubler must give.
pub(crate) const DOUBLER_REFERENCE: &str = r#"{"tolerance": 0.001, "cases": [{
    "inputs": {"x": {"shape": [1, 4], "values": [1.0, 0.0, -1.5, 8.0]}},
    "outputs": {"y": {"shape": [1, 4], "values": [2.0, 0.0, -3.0, 16.0]}}
}]}"#;

/// The doubler's description.
pub(crate) fn manifest_of(onnx: &[u8]) -> String {
    let sha256: String = Sha256::digest(onnx).iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        r#"name = "doubler"
summary = "Twice its input"
file = "model.onnx"
sha256 = "{sha256}"
licence = "MIT"
reference = "reference.json"
[[inputs]]
name = "x"
shape = ["batch", 4]
unit = "1"
[[outputs]]
name = "y"
shape = ["batch", 4]
unit = "1"
"#
    )
}

/// A model in the making. Sizes that are numbers are fixed, others are names.
pub(crate) struct Build {
    pub(crate) name: &'static str,
    pub(crate) inputs: Vec<&'static str>,
    pub(crate) output: &'static str,
    pub(crate) sizes: Vec<String>,
    pub(crate) output_sizes: Option<Vec<String>>,
    pub(crate) element_type: DataType,
    pub(crate) nodes: Vec<pb::NodeProto>,
    pub(crate) weights: Vec<pb::TensorProto>,
    /// Says that the first weight lies there.
    pub(crate) external: Option<&'static str>,
}

pub(crate) fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> pb::NodeProto {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    pb::NodeProto { op_type: operator.into(), input: owned(inputs), output: owned(outputs), ..Default::default() }
}

fn weight(name: &str, dims: &[i64], values: Vec<f32>) -> pb::TensorProto {
    pb::TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: DataType::Float as i32,
        float_data: values,
        ..Default::default()
    }
}

impl Build {
    fn new(name: &'static str, nodes: Vec<pb::NodeProto>, weights: Vec<pb::TensorProto>) -> Build {
        let sizes = vec!["batch".into(), "4".into()];
        Build {
            name,
            inputs: vec!["x"],
            output: "y",
            sizes,
            output_sizes: None,
            element_type: DataType::Float,
            nodes,
            weights,
            external: None,
        }
    }

    /// y = 2 x
    pub(crate) fn doubler() -> Build {
        Build::new("doubler", vec![node("Mul", &["x", "two"], &["y"])], vec![weight("two", &[1], vec![2.0])])
    }

    /// y = a + b
    pub(crate) fn adder() -> Build {
        Build { inputs: vec!["a", "b"], ..Build::new("adder", vec![node("Add", &["a", "b"], &["y"])], vec![]) }
    }

    /// y = ln x
    pub(crate) fn logarithm() -> Build {
        Build::new("logarithm", vec![node("Log", &["x"], &["y"])], vec![])
    }

    /// Repeated sums and softmaxes, which can't be fused into fewer nodes.
    pub(crate) fn cumulative(steps: usize) -> Build {
        let mut nodes = Vec::new();
        let mut from = "x".to_owned();
        for step in 0..steps {
            let to = if step + 1 == steps { "y".to_owned() } else { format!("h{step}") };
            let operator = if step % 2 == 0 { "Softmax" } else { "Tanh" };
            nodes.push(node(operator, &[from.as_str()], &[to.as_str()]));
            from = to;
        }
        Build::new("cumulative", nodes, vec![])
    }

    /// Dense layers with tanh between them, back to the input's size.
    pub(crate) fn autoencoder(width: usize, hidden: &[usize]) -> Build {
        let sizes: Vec<usize> = [&[width], hidden, &[width]].concat();
        let (mut nodes, mut weights) = (Vec::new(), Vec::new());
        let mut from = "x".to_owned();
        for (layer, pair) in sizes.windows(2).enumerate() {
            let last = layer + 2 == sizes.len();
            let value = |index: usize| ((index * 29 + layer * 7) % 23) as f32 / 46.0 - 0.25;
            weights.push(weight(
                &format!("w{layer}"),
                &[pair[0] as i64, pair[1] as i64],
                (0..pair[0] * pair[1]).map(value).collect(),
            ));
            weights.push(weight(&format!("b{layer}"), &[pair[1] as i64], (0..pair[1]).map(value).collect()));
            let sum = if last { "y".to_owned() } else { format!("s{layer}") };
            nodes.push(node("Gemm", &[&from, &format!("w{layer}"), &format!("b{layer}")], &[&sum]));
            if !last {
                from = format!("t{layer}");
                nodes.push(node("Tanh", &[&sum], &[&from]));
            }
        }
        let sizes = vec!["batch".into(), width.to_string()];
        Build { sizes, ..Build::new("autoencoder", nodes, weights) }
    }

    /// The autoencoder's answer to one row, by plain loops.
    pub(crate) fn dense(&self, row: &[f32]) -> Vec<f32> {
        let layers = self.weights.len() / 2;
        let mut values = row.to_vec();
        for (layer, pair) in self.weights.chunks(2).enumerate() {
            let (matrix, bias) = (&pair[0].float_data, &pair[1].float_data);
            values = (0..bias.len())
                .map(|column| {
                    let products = values.iter().enumerate().map(|(at, x)| x * matrix[at * bias.len() + column]);
                    let sum = bias[column] + products.sum::<f32>();
                    if layer + 1 == layers { sum } else { sum.tanh() }
                })
                .collect();
        }
        values
    }

    /// A GRU of two inputs and three units over a sequence of three.
    pub(crate) fn recurrent() -> Build {
        let value = |index: usize| (index % 7) as f32 / 7.0 - 0.4;
        let mut gru = node("GRU", &["x", "w", "r"], &["y"]);
        gru.attribute.push(pb::AttributeProto {
            name: "hidden_size".into(),
            i: 3,
            r#type: pb::attribute_proto::AttributeType::Int as i32,
            ..Default::default()
        });
        let weights = vec![
            weight("w", &[1, 9, 2], (0..18).map(value).collect()),
            weight("r", &[1, 9, 3], (0..27).map(value).collect()),
        ];
        let text = |sizes: &[&str]| sizes.iter().map(|size| (*size).to_owned()).collect::<Vec<_>>();
        Build {
            sizes: text(&["3", "batch", "2"]),
            output_sizes: Some(text(&["3", "1", "batch", "3"])),
            ..Build::new("recurrent", vec![gru], weights)
        }
    }

    fn info(&self, name: &str, sizes: &[String]) -> pb::ValueInfoProto {
        let dim = |size: &String| {
            let value = size.parse().map_or_else(|_| Value::DimParam(size.clone()), Value::DimValue);
            Dimension { value: Some(value), ..Default::default() }
        };
        let tensor = pb::type_proto::Tensor {
            elem_type: self.element_type as i32,
            shape: Some(pb::TensorShapeProto { dim: sizes.iter().map(dim).collect() }),
        };
        let value = Some(pb::type_proto::Value::TensorType(tensor));
        let kind = pb::TypeProto { value, ..Default::default() };
        pb::ValueInfoProto { name: name.into(), r#type: Some(kind), ..Default::default() }
    }

    pub(crate) fn proto(&self) -> pb::ModelProto {
        let mut initializer = self.weights.clone();
        if let Some(location) = self.external {
            initializer[0].float_data.clear();
            initializer[0].data_location = Some(DataLocation::External as i32);
            let entry = pb::StringStringEntryProto { key: "location".into(), value: location.into() };
            initializer[0].external_data.push(entry);
        }
        let graph = pb::GraphProto {
            name: self.name.into(),
            node: self.nodes.clone(),
            initializer,
            input: self.inputs.iter().map(|name| self.info(name, &self.sizes)).collect(),
            output: vec![self.info(self.output, self.output_sizes.as_ref().unwrap_or(&self.sizes))],
            ..Default::default()
        };
        pb::ModelProto {
            ir_version: 8,
            opset_import: vec![pb::OperatorSetIdProto { domain: String::new(), version: 17 }],
            graph: Some(graph),
            ..Default::default()
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.proto().encode_to_vec()
    }

    pub(crate) fn model(&self) -> Arc<OnnxModel> {
        let proto = self.proto();
        let signature = inspect(&proto).unwrap();
        Arc::new(OnnxModel::new(self.name.into(), String::new(), None, signature, &proto).unwrap())
    }
}
