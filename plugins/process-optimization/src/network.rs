//! A reaction network written as text: `a + b -> 2 c; b + 2 c -> p + 2 e`.
//!
//! Amounts are masses (kg), so that each reaction keeps the mass. Its rate is of first order in every species it uses up, with a
//! rate constant that nobody tells: the estimator learns it.

/// What is wrong with a network's text.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// Neither `LEFT -> RIGHT` nor empty.
    #[error("`{0}` is not a reaction; write `a + b -> 2 c`")]
    NotAReaction(String),
    /// Not an amount and a name.
    #[error("`{0}` is not a species with an amount; write `2 c` or `c`")]
    NotASpecies(String),
    /// The two sides differ.
    #[error("`{reaction}` does not keep the mass: {left} kg become {right} kg")]
    Mass {
        /// As written.
        reaction: String,
        /// What goes in.
        left: f64,
        /// What comes out.
        right: f64,
    },
    /// There must be one at least, and as many as can be told apart by measuring every species.
    #[error("{0} reactions between {1} species; there must be at least one, and fewer than there are species")]
    Count(usize, usize),
}

/// One reaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Reaction {
    /// Species that it uses up; the rate is of first order in each.
    pub uses: Vec<usize>,
    /// What it gains (or loses, negative) of each species, in kg, for each time it happens.
    pub gains: Vec<f64>,
}

/// The reactions between the species of a tank.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Names, in the order in which they were first met.
    pub species: Vec<String>,
    /// At least one.
    pub reactions: Vec<Reaction>,
}

/// One side's amounts by name.
type Side = Vec<(f64, String)>;

impl Network {
    /// Reads a network; `;` stands between its reactions.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let lines = text.split(';').map(str::trim).filter(|line| !line.is_empty());
        let sides: Vec<(Side, Side)> = lines.map(reaction).collect::<Result<_, _>>()?;
        let mut species: Vec<String> = Vec::new();
        for (_, name) in sides.iter().flat_map(|(left, right)| left.iter().chain(right)) {
            if !species.contains(name) {
                species.push(name.clone());
            }
        }
        let position = |name: &String| species.iter().position(|s| s == name);
        let reactions: Vec<Reaction> = sides
            .iter()
            .map(|(left, right)| {
                let mut gains = vec![0.0; species.len()];
                let signed = left.iter().map(|(kg, s)| (-kg, s)).chain(right.iter().map(|(kg, s)| (*kg, s)));
                for (kg, name) in signed {
                    if let Some(gain) = position(name).and_then(|at| gains.get_mut(at)) {
                        *gain += kg;
                    }
                }
                Reaction { uses: left.iter().filter_map(|(_, name)| position(name)).collect(), gains }
            })
            .collect();
        if reactions.is_empty() || reactions.len() >= species.len() {
            return Err(NetworkError::Count(reactions.len(), species.len()));
        }
        Ok(Self { species, reactions })
    }

    /// The index of a species.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.species.iter().position(|s| s == name)
    }
}

fn reaction(text: &str) -> Result<(Side, Side), NetworkError> {
    let (left, right) = text.split_once("->").ok_or_else(|| NetworkError::NotAReaction(text.to_owned()))?;
    let side = |text: &str| text.split('+').map(|part| amount(part.trim())).collect::<Result<Side, _>>();
    let (left, right) = (side(left)?, side(right)?);
    let mass = |side: &Side| side.iter().map(|(kg, _)| kg).sum::<f64>();
    let (before, after) = (mass(&left), mass(&right));
    if (before - after).abs() > 1e-9 * before {
        return Err(NetworkError::Mass { reaction: text.to_owned(), left: before, right: after });
    }
    Ok((left, right))
}

fn amount(text: &str) -> Result<(f64, String), NetworkError> {
    let wrong = || NetworkError::NotASpecies(text.to_owned());
    let at = text.find(|c: char| c.is_alphabetic()).ok_or_else(wrong)?;
    let (number, name) = text.split_at(at);
    let kg = match number.trim() {
        "" => 1.0,
        number => number.parse().ok().filter(|kg: &f64| kg.is_finite() && *kg > 0.0).ok_or_else(wrong)?,
    };
    match name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        true => Ok((kg, name.to_owned())),
        false => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;

    #[test]
    fn the_williams_otto_network_reads_as_meant() {
        let network = Network::parse("a + b -> 2 c; b + 2 c -> p + 2e; c + 0.5 p -> 1.5 g;").unwrap();
        assert_eq!(network.species, ["a", "b", "c", "p", "e", "g"]);
        assert_eq!(network.reactions[1].uses, [1, 2]);
        assert_eq!(network.reactions[1].gains, [0.0, -1.0, -2.0, 1.0, 2.0, 0.0]);
        assert_eq!(network.position("g"), Some(5));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        let error = |text| Network::parse(text).unwrap_err();
        assert_eq!(error("a + b"), NetworkError::NotAReaction("a + b".into()));
        assert_eq!(error("a + -> c"), NetworkError::NotASpecies(String::new()));
        assert_eq!(error("-2 a -> b"), NetworkError::NotASpecies("-2 a".into()));
        assert_eq!(error("a b -> c"), NetworkError::NotASpecies("a b".into()));
        assert_eq!(error("a + b -> c"), NetworkError::Mass { reaction: "a + b -> c".into(), left: 2.0, right: 1.0 });
        assert_eq!(error(""), NetworkError::Count(0, 0));
        assert_eq!(error("a -> b; b -> a"), NetworkError::Count(2, 2));
    }
}
