//! What can be wrong with one of our operators.

/// Why an operator is not let through, or gave nothing. The messages complete "the node `N`, a `Scaler`: …".
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum OperatorError {
    #[error("its attribute `{0}` is missing")]
    Missing(&'static str),
    #[error("its attribute `{0}` is not known here; export the model with ai.onnx.ml at version 3 or below, in f32")]
    Unknown(String),
    #[error("its attribute `{0}` is given twice")]
    Twice(String),
    #[error("its attribute `{name}` is not {expected}")]
    Kind { name: &'static str, expected: &'static str },
    #[error("its attribute `{name}` has {given} values where {expected} are needed")]
    Length { name: &'static str, given: usize, expected: usize },
    #[error("its attribute `{name}` is `{given}`; known are {known}")]
    Choice { name: &'static str, given: String, known: &'static str },
    #[error("{0}")]
    Unsupported(&'static str),
    #[error("its attributes `{0}` and `{1}` exclude each other")]
    Both(&'static str, &'static str),
    #[error("value {index} of its attribute `{name}` is {value}, which is out of range")]
    OutOfRange { name: &'static str, index: usize, value: i64 },
    #[error("value {index} of its attribute `{name}` is not a finite number")]
    NotFinite { name: &'static str, index: usize },
    #[error("{count} {what}; at most {limit} are let through")]
    TooMany { what: &'static str, count: usize, limit: usize },
    #[error("node {node} of tree {tree} is given twice")]
    NodeTwice { tree: i64, node: i64 },
    #[error("node {node} of tree {tree} leads to node {child}, which is not there")]
    NoSuchChild { tree: i64, node: i64, child: i64 },
    #[error("node {child} of tree {tree} is reached on two ways, so that it is no tree")]
    SharedChild { tree: i64, child: i64 },
    #[error("tree {tree} has {roots} roots instead of one")]
    Roots { tree: i64, roots: usize },
    #[error("{count} nodes of tree {tree} are not reached from its root: they form a loop")]
    Loop { tree: i64, count: usize },
    #[error("tree {tree} is more than {limit} nodes deep")]
    TooDeep { tree: i64, limit: usize },
    #[error("a weight belongs to node {node} of tree {tree}, which is not a leaf of it")]
    NotALeaf { tree: i64, node: i64 },
    #[error("it has {given} class labels; at least two are needed")]
    Labels { given: usize },
    #[error("the class label {0} can't be handed over as f32, which is exact up to 16,777,216")]
    LargeLabel(i64),
    #[error("it maps text; only numbers are looked up here: encode categories before the model")]
    Text,
    #[error("it has {given} inputs and outputs; {expected} are needed")]
    Arity { given: usize, expected: usize },
    #[error("its input has the shape {given:?}, {expected} is needed")]
    Shape { given: Vec<usize>, expected: String },
    #[error("its input is of {given}, {expected} is needed; export the model in f32")]
    Element { given: String, expected: &'static str },
    #[error("it looks up the index {index} among {size} values")]
    Index { index: i64, size: usize },
}
