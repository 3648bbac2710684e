//! A tree ensemble's lists as the file has them: of one length, every id in its range, every node with one parent.

use super::attributes::{Attributes, of_length};
use super::error::OperatorError;
use super::trees::MAX_TREE_NODES;
use std::collections::HashMap;

/// How a node compares its feature with its threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    NotEqual,
    Leaf,
}

const MODES: [(&str, Mode); 7] = [
    ("BRANCH_LEQ", Mode::AtMost),
    ("BRANCH_LT", Mode::Below),
    ("BRANCH_GTE", Mode::AtLeast),
    ("BRANCH_GT", Mode::Above),
    ("BRANCH_EQ", Mode::Equal),
    ("BRANCH_NEQ", Mode::NotEqual),
    ("LEAF", Mode::Leaf),
];

/// The lists of a file, of one length.
pub(crate) struct Lists<'a> {
    pub(crate) trees: &'a [i64],
    pub(crate) ids: &'a [i64],
    pub(crate) features: &'a [i64],
    pub(crate) modes: Vec<Mode>,
    pub(crate) values: &'a [f32],
    pub(crate) on_true: &'a [i64],
    pub(crate) on_false: &'a [i64],
    pub(crate) missing: &'a [i64],
}

impl Mode {
    /// Whether the comparison holds.
    pub(crate) fn holds(self, value: f32, threshold: f32) -> bool {
        match self {
            Mode::AtMost => value <= threshold,
            Mode::Below => value < threshold,
            Mode::AtLeast => value >= threshold,
            Mode::Above => value > threshold,
            Mode::Equal => value == threshold,
            Mode::NotEqual => value != threshold,
            Mode::Leaf => false,
        }
    }
}

/// A tree: where its root stands in the file, and how many nodes it has there.
pub(crate) struct Root {
    pub(crate) tree: i64,
    pub(crate) place: usize,
    pub(crate) count: usize,
}

impl<'a> Lists<'a> {
    pub(crate) fn read(attributes: &Attributes<'a>) -> Result<Lists<'a>, OperatorError> {
        let ids = attributes.ints("nodes_nodeids")?;
        if ids.is_empty() {
            return Err(OperatorError::Missing("nodes_nodeids"));
        }
        if ids.len() > MAX_TREE_NODES {
            return Err(OperatorError::TooMany { what: "tree nodes", count: ids.len(), limit: MAX_TREE_NODES });
        }
        let ints = |name| {
            let values = attributes.ints(name)?;
            of_length(name, values, ids.len()).map(|()| values)
        };
        let words = attributes.texts("nodes_modes")?;
        of_length("nodes_modes", words, ids.len())?;
        let values = attributes.any_floats("nodes_values")?;
        of_length("nodes_values", values, ids.len())?;
        let missing = attributes.ints("nodes_missing_value_tracks_true")?;
        if !missing.is_empty() {
            of_length("nodes_missing_value_tracks_true", missing, ids.len())?;
        }
        let modes = words.iter().map(|word| mode(word)).collect::<Result<Vec<_>, _>>()?;
        let features = ints("nodes_featureids")?;
        // A leaf's feature means nothing.
        let wild = |(index, feature): (usize, &i64)| modes[index] != Mode::Leaf && u32::try_from(*feature).is_err();
        if let Some((index, value)) = features.iter().enumerate().find(|given| wild(*given)) {
            return Err(OperatorError::OutOfRange { name: "nodes_featureids", index, value: *value });
        }
        Ok(Lists {
            trees: ints("nodes_treeids")?,
            ids,
            features,
            modes,
            values,
            on_true: ints("nodes_truenodeids")?,
            on_false: ints("nodes_falsenodeids")?,
            missing,
        })
    }

    /// Tree and id of each node.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (i64, i64)> {
        self.trees.iter().copied().zip(self.ids.iter().copied())
    }

    pub(crate) fn features_used(&self) -> usize {
        let used = self.features.iter().zip(&self.modes).filter(|(_, mode)| **mode != Mode::Leaf);
        used.map(|(feature, _)| usize::try_from(*feature).map_or(usize::MAX, |feature| feature + 1)).max().unwrap_or(0)
    }

    /// The places of each node's children, none of which is a child twice.
    pub(crate) fn children(
        &self,
        places: &HashMap<(i64, i64), usize>,
    ) -> Result<Vec<Option<(usize, usize)>>, OperatorError> {
        let mut taken = vec![false; self.ids.len()];
        let mut child = |tree: i64, node: i64, child: i64| {
            let place = places.get(&(tree, child)).ok_or(OperatorError::NoSuchChild { tree, node, child })?;
            if std::mem::replace(&mut taken[*place], true) {
                return Err(OperatorError::SharedChild { tree, child });
            }
            Ok(*place)
        };
        let pair = |(place, (tree, node)): (usize, (i64, i64))| match self.modes[place] {
            Mode::Leaf => Ok(None),
            _ => Ok(Some((child(tree, node, self.on_true[place])?, child(tree, node, self.on_false[place])?))),
        };
        self.keys().enumerate().map(pair).collect()
    }

    /// One root for each tree, in the order in which the file begins them.
    pub(crate) fn roots(&self, children: &[Option<(usize, usize)>]) -> Result<Vec<Root>, OperatorError> {
        let mut is_child = vec![false; self.ids.len()];
        for (on_true, on_false) in children.iter().flatten() {
            is_child[*on_true] = true;
            is_child[*on_false] = true;
        }
        let mut roots: Vec<(Root, usize)> = Vec::new();
        let mut known: HashMap<i64, usize> = HashMap::new();
        for (place, tree) in self.trees.iter().enumerate() {
            let index = *known.entry(*tree).or_insert_with(|| {
                roots.push((Root { tree: *tree, place, count: 0 }, 0));
                roots.len() - 1
            });
            let (root, found) = &mut roots[index];
            root.count += 1;
            if !is_child[place] {
                root.place = place;
                *found += 1;
            }
        }
        match roots.iter().find(|(_, found)| *found != 1) {
            Some((root, found)) => Err(OperatorError::Roots { tree: root.tree, roots: *found }),
            None => Ok(roots.into_iter().map(|(root, _)| root).collect()),
        }
    }
}

fn mode(word: &[u8]) -> Result<Mode, OperatorError> {
    let found = MODES.iter().find(|(known, _)| known.as_bytes() == word);
    found.map(|(_, mode)| *mode).ok_or_else(|| OperatorError::Choice {
        name: "nodes_modes",
        given: String::from_utf8_lossy(word).into_owned(),
        known: "LEAF and BRANCH_ with LEQ, LT, GTE, GT, EQ and NEQ",
    })
}
