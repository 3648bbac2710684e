//! The pool of simple forecasters whose mixture is the forecast.

use super::history::History;
use super::mixture::Told;
use super::regression::{Circle, Fit, Group, Transform};
use super::season::Seasons;

/// What a member does.
#[derive(Clone, Debug)]
enum Kind {
    /// The value so many periods before.
    Naive(usize),
    /// The mean of the last seasons, the newer the heavier, at the level of the last short season.
    Profile,
    /// Exponential smoothing of what is left without the season, with a damped trend or without one.
    Smooth { seasons: Seasons, trend: bool },
    /// A regression on entries of a group.
    Ridge { group: usize, entries: Vec<usize>, lambda: f64, prior: usize },
}

/// All members, and what they have learnt.
#[derive(Clone, Debug)]
pub struct Pool {
    seasons: Seasons,
    horizon: usize,
    circle: Circle,
    groups: Vec<Group>,
    members: Vec<Kind>,
    fits: Vec<Option<Fit>>,
}

/// The regressions' penalty on the square of what a coefficient differs from its prior: small, since much of what they
/// would lose by it they lose by being mixed; harmonics, which are many, bear more of it in some members.
const PENALTY: f64 = 3e-5;
const HARMONICS_PENALTY: f64 = 1e-3;
/// The penalty of regressions on the last few values, which stand for series whose season is none: those are mostly short.
const PLAIN_PENALTY: f64 = 1e-2;
/// Rows that count, of those that fade: at least so many, or so many long seasons.
const ROWS: f64 = 1_000.0;
const LONG_SEASONS: f64 = 8.0;
/// The same of the member that looks at the newest alone.
const RECENT_SEASONS: f64 = 2.0;
const RECENT_ROWS: f64 = 24.0;
/// A regression has at least so many rows, and as many as it has entries.
const LEAST_ROWS: f64 = 12.0;

impl Pool {
    /// The members for these seasons.
    #[must_use]
    pub fn new(seasons: Seasons, horizon: usize) -> Self {
        let (near, many, few) = (seasons.near_lags(), seasons.many_lags(), seasons.few_lags());
        let mut far = many.clone();
        far.extend(&few);
        far.sort_unstable();
        far.dedup();
        let long = seasons.long as f64;
        let keep = 1.0 - 1.0 / ROWS.max(LONG_SEASONS * long);
        let recent = 1.0 - 1.0 / RECENT_ROWS.max(RECENT_SEASONS * long);
        let harmonics = seasons.harmonics();
        let mut groups = vec![
            Group::new(Transform::Log, near.clone(), harmonics.clone(), keep),
            Group::new(Transform::Level, near.clone(), harmonics.clone(), keep),
            Group::new(Transform::Log, far.clone(), Vec::new(), keep),
            Group::new(Transform::Level, far, Vec::new(), keep),
            Group::new(Transform::Log, near.clone(), Vec::new(), recent),
        ];
        if !seasons.is_double() {
            let plain = [1, 2, 3, seasons.short.max(4)];
            groups.push(Group::new(Transform::Log, plain.to_vec(), Vec::new(), keep));
            groups.push(Group::new(Transform::Level, plain[..3].to_vec(), Vec::new(), keep));
        }
        let ridge_to = |prior: usize, group: usize, lags: &[usize], harmonics: usize, lambda: f64| Kind::Ridge {
            group,
            entries: groups[group].entries(lags, harmonics),
            lambda,
            prior,
        };
        let ridge = |group: usize, lags: &[usize], harmonics: usize, lambda: f64| {
            ridge_to(seasons.short, group, lags, harmonics, lambda)
        };
        let short = [1, 2, seasons.short, seasons.long];
        let turns = harmonics.len();
        let mut members = vec![
            Kind::Naive(1),
            Kind::Naive(seasons.short),
            Kind::Naive(seasons.long),
            Kind::Profile,
            Kind::Smooth { seasons, trend: false },
            Kind::Smooth { seasons, trend: true },
            ridge(0, &near, 0, PENALTY),
            ridge(1, &near, 0, PENALTY),
            ridge(2, &few, 0, PENALTY),
            ridge(2, &many, 0, PENALTY),
            ridge(3, &many, 0, PENALTY),
            ridge(4, &near, 0, PENALTY),
            ridge(0, &near, turns, PENALTY),
            ridge(0, &near, turns, HARMONICS_PENALTY),
            ridge(0, &short, turns, PENALTY),
            ridge(1, &near, turns, HARMONICS_PENALTY),
        ];
        if !seasons.is_double() {
            let without = Seasons::NONE;
            members.extend([
                Kind::Smooth { seasons: without, trend: false },
                Kind::Smooth { seasons: without, trend: true },
                ridge_to(1, 5, &[1, 2, 3], 0, PLAIN_PENALTY),
                ridge_to(1, 6, &[1, 2, 3], 0, PLAIN_PENALTY),
                ridge(5, &[1, seasons.short], 0, PLAIN_PENALTY),
            ]);
        }
        let fits = vec![None; members.len()];
        Self { circle: Circle::new(seasons.long), seasons, horizon, groups, members, fits }
    }

    /// How many members it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Learns the history's last value.
    pub fn learn(&mut self, history: &History) {
        let mut row = Vec::new();
        for group in &mut self.groups {
            group.learn(history, &self.circle, &mut row);
        }
    }

    /// Solves the regressions. Where nothing says otherwise, the value a short season ago comes again.
    pub fn fit(&mut self) {
        let mut guided = vec![false; self.groups.len()];
        for (member, fit) in self.members.iter().zip(&mut self.fits) {
            let Kind::Ridge { group, entries, lambda, prior } = member else { continue };
            let at = *group;
            let group = &self.groups[at];
            let target = group.target();
            if group.moments.rows() < (entries.len() as f64).max(LEAST_ROWS) {
                *fit = None;
                continue;
            }
            let spread = group.moments.variance(target);
            let lag_of = |entry: usize| group.lags.get(entry - 1).copied();
            let priors: Vec<f64> =
                entries.iter().map(|entry| if lag_of(*entry) == Some(*prior) { 1.0 } else { 0.0 }).collect();
            let penalty: Vec<f64> =
                entries.iter().map(|entry| lambda * if lag_of(*entry).is_some() { spread } else { 1.0 }).collect();
            *fit = group
                .moments
                .ridge(target, entries, &penalty, &priors)
                .map(|(constant, coefficients)| Fit { constant, coefficients });
            if let Some(fit) = fit.as_ref().filter(|_| !std::mem::replace(&mut guided[at], true)) {
                self.groups[at].guide = Some((entries.clone(), fit.clone()));
            }
        }
    }

    /// The members' forecasts of the horizon; none of those that can't tell yet.
    #[must_use]
    pub fn forecast(&self, history: &History) -> Told {
        (0..self.members.len()).map(|member| self.member(member, history)).collect()
    }

    fn member(&self, member: usize, history: &History) -> Option<Vec<f64>> {
        match &self.members[member] {
            Kind::Naive(lag) => naive(history.values(), *lag, self.horizon),
            Kind::Profile => super::simple::profile(history.values(), self.seasons, self.horizon),
            Kind::Smooth { seasons, trend } => super::simple::smooth(history.values(), *seasons, *trend, self.horizon),
            Kind::Ridge { group, entries, .. } => self.recurse(group, entries, self.fits[member].as_ref()?, history),
        }
    }

    /// A regression's forecasts, each made from those before it.
    fn recurse(&self, group: &usize, entries: &[usize], fit: &Fit, history: &History) -> Option<Vec<f64>> {
        let group = &self.groups[*group];
        let values = history.seen(group.transform)?;
        let deepest = group.deepest();
        let mut known = values.get(values.len().checked_sub(deepest)?..)?.to_vec();
        let (low, high) = history.bounds(group.transform);
        let lags: Vec<(usize, f64)> = entries
            .iter()
            .zip(&fit.coefficients)
            .filter_map(|(entry, b)| group.lags.get(entry - 1).map(|lag| (*lag, *b)))
            .collect();
        let turning = &fit.coefficients[lags.len()..];
        for step in 0..self.horizon {
            let now = known.len();
            let mut value = fit.constant + lags.iter().map(|(lag, b)| b * known[now - lag]).sum::<f64>();
            let time = history.count() + step;
            for (turns, b) in group.harmonics.iter().zip(turning.chunks_exact(2)) {
                let [sine, cosine] = self.circle.at(*turns, time);
                value += b[0] * sine + b[1] * cosine;
            }
            known.push(value.clamp(low, high));
        }
        let back = |value: &f64| match group.transform {
            Transform::Level => *value,
            Transform::Log => value.exp(),
        };
        Some(known[deepest..].iter().map(back).collect())
    }
}

fn naive(values: &[f64], lag: usize, horizon: usize) -> Option<Vec<f64>> {
    let season = values.get(values.len().checked_sub(lag)?..)?;
    Some(season.iter().cycle().take(horizon).copied().collect())
}
