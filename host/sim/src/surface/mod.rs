//! Pictures of a rolled surface, good or with one of six defects, made up from a seed.
//!
//! - [`texture`]: the surface itself
//! - [`defects`]: what may be wrong with it
//! - [`strip`]: the plant: a camera over a strip, every class as often as the others
//!
//! The classes are those of hot-rolled steel strip in the NEU surface defect database (K. Song, Y. Yan, Applied Surface
//! Science 285, 2013), and one of surfaces without defect; every picture is made here.

pub mod defects;
pub mod strip;
pub mod texture;

use crate::noise::{self, uniform};
use defects::Field;

/// Pixels of a side.
pub const SIDE: usize = 96;
/// The defect's height over the standard deviation of the texture: lowest and highest, drawn evenly in its logarithm.
pub const CONTRAST: (f64, f64) = (0.5, 2.0);

/// The noise stream of the pictures.
const STREAM: u64 = 700;

/// What a picture shows. In the order of the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A net of fine dark cracks.
    Crazing,
    /// Nothing but texture.
    Good,
    /// Foreign matter, dark, drawn out along the rolling direction.
    Inclusion,
    /// Large bright areas with a soft border.
    Patches,
    /// Many small dark holes.
    Pits,
    /// Bands of dark flakes rolled in.
    Scale,
    /// Long thin bright lines.
    Scratches,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 7] =
        [Class::Crazing, Class::Good, Class::Inclusion, Class::Patches, Class::Pits, Class::Scale, Class::Scratches];

    /// In folders and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Class::Crazing => "crazing",
            Class::Good => "good",
            Class::Inclusion => "inclusion",
            Class::Patches => "patches",
            Class::Pits => "pits",
            Class::Scale => "scale",
            Class::Scratches => "scratches",
        }
    }
}

/// The picture of this class, seed and number: [`SIDE`] × [`SIDE`] grey levels, row-major, at its [`contrast`].
#[must_use]
pub fn picture(class: Class, seed: u64, number: u64) -> Vec<u8> {
    picture_of(class, contrast(class, seed, number), seed, number)
}

/// The contrast of that picture, drawn from [`CONTRAST`].
#[must_use]
pub fn contrast(class: Class, seed: u64, number: u64) -> f64 {
    let mut rng = noise::stream(seed, STREAM + class as u64, number);
    uniform(&mut rng, CONTRAST.0.ln(), CONTRAST.1.ln()).exp()
}

/// The same at a contrast of the caller's.
#[must_use]
pub fn picture_of(class: Class, contrast: f64, seed: u64, number: u64) -> Vec<u8> {
    let mut rng = noise::stream(seed, STREAM + 100 + class as u64, number);
    let (mean, sd) = (uniform(&mut rng, 90.0, 165.0), uniform(&mut rng, 6.0, 18.0));
    let texture = texture::draw(&mut rng);
    let defect = match class {
        Class::Good => Field::new(),
        Class::Crazing => defects::crazing(&mut rng),
        Class::Inclusion => defects::inclusion(&mut rng),
        Class::Patches => defects::patches(&mut rng),
        Class::Pits => defects::pits(&mut rng),
        Class::Scale => defects::scale(&mut rng),
        Class::Scratches => defects::scratches(&mut rng),
    };
    let grey = |(texture, defect): (&f64, &f64)| mean + sd * (texture + contrast * defect);
    // The cast saturates at the ends of the range, as a camera does.
    texture.iter().zip(defect.heights()).map(grey).map(|grey| grey.round() as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_and_sd(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
        let count = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / count;
        (mean, (values.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt())
    }

    #[test]
    fn a_seed_and_a_number_give_the_picture() {
        for class in Class::ALL {
            let first = picture(class, 3, 5);
            assert_eq!(first.len(), SIDE * SIDE);
            assert_eq!(first, picture(class, 3, 5));
            assert_ne!(first, picture(class, 3, 6));
            assert_ne!(first, picture(class, 4, 5));
        }
    }

    #[test]
    fn names_stand_in_the_classes_order() {
        let names = Class::ALL.map(Class::name);
        assert!(names.is_sorted());
        assert!(Class::ALL.is_sorted());
    }

    #[test]
    fn a_defect_is_as_high_as_its_contrast_says() {
        let seed = 11;
        for class in Class::ALL.into_iter().filter(|class| *class != Class::Good) {
            for number in 0..20 {
                let (without, with) = (picture_of(class, 0.0, seed, number), picture_of(class, 2.0, seed, number));
                let texture = mean_and_sd(without.iter().map(|grey| f64::from(*grey)));
                let heights = without.iter().zip(&with).map(|(a, b)| (f64::from(*b) - f64::from(*a)).abs() / texture.1);
                let highest = heights.clone().fold(0.0, f64::max);
                let touched = heights.filter(|height| *height > 0.5).count();
                assert!((1.5..2.4).contains(&highest), "{class:?} {number}: {highest}");
                assert!((40..SIDE * SIDE * 7 / 10).contains(&touched), "{class:?} {number}: {touched} pixels");
            }
        }
    }
}
