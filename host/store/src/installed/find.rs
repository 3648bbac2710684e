//! Which of the installed bundles is meant by a name and the beginning of a version.

use super::error::InstalledError;
use super::record::InstalledBundle;
use super::{Installed, MAX_TEXT_BYTES};
use crate::bundle::manifest::is_name;
use semver::Version;

/// `NAME`, `NAME@1`, `NAME@1.2`, `NAME@1.2.3` or `NAME@1.2.3-rc.1`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Selector<'a> {
    name: &'a str,
    version: Wanted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// Numbers that it begins with, none to two of them; a pre-release is never meant by that.
    Beginning(Vec<u64>),
    Whole(Version),
}

impl Installed {
    /// The newest that fits `NAME`, `NAME@1`, `NAME@1.2` or a whole version, by the rules of semantic versioning; a
    /// pre-release only by its whole version. None: none fits.
    ///
    /// # Errors
    /// [`InstalledError::Selector`], and those of the index.
    pub fn find(&self, selector: &str) -> Result<Option<InstalledBundle>, InstalledError> {
        let wanted = Selector::parse(selector)?;
        let fitting = self.bundles()?.into_values().filter_map(|bundle| {
            let version = Version::parse(&bundle.version).ok()?;
            (bundle.name == wanted.name && wanted.version.takes(&version)).then_some((version, bundle))
        });
        Ok(fitting.max_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, bundle)| bundle))
    }
}

#[cfg(test)]
pub(super) fn newest<'a>(
    selector: &str,
    versions: impl Iterator<Item = &'a Version>,
) -> Result<Option<&'a Version>, InstalledError> {
    let wanted = Selector::parse(selector)?;
    Ok(versions.filter(|version| wanted.version.takes(version)).max())
}

impl<'a> Selector<'a> {
    fn parse(text: &'a str) -> Result<Selector<'a>, InstalledError> {
        let refused = || InstalledError::Selector { text: text.chars().take(MAX_TEXT_BYTES).collect() };
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        if MAX_TEXT_BYTES < text.len() || !is_name(name) {
            return Err(refused());
        }
        let version = version.map_or(Some(Wanted::Beginning(vec![])), Wanted::parse).ok_or_else(refused)?;
        Ok(Selector { name, version })
    }
}

impl Wanted {
    fn parse(text: &str) -> Option<Wanted> {
        if let Ok(version) = Version::parse(text) {
            return Some(Wanted::Whole(version));
        }
        let number = |part: &str| match part.as_bytes() {
            [b'0', _, ..] => None,
            digits if digits.iter().all(u8::is_ascii_digit) => part.parse().ok(),
            _ => None,
        };
        let numbers: Vec<u64> = text.split('.').map(number).collect::<Option<_>>()?;
        (numbers.len() <= 2).then_some(Wanted::Beginning(numbers))
    }

    fn takes(&self, version: &Version) -> bool {
        match self {
            Wanted::Beginning(numbers) => version.pre.is_empty() && [version.major, version.minor].starts_with(numbers),
            Wanted::Whole(wanted) => version.cmp_precedence(wanted).is_eq(),
        }
    }
}
