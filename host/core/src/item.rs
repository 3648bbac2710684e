//! Items that pass a camera or a gauge, and what was taken of them: quality control judges these.
//!
//! - [`collector`]: from the events of a source to items

pub mod collector;

pub use collector::{ItemCollector, ItemCounts, ItemSpec, Trigger};

use crate::time::TimeNs;
use std::sync::Arc;

/// One thing to be judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Unique within a frame.
    pub id: u64,
    /// When it was triggered, source time.
    pub trigger_ns: TimeNs,
    /// Encoder counts at the trigger.
    pub encoder: i64,
    /// In the order of the configuration; NaN where one is missing or bad.
    pub measures: Vec<f64>,
    /// In the order of the configuration; [`Picture::missing`] where one is.
    pub pictures: Vec<Picture>,
}

/// A picture, row-major, channels last, 0 to 255.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    width: u32,
    height: u32,
    channels: u32,
    pixels: Arc<[u8]>,
}

/// A picture whose sizes and number of bytes disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a picture of {width}×{height}×{channels} can't have {bytes} bytes")]
pub struct PictureError {
    width: u32,
    height: u32,
    channels: u32,
    bytes: usize,
}

impl Picture {
    /// Checks that the sizes agree with the number of bytes.
    pub fn new(width: u32, height: u32, channels: u32, pixels: Arc<[u8]>) -> Result<Picture, PictureError> {
        let bytes =
            [height, channels].iter().try_fold(width as usize, |product, size| product.checked_mul(*size as usize));
        if bytes == Some(pixels.len()) {
            Ok(Picture { width, height, channels, pixels })
        } else {
            Err(PictureError { width, height, channels, bytes: pixels.len() })
        }
    }

    /// In the place of one that was not taken, or could not be read: no pixel at all.
    #[must_use]
    pub fn missing() -> Picture {
        Picture { width: 0, height: 0, channels: 1, pixels: Arc::from([]) }
    }

    /// Whether it has no pixel.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.pixels.is_empty()
    }

    /// Pixels across.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels down.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// 1 for grey, 3 for colour.
    #[must_use]
    pub fn channels(&self) -> u32 {
        self.channels
    }

    /// Row-major, channels last.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The pixels, shared rather than copied.
    #[must_use]
    pub fn shared_pixels(&self) -> Arc<[u8]> {
        Arc::clone(&self.pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_bytes_agree() {
        let bytes = |count: usize| Arc::from(vec![0_u8; count]);
        assert!(Picture::new(4, 3, 2, bytes(24)).is_ok());
        assert!(Picture::new(4, 3, 2, bytes(23)).is_err());
        assert!(Picture::new(u32::MAX, u32::MAX, u32::MAX, bytes(1)).is_err());
    }
}
