//! An entry as a line, and the hash that ties it to the one before.

use super::AuditError;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt::{self, Display};

/// Longest line: texts are cut to far less where they come in.
pub const MAX_LINE_BYTES: usize = 16 * 1_024;

/// What the chain hangs on, with the site's name behind it.
const GENESIS: &[u8] = b"dinrail audit 1\n";
/// What each entry's hash begins with, so that no other file's is one.
const ENTRY: &[u8] = b"dinrail audit entry 1\n";
/// Before the hash, at the end of each line.
const HASH_KEY: &str = ",\"hash\":\"";
/// A hash in hexadecimal.
const HASH_CHARACTERS: usize = 64;

/// What the first entry says that it is: its subject is the site.
pub(super) const BEGIN: &str = "begin";

/// What somebody did, or wanted to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// When, by the wall clock: RFC 3339, UTC.
    pub time: String,
    /// Who.
    pub user: String,
    /// What was asked for: `mode`, `accept`, `shelve`, …
    pub op: String,
    /// Of what: an output, a plugin, an alarm, a proposal's number.
    pub subject: String,
    /// `done`, `refused`.
    pub outcome: String,
    /// How that stood.
    pub before: String,
    /// How it stands.
    pub after: String,
    /// The answer, in a sentence.
    pub text: String,
}

/// An entry of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedEntry {
    /// Its number, from 0 without a gap.
    pub n: u64,
    /// What was done.
    #[serde(flatten)]
    pub deed: Deed,
    /// Of this entry and all before it.
    pub hash: Hash,
}

/// As it is hashed: the line without its hash.
#[derive(Serialize)]
struct Body<'a> {
    n: u64,
    #[serde(flatten)]
    deed: &'a Deed,
}

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first entry of a site's log hangs on.
    #[must_use]
    pub fn genesis(site: &str) -> Hash {
        Hash(Sha256::new().chain_update(GENESIS).chain_update(site.as_bytes()).finalize().into())
    }

    /// From hexadecimal digits in lower case; none where it is anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Hash> {
        let mut bytes = [0; 32];
        if text.len() != HASH_CHARACTERS {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |digit: u8| match digit {
                b'0'..=b'9' => Some(digit - b'0'),
                b'a'..=b'f' => Some(digit - b'a' + 10),
                _ => None,
            };
            *byte = digit(digits[0])? * 16 + digit(digits[1])?;
        }
        Some(Hash(bytes))
    }

    /// Of an entry behind this one.
    fn next(self, body: &[u8]) -> Hash {
        Hash(Sha256::new().chain_update(ENTRY).chain_update(self.0).chain_update(body).finalize().into())
    }
}

impl Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(deserializer)?;
        Hash::parse(&text).ok_or_else(|| serde::de::Error::custom("a hash has 64 hexadecimal digits in lower case"))
    }
}

/// The line of an entry, with its end, and its hash.
pub(super) fn seal(n: u64, deed: &Deed, previous: Hash) -> Result<(Vec<u8>, Hash), AuditError> {
    let mut line = serde_json::to_vec(&Body { n, deed }).expect("texts and a number are JSON");
    let hash = previous.next(&line);
    line.pop();
    line.extend_from_slice(HASH_KEY.as_bytes());
    line.extend_from_slice(hash.to_string().as_bytes());
    line.extend_from_slice(b"\"}");
    // What the reader refuses must not be written.
    if line.len() > MAX_LINE_BYTES {
        return Err(AuditError::TooLong);
    }
    line.push(b'\n');
    Ok((line, hash))
}

/// A line without its end, taken apart but not believed yet.
pub(super) struct Opened<'l> {
    /// The entry as it says it is.
    pub(super) entry: SealedEntry,
    /// The bytes before the hash, without the closing brace.
    body: &'l [u8],
}

impl Opened<'_> {
    /// Whether its hash is that of its bytes behind `previous`.
    pub(super) fn hangs_on(&self, previous: Hash) -> bool {
        let body = [self.body, b"}"].concat();
        previous.next(&body) == self.entry.hash
    }
}

/// Takes a line apart; what is no entry is said in a few words.
pub(super) fn open(line: &[u8]) -> Result<Opened<'_>, String> {
    if line.len() > MAX_LINE_BYTES {
        return Err(format!("it is longer than {MAX_LINE_BYTES} bytes"));
    }
    let entry: SealedEntry = serde_json::from_slice(line).map_err(|error| format!("it is no entry: {error}"))?;
    let tail = HASH_KEY.len() + HASH_CHARACTERS + 2;
    let expected = format!("{HASH_KEY}{}\"}}", entry.hash);
    let (body, end) = line.split_at_checked(line.len().saturating_sub(tail)).unwrap_or((line, &[]));
    if end != expected.as_bytes() {
        return Err("it does not end with its hash".to_owned());
    }
    Ok(Opened { entry, body })
}
