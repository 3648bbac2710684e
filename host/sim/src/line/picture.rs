//! What the camera sees of a part.

use super::parts::Part;
use crate::plant::Picture;
use crate::surface::{self, SIDE};

/// The picture of a part, as the camera's `signal`.
pub(super) fn taken(seed: u64, part: &Part, signal: usize) -> Picture {
    let side = SIDE as u32;
    let pixels = surface::picture(part.surface, seed, part.number).into();
    Picture { signal, width: side, height: side, channels: 1, pixels }
}

#[cfg(test)]
mod tests {
    use super::super::parts::feed;
    use super::*;
    use surface::Class;

    #[test]
    fn a_picture_shows_the_surface_of_its_part() {
        let part = feed(1, 5);
        assert_eq!(taken(1, &part, 3), taken(1, &part, 3));
        let flawed = Part { surface: Class::Patches, ..part.clone() };
        assert_ne!(taken(1, &part, 3).pixels, taken(1, &flawed, 3).pixels);
        let flaws = (0..3_000).filter(|number| feed(1, *number).surface != Class::Good).count();
        assert!((80..160).contains(&flaws), "{flaws}");
    }
}
