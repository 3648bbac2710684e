#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::bundle::fixtures::{self, content};
use crate::bundle::pack::{Content, pack};
use crate::bundle::{Bundle, Manifest, PartKind, SecretKey, Trust};
use tempfile::TempDir;

mod attacks;
mod crash;
mod flow;
mod links;
mod power;
mod rot;

fn key() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

fn trust() -> Trust {
    Trust { unsigned: true, ..Trust::only(key().public()) }
}

fn rules() -> InstallRules {
    InstallRules {
        today: "2026-12-01".into(),
        now: "2026-12-01T08:00:00Z".into(),
        by: "maria".into(),
        dinrail: "0.1.0".into(),
        downgrade: false,
    }
}

fn manifest(name: &str, version: &str) -> Manifest {
    Manifest { name: name.into(), version: version.into(), ..fixtures::manifest() }
}

fn contents(version: &str) -> Vec<Content> {
    vec![
        content(PartKind::Component, "component.wasm", version.as_bytes()),
        content(PartKind::Model, "channel/model.onnx", &[7; 40]),
        content(PartKind::Model, "channel/model.toml", b"[model]\n"),
        content(PartKind::Asset, "limits.csv", b"a,b\n1,2\n"),
    ]
}

fn packed(manifest: Manifest) -> Vec<u8> {
    let contents = contents(&manifest.version);
    pack(manifest, contents, Some(&key())).unwrap()
}

fn bundle(name: &str, version: &str) -> Vec<u8> {
    packed(manifest(name, version))
}

/// Signatures take most of a test's time; where they are not the matter, there are none.
fn unsigned(version: &str) -> Vec<u8> {
    pack(manifest("p", version), contents(version), None).unwrap()
}

fn digest(bytes: &[u8]) -> String {
    Bundle::inspect(&mut &bytes[..]).unwrap().digest().to_owned()
}

fn granted() -> Vec<String> {
    vec!["inference:channel".into(), "log".into()]
}

fn intent(digest: &str, from_generation: u64) -> Intent {
    let parameters = BTreeMap::from([("warmup".to_owned(), serde_json::json!(400))]);
    Intent { digest: digest.into(), parameters, from_generation, capabilities: granted() }
}

impl Installed {
    fn take(&self, bytes: &[u8]) -> Result<InstalledBundle, InstallError> {
        self.install(&mut &bytes[..], &trust(), &rules())
    }
}

/// In memory where there is such a place: most of these tests would wait for a disk's syncs, and what a sync is good for
/// is tested without a disk.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_none| tempfile::tempdir()).unwrap()
}

fn opened() -> (TempDir, Installed) {
    let folder = folder();
    let installed = Installed::open(&folder.path().join("shelf")).unwrap();
    (folder, installed)
}

/// What a run may leave behind at any point, as the digests that may run.
fn check_whole(installed: &Installed, old: &str, new: &str, when: &str) -> String {
    let running = installed.running("pump").unwrap().unwrap_or_else(|| panic!("{when}: nothing runs"));
    assert!([old, new].contains(&running.digest.as_str()), "{when}: {running:?}");
    assert_eq!(running.generation == 1, running.digest == old, "{when}: {running:?}");
    assert_eq!(installed.intent("pump").unwrap(), None, "{when}");
    let bundle = installed.bundle(&running.digest).unwrap();
    assert_eq!(bundle.digest(), running.digest, "{when}");
    let files = installed.files(&running.digest).unwrap();
    assert_eq!(std::fs::read(files.models["channel"].join("model.onnx")).unwrap(), [7; 40], "{when}");
    for (digest, _) in installed.bundles().unwrap() {
        installed.bundle(&digest).unwrap_or_else(|error| panic!("{when}: {error}"));
    }
    running.digest
}
