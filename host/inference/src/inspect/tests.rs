#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]
use super::*;
use crate::fixtures::{Build, node};

#[test]
fn the_list_of_operators_is_sorted() {
    assert!(OPERATORS.is_sorted());
}

#[test]
fn a_plain_model_goes_through() {
    let signature = inspect(&Build::doubler().proto()).unwrap();
    assert_eq!(signature.inputs[0].name, "x");
    assert_eq!(signature.inputs[0].sizes, Some(vec![Size::Named("batch".into()), Size::Fixed(4)]));
    assert_eq!(signature.outputs[0].name, "y");
}

#[test]
fn each_trick_is_refused_by_its_own_error() {
    type Spoil = fn(&mut pb::ModelProto);
    type Expect = fn(&InspectError) -> bool;
    fn graph(proto: &mut pb::ModelProto) -> &mut pb::GraphProto {
        proto.graph.as_mut().unwrap()
    }
    let cases: &[(&str, Spoil, Expect)] = &[
        ("no graph", |proto| proto.graph = None, |error| matches!(error, InspectError::NoGraph)),
        (
            "a function",
            |proto| proto.functions.push(Default::default()),
            |error| matches!(error, InspectError::Functions),
        ),
        (
            "weights in another file",
            |proto| graph(proto).initializer[0].data_location = Some(DataLocation::External as i32),
            |error| matches!(error, InspectError::ExternalData { tensor } if tensor == "two"),
        ),
        (
            "a location without the flag",
            |proto| graph(proto).initializer[0].external_data.push(Default::default()),
            |error| matches!(error, InspectError::ExternalData { .. }),
        ),
        (
            "an attribute's tensor in another file",
            |proto| {
                let tensor = pb::TensorProto { external_data: vec![Default::default()], ..Default::default() };
                let attribute = pb::AttributeProto { t: Some(tensor), ..Default::default() };
                graph(proto).node[0].attribute.push(attribute);
            },
            |error| matches!(error, InspectError::ExternalData { .. }),
        ),
        (
            "a subgraph",
            |proto| {
                let attribute = pb::AttributeProto { g: Some(Default::default()), ..Default::default() };
                graph(proto).node[0].attribute.push(attribute);
            },
            |error| matches!(error, InspectError::Subgraph { .. }),
        ),
        (
            "a foreign domain",
            |proto| graph(proto).node[0].domain = "com.microsoft".into(),
            |error| matches!(error, InspectError::Domain { .. }),
        ),
        (
            "an operator of another domain's name",
            |proto| graph(proto).node[0].domain = "ai.onnx.ml".into(),
            |error| matches!(error, InspectError::Learning { operator, .. } if operator == "Mul"),
        ),
        (
            "a tree under the default domain",
            |proto| graph(proto).node[0].op_type = "TreeEnsembleClassifier".into(),
            |error| matches!(error, InspectError::Operator { .. }),
        ),
        (
            "a loop",
            |proto| graph(proto).node[0].input[0] = "y".into(),
            |error| matches!(error, InspectError::Undefined { value, .. } if value == "y"),
        ),
        (
            "one value twice",
            |proto| graph(proto).node.push(node("Relu", &["x"], &["y"])),
            |error| matches!(error, InspectError::ProducedTwice { .. }),
        ),
        (
            "an output of nothing",
            |proto| graph(proto).output[0].name = "z".into(),
            |error| matches!(error, InspectError::NeverProduced { output } if output == "z"),
        ),
        (
            "huge dimensions",
            |proto| graph(proto).initializer[0].dims = vec![1 << 40, 1 << 40],
            |error| matches!(error, InspectError::Dimensions { .. }),
        ),
        (
            "many weights",
            |proto| graph(proto).initializer[0].dims = vec![MAX_WEIGHTS as i64 + 1],
            |error| matches!(error, InspectError::TooMany { .. }),
        ),
        (
            "a negative dimension",
            |proto| graph(proto).initializer[0].dims = vec![-1],
            |error| matches!(error, InspectError::Dimensions { .. }),
        ),
        (
            "many nodes",
            |proto| graph(proto).node = vec![Default::default(); MAX_NODES + 1],
            |error| matches!(error, InspectError::TooMany { count: 10_001, .. }),
        ),
        (
            "no outputs",
            |proto| graph(proto).output.clear(),
            |error| matches!(error, InspectError::NoTensors { what: "output" }),
        ),
    ];
    for (name, spoil, expected) in cases {
        let mut proto = Build::doubler().proto();
        spoil(&mut proto);
        let error = inspect(&proto).expect_err(name);
        assert!(expected(&error), "{name}: {error}");
    }
}

#[test]
fn inputs_of_another_type_are_refused_by_name() {
    let mut build = Build::doubler();
    build.element_type = DataType::Int64;
    let error = inspect(&build.proto()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "input `x` is INT64; tensors of f32 cross between plugin and model, and integers as outputs"
    );
}
