//! The charts of one tag: phase I where its limits are not known, then phase II, and a new beginning after each signal.

use super::phase::{self, Estimate};
use super::rules::Rule;
use super::subgroup::{Filling, SIZE_MAX, Spread};
use super::{Baseline, Chart, Point, Said, cusum, ewma, shewhart};
use serde::{Deserialize, Serialize};

/// How the charts of all tags are set up.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which charts.
    pub charts: Vec<Chart>,
    /// Of Shewhart's chart; its width also counts for that of the spread.
    pub shewhart: shewhart::Settings,
    /// Of the cumulative sums.
    pub cusum: cusum::Settings,
    /// Of the moving average.
    pub ewma: ewma::Settings,
    /// Values in a subgroup; 1: single values.
    pub size: usize,
    /// How the scatter within them is measured.
    pub spread: Spread,
    /// Subgroups that phase I takes its limits from.
    pub learn: usize,
    /// Whether a chart begins anew after its own signal. If not, a sum that exceeds its limit goes on signalling.
    pub restart: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            charts: vec![Chart::Shewhart],
            shewhart: shewhart::Settings::default(),
            cusum: cusum::Settings::default(),
            ewma: ewma::Settings::default(),
            size: 1,
            spread: Spread::Range,
            learn: 100,
            restart: true,
        }
    }
}

/// One tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// What its limits stand on; none: phase I.
    baseline: Option<Baseline>,
    filling: Filling,
    /// Phase I: means and spreads so far.
    means: Vec<f64>,
    spreads: Vec<Option<f64>>,
    shewhart: shewhart::Shewhart,
    cusum: cusum::Cusum,
    ewma: ewma::Ewma,
}

/// What phase I came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Learnt {
    /// Nothing yet, or long ago.
    Nothing,
    /// Limits.
    Limits(Estimate),
    /// The stretch does not vary: it is taken again.
    NoScatter,
}

impl Variable {
    /// With known limits, or to learn them.
    #[must_use]
    pub fn new(baseline: Option<Baseline>, settings: &Settings) -> Variable {
        Variable {
            baseline,
            filling: Filling::default(),
            means: Vec::new(),
            spreads: Vec::new(),
            shewhart: shewhart::Shewhart::default(),
            cusum: cusum::Cusum::new(&settings.cusum),
            ewma: ewma::Ewma::default(),
        }
    }

    /// What its limits stand on; none in phase I.
    #[must_use]
    pub fn baseline(&self) -> Option<Baseline> {
        self.baseline
    }

    /// Takes a value, and appends a point for each chart where it completes a subgroup in phase II.
    pub fn observe(&mut self, value: f64, settings: &Settings, points: &mut Vec<Point>) -> Learnt {
        let Some((mean, spread)) = self.filling.add(value, settings.size, settings.spread) else {
            return Learnt::Nothing;
        };
        let Some(baseline) = self.baseline else {
            return self.learn(mean, spread, settings);
        };
        let sigma = baseline.sigma / (settings.size as f64).sqrt();
        let z = (mean - baseline.centre) / sigma;
        let mut own = Vec::with_capacity(0);
        for chart in &settings.charts {
            let point = match chart {
                Chart::Shewhart => Some(self.shewhart_point(z, mean, baseline.centre, sigma, settings)),
                Chart::Spread => spread.map(|spread| spread_point(spread, baseline.sigma, settings)),
                Chart::Cusum => Some(self.cusum_point(z, sigma, settings)),
                Chart::Ewma => Some(self.ewma_point(z, baseline.centre, sigma, settings)),
            };
            if let Some(point) = point {
                if point.said.rule.is_some() && settings.restart {
                    own.push(*chart);
                }
                points.push(point);
            }
        }
        own.into_iter().for_each(|chart| self.restart_chart(chart, settings));
        Learnt::Nothing
    }

    /// A known change: every chart begins anew, with the limits it has.
    pub fn restart(&mut self, settings: &Settings) {
        self.filling.restart();
        [Chart::Shewhart, Chart::Cusum, Chart::Ewma].into_iter().for_each(|chart| self.restart_chart(chart, settings));
    }

    /// A change after which limits are others: phase I again.
    pub fn relearn(&mut self, settings: &Settings) {
        *self = Variable::new(None, settings);
    }

    /// Whether a saved state can be one of these.
    #[must_use]
    pub fn is_sound(&self, settings: &Settings) -> bool {
        let baseline = self.baseline.is_none_or(|known| Baseline::new(known.centre, known.sigma) == Some(known));
        let learning = self.means.len() == self.spreads.len() && self.means.len() < settings.learn.max(1);
        let finite = self.means.iter().chain(self.spreads.iter().flatten()).all(|value| value.is_finite());
        let charts = self.shewhart.is_sound() && self.cusum.is_sound() && self.ewma.is_sound();
        baseline && learning && finite && charts && self.filling.is_sound() && settings.size <= SIZE_MAX
    }

    fn learn(&mut self, mean: f64, spread: Option<f64>, settings: &Settings) -> Learnt {
        self.means.push(mean);
        self.spreads.push(spread);
        if self.means.len() < settings.learn {
            return Learnt::Nothing;
        }
        let found = phase::estimate(&self.means, &self.spreads, settings.size, settings.spread);
        // Their memory is given back: there may be hundreds of tags.
        (self.means, self.spreads) = (Vec::new(), Vec::new());
        self.baseline = found.map(|found| found.baseline);
        found.map_or(Learnt::NoScatter, Learnt::Limits)
    }

    fn shewhart_point(&mut self, z: f64, mean: f64, centre: f64, sigma: f64, settings: &Settings) -> Point {
        let reach = settings.shewhart.width * sigma;
        let rule = self.shewhart.observe(z, &settings.shewhart).map(Rule::name);
        Point {
            statistic: mean,
            lower: centre - reach,
            upper: centre + reach,
            said: Said { chart: Chart::Shewhart, rule },
        }
    }

    fn cusum_point(&mut self, z: f64, sigma: f64, settings: &Settings) -> Point {
        let rule = self.cusum.observe(z, &settings.cusum);
        let reach = settings.cusum.h * sigma;
        let statistic = self.cusum.statistic() * sigma;
        Point { statistic, lower: -reach, upper: reach, said: Said { chart: Chart::Cusum, rule } }
    }

    fn ewma_point(&mut self, z: f64, centre: f64, sigma: f64, settings: &Settings) -> Point {
        let rule = self.ewma.observe(z, &settings.ewma);
        let reach = self.ewma.limit(&settings.ewma) * sigma;
        let statistic = centre + self.ewma.statistic() * sigma;
        Point { statistic, lower: centre - reach, upper: centre + reach, said: Said { chart: Chart::Ewma, rule } }
    }

    fn restart_chart(&mut self, chart: Chart, settings: &Settings) {
        match chart {
            Chart::Shewhart => self.shewhart.restart(),
            Chart::Cusum => self.cusum = cusum::Cusum::new(&settings.cusum),
            Chart::Ewma => self.ewma = ewma::Ewma::default(),
            // It has no memory.
            Chart::Spread => {}
        }
    }
}

/// Limits as D₃ and D₄, or B₃ and B₄, for the width 3: the lower one not below zero.
fn spread_point(spread: f64, sigma: f64, settings: &Settings) -> Point {
    let (mean, deviation) = settings.spread.constants(settings.size);
    let reach = settings.shewhart.width * deviation;
    let (lower, upper) = (sigma * (mean - reach).max(0.0), sigma * (mean + reach));
    let rule = match (spread > upper, spread < lower) {
        (true, _) => Some("spread-high"),
        (false, true) => Some("spread-low"),
        (false, false) => None,
    };
    Point { statistic: spread, lower, upper, said: Said { chart: Chart::Spread, rule } }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::charts::rules::Rules;
    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};
    use rand_pcg::Pcg64Mcg;

    const STANDARD: Baseline = Baseline { centre: 0.0, sigma: 1.0 };

    /// Mean run length of one chart under a shift, over so many runs.
    fn run_length(settings: &Settings, shift: f64, runs: usize, seed: u64) -> f64 {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut variable = Variable::new(Some(STANDARD), settings);
        let (mut taken, mut signals) = (0_u64, 0);
        let mut points = Vec::new();
        while signals < runs {
            let noise: f64 = StandardNormal.sample(&mut rng);
            points.clear();
            variable.observe(noise + shift, settings, &mut points);
            taken += 1;
            signals += points.iter().filter(|point| point.said.rule.is_some()).count();
        }
        taken as f64 / runs as f64
    }

    /// A tenth of the runs of the proof, within four standard errors (a run's deviation is at most its mean) and 0.5 %.
    #[test]
    fn average_run_lengths_are_those_of_theory() {
        let runs = 10_000;
        let figures = [
            (Chart::Shewhart, [370.4, 155.2, 43.9, 6.30, 2.00]),
            (Chart::Cusum, [465.4, 38.0, 10.38, 4.01, 2.57]),
            (Chart::Ewma, [499.7, 41.8, 10.54, 3.74, 2.38]),
        ];
        for (chart, lengths) in figures {
            let settings = Settings { charts: vec![chart], ..Settings::default() };
            for (seed, (shift, length)) in (1..).zip([0.0, 0.5, 1.0, 2.0, 3.0].into_iter().zip(lengths)) {
                let seen = run_length(&settings, shift, runs, seed);
                let error = (seen / length - 1.0).abs();
                assert!(error < 4.0 / (runs as f64).sqrt() + 0.005, "{chart:?} {shift}: {seen} {length}");
            }
        }
    }

    /// Champ and Woodall (1987): 91.75 for all four rules of Western Electric.
    #[test]
    fn runs_rules_cost_as_much_as_published() {
        let rules = Rules::parse("western-electric").unwrap();
        let settings = Settings { shewhart: shewhart::Settings { width: 3.0, rules }, ..Settings::default() };
        let seen = run_length(&settings, 0.0, 10_000, 3);
        assert!((seen / 91.75 - 1.0).abs() < 0.045, "{seen}");
    }

    #[test]
    fn subgroup_means_are_judged_by_their_own_deviation() {
        let settings = Settings {
            charts: vec![Chart::Shewhart, Chart::Spread],
            size: 4,
            spread: Spread::Deviation,
            ..Settings::default()
        };
        let mut variable = Variable::new(Baseline::new(10.0, 2.0), &settings);
        let mut points = Vec::new();
        [12.0, 14.0, 13.0, 13.4].into_iter().for_each(|value| {
            variable.observe(value, &settings, &mut points);
        });
        // 13.1 is beyond 10 + 3 · 2/√4 = 13; the scatter is small and within its limits (B₃ of four is 0).
        assert_eq!((points[0].upper, points[0].said.rule), (13.0, Some("beyond")));
        assert_eq!((points[1].lower, points[1].said.rule), (0.0, None));
    }

    #[test]
    fn limits_are_learnt_then_watched_and_learnt_again() {
        let settings = Settings { learn: 200, ..Settings::default() };
        let mut rng = Pcg64Mcg::seed_from_u64(5);
        let mut variable = Variable::new(None, &settings);
        let mut points = Vec::new();
        let mut draw = || -> f64 { StandardNormal.sample(&mut rng) };
        for at in 0..200 {
            let learnt = variable.observe(100.0 + draw(), &settings, &mut points);
            assert_eq!(matches!(learnt, Learnt::Limits(_)), at == 199);
        }
        assert!(points.is_empty());
        variable.observe(106.0, &settings, &mut points);
        assert_eq!(points[0].said.rule, Some("beyond"));
        assert!(variable.is_sound(&settings));
        variable.relearn(&settings);
        variable.observe(106.0, &settings, &mut points);
        assert_eq!((points.len(), variable.baseline()), (1, None));
    }
}
