//! Gradient-boosted regression trees on binned features, fitted a few trees at a time.
//!
//! Friedman, *Greedy Function Approximation: A Gradient Boosting Machine* (2001), for the squared error, with row and column
//! sampling (his *Stochastic Gradient Boosting*, 2002), histograms and leaf-wise growth (Ke et al., *LightGBM*, 2017). Trees
//! depend on the order of the values alone, so that the unit of a feature does not matter.

use serde::{Deserialize, Serialize};

/// Bins a feature: one for missing values and the rest between quantiles.
const BINS: usize = 64;
/// Values from which the quantiles are taken; more would not move them.
const QUANTILE_SAMPLE: usize = 4096;

/// How a model is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Trees of the model.
    pub trees: usize,
    /// Leaves of a tree, at most.
    pub leaves: usize,
    /// Rows in a leaf, at least.
    pub leaf_rows: usize,
    /// Share of a tree's answer that counts.
    pub rate: f64,
    /// Share of rows, and of columns, that a tree sees.
    pub sample: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Node {
    feature: u8,
    /// Values up to it, and missing ones, go left.
    threshold: f32,
    /// Children's places; both 0 at a leaf.
    left: u16,
    right: u16,
    value: f32,
}

impl Node {
    fn leaf(value: f32) -> Self {
        Self { feature: 0, threshold: 0.0, left: 0, right: 0, value }
    }
}

/// A fitted model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trees {
    mean: f32,
    trees: Vec<Vec<Node>>,
}

impl Trees {
    /// The prediction for one row; a value that is not finite counts as missing.
    pub fn predict(&self, row: &[f32]) -> f64 {
        let each = |tree: &Vec<Node>| {
            let mut at = 0;
            // A tree has fewer levels than nodes, so that a damaged state cannot loop.
            for _ in 0..tree.len() {
                let Some(node) = tree.get(at) else { return 0.0 };
                if node.left == 0 {
                    return f64::from(node.value);
                }
                let value = row.get(usize::from(node.feature)).copied().unwrap_or(f32::NAN);
                // NaN compares false with everything and goes left, as its bin does.
                at = usize::from(if value > node.threshold { node.right } else { node.left });
            }
            0.0
        };
        f64::from(self.mean) + self.trees.iter().map(each).sum::<f64>()
    }

    /// Trees in the model.
    pub fn len(&self) -> usize {
        self.trees.len()
    }

    /// Whether nothing was fitted.
    pub fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }
}

/// Sum of residuals and rows in one bin.
#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    sum: f64,
    rows: f64,
}

/// A leaf that may yet be split.
struct Leaf {
    node: usize,
    rows: Vec<u32>,
    /// Bins of each sampled column.
    histogram: Vec<Bin>,
    best: Option<Split>,
}

#[derive(Clone, Copy)]
struct Split {
    gain: f64,
    /// Among the sampled columns.
    column: usize,
    bin: usize,
}

/// A fit in progress.
#[derive(Debug, Clone)]
pub struct Fit {
    settings: Settings,
    cuts: Vec<Vec<f32>>,
    /// Column after column.
    bins: Vec<u8>,
    rows: usize,
    residual: Vec<f32>,
    model: Trees,
}

impl Fit {
    /// Of `targets` on `columns` features a row, row after row. Rows with a target that is not finite are left out.
    pub fn new(features: &[f32], columns: usize, targets: &[f32], settings: Settings) -> Self {
        let columns = columns.clamp(1, 255);
        let table: Vec<(&[f32], f32)> = features
            .chunks_exact(columns)
            .zip(targets.iter().copied())
            .filter(|(_, target)| target.is_finite())
            .collect();
        let rows = table.len();
        let mean = table.iter().map(|(_, target)| f64::from(*target)).sum::<f64>() / rows.max(1) as f64;
        let value = |row: &[f32], column: usize| row.get(column).copied().unwrap_or(f32::NAN);
        let mut cuts = Vec::with_capacity(columns);
        let mut bins = Vec::with_capacity(columns * rows);
        for column in 0..columns {
            let of_column = quantile_cuts(table.iter().map(|(row, _)| value(row, column)), rows);
            bins.extend(table.iter().map(|(row, _)| bin_of(value(row, column), &of_column)));
            cuts.push(of_column);
        }
        let residual = table.iter().map(|(_, target)| target - mean as f32).collect();
        let model = Trees { mean: mean as f32, trees: Vec::new() };
        Self { settings, cuts, bins, rows, residual, model }
    }

    /// Grows up to `trees` more; whether the model is complete.
    pub fn step(&mut self, trees: usize) -> bool {
        for _ in 0..trees {
            if self.model.trees.len() >= self.settings.trees || self.rows == 0 {
                return true;
            }
            let tree = self.grow();
            self.model.trees.push(tree);
        }
        self.model.trees.len() >= self.settings.trees
    }

    /// The model as far as it is.
    pub fn finish(self) -> Trees {
        self.model
    }

    fn column(&self, column: usize) -> &[u8] {
        self.bins.get(column * self.rows..(column + 1) * self.rows).unwrap_or(&[])
    }

    fn grow(&mut self) -> Vec<Node> {
        let number = self.model.trees.len() as u64;
        let keep = |stream: u64, at: usize| sampled(number * 2 + stream, at as u64, self.settings.sample);
        let columns: Vec<usize> = (0..self.cuts.len()).filter(|&c| keep(0, c)).collect();
        let rows: Vec<u32> = (0..self.rows).filter(|&r| keep(1, r)).map(|r| r as u32).collect();
        let mut tree = vec![Node::leaf(self.answer(&rows))];
        let histogram = self.histogram(&rows, &columns);
        let best = self.best(&histogram, columns.len());
        let mut leaves = vec![Leaf { node: 0, rows, histogram, best }];
        while leaves.len() < self.settings.leaves.min(1 << 15) {
            let gain = |leaf: &Leaf| leaf.best.map_or(0.0, |split| split.gain);
            let Some(at) = (0..leaves.len()).max_by(|&a, &b| match (leaves.get(a), leaves.get(b)) {
                (Some(a), Some(b)) => gain(a).total_cmp(&gain(b)),
                (a, b) => a.is_some().cmp(&b.is_some()),
            }) else {
                break;
            };
            let leaf = leaves.swap_remove(at);
            let Some(split) = leaf.best else {
                leaves.push(leaf);
                break;
            };
            leaves.extend(self.split(leaf, split, &columns, &mut tree));
        }
        self.apply(&tree);
        tree
    }

    /// What a leaf of these rows says.
    fn answer(&self, rows: &[u32]) -> f32 {
        let sum: f64 = rows.iter().filter_map(|&r| self.residual.get(r as usize)).map(|&r| f64::from(r)).sum();
        (self.settings.rate * sum / rows.len().max(1) as f64) as f32
    }

    fn histogram(&self, rows: &[u32], columns: &[usize]) -> Vec<Bin> {
        let mut histogram = vec![Bin::default(); columns.len() * BINS];
        for (&column, bins) in columns.iter().zip(histogram.chunks_exact_mut(BINS)) {
            let of_column = self.column(column);
            for &row in rows {
                if let (Some(&bin), Some(&residual)) = (of_column.get(row as usize), self.residual.get(row as usize))
                    && let Some(bin) = bins.get_mut(usize::from(bin))
                {
                    bin.sum += f64::from(residual);
                    bin.rows += 1.0;
                }
            }
        }
        histogram
    }

    /// The split that takes most from the squared error; none where no side would keep rows enough.
    fn best(&self, histogram: &[Bin], columns: usize) -> Option<Split> {
        let least = self.settings.leaf_rows.max(1) as f64;
        let mut best: Option<Split> = None;
        for (column, bins) in histogram.chunks_exact(BINS).enumerate().take(columns) {
            let (sum, rows) = bins.iter().fold((0.0, 0.0), |(s, n), bin| (s + bin.sum, n + bin.rows));
            let (mut left_sum, mut left_rows) = (0.0, 0.0);
            for (at, bin) in bins.iter().enumerate() {
                left_sum += bin.sum;
                left_rows += bin.rows;
                let (right_sum, right_rows) = (sum - left_sum, rows - left_rows);
                if left_rows < least || right_rows < least || bin.rows == 0.0 {
                    continue;
                }
                let gain = left_sum * left_sum / left_rows + right_sum * right_sum / right_rows - sum * sum / rows;
                if gain > best.map_or(1e-12 * (1.0 + sum * sum), |b| b.gain) {
                    best = Some(Split { gain, column, bin: at });
                }
            }
        }
        best
    }

    fn split(&self, leaf: Leaf, split: Split, columns: &[usize], tree: &mut Vec<Node>) -> [Leaf; 2] {
        let column = columns.get(split.column).copied().unwrap_or(0);
        let bins = self.column(column);
        let goes_left = |row: &u32| bins.get(*row as usize).is_none_or(|&bin| usize::from(bin) <= split.bin);
        let (left, right): (Vec<u32>, Vec<u32>) = leaf.rows.into_iter().partition(goes_left);
        let threshold = match split.bin.checked_sub(1) {
            Some(cut) => self.cuts.get(column).and_then(|cuts| cuts.get(cut)).copied().unwrap_or(f32::INFINITY),
            None => f32::NEG_INFINITY,
        };
        let children = (tree.len(), tree.len() + 1);
        tree.push(Node::leaf(self.answer(&left)));
        tree.push(Node::leaf(self.answer(&right)));
        if let Some(node) = tree.get_mut(leaf.node) {
            *node = Node {
                feature: column as u8,
                threshold,
                left: children.0 as u16,
                right: children.1 as u16,
                value: 0.0,
            };
        }
        // The smaller side is counted, the larger is what remains of the parent.
        let (small, large) = if left.len() <= right.len() { (&left, false) } else { (&right, true) };
        let counted = self.histogram(small, columns);
        let minus = |(whole, part): (&Bin, &Bin)| Bin { sum: whole.sum - part.sum, rows: whole.rows - part.rows };
        let rest: Vec<Bin> = leaf.histogram.iter().zip(&counted).map(minus).collect();
        let (left_bins, right_bins) = if large { (rest, counted) } else { (counted, rest) };
        let of = |node, rows, histogram: Vec<Bin>| {
            let best = self.best(&histogram, columns.len());
            Leaf { node, rows, histogram, best }
        };
        [of(children.0, left, left_bins), of(children.1, right, right_bins)]
    }

    /// Takes the tree's answers from the residuals, over all rows.
    fn apply(&mut self, tree: &[Node]) {
        let cuts: Vec<usize> = tree.iter().map(|node| self.node_bin(node)).collect();
        for row in 0..self.rows {
            let mut at = 0;
            while let Some(node) = tree.get(at).filter(|node| node.left != 0) {
                let bin = self.bins.get(usize::from(node.feature) * self.rows + row).map_or(0, |&bin| usize::from(bin));
                let left = bin <= cuts.get(at).copied().unwrap_or(0);
                at = usize::from(if left { node.left } else { node.right });
            }
            if let (Some(residual), Some(node)) = (self.residual.get_mut(row), tree.get(at)) {
                *residual -= node.value;
            }
        }
    }

    /// The last bin that goes left at that node.
    fn node_bin(&self, node: &Node) -> usize {
        let cuts = self.cuts.get(usize::from(node.feature)).map_or(&[] as &[f32], Vec::as_slice);
        if node.threshold == f32::NEG_INFINITY { 0 } else { 1 + cuts.partition_point(|&cut| cut < node.threshold) }
    }
}

/// Bin 0 is for missing values; bin k + 1 holds the values up to cut k and above cut k − 1.
fn bin_of(value: f32, cuts: &[f32]) -> u8 {
    if value.is_finite() { 1 + cuts.partition_point(|&cut| cut < value) as u8 } else { 0 }
}

fn quantile_cuts(values: impl Iterator<Item = f32>, rows: usize) -> Vec<f32> {
    let every = rows.div_ceil(QUANTILE_SAMPLE).max(1);
    let mut sample: Vec<f32> = values.step_by(every).filter(|value| value.is_finite()).collect();
    sample.sort_by(f32::total_cmp);
    let mut cuts: Vec<f32> = (1..BINS - 1).filter_map(|k| sample.get(k * sample.len() / (BINS - 1)).copied()).collect();
    cuts.dedup();
    cuts
}

/// A coin for each place, the same in every run (SplitMix64's finaliser: Steele, Lea, Flood 2014).
fn sampled(stream: u64, at: u64, share: f64) -> bool {
    let mut x = (stream << 32 ^ at).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 <= share
}

#[cfg(test)]
mod tests;
