//! The arithmetic: sums over the window, slid row by row, all columns side by side so that it vectorises.

/// Room for the sums; nothing is carried from one call to the next, so the result is a function of the frame.
pub struct ZScore {
    columns: usize,
    window: usize,
    /// Subtracted first, one a column, so that squares of large offsets do not cancel.
    reference: Vec<f64>,
    count: Vec<f64>,
    sum: Vec<f64>,
    square: Vec<f64>,
    squared_z: Vec<f64>,
}

/// Variances below it count as this, so that a constant column gives a finite score.
const VARIANCE_MIN: f64 = 1e-12;

impl ZScore {
    /// For frames of that many columns, each row held against the `window − 1` before it.
    #[must_use]
    pub fn new(columns: usize, window: usize) -> Self {
        let zeros = vec![0.0; columns];
        ZScore {
            columns,
            window: window.max(3),
            reference: zeros.clone(),
            count: zeros.clone(),
            sum: zeros.clone(),
            square: zeros.clone(),
            squared_z: zeros,
        }
    }

    /// Calls `row(index, largest |z|, z² of each column)` for each row from `first_new` on. `values` and `quality`
    /// are rows × columns, row-major; with `QUALITY`, a value whose quality is neither good nor uncertain is left out.
    pub fn judge<const QUALITY: bool>(
        &mut self,
        values: &[f64],
        quality: &[u8],
        first_new: usize,
        mut row: impl FnMut(usize, f64, &[f64]),
    ) {
        let columns = self.columns.max(1);
        self.count.fill(0.0);
        self.sum.fill(0.0);
        self.square.fill(0.0);
        for (column, reference) in self.reference.iter_mut().enumerate() {
            let first = values.get(column).copied().unwrap_or(0.0);
            *reference = if first.is_finite() { first } else { 0.0 };
        }
        let history = self.window - 1;
        for (index, (new, new_quality)) in values.chunks_exact(columns).zip(quality.chunks_exact(columns)).enumerate() {
            if index > history {
                let old = (index - history - 1) * columns;
                self.slide::<QUALITY>(&values[old..old + columns], &quality[old..old + columns], -1.0);
            }
            if index >= first_new {
                self.score::<QUALITY>(new, new_quality);
                row(index, largest(&self.squared_z).sqrt(), &self.squared_z);
            }
            self.slide::<QUALITY>(new, new_quality, 1.0);
        }
    }

    /// Takes a row into the sums (`sign` 1) or out of them (−1).
    fn slide<const QUALITY: bool>(&mut self, values: &[f64], quality: &[u8], sign: f64) {
        let columns = self.columns;
        let (values, quality, reference) = (&values[..columns], &quality[..columns], &self.reference[..columns]);
        let (count, sum) = (&mut self.count[..columns], &mut self.sum[..columns]);
        let square = &mut self.square[..columns];
        for column in 0..columns {
            let mut value = values[column] - reference[column];
            let mut one = sign;
            if QUALITY {
                let usable = quality[column] <= 1;
                value = if usable { value } else { 0.0 };
                one = if usable { sign } else { 0.0 };
            }
            count[column] += one;
            sum[column] += one * value;
            square[column] += one * value * value;
        }
    }

    /// z² of each column against the sums, in one division: with n, S, Q the count, sum and sum of squares,
    /// z² = (x − S/n)² / ((Q − S²/n) / (n − 1)) = (n·x − S)²·(n − 1) / (n·(n·Q − S²)).
    fn score<const QUALITY: bool>(&mut self, values: &[f64], quality: &[u8]) {
        let columns = self.columns;
        let (values, quality, reference) = (&values[..columns], &quality[..columns], &self.reference[..columns]);
        let (count, sum, square) = (&self.count[..columns], &self.sum[..columns], &self.square[..columns]);
        let squared_z = &mut self.squared_z[..columns];
        for column in 0..columns {
            let (n, s, q) = (count[column], sum[column], square[column]);
            let distance = n * (values[column] - reference[column]) - s;
            let spread = n * q - s * s;
            let least = VARIANCE_MIN * n * n;
            let spread = if spread > least { spread } else { least };
            let z = distance * distance * (n - 1.0) / (n * spread);
            // Fewer than two values have no spread; that is the comparison with NaN too.
            let known = n > 1.0 && (!QUALITY || quality[column] <= 1);
            squared_z[column] = if known { z } else { 0.0 };
        }
    }
}

/// In four lanes, since a single running maximum is one long chain.
fn largest(values: &[f64]) -> f64 {
    let mut lanes = [0.0_f64; 4];
    let chunks = values.chunks_exact(4);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    lanes.iter().chain(rest).copied().fold(0.0, |most, value| if value > most { value } else { most })
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
        ZScore::new(COLUMNS, 8).judge::<true>(&values, &quality, 7, |row, z, squares| {
            let expected: Vec<f64> = (0..COLUMNS)
                .map(|column| {
                    let history: Vec<f64> = (row - 7..row).map(|old| values[old * COLUMNS + column]).collect();
                    plain(&history, values[row * COLUMNS + column])
                })
                .collect();
            for (square, expected) in squares.iter().zip(&expected) {
                assert!((square.sqrt() - expected).abs() < 1e-6 * expected.max(1.0), "{square} {expected}");
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
    fn a_constant_column_gives_a_finite_score() {
        let values = [5.0, 5.0, 5.0, 5.0, 6.0];
        ZScore::new(1, 4).judge::<false>(&values, &[0; 5], 3, |row, z, _| {
            assert!(if row == 3 { z == 0.0 } else { z.is_finite() && z > 100.0 });
        });
    }
}
