//! What a waveform block says in three numbers, each a channel of its own.

/// Channels that one waveform gives a row.
pub const FEATURES: usize = 3;

/// Blocks shorter than this say nothing of a fourth moment.
const SAMPLES_MIN: usize = 64;

/// Samples of a block that are looked at, at most: guest time stays bounded whatever the block's length.
const SAMPLES_MAX: usize = 16_384;

/// The block's features, or nothing where it is too short, flat or not finite:
/// - the logarithm of its RMS about the mean: how much it shakes;
/// - the logarithm of its kurtosis: impacts, as of a spalled bearing, raise it (3 for noise, 1.5 for a sine);
/// - the logarithm of the RMS of its first difference over its RMS: how high in frequency the shaking is.
///
/// Logarithms, because faults multiply these numbers and their scatter is proportional to them.
#[must_use]
pub fn features(samples: &[f32]) -> Option<[f64; FEATURES]> {
    let samples = &samples[..samples.len().min(SAMPLES_MAX)];
    if samples.len() < SAMPLES_MIN {
        return None;
    }
    let n = samples.len() as f64;
    let mean = samples.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let (mut second, mut fourth, mut steps) = (0.0, 0.0, 0.0);
    let mut before = f64::from(samples[0]) - mean;
    for &x in samples {
        let x = f64::from(x) - mean;
        second += x * x;
        fourth += x * x * x * x;
        steps += (x - before) * (x - before);
        before = x;
    }
    let (variance, fourth) = (second / n, fourth / n);
    let found = [0.5 * variance.ln(), (fourth / (variance * variance)).ln(), 0.5 * (steps / second).ln()];
    found.iter().all(|x| x.is_finite()).then_some(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn sine(period: f64) -> Vec<f32> {
        (0..4096).map(|i| (2.0 * std::f64::consts::PI * f64::from(i) / period).sin() as f32).collect()
    }

    #[test]
    fn a_sine_has_its_known_moments() {
        let [rms, kurtosis, frequency] = features(&sine(64.0)).unwrap();
        assert!((rms - 0.5_f64.sqrt().ln()).abs() < 1e-3, "{rms}");
        assert!((kurtosis - 1.5_f64.ln()).abs() < 1e-3, "{kurtosis}");
        // The difference of a sine is 2·sin(π/period) times as large.
        let expected = (2.0 * (std::f64::consts::PI / 64.0).sin()).ln();
        assert!((frequency - expected).abs() < 1e-3, "{frequency} {expected}");
    }

    #[test]
    fn impacts_raise_the_kurtosis_and_size_the_rms() {
        let mut hit = sine(64.0);
        hit.iter_mut().step_by(200).for_each(|x| *x += 8.0);
        let (before, after) = (features(&sine(64.0)).unwrap(), features(&hit).unwrap());
        assert!(after[0] > before[0] && after[1] > before[1] + 1.0, "{before:?} {after:?}");
        let double: Vec<f32> = sine(64.0).iter().map(|x| 2.0 * x).collect();
        let louder = features(&double).unwrap();
        assert!((louder[0] - before[0] - 2.0_f64.ln()).abs() < 1e-6 && (louder[1] - before[1]).abs() < 1e-6);
    }

    #[test]
    fn a_block_without_information_gives_nothing() {
        assert_eq!(features(&[]), None);
        assert_eq!(features(&sine(64.0)[..63]), None);
        assert!(features(&sine(64.0)[..64]).is_some());
        assert_eq!(features(&[4.0; 1000]), None, "flat");
        let mut broken = sine(64.0);
        broken[7] = f32::NAN;
        assert_eq!(features(&broken), None);
        broken[7] = f32::INFINITY;
        assert_eq!(features(&broken), None);
    }
}
