//! Runs rules: patterns of points that chance makes rarely.
//!
//! Western Electric Co., *Statistical Quality Control Handbook*, 1956; L. S. Nelson, "The Shewhart control chart: tests for
//! special causes", Journal of Quality Technology 16 (1984). Every rule lowers the average run length of an unharmed
//! process: the four of Western Electric together bring it from 370 to about 92 points (Champ and Woodall 1987).

use serde::{Deserialize, Serialize};

/// The most points that a rule looks back on, this one included.
const MEMORY: usize = 15;

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rule {
    /// One point beyond the limits (3 σ).
    Beyond,
    /// Two of three beyond 2 σ, on one side.
    TwoOfThree,
    /// Four of five beyond 1 σ, on one side.
    FourOfFive,
    /// Eight in a row on one side of the centre.
    EightOneSide,
    /// Nine in a row on one side of the centre.
    NineOneSide,
    /// Six in a row that only rise, or only fall.
    SixTrend,
    /// Fourteen in a row that go up and down in turn.
    FourteenAlternate,
    /// Fifteen in a row within 1 σ: limits that are too wide, subgroups of several streams.
    FifteenWithin,
    /// Eight in a row beyond 1 σ, on either side: a mixture.
    EightOutside,
}

const ALL: [(Rule, &str); 9] = [
    (Rule::Beyond, "beyond"),
    (Rule::TwoOfThree, "2-of-3"),
    (Rule::FourOfFive, "4-of-5"),
    (Rule::EightOneSide, "8-one-side"),
    (Rule::NineOneSide, "9-one-side"),
    (Rule::SixTrend, "6-trend"),
    (Rule::FourteenAlternate, "14-alternate"),
    (Rule::FifteenWithin, "15-within"),
    (Rule::EightOutside, "8-outside"),
];

const WESTERN_ELECTRIC: [Rule; 4] = [Rule::Beyond, Rule::TwoOfThree, Rule::FourOfFive, Rule::EightOneSide];
const NELSON: [Rule; 8] = [
    Rule::Beyond,
    Rule::NineOneSide,
    Rule::SixTrend,
    Rule::FourteenAlternate,
    Rule::TwoOfThree,
    Rule::FourOfFive,
    Rule::FifteenWithin,
    Rule::EightOutside,
];

impl Rule {
    /// As parameters and results call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(rule, _)| *rule == self).map_or("", |(_, name)| name)
    }

    /// Points that it looks at.
    fn points(self) -> usize {
        match self {
            Rule::Beyond => 1,
            Rule::TwoOfThree => 3,
            Rule::FourOfFive => 5,
            Rule::SixTrend => 6,
            Rule::EightOneSide | Rule::EightOutside => 8,
            Rule::NineOneSide => 9,
            Rule::FourteenAlternate => 14,
            Rule::FifteenWithin => 15,
        }
    }

    /// Whether it fires on the newest of these points, oldest first; `width` is where the limits stand. All in σ of what is
    /// plotted.
    fn fires(self, points: &[f64], width: f64) -> bool {
        // So many of so many: they may be full before there are so many points.
        let least = match self {
            Rule::TwoOfThree => 2,
            Rule::FourOfFive => 4,
            _ => self.points(),
        };
        let recent = &points[points.len().saturating_sub(self.points())..];
        if recent.len() < least {
            return false;
        }
        // The newest point takes part in the pattern: an old one alone is no news.
        let of_last = |beyond: f64, count: usize| {
            let last = recent.last().copied().unwrap_or(0.0);
            let beyond_count = |side: f64| recent.iter().filter(|z| side * **z > beyond).count();
            (last > beyond && beyond_count(1.0) >= count) || (last < -beyond && beyond_count(-1.0) >= count)
        };
        let steps = || recent.windows(2).map(|pair| pair[1] - pair[0]);
        match self {
            Rule::Beyond => recent.iter().any(|z| z.abs() > width),
            Rule::TwoOfThree => of_last(2.0, 2),
            Rule::FourOfFive => of_last(1.0, 4),
            Rule::EightOneSide | Rule::NineOneSide => of_last(0.0, recent.len()),
            Rule::SixTrend => steps().all(|step| step > 0.0) || steps().all(|step| step < 0.0),
            Rule::FourteenAlternate => {
                let steps: Vec<f64> = steps().collect();
                steps.windows(2).all(|pair| pair[0] * pair[1] < 0.0)
            }
            Rule::FifteenWithin => recent.iter().all(|z| z.abs() < 1.0),
            Rule::EightOutside => recent.iter().all(|z| z.abs() > 1.0),
        }
    }
}

/// A choice of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

/// A word that is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no runs rule: write \"limits\", \"western-electric\", \"nelson\", or some of {names}", names = names())]
pub struct RuleError(pub String);

fn names() -> String {
    ALL.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

impl Rules {
    /// The limits alone.
    #[must_use]
    pub fn limits() -> Rules {
        Rules(vec![Rule::Beyond])
    }

    /// `"limits"`, `"western-electric"`, `"nelson"`, or names of rules between commas.
    ///
    /// # Errors
    /// The first word that is none of these.
    pub fn parse(text: &str) -> Result<Rules, RuleError> {
        match text.trim() {
            "limits" | "" => return Ok(Rules::limits()),
            "western-electric" => return Ok(Rules(WESTERN_ELECTRIC.to_vec())),
            "nelson" => return Ok(Rules(NELSON.to_vec())),
            _ => {}
        }
        let rule = |word: &str| {
            let word = word.trim();
            ALL.iter().find(|(_, name)| *name == word).map(|(rule, _)| *rule).ok_or_else(|| RuleError(word.to_owned()))
        };
        Ok(Rules(text.split(',').map(rule).collect::<Result<_, _>>()?))
    }
}

/// The points that rules look back on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Runs {
    /// Oldest first.
    recent: Vec<f64>,
}

impl Runs {
    /// Takes the next point, in σ of what is plotted, and says which of the rules fires first.
    pub fn observe(&mut self, z: f64, rules: &Rules, width: f64) -> Option<Rule> {
        if let [only] = rules.0.as_slice()
            && only.points() == 1
        {
            return only.fires(&[z], width).then_some(*only);
        }
        if self.recent.len() == MEMORY {
            self.recent.remove(0);
        }
        self.recent.push(z);
        rules.0.iter().copied().find(|rule| rule.fires(&self.recent, width))
    }

    /// Forgets all points.
    pub fn restart(&mut self) {
        self.recent.clear();
    }

    /// Whether a saved state can be one of these.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.recent.len() <= MEMORY && self.recent.iter().all(|z| z.is_finite())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    /// At which points, counted from 1, the rule fires.
    fn check(rule: &str, points: &[f64], expected: &[usize]) {
        let rules = Rules::parse(rule).unwrap();
        let mut runs = Runs::default();
        let fired: Vec<usize> = (1..)
            .zip(points)
            .filter_map(|(at, z)| runs.observe(*z, &rules, 3.0).map(|fired| (at, fired)))
            .map(|(at, fired)| {
                assert_eq!(fired.name(), rule);
                at
            })
            .collect();
        assert_eq!(fired, expected, "{rule}");
    }

    #[test]
    fn each_rule_fires_where_its_pattern_is_full_and_not_before() {
        check("beyond", &[2.9, 3.0, 3.1, -3.1, 0.0], &[3, 4]);
        check("2-of-3", &[2.1, 0.0, 2.1, -2.1, 2.1, 0.0, 2.0], &[3, 5]);
        check("2-of-3", &[2.1, 2.1, 0.0], &[2]);
        check("4-of-5", &[1.1, 1.1, 0.5, 1.1, 1.1, 0.9, -1.1], &[5]);
        check("8-one-side", &[0.1; 9], &[8, 9]);
        check("8-one-side", &[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, -0.1, 0.1], &[]);
        check("9-one-side", &[-0.1; 9], &[9]);
        check("6-trend", &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.5], &[6, 7]);
        check("6-trend", &[0.0, 0.1, 0.2, 0.2, 0.4, 0.5, 0.6], &[]);
        let alternate: Vec<f64> = (0..15).map(|at| f64::from(at % 2)).collect();
        check("14-alternate", &alternate, &[14, 15]);
        check("15-within", &[0.5; 16], &[15, 16]);
        let mixture: Vec<f64> = (0..9).map(|at| if at % 2 == 0 { 1.5 } else { -1.5 }).collect();
        check("8-outside", &mixture, &[8, 9]);
    }

    #[test]
    fn sets_and_lists_are_read_and_others_refused() {
        assert_eq!(Rules::parse("western-electric").unwrap().0, WESTERN_ELECTRIC);
        assert_eq!(Rules::parse("nelson").unwrap().0.len(), 8);
        assert_eq!(Rules::parse("beyond, 6-trend").unwrap().0, [Rule::Beyond, Rule::SixTrend]);
        assert_eq!(Rules::parse("limits").unwrap(), Rules::limits());
        assert_eq!(Rules::parse("beyond, 7-trend").unwrap_err(), RuleError("7-trend".into()));
    }

    #[test]
    fn a_restart_forgets() {
        let rules = Rules::parse("8-one-side").unwrap();
        let mut runs = Runs::default();
        for _ in 0..7 {
            assert_eq!(runs.observe(1.0, &rules, 3.0), None);
        }
        runs.restart();
        assert_eq!(runs.observe(1.0, &rules, 3.0), None);
    }
}
