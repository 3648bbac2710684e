//! Equal to the byte, or where it begins to differ.
//!
//! Outcomes are compared by their canonical bytes. Where those differ, both are walked through as JSON, in which the first
//! place that differs has a path, such as `answered.anomalies[0].score`.

use dinrail_store::incident::OutcomeWire;
use dinrail_store::incident::wire::encode;
use serde::Serialize;
use serde_json::Value;

/// How far two numbers may be apart, in parts of the larger one, and of 1 below that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance(pub f64);

/// What another kernel of the same model may make of it. Single precision has 6e-8; a network of some layers sums thousands.
pub const TOLERANCE: Tolerance = Tolerance(1e-3);

impl Tolerance {
    /// How far they are apart.
    #[must_use]
    pub fn apart(then: f64, now: f64) -> f64 {
        if then.to_bits() == now.to_bits() || then == now || (then.is_nan() && now.is_nan()) {
            return 0.0;
        }
        let apart = (then - now).abs() / then.abs().max(now.abs()).max(1.0);
        if apart.is_nan() { f64::INFINITY } else { apart }
    }
}

/// Numbers that were held against each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Compared {
    /// How many.
    pub numbers: u64,
    /// Past the tolerance, or where one of the two was nothing.
    pub different: u64,
    /// The largest distance, see [`Tolerance::apart`].
    pub largest: f64,
}

impl Compared {
    fn number(&mut self, apart: f64, tolerance: Tolerance) {
        self.numbers += 1;
        self.different += u64::from(apart > tolerance.0);
        if apart.is_finite() {
            self.largest = self.largest.max(apart);
        }
    }

    /// Two that can't be held against each other.
    pub fn differ(&mut self) {
        self.numbers += 1;
        self.different += 1;
    }
}

/// Holds two tensors against each other.
pub fn values(then: &[f32], now: &[f32], tolerance: Tolerance, compared: &mut Compared) {
    if then.len() != now.len() {
        compared.differ();
        return;
    }
    for (then, now) in then.iter().zip(now) {
        compared.number(Tolerance::apart(f64::from(*then), f64::from(*now)), tolerance);
    }
}

/// A place where two outcomes differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Of the frame.
    pub scan: u64,
    /// Its asset's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// Where in the outcome.
    pub field: String,
    /// What was recorded.
    pub recorded: String,
    /// What came now.
    pub replayed: String,
}

/// How two outcomes stand to each other.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The same bytes.
    Equal,
    /// Other bytes, and no number farther apart than this.
    Within(f64),
    /// It differs here: field, recorded, replayed.
    Different(String, String, String),
}

/// Longest value that is shown of a difference.
const MAX_SHOWN: usize = 160;

/// Compares two outcomes: to the byte, or within a tolerance. Within one, texts count only where no number stands in them.
#[must_use]
pub fn outcomes(then: &OutcomeWire, now: &OutcomeWire, tolerance: Option<Tolerance>) -> Verdict {
    if encode(then) == encode(now) {
        return Verdict::Equal;
    }
    let value = |outcome: &OutcomeWire| serde_json::to_value(outcome).unwrap_or(Value::Null);
    let mut walk = Walk { tolerance, largest: 0.0, first: None };
    walk.values(&mut String::new(), &value(then), &value(now));
    match (walk.first, tolerance) {
        (Some((field, then, now)), _) => Verdict::Different(field, then, now),
        (None, Some(_)) => Verdict::Within(walk.largest),
        // What JSON does not tell apart, such as two kinds of NaN.
        (None, None) => Verdict::Different("bytes".to_owned(), String::new(), String::new()),
    }
}

struct Walk {
    tolerance: Option<Tolerance>,
    largest: f64,
    first: Option<(String, String, String)>,
}

impl Walk {
    /// `path` is where both are; it comes back as it was.
    fn values(&mut self, path: &mut String, then: &Value, now: &Value) {
        let length = path.len();
        match (then, now) {
            _ if self.first.is_some() => {}
            (Value::Object(then), Value::Object(now)) if then.keys().eq(now.keys()) => {
                for ((key, then), now) in then.iter().zip(now.values()) {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(key);
                    self.values(path, then, now);
                    path.truncate(length);
                }
            }
            (Value::Array(then), Value::Array(now)) if then.len() == now.len() => {
                for (at, (then, now)) in then.iter().zip(now).enumerate() {
                    path.push_str(&format!("[{at}]"));
                    self.values(path, then, now);
                    path.truncate(length);
                }
            }
            (Value::Array(then), Value::Array(now)) => {
                self.differ(&format!("{path}.length"), &then.len().to_string(), &now.len().to_string());
            }
            (then, now) => self.leaves(path, then, now),
        }
    }

    fn leaves(&mut self, path: &str, then: &Value, now: &Value) {
        let (shown_then, shown_now) = (then.to_string(), now.to_string());
        if shown_then == shown_now {
            return;
        }
        if let (Some(tolerance), Some(one), Some(other)) = (self.tolerance, then.as_f64(), now.as_f64()) {
            let apart = Tolerance::apart(one, other);
            if apart <= tolerance.0 {
                self.largest = self.largest.max(apart);
                return;
            }
        }
        // A reason in words repeats the numbers that were compared by themselves.
        let has_digits = |value: &Value| value.as_str().is_some_and(|text| text.contains(|c: char| c.is_ascii_digit()));
        if self.tolerance.is_some() && has_digits(then) && has_digits(now) {
            return;
        }
        self.differ(path, &shown_then, &shown_now);
    }

    fn differ(&mut self, path: &str, then: &str, now: &str) {
        let shown = |text: &str| text.chars().take(MAX_SHOWN).collect();
        self.first.get_or_insert_with(|| (path.to_owned(), shown(then), shown(now)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dinrail_core::outcome::{Fault, Outcome, Proposal, Results};

    fn proposal(setpoint: f64, reason: &str) -> OutcomeWire {
        let proposal = Proposal { output: 0, setpoint, confidence: 1.0, valid_for_ns: 5, reason: reason.to_owned() };
        OutcomeWire::from(&Outcome::Answered(Results::Proposals(vec![proposal])))
    }

    #[test]
    fn equal_bytes_are_equal_and_the_last_bit_counts() {
        let one = proposal(1.0, "a");
        assert_eq!(outcomes(&one, &proposal(1.0, "a"), None), Verdict::Equal);
        let next = f64::from_bits(1.0_f64.to_bits() + 1);
        let Verdict::Different(field, then, now) = outcomes(&one, &proposal(next, "a"), None) else {
            panic!("a last bit counts")
        };
        assert_eq!(field, "answered.proposals[0].setpoint");
        assert_eq!((then.as_str(), now.as_str()), ("1.0", "1.0000000000000002"));
        let zero = outcomes(&proposal(0.0, "a"), &proposal(-0.0, "a"), None);
        assert!(matches!(zero, Verdict::Different(..)), "{zero:?}");
    }

    #[test]
    fn within_a_tolerance_numbers_may_differ_and_words_may_not() {
        let check = |now: OutcomeWire, within: bool| {
            let verdict = outcomes(&proposal(100.0, "wants 100.0 now"), &now, Some(TOLERANCE));
            assert_eq!(matches!(verdict, Verdict::Within(_)), within, "{verdict:?}");
        };
        check(proposal(100.0999, "wants 100.1 now"), true);
        check(proposal(100.2, "wants 100.0 now"), false);
        check(proposal(100.0, "wants nothing"), false);
        check(OutcomeWire::from(&Outcome::Answered(Results::Proposals(vec![]))), false);
        check(OutcomeWire::from(&Outcome::Faulted(Fault::Transient("late".into()))), false);
    }

    #[test]
    fn tensors_are_compared_number_by_number() {
        let mut compared = Compared::default();
        values(&[1.0, f32::NAN, 2.0], &[1.0005, f32::NAN, 2.1], TOLERANCE, &mut compared);
        assert_eq!((compared.numbers, compared.different), (3, 1));
        assert!((0.04..0.05).contains(&compared.largest), "{compared:?}");
        values(&[1.0], &[], TOLERANCE, &mut compared);
        assert_eq!(compared.different, 2);
    }
}
