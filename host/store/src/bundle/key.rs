//! Ed25519 keys, in the forms that `openssl pkey` knows: PKCS #8 for the secret one, SubjectPublicKeyInfo for the public
//! one, both as PEM.

use crate::digest::hexadecimal;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// Hexadecimal digits of a fingerprint.
const FINGERPRINT_DIGITS: usize = 32;

/// Why a key's text is refused. It never contains the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Of a secret key.
    #[error("this is no Ed25519 secret key in PEM (`-----BEGIN PRIVATE KEY-----`); `dinrail bundle keygen` makes one")]
    Secret,
    /// Of a public key.
    #[error("this is no Ed25519 public key in PEM (`-----BEGIN PUBLIC KEY-----`); `dinrail bundle keygen` makes one")]
    Public,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

/// What bundles are signed with.
pub struct SecretKey(SigningKey);

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey(of {})", self.public().fingerprint())
    }
}

impl SecretKey {
    /// A new one, from the system's random bytes.
    pub fn generate() -> Result<SecretKey, KeyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_unavailable| KeyError::Random)?;
        Ok(SecretKey::from_seed(&seed))
    }

    /// The one that these 32 bytes make; for tests.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> SecretKey {
        SecretKey(SigningKey::from_bytes(seed))
    }

    /// From PEM.
    pub fn from_pem(pem: &str) -> Result<SecretKey, KeyError> {
        SigningKey::from_pkcs8_pem(pem).map(SecretKey).map_err(|_unreadable| KeyError::Secret)
    }

    /// As PEM; whoever has it can sign.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let pem = self.0.to_pkcs8_pem(LineEnding::LF).map_err(|_unwritable| KeyError::Secret)?;
        Ok(pem.to_string())
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// What signatures are checked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// From PEM.
    pub fn from_pem(pem: &str) -> Result<PublicKey, KeyError> {
        let key = VerifyingKey::from_public_key_pem(pem).map_err(|_unreadable| KeyError::Public)?;
        if key.is_weak() { Err(KeyError::Public) } else { Ok(PublicKey(key)) }
    }

    /// As PEM.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.0.to_public_key_pem(LineEnding::LF).map_err(|_unwritable| KeyError::Public)
    }

    /// From its 32 bytes.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Option<PublicKey> {
        VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak()).map(PublicKey)
    }

    pub(super) fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// What people compare: the first half of the SHA-256 over the key's 32 bytes, as hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut digits = hexadecimal(&Sha256::digest(self.0.as_bytes()));
        digits.truncate(FINGERPRINT_DIGITS);
        digits
    }

    /// Strict: what has a second form is refused (RFC 8032, with the checks of "Taming the many EdDSAs").
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}
