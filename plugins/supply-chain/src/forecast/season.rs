//! The seasons that rows so far apart can have, and the lags that a regression looks back by.

/// The lengths of up to two seasons, in periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seasons {
    /// The shorter one; 1 where there is none.
    pub short: usize,
    /// The longer one, a multiple of the shorter; equal to it where there is only one.
    pub long: usize,
}

const HOUR_NS: i64 = 3_600_000_000_000;
const DAY_NS: i64 = 24 * HOUR_NS;
/// The longest season: a week of quarter hours.
pub const MAX_SEASON: usize = 672;

impl Seasons {
    /// None.
    pub const NONE: Seasons = Seasons { short: 1, long: 1 };

    /// One of that length.
    #[must_use]
    pub fn one(length: usize) -> Self {
        let length = length.clamp(1, MAX_SEASON);
        Seasons { short: length, long: length }
    }

    /// Of those lengths, in whichever bounds they must be.
    #[must_use]
    pub fn of_lengths(short: usize, long: usize) -> Self {
        let short = short.clamp(1, MAX_SEASON);
        Seasons { short, long: (long / short * short).clamp(short, MAX_SEASON / short * short) }
    }

    /// By the calendar: days and weeks of what is measured several times a day, weeks of days, years of weeks, months
    /// and quarters. Rows that are too close for a day to be a season have none.
    #[must_use]
    pub fn of_step(step_ns: i64) -> Self {
        let days = step_ns as f64 / DAY_NS as f64;
        match days {
            _ if step_ns <= 0 => Self::NONE,
            _ if days <= 0.5 => {
                let day = (1.0 / days).round() as usize;
                let exact = (day as f64 * days - 1.0).abs() < 1e-6;
                match (exact, 7 * day) {
                    (true, week) if week <= MAX_SEASON => Seasons { short: day, long: week },
                    (true, _) if day <= MAX_SEASON => Self::one(day),
                    _ => Self::NONE,
                }
            }
            _ if (0.9..=1.1).contains(&days) => Self::one(7),
            _ if (6.5..=7.5).contains(&days) => Self::one(52),
            _ if (27.5..=31.5).contains(&days) => Self::one(12),
            _ if (89.0..=93.0).contains(&days) => Self::one(4),
            _ => Self::NONE,
        }
    }

    /// Whether there are two.
    #[must_use]
    pub fn is_double(&self) -> bool {
        self.short < self.long
    }

    /// How far ahead is forecast unless it is told: two short seasons, 48 at most; a quarter of a year of weeks, and six
    /// periods where there is no season.
    #[must_use]
    pub fn horizon(&self) -> usize {
        match self.short {
            1 => 6,
            52 => 13,
            short => (2 * short).min(48),
        }
    }

    /// Lags of a few periods and of whole seasons.
    #[must_use]
    pub fn few_lags(&self) -> Vec<usize> {
        let Seasons { short: s, long: l } = *self;
        sorted(&[1, 2, s, s + 1, 2 * s, l, l + 1, 2 * l])
    }

    /// Lags about one season, each of the days of a week, and about the week.
    #[must_use]
    pub fn near_lags(&self) -> Vec<usize> {
        let Seasons { short: s, long: l } = *self;
        let mut lags = vec![1, 2, 3, s - 1, s, s + 1];
        lags.extend((2..=if self.is_double() { l / s - 1 } else { 4 }).map(|whole| whole * s));
        lags.extend([l - 1, l, l + 1]);
        sorted(&lags)
    }

    /// Lags about every whole season of two long ones.
    #[must_use]
    pub fn many_lags(&self) -> Vec<usize> {
        let Seasons { short: s, long: l } = *self;
        let mut lags = self.near_lags();
        lags.extend([s.saturating_sub(2), s + 2, 2 * s - 1, 2 * s + 1]);
        if self.is_double() {
            lags.extend([3 * s - 1, 3 * s + 1, l - s - 1, l - s + 1, l - 2, l + 2]);
            lags.extend([l + s - 1, l + s, l + s + 1]);
        }
        lags.extend([2 * l - 1, 2 * l, 2 * l + 1]);
        sorted(&lags)
    }

    /// The seasons' harmonics, in turns a long season: up to eight of the short one and ten of the long one.
    #[must_use]
    pub fn harmonics(&self) -> Vec<usize> {
        let Seasons { short: s, long: l } = *self;
        if s == 1 {
            return Vec::new();
        }
        let mut all: Vec<usize> = (1..=8).filter(|k| 2 * k <= s).map(|k| k * (l / s)).collect();
        if self.is_double() {
            // Those that are the short season's as well are there already.
            all.extend((1..=10).filter(|k| !(k * s).is_multiple_of(l)));
        }
        all
    }
}

/// Autocorrelation from which on a season is believed, and the share of the best one's that a shorter one needs: a
/// multiple of a season repeats as well as itself.
const BELIEVED: f64 = 0.3;
const AS_GOOD: f64 = 0.85;

/// The length of the season of values whose calendar is not known: the shortest lag at which the autocorrelation of their
/// changes peaks nearly as high as anywhere. None where it is no higher than chance makes it.
#[must_use]
pub fn find(values: &[f64]) -> Option<usize> {
    let changes: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let n = changes.len();
    let power: f64 = changes.iter().map(|change| change * change).sum();
    let at = |lag: usize| -> f64 {
        let products: f64 = changes.iter().zip(changes.iter().skip(lag)).map(|(a, b)| a * b).sum();
        // As if there were as many pairs at each lag.
        products / power * n as f64 / (n - lag) as f64
    };
    let longest = (n / 3).min(MAX_SEASON);
    if longest < 3 || power <= 0.0 {
        return None;
    }
    let all: Vec<f64> = (1..=longest + 1).map(at).collect();
    let peaks = || (2..=longest).filter(|lag| all[lag - 2] < all[lag - 1] && all[*lag] <= all[lag - 1]);
    let best = peaks().map(|lag| all[lag - 1]).fold(f64::NEG_INFINITY, f64::max);
    if best < BELIEVED.max(4.0 / (n as f64).sqrt()) {
        return None;
    }
    peaks().find(|lag| AS_GOOD * best <= all[lag - 1])
}

fn sorted(lags: &[usize]) -> Vec<usize> {
    let mut lags: Vec<usize> = lags.iter().copied().filter(|lag| *lag > 0).collect();
    lags.sort_unstable();
    lags.dedup();
    lags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(step_ns: i64, short: usize, long: usize, horizon: usize) {
        let seasons = Seasons::of_step(step_ns);
        assert_eq!((seasons.short, seasons.long, seasons.horizon()), (short, long, horizon), "{step_ns}");
    }

    #[test]
    fn the_calendar_gives_the_seasons() {
        check(HOUR_NS, 24, 168, 48);
        check(HOUR_NS / 4, 96, 672, 48);
        check(HOUR_NS / 12, 288, 288, 48);
        check(8 * HOUR_NS, 3, 21, 6);
        check(DAY_NS, 7, 7, 14);
        check(7 * DAY_NS, 52, 52, 13);
        check(30 * DAY_NS, 12, 12, 24);
        check(91 * DAY_NS, 4, 4, 8);
        check(365 * DAY_NS, 1, 1, 6);
        check(1_000_000_000, 1, 1, 6);
        check(7 * HOUR_NS, 1, 1, 6);
        check(0, 1, 1, 6);
    }

    #[test]
    fn a_season_is_found_by_its_repetition() {
        let noise = |at: usize| (at * 7_919 % 101) as f64 / 101.0 - 0.5;
        for season in [5_usize, 12, 30] {
            let wave = |at: usize| {
                let angle = std::f64::consts::TAU * (at % season) as f64 / season as f64;
                0.05 * at as f64 + 5.0 * angle.sin() + 2.0 * (2.0 * angle).cos() + noise(at)
            };
            assert_eq!(find(&(0..300).map(wave).collect::<Vec<_>>()), Some(season));
        }
        assert_eq!(find(&(0..300).map(|at| noise(at * at)).collect::<Vec<_>>()), None);
        assert_eq!(find(&[3.0; 100]), None);
        assert_eq!(find(&[1.0, 2.0]), None);
    }

    #[test]
    fn lags_follow_from_the_seasons() {
        let hourly = Seasons::of_step(HOUR_NS);
        assert_eq!(hourly.few_lags(), [1, 2, 24, 25, 48, 168, 169, 336]);
        assert_eq!(hourly.near_lags(), [1, 2, 3, 23, 24, 25, 48, 72, 96, 120, 144, 167, 168, 169]);
        let many = hourly.many_lags();
        assert!([22, 26, 143, 145, 191, 193, 337].iter().all(|lag| many.contains(lag)), "{many:?}");
        assert_eq!(Seasons::one(7).near_lags(), [1, 2, 3, 6, 7, 8, 14, 21, 28]);
        assert_eq!(Seasons::NONE.near_lags(), [1, 2, 3, 4]);
        assert!(Seasons::NONE.harmonics().is_empty());
        assert_eq!(hourly.harmonics().len(), 17);
    }
}
