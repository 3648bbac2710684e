#![allow(clippy::unwrap_used, reason = "a test may panic")]
use super::*;
use crate::reading::{RawValue, Reading, ReadingKind, SourceId};
use crate::tag::Tag;
use crate::time::SECOND_NS;
use crate::unit::Unit;
use proptest::prelude::*;

struct Plant {
    tags: TagTable,
    image: ProcessImage,
    time_ns: TimeNs,
}

impl Plant {
    fn new() -> Plant {
        let mut tags = TagTable::default();
        let units =
            [("p", "bar"), ("reactor.temp", "Cel"), ("permit", ""), ("ratio", "1"), ("line[a 1]/x", "kg/(m.s2)")];
        for (name, unit) in units {
            tags.add(Tag::new(name, Unit::parse(unit).unwrap())).unwrap();
        }
        let mut waveform = Tag::new("wave", Unit::parse("").unwrap());
        waveform.kind = crate::tag::TagKind::Waveform;
        tags.add(waveform).unwrap();
        let image = ProcessImage::new(&tags);
        Plant { tags, image, time_ns: 0 }
    }

    fn set(&mut self, name: &str, value: f64) {
        self.time_ns += 1;
        let reading = Reading {
            source: SourceId(0),
            kind: ReadingKind::Live,
            asset: None,
            time_ns: self.time_ns,
            values: vec![(self.tags.find(name).unwrap(), RawValue::Number(value))],
        };
        self.image.apply(&self.tags, &reading, self.time_ns);
    }

    fn parse(&self, text: &str) -> Expression {
        match Expression::parse(text, &self.tags) {
            Ok(expression) => expression,
            Err(error) => panic!("`{text}` at {}: {error}", error.offset),
        }
    }
}

/// p = 5 bar, reactor.temp = 20 Cel, permit = 1, ratio = 0.5, line[a 1]/x = 7 Pa; all good.
fn check(text: &str, expected: bool) {
    let mut plant = Plant::new();
    for (name, value) in [("p", 5.0), ("reactor.temp", 20.0), ("permit", 1.0), ("ratio", 0.5), ("line[a 1]/x", 7.0)] {
        plant.set(name, value);
    }
    let expression = plant.parse(text);
    let sight = expression.look(&mut expression.memory(), &plant.image, 0);
    assert_eq!(sight, Sight { holds: expected, blind: false }, "`{text}`");
    assert_eq!(expression.text(), text);
}

#[test]
fn comparisons_know_units() {
    let cases = [
        ("p > 4.999 bar", true),
        ("p > 5 bar", false),
        ("p >= 5 bar", true),
        ("p<5", false),
        ("p <= 5", true),
        ("p == 5 bar", true),
        ("p != 5 bar", false),
        ("p > 499 kPa", true),
        ("p > 501kPa", false),
        ("p > -1e0 bar", true),
        ("p > .5e1", false),
        ("reactor.temp > 290 K", true),
        ("reactor.temp > 294 K", false),
        ("ratio > 49 %", true),
        ("ratio > 51%", false),
        ("'line[a 1]/x' >= 7 kg/(m.s2)", true),
        ("\"line[a 1]/x\" > 7 Pa", false),
        ("('line[a 1]/x' > 6 kg/(m.s2))", true),
    ];
    for (text, expected) in cases {
        check(text, expected);
    }
}

#[test]
fn words_bind_as_written() {
    let cases = [
        ("permit", true),
        ("not permit", false),
        ("not not permit", true),
        ("not(permit)", false),
        ("p > 9 and permit or permit", true),
        ("permit or permit and p > 9", true),
        ("(permit or permit) and p > 9", false),
        ("not p > 9", true),
        ("not p > 9 and not permit", false),
        ("  permit  ", true),
        ("p > 4 bar for 0s", true),
        ("p > 4 bar for 1 ms", false),
        ("not permit for 0s", false),
        ("not p > 9 for 1s", false),
        ("not (permit for 1s)", true),
        ("p > 4 and permit for 1s", false),
        ("p > 4 or permit for 1s", true),
        ("p > 5.1 bar hysteresis 0.2 bar", false),
        ("reactor.temp < 19 Cel hysteresis 2 K for 0s", false),
    ];
    for (text, expected) in cases {
        check(text, expected);
    }
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let plant = Plant::new();
    let cases = [
        ("", 0, 0, "expected a tag, `not` or `(`"),
        ("p > ", 4, 0, "expected a number, with or without unit"),
        ("p > high", 4, 4, "expected a number, with or without unit"),
        ("p > 6 bar and", 13, 0, "expected a tag, `not` or `(`"),
        ("p > 6 bar or or", 13, 2, "expected a tag, `not` or `(`"),
        ("p > 6 bar permit", 10, 6, "expected `and`, `or`, `for` or the end"),
        ("(p > 6 bar", 10, 0, "expected `)`"),
        ("p > 6 bar)", 9, 1, "expected `and`, `or`, `for` or the end"),
        ("p > 6 bar for", 13, 0, "expected a delay, for instance `2s`"),
        ("p = 6 bar", 2, 1, "expected `and`, `or`, `for` or the end"),
        ("p > 1e999", 4, 5, "expected a number, with or without unit"),
        ("pressure > 6", 0, 8, "there is no tag `pressure`"),
        ("permit and flow < 1", 11, 4, "there is no tag `flow`"),
        ("p > 6 K", 4, 3, "`K` can't be converted to `bar`: they measure different things"),
        ("p > 6 for 2 K", 10, 3, "`K` can't be converted to `s`: they measure different things"),
        ("p > 6 for 2", 10, 1, "`1 (no unit)` can't be converted to `s`: they measure different things"),
        ("p > 6 for 25h", 10, 3, "a delay lies between 0 and a day"),
        ("p > 6 for -1s", 10, 3, "a delay lies between 0 and a day"),
        ("p == 6 hysteresis 1", 18, 1, "hysteresis belongs to `>`, `>=`, `<`, `<=`, and is not negative"),
        ("p > 6 hysteresis -1", 17, 2, "hysteresis belongs to `>`, `>=`, `<`, `<=`, and is not negative"),
        ("wave > 6", 0, 4, "`wave` is a waveform and can't be compared"),
        ("not p", 4, 1, "`p` is in bar and is neither true nor false; compare it, for instance `p > 1 bar`"),
    ];
    for (text, offset, length, message) in cases {
        let error = Expression::parse(text, &plant.tags).unwrap_err();
        assert_eq!((error.offset, error.length, error.to_string().as_str()), (offset, length, message), "`{text}`");
    }
    let unit = Expression::parse("permit or p > 6 furlongish", &plant.tags).unwrap_err();
    assert_eq!((unit.offset, unit.length), (14, 12));
    assert!(matches!(unit.problem, ExpressionProblem::Unit(UnitError::Unknown { .. })), "{unit:?}");
}

#[test]
fn size_and_depth_are_bounded() {
    let plant = Plant::new();
    let nested = |depth: usize| format!("{}permit{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Expression::parse(&nested(MAX_EXPRESSION_DEPTH), &plant.tags).is_ok());
    let deep = Expression::parse(&nested(MAX_EXPRESSION_DEPTH + 1), &plant.tags).unwrap_err();
    assert!(matches!(deep.problem, ExpressionProblem::TooDeep), "{deep:?}");
    let padded = |length: usize| format!("permit{}", " ".repeat(length - "permit".len()));
    assert!(Expression::parse(&padded(MAX_EXPRESSION_BYTES), &plant.tags).is_ok());
    let long = Expression::parse(&padded(MAX_EXPRESSION_BYTES + 1), &plant.tags).unwrap_err();
    assert!(matches!(long.problem, ExpressionProblem::TooLong), "{long:?}");
    assert!(Expression::parse(&format!("{}permit", "not ".repeat(250)), &plant.tags).is_ok());
}

/// Runs an expression over values of `p`, one a second; NaN is a bad sample.
fn run(text: &str, values: &[f64]) -> Vec<(bool, bool)> {
    let mut plant = Plant::new();
    let expression = plant.parse(text);
    let mut memory = expression.memory();
    let mut sights = vec![];
    for (second, value) in values.iter().enumerate() {
        plant.set("p", *value);
        let sight = expression.look(&mut memory, &plant.image, second as i64 * SECOND_NS as i64);
        sights.push((sight.holds, sight.blind));
    }
    sights
}

const CLEAR: (bool, bool) = (false, false);
const HOLDS: (bool, bool) = (true, false);
const BLIND: (bool, bool) = (true, true);
/// A bad input whose delay is not over.
const WAITS: (bool, bool) = (false, true);

#[test]
fn hysteresis_keeps_it_true_until_the_other_side() {
    let above = run("p > 6 bar hysteresis 0.5 bar", &[6.0, 6.1, 5.6, 5.5, 5.9, 6.1]);
    assert_eq!(above, [CLEAR, HOLDS, HOLDS, CLEAR, CLEAR, HOLDS]);
    let below = run("p < 6 bar hysteresis 50 kPa", &[6.0, 5.9, 6.4, 6.5, 6.1]);
    assert_eq!(below, [CLEAR, HOLDS, HOLDS, CLEAR, CLEAR]);
    let at_least = run("p >= 6 bar hysteresis 0.5 bar", &[6.0, 5.5, 5.4]);
    assert_eq!(at_least, [HOLDS, HOLDS, CLEAR]);
}

#[test]
fn a_delay_counts_from_the_first_moment_and_starts_anew() {
    let seen = run("p > 6 bar for 2s", &[7.0, 7.0, 7.0, 5.0, 7.0, 7.0, 7.0]);
    assert_eq!(seen, [CLEAR, CLEAR, HOLDS, CLEAR, CLEAR, CLEAR, HOLDS]);
}

#[test]
fn a_bad_input_counts_as_true_and_not_does_not_turn_it_round() {
    let bad = f64::NAN;
    assert_eq!(run("p > 6 bar", &[5.0, bad, 5.0]), [CLEAR, BLIND, CLEAR]);
    assert_eq!(run("not p > 6 bar", &[7.0, bad, 7.0]), [CLEAR, BLIND, CLEAR]);
    assert_eq!(run("not not p > 6 bar", &[5.0, bad]), [CLEAR, BLIND]);
    assert_eq!(run("p > 6 bar and p > 100 bar", &[5.0, bad]), [CLEAR, BLIND]);
    assert_eq!(run("p > 6 bar for 2s", &[bad, bad, bad, 5.0]), [WAITS, WAITS, BLIND, CLEAR]);
    assert_eq!(run("p > 6 bar for 2s", &[7.0, 7.0, bad]), [CLEAR, CLEAR, BLIND]);
    // `permit` was never there.
    assert_eq!(run("permit and p > 6 bar", &[5.0]), [BLIND]);
    assert_eq!(run("not permit or p > 6 bar", &[7.0]), [BLIND]);
}

#[test]
fn a_stale_input_counts_as_true() {
    let mut plant = Plant::new();
    plant.set("p", 5.0);
    let expression = plant.parse("p > 6 bar");
    let mut tags = TagTable::default();
    for (_, tag) in plant.tags.iter() {
        let mut tag = tag.clone();
        tag.stale_after_ns = Some(10);
        tags.add(tag).unwrap();
    }
    let mut look = |now_ns| {
        plant.image.mark_stale(&tags, now_ns);
        expression.look(&mut expression.memory(), &plant.image, now_ns)
    };
    assert_eq!(look(plant.time_ns + 10), Sight { holds: false, blind: false });
    assert_eq!(look(plant.time_ns + 11), Sight { holds: true, blind: true });
}

proptest! {
    /// Any text is taken or refused, and what is refused is marked within the text.
    #[test]
    fn no_text_breaks_the_parser(text in r#"(p|permit|reactor\.temp|and|or|not|for|hysteresis|[ ()<>=!'"]|6|bar|2s|\PC){0,24}"#) {
        let plant = Plant::new();
        if let Err(error) = Expression::parse(&text, &plant.tags) {
            let end = error.offset + error.length;
            prop_assert!(text.is_char_boundary(error.offset) && text.is_char_boundary(end), "{error:?}");
        }
    }

    /// Whatever an expression says, a bad input makes it blind, and what has no delay true.
    #[test]
    fn one_bad_input_is_enough(
        parts in proptest::collection::vec(
            ("(not )?", prop_oneof![Just("p > 6 bar"), Just("permit"), Just("ratio < 20 %")], "and|or"),
            1..8,
        ),
        values in proptest::collection::vec(0.0..10.0, 3),
        bad in 0_usize..3,
    ) {
        let mut plant = Plant::new();
        let names = ["p", "permit", "ratio"];
        for (index, name) in names.iter().enumerate() {
            plant.set(name, if index == bad { f64::NAN } else { values[index] });
        }
        let words: Vec<String> = parts.iter().map(|(not, part, join)| format!("{not}{part} {join}")).collect();
        let text = format!("{} {}{}", words.join(" "), "not ", ["p > 6", "permit", "ratio > 1"][bad]);
        let expression = plant.parse(&text);
        let sight = expression.look(&mut expression.memory(), &plant.image, 0);
        prop_assert_eq!(sight, Sight { holds: true, blind: true }, "`{}`", text);
    }
}

#[test]
fn a_unit_that_is_not_known_yet_is_taken_as_it_stands() {
    let plant = Plant::new();
    let open = plant.tags.find("p").unwrap();
    let sketch = |text: &str| Expression::sketch(text, &plant.tags, |tag| tag == open);
    for text in ["p < 200 h", "p > 1 {cycle} hysteresis 3 K", "not p", "p > 2 or reactor.temp > 300 K"] {
        assert_eq!(sketch(text).unwrap().text(), text);
    }
    assert!(matches!(sketch("p < 2 parsecs").unwrap_err().problem, ExpressionProblem::Unit(_)), "no unit at all");
    assert!(matches!(sketch("reactor.temp > 3 bar").unwrap_err().problem, ExpressionProblem::Unit(_)));
    assert!(matches!(sketch("reactor.temp").unwrap_err().problem, ExpressionProblem::NotAFlag { .. }));
}

#[test]
fn the_names_of_an_expression_are_told_in_their_order() {
    let names = Expression::names("not ('life[7].rul' < 20 h or a.b) and (c > 1 hysteresis 2 for 3s or a.b == 1)");
    assert_eq!(names.unwrap(), ["life[7].rul", "a.b", "c", "a.b"]);
    assert!(Expression::names("a >").is_err());
}

#[test]
fn what_is_sure_does_not_hang_on_what_nobody_knows() {
    let mut plant = Plant::new();
    plant.set("p", 5.0);
    for (text, surely) in [
        ("p > 4 bar", true),
        ("p > 6 bar", false),
        ("p > 4 bar or ratio > 1", true),
        ("ratio > 1 or p > 4 bar", true),
        ("p > 6 bar or ratio > 1", false),
        ("p > 4 bar and ratio > 1", false),
        ("not (p > 6 bar and ratio > 1)", true),
        ("not (p > 4 bar and ratio > 1)", false),
        ("not ratio > 1", false),
    ] {
        let expression = plant.parse(text);
        let mut memory = expression.memory();
        expression.look(&mut memory, &plant.image, 0);
        assert_eq!(expression.holds_surely(&memory, &plant.image, 0), surely, "`{text}`");
    }
}
