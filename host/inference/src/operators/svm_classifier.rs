//! `SVMClassifier`: one machine for each pair of classes, with or without probabilities.

use super::attributes::{Attributes, of_length};
use super::error::OperatorError;
use super::labels::labels;
use super::linear::largest;
use super::operator::{Form, Given, Operator, Values};
use super::single_table::{classify, label_forms};
use super::svm::{Kernel, support_vectors};
use super::transform::{Transform, logistic};
use std::ops::Range;
use tract_onnx::pb::NodeProto;

/// Most classes: each pair of them has a machine.
pub const MAX_SVM_CLASSES: usize = 256;

/// A classifier of support vectors. The first output has the label of each row, the second its scores: probabilities,
/// or each pair's margin.
#[derive(Debug)]
pub(crate) struct SvmClassifier {
    labels: Vec<i64>,
    kernel: Kernel,
    machine: Machine,
    features: usize,
    rho: Vec<f32>,
    /// Platt's A and B of each pair; empty where there are no probabilities.
    platt: Vec<(f32, f32)>,
    transform: Transform,
}

#[derive(Debug)]
enum Machine {
    /// A row of coefficients for each class.
    Linear { coefficients: Vec<f32> },
    /// Vectors, their ranges by class, and for each class but one a row of coefficients over all vectors.
    Pairs { vectors: Vec<f32>, count: usize, of_class: Vec<Range<usize>>, coefficients: Vec<f32> },
}

impl SvmClassifier {
    pub(crate) fn read(node: &NodeProto) -> Result<SvmClassifier, OperatorError> {
        let known = [
            "kernel_type",
            "kernel_params",
            "prob_a",
            "prob_b",
            "support_vectors",
            "vectors_per_class",
            "coefficients",
            "rho",
            "classlabels_ints",
            "classlabels_strings",
            "post_transform",
        ];
        let attributes = Attributes::of(node, &known)?;
        let labels = labels(&attributes, "classlabels_ints", "classlabels_strings")?;
        let classes = labels.len();
        if classes > MAX_SVM_CLASSES {
            return Err(OperatorError::TooMany { what: "class labels", count: classes, limit: MAX_SVM_CLASSES });
        }
        let pairs = classes * (classes - 1) / 2;
        let kernel = Kernel::read(&attributes)?;
        let coefficients = attributes.floats("coefficients")?.to_vec();
        if coefficients.is_empty() {
            return Err(OperatorError::Missing("coefficients"));
        }
        let rho = attributes.floats("rho")?.to_vec();
        let (prob_a, prob_b) = (attributes.floats("prob_a")?, attributes.floats("prob_b")?);
        of_length("prob_b", prob_b, prob_a.len())?;
        let per_class = attributes.ints("vectors_per_class")?;
        let (machine, kernel, features) = if per_class.is_empty() {
            let features = coefficients.len() / classes;
            of_length("coefficients", &coefficients, features.max(1) * classes)?;
            of_length("rho", &rho, 1)?;
            of_length("prob_a", prob_a, 0)?;
            (Machine::Linear { coefficients }, kernel.linear(), features)
        } else {
            of_length("vectors_per_class", per_class, classes)?;
            let of_class = ranges(per_class)?;
            let count = of_class.last().map_or(0, |last| last.end);
            let vectors = support_vectors(&attributes, count)?;
            of_length("coefficients", &coefficients, count.saturating_mul(classes - 1))?;
            of_length("rho", &rho, pairs)?;
            if !prob_a.is_empty() {
                of_length("prob_a", prob_a, pairs)?;
            }
            let features = vectors.len() / count;
            (Machine::Pairs { vectors, count, of_class, coefficients }, kernel, features)
        };
        let platt = prob_a.iter().copied().zip(prob_b.iter().copied()).collect();
        let transform = Transform::without_probit(&attributes)?;
        Ok(SvmClassifier { labels, kernel, machine, features, rho, platt, transform })
    }

    /// How many scores a row gets.
    fn scores(&self) -> usize {
        match (&self.machine, self.labels.len()) {
            (Machine::Pairs { .. }, classes) if self.platt.is_empty() && classes > 2 => classes * (classes - 1) / 2,
            (_, classes) => classes,
        }
    }

    /// Each pair's margin, and which class got most votes.
    fn margins(&self, row: &[f32]) -> (Vec<f32>, usize) {
        let (vectors, count, of_class, coefficients) = match &self.machine {
            Machine::Linear { coefficients } => {
                let dots = coefficients.chunks_exact(self.features);
                let scores: Vec<f32> = dots.map(|class| self.kernel.of(row, class) + self.rho[0]).collect();
                let winner = largest(&scores);
                return (scores, winner);
            }
            Machine::Pairs { vectors, count, of_class, coefficients } => (vectors, *count, of_class, coefficients),
        };
        let kernels: Vec<f32> = vectors.chunks_exact(self.features).map(|vector| self.kernel.of(row, vector)).collect();
        let classes = self.labels.len();
        let mut votes = vec![0_u32; classes];
        let mut margins = Vec::with_capacity(classes * (classes - 1) / 2);
        let part = |row: usize, vectors: &Range<usize>| -> f32 {
            let coefficients = &coefficients[row * count..(row + 1) * count];
            let pairs = coefficients[vectors.clone()].iter().zip(&kernels[vectors.clone()]);
            pairs.map(|(coefficient, kernel)| coefficient * kernel).sum()
        };
        for first in 0..classes {
            for second in first + 1..classes {
                let rho = self.rho[margins.len()];
                let margin = part(second - 1, &of_class[first]) + part(first, &of_class[second]) + rho;
                votes[if margin > 0.0 { first } else { second }] += 1;
                margins.push(margin);
            }
        }
        let mut winner = 0;
        for (class, count) in votes.iter().enumerate() {
            if *count > votes[winner] {
                winner = class;
            }
        }
        (margins, winner)
    }

    /// Writes a row's scores and says which class it is: the one with most votes, whatever the probabilities say.
    fn decide(&self, row: &[f32], scores: &mut [f32]) -> usize {
        let (margins, winner) = self.margins(row);
        if !self.platt.is_empty() {
            let estimates = probabilities(&margins, &self.platt, self.labels.len());
            scores.copy_from_slice(&estimates);
            self.transform.apply(scores);
            return winner;
        }
        if let ([margin], [first, second]) = (&margins[..], &mut *scores) {
            (*first, *second) = match self.transform {
                Transform::None => (-margin, *margin),
                Transform::Logistic => (logistic(-margin), logistic(*margin)),
                Transform::Softmax | Transform::SoftmaxZero | Transform::Probit => (1.0 - margin, *margin),
            };
            return winner;
        }
        scores.copy_from_slice(&margins);
        self.transform.apply(scores);
        winner
    }
}

fn ranges(per_class: &[i64]) -> Result<Vec<Range<usize>>, OperatorError> {
    let mut start = 0_usize;
    let mut ranges = Vec::with_capacity(per_class.len());
    for (index, value) in per_class.iter().enumerate() {
        let end = usize::try_from(*value).ok().and_then(|count| start.checked_add(count));
        let end = end.ok_or(OperatorError::OutOfRange { name: "vectors_per_class", index, value: *value })?;
        ranges.push(start..end);
        start = end;
    }
    Ok(ranges)
}

/// Class probabilities from those of the pairs: the second method of Wu, Lin and Weng, "Probability estimates for
/// multi-class classification by pairwise coupling" (2004), iterated as libsvm does.
fn probabilities(margins: &[f32], platt: &[(f32, f32)], classes: usize) -> Vec<f32> {
    const CLOSEST: f32 = 1e-7;
    let mut pairwise = vec![0.0_f32; classes * classes];
    let mut index = 0;
    for first in 0..classes {
        for second in first + 1..classes {
            let (a, b) = platt[index];
            let probability = logistic(-(margins[index] * a + b)).clamp(CLOSEST, 1.0 - CLOSEST);
            pairwise[first * classes + second] = probability;
            pairwise[second * classes + first] = 1.0 - probability;
            index += 1;
        }
    }
    let r = |i: usize, j: usize| pairwise[i * classes + j];
    // The quadratic form pᵀQp that the answer makes smallest.
    let mut q = vec![0.0_f32; classes * classes];
    for t in 0..classes {
        for j in (0..classes).filter(|j| *j != t) {
            q[t * classes + t] += r(j, t) * r(j, t);
            q[t * classes + j] = -r(j, t) * r(t, j);
        }
    }
    let mut p = vec![1.0 / classes as f32; classes];
    for _ in 0..classes.max(100) {
        let mut qp: Vec<f32> =
            q.chunks_exact(classes).map(|row| row.iter().zip(&p).map(|(q, p)| q * p).sum()).collect();
        let mut pqp: f32 = p.iter().zip(&qp).map(|(p, qp)| p * qp).sum();
        let error = qp.iter().map(|qp| (qp - pqp).abs()).fold(0.0, f32::max);
        if error < 0.005 / classes as f32 {
            break;
        }
        for t in 0..classes {
            let diagonal = q[t * classes + t];
            let step = (pqp - qp[t]) / diagonal;
            let grown = 1.0 + step;
            p[t] += step;
            pqp = (pqp + step * (step * diagonal + 2.0 * qp[t])) / (grown * grown);
            for j in 0..classes {
                qp[j] = (qp[j] + step * q[t * classes + j]) / grown;
                p[j] /= grown;
            }
        }
    }
    p
}

impl Operator for SvmClassifier {
    fn name(&self) -> &'static str {
        "SVMClassifier"
    }

    fn arity(&self) -> (usize, usize) {
        (1, 2)
    }

    fn forms(&self, inputs: &[Form]) -> Result<Vec<Form>, OperatorError> {
        label_forms(inputs, self.features, true, self.scores())
    }

    fn run(&self, inputs: &[(&Form, Given<'_>)]) -> Result<Vec<Values>, OperatorError> {
        classify(inputs, &self.labels, self.scores(), |row, scores| self.decide(row, scores))
    }
}
