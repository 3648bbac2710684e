//! From a row to its source time.
//!
//! A time without an offset is local to the site's zone. Where the clocks go forward, a time in the
//! gap counts on from before it (02:30 is read as 03:30). Where they go back, a time that exists twice
//! is the earlier one, unless the asset's last row was at or after that: then it is the later one. So
//! a table in order gets its 25-hour day right, and an hourly one too.

use super::options::ColumnRef;
use dinrail_core::time::{DurationNs, TimeNs};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use std::convert::Infallible;
use std::str::FromStr;

/// Where a row's time comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CsvTime {
    /// A column says it.
    Column {
        /// Which.
        column: ColumnRef,
        /// How it is written.
        format: TimeFormat,
    },
    /// A column counts periods, as engine cycles do: `start_ns` + count × `period_ns`.
    Count {
        /// Which.
        column: ColumnRef,
        /// Time of count 0.
        start_ns: TimeNs,
        /// Between two counts.
        period_ns: DurationNs,
    },
    /// Records are a fixed period apart. With a key every asset's first is at `start_ns`. A record that
    /// cannot be used still takes its period.
    Period {
        /// Time of the first record.
        start_ns: TimeNs,
        /// Between two records.
        period_ns: DurationNs,
    },
}

/// How a time is written. From text: `unix`, `unix_ms`, `unix_ns`, `rfc3339`, or else a pattern of
/// `strptime` conversions such as `%Y-%m-%d %H:%M:%S`, with `%f` for fractions and `%z` for an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// Seconds since 1970-01-01 UTC, with or without fractions.
    Unix,
    /// Milliseconds since then.
    UnixMs,
    /// Nanoseconds since then.
    UnixNs,
    /// With `T` or a space, and an offset or `Z`.
    Rfc3339,
    /// A pattern.
    Pattern(String),
}

impl FromStr for TimeFormat {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<TimeFormat, Infallible> {
        Ok(match text {
            "unix" => TimeFormat::Unix,
            "unix_ms" => TimeFormat::UnixMs,
            "unix_ns" => TimeFormat::UnixNs,
            "rfc3339" => TimeFormat::Rfc3339,
            pattern => TimeFormat::Pattern(pattern.to_owned()),
        })
    }
}

impl TimeFormat {
    /// Reads a time; `None` where it is not one. `last` is the asset's last row, for times that exist twice.
    #[must_use]
    pub fn read(&self, text: &[u8], zone: &TimeZone, last: Option<TimeNs>) -> Option<TimeNs> {
        let text = std::str::from_utf8(text).ok()?.trim();
        match self {
            TimeFormat::Unix => decimal(text, 9),
            TimeFormat::UnixMs => decimal(text, 6),
            TimeFormat::UnixNs => decimal(text, 0),
            TimeFormat::Rfc3339 => nanoseconds(text.parse().ok()?),
            TimeFormat::Pattern(pattern) => {
                let parsed = BrokenDownTime::parse(pattern, text).ok()?;
                if parsed.offset().is_some() || parsed.timestamp().is_some() {
                    return nanoseconds(parsed.to_timestamp().ok()?);
                }
                // A pattern without a clock is midnight.
                let local = match parsed.to_datetime() {
                    Ok(local) => local,
                    Err(_) if parsed.hour().is_none() => parsed.to_date().ok()?.at(0, 0, 0, 0),
                    Err(_) => return None,
                };
                let either = zone.to_ambiguous_timestamp(local);
                let folds = matches!(either.offset(), jiff::tz::AmbiguousOffset::Fold { .. });
                let first = nanoseconds(either.compatible().ok()?)?;
                if folds && last.is_some_and(|last| first <= last) {
                    return nanoseconds(either.later().ok()?);
                }
                Some(first)
            }
        }
    }
}

fn nanoseconds(timestamp: jiff::Timestamp) -> Option<TimeNs> {
    TimeNs::try_from(timestamp.as_nanosecond()).ok()
}

/// A decimal number × 10^`digits`, without going through a float: today's nanoseconds do not fit one.
/// Digits beyond the nanosecond are cut. Numbers with an exponent are read as floats after all.
pub(crate) fn decimal(text: &str, digits: usize) -> Option<i64> {
    if text.contains(['e', 'E']) {
        let value = text.parse::<f64>().ok()? * 10_f64.powi(digits as i32);
        let fits = value.is_finite() && value.abs() < 9.2e18;
        return fits.then_some(value as i64);
    }
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let mut value: i64 = 0;
    let padded = fraction.bytes().chain(std::iter::repeat(b'0')).take(digits);
    for digit in whole.bytes().chain(padded) {
        value = value.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
    }
    Some(if negative { -value } else { value })
}

/// Time of the `count`th period, which may have fractions; `None` where it is past the end of time.
pub(super) fn counted(start_ns: TimeNs, period_ns: DurationNs, count: f64) -> Option<TimeNs> {
    if count.fract() == 0.0 && count.abs() < 1e15 {
        let span = i128::from(count as i64) * i128::from(period_ns);
        return TimeNs::try_from(i128::from(start_ns) + span).ok();
    }
    let span = count * period_ns as f64;
    let fits = span.is_finite() && span.abs() < 9.2e18;
    fits.then(|| start_ns.checked_add(span as i64)).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use dinrail_core::time::SECOND_NS;
    use proptest::prelude::*;

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    fn utc(text: &str) -> Option<TimeNs> {
        nanoseconds(text.parse().unwrap())
    }

    #[test]
    fn times_are_read() {
        let cases = [
            ("unix", "1583748873", Some("2020-03-09T10:14:33Z")),
            ("unix", "1583748873.25", Some("2020-03-09T10:14:33.25Z")),
            ("unix", "-1.5", Some("1969-12-31T23:59:58.5Z")),
            ("unix", "1.583748873e9", Some("2020-03-09T10:14:33Z")),
            ("unix_ms", "1583748873001", Some("2020-03-09T10:14:33.001Z")),
            ("unix_ns", "1583748873000000001", Some("2020-03-09T10:14:33.000000001Z")),
            ("unix", "99999999999999999999", None),
            ("unix", "1e300", None),
            ("unix", "nan", None),
            ("unix", "", None),
            ("unix", ".", None),
            ("unix", "12:30", None),
            ("rfc3339", "2020-03-09T11:14:33+01:00", Some("2020-03-09T10:14:33Z")),
            ("rfc3339", "2020-03-09 10:14:33Z", Some("2020-03-09T10:14:33Z")),
            ("rfc3339", "2020-03-09T10:14:33", None),
            ("%Y-%m-%d %H:%M:%S", "2020-03-09 11:14:33", Some("2020-03-09T10:14:33Z")),
            ("%Y-%m-%d %H:%M:%S%.f", "2020-03-09 11:14:33.5", Some("2020-03-09T10:14:33.5Z")),
            ("%Y-%m-%d %H:%M:%S %z", "2020-03-09 11:14:33 +0000", Some("2020-03-09T11:14:33Z")),
            ("%d/%m/%Y %H:%M", "1/7/2018 00:15", Some("2018-06-30T22:15:00Z")),
            ("%Y-%m-%d", "2018-07-01", Some("2018-06-30T22:00:00Z")),
            ("%Y-%m-%d", "2018-02-30", None),
            ("%Y-%m-%d %H:%M:%S", "2020-03-09", None),
            // The hour that does not exist.
            ("%Y-%m-%d %H:%M", "2020-03-29 02:30", Some("2020-03-29T01:30:00Z")),
        ];
        for (format, text, expected) in cases {
            let format: TimeFormat = format.parse().unwrap();
            let read = format.read(text.as_bytes(), &berlin(), None);
            assert_eq!(read, expected.and_then(utc), "{format:?} {text}");
        }
    }

    #[test]
    fn the_hour_that_comes_twice() {
        let format: TimeFormat = "%Y-%m-%d %H:%M".parse().unwrap();
        for step_minutes in [15_usize, 60] {
            let mut last = None;
            let mut instants = vec![];
            for (hour, times) in [(1, 1), (2, 2), (3, 1)] {
                for _ in 0..times {
                    for minute in (0..60).step_by(step_minutes) {
                        let text = format!("2020-10-25 0{hour}:{minute:02}");
                        last = format.read(text.as_bytes(), &berlin(), last);
                        instants.push(last.unwrap());
                    }
                }
            }
            let step = step_minutes as i64 * 60 * SECOND_NS as i64;
            assert_eq!(instants.len(), 4 * 60 / step_minutes);
            assert!(instants.windows(2).all(|pair| pair[1] - pair[0] == step), "{instants:?}");
        }
    }

    #[test]
    fn counts_of_periods() {
        assert_eq!(counted(10, 5, 3.0), Some(25));
        assert_eq!(counted(10, 5, -2.0), Some(0));
        assert_eq!(counted(0, 10, 0.5), Some(5));
        assert_eq!(counted(0, u64::MAX, 2.0), None);
        assert_eq!(counted(0, 1, f64::NAN), None);
        assert_eq!(counted(0, 1, 1e300), None);
    }

    proptest! {
        #[test]
        fn decimals_are_exact(ns in any::<i64>()) {
            let (sign, magnitude) = (if ns < 0 { "-" } else { "" }, ns.unsigned_abs());
            let text = format!("{sign}{}.{:09}", magnitude / SECOND_NS, magnitude % SECOND_NS);
            let expected = if ns == i64::MIN { None } else { Some(ns) };
            prop_assert_eq!(decimal(&text, 9), expected);
        }

        #[test]
        fn nothing_makes_it_panic(text in ".{0,40}", format in "\\PC{0,12}", last in any::<Option<i64>>()) {
            let format: TimeFormat = format.parse().unwrap();
            let _ = format.read(text.as_bytes(), &berlin(), last);
            let _ = TimeFormat::Unix.read(text.as_bytes(), &berlin(), last);
        }
    }
}
