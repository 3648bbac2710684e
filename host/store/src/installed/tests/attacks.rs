//! What whoever carries bundles to a controller could try (the attacks that The Update Framework names).

use super::*;
use crate::bundle::{BundleError, TrustedKey};
use std::io::{self, Read};

fn with(rules: InstallRules, bytes: &[u8], installed: &Installed) -> Result<InstalledBundle, InstallError> {
    installed.install(&mut &bytes[..], &trust(), &rules)
}

fn is_untouched(folder: &TempDir, installed: &Installed, bundles: usize) {
    assert_eq!(installed.bundles().unwrap().len(), bundles);
    for name in ["bundles", "unpacked"] {
        let entries = std::fs::read_dir(folder.path().join("shelf").join(name)).unwrap();
        assert_eq!(entries.count(), bundles, "{name}");
    }
}

#[test]
fn rollback() {
    let (folder, installed) = opened();
    let versions = ["1.2.0", "1.10.0-rc.1", "1.10.0", "1.9.9"];
    let [old, candidate, new, between] = versions.map(|version| bundle("p", version));
    installed.take(&old).unwrap();
    installed.take(&new).unwrap();
    installed.take(&bundle("p", "0.1.0")).unwrap();
    installed.adopt("pump", &digest(&old), granted()).unwrap();
    // Installed is not run: the floor stands where what ran stands.
    installed.begin("pump", &intent(&digest(&new), 1)).unwrap();
    installed.take(&candidate).unwrap();
    installed.remove(&digest(&candidate)).unwrap();
    installed.abort("pump", false).unwrap();
    installed.begin("pump", &intent(&digest(&new), 1)).unwrap();
    installed.commit("pump").unwrap();

    for (what, bytes) in [("older", &between), ("its own candidate", &candidate)] {
        let refused = installed.take(bytes);
        assert!(matches!(refused, Err(InstallError::BelowFloor { ref floor, .. }) if floor == "1.10.0"), "{what}");
    }
    is_untouched(&folder, &installed, 3);
    installed.take(&old).expect("what is installed already is no way down");
    installed.take(&bundle("q", "0.1.0")).expect("the floor is of a name");

    let downgrade = InstallRules { downgrade: true, ..rules() };
    with(downgrade, &between, &installed).unwrap();
    installed.begin("pump", &intent(&digest(&between), 2)).unwrap();
    installed.commit("pump").unwrap();
    let still = installed.take(&bundle("p", "1.9.8"));
    assert!(matches!(still, Err(InstallError::BelowFloor { ref floor, .. }) if floor == "1.10.0"), "it rises only");
    // Nor does removing and forgetting lower it.
    installed.forget("pump").unwrap();
    for bytes in [&old, &new, &between] {
        installed.remove(&digest(bytes)).unwrap();
    }
    assert!(matches!(installed.take(&old), Err(InstallError::BelowFloor { .. })));
}

#[test]
fn freeze() {
    let (folder, installed) = opened();
    let bytes = packed(Manifest { expires: Some("2026-12-31".into()), ..manifest("p", "1.0.0") });
    let on = |today: &str| InstallRules { today: today.into(), ..rules() };
    assert!(matches!(with(on("2027-01-01"), &bytes, &installed), Err(InstallError::Expired { .. })));
    for day in ["", "2026", "0000-00-00", "2026-1-1", "today", "2026-12-31T00:00:00Z"] {
        let refused = with(on(day), &bytes, &installed);
        assert!(matches!(refused, Err(InstallError::Rule { rule: "today", .. })), "{day}");
    }
    is_untouched(&folder, &installed, 0);
    let record = with(on("2026-12-31"), &bytes, &installed).unwrap();
    assert_eq!(record.expires.as_deref(), Some("2026-12-31"));
    with(on("2027-01-01"), &bytes, &installed).expect("what is there is not put there");
    installed.adopt("pump", &record.digest, granted()).expect("what is installed runs on");
}

#[test]
fn mix_and_match() {
    let (folder, installed) = opened();
    let one = bundle("p", "1.0.0");
    let first = installed.take(&one).unwrap();
    // Two bundles that claim one version, also under build metadata.
    for version in ["1.0.0", "1.0.0+other"] {
        let other = packed(Manifest { changes: "other".into(), ..manifest("p", version) });
        let refused = installed.take(&other);
        assert!(matches!(refused, Err(InstallError::VersionTaken { ref digest, .. }) if *digest == first.digest));
    }
    // The head of one and the parts of the other.
    let two = bundle("p", "1.1.0");
    assert_eq!(one.len(), two.len());
    let mut mixed = two.clone();
    let tail = one.len() - 20;
    mixed[tail..].copy_from_slice(&one[tail..]);
    let parts = one.len() - (5 + 40 + 8 + 8);
    mixed[parts..].copy_from_slice(&one[parts..]);
    assert!(matches!(installed.take(&mixed), Err(InstallError::Bundle(BundleError::Digest { .. }))));
    is_untouched(&folder, &installed, 1);
}

#[test]
fn endless_data() {
    let (folder, installed) = opened();
    let whole = bundle("p", "1.0.0");
    for bytes in [&whole[..], &whole[..128], &[]] {
        let mut source = bytes.chain(io::repeat(0));
        let result = installed.install(&mut source, &trust(), &rules());
        assert!(matches!(result, Err(InstallError::Bundle(_))), "{result:?}");
    }
    for length in (0..whole.len()).step_by(7) {
        let result = installed.take(&whole[..length]);
        assert!(matches!(result, Err(InstallError::Bundle(BundleError::Truncated { .. }))), "{length}: {result:?}");
    }
    is_untouched(&folder, &installed, 0);
}

#[test]
fn a_source_that_breaks() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the stick was pulled"))
        }
    }
    let (folder, installed) = opened();
    let whole = bundle("p", "1.0.0");
    for length in (0..whole.len()).step_by(7) {
        let result = installed.install(&mut whole[..length].chain(Broken), &trust(), &rules());
        assert!(matches!(result, Err(InstallError::Bundle(BundleError::Io(_)))), "{length}: {result:?}");
    }
    is_untouched(&folder, &installed, 0);
}

#[test]
fn a_bundle_for_a_newer_dinrail() {
    let (folder, installed) = opened();
    let on = |dinrail: &str| InstallRules { dinrail: dinrail.into(), ..rules() };
    let bytes = packed(Manifest { minimum_dinrail: "0.2.0".into(), ..manifest("p", "1.0.0") });
    for dinrail in ["0.1.9", "0.2.0-rc.1"] {
        assert!(matches!(with(on(dinrail), &bytes, &installed), Err(InstallError::NeedsDinrail { .. })), "{dinrail}");
    }
    assert!(matches!(with(on("two"), &bytes, &installed), Err(InstallError::Rule { rule: "dinrail", .. })));
    is_untouched(&folder, &installed, 0);
    with(on("0.2.0"), &bytes, &installed).unwrap();
}

#[test]
fn a_key_that_is_revoked_installs_nothing_and_stops_nothing() {
    let (_folder, installed) = opened();
    let digest = installed.take(&bundle("p", "1.0.0")).unwrap().digest;
    let bundles = vec!["*".into()];
    let key = TrustedKey { name: "oem".into(), key: key().public(), bundles, revoked: true };
    let revoked = Trust { keys: vec![key], unsigned: false };
    let refused = installed.install(&mut &bundle("p", "1.0.1")[..], &revoked, &rules());
    assert!(matches!(refused, Err(InstallError::Bundle(BundleError::Revoked { .. }))));
    installed.adopt("pump", &digest, granted()).unwrap();
    assert_eq!(installed.bundle(&digest).unwrap().digest(), digest);
}
