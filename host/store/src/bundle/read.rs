//! Reading a bundle: the key, the signature, the manifest, the parts, in this order, and nothing before what stands
//! ahead of it holds.

use super::MAX_BUNDLE_BYTES;
use super::header::{HEADER_BYTES, Header};
use super::key::PublicKey;
use super::manifest::{Manifest, Part, PartKind};
use super::trust::Trust;
use crate::digest::hexadecimal;
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};

/// Why a bundle is refused.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It could not be read or written.
    #[error("it can't be read or written: {0}")]
    Io(#[from] io::Error),
    /// Other bytes.
    #[error("this is no bundle: it does not begin as one")]
    NotABundle,
    /// From a newer dinrail.
    #[error("its format is {format}, and this dinrail knows format 1 only; update dinrail")]
    Format {
        /// As it says.
        format: u32,
    },
    /// Bytes that must be zero.
    #[error("bytes of its header that should be zero are not")]
    Reserved,
    /// More than is read.
    #[error("{bytes} bytes, {limit} are the limit")]
    TooLarge {
        /// As it says, or as it is.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// It ends early.
    #[error("it ends before it should: {missing} bytes are missing; copy it once more")]
    Truncated {
        /// How many.
        missing: u64,
    },
    /// It goes on.
    #[error("it goes on after its end; copy it once more")]
    Trailing,
    /// Nobody signed it.
    #[error("it is not signed; sign it with `dinrail bundle sign`, or say `unsigned = true` in [trust] for a bench")]
    Unsigned,
    /// Half a signature.
    #[error("its signer or its signature is none")]
    NoKey,
    /// Somebody signed it.
    #[error("it is signed by the key {fingerprint}, which is none of those that are trusted")]
    UnknownKey {
        /// Of the key.
        fingerprint: String,
    },
    /// The key is revoked.
    #[error("it is signed by the key `{key}`, which is revoked")]
    Revoked {
        /// What the site calls it.
        key: String,
    },
    /// The key stands for others.
    #[error("the key `{key}` is not trusted for a bundle called `{bundle}`; its names stand in [trust]")]
    Name {
        /// What the site calls it.
        key: String,
        /// What the bundle is called.
        bundle: String,
    },
    /// It was changed.
    #[error("its signature does not hold: it was changed after it was signed")]
    Signature,
    /// It says what makes no sense.
    #[error("its manifest is refused: {what}")]
    Manifest {
        /// What is wrong.
        what: String,
    },
    /// It could be written otherwise.
    #[error("its manifest is refused: it is not in the one form that manifests have")]
    NotCanonical,
    /// Lengths that contradict each other.
    #[error("its parts and its manifest take {parts} bytes, and it says that it has {total}")]
    Lengths {
        /// By the manifest.
        parts: u64,
        /// By the header.
        total: u64,
    },
    /// A part was changed.
    #[error("its part `{part}` is not what was signed")]
    Digest {
        /// Its name.
        part: String,
    },
}

/// A bundle whose every byte was checked.
#[derive(Clone, Debug)]
pub struct Bundle {
    header: Header,
    manifest: Manifest,
    signer: Option<PublicKey>,
    digest: String,
    /// In the manifest's order.
    contents: Vec<Vec<u8>>,
}

impl Bundle {
    /// Reads one whole and checks it against the keys of `trust`. No more is read than it says that it has, and not more
    /// than [`MAX_BUNDLE_BYTES`].
    pub fn read(source: &mut impl Read, trust: &Trust) -> Result<Bundle, BundleError> {
        let bundle = Bundle::read_any(source, |signer| trust.admit(signer))?;
        trust.allows(&bundle)?;
        Ok(bundle)
    }

    /// Reads one whoever signed it: its signature must hold all the same. For looking at it.
    pub fn inspect(source: &mut impl Read) -> Result<Bundle, BundleError> {
        Bundle::read_any(source, |_any| Ok(()))
    }

    fn read_any(
        source: &mut impl Read,
        admit: impl FnOnce(Option<&PublicKey>) -> Result<(), BundleError>,
    ) -> Result<Bundle, BundleError> {
        let mut head = [0; HEADER_BYTES];
        read_exact(source, &mut head)?;
        let header = Header::decode(&head)?;
        let signer = signer(&header)?;
        admit(signer.as_ref())?;
        let mut encoded = vec![0; header.manifest_bytes as usize];
        read_exact(source, &mut encoded)?;
        if let Some(signer) = &signer
            && !signer.verifies(&header.message(&encoded), &header.signature)
        {
            return Err(BundleError::Signature);
        }
        let manifest = Manifest::decode(&encoded)?;
        check_lengths(&header, &manifest)?;
        let contents = manifest.parts.iter().map(|part| read_part(source, part)).collect::<Result<_, _>>()?;
        if source.read(&mut [0])? != 0 {
            return Err(BundleError::Trailing);
        }
        let digest = hexadecimal(&Sha256::digest(header.message(&encoded)));
        Ok(Bundle { header, manifest, signer, digest, contents })
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whose signature holds; none: nobody signed it.
    #[must_use]
    pub fn signer(&self) -> Option<&PublicKey> {
        self.signer.as_ref()
    }

    /// What it is known by: SHA-256 over what is signed, and so over all of it but the signature.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The parts with their bytes, in the manifest's order.
    pub fn parts(&self) -> impl Iterator<Item = (&Part, &[u8])> {
        self.manifest.parts.iter().zip(self.contents.iter().map(Vec::as_slice))
    }

    /// The component's bytes.
    #[must_use]
    pub fn component(&self) -> &[u8] {
        let found = self.parts().find(|(part, _)| part.kind == PartKind::Component);
        found.expect("a checked manifest has one").1
    }

    /// Writes the very bytes that it was read from: what it was read from had one form only.
    pub fn write(&self, to: &mut impl Write) -> Result<(), BundleError> {
        to.write_all(&self.header.encode())?;
        to.write_all(&self.manifest.encode()?)?;
        for (_, bytes) in self.parts() {
            to.write_all(bytes)?;
        }
        Ok(())
    }

    /// Length of its file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.header.total_bytes
    }

    /// `NAME-VERSION.rail`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}.{}", self.manifest.name, self.manifest.version, super::EXTENSION)
    }
}

fn signer(header: &Header) -> Result<Option<PublicKey>, BundleError> {
    match (header.signer == [0; 32], header.signature == [0; 64]) {
        (true, true) => Ok(None),
        (false, false) => PublicKey::from_bytes(&header.signer).map(Some).ok_or(BundleError::NoKey),
        (true, false) | (false, true) => Err(BundleError::NoKey),
    }
}

fn check_lengths(header: &Header, manifest: &Manifest) -> Result<(), BundleError> {
    let head = HEADER_BYTES as u64 + u64::from(header.manifest_bytes);
    let parts = manifest.parts.iter().try_fold(head, |sum, part| sum.checked_add(part.bytes));
    match parts {
        Some(parts) if parts == header.total_bytes => Ok(()),
        _ => Err(BundleError::Lengths { parts: parts.unwrap_or(u64::MAX), total: header.total_bytes }),
    }
}

/// The length was signed and bounded; the memory grows with what comes.
fn read_part(source: &mut impl Read, part: &Part) -> Result<Vec<u8>, BundleError> {
    debug_assert!(part.bytes <= MAX_BUNDLE_BYTES);
    let mut bytes = Vec::new();
    source.take(part.bytes).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < part.bytes {
        return Err(BundleError::Truncated { missing: part.bytes - bytes.len() as u64 });
    }
    if hexadecimal(&Sha256::digest(&bytes)) != part.sha256 {
        return Err(BundleError::Digest { part: part.name.clone() });
    }
    Ok(bytes)
}

fn read_exact(source: &mut impl Read, bytes: &mut [u8]) -> Result<(), BundleError> {
    let mut filled = 0;
    while filled < bytes.len() {
        match source.read(&mut bytes[filled..]) {
            Ok(0) => return Err(BundleError::Truncated { missing: (bytes.len() - filled) as u64 }),
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
