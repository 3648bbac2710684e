//! How a bearing wears out: one run to failure, drawn from a seed.
//!
//! Growth is Paris' law (Paris, Erdogan 1963) on the severity s, with a rate that differs from bearing to bearing and wanders
//! while one wears: ds/dt = C·v(t)·sᵐ. With m = 1 that is exponential growth, as in Gebraeel et al. 2005.

use crate::fault::Wear;
use crate::noise::{self, Wander};

const WEAR_STREAM: u64 = 4;
/// Knots of the path, a nominal life.
const KNOTS_A_LIFE: usize = 1024;
/// A path is followed for at most so many nominal lives.
const LIVES_MAX: usize = 4;
/// The rate wanders with a time constant of this share of the nominal life.
const WANDER_SHARE: f64 = 0.1;
/// A bearing's own rate lies within so many standard deviations.
const RATE_SD_MAX: f64 = 2.0;

/// The severity of one bearing from its injection to its failure.
#[derive(Debug, Clone)]
pub(super) struct WearPath {
    knot_s: f64,
    /// Logarithms of the severity, one a knot; the last one is where it failed, if it did.
    log_severity: Vec<f64>,
}

impl WearPath {
    /// The path of the bearing that begins to wear at `injected_at_s`, and would fail after `life_s` at the nominal rate.
    pub(super) fn draw(seed: u64, injected_at_s: f64, life_s: f64, wear: &Wear) -> Self {
        let mut rng = noise::stream(seed, WEAR_STREAM, injected_at_s.to_bits());
        let knot_s = life_s / KNOTS_A_LIFE as f64;
        let begin = wear.initial.ln();
        let bend = wear.exponent - 1.0;
        // So that a nominal bearing takes `life_s` from its initial severity to 1.
        let rate = if bend.abs() < 1e-9 { -begin } else { ((-bend * begin).exp() - 1.0) / bend } / life_s;
        let own = noise::normal(&mut rng).clamp(-RATE_SD_MAX, RATE_SD_MAX) * wear.spread;
        let mut wander = Wander::new(WANDER_SHARE * life_s, wear.wander, knot_s);
        let (mut at, mut log_severity) = (begin, vec![begin]);
        while at < 0.0 && log_severity.len() <= KNOTS_A_LIFE * LIVES_MAX {
            wander.step(&mut rng);
            at += rate * (own + wander.at + bend * at).exp() * knot_s;
            log_severity.push(at);
        }
        Self { knot_s, log_severity }
    }

    /// The severity so long after the injection, at most 1.
    pub(super) fn severity(&self, since_s: f64) -> f64 {
        let knots = since_s.max(0.0) / self.knot_s;
        let (at, share) = (knots.floor() as usize, knots.fract());
        let (Some(&before), Some(&after)) = (self.log_severity.get(at), self.log_severity.get(at + 1)) else {
            return self.log_severity.last().map_or(1.0, |x| x.exp().min(1.0));
        };
        (before + share * (after - before)).exp().min(1.0)
    }

    /// From the injection to severity 1; none where the path was not followed that far.
    pub(super) fn fails_after_s(&self) -> Option<f64> {
        let after = self.log_severity.len().checked_sub(1)?;
        let (before, last) = (*self.log_severity.get(after.checked_sub(1)?)?, *self.log_severity.get(after)?);
        (last >= 0.0).then(|| (after as f64 - last / (last - before)) * self.knot_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Race;

    fn wear(exponent: f64, spread: f64, wander: f64) -> Wear {
        Wear { initial: 0.02, exponent, spread, wander, race: Race::Outer }
    }

    #[test]
    fn a_bearing_without_variation_lives_as_long_as_it_should() {
        for exponent in [1.0, 1.3] {
            let path = WearPath::draw(1, 0.0, 86_400.0, &wear(exponent, 0.0, 0.0));
            let life_s = path.fails_after_s().expect("it fails");
            assert!((life_s / 86_400.0 - 1.0).abs() < 0.01, "{exponent}: {life_s}");
            assert!((path.severity(0.0) - 0.02).abs() < 1e-12);
            assert!((path.severity(life_s) - 1.0).abs() < 1e-6, "{}", path.severity(life_s));
            assert!(path.severity(life_s - 1.0) < 1.0 && path.severity(1e9) == 1.0);
            let half = path.severity(0.5 * life_s);
            assert!((exponent == 1.0 && (half - 0.02_f64.sqrt()).abs() < 0.01) || half < 0.1, "{exponent}: {half}");
        }
    }

    #[test]
    fn lives_scatter_by_their_spread_and_severity_never_falls() {
        let lives: Vec<f64> = (0..400)
            .map(|seed| {
                let path = WearPath::draw(seed, 3600.0, 1000.0, &wear(1.0, 0.3, 0.2));
                let life_s = path.fails_after_s().expect("within four lives");
                let severities = (0..100).map(|i| path.severity(f64::from(i) * life_s / 99.0));
                assert!(severities.is_sorted(), "seed {seed}");
                (life_s / 1000.0).ln()
            })
            .collect();
        let mean = lives.iter().sum::<f64>() / 400.0;
        let sd = (lives.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 400.0).sqrt();
        assert!(mean.abs() < 0.05 && (0.22..0.36).contains(&sd), "{mean} {sd}");
    }
}
