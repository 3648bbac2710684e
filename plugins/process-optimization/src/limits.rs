//! Limits on fractions written as text: `a <= 0.12; g <= 0.08`.

use crate::network::Network;

/// One limit on a settled fraction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Its species, by its index in the network.
    pub species: usize,
    /// Whether the fraction must stay below, not above.
    pub upper: bool,
    /// The fraction.
    pub at: f64,
}

/// What is wrong with the limits' text.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LimitError {
    /// Neither `SPECIES <= FRACTION` nor `SPECIES >= FRACTION`.
    #[error("`{0}` is not a limit; write `a <= 0.12` or `p >= 0.1`, with `;` between")]
    NotALimit(String),
    /// The network does not have it.
    #[error("limit `{0}`: no reaction knows a species `{1}`")]
    UnknownSpecies(String, String),
    /// There may be four.
    #[error("{0} limits; {MOST_LIMITS} can be kept")]
    TooMany(usize),
}

/// Limits that are still searched along in a scan: every set of them is tried.
pub const MOST_LIMITS: usize = 4;

impl Limit {
    /// Reads limits on a network's species.
    pub fn parse(text: &str, network: &Network) -> Result<Vec<Self>, LimitError> {
        let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
        let limits: Vec<Self> = parts.map(|part| limit(part, network)).collect::<Result<_, _>>()?;
        if limits.len() > MOST_LIMITS { Err(LimitError::TooMany(limits.len())) } else { Ok(limits) }
    }

    /// How much room a fraction has: negative where it is beyond the limit.
    pub fn room(&self, fraction: f64) -> f64 {
        if self.upper { self.at - fraction } else { fraction - self.at }
    }
}

fn limit(part: &str, network: &Network) -> Result<Limit, LimitError> {
    let wrong = || LimitError::NotALimit(part.to_owned());
    let (upper, split) = match (part.split_once("<="), part.split_once(">=")) {
        (Some(split), None) => (true, split),
        (None, Some(split)) => (false, split),
        _ => return Err(wrong()),
    };
    let (name, number) = (split.0.trim(), split.1.trim());
    let at: f64 = number.parse().map_err(|_: std::num::ParseFloatError| wrong())?;
    if name.is_empty() || !(0.0..=1.0).contains(&at) {
        return Err(wrong());
    }
    let unknown = || LimitError::UnknownSpecies(part.to_owned(), name.to_owned());
    Ok(Limit { species: network.position(name).ok_or_else(unknown)?, upper, at })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;

    #[test]
    fn limits_read_as_meant_and_what_cannot_be_is_refused() {
        let network = Network::parse("a + b -> 2 c; b + 2 c -> p + 2 e; c + 0.5 p -> 1.5 g").unwrap();
        let parse = |text: &str| Limit::parse(text, &network);
        let (a, p) = (Limit { species: 0, upper: true, at: 0.12 }, Limit { species: 3, upper: false, at: 0.1 });
        assert_eq!(parse("a <= 0.12; p>=0.1;"), Ok(vec![a, p]));
        assert_eq!(parse(""), Ok(Vec::new()));
        assert!(a.room(0.11) > 0.0 && a.room(0.13) < 0.0 && p.room(0.11) > 0.0 && p.room(0.09) < 0.0);
        for wrong in ["a < 0.1", "a <= x", "<= 0.1", "a <= 1.5", "a <= 0.1 >= 0", "a <= NaN"] {
            assert_eq!(parse(wrong), Err(LimitError::NotALimit(wrong.to_owned())));
        }
        assert_eq!(parse("z <= 0.1"), Err(LimitError::UnknownSpecies("z <= 0.1".into(), "z".into())));
        assert_eq!(parse("a<=0;b<=0;c<=0;p<=0;e<=0"), Err(LimitError::TooMany(5)));
    }
}
