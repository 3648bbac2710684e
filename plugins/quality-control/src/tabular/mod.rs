//! What a machine's settings say of the part that it makes: will it fail, and of what?
//!
//! The model is a forest of trees; it gets what the physics says matters, and finds the thresholds by itself:
//!
//! | feature | from | why |
//! | --- | --- | --- |
//! | speed, wear | as measured | heat is carried off by rotation; a tool fails of wear |
//! | power | torque × speed × 2π/60, in W | too little or too much stalls the process |
//! | difference | process temperature − air temperature, in K | how well heat is carried off |
//! | strain | wear × torque ÷ what the variant bears | overstrain; a better variant bears more |
//!
//! The variants' measure is public with the AI4I set (S. Matzka, "Explainable artificial intelligence for predictive
//! maintenance applications", AI4I 2020; UCI 601): L, M and H fail above 11,000, 12,000 and 13,000 N·m·min. Another machine
//! has other ones: they are parameters.

/// Numbers that the model gets.
pub const FEATURES: usize = 5;
/// What the model tells apart, in the order of its answer: well; tool wear, heat dissipation, power, overstrain.
pub const DEFECTS: [&str; 5] = ["", "TWF", "HDF", "PWF", "OSF"];

/// What is measured while a part is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Kelvin.
    pub air_k: f64,
    /// Kelvin.
    pub process_k: f64,
    /// Revolutions a minute.
    pub speed_per_min: f64,
    /// Newton metres.
    pub torque_nm: f64,
    /// Minutes of use of the tool.
    pub wear_min: f64,
    /// Torque × wear that the variant bears, in N·m·min; above zero.
    pub bears: f64,
}

impl Measured {
    /// The features in the model's order.
    #[must_use]
    pub fn features(&self) -> [f32; FEATURES] {
        let power_w = self.torque_nm * self.speed_per_min * std::f64::consts::TAU / 60.0;
        let strain = self.torque_nm * self.wear_min / self.bears;
        [self.speed_per_min, self.wear_min, power_w, self.process_k - self.air_k, strain].map(|feature| feature as f32)
    }
}

/// What the model says of a part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Opinion {
    /// How likely it fails, in [0, 1].
    pub failure: f64,
    /// Likeliest defect, whether or not it fails.
    pub defect: &'static str,
}

impl Opinion {
    /// From the model's shares of the [`DEFECTS`]; none where they are other than so many numbers.
    #[must_use]
    pub fn of(shares: &[f32]) -> Option<Opinion> {
        if shares.len() != DEFECTS.len() || shares.iter().any(|share| !share.is_finite()) {
            return None;
        }
        let (well, defects) = shares.split_first()?;
        let largest = defects.iter().zip(&DEFECTS[1..]).max_by(|(a, _), (b, _)| a.total_cmp(b));
        let defect = largest.map_or("", |(_, defect)| *defect);
        Some(Opinion { failure: (1.0 - f64::from(*well)).clamp(0.0, 1.0), defect })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn features_are_those_of_the_table() {
        let measured = Measured {
            air_k: 298.1,
            process_k: 308.6,
            speed_per_min: 1551.0,
            torque_nm: 42.8,
            wear_min: 100.0,
            bears: 12_000.0,
        };
        let [speed, wear, power, difference, strain] = measured.features();
        assert_eq!((speed, wear), (1551.0, 100.0));
        assert!((power - 6951.6).abs() < 1.0, "{power}");
        assert!((difference - 10.5).abs() < 1e-4 && (strain - 0.35667).abs() < 1e-4);
    }

    #[test]
    fn shares_become_an_opinion() {
        let said = Opinion::of(&[0.3, 0.1, 0.1, 0.05, 0.45]).unwrap();
        assert!((said.failure - 0.7).abs() < 1e-6);
        assert_eq!(said.defect, "OSF");
        assert_eq!(Opinion::of(&[0.3, 0.7]), None);
        assert_eq!(Opinion::of(&[f32::NAN, 0.0, 0.0, 0.0, 0.0]), None);
    }
}
