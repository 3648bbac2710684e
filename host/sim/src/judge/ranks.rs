//! Whether two columns rise and fall together: a health index that only falls with time is at −1.

use super::input::{self, InputError};

/// Ranks from 1 on; equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(f64, usize)> = values.iter().copied().zip(0..).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = vec![0.0; values.len()];
    let mut passed = 0;
    for equal in order.chunk_by(|a, b| a.0 == b.0) {
        let shared = passed as f64 + (equal.len() as f64 + 1.0) / 2.0;
        for (_, row) in equal {
            if let Some(rank) = ranks.get_mut(*row) {
                *rank = shared;
            }
        }
        passed += equal.len();
    }
    ranks
}

/// Spearman's rank correlation: Pearson's of the ranks, equal values sharing theirs (Spearman 1904; Kendall & Gibbons,
/// *Rank Correlation Methods*, 1990, for ties). None where a column never changes.
pub fn spearman(left: &[f64], right: &[f64]) -> Result<Option<f64>, InputError> {
    input::pair("left and right", left, right)?;
    let mean = (left.len() as f64 + 1.0) / 2.0;
    let (mut both, mut lefts, mut rights) = (0.0, 0.0, 0.0);
    for (l, r) in ranks(left).into_iter().zip(ranks(right)) {
        both += (l - mean) * (r - mean);
        lefts += (l - mean).powi(2);
        rights += (r - mean).powi(2);
    }
    Ok((lefts > 0.0 && rights > 0.0).then(|| (both / (lefts.sqrt() * rights.sqrt())).clamp(-1.0, 1.0)))
}

/// The most rows that [`kendall`] takes: it compares each with each.
pub const MAX_KENDALL_ROWS: usize = 20_000;

/// Kendall's τ-b (Kendall & Gibbons 1990): pairs in the same order less pairs in the opposite one, over the geometric
/// mean of the pairs that are untied on the left and those untied on the right. None where a column never changes.
pub fn kendall(left: &[f64], right: &[f64]) -> Result<Option<f64>, InputError> {
    input::pair("left and right", left, right)?;
    input::in_range("rows", left.len() as f64, left.len() <= MAX_KENDALL_ROWS)?;
    let rows: Vec<(f64, f64)> = left.iter().copied().zip(right.iter().copied()).collect();
    let sign = |a: f64, b: f64| i64::from(a < b) - i64::from(b < a);
    let (mut balance, mut lefts, mut rights) = (0_i64, 0_i64, 0_i64);
    for (at, a) in rows.iter().enumerate() {
        for b in rows.iter().skip(at + 1) {
            let (l, r) = (sign(a.0, b.0), sign(a.1, b.1));
            balance += l * r;
            lefts += l.abs();
            rights += r.abs();
        }
    }
    let untied = (lefts as f64).sqrt() * (rights as f64).sqrt();
    Ok((untied > 0.0).then(|| (balance as f64 / untied).clamp(-1.0, 1.0)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn check(left: &[f64], right: &[f64], rho: f64, tau: f64) {
        let got = (spearman(left, right).unwrap().unwrap(), kendall(left, right).unwrap().unwrap());
        assert!((got.0 - rho).abs() < 1e-12 && (got.1 - tau).abs() < 1e-12, "{got:?}, expected {rho} and {tau}");
    }

    #[test]
    fn by_hand() {
        check(&[1.0, 2.0, 3.0], &[10.0, 100.0, 1000.0], 1.0, 1.0);
        check(&[1.0, 2.0, 3.0, 4.0], &[9.0, 5.0, 2.0, -7.0], -1.0, -1.0);
        // Differences of ranks 1, 1, 0, 1, 1: 1 − 6·4/(5·24); two of ten pairs are swapped.
        check(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2.0, 1.0, 3.0, 5.0, 4.0], 0.8, 0.6);
        // Ties: ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4 give 4.5/√(4.5·5); five pairs in order, one tied on the left.
        check(&[1.0, 2.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 4.0], 4.5 / 22.5_f64.sqrt(), 5.0 / 30.0_f64.sqrt());
        // Zero and minus zero are equal.
        check(&[0.0, -0.0, 1.0, 2.0], &[1.0, 2.0, 3.0, 4.0], 4.5 / 22.5_f64.sqrt(), 5.0 / 30.0_f64.sqrt());
    }

    #[test]
    fn a_monotone_map_changes_nothing() {
        let left: Vec<f64> = (0..50).map(|i| f64::from((i * 37) % 53)).collect();
        let right: Vec<f64> = (0..50).map(|i| f64::from((i * 11) % 17)).collect();
        let mapped: Vec<f64> = left.iter().map(|v| v.exp()).collect();
        assert_eq!(spearman(&left, &right), spearman(&mapped, &right));
        assert_eq!(kendall(&left, &right), kendall(&mapped, &right));
        assert_eq!(spearman(&left, &right), spearman(&right, &left));
    }

    #[test]
    fn what_never_changes_has_no_correlation() {
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), Ok(None));
        assert_eq!(kendall(&[1.0, 2.0], &[3.0, 3.0]), Ok(None));
        assert_eq!((spearman(&[1.0], &[1.0]), kendall(&[1.0], &[1.0])), (Ok(None), Ok(None)));
        assert!(spearman(&[1.0, f64::NAN], &[1.0, 2.0]).is_err());
        assert!(kendall(&[], &[]).is_err() && spearman(&[1.0], &[]).is_err());
        assert!(kendall(&vec![1.0; MAX_KENDALL_ROWS + 1], &vec![1.0; MAX_KENDALL_ROWS + 1]).is_err());
    }
}
