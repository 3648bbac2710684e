//! Which bundles are taken.

use super::error::{InstallError, InstalledError};
use super::index::{BUNDLES, FLOORS, Reading};
use super::record::InstalledBundle;
use super::{Installed, Limits, MAX_TEXT_BYTES};
use crate::bundle::manifest::is_day;
use crate::bundle::{Bundle, Manifest, PublicKey, Trust};
use semver::Version;
use std::cmp::Ordering;
use std::io::Read;

/// What an installation goes by. The clock and the user are the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallRules {
    /// YYYY-MM-DD, for what expires.
    pub today: String,
    /// RFC 3339, for the record.
    pub now: String,
    /// Who installs.
    pub by: String,
    /// This dinrail's version, by the rules of semantic versioning.
    pub dinrail: String,
    /// An explicit word that an older version than one that ran is meant.
    pub downgrade: bool,
}

/// What the rules make of a bundle.
enum Admitted {
    /// It is there already; its files are written anew, for they may have suffered.
    Known(InstalledBundle),
    New(InstalledBundle),
}

impl Installed {
    /// Reads a bundle, checks it, and keeps it. The same one again changes nothing but its files, which are made whole.
    /// Nothing runs by that.
    ///
    /// # Errors
    /// Every variant of [`InstallError`]; nothing was installed then, unless it is [`IndexError::Database`], after
    /// which only opening anew tells.
    ///
    /// [`IndexError::Database`]: super::IndexError::Database
    pub fn install(
        &self,
        source: &mut impl Read,
        trust: &Trust,
        rules: &InstallRules,
    ) -> Result<InstalledBundle, InstallError> {
        rules.check()?;
        let bundle = Bundle::read(source, trust)?;
        let _turn = self.turn();
        match self.index.read(|index| admit(index, &bundle, rules, self.limits))? {
            Admitted::Known(record) => {
                self.keep(&bundle)?;
                Ok(record)
            }
            Admitted::New(record) => {
                if let Err(error) = self.keep(&bundle) {
                    // A disk that is full should not stay so; what can't be taken away now is swept later.
                    let _ = self.discard_files(bundle.digest());
                    return Err(error.into());
                }
                self.index.change(|index| index.put(&BUNDLES, bundle.digest(), &record))?;
                Ok(record)
            }
        }
    }

    /// Its file, and the files in it.
    fn keep(&self, bundle: &Bundle) -> Result<(), InstalledError> {
        self.write(bundle)?;
        self.unpack(bundle)?;
        Ok(())
    }
}

impl InstallRules {
    /// A day that is none would compare with others all the same, and nothing would expire.
    fn check(&self) -> Result<(), InstallError> {
        let wrong = |rule, text: &str| {
            let text = text.chars().take(MAX_TEXT_BYTES).collect();
            Err(InstallError::Rule { rule, text })
        };
        let short = |text: &str| text.len() <= MAX_TEXT_BYTES && !text.contains(char::is_control);
        if !is_day(&self.today) {
            return wrong("today", &self.today);
        }
        if !self.now.get(..10).is_some_and(is_day) || !short(&self.now) {
            return wrong("now", &self.now);
        }
        if !short(&self.by) {
            return wrong("by", &self.by);
        }
        self.dinrail().map(drop)
    }

    fn dinrail(&self) -> Result<Version, InstallError> {
        Version::parse(&self.dinrail)
            .map_err(|_unreadable| InstallError::Rule { rule: "dinrail", text: self.dinrail.clone() })
    }
}

fn admit(index: &Reading, bundle: &Bundle, rules: &InstallRules, limits: Limits) -> Result<Admitted, InstallError> {
    let manifest = bundle.manifest();
    let installed = index.all(&BUNDLES)?;
    if let Some(known) = installed.get(bundle.digest()) {
        return Ok(Admitted::Known(known.clone()));
    }
    check_age(manifest, rules)?;
    let version = manifest.semver()?;
    if let Some(floor) = index.get(&FLOORS, &manifest.name)?
        && !rules.downgrade
        && is_older(&version, &floor)
    {
        let (name, version) = (manifest.name.clone(), manifest.version.clone());
        return Err(InstallError::BelowFloor { name, version, floor });
    }
    for other in installed.values().filter(|other| other.name == manifest.name) {
        if Version::parse(&other.version).is_ok_and(|other| other.cmp_precedence(&version) == Ordering::Equal) {
            let (name, version, digest) = (manifest.name.clone(), manifest.version.clone(), other.digest.clone());
            return Err(InstallError::VersionTaken { name, version, digest });
        }
    }
    if limits.bundles <= installed.len() {
        return Err(InstallError::TooMany { limit: limits.bundles });
    }
    let bytes = installed.values().fold(bundle.bytes(), |sum, other| sum.saturating_add(other.bytes));
    if limits.bytes < bytes {
        return Err(InstallError::TooLarge { bytes: bundle.bytes(), limit: limits.bytes });
    }
    Ok(Admitted::New(record(bundle, rules)))
}

fn check_age(manifest: &Manifest, rules: &InstallRules) -> Result<(), InstallError> {
    if let Some(last) = &manifest.expires
        && manifest.is_expired(&rules.today)
    {
        return Err(InstallError::Expired { last: last.clone() });
    }
    let minimum = Version::parse(&manifest.minimum_dinrail);
    // A checked manifest has one; what has none fits no dinrail.
    if !minimum.is_ok_and(|minimum| rules.dinrail().is_ok_and(|dinrail| minimum.cmp_precedence(&dinrail).is_le())) {
        let (minimum, dinrail) = (manifest.minimum_dinrail.clone(), rules.dinrail.clone());
        return Err(InstallError::NeedsDinrail { minimum, dinrail });
    }
    Ok(())
}

/// Whether a version stands below the floor. A floor that can't be read lets nothing through.
pub(super) fn is_older(version: &Version, floor: &str) -> bool {
    Version::parse(floor).map_or(true, |floor| version.cmp_precedence(&floor) == Ordering::Less)
}

fn record(bundle: &Bundle, rules: &InstallRules) -> InstalledBundle {
    let manifest = bundle.manifest();
    InstalledBundle {
        digest: bundle.digest().to_owned(),
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        signer: bundle.signer().map(PublicKey::fingerprint),
        bytes: bundle.bytes(),
        expires: manifest.expires.clone(),
        capabilities: manifest.capabilities.clone(),
        installed_at: rules.now.clone(),
        installed_by: rules.by.clone(),
    }
}
