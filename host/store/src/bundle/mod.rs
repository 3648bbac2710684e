//! Bundles: what an OEM ships, one signed file `NAME-VERSION.rail`.
//!
//! ```text
//! offset  bytes  what
//!      0      8  "DINRAIL\0"
//!      8      4  format, 1 (little-endian, as all numbers here)
//!     12      4  length of the manifest
//!     16      8  length of the whole file
//!     24     32  the signer's Ed25519 public key; zeros where unsigned
//!     56     64  signature; zeros where unsigned
//!    120      8  zeros
//!    128         the manifest, then the parts in its order, one behind the other
//! ```
//!
//! The signature is made over `"dinrail bundle 1\n"`, the first 56 bytes of the header, and the manifest. The manifest is JSON
//! without white space, its keys in one order; a reader encodes it anew and compares every byte. It has the length and
//! SHA-256 of each part, in their order, so that the signature speaks for all of them. There is no compression, no link and
//! no path that anybody follows: a part's name is one of a fixed grammar ([`PartKind`]).
//!
//! - [`key`]: keys and signatures
//! - [`manifest`]: what a bundle says of itself
//! - [`described`]: a plugin's description as it stands in the manifest
//! - [`pack`]: making one
//! - [`read`]: reading one, nothing of it before it is verified
//! - [`trust`]: whose bundles are taken

pub mod described;
pub mod key;
pub mod manifest;
pub mod pack;
pub mod read;
pub mod trust;

mod header;

pub use key::{PublicKey, SecretKey};
pub use manifest::{Manifest, Part, PartKind};
pub use read::{Bundle, BundleError};
pub use trust::{Trust, TrustedKey};

/// Largest bundle: two of the largest models, and room for the rest.
pub const MAX_BUNDLE_BYTES: u64 = 320 * 1024 * 1024;
/// Largest manifest; a plugin's description with every parameter explained takes some 10 KiB.
pub const MAX_MANIFEST_BYTES: u32 = 1024 * 1024;
/// Most parts.
pub const MAX_PARTS: usize = 256;
/// What a bundle's file name ends with.
pub const EXTENSION: &str = "rail";

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
