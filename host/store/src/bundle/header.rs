//! The fixed header, ahead of anything that is parsed.

use super::read::BundleError;
use super::{MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES};

/// What every bundle begins with.
const MAGIC: [u8; 8] = *b"DINRAIL\0";
/// The one format there is.
const FORMAT: u32 = 1;
/// Of the whole header.
pub(super) const HEADER_BYTES: usize = 128;
/// What of it is signed: all ahead of the signature.
const SIGNED_BYTES: usize = 56;
/// Ahead of what is signed, so that a signature for a bundle is one for nothing else.
const CONTEXT: &[u8] = b"dinrail bundle 1\n";

/// A header whose numbers are within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) manifest_bytes: u32,
    pub(super) total_bytes: u64,
    /// Zeros where unsigned.
    pub(super) signer: [u8; 32],
    /// Zeros where unsigned.
    pub(super) signature: [u8; 64],
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.manifest_bytes.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.total_bytes.to_le_bytes());
        bytes[24..56].copy_from_slice(&self.signer);
        bytes[56..120].copy_from_slice(&self.signature);
        bytes
    }

    pub(super) fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Header, BundleError> {
        if bytes[..8] != MAGIC {
            return Err(BundleError::NotABundle);
        }
        let format = u32::from_le_bytes(array(bytes, 8));
        if format != FORMAT {
            return Err(BundleError::Format { format });
        }
        let header = Header {
            manifest_bytes: u32::from_le_bytes(array(bytes, 12)),
            total_bytes: u64::from_le_bytes(array(bytes, 16)),
            signer: array(bytes, 24),
            signature: array(bytes, 56),
        };
        if bytes[120..] != [0; 8] {
            return Err(BundleError::Reserved);
        }
        if header.total_bytes > MAX_BUNDLE_BYTES {
            return Err(BundleError::TooLarge { bytes: header.total_bytes, limit: MAX_BUNDLE_BYTES });
        }
        if header.manifest_bytes > MAX_MANIFEST_BYTES {
            return Err(BundleError::TooLarge {
                bytes: u64::from(header.manifest_bytes),
                limit: u64::from(MAX_MANIFEST_BYTES),
            });
        }
        Ok(header)
    }

    /// What the signature is made over.
    pub(super) fn message(&self, manifest: &[u8]) -> Vec<u8> {
        [CONTEXT, &self.encode()[..SIGNED_BYTES], manifest].concat()
    }
}

fn array<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the header is longer")
}
