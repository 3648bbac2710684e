//! Parts on a line: what a gauge measured against limits, and what a model says of a picture, become one verdict.

/// What a measure has to keep within.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// What it is called in a verdict.
    pub name: String,
    /// Least and most.
    pub range: (f64, f64),
}

/// A text that names no limits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{part}` is no limit; write \"length 59.8..60.2, width 39.8..40.2\", one for each measure of the items in their order"
)]
pub struct LimitError {
    /// Which part of the text.
    pub part: String,
}

/// Reads limits: `NAME LEAST..MOST`, between commas; nothing for none.
///
/// # Errors
/// Where a part is none, or its ends are not finite or stand the wrong way round.
pub fn limits(text: &str) -> Result<Vec<Limit>, LimitError> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let limit = |part: &str| {
        let (name, range) = part.rsplit_once(char::is_whitespace)?;
        let (least, most) = range.split_once("..")?;
        let (least, most) = (least.parse::<f64>().ok()?, most.parse::<f64>().ok()?);
        let is_range = least.is_finite() && most.is_finite() && least <= most;
        is_range.then(|| Limit { name: name.trim().to_owned(), range: (least, most) })
    };
    parts.map(|part| limit(part).ok_or_else(|| LimitError { part: part.to_owned() })).collect()
}

/// What becomes of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It passes.
    Pass,
    /// It can be mended.
    Rework,
    /// It goes.
    Reject,
}

/// An opinion of a part.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// What becomes of it.
    pub fate: Fate,
    /// What is wrong with it, or empty.
    pub defect: String,
    /// In [0, 1].
    pub confidence: f64,
    /// Something that should be there was not: nobody should act on the opinion.
    pub is_blind: bool,
}

impl Opinion {
    fn new(fate: Fate, defect: impl Into<String>, confidence: f64) -> Opinion {
        Opinion { fate, defect: defect.into(), confidence, is_blind: false }
    }

    fn blind(what: String) -> Opinion {
        Opinion { is_blind: true, ..Opinion::new(Fate::Reject, what, 0.0) }
    }

    /// Both together: the worse holds. What is known to be wrong stands above what is not known.
    #[must_use]
    pub fn and(self, other: Opinion) -> Opinion {
        let badness = |opinion: &Opinion| match (opinion.fate, opinion.is_blind) {
            (Fate::Reject, false) => 3,
            (_, true) => 2,
            (Fate::Rework, false) => 1,
            (Fate::Pass, false) => 0,
        };
        match badness(&self).cmp(&badness(&other)) {
            std::cmp::Ordering::Greater => self,
            std::cmp::Ordering::Less => other,
            std::cmp::Ordering::Equal => Opinion { confidence: self.confidence.min(other.confidence), ..self },
        }
    }
}

/// What the measures say. Farther outside than `rework` a part goes; nearer it can be mended. One that is missing leaves it
/// open.
#[must_use]
pub fn measured(measures: &[f64], limits: &[Limit], rework: f64) -> Opinion {
    let mut opinion = Opinion::new(Fate::Pass, "", 1.0);
    for (index, limit) in limits.iter().enumerate() {
        let said = match measures.get(index).copied().filter(|value| value.is_finite()) {
            None => Opinion::blind(format!("{} is missing", limit.name)),
            Some(value) => {
                let off = (limit.range.0 - value).max(value - limit.range.1);
                let word = if value < limit.range.0 { "too small" } else { "too large" };
                match off {
                    off if off <= 0.0 => continue,
                    off if off <= rework => Opinion::new(Fate::Rework, format!("{} {word}", limit.name), 1.0),
                    _ => Opinion::new(Fate::Reject, format!("{} {word}", limit.name), 1.0),
                }
            }
        };
        opinion = opinion.and(said);
    }
    opinion
}

/// What a model says of a picture. `scores` are shares of the classes, or their logarithms up to a constant, as
/// classifiers give them. A part is good by the share of the class `good`: from `pass` on it passes, below `reject` it goes.
#[must_use]
pub fn seen(scores: &[f32], classes: &[String], good: &str, (pass, reject): (f64, f64)) -> Opinion {
    let shares = shares(scores);
    let Some(place) = classes.iter().position(|class| class == good).filter(|_| shares.len() == classes.len()) else {
        return Opinion::blind("the model's classes are others".into());
    };
    let worst = shares.iter().enumerate().filter(|(index, _)| *index != place).max_by(|a, b| a.1.total_cmp(b.1));
    let defect = worst.map_or("", |(index, _)| classes[index].as_str());
    let share = shares[place];
    if pass <= share {
        Opinion::new(Fate::Pass, "", share)
    } else if share < reject {
        Opinion::new(Fate::Reject, defect, 1.0 - share)
    } else {
        Opinion::new(Fate::Rework, defect, 1.0 - share)
    }
}

/// Shares that sum to one: as they are where they do, else by softmax.
fn shares(scores: &[f32]) -> Vec<f64> {
    let scores: Vec<f64> = scores.iter().map(|score| f64::from(*score)).collect();
    let sum: f64 = scores.iter().sum();
    if scores.iter().all(|score| (0.0..=1.0).contains(score)) && (sum - 1.0).abs() < 1e-3 {
        return scores;
    }
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn limits_are_read_or_refused() {
        let read = limits("length 59.8..60.2, inner width -1..1e2,").unwrap();
        assert_eq!(read[0], Limit { name: "length".into(), range: (59.8, 60.2) });
        assert_eq!(read[1], Limit { name: "inner width".into(), range: (-1.0, 100.0) });
        assert_eq!(limits(" "), Ok(vec![]));
        for text in ["length", "length 3", "length 3..2", "length a..b", "length 1..inf", "1..2"] {
            assert!(limits(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_measure_outside_goes_or_is_mended_and_a_missing_one_leaves_it_open() {
        let known = limits("a 0..10, b 0..10").unwrap();
        let check = |measures: &[f64], fate: Fate, defect: &str, is_blind: bool| {
            let said = measured(measures, &known, 1.0);
            assert_eq!((said.fate, said.defect.as_str(), said.is_blind), (fate, defect, is_blind), "{measures:?}");
        };
        check(&[0.0, 10.0], Fate::Pass, "", false);
        check(&[5.0, 11.0], Fate::Rework, "b too large", false);
        check(&[-1.5, 11.0], Fate::Reject, "a too small", false);
        check(&[5.0, f64::NAN], Fate::Reject, "b is missing", true);
        check(&[5.0], Fate::Reject, "b is missing", true);
        check(&[20.0, f64::NAN], Fate::Reject, "a too large", false);
        check(&[10.5, f64::NAN], Fate::Reject, "b is missing", true);
    }

    #[test]
    fn a_picture_is_judged_by_the_share_of_the_good() {
        let classes: Vec<String> = ["pit", "good", "scratch"].map(str::to_owned).to_vec();
        let check = |scores: &[f32], fate: Fate, defect: &str| {
            let said = seen(scores, &classes, "good", (0.6, 0.3));
            assert_eq!((said.fate, said.defect.as_str(), said.is_blind), (fate, defect, false), "{scores:?}");
        };
        check(&[0.1, 0.8, 0.1], Fate::Pass, "");
        check(&[0.1, 0.5, 0.4], Fate::Rework, "scratch");
        check(&[0.7, 0.1, 0.2], Fate::Reject, "pit");
        // Logits.
        check(&[-3.0, 4.0, 0.0], Fate::Pass, "");
        check(&[5.0, 0.0, 0.0], Fate::Reject, "pit");
        assert!(seen(&[0.5, 0.5], &classes, "good", (0.6, 0.3)).is_blind);
        assert!(seen(&[0.2, 0.6, 0.2], &classes, "well", (0.6, 0.3)).is_blind);
    }

    #[test]
    fn of_two_opinions_the_worse_holds() {
        let (pass, bad) = (Opinion::new(Fate::Pass, "", 0.9), Opinion::new(Fate::Reject, "pit", 0.7));
        let blind = Opinion::blind("no picture".into());
        assert_eq!(pass.clone().and(bad.clone()), bad);
        assert_eq!(bad.clone().and(blind.clone()), bad, "what is known to be bad goes");
        assert!(pass.clone().and(blind).is_blind);
        assert_eq!(pass.clone().and(Opinion::new(Fate::Pass, "", 0.6)).confidence, 0.6);
    }
}
