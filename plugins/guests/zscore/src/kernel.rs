//! The arithmetic: mean and standard deviation of the window, slid row by row, columns side by side so that it vectorises.

/// Columns that go side by side: four vectors of two, which share what a loop's turn costs. In wasm that is the look at
/// the epoch, for which whatever is held in registers is put away.
const LANES: usize = 8;

type Lanes = [f64; LANES];
type Codes = [u8; LANES];

const ZEROS: Lanes = [0.0; LANES];

/// Variances below it count as this, so that a constant column gives a finite score.
const VARIANCE_MIN: f64 = 1e-12;

/// Room for the sums; nothing is carried from one call to the next, so the result is a function of the frame.
pub struct ZScore {
    columns: usize,
    window: usize,
    sums: Vec<Sums>,
    spread: Vec<Spread>,
    /// |z| of each column of the row at hand.
    z: Vec<Lanes>,
    /// The frame, where its rows have to be filled up to whole blocks of `LANES`.
    filled: (Vec<f64>, Vec<u8>),
}

/// Over the window's usable values of `LANES` columns.
#[derive(Clone, Default)]
struct Sums {
    /// Subtracted first, so that squares of large offsets do not cancel.
    reference: Lanes,
    count: Lanes,
    sum: Lanes,
    square: Lanes,
}

/// Mean, from the reference, and variance of the window.
#[derive(Clone, Default)]
struct Spread {
    mean: Lanes,
    variance: Lanes,
}

impl ZScore {
    /// For frames of that many columns, each row held against the `window − 1` before it.
    #[must_use]
    pub fn new(columns: usize, window: usize) -> Self {
        let columns = columns.max(1);
        let blocks = columns.div_ceil(LANES);
        ZScore {
            columns,
            window: window.max(3),
            sums: vec![Sums::default(); blocks],
            spread: vec![Spread::default(); blocks],
            z: vec![ZEROS; blocks],
            filled: Default::default(),
        }
    }

    /// Calls `row(index, largest |z|, |z| of each column)` for each row from `first_new` on. `values` and `quality`
    /// are rows × columns, row-major; with `QUALITY`, a value whose quality is neither good nor uncertain is left out.
    pub fn judge<const QUALITY: bool>(
        &mut self,
        values: &[f64],
        quality: &[u8],
        first_new: usize,
        row: impl FnMut(usize, f64, &[f64]),
    ) {
        let (mut filled_values, mut filled_quality) = std::mem::take(&mut self.filled);
        let (values, quality) = match self.columns % LANES {
            0 => (values, quality),
            _ => (fill(values, self.columns, &mut filled_values), fill(quality, self.columns, &mut filled_quality)),
        };
        let (blocks, codes) = (values.as_chunks().0, quality.as_chunks().0);
        // Mostly everything is usable, and nothing has to be told apart.
        match QUALITY && !all_usable(quality) {
            true => self.roll::<true>(blocks, codes, first_new, row),
            false => self.roll::<false>(blocks, codes, first_new, row),
        }
        self.filled = (filled_values, filled_quality);
    }

    /// `GAPS`: whether any value is to be left out.
    fn roll<const GAPS: bool>(
        &mut self,
        values: &[Lanes],
        quality: &[Codes],
        first_new: usize,
        mut row: impl FnMut(usize, f64, &[f64]),
    ) {
        let width = self.sums.len();
        for (sums, first) in self.sums.iter_mut().zip(values) {
            let reference = first.map(|first| if first.is_finite() { first } else { 0.0 });
            *sums = Sums { reference, ..Sums::default() };
        }
        let history = self.window - 1;
        let rows = || values.chunks_exact(width).zip(quality.chunks_exact(width));
        let mut leaving = rows();
        for (index, new) in rows().enumerate() {
            let is_new = index >= first_new;
            let mut largest = 0.0;
            if is_new {
                let count = index.min(history) as f64;
                largest = score::<GAPS>(&self.sums, new, count, &mut self.spread, &mut self.z);
            }
            match if index < history { None } else { leaving.next() } {
                None => take::<GAPS>(&mut self.sums, new),
                Some(old) => exchange::<GAPS>(&mut self.sums, new, old),
            }
            if is_new {
                row(index, largest, &self.z.as_flattened()[..self.columns]);
            }
        }
    }
}

/// The blocks of a row.
type Row<'a> = (&'a [Lanes], &'a [Codes]);

/// Takes a row into the sums.
#[inline(never)]
fn take<const GAPS: bool>(sums: &mut [Sums], (values, quality): Row<'_>) {
    for ((sums, values), quality) in sums.iter_mut().zip(values).zip(quality) {
        let (x, usable) = sums.centred::<GAPS>(values, quality);
        for lane in 0..LANES {
            if GAPS {
                sums.count[lane] += usable[lane];
            }
            sums.sum[lane] += x[lane];
            sums.square[lane] += x[lane] * x[lane];
        }
    }
}

/// |z| of each column of a row against the sums, and the largest of them. `count` is the number of rows in the sums.
#[inline(never)]
fn score<const GAPS: bool>(sums: &[Sums], row: Row<'_>, count: f64, spread: &mut [Spread], z: &mut [Lanes]) -> f64 {
    if count < 2.0 {
        z.fill(ZEROS);
        return 0.0;
    }
    // A loop of its own: the processor overlaps two short chains of divisions better than one long one.
    for (sums, spread) in sums.iter().zip(&mut *spread) {
        sums.spread::<GAPS>(count, spread);
    }
    let mut largest = ZEROS;
    for ((((sums, spread), values), quality), z) in sums.iter().zip(spread).zip(row.0).zip(row.1).zip(z) {
        let (x, usable) = sums.centred::<GAPS>(values, quality);
        for lane in 0..LANES {
            let mean = spread.mean[lane];
            let distance = if usable[lane] > 0.0 { x[lane] - mean } else { 0.0 };
            z[lane] = distance.abs() / spread.variance[lane].sqrt();
            largest[lane] = if z[lane] > largest[lane] { z[lane] } else { largest[lane] };
        }
    }
    largest.into_iter().fold(0.0, |most, z| if z > most { z } else { most })
}

/// Takes a row into the sums and another out of them: x² − y² = (x − y)·(x + y).
#[inline(never)]
fn exchange<const GAPS: bool>(sums: &mut [Sums], new: Row<'_>, old: Row<'_>) {
    let (new, old) = (new.0.iter().zip(new.1), old.0.iter().zip(old.1));
    for ((sums, new), old) in sums.iter_mut().zip(new).zip(old) {
        let (x, entered) = sums.centred::<GAPS>(new.0, new.1);
        let (y, left) = sums.centred::<GAPS>(old.0, old.1);
        for lane in 0..LANES {
            if GAPS {
                sums.count[lane] += entered[lane] - left[lane];
            }
            let change = x[lane] - y[lane];
            sums.sum[lane] += change;
            sums.square[lane] += change * (x[lane] + y[lane]);
        }
    }
}

impl Sums {
    /// Mean and variance of the window. `count` is that of a column without gaps.
    #[inline]
    fn spread<const GAPS: bool>(&self, count: f64, spread: &mut Spread) {
        for lane in 0..LANES {
            let n = if GAPS { self.count[lane] } else { count };
            // Fewer than two values have no spread, so nothing is far from them.
            let few = GAPS && n < 2.0;
            let mean = self.sum[lane] / n;
            let variance = (self.square[lane] - self.sum[lane] * mean) / (n - 1.0);
            let variance = if variance > VARIANCE_MIN { variance } else { VARIANCE_MIN };
            spread.mean[lane] = if few { 0.0 } else { mean };
            spread.variance[lane] = if few { f64::INFINITY } else { variance };
        }
    }

    /// The values less their reference, and 1 where a value is usable. What is not is 0 and 0.
    #[inline]
    fn centred<const GAPS: bool>(&self, values: &Lanes, quality: &Codes) -> (Lanes, Lanes) {
        let (mut x, mut usable) = (*values, [1.0; LANES]);
        for lane in 0..LANES {
            x[lane] -= self.reference[lane];
            if GAPS {
                let is_usable = quality[lane] <= 1;
                usable[lane] = if is_usable { 1.0 } else { 0.0 };
                x[lane] = if is_usable { x[lane] } else { 0.0 };
            }
        }
        (x, usable)
    }
}

/// Whether every quality is good or uncertain. In blocks, so that each is a few vector instructions.
fn all_usable(quality: &[u8]) -> bool {
    let worst = |codes: &[u8]| codes.iter().fold(0, |worst, &code| worst.max(code));
    let (blocks, rest) = quality.as_chunks::<128>();
    blocks.iter().all(|block| worst(block) <= 1) && worst(rest) <= 1
}

/// Fills rows up to whole blocks with zeros, which change nothing.
fn fill<'a, T: Copy + Default>(rows: &[T], columns: usize, filled: &'a mut Vec<T>) -> &'a [T] {
    let width = columns.next_multiple_of(LANES);
    filled.clear();
    for row in rows.chunks_exact(columns) {
        filled.extend_from_slice(row);
        filled.resize(filled.len() + width - columns, T::default());
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, two passes over the window.
    fn plain(history: &[f64], value: f64) -> f64 {
        let n = history.len() as f64;
        let mean = history.iter().sum::<f64>() / n;
        let variance = history.iter().map(|old| (old - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (value - mean).abs() / variance.sqrt()
    }

    #[test]
    fn agrees_with_the_definition() {
        const COLUMNS: usize = 5;
        let values: Vec<f64> = (0..60 * COLUMNS).map(|cell| 1e4 + ((cell * 7919) % 101) as f64).collect();
        let quality = vec![0; values.len()];
        let mut seen = 0;
        ZScore::new(COLUMNS, 8).judge::<true>(&values, &quality, 7, |row, z, each| {
            let expected: Vec<f64> = (0..COLUMNS)
                .map(|column| {
                    let history: Vec<f64> = (row - 7..row).map(|old| values[old * COLUMNS + column]).collect();
                    plain(&history, values[row * COLUMNS + column])
                })
                .collect();
            for (z, expected) in each.iter().zip(&expected) {
                assert!((z - expected).abs() < 1e-6 * expected.max(1.0), "{z} {expected}");
            }
            assert!((z - expected.iter().copied().fold(0.0, f64::max)).abs() < 1e-6);
            seen += 1;
        });
        assert_eq!(seen, 53);
    }

    #[test]
    fn an_unusable_value_counts_for_nothing() {
        let mut values: Vec<f64> = (0..20).map(|row| f64::from(row % 3)).collect();
        let mut quality = vec![0; 20];
        (values[9], quality[9]) = (f64::NAN, 2);
        (values[12], quality[12]) = (1e9, 3);
        ZScore::new(1, 6).judge::<true>(&values, &quality, 5, |row, z, _| assert!(z < 3.0, "row {row}: {z}"));
    }

    #[test]
    fn fewer_than_two_usable_values_have_no_spread() {
        let values: Vec<f64> = (0..12).map(|cell| if cell == 6 { f64::NAN } else { f64::from(cell * cell) }).collect();
        // Of the first column nothing is usable before the last row, of the second one value, of the third all.
        let quality = [2, 0, 0, 3, 2, 0, 2, 2, 0, 0, 0, 0];
        let mut seen = Vec::new();
        ZScore::new(3, 9).judge::<true>(&values, &quality, 0, |_, largest, each| {
            assert!(each.iter().all(|z| z.is_finite()) && largest == each.iter().copied().fold(0.0, f64::max));
            seen.push([each[0] > 0.0, each[1] > 0.0, each[2] > 0.0]);
        });
        assert_eq!(seen, [[false; 3], [false; 3], [false, false, true], [false, false, true]]);
    }

    #[test]
    fn a_constant_column_gives_a_finite_score() {
        let values = [5.0, 5.0, 5.0, 5.0, 6.0];
        ZScore::new(1, 4).judge::<false>(&values, &[0; 5], 3, |row, z, _| {
            assert!(if row == 3 { z == 0.0 } else { z.is_finite() && z > 100.0 });
        });
    }
}
