//! What is refused of our operators, and by which error.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use super::{DOMAIN, MAX_DEPTH, OperatorError, check};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, NodeProto};

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    let kind = AttributeType::Ints as i32;
    AttributeProto { name: name.into(), r#type: kind, ints: values.to_vec(), ..Default::default() }
}

fn floats(name: &str, values: &[f32]) -> AttributeProto {
    let kind = AttributeType::Floats as i32;
    AttributeProto { name: name.into(), r#type: kind, floats: values.to_vec(), ..Default::default() }
}

fn words(name: &str, values: &[&str]) -> AttributeProto {
    let strings = values.iter().map(|value| value.as_bytes().to_vec()).collect();
    AttributeProto { name: name.into(), r#type: AttributeType::Strings as i32, strings, ..Default::default() }
}

fn word(name: &str, value: &str) -> AttributeProto {
    let kind = AttributeType::String as i32;
    AttributeProto { name: name.into(), r#type: kind, s: value.as_bytes().to_vec(), ..Default::default() }
}

fn node(operator: &str, outputs: usize, attribute: Vec<AttributeProto>) -> NodeProto {
    let output = ["y", "z"].iter().take(outputs).map(|name| (*name).to_owned()).collect();
    NodeProto {
        op_type: operator.into(),
        domain: DOMAIN.into(),
        input: vec!["x".into()],
        output,
        attribute,
        ..Default::default()
    }
}

/// Two trees, each a decision with two leaves.
fn forest() -> NodeProto {
    let modes = ["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_GT", "LEAF", "LEAF"];
    let attributes = vec![
        ints("nodes_treeids", &[0, 0, 0, 1, 1, 1]),
        ints("nodes_nodeids", &[0, 1, 2, 0, 1, 2]),
        ints("nodes_featureids", &[0, 0, 0, 3, 0, 0]),
        ints("nodes_truenodeids", &[1, 0, 0, 1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0, 2, 0, 0]),
        floats("nodes_values", &[0.5, 0.0, 0.0, -1.0, 0.0, 0.0]),
        words("nodes_modes", &modes),
        ints("class_treeids", &[0, 0, 1, 1]),
        ints("class_nodeids", &[1, 2, 1, 2]),
        ints("class_ids", &[0, 1, 2, 0]),
        floats("class_weights", &[0.25, 0.75, 0.5, 0.5]),
        ints("classlabels_int64s", &[10, 20, 30]),
    ];
    node("TreeEnsembleClassifier", 2, attributes)
}

/// The forest with an attribute in the place of the one of its name.
fn with(attribute: AttributeProto) -> Result<(), OperatorError> {
    let mut forest = forest();
    forest.attribute.retain(|known| known.name != attribute.name);
    forest.attribute.push(attribute);
    check(&forest).unwrap()
}

#[test]
fn a_sound_forest_goes_through() {
    assert_eq!(check(&forest()).unwrap(), Ok(()));
    assert!(check(&node("Scaler2", 1, vec![])).is_none());
}

#[test]
fn every_index_of_a_forest_is_checked() {
    let cases = [
        (ints("class_ids", &[0, 1, 3, 0]), OperatorError::OutOfRange { name: "class_ids", index: 2, value: 3 }),
        (ints("class_ids", &[0, -1, 2, 0]), OperatorError::OutOfRange { name: "class_ids", index: 1, value: -1 }),
        (ints("class_ids", &[0, 1, 2]), OperatorError::Length { name: "class_ids", given: 3, expected: 4 }),
        (ints("class_nodeids", &[1, 2, 0, 2]), OperatorError::NotALeaf { tree: 1, node: 0 }),
        (ints("class_nodeids", &[1, 2, 9, 2]), OperatorError::NotALeaf { tree: 1, node: 9 }),
        (ints("class_treeids", &[0, 0, 1, 7]), OperatorError::NotALeaf { tree: 7, node: 2 }),
        (ints("nodes_nodeids", &[0, 1, 1, 0, 1, 2]), OperatorError::NodeTwice { tree: 0, node: 1 }),
        (
            ints("nodes_featureids", &[0, 0, 0, -3, 0, 0]),
            OperatorError::OutOfRange { name: "nodes_featureids", index: 3, value: -3 },
        ),
        (ints("nodes_truenodeids", &[77, 0, 0, 1, 0, 0]), OperatorError::NoSuchChild { tree: 0, node: 0, child: 77 }),
        (ints("nodes_truenodeids", &[2, 0, 0, 1, 0, 0]), OperatorError::SharedChild { tree: 0, child: 2 }),
        // Its own child, so that its leaf is the root.
        (ints("nodes_truenodeids", &[0, 0, 0, 1, 0, 0]), OperatorError::Loop { tree: 0, count: 2 }),
        (
            words("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH", "LEAF", "LEAF"]),
            OperatorError::Choice {
                name: "nodes_modes",
                given: "BRANCH".into(),
                known: "LEAF and BRANCH_ with LEQ, LT, GTE, GT, EQ and NEQ",
            },
        ),
        (words("nodes_modes", &["LEAF"]), OperatorError::Length { name: "nodes_modes", given: 1, expected: 6 }),
        (
            floats("class_weights", &[0.0, f32::NAN, 0.0, 0.0]),
            OperatorError::NotFinite { name: "class_weights", index: 1 },
        ),
        (floats("base_values", &[0.0; 2]), OperatorError::Length { name: "base_values", given: 2, expected: 3 }),
        (ints("classlabels_int64s", &[1]), OperatorError::Labels { given: 1 }),
        (ints("classlabels_int64s", &[1, 2, 1 << 40]), OperatorError::LargeLabel(1 << 40)),
        (words("classlabels_strings", &["a", "b"]), OperatorError::Both("classlabels_int64s", "classlabels_strings")),
        (
            floats("nodes_nodeids", &[0.0]),
            OperatorError::Kind { name: "nodes_nodeids", expected: "a list of integers" },
        ),
        (ints("nodes_values_as_tensor", &[0]), OperatorError::Unknown("nodes_values_as_tensor".into())),
    ];
    for (attribute, expected) in cases {
        let what = format!("{}: {:?}", attribute.name, attribute.ints);
        assert_eq!(with(attribute), Err(expected), "{what}");
    }
}

/// A chain of decisions, each node's first child a leaf; the last one's second child is given.
fn chain(length: i64, last: i64) -> Result<(), OperatorError> {
    let nodes = 2 * length + 1;
    let inner = |id: i64| id % 2 == 0 && id < nodes - 1;
    let of = |value: &dyn Fn(i64) -> i64| (0..nodes).map(value).collect::<Vec<i64>>();
    let modes: Vec<&str> = (0..nodes).map(|id| if inner(id) { "BRANCH_LEQ" } else { "LEAF" }).collect();
    let attributes = vec![
        ints("nodes_treeids", &of(&|_| 0)),
        ints("nodes_nodeids", &of(&|id| id)),
        ints("nodes_featureids", &of(&|_| 0)),
        ints("nodes_truenodeids", &of(&|id| if inner(id) { id + 1 } else { 0 })),
        ints(
            "nodes_falsenodeids",
            &of(&|id| {
                if id == nodes - 3 {
                    last
                } else if inner(id) {
                    id + 2
                } else {
                    0
                }
            }),
        ),
        floats("nodes_values", &vec![0.0; nodes as usize]),
        words("nodes_modes", &modes),
        ints("target_treeids", &[0]),
        ints("target_nodeids", &[1]),
        ints("target_ids", &[0]),
        floats("target_weights", &[1.0]),
        AttributeProto { name: "n_targets".into(), r#type: AttributeType::Int as i32, i: 1, ..Default::default() },
    ];
    check(&node("TreeEnsembleRegressor", 1, attributes)).unwrap()
}

#[test]
fn trees_are_trees_of_bounded_depth() {
    let deepest = MAX_DEPTH as i64 - 1;
    assert_eq!(chain(deepest, 2 * deepest), Ok(()));
    assert_eq!(chain(deepest + 1, 2 * deepest + 2), Err(OperatorError::TooDeep { tree: 0, limit: MAX_DEPTH }));
    // Back to the root: it is a child too, and what was the end has no parent.
    assert!(matches!(chain(4, 0), Err(OperatorError::Loop { tree: 0, count: 8 })), "{:?}", chain(4, 0));
    // Back into the middle, which then has two parents.
    assert_eq!(chain(4, 4), Err(OperatorError::SharedChild { tree: 0, child: 4 }));
}

#[test]
fn the_other_operators_check_their_lists() {
    let number = |name: &str, i: i64| AttributeProto {
        name: name.into(),
        r#type: AttributeType::Int as i32,
        i,
        ..Default::default()
    };
    let cases = [
        (node("Scaler", 1, vec![floats("offset", &[1.0, 2.0]), floats("scale", &[1.0])]), "`scale` has 1 values"),
        (node("Scaler", 1, vec![]), "`scale` is missing"),
        (node("Normalizer", 1, vec![word("norm", "L3")]), "`L3`; known are MAX, L1 and L2"),
        (node("LabelEncoder", 1, vec![words("keys_strings", &["a"]), ints("values_int64s", &[1])]), "it maps text"),
        (
            node("LabelEncoder", 1, vec![ints("keys_int64s", &[1, 2]), ints("values_int64s", &[1])]),
            "has 1 values where 2",
        ),
        (
            node("LinearRegressor", 1, vec![floats("coefficients", &[1.0; 5]), number("targets", 2)]),
            "has 5 values where 4",
        ),
        (
            node("LinearRegressor", 1, vec![floats("coefficients", &[1.0]), number("targets", -2)]),
            "is -2, which is out of range",
        ),
        (
            node(
                "SVMRegressor",
                1,
                vec![floats("coefficients", &[1.0; 2]), number("n_supports", 3), floats("rho", &[0.0])],
            ),
            "has 2 values where 3",
        ),
        (
            node(
                "SVMClassifier",
                2,
                vec![
                    ints("classlabels_ints", &[0, 1]),
                    floats("coefficients", &[1.0; 4]),
                    ints("vectors_per_class", &[2, i64::MAX]),
                    floats("rho", &[0.0]),
                    floats("support_vectors", &[1.0; 8]),
                ],
            ),
            "support_vectors` has 8 values",
        ),
        (
            node(
                "SVMClassifier",
                2,
                vec![
                    ints("classlabels_ints", &[0, 1]),
                    floats("coefficients", &[1.0; 4]),
                    ints("vectors_per_class", &[2, -2]),
                ],
            ),
            "is -2, which is out of range",
        ),
        (node("Binarizer", 2, vec![]), "1 are needed"),
    ];
    for (node, expected) in cases {
        let text = check(&node).unwrap().unwrap_err().to_string();
        assert!(text.contains(expected), "{}: {text}", node.op_type);
    }
}
