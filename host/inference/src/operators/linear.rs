//! `LinearClassifier` and `LinearRegressor`.

use super::attributes::{Attributes, of_length};
use super::error::OperatorError;
use super::labels::labels;
use super::operator::{Form, Given, Operator, Values};
use super::single_table::{Features, classify, label_forms, only};
use super::transform::{Transform, logistic};
use super::trees::target_count;
use tract_onnx::pb::NodeProto;

/// A matrix and a vector: what both have in common.
#[derive(Debug)]
struct Layer {
    /// A row for each score.
    coefficients: Vec<f32>,
    intercepts: Vec<f32>,
    features: usize,
}

impl Layer {
    fn read(attributes: &Attributes<'_>, scores: usize) -> Result<Layer, OperatorError> {
        let coefficients = attributes.floats("coefficients")?;
        if coefficients.is_empty() {
            return Err(OperatorError::Missing("coefficients"));
        }
        let features = coefficients.len() / scores;
        of_length("coefficients", coefficients, features.max(1) * scores)?;
        let intercepts = match attributes.floats("intercepts")? {
            [] => vec![0.0; scores],
            given => {
                of_length("intercepts", given, scores)?;
                given.to_vec()
            }
        };
        Ok(Layer { coefficients: coefficients.to_vec(), intercepts, features })
    }

    fn apply(&self, row: &[f32], scores: &mut [f32]) {
        let layers = self.coefficients.chunks_exact(self.features).zip(&self.intercepts);
        for (score, (coefficients, intercept)) in scores.iter_mut().zip(layers) {
            *score = intercept + coefficients.iter().zip(row).map(|(c, x)| c * x).sum::<f32>();
        }
    }
}

/// A linear classifier. The first output has the label of each row, the second its scores.
#[derive(Debug)]
pub(crate) struct LinearClassifier {
    layer: Layer,
    labels: Vec<i64>,
    transform: Transform,
}

impl LinearClassifier {
    pub(crate) fn read(node: &NodeProto) -> Result<LinearClassifier, OperatorError> {
        let known =
            ["coefficients", "intercepts", "multi_class", "classlabels_ints", "classlabels_strings", "post_transform"];
        let attributes = Attributes::of(node, &known)?;
        // It changes nothing here, as in onnxruntime; that it is an integer is all that is asked of it.
        attributes.int("multi_class")?;
        let labels = labels(&attributes, "classlabels_ints", "classlabels_strings")?;
        // Two classes may share one score.
        let one = labels.len() == 2 && attributes.floats("intercepts")?.len() == 1;
        let layer = Layer::read(&attributes, if one { 1 } else { labels.len() })?;
        Ok(LinearClassifier { layer, transform: Transform::without_probit(&attributes)?, labels })
    }

    fn decide(&self, row: &[f32], scores: &mut [f32]) -> usize {
        self.layer.apply(row, scores);
        if let ([_], [first, second]) = (&self.layer.intercepts[..], &mut *scores) {
            let score = *first;
            // Without a softmax even where one is asked for, as in onnxruntime.
            (*first, *second) = match self.transform {
                Transform::Logistic => (logistic(-score), logistic(score)),
                Transform::None | Transform::Softmax | Transform::SoftmaxZero | Transform::Probit => {
                    (1.0 - score, score)
                }
            };
            return usize::from(score > 0.0);
        }
        let winner = largest(scores);
        self.transform.apply(scores);
        winner
    }
}

/// The index of the largest, the first of equal ones.
pub(crate) fn largest(scores: &[f32]) -> usize {
    let mut winner = 0;
    for (index, score) in scores.iter().enumerate() {
        if *score > scores[winner] {
            winner = index;
        }
    }
    winner
}

impl Operator for LinearClassifier {
    fn name(&self) -> &'static str {
        "LinearClassifier"
    }

    fn arity(&self) -> (usize, usize) {
        (1, 2)
    }

    fn forms(&self, inputs: &[Form]) -> Result<Vec<Form>, OperatorError> {
        label_forms(inputs, self.layer.features, true, self.labels.len())
    }

    fn run(&self, inputs: &[(&Form, Given<'_>)]) -> Result<Vec<Values>, OperatorError> {
        classify(inputs, &self.labels, self.labels.len(), |row, scores| self.decide(row, scores))
    }
}

/// A linear regressor.
#[derive(Debug)]
pub(crate) struct LinearRegressor {
    layer: Layer,
    targets: usize,
    transform: Transform,
}

impl LinearRegressor {
    pub(crate) fn read(node: &NodeProto) -> Result<LinearRegressor, OperatorError> {
        let attributes = Attributes::of(node, &["coefficients", "intercepts", "targets", "post_transform"])?;
        let targets = target_count(attributes.int("targets")?.unwrap_or(1))?;
        let layer = Layer::read(&attributes, targets)?;
        Ok(LinearRegressor { layer, targets, transform: Transform::without_probit(&attributes)? })
    }
}

impl Operator for LinearRegressor {
    fn name(&self) -> &'static str {
        "LinearRegressor"
    }

    fn arity(&self) -> (usize, usize) {
        (1, 1)
    }

    fn forms(&self, inputs: &[Form]) -> Result<Vec<Form>, OperatorError> {
        Ok(vec![Form::f32(&[only(inputs)?.rows_of(self.layer.features, true)?, self.targets])])
    }

    fn run(&self, inputs: &[(&Form, Given<'_>)]) -> Result<Vec<Values>, OperatorError> {
        let table = Features::of(inputs)?;
        let mut scores = vec![0.0; table.rows * self.targets];
        for (row, scores) in table.each().zip(scores.chunks_exact_mut(self.targets)) {
            self.layer.apply(row, scores);
            // A single score is left as it is, as in onnxruntime.
            if self.targets > 1 {
                self.transform.apply(scores);
            }
        }
        Ok(vec![Values::F32(scores)])
    }
}
