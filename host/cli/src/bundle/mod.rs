//! `dinrail bundle`: making, signing and looking at bundles.
//!
//! - `packing`: from a component, models and tables to a bundle
//! - [`capabilities`]: what a component asks for

pub mod capabilities;
mod packing;

pub use packing::{PackOptions, pack};

use crate::run::Ending;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use dinrail_store::bundle::key::KeyError;
use dinrail_store::bundle::{Bundle, BundleError, PublicKey, SecretKey, Trust};
use std::fs::OpenOptions;
use std::io::{BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Largest file of a key in PEM.
const MAX_KEY_BYTES: u64 = 16 * 1024;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("`{}`: {error}", path.display())]
    File {
        path: PathBuf,
        #[source]
        error: std::io::Error,
    },
    #[error("`{}`: {error}", path.display())]
    Key {
        path: PathBuf,
        #[source]
        error: KeyError,
    },
    #[error("`{}` is refused: {error}", path.display())]
    Bundle {
        path: PathBuf,
        #[source]
        error: BundleError,
    },
    #[error("{0}")]
    Made(#[from] BundleError),
    #[error("{0}")]
    Pack(String),
}

impl CommandError {
    fn ending(&self) -> Ending {
        match self {
            CommandError::Key { .. } => Ending::Usage,
            CommandError::Bundle { .. } => Ending::Refused,
            CommandError::File { .. } | CommandError::Made(_) | CommandError::Pack(_) => Ending::Failed,
        }
    }
}

/// Prints what is left to say, and gives the exit code's reason.
fn ended(result: Result<String, CommandError>) -> Ending {
    match result {
        Ok(said) => {
            show!("{said}");
            Ending::Well
        }
        Err(error) => {
            tell!("dinrail: {error}");
            error.ending()
        }
    }
}

/// Makes a pair of keys: `NAME.key`, which only its owner may read, and `NAME.pub`.
#[must_use]
pub fn keygen(name: &Path) -> Ending {
    ended(made_keys(name))
}

fn made_keys(name: &Path) -> Result<String, CommandError> {
    let (secret, public) = (with_ending(name, "key"), with_ending(name, "pub"));
    let of = |path: &Path| {
        let path = path.to_owned();
        move |error| CommandError::Key { path, error }
    };
    let key = SecretKey::generate().map_err(of(&secret))?;
    let public_pem = key.public().to_pem().map_err(of(&public))?;
    // A key that is there is never written over: bundles in the field are signed with it.
    write_new(&secret, key.to_pem().map_err(of(&secret))?.as_bytes(), 0o600)?;
    write_new(&public, public_pem.as_bytes(), 0o644)?;
    Ok(format!(
        "{} signs bundles: keep it where nobody else reads it\n{} is for those who verify them, fingerprint {}\n",
        secret.display(),
        public.display(),
        key.public().fingerprint()
    ))
}

/// Checks a bundle against one key.
#[must_use]
pub fn verify(file: &Path, key: &Path) -> Ending {
    ended(public_key(key).and_then(|key| {
        let bundle = open(file, |source| Bundle::read(source, &Trust::only(key)))?;
        Ok(format!("{}: signed by {}, every byte checked\n", bundle.file_name(), key.fingerprint()))
    }))
}

/// Signs a bundle, or signs it anew with another key.
#[must_use]
pub fn sign(file: &Path, key: &Path, output: Option<&Path>) -> Ending {
    ended(secret_key(key).and_then(|key| {
        let bundle = open(file, Bundle::inspect)?;
        let signed = dinrail_store::bundle::pack::sign(&bundle, Some(&key))?;
        let output = output.unwrap_or(file);
        replace(output, &signed)?;
        Ok(format!("{}: signed by {}\n", output.display(), key.public().fingerprint()))
    }))
}

/// Shows what a bundle says of itself. Its signature must hold; whose it is, is for the reader to judge.
#[must_use]
pub fn inspect(file: &Path, json: bool) -> Ending {
    ended(open(file, Bundle::inspect).map(|bundle| match json {
        true => format!("{}\n", inspection(&bundle)),
        false => inspection_text(&bundle),
    }))
}

fn inspection(bundle: &Bundle) -> serde_json::Value {
    serde_json::json!({
        "file": bundle.file_name(),
        "digest": bundle.digest(),
        "signer": bundle.signer().map(PublicKey::fingerprint),
        "manifest": bundle.manifest(),
    })
}

fn inspection_text(bundle: &Bundle) -> String {
    let manifest = bundle.manifest();
    let signer = match bundle.signer() {
        Some(key) => format!("by the key {}; `dinrail bundle verify` says whether that is yours", key.fingerprint()),
        None => "by nobody".to_owned(),
    };
    let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    let mut text = format!(
        "{} {} ({}): {}\n\n  signed        {signer}\n  digest        {}\n  built against {}, runs on dinrail {} and newer\n  \
         changes       {}\n  expires       {}\n  limits        {}\n  asks for      {}\n\n",
        manifest.name,
        manifest.version,
        manifest.world,
        manifest.description.summary,
        bundle.digest(),
        manifest.wit,
        manifest.minimum_dinrail,
        or_none(&manifest.changes),
        manifest.expires.as_deref().map_or("never".to_owned(), |day| format!("after {day}")),
        manifest.limits,
        or_none(&manifest.capabilities.join(", ")),
    );
    let mut parts = Table::new();
    parts.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    parts.set_header(["part", "name", "bytes", "sha256"]);
    for part in &manifest.parts {
        let sealed = part.sealed_to.as_ref().map_or(String::new(), |device| format!(" (encrypted to {device})"));
        let (bytes, short) = (part.bytes.to_string(), part.sha256.get(..16).unwrap_or_default());
        parts.add_row([part.kind.name(), &format!("{}{sealed}", part.name), &bytes, short]);
    }
    text.push_str(&format!("{parts}\n"));
    text
}

fn open(
    path: &Path,
    read: impl FnOnce(&mut BufReader<std::fs::File>) -> Result<Bundle, BundleError>,
) -> Result<Bundle, CommandError> {
    // What can't be opened can't be verified, whatever the reason.
    let refused = |error| CommandError::Bundle { path: path.to_owned(), error };
    let file = std::fs::File::open(path).map_err(|error| refused(error.into()))?;
    read(&mut BufReader::new(file)).map_err(refused)
}

/// A public key's file.
pub(crate) fn public_key(path: &Path) -> Result<PublicKey, CommandError> {
    PublicKey::from_pem(&key_text(path)?).map_err(|error| CommandError::Key { path: path.to_owned(), error })
}

fn secret_key(path: &Path) -> Result<SecretKey, CommandError> {
    SecretKey::from_pem(&key_text(path)?).map_err(|error| CommandError::Key { path: path.to_owned(), error })
}

fn key_text(path: &Path) -> Result<String, CommandError> {
    use std::io::Read;
    let failed = |error| CommandError::File { path: path.to_owned(), error };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAX_KEY_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

fn with_ending(name: &Path, ending: &str) -> PathBuf {
    let mut path = name.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    PathBuf::from(path)
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), CommandError> {
    let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| CommandError::File { path: path.to_owned(), error })
}

/// Written beside it and renamed: a reader finds the old one or the new one.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    let partial = with_ending(path, "partial");
    let written = std::fs::write(&partial, bytes).and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|error| CommandError::File { path: path.to_owned(), error })
}
