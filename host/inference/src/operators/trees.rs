//! Decision trees in flat arrays, checked when they are read: `TreeEnsembleClassifier` and `TreeEnsembleRegressor`.
//!
//! Nodes are numbered anew, each before its children, so that following them ends whatever the file says.

use super::attributes::{Attributes, of_length};
use super::error::OperatorError;
use super::tree_lists::{Lists, Mode, Root};
use std::collections::HashMap;
use tract_onnx::pb::NodeProto;

/// Most nodes of all trees together: a thousand trees of a thousand leaves.
pub const MAX_TREE_NODES: usize = 2 * 1024 * 1024;
/// Most nodes from a root down to a leaf. What is grown without a limit stays far below a hundred.
pub const MAX_DEPTH: usize = 512;
/// Most targets of a regressor.
pub const MAX_TARGETS: usize = 4_096;

/// A node. What comes next: a leaf's weights from the first to before the second; another node's children, the first
/// where its comparison does not hold.
#[derive(Clone, Copy, Debug)]
struct Node {
    threshold: f32,
    feature: u32,
    next: [u32; 2],
    mode: Mode,
    /// Whether a NaN goes where one goes for which the comparison holds.
    missing_is_true: bool,
}

/// A leaf's contribution.
#[derive(Clone, Copy, Debug)]
struct Weight {
    target: u32,
    value: f32,
}

/// How the trees' contributions come together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Aggregate {
    Sum,
    Average,
    Least,
    Largest,
}

/// All trees of a node.
#[derive(Debug)]
pub(crate) struct Trees {
    nodes: Vec<Node>,
    roots: Vec<u32>,
    weights: Vec<Weight>,
    features: usize,
    targets: usize,
    /// Whether every node compares by "at most", and none does otherwise with a NaN, as scikit-learn's do.
    plain: bool,
}

/// The attributes that both ensembles share.
pub(crate) const NODE_ATTRIBUTES: [&str; 11] = [
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_featureids",
    "nodes_modes",
    "nodes_values",
    "nodes_truenodeids",
    "nodes_falsenodeids",
    "nodes_missing_value_tracks_true",
    "nodes_hitrates",
    "post_transform",
    "base_values",
];

/// Names of the attributes that say what a leaf contributes, and to what.
pub(crate) struct WeightNames {
    pub(crate) trees: &'static str,
    pub(crate) nodes: &'static str,
    pub(crate) targets: &'static str,
    pub(crate) values: &'static str,
}

/// A node that is to be appended.
struct Open {
    /// Where it stands in the file.
    place: usize,
    depth: usize,
    /// Whose child it is, and whether for rows for which the comparison holds.
    parent: Option<(usize, bool)>,
}

impl Trees {
    /// Reads and checks them; weights go to targets below `targets`.
    pub(crate) fn read(
        attributes: &Attributes<'_>,
        names: &WeightNames,
        targets: usize,
    ) -> Result<Trees, OperatorError> {
        let lists = Lists::read(attributes)?;
        let mut weights = weights_of(attributes, names, targets)?;
        // Where a node stands in the file, by tree and id.
        let mut places: HashMap<(i64, i64), usize> = HashMap::with_capacity(lists.ids.len());
        for (place, key) in lists.keys().enumerate() {
            if places.insert(key, place).is_some() {
                return Err(OperatorError::NodeTwice { tree: key.0, node: key.1 });
            }
        }
        if let Some((tree, node)) = weights.keys().find(|key| {
            // Only a leaf has weights.
            places.get(key).and_then(|place| lists.modes.get(*place)) != Some(&Mode::Leaf)
        }) {
            return Err(OperatorError::NotALeaf { tree: *tree, node: *node });
        }
        let children = lists.children(&places)?;
        let roots = lists.roots(&children)?;
        let mut trees = Trees {
            nodes: Vec::with_capacity(lists.ids.len()),
            roots: Vec::with_capacity(roots.len()),
            weights: Vec::new(),
            features: lists.features_used(),
            targets,
            plain: lists.modes.iter().all(|mode| matches!(mode, Mode::AtMost | Mode::Leaf))
                && lists.missing.iter().all(|missing| *missing == 0),
        };
        for root in roots {
            trees.grow(&lists, &children, root, &mut weights)?;
        }
        Ok(trees)
    }

    /// Appends one tree, each node before its children.
    fn grow(
        &mut self,
        lists: &Lists<'_>,
        children: &[Option<(usize, usize)>],
        root: Root,
        weights: &mut HashMap<(i64, i64), Vec<Weight>>,
    ) -> Result<(), OperatorError> {
        let start = self.nodes.len();
        self.roots.push(number(start));
        let mut open = vec![Open { place: root.place, depth: 1, parent: None }];
        while let Some(Open { place, depth, parent }) = open.pop() {
            if depth > MAX_DEPTH {
                return Err(OperatorError::TooDeep { tree: root.tree, limit: MAX_DEPTH });
            }
            let at = number(self.nodes.len());
            if let Some((parent, holds)) = parent {
                self.nodes[parent].next[usize::from(holds)] = at;
            }
            let mut node = Node::of(lists, place);
            if let Some((on_true, on_false)) = children[place] {
                let parent = self.nodes.len();
                open.push(Open { place: on_false, depth: depth + 1, parent: Some((parent, false)) });
                // Popped next, so that it lies beside its parent.
                open.push(Open { place: on_true, depth: depth + 1, parent: Some((parent, true)) });
            } else {
                let start = number(self.weights.len());
                self.weights.extend(weights.remove(&(lists.trees[place], lists.ids[place])).unwrap_or_default());
                node.next = [start, number(self.weights.len())];
            }
            self.nodes.push(node);
        }
        // Each node has one parent at most, so what the root does not lead to leads to itself.
        let reached = self.nodes.len() - start;
        if reached == root.count {
            Ok(())
        } else {
            Err(OperatorError::Loop { tree: root.tree, count: root.count - reached })
        }
    }

    /// How many features a row must have at least.
    pub(crate) fn features(&self) -> usize {
        self.features
    }

    /// The leaf that a row ends at. `PLAIN`: every node compares by "at most", and none does otherwise with a NaN.
    fn leaf<const PLAIN: bool>(&self, root: u32, row: &[f32]) -> &[Weight] {
        let mut node = &self.nodes[root as usize];
        while node.mode != Mode::Leaf {
            let value = row[node.feature as usize];
            let taken = if PLAIN {
                value <= node.threshold
            } else {
                node.mode.holds(value, node.threshold) || (node.missing_is_true && value.is_nan())
            };
            // Looked up rather than branched on: which way it goes can't be foreseen.
            node = &self.nodes[node.next[usize::from(taken)] as usize];
        }
        &self.weights[node.next[0] as usize..node.next[1] as usize]
    }

    /// Brings the trees' contributions to rows of `columns` values together, without base values. `scores` has a value for
    /// each row and target. Tree by tree, so that each tree is fetched once.
    pub(crate) fn evaluate(&self, rows: &[f32], columns: usize, aggregate: Aggregate, scores: &mut [f32]) {
        match self.plain {
            true => self.evaluate_as::<true>(rows, columns, aggregate, scores),
            false => self.evaluate_as::<false>(rows, columns, aggregate, scores),
        }
    }

    fn evaluate_as<const PLAIN: bool>(&self, rows: &[f32], columns: usize, aggregate: Aggregate, scores: &mut [f32]) {
        scores.fill(0.0);
        // Whether a leaf contributed yet: only the smallest and the largest need to know.
        let sums = matches!(aggregate, Aggregate::Sum | Aggregate::Average);
        let mut seen = vec![false; if sums { 0 } else { scores.len() }];
        for root in &self.roots {
            for (index, row) in rows.chunks_exact(columns.max(1)).enumerate() {
                for weight in self.leaf::<PLAIN>(*root, row) {
                    let at = index * self.targets + weight.target as usize;
                    scores[at] = match aggregate {
                        Aggregate::Sum | Aggregate::Average => scores[at] + weight.value,
                        Aggregate::Least if seen[at] => scores[at].min(weight.value),
                        Aggregate::Largest if seen[at] => scores[at].max(weight.value),
                        Aggregate::Least | Aggregate::Largest => weight.value,
                    };
                    if !sums {
                        seen[at] = true;
                    }
                }
            }
        }
        if aggregate == Aggregate::Average {
            let count = self.roots.len() as f32;
            scores.iter_mut().for_each(|score| *score /= count);
        }
    }

    /// Whether no weight is negative.
    pub(crate) fn all_positive(&self) -> bool {
        self.weights.iter().all(|weight| weight.value >= 0.0)
    }

    /// The target that all leaves contribute to; `None` where there are several.
    pub(crate) fn only_target(&self) -> Option<u32> {
        let first = self.weights.first()?.target;
        self.weights.iter().all(|weight| weight.target == first).then_some(first)
    }
}

impl Node {
    /// As the file has it, with nothing that comes next.
    fn of(lists: &Lists<'_>, place: usize) -> Node {
        Node {
            threshold: lists.values[place],
            feature: u32::try_from(lists.features[place]).unwrap_or_default(),
            next: [0, 0],
            mode: lists.modes[place],
            missing_is_true: lists.missing.get(place).is_some_and(|missing| *missing != 0),
        }
    }
}

/// Each leaf's weights, by tree and id.
fn weights_of(
    attributes: &Attributes<'_>,
    names: &WeightNames,
    targets: usize,
) -> Result<HashMap<(i64, i64), Vec<Weight>>, OperatorError> {
    let values = attributes.floats(names.values)?;
    if values.is_empty() {
        return Err(OperatorError::Missing(names.values));
    }
    if values.len() > MAX_TREE_NODES {
        return Err(OperatorError::TooMany { what: "leaf weights", count: values.len(), limit: MAX_TREE_NODES });
    }
    let ints = |name| {
        let list = attributes.ints(name)?;
        of_length(name, list, values.len()).map(|()| list)
    };
    let (trees, nodes, ids) = (ints(names.trees)?, ints(names.nodes)?, ints(names.targets)?);
    let mut weights: HashMap<(i64, i64), Vec<Weight>> = HashMap::new();
    for (index, value) in values.iter().enumerate() {
        let target = u32::try_from(ids[index]).ok().filter(|target| (*target as usize) < targets);
        let out = OperatorError::OutOfRange { name: names.targets, index, value: ids[index] };
        let target = target.ok_or(out)?;
        weights.entry((trees[index], nodes[index])).or_default().push(Weight { target, value: *value });
    }
    Ok(weights)
}

/// The bounds on nodes and weights keep every index below 2³².
fn number(index: usize) -> u32 {
    u32::try_from(index).expect("MAX_TREE_NODES is below 2^32")
}

/// Reads `base_values`: none, or one for each of `count`.
pub(crate) fn base_values<'a>(attributes: &Attributes<'a>, count: usize) -> Result<&'a [f32], OperatorError> {
    let values = attributes.floats("base_values")?;
    if !values.is_empty() {
        of_length("base_values", values, count)?;
    }
    Ok(values)
}

/// Bounds how many targets there are.
pub(crate) fn target_count(count: i64) -> Result<usize, OperatorError> {
    match usize::try_from(count) {
        Ok(count) if (1..=MAX_TARGETS).contains(&count) => Ok(count),
        _ => Err(OperatorError::OutOfRange { name: "n_targets", index: 0, value: count }),
    }
}

/// An ensemble's attributes: those that both kinds have, and its own.
pub(crate) fn attributes<'a>(node: &'a NodeProto, own: &[&'static str]) -> Result<Attributes<'a>, OperatorError> {
    Attributes::of(node, &[&NODE_ATTRIBUTES, own].concat())
}
