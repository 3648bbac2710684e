//! `TreeEnsembleClassifier`: forests and boosted trees that say a class, with a score for each.

use super::attributes::Attributes;
use super::error::OperatorError;
use super::labels::labels;
use super::linear::largest;
use super::operator::{Form, Given, Operator, Values};
use super::single_table::{Features, label_forms};
use super::transform::{Transform, logistic};
use super::trees::{self, Aggregate, Trees, WeightNames, base_values};
use tract_onnx::pb::NodeProto;

const WEIGHTS: WeightNames =
    WeightNames { trees: "class_treeids", nodes: "class_nodeids", targets: "class_ids", values: "class_weights" };

/// A classifier of trees. The first output has the label of each row, the second its scores.
#[derive(Debug)]
pub(crate) struct TreeClassifier {
    trees: Trees,
    labels: Vec<i64>,
    base: Vec<f32>,
    transform: Transform,
    layout: Layout,
}

/// What the weights stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Layout {
    /// One score for each class; the largest wins. (Of two such classes onnxruntime says 1 wherever the second one's score
    /// is above zero, and 0 else, whatever the labels are.)
    Each,
    /// Two classes, all weights given to the first one's id, and meant for the second.
    First(Kind),
    /// Two classes, all weights given to the second.
    Second(Kind),
}

/// What the only score of two classes is, by the signs of the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Never negative: the second class's probability, which wins above a half.
    Probability,
    /// The second class's margin, which wins above zero.
    Margin,
}

impl TreeClassifier {
    pub(crate) fn read(node: &NodeProto) -> Result<TreeClassifier, OperatorError> {
        let own = [WEIGHTS.trees, WEIGHTS.nodes, WEIGHTS.targets, WEIGHTS.values];
        let own = [&own[..], &["classlabels_int64s", "classlabels_strings"]].concat();
        let attributes: Attributes<'_> = trees::attributes(node, &own)?;
        let labels = labels(&attributes, "classlabels_int64s", "classlabels_strings")?;
        let trees = Trees::read(&attributes, &WEIGHTS, labels.len())?;
        let kind = if trees.all_positive() { Kind::Probability } else { Kind::Margin };
        let layout = match (labels.len(), trees.only_target()) {
            (2, Some(0)) => Layout::First(kind),
            (2, Some(_)) => Layout::Second(kind),
            (_, _) => Layout::Each,
        };
        let transform = Transform::of(&attributes)?;
        let base = match layout {
            Layout::First(_) if transform == Transform::Probit => {
                return Err(OperatorError::Unsupported("its post_transform PROBIT needs a score for each class"));
            }
            Layout::First(_) => base_values(&attributes, 1)?,
            Layout::Each if labels.len() > 2 => base_values(&attributes, labels.len())?,
            // onnxruntime would leave out some of them, or the weights.
            Layout::Each | Layout::Second(_) if !attributes.floats("base_values")?.is_empty() => {
                return Err(OperatorError::Unsupported(
                    "it has base values for two classes: they are taken where all weights have the class id 0",
                ));
            }
            Layout::Each | Layout::Second(_) => &[],
        };
        Ok(TreeClassifier { trees, base: base.to_vec(), transform, labels, layout })
    }

    /// Finishes a row's scores and says which class it is.
    fn decide(&self, scores: &mut [f32]) -> usize {
        let class = match (self.layout, &mut *scores) {
            (Layout::First(kind), [first, second]) => {
                let score = *first + self.base.first().copied().unwrap_or(0.0);
                (*first, *second) = match (self.transform, kind) {
                    (Transform::Logistic, _) => (logistic(-score), logistic(score)),
                    (_, Kind::Probability) => (1.0 - score, score),
                    (_, Kind::Margin) => (-score, score),
                };
                return kind.wins(score);
            }
            (Layout::Second(kind), [_, score]) => kind.wins(*score),
            (_, scores) => {
                scores.iter_mut().zip(&self.base).for_each(|(score, base)| *score += base);
                largest(scores)
            }
        };
        self.transform.apply(scores);
        class
    }
}

impl Kind {
    fn wins(self, score: f32) -> usize {
        usize::from(match self {
            Kind::Probability => score > 0.5,
            Kind::Margin => score > 0.0,
        })
    }
}

impl Operator for TreeClassifier {
    fn name(&self) -> &'static str {
        "TreeEnsembleClassifier"
    }

    fn arity(&self) -> (usize, usize) {
        (1, 2)
    }

    fn forms(&self, inputs: &[Form]) -> Result<Vec<Form>, OperatorError> {
        label_forms(inputs, self.trees.features(), false, self.labels.len())
    }

    fn run(&self, inputs: &[(&Form, Given<'_>)]) -> Result<Vec<Values>, OperatorError> {
        let (table, classes) = (Features::of(inputs)?, self.labels.len());
        let mut scores = vec![0.0; table.rows * classes];
        self.trees.evaluate(table.values, table.columns, Aggregate::Sum, &mut scores);
        let labels = scores.chunks_exact_mut(classes).map(|scores| self.labels[self.decide(scores)]).collect();
        Ok(vec![Values::I64(labels), Values::F32(scores)])
    }
}
