//! Making a bundle, and signing one.

use super::MAX_BUNDLE_BYTES;
use super::header::Header;
use super::key::SecretKey;
use super::manifest::{Manifest, Part, PartKind, bounded};
use super::read::{Bundle, BundleError};
use crate::digest::hexadecimal;
use sha2::{Digest, Sha256};

/// A part and its bytes, on the way into a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What it is.
    pub kind: PartKind,
    /// See [`PartKind`].
    pub name: String,
    /// Fingerprint of the device's key that the bytes are encrypted to.
    pub sealed_to: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Encodes a bundle. The parts of `manifest` are made from `contents`.
pub fn pack(
    mut manifest: Manifest,
    mut contents: Vec<Content>,
    key: Option<&SecretKey>,
) -> Result<Vec<u8>, BundleError> {
    contents.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    manifest.parts = contents.iter().map(part).collect();
    let bytes: Vec<&[u8]> = contents.iter().map(|content| content.bytes.as_slice()).collect();
    assemble(&manifest, &bytes, key)
}

/// The same bundle under another signature, or under none.
pub fn sign(bundle: &Bundle, key: Option<&SecretKey>) -> Result<Vec<u8>, BundleError> {
    let contents: Vec<&[u8]> = bundle.parts().map(|(_, bytes)| bytes).collect();
    assemble(bundle.manifest(), &contents, key)
}

fn part(content: &Content) -> Part {
    Part {
        kind: content.kind,
        name: content.name.clone(),
        bytes: content.bytes.len() as u64,
        sha256: hexadecimal(&Sha256::digest(&content.bytes)),
        sealed_to: content.sealed_to.clone(),
    }
}

fn assemble(manifest: &Manifest, contents: &[&[u8]], key: Option<&SecretKey>) -> Result<Vec<u8>, BundleError> {
    let encoded = manifest.encode()?;
    // What nobody could read is not made.
    Manifest::decode(&encoded)?;
    let contents_bytes: u64 = contents.iter().map(|bytes| bytes.len() as u64).sum();
    let mut header = Header {
        manifest_bytes: bounded(&encoded)?,
        total_bytes: super::header::HEADER_BYTES as u64 + encoded.len() as u64 + contents_bytes,
        signer: key.map_or([0; 32], |key| key.public().to_bytes()),
        signature: [0; 64],
    };
    if header.total_bytes > MAX_BUNDLE_BYTES {
        return Err(BundleError::TooLarge { bytes: header.total_bytes, limit: MAX_BUNDLE_BYTES });
    }
    if let Some(key) = key {
        header.signature = key.sign(&header.message(&encoded));
    }
    Ok([&header.encode()[..], &encoded].into_iter().chain(contents.iter().copied()).collect::<Vec<_>>().concat())
}
