//! Operators of our own, in the place of tract's or where it has none: the scikit-learn family, domain `ai.onnx.ml`.
//!
//! A foreign model is a program, and these are its interpreters: every index, id and length in a node's attributes is
//! checked when the model is read, an attribute that is not known is refused, and what then runs is safe Rust over flat
//! arrays. Scores are those of onnxruntime, in f32. From what they stand on to what stands on them:
//!
//! - [`error`]: what can be wrong
//! - `attributes`, `labels`, `transform`: what several of them read or do
//! - `operator`: what an operator is to tract
//! - `tree_lists`, `trees`, `tree_classifier`, `tree_regressor`: decision trees
//! - `linear`, `svm`, `svm_classifier`, `svm_regressor`: linear models and support vectors
//! - `elementwise`, `label_encoder`, `feature_extractor`: what stands before and behind them

mod attributes;
mod elementwise;
pub mod error;
mod feature_extractor;
mod label_encoder;
mod labels;
mod linear;
mod operator;
mod single_table;
mod svm;
mod svm_classifier;
mod svm_regressor;
#[cfg(test)]
mod tests;
mod transform;
mod tree_classifier;
mod tree_lists;
mod tree_regressor;
mod trees;

pub(crate) use elementwise::zipped;
pub use error::OperatorError;
pub use labels::MAX_CLASSES;
pub use svm::MAX_SUPPORT_VALUES;
pub use svm_classifier::MAX_SVM_CLASSES;
pub use trees::{MAX_DEPTH, MAX_TARGETS, MAX_TREE_NODES};

use elementwise::Elementwise;
use feature_extractor::FeatureExtractor;
use label_encoder::LabelEncoder;
use linear::{LinearClassifier, LinearRegressor};
use operator::{Held, Operator};
use std::sync::Arc;
use svm_classifier::SvmClassifier;
use svm_regressor::SvmRegressor;
use tract_onnx::Onnx;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::{InferenceOp, TractResult, expand};
use tree_classifier::TreeClassifier;
use tree_regressor::TreeRegressor;

/// Where these operators belong.
pub(crate) const DOMAIN: &str = "ai.onnx.ml";

type Read = fn(&NodeProto) -> Result<Arc<dyn Operator>, OperatorError>;

/// All of them, by name.
const OPERATORS: [(&str, Read); 13] = [
    ("ArrayFeatureExtractor", |node| Ok(Arc::new(FeatureExtractor::read(node)?))),
    ("Binarizer", |node| Ok(Arc::new(Elementwise::binarizer(node)?))),
    ("Imputer", |node| Ok(Arc::new(Elementwise::imputer(node)?))),
    ("LabelEncoder", |node| Ok(Arc::new(LabelEncoder::read(node)?))),
    ("LinearClassifier", |node| Ok(Arc::new(LinearClassifier::read(node)?))),
    ("LinearRegressor", |node| Ok(Arc::new(LinearRegressor::read(node)?))),
    ("Normalizer", |node| Ok(Arc::new(Elementwise::normalizer(node)?))),
    ("SVMClassifier", |node| Ok(Arc::new(SvmClassifier::read(node)?))),
    ("SVMRegressor", |node| Ok(Arc::new(SvmRegressor::read(node)?))),
    ("Scaler", |node| Ok(Arc::new(Elementwise::scaler(node)?))),
    ("TreeEnsembleClassifier", |node| Ok(Arc::new(TreeClassifier::read(node)?))),
    ("TreeEnsembleRegressor", |node| Ok(Arc::new(TreeRegressor::read(node)?))),
    ("ZipMap", |node| Ok(Arc::new(Elementwise::zip_map(node)?))),
];

/// Names of the operators, for people.
pub(crate) fn names() -> String {
    OPERATORS.map(|(name, _)| name).join(", ")
}

/// Checks a node of [`DOMAIN`]; `None` where there is no such operator.
pub(crate) fn check(node: &NodeProto) -> Option<Result<(), OperatorError>> {
    let (_, read) = OPERATORS.iter().find(|(name, _)| *name == node.op_type)?;
    Some(read(node).and_then(|operator| {
        // A missing trailing output would shift nothing, but no exporter leaves one out.
        let (inputs, outputs) = operator.arity();
        let named = |names: &[String]| names.iter().filter(|name| !name.is_empty()).count();
        if (named(&node.input), node.input.len()) != (inputs, inputs) {
            return Err(OperatorError::Arity { given: node.input.len(), expected: inputs });
        }
        if (named(&node.output), node.output.len()) != (outputs, outputs) {
            return Err(OperatorError::Arity { given: node.output.len(), expected: outputs });
        }
        Ok(())
    }))
}

/// Puts them into tract's register, over its own of the same names.
pub(crate) fn register(onnx: &mut Onnx) {
    for (name, _) in OPERATORS {
        onnx.op_register.insert(name, build);
    }
}

/// Builds any of them; tract looks it up by name.
fn build(_: &ParsingContext<'_>, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let read = OPERATORS.iter().find(|(name, _)| *name == node.op_type).map(|(_, read)| read);
    let read = read.expect("it is registered under these names only");
    Ok((expand(Held(read(node)?)), vec![]))
}
