//! How long a detector runs until it alarms.

use super::input::InputError;

/// One run: rows, seconds or whatever unit is wanted, from its start to its alarm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunLength {
    /// How long it ran, above or at zero.
    pub length: f64,
    /// Whether an alarm ended it. If not, the data did: it is censored and would have run longer.
    pub alarmed: bool,
}

/// The mean of run lengths, with how far it may be trusted.
///
/// The average run length is how control charts are compared (Page 1954; Montgomery, *Introduction to Statistical
/// Quality Control*): long without a fault, short with one.
///
/// Censoring: [`MeanRunLength::mean`] takes a censored run at the length it reached, so it is a lower bound of the true
/// mean, by as much as the censored runs would have run on; the same holds of its interval.
/// [`MeanRunLength::per_alarm`] is all time run over all alarms, the maximum-likelihood mean if an alarm is at any
/// moment as likely as at any other (Epstein & Sobel 1953): that is about true of false alarms, and not of a fault that
/// builds up. Without censoring both are the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanRunLength {
    /// Mean length, censored runs at the length they reached.
    pub mean: f64,
    /// Standard error of [`MeanRunLength::mean`]: the sample's standard deviation (with n − 1) over √n. None of one
    /// run.
    pub standard_error: Option<f64>,
    /// Time run over alarms; none without an alarm.
    pub per_alarm: Option<f64>,
    /// How many runs there were.
    pub runs: u64,
    /// How many of them were censored.
    pub censored: u64,
}

impl MeanRunLength {
    /// The mean of these runs.
    pub fn of(runs: &[RunLength]) -> Result<Self, InputError> {
        if runs.is_empty() {
            return Err(InputError::Empty("runs"));
        }
        if let Some(row) = runs.iter().position(|run| !run.length.is_finite()) {
            return Err(InputError::NotFinite { what: "run lengths", row });
        }
        if let Some(run) = runs.iter().find(|run| run.length < 0.0) {
            return Err(InputError::OutOfRange { what: "run length", value: run.length });
        }
        let n = runs.len() as f64;
        let total: f64 = runs.iter().map(|run| run.length).sum();
        let mean = total / n;
        let squares: f64 = runs.iter().map(|run| (run.length - mean).powi(2)).sum();
        let alarms = runs.iter().filter(|run| run.alarmed).count();
        Ok(Self {
            mean,
            standard_error: (runs.len() > 1).then(|| (squares / (n - 1.0) / n).sqrt()),
            per_alarm: (alarms > 0).then(|| total / alarms as f64),
            runs: runs.len() as u64,
            censored: (runs.len() - alarms) as u64,
        })
    }

    /// The interval of `z` standard errors about the mean, not below zero: 1.96 for 95 %. It rests on the central limit
    /// theorem, and run lengths are skewed: below some thirty runs it is too narrow.
    pub fn interval(&self, z: f64) -> Option<(f64, f64)> {
        let reach = z * self.standard_error?;
        (reach >= 0.0).then(|| ((self.mean - reach).max(0.0), self.mean + reach))
    }
}

/// The runs between the alarms of one file that begins without one, in rows: each from the row after an alarm's end to
/// the row on which the next begins (counted), the last one censored if no alarm ends it.
pub fn runs(alarms: &[bool]) -> Vec<RunLength> {
    let (mut runs, mut quiet, mut stood) = (Vec::new(), 0_u64, false);
    for &alarm in alarms {
        if !alarm {
            quiet += 1;
        } else if !stood {
            runs.push(RunLength { length: quiet as f64 + 1.0, alarmed: true });
            quiet = 0;
        }
        stood = alarm;
    }
    if quiet > 0 {
        runs.push(RunLength { length: quiet as f64, alarmed: false });
    }
    runs
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn ended(lengths: &[f64]) -> Vec<RunLength> {
        lengths.iter().map(|&length| RunLength { length, alarmed: true }).collect()
    }

    #[test]
    fn mean_and_error_by_hand() {
        // Mean 5, squares 9 + 1 + 1 + 9 = 20, variance 20/3, error √(5/3).
        let mean = MeanRunLength::of(&ended(&[2.0, 4.0, 6.0, 8.0])).unwrap();
        let error = (5.0_f64 / 3.0).sqrt();
        assert_eq!((mean.mean, mean.per_alarm, mean.runs, mean.censored), (5.0, Some(5.0), 4, 0));
        assert!((mean.standard_error.unwrap() - error).abs() < 1e-12);
        let (lo, hi) = mean.interval(1.96).unwrap();
        assert!((lo - (5.0 - 1.96 * error)).abs() < 1e-12 && (hi - (5.0 + 1.96 * error)).abs() < 1e-12);
        assert_eq!(mean.interval(100.0).unwrap().0, 0.0);
        assert_eq!((mean.interval(-1.0), mean.interval(f64::NAN)), (None, None));
    }

    #[test]
    fn censored_runs_hold_the_mean_down() {
        let mut runs = ended(&[2.0, 4.0]);
        runs.push(RunLength { length: 12.0, alarmed: false });
        let mean = MeanRunLength::of(&runs).unwrap();
        assert_eq!((mean.mean, mean.per_alarm, mean.censored), (6.0, Some(9.0), 1));
        let never = MeanRunLength::of(&runs[2..]).unwrap();
        assert_eq!((never.mean, never.per_alarm, never.standard_error, never.interval(1.96)), (12.0, None, None, None));
    }

    #[test]
    fn runs_are_cut_at_the_beginnings_of_alarms() {
        let picture = |text: &str| {
            let alarms: Vec<bool> = text.chars().map(|c| c == '!').collect();
            runs(&alarms).into_iter().map(|run| (run.length, run.alarmed)).collect::<Vec<_>>()
        };
        assert_eq!(picture("..!!.!..."), [(3.0, true), (2.0, true), (3.0, false)]);
        assert_eq!(picture("!...!!"), [(1.0, true), (4.0, true)]);
        assert_eq!(picture("...."), [(4.0, false)]);
        assert_eq!(picture(""), []);
    }

    /// An alarm with a chance of 1/p on each row, cut off after some rows: per_alarm finds p, the mean stays below.
    #[test]
    fn a_constant_chance_is_found_under_censoring() {
        let (chance, cut) = (0.02_f64, 60_u32);
        let mut rng: rand_pcg::Pcg64Mcg = crate::noise::stream(1, 11, 0);
        let run = |rng: &mut rand_pcg::Pcg64Mcg| {
            let alarm = (1..=cut).find(|_| crate::noise::uniform(rng, 0.0, 1.0) < chance);
            RunLength { length: f64::from(alarm.unwrap_or(cut)), alarmed: alarm.is_some() }
        };
        let runs: Vec<RunLength> = (0..20_000).map(|_| run(&mut rng)).collect();
        let mean = MeanRunLength::of(&runs).unwrap();
        assert!((mean.per_alarm.unwrap() - 50.0).abs() < 1.5, "{mean:?}");
        // The mean of min(run, 60) is (1 − 0.98^60) / 0.02.
        let cut_mean = (1.0 - 0.98_f64.powi(60)) / 0.02;
        let (lo, hi) = mean.interval(4.0).unwrap();
        assert!(lo < cut_mean && cut_mean < hi, "{mean:?}");
    }

    #[test]
    fn bad_input_is_an_error() {
        assert_eq!(MeanRunLength::of(&[]), Err(InputError::Empty("runs")));
        assert!(matches!(MeanRunLength::of(&ended(&[1.0, f64::NAN])), Err(InputError::NotFinite { row: 1, .. })));
        assert!(matches!(MeanRunLength::of(&ended(&[-1.0])), Err(InputError::OutOfRange { .. })));
    }
}
