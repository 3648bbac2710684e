//! `TreeEnsembleRegressor`: forests and boosted trees that say numbers.

use super::error::OperatorError;
use super::operator::{Form, Given, Operator, Values};
use super::single_table::{Features, only};
use super::transform::{Transform, probit};
use super::trees::{self, Aggregate, Trees, WeightNames, base_values, target_count};
use tract_onnx::pb::NodeProto;

const WEIGHTS: WeightNames =
    WeightNames { trees: "target_treeids", nodes: "target_nodeids", targets: "target_ids", values: "target_weights" };

/// A regressor of trees.
#[derive(Debug)]
pub(crate) struct TreeRegressor {
    trees: Trees,
    targets: usize,
    base: Vec<f32>,
    aggregate: Aggregate,
    transform: Transform,
}

impl TreeRegressor {
    pub(crate) fn read(node: &NodeProto) -> Result<TreeRegressor, OperatorError> {
        let own = [WEIGHTS.trees, WEIGHTS.nodes, WEIGHTS.targets, WEIGHTS.values];
        let attributes = trees::attributes(node, &[&own[..], &["n_targets", "aggregate_function"]].concat())?;
        let targets = target_count(attributes.int("n_targets")?.ok_or(OperatorError::Missing("n_targets"))?)?;
        let aggregate = attributes.choice(
            "aggregate_function",
            "SUM, AVERAGE, MIN and MAX",
            &[
                ("SUM", Aggregate::Sum),
                ("AVERAGE", Aggregate::Average),
                ("MIN", Aggregate::Least),
                ("MAX", Aggregate::Largest),
            ],
        )?;
        Ok(TreeRegressor {
            trees: Trees::read(&attributes, &WEIGHTS, targets)?,
            targets,
            base: base_values(&attributes, targets)?.to_vec(),
            aggregate,
            transform: Transform::of(&attributes)?,
        })
    }

    fn finish(&self, scores: &mut [f32]) {
        for (score, base) in scores.iter_mut().zip(&self.base) {
            *score += base;
        }
        match (scores, self.transform) {
            // Of a single target, onnxruntime transforms PROBIT only.
            ([score], Transform::Probit) => *score = probit(*score),
            ([_], _) => {}
            (scores, transform) => transform.apply(scores),
        }
    }
}

impl Operator for TreeRegressor {
    fn name(&self) -> &'static str {
        "TreeEnsembleRegressor"
    }

    fn arity(&self) -> (usize, usize) {
        (1, 1)
    }

    fn forms(&self, inputs: &[Form]) -> Result<Vec<Form>, OperatorError> {
        let rows = only(inputs)?.rows_of(self.trees.features(), false)?;
        Ok(vec![Form::f32(&[rows, self.targets])])
    }

    fn run(&self, inputs: &[(&Form, Given<'_>)]) -> Result<Vec<Values>, OperatorError> {
        let table = Features::of(inputs)?;
        let mut scores = vec![0.0; table.rows * self.targets];
        self.trees.evaluate(table.values, table.columns, self.aggregate, &mut scores);
        scores.chunks_exact_mut(self.targets).for_each(|scores| self.finish(scores));
        Ok(vec![Values::F32(scores)])
    }
}
