//! Picture files: PNG and JPEG, grey or colour, decoded within bounds.
//!
//! A picture file is foreign bytes: its size on disk, its sides and what its decoder may allocate are limited before a pixel
//! is read.

use dinrail_core::item::Picture;
use image::{DynamicImage, ImageReader, Limits};
use std::path::{Component, Path, PathBuf};

/// Largest file: a PNG of the largest picture that does not compress at all, and some more.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// Longest side.
pub const MAX_SIDE: u32 = 8_192;
/// Largest picture in bytes, a byte a pixel and channel: as numbers for a model it is four times as large, and an instance
/// may hold 32 MiB of both.
pub const MAX_PICTURE_BYTES: u64 = 6 * 1024 * 1024;

/// Why a picture is none.
#[derive(Debug, thiserror::Error)]
pub enum PictureFileError {
    /// It can't be read.
    #[error("{path}: {error}", path = .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// It is no PNG and no JPEG, is broken, or is larger than is let.
    #[error("{path} is no picture that can be read: {error}", path = .path.display())]
    Decode {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: image::ImageError,
    },
    /// It is too large.
    #[error("{path} has {bytes} bytes, {limit} are the limit: make it smaller", path = .path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The file's, or the decoded picture's.
        bytes: u64,
        /// The limit on that.
        limit: u64,
    },
    /// A name that leads out of its folder.
    #[error("`{name}` leads out of its folder, or is none")]
    Name {
        /// As it came, cut.
        name: String,
    },
}

/// Reads a picture: grey stays grey, everything else becomes three channels.
pub fn read(path: &Path) -> Result<Picture, PictureFileError> {
    let failed = |error| PictureFileError::Read { path: path.to_owned(), error };
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    let too_large = |bytes, limit| PictureFileError::TooLarge { path: path.to_owned(), bytes, limit };
    if bytes > MAX_FILE_BYTES {
        return Err(too_large(bytes, MAX_FILE_BYTES));
    }
    let mut reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(failed)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    // 16 bits and an alpha channel may stand in the file.
    limits.max_alloc = Some(8 * MAX_PICTURE_BYTES);
    reader.limits(limits);
    let decoded = reader.decode().map_err(|error| PictureFileError::Decode { path: path.to_owned(), error })?;
    let (width, height) = (decoded.width(), decoded.height());
    let is_grey = matches!(
        decoded,
        DynamicImage::ImageLuma8(_)
            | DynamicImage::ImageLumaA8(_)
            | DynamicImage::ImageLuma16(_)
            | DynamicImage::ImageLumaA16(_)
    );
    let channels = if is_grey { 1 } else { 3 };
    let size = u64::from(width) * u64::from(height) * u64::from(channels);
    if size > MAX_PICTURE_BYTES {
        return Err(too_large(size, MAX_PICTURE_BYTES));
    }
    let pixels = if is_grey { decoded.into_luma8().into_raw() } else { decoded.into_rgb8().into_raw() };
    Ok(Picture::new(width, height, channels, pixels.into()).expect("the decoder gives as many bytes as pixels"))
}

/// Longest name that is repeated in a message; it may come over a network.
const MAX_SHOWN_NAME: usize = 80;

/// A folder whose pictures are named by records and messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureFolder {
    folder: PathBuf,
}

impl PictureFolder {
    /// Nothing is opened yet.
    #[must_use]
    pub fn new(folder: PathBuf) -> PictureFolder {
        PictureFolder { folder }
    }

    /// Reads the picture of this name in the folder or below it. A name that leads elsewhere is refused.
    pub fn read(&self, name: &str) -> Result<Picture, PictureFileError> {
        let relative = Path::new(name);
        let stays = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !stays || name.is_empty() {
            let name = name.chars().filter(|c| !c.is_control()).take(MAX_SHOWN_NAME).collect();
            return Err(PictureFileError::Name { name });
        }
        read(&self.folder.join(relative))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use image::{GrayImage, Luma, Rgb, RgbImage};

    #[test]
    fn grey_stays_grey_and_colour_has_three_channels() {
        let folder = tempfile::tempdir().unwrap();
        let grey = GrayImage::from_fn(3, 2, |x, y| Luma([(10 * x + y) as u8]));
        let colour = RgbImage::from_fn(2, 2, |x, _| Rgb([x as u8, 100, 200]));
        grey.save(folder.path().join("grey.png")).unwrap();
        colour.save(folder.path().join("colour.png")).unwrap();
        colour.save(folder.path().join("colour.jpg")).unwrap();
        let pictures = PictureFolder::new(folder.path().to_owned());
        let grey = pictures.read("grey.png").unwrap();
        assert_eq!((grey.width(), grey.height(), grey.channels()), (3, 2, 1));
        assert_eq!(grey.pixels(), [0, 10, 20, 1, 11, 21]);
        let colour = pictures.read("./colour.png").unwrap();
        assert_eq!((colour.channels(), &colour.pixels()[..6]), (3, &[0, 100, 200, 1, 100, 200][..]));
        let jpeg = pictures.read("colour.jpg").unwrap();
        assert_eq!((jpeg.width(), jpeg.channels(), jpeg.pixels().len()), (2, 3, 12));
    }

    #[test]
    fn what_is_no_picture_is_said_and_a_name_stays_in_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("text.png"), "no picture").unwrap();
        std::fs::write(inner.join("cut.png"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0").unwrap();
        GrayImage::new(1, 1).save(folder.path().join("outside.png")).unwrap();
        let pictures = PictureFolder::new(inner);
        for (name, part) in [
            ("text.png", "no picture"),
            ("cut.png", "no picture"),
            ("absent.png", "absent.png"),
            ("../outside.png", "leads out"),
            ("/etc/hostname", "leads out"),
            ("", "leads out"),
        ] {
            let error = pictures.read(name).unwrap_err().to_string();
            assert!(error.contains(part), "{name}: {error}");
        }
    }

    #[test]
    fn sizes_are_bounded_before_anything_is_decoded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.png");
        // A header that promises four thousand million pixels, as its checksum confirms.
        let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x06\0\0\0".to_vec();
        file.extend(crc(&file[12..]).to_be_bytes());
        std::fs::write(&path, &file).unwrap();
        assert!(matches!(read(&path), Err(PictureFileError::Decode { .. })));
        GrayImage::new(3_000, 2_200).save(&path).unwrap();
        assert!(matches!(read(&path), Err(PictureFileError::TooLarge { bytes: 6_600_000, .. })));
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(MAX_FILE_BYTES + 1).unwrap();
        assert!(matches!(read(&path), Err(PictureFileError::TooLarge { .. })));
    }

    /// CRC-32 of ISO 3309, as PNG uses it.
    fn crc(bytes: &[u8]) -> u32 {
        let mut crc = !0_u32;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        !crc
    }
}
