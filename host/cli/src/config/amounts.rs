//! Durations: a number and a unit of time.

use dinrail_core::time::DurationNs;

/// What a duration looks like.
pub const DURATION_HELP: &str =
    "write a number and one of ns, us, ms, s, min, h, d: \"100ms\", \"2s\", \"5min\", \"1.5h\"";

/// Longer than any duration in a configuration: a hundred years.
pub const CENTURY_NS: DurationNs = 36_525 * 86_400 * 1_000_000_000;

const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Why a duration is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// `m` is the metre of UCUM and the minute of others.
    #[error("`m` could be minutes or milliseconds; write `min` or `ms`")]
    Ambiguous,
    /// Anything else.
    #[error("`{0}` is not a duration")]
    Shape(String),
    /// Past a century.
    #[error("`{0}` is longer than a hundred years")]
    TooLong(String),
}

/// Parses `NUMBER UNIT`, with or without a space between.
pub fn parse_duration(text: &str) -> Result<DurationNs, DurationError> {
    let shape = || DurationError::Shape(text.to_owned());
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(shape)?;
    let (number, unit) = trimmed.split_at(digits);
    let unit = unit.trim_start();
    if unit == "m" {
        return Err(DurationError::Ambiguous);
    }
    let (_, unit_ns) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(shape)?;
    let ns = match number.parse::<u64>() {
        // Whole numbers stay exact.
        Ok(whole) => whole.checked_mul(*unit_ns).filter(|ns| *ns <= CENTURY_NS),
        Err(_) => {
            let ns = number.parse::<f64>().ok().ok_or_else(shape)? * *unit_ns as f64;
            (ns <= CENTURY_NS as f64).then_some(ns.round() as DurationNs)
        }
    };
    ns.ok_or_else(|| DurationError::TooLong(text.to_owned()))
}

/// What a number of bytes looks like.
pub const BYTES_HELP: &str = "write a number and one of B, KiB, MiB, GiB, kB, MB, GB: \"64 MiB\", \"1.5 GB\"";

const BYTE_UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("kB", 1_000),
    ("KiB", 1_024),
    ("MB", 1_000_000),
    ("MiB", 1_048_576),
    ("GB", 1_000_000_000),
    ("GiB", 1_073_741_824),
];

/// More than any controller's disk: a thousand GiB.
const MAX_BYTES: f64 = 1_024.0 * 1_073_741_824.0;

/// Why a number of bytes is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no number of bytes")]
pub struct BytesError(String);

/// Parses `NUMBER UNIT`, with or without a space between.
pub fn parse_bytes(text: &str) -> Result<u64, BytesError> {
    let wrong = || BytesError(text.to_owned());
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(wrong)?;
    let (number, unit) = trimmed.split_at(digits);
    let (_, unit) = BYTE_UNITS.iter().find(|(name, _)| *name == unit.trim_start()).ok_or_else(wrong)?;
    let bytes = number.parse::<f64>().ok().ok_or_else(wrong)? * *unit as f64;
    if bytes <= MAX_BYTES { Ok(bytes.round() as u64) } else { Err(wrong()) }
}

/// A duration as it would be written.
pub fn show(ns: DurationNs) -> String {
    let whole = UNITS.iter().rev().find(|(_, unit_ns)| ns.is_multiple_of(*unit_ns) && ns >= *unit_ns);
    match whole {
        Some((name, unit_ns)) => format!("{}{name}", ns / unit_ns),
        None => "0s".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        let check = |text: &str, ns: DurationNs| assert_eq!(parse_duration(text), Ok(ns), "{text}");
        check("100ms", 100_000_000);
        check("2 s", 2_000_000_000);
        check("1.5h", 5_400_000_000_000);
        check("0s", 0);
        check("36525d", CENTURY_NS);
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "5", "s", "-5s", "5 m", "5m", "1h30min", "1e3s", "1..5s", "5 sec", "9999999999d", "∞s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_are_a_number_and_a_unit() {
        for (text, bytes) in [("64 MiB", 67_108_864), ("1.5GB", 1_500_000_000), ("0 B", 0), ("1024 GiB", 1 << 40)] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for text in ["", "64", "MiB", "-1 B", "1 mib", "1e3 B", "1.. B", "1025 GiB"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn they_are_shown_as_they_are_written() {
        for text in ["100ms", "2s", "90min", "36525d", "0s"] {
            assert_eq!(parse_duration(text).map(show), Ok(text.to_owned()));
        }
    }
}
