//! Whose bundles are taken: keys, each for the names that it was given.

use super::key::PublicKey;
use super::read::{Bundle, BundleError};

/// A key that is trusted for some names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// What the site calls it.
    pub name: String,
    /// The key.
    pub key: PublicKey,
    /// Names of bundles, each with at most one `*` at its end.
    pub bundles: Vec<String>,
    /// Nothing that it signed is installed any more.
    pub revoked: bool,
}

/// The keys of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// In the configuration's order; two may stand for the same names while one takes over from the other.
    pub keys: Vec<TrustedKey>,
    /// Whether bundles that nobody signed are taken.
    pub unsigned: bool,
}

impl Trust {
    /// One key for every name: what `verify --key` asks for.
    #[must_use]
    pub fn only(key: PublicKey) -> Trust {
        let key = TrustedKey { name: "the given key".to_owned(), key, bundles: vec!["*".to_owned()], revoked: false };
        Trust { keys: vec![key], unsigned: false }
    }

    /// Before anything is parsed: whether the header's key is one of these.
    pub(super) fn admit(&self, signer: Option<&PublicKey>) -> Result<(), BundleError> {
        let Some(signer) = signer else {
            return if self.unsigned { Ok(()) } else { Err(BundleError::Unsigned) };
        };
        let mut known = self.keys.iter().filter(|trusted| trusted.key == *signer).peekable();
        if known.peek().is_none() {
            return Err(BundleError::UnknownKey { fingerprint: signer.fingerprint() });
        }
        match known.find(|trusted| trusted.revoked) {
            Some(revoked) => Err(BundleError::Revoked { key: revoked.name.clone() }),
            None => Ok(()),
        }
    }

    /// Once it is verified: whether the key may sign for this name.
    pub(super) fn allows(&self, bundle: &Bundle) -> Result<(), BundleError> {
        let Some(signer) = bundle.signer() else { return Ok(()) };
        let name = &bundle.manifest().name;
        let mut of_signer = self.keys.iter().filter(|trusted| trusted.key == *signer);
        if of_signer.clone().any(|trusted| trusted.bundles.iter().any(|pattern| covers(pattern, name))) {
            return Ok(());
        }
        let key = of_signer.next().map_or_else(|| signer.fingerprint(), |trusted| trusted.name.clone());
        Err(BundleError::Name { key, bundle: name.clone() })
    }
}

/// Whether a pattern (a name, or the beginning of one and `*`) stands for a name.
fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}
