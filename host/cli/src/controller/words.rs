//! What the guard does, in an operator's words.

use dinrail_core::guard::limits::Cut;
use dinrail_core::guard::{OutputKind, OutputSpec, Reason, Reduced, Witness};
use dinrail_core::tag::TagTable;

/// A number as a person writes it: at most four decimals, none that say nothing.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A number with its unit.
pub(super) fn quantity(value: f64, unit: &str) -> String {
    format!("{} {unit}", number(value)).trim_end().to_owned()
}

/// A rate a second, by the unit of time that makes it a handy number.
pub(super) fn rate(per_s: f64, unit: &str) -> String {
    let (factor, time) = match per_s {
        _ if 0.1 <= per_s => (1.0, "s"),
        _ if 0.1 <= per_s * 60.0 => (60.0, "min"),
        _ => (3_600.0, "h"),
    };
    format!("{} {unit}/{time}", number(per_s * factor))
}

/// So much run time, roughly.
pub(super) fn span(seconds: f64) -> String {
    match seconds {
        _ if seconds < 1.0 => "within a second".to_owned(),
        _ if seconds < 120.0 => format!("in {seconds:.0} s"),
        _ if seconds < 7_200.0 => format!("in {:.0} min", seconds / 60.0),
        _ => format!("in {:.1} h", seconds / 3_600.0),
    }
}

/// Where an output goes from the value in force and how fast it gets there, or why it does not go yet.
pub(super) fn course(spec: &OutputSpec, applied: Option<f64>, setpoint: f64, reason: Reason) -> String {
    let unit = spec.unit.code();
    let (lo, hi) = match reason {
        Reason::ReducedRange { lo, hi, .. } | Reason::ReducedBlind { lo, hi, .. } => (lo, hi),
        _ => spec.range,
    };
    if spec.kind == OutputKind::Order {
        return ordered(&quantity(setpoint, unit), reason);
    }
    let target = setpoint.clamp(lo, hi);
    let to = quantity(target, unit);
    let cut = match target == setpoint {
        true => String::new(),
        false if (lo, hi) != spec.range => {
            format!("; {} lies {}", number(setpoint), told(&reason, spec.reduced.as_ref()))
        }
        false => format!("; {} lies outside the range from {} to {}", number(setpoint), number(lo), number(hi)),
    };
    let way = match (applied, spec.slew_per_s, spec.kind) {
        (None, ..) => format!("goes to {to} at once, from a value that nobody knows"),
        (Some(applied), Some(per_s), OutputKind::Analogue) if applied != target => {
            let from = quantity(applied, unit);
            format!(
                "goes from {from} to {to} at {}, there {}",
                rate(per_s, unit),
                span((target - applied).abs() / per_s)
            )
        }
        (Some(applied), ..) if applied != target => format!("goes from {} to {to} at once", quantity(applied, unit)),
        (Some(_), ..) => format!("stays at {to}"),
    };
    match reason {
        Reason::Dwell => format!("{way}, once the minimum dwell since its last change has passed{cut}"),
        Reason::AsProposed
        | Reason::InForce
        | Reason::AboveRange { .. }
        | Reason::BelowRange { .. }
        | Reason::ReducedRange { .. }
        | Reason::ReducedBlind { .. }
        | Reason::Slew { .. } => {
            format!("{way}{cut}")
        }
        other => other.to_string(),
    }
}

/// A reason that names the condition it speaks of.
pub(super) fn told(reason: &Reason, reduced: Option<&Reduced>) -> String {
    match (reason, reduced) {
        (Reason::ReducedRange { cut, lo, hi }, Some(reduced)) => {
            let side = if *cut == Cut::High { "above" } else { "below" };
            format!("{side} the range of {} to {} while `{}` holds", number(*lo), number(*hi), reduced.when.text())
        }
        _ => reason.to_string(),
    }
}

/// What becomes of an order of this quantity.
fn ordered(amount: &str, reason: Reason) -> String {
    match reason {
        Reason::AsProposed => format!("is sent an order of {amount}, once"),
        Reason::AboveRange { .. } | Reason::Pack { .. } | Reason::Budget { .. } => {
            format!("is sent an order of {amount}, once: {reason}")
        }
        other => other.to_string(),
    }
}

/// The tags that make a condition true, each with what it says.
pub(super) fn witnesses(witnesses: &[Witness], tags: &TagTable) -> String {
    let one = |witness: &Witness| {
        let tag = tags.get(witness.tag);
        let value = quantity(witness.value, tag.unit.code());
        match (witness.quality.is_usable(), witness.value.is_finite()) {
            (true, _) => format!("{} is {value}", tag.name),
            (false, true) => format!("{} is {}, last {value}", tag.name, witness.quality.name()),
            (false, false) => format!("{} has had no good value yet", tag.name),
        }
    };
    witnesses.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use dinrail_core::guard::{Expression, Mode, OnStop};
    use dinrail_core::tag::{Quality, Tag};
    use dinrail_core::unit::Unit;

    fn spec(slew_per_s: Option<f64>) -> OutputSpec {
        OutputSpec {
            name: "sp".into(),
            unit: Unit::parse("Cel").unwrap(),
            kind: if slew_per_s.is_some() { OutputKind::Analogue } else { OutputKind::Discrete },
            order: Default::default(),
            gate: None,
            range: (70.0, 100.0),
            slew_per_s,
            deadband: 0.0,
            min_dwell_ns: 0,
            inhibit: None,
            reduced: None,
            trip: None,
            fail_safe: None,
            default: None,
            lease_ns: 1,
            on_stop: OnStop::Hold,
            mode: Mode::Advise,
            readback: None,
            owner: None,
            owner_mode: Mode::Advise,
        }
    }

    #[test]
    fn a_course_says_from_where_to_where_and_how_fast() {
        let slew = |per_s, applied, setpoint, reason| course(&spec(Some(per_s)), applied, setpoint, reason);
        let per_s = 0.5 / 60.0;
        for (said, expected) in [
            (
                slew(per_s, Some(80.0), 82.0, Reason::Slew { per_s }),
                "goes from 80 Cel to 82 Cel at 0.5 Cel/min, there in 4 min",
            ),
            (
                slew(10.0, Some(80.0), 82.5, Reason::AsProposed),
                "goes from 80 Cel to 82.5 Cel at 10 Cel/s, there within a second",
            ),
            (
                slew(0.5, Some(80.0), 120.0, Reason::Slew { per_s: 0.5 }),
                "goes from 80 Cel to 100 Cel at 0.5 Cel/s, there in 40 s; 120 lies outside the range from 70 to 100",
            ),
            (slew(0.5, None, 82.0, Reason::AsProposed), "goes to 82 Cel at once, from a value that nobody knows"),
            (
                slew(0.5, Some(80.0), 81.0, Reason::Dwell),
                "goes from 80 Cel to 81 Cel at 0.5 Cel/s, there in 2 s, once the minimum dwell since its last change has passed",
            ),
            (course(&spec(None), Some(70.0), 71.0, Reason::AsProposed), "goes from 70 Cel to 71 Cel at once"),
            (slew(0.5, Some(80.0), 82.0, Reason::Inhibited), "inhibited"),
        ] {
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn a_reduced_range_names_its_condition() {
        let mut tags = TagTable::default();
        tags.add(Tag::new("index", Unit::parse("%").unwrap())).unwrap();
        let when = Expression::parse("index < 60 %", &tags).unwrap();
        let spec = OutputSpec { reduced: Some(Reduced { when, range: (70.0, 85.0) }), ..spec(Some(0.5)) };
        let reason = Reason::ReducedRange { cut: Cut::High, lo: 70.0, hi: 85.0 };
        let named = "above the range of 70 to 85 while `index < 60 %` holds";
        assert_eq!(told(&reason, spec.reduced.as_ref()), named);
        assert_eq!(told(&Reason::Inhibited, spec.reduced.as_ref()), "inhibited");
        let expected = format!("goes from 80 Cel to 85 Cel at 0.5 Cel/s, there in 10 s; 99 lies {named}");
        assert_eq!(course(&spec, Some(80.0), 99.0, reason), expected);
    }

    #[test]
    fn an_order_is_sent_once_and_stands_for_nothing() {
        let spec = OutputSpec { kind: OutputKind::Order, ..spec(None) };
        for (reason, expected) in
            [(Reason::AsProposed, "is sent an order of 84 Cel, once"), (Reason::Inhibited, "inhibited")]
        {
            assert_eq!(course(&spec, Some(12.0), 84.0, reason), expected);
        }
        let cut = course(&spec, None, 84.0, Reason::Pack { pack: 12.0 });
        assert!(cut.starts_with("is sent an order of 84 Cel, once: ") && cut.contains("12"), "{cut}");
    }

    #[test]
    fn numbers_rates_and_spans_are_as_a_person_writes_them() {
        for (value, expected) in [(80.0, "80"), (-0.00001, "0"), (1.25, "1.25"), (1e-3, "0.001"), (120.0, "120")] {
            assert_eq!(number(value), expected);
        }
        for (per_s, expected) in
            [(10.0, "10 Cel/s"), (0.1, "0.1 Cel/s"), (0.5 / 60.0, "0.5 Cel/min"), (2.0 / 3_600.0, "2 Cel/h")]
        {
            assert_eq!(rate(per_s, "Cel"), expected);
        }
        for (seconds, expected) in
            [(0.2, "within a second"), (90.0, "in 90 s"), (600.0, "in 10 min"), (9_000.0, "in 2.5 h")]
        {
            assert_eq!(span(seconds), expected);
        }
    }

    #[test]
    fn what_made_a_trip_is_named_with_what_it_said() {
        let mut tags = TagTable::default();
        let tag = tags.add(Tag::new("p", Unit::parse("bar").unwrap())).unwrap();
        let seen = |value, quality| witnesses(&[Witness { tag, value, quality }], &tags);
        assert_eq!(seen(6.2, Quality::Good), "p is 6.2 bar");
        assert_eq!(seen(5.0, Quality::Stale), "p is stale, last 5 bar");
        assert_eq!(seen(f64::NAN, Quality::Bad), "p has had no good value yet");
    }
}
