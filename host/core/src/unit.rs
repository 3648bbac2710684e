//! UCUM units, and linear conversions between those of one dimension.

use octofhir_ucum::{SpecialKind, UcumError};

/// A unit that parsed, with what a conversion needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    code: String,
    /// Value in base units = `factor` × value + `offset`.
    factor: f64,
    offset: f64,
}

/// Why a unit, or a conversion, is refused.
#[derive(Debug, thiserror::Error)]
pub enum UnitError {
    /// Not UCUM.
    #[error("`{code}` is not a UCUM unit: {source}")]
    Unknown {
        /// As written.
        code: String,
        /// The parser's own words.
        #[source]
        source: Box<UcumError>,
    },
    /// A level or another unit on a scale that is not linear.
    #[error(
        "`{code}` is on a logarithmic or otherwise non-linear scale and can't be converted; scale the tag to a linear unit"
    )]
    NotLinear {
        /// As written.
        code: String,
    },
    /// The dimensions differ.
    #[error("`{from}` can't be converted to `{to}`: they measure different things")]
    Dimension {
        /// Unit of the value that is there.
        from: String,
        /// Unit that is wanted.
        to: String,
    },
    /// Not of the shape `NUMBER UNIT` or `NUMBER UNIT/TIME`.
    #[error("`{text}` should be {expected}, for instance `{example}`")]
    Shape {
        /// As written.
        text: String,
        /// What it should be.
        expected: &'static str,
        /// One that would do.
        example: &'static str,
    },
}

/// Money, of which UCUM knows none: what a unit of something costs is `{money}/kW/h`.
pub const MONEY: &str = "{money}";

/// `y = scale × x + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conversion {
    /// Multiplies first.
    pub scale: f64,
    /// Added then.
    pub offset: f64,
}

impl Conversion {
    /// Changes nothing.
    pub const IDENTITY: Conversion = Conversion { scale: 1.0, offset: 0.0 };

    /// A value in the new unit.
    #[must_use]
    #[inline]
    pub fn apply(self, value: f64) -> f64 {
        value * self.scale + self.offset
    }

    /// A value in the old unit.
    #[must_use]
    pub fn invert(self, value: f64) -> f64 {
        (value - self.offset) / self.scale
    }

    /// A difference (a rate, a deadband) in the new unit: offsets cancel.
    #[must_use]
    pub fn apply_difference(self, difference: f64) -> f64 {
        difference * self.scale
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_identity(self) -> bool {
        self == Self::IDENTITY
    }
}

impl Unit {
    /// Parses a UCUM expression with case-sensitive symbols (`bar`, `m3/h`, `Cel`, `{USD}/s`).
    /// Empty means a number without unit, as `1` does.
    pub fn parse(code: &str) -> Result<Unit, UnitError> {
        if code.is_empty() {
            return Ok(Unit { code: String::new(), factor: 1.0, offset: 0.0 });
        }
        let analysis = octofhir_ucum::analyse(code)
            .map_err(|source| UnitError::Unknown { code: code.to_owned(), source: Box::new(source) })?;
        let linear = matches!(
            analysis.special,
            None | Some(
                SpecialKind::None
                    | SpecialKind::Arbitrary
                    | SpecialKind::Celsius
                    | SpecialKind::Fahrenheit
                    | SpecialKind::Reaumur
            )
        );
        if !linear {
            return Err(UnitError::NotLinear { code: code.to_owned() });
        }
        Ok(Unit {
            code: code.to_owned(),
            factor: analysis.factor.to_f64() * analysis.scale.to_f64(),
            offset: analysis.offset.to_f64(),
        })
    }

    /// As it was written.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether it was left empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.code.is_empty()
    }

    /// How numbers in this unit become numbers in `to`.
    pub fn conversion_to(&self, to: &Unit) -> Result<Conversion, UnitError> {
        if self.code == to.code {
            return Ok(Conversion::IDENTITY);
        }
        let dimension = || UnitError::Dimension { from: self.shown(), to: to.shown() };
        let comparable = octofhir_ucum::is_comparable(self.or_one(), to.or_one())
            .map_err(|source| UnitError::Unknown { code: self.code.clone(), source: Box::new(source) })?;
        if !comparable {
            return Err(dimension());
        }
        Ok(Conversion { scale: self.factor / to.factor, offset: (self.offset - to.offset) / to.factor })
    }

    /// The same for a unit that is asked for. Where it is [`MONEY`] for something, any currency will do, also one that UCUM
    /// takes for something else (`ct` would be a centitonne), and so will a plain number; what it is paid for is converted.
    pub fn conversion_to_asked(&self, asked: &Unit) -> Result<Conversion, UnitError> {
        let is_price = asked.code.strip_prefix(MONEY).is_some_and(|per| per.starts_with('/'));
        if !is_price {
            return self.conversion_to(asked);
        }
        let dimension = || UnitError::Dimension { from: self.shown(), to: asked.shown() };
        match self.code.split_once('/') {
            None if self.code.is_empty() => Ok(Conversion::IDENTITY),
            None => self.conversion_to(asked),
            Some((_currency, per)) => {
                let same_currency = Unit::parse(&format!("{MONEY}/{per}"))?;
                same_currency.conversion_to(asked).map_err(|_other| dimension())
            }
        }
    }

    fn or_one(&self) -> &str {
        if self.code.is_empty() { "1" } else { &self.code }
    }

    fn shown(&self) -> String {
        if self.code.is_empty() { "1 (no unit)".to_owned() } else { self.code.clone() }
    }
}

/// Parses `NUMBER` or `NUMBER UNIT` and gives the number in `unit`.
pub fn parse_quantity(text: &str, unit: &Unit) -> Result<f64, UnitError> {
    let (number, code) = split_number(text, "a number with a unit", "6 bar")?;
    if code.is_empty() {
        return Ok(number);
    }
    Ok(Unit::parse(code)?.conversion_to(unit)?.apply(number))
}

/// Parses a rate, `NUMBER UNIT/TIME` (`0.5 Cel/min`, `2 K/s`), and gives it in `unit` a second.
///
/// UCUM has no `Cel/min`, since degrees Celsius are not a ratio scale; a rate is a difference, so
/// the part before the last `/` is converted as a difference.
pub fn parse_rate(text: &str, unit: &Unit) -> Result<f64, UnitError> {
    const EXPECTED: &str = "a rate: number, unit, `/`, unit of time";
    const EXAMPLE: &str = "0.5 Cel/min";
    let (number, code) = split_number(text, EXPECTED, EXAMPLE)?;
    let (amount, time) = code.rsplit_once('/').ok_or(UnitError::Shape {
        text: text.to_owned(),
        expected: EXPECTED,
        example: EXAMPLE,
    })?;
    let per_second = Unit::parse(time.trim())?.conversion_to(&Unit::parse("s")?)?.scale;
    let amount = amount.trim();
    let amount_unit = Unit::parse(amount)?;
    let conversion =
        if amount.is_empty() && !unit.is_empty() { Conversion::IDENTITY } else { amount_unit.conversion_to(unit)? };
    Ok(conversion.apply_difference(number) / per_second)
}

fn split_number<'a>(text: &'a str, expected: &'static str, example: &'static str) -> Result<(f64, &'a str), UnitError> {
    let text = text.trim();
    let (number, code) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    match number.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((number, code.trim())),
        _ => Err(UnitError::Shape { text: text.to_owned(), expected, example }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn check(value: f64, from: &str, to: &str, expected: f64) {
        let conversion = Unit::parse(from).unwrap().conversion_to(&Unit::parse(to).unwrap()).unwrap();
        let got = conversion.apply(value);
        assert!((got - expected).abs() < 1e-9 * expected.abs().max(1.0), "{value} {from} = {got} {to}");
        assert!((conversion.invert(got) - value).abs() < 1e-9 * value.abs().max(1.0));
    }

    #[test]
    fn converts_within_a_dimension() {
        check(1.0, "bar", "kPa", 100.0);
        check(20.0, "Cel", "K", 293.15);
        check(293.15, "K", "Cel", 20.0);
        check(212.0, "[degF]", "Cel", 100.0);
        check(36.0, "m3/h", "L/s", 10.0);
        check(5.0, "{USD}/h", "{USD}/h", 5.0);
        check(50.0, "%", "1", 0.5);
        check(7.0, "", "1", 7.0);
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let refused = Unit::parse("bar").unwrap().conversion_to(&Unit::parse("A").unwrap());
        assert!(matches!(refused, Err(UnitError::Dimension { .. })), "{refused:?}");
        assert!(matches!(Unit::parse("furlongish"), Err(UnitError::Unknown { .. })));
        assert!(matches!(Unit::parse("B[V]"), Err(UnitError::NotLinear { .. })));
    }

    #[test]
    fn a_price_is_in_any_currency_and_for_the_same_thing() {
        let asked = Unit::parse("{money}/kW/h").unwrap();
        for (given, scale) in [
            ("", 1.0),
            ("{money}/kW/h", 1.0),
            ("{EUR}/kW/h", 1.0),
            ("ct/kW/h", 1.0),
            ("{EUR}/MW/h", 1e-3),
            ("{EUR}/(kW.h)", 1.0),
            ("{EUR}/MJ", 3.6),
            ("g/kW/h", 1.0),
        ] {
            let conversion = Unit::parse(given).unwrap().conversion_to_asked(&asked).unwrap();
            assert!((conversion.scale - scale).abs() < 1e-12 && conversion.offset == 0.0, "{given}: {conversion:?}");
        }
        for given in ["kW", "kW.h", "{EUR}", "{EUR}/kW", "{EUR}/h", "kW/h", "Cel"] {
            let refused = Unit::parse(given).unwrap().conversion_to_asked(&asked);
            assert!(matches!(refused, Err(UnitError::Dimension { .. })), "{given}: {refused:?}");
        }
        // What is no price is converted as ever.
        assert!(Unit::parse("").unwrap().conversion_to_asked(&Unit::parse("kW").unwrap()).is_err());
    }

    #[test]
    fn parses_rates_and_quantities() {
        let cel = Unit::parse("Cel").unwrap();
        assert!((parse_rate("0.6 Cel/min", &cel).unwrap() - 0.01).abs() < 1e-12);
        assert!((parse_rate("2 K/s", &cel).unwrap() - 2.0).abs() < 1e-12);
        assert!((parse_rate("60 /min", &cel).unwrap() - 1.0).abs() < 1e-12);
        assert!(parse_rate("0.6 Cel", &cel).is_err());
        assert!(parse_rate("0.6 Cel/bar", &cel).is_err());
        let kpa = Unit::parse("kPa").unwrap();
        assert!((parse_quantity("6 bar", &kpa).unwrap() - 600.0).abs() < 1e-9);
        assert!((parse_quantity("6", &kpa).unwrap() - 6.0).abs() < 1e-12);
        assert!(parse_quantity("inf", &kpa).is_err());
    }
}
