//! What should work, and what should not.

use super::*;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;

#[test]
fn the_whole_way() {
    let (folder, installed) = opened();
    let path = folder.path().join("shelf");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let (one, two) = (bundle("pump-watch", "1.0.0"), bundle("pump-watch", "1.1.0"));
    let first = installed.take(&one).unwrap();
    let second = installed.take(&two).unwrap();
    assert_eq!((first.digest.as_str(), first.bytes), (digest(&one).as_str(), one.len() as u64));
    assert_eq!(first.signer, Some(key().public().fingerprint()));
    assert_eq!(installed.running("pump").unwrap(), None);
    let adopted = installed.adopt("pump", &first.digest, granted()).unwrap();
    assert_eq!((adopted.generation, &adopted.previous), (1, &None));

    installed.begin("pump", &intent(&second.digest, 1)).unwrap();
    assert_eq!(installed.running("pump").unwrap(), Some(adopted.clone()), "an intent changes nothing yet");
    let committed = installed.commit("pump").unwrap();
    assert_eq!((committed.digest.as_str(), committed.generation), (second.digest.as_str(), 2));
    let previous = committed.previous.clone().unwrap();
    assert_eq!((previous.digest, previous.generation), (first.digest.clone(), 1));
    assert_eq!(committed.parameters["warmup"], 400);

    drop(installed);
    let installed = Installed::open(&path).unwrap();
    assert_eq!(installed.running("pump").unwrap(), Some(committed));
    assert_eq!(installed.all_running().unwrap().len(), 1);
    assert!(installed.recovered().reverted.is_empty() && installed.recovered().swept.is_empty());
    assert_eq!(installed.bundle(&first.digest).unwrap().component(), b"1.0.0");
}

#[test]
fn the_same_again_changes_nothing() {
    let (folder, installed) = opened();
    let one = bundle("pump-watch", "1.0.0");
    let first = installed.take(&one).unwrap();
    let later = InstallRules { now: "2027-01-01T00:00:00Z".into(), ..rules() };
    assert_eq!(installed.install(&mut &one[..], &trust(), &later).unwrap(), first);
    assert_eq!(installed.bundles().unwrap().len(), 1);
    let file = folder.path().join("shelf/bundles").join(format!("{}.rail", first.digest));
    assert_eq!(std::fs::read(&file).unwrap(), one);
    std::fs::write(&file, b"rotten").unwrap();
    assert!(installed.bundle(&first.digest).is_err());
    installed.take(&one).unwrap();
    assert!(installed.bundle(&first.digest).is_ok(), "installing again makes it whole");
}

#[test]
fn what_is_meant_by_a_name() {
    let (_folder, installed) = opened();
    for version in ["1.2.9", "1.2.10", "1.3.0", "2.0.0-rc.1", "0.9.0"] {
        installed.take(&bundle("mixer", version)).unwrap();
    }
    installed.take(&bundle("mixer-two", "9.0.0")).unwrap();
    let found = |text: &str| installed.find(text).unwrap().map(|bundle| bundle.version);
    for (text, version) in [
        ("mixer", Some("1.3.0")),
        ("mixer@1", Some("1.3.0")),
        ("mixer@1.2", Some("1.2.10")),
        ("mixer@1.2.9", Some("1.2.9")),
        ("mixer@0", Some("0.9.0")),
        ("mixer@2", None),
        ("mixer@2.0.0-rc.1", Some("2.0.0-rc.1")),
        ("mixer@1.2.11", None),
        ("other", None),
    ] {
        assert_eq!(found(text).as_deref(), version, "{text}");
    }
    for text in ["", "@1", "mixer@", "mixer@1.", "mixer@01", "mixer@v1", "mixer@1.2.3.4", "mixer@1@2", "../x", "Mixer"]
    {
        assert!(matches!(installed.find(text), Err(InstalledError::Selector { .. })), "{text}");
    }
}

#[test]
fn what_is_used_stays() {
    let (folder, installed) = opened();
    let [a, b, c] = ["1.0.0", "1.1.0", "1.2.0"].map(|version| installed.take(&bundle("p", version)).unwrap().digest);
    installed.adopt("pump", &a, granted()).unwrap();
    let in_use = |digest: &str| matches!(installed.remove(digest), Err(InstalledError::InUse { .. }));
    assert!(in_use(&a), "it runs");
    installed.begin("pump", &intent(&b, 1)).unwrap();
    assert!(in_use(&b), "it is about to run");
    installed.commit("pump").unwrap();
    assert!(in_use(&a) && in_use(&b), "it ran last, it runs");
    installed.begin("pump", &intent(&c, 2)).unwrap();
    installed.commit("pump").unwrap();
    installed.remove(&a).unwrap();
    assert!(matches!(installed.bundle(&a), Err(InstalledError::Unknown { .. })));
    assert!(matches!(installed.remove(&a), Err(InstalledError::Unknown { .. })));
    let shelf = folder.path().join("shelf");
    assert!(!shelf.join("unpacked").join(&a).exists() && !shelf.join(format!("bundles/{a}.rail")).exists());
    installed.forget("pump").unwrap();
    installed.remove(&c).unwrap();
}

#[test]
fn steps_out_of_order_are_refused() {
    let (_folder, installed) = opened();
    let [a, b] = ["1.0.0", "1.1.0"].map(|version| installed.take(&bundle("p", version)).unwrap().digest);
    use InstalledError as E;
    assert!(matches!(installed.begin("pump", &intent(&a, 1)), Err(E::NotRunning { .. })));
    assert!(matches!(installed.commit("pump"), Err(E::NoIntent { .. })));
    assert!(matches!(installed.abort("pump", true), Err(E::NoIntent { .. })));
    assert!(matches!(installed.adopt("pump", &"0".repeat(64), granted()), Err(E::Unknown { .. })));
    assert!(matches!(installed.adopt("", &a, granted()), Err(E::Limit { .. })));
    installed.adopt("pump", &a, granted()).unwrap();
    assert!(matches!(installed.adopt("pump", &b, granted()), Err(E::Runs { .. })));
    assert!(matches!(installed.begin("pump", &intent(&b, 2)), Err(E::Generation { from: 2, is: 1, .. })));
    let huge = Intent { parameters: BTreeMap::from([("a".into(), "x".repeat(70_000).into())]), ..intent(&b, 1) };
    assert!(matches!(installed.begin("pump", &huge), Err(E::Limit { .. })));
    installed.begin("pump", &intent(&b, 1)).unwrap();
    assert!(matches!(installed.begin("pump", &intent(&b, 1)), Err(E::UnderWay { .. })));
    assert!(matches!(installed.forget("pump"), Err(E::UnderWay { .. })));
    assert_eq!(installed.abort("pump", false).unwrap().strikes, 0);
    assert_eq!(installed.running("pump").unwrap().unwrap().generation, 1);
}

#[test]
fn no_capability_comes_silently() {
    let (_folder, installed) = opened();
    let first = installed.take(&bundle("p", "1.0.0")).unwrap().digest;
    let mut greedy = manifest("p", "1.1.0");
    greedy.capabilities.push("propose:speed".into());
    let greedy = installed.take(&packed(greedy)).unwrap().digest;
    let refused = |result: Result<(), InstalledError>| match result {
        Err(InstalledError::NotGranted { missing, .. }) => missing,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(installed.adopt("pump", &first, vec!["log".into()]).map(drop)), ["inference:channel"]);
    installed.adopt("pump", &first, granted()).unwrap();
    assert_eq!(refused(installed.begin("pump", &intent(&greedy, 1))), ["propose:speed"]);
    let mut asked = intent(&greedy, 1);
    asked.capabilities.push("propose:speed".into());
    installed.begin("pump", &asked).unwrap();
    assert_eq!(installed.commit("pump").unwrap().capabilities.len(), 3);
}

#[test]
fn two_strikes_bar_a_digest_for_one_plugin() {
    let (folder, installed) = opened();
    let path = folder.path().join("shelf");
    let [a, b] = ["1.0.0", "1.1.0"].map(|version| installed.take(&bundle("p", version)).unwrap().digest);
    installed.adopt("pump", &a, granted()).unwrap();
    installed.adopt("fan", &a, granted()).unwrap();
    installed.begin("pump", &intent(&b, 1)).unwrap();
    let struck = installed.abort("pump", true).unwrap();
    assert_eq!((struck.strikes, struck.barred), (1, false));
    installed.begin("pump", &intent(&b, 1)).unwrap();
    drop(installed);

    let installed = Installed::open(&path).unwrap();
    let expected = Reverted { plugin: "pump".into(), digest: b.clone(), strikes: 2, barred: true };
    assert_eq!(installed.recovered().reverted, [expected]);
    assert_eq!(installed.running("pump").unwrap().unwrap().digest, a);
    assert!(installed.is_barred("pump", &b).unwrap() && !installed.is_barred("fan", &b).unwrap());
    assert!(matches!(installed.begin("pump", &intent(&b, 1)), Err(InstalledError::Barred { strikes: 2, .. })));
    installed.begin("fan", &intent(&b, 1)).unwrap();
    installed.commit("fan").unwrap();
    assert!(installed.unbar("pump", &b).unwrap() && !installed.unbar("pump", &b).unwrap());
    installed.begin("pump", &intent(&b, 1)).unwrap();
    installed.commit("pump").unwrap();
}

#[test]
fn a_commit_forgets_strikes_and_what_has_run_gets_none() {
    let (_folder, installed) = opened();
    let [a, b] = ["1.0.0", "1.1.0"].map(|version| installed.take(&bundle("p", version)).unwrap().digest);
    installed.adopt("pump", &a, granted()).unwrap();
    installed.begin("pump", &intent(&b, 1)).unwrap();
    installed.abort("pump", true).unwrap();
    installed.begin("pump", &intent(&b, 1)).unwrap();
    installed.commit("pump").unwrap();
    // Another parameter of what runs, a way back to what ran, and the configuration's own component: barring one of these
    // would leave no way on.
    for digest in [&b, &a, CONFIGURED] {
        for _ in 0..2 * STRIKES_TO_BAR {
            installed.begin("pump", &intent(digest, 2)).unwrap();
            let reverted = installed.abort("pump", true).unwrap();
            assert_eq!((reverted.strikes, reverted.barred), (0, false), "{digest}");
        }
    }
}

#[test]
fn files_are_where_they_are_wanted() {
    let (folder, installed) = opened();
    let mut all = contents("1.0.0");
    all.push(Content { sealed_to: Some("ab".into()), ..content(PartKind::Model, "secret/model.onnx", b"x") });
    all.push(content(PartKind::Model, "secret/model.toml", b"y"));
    let bytes = pack(manifest("p", "1.0.0"), all, Some(&key())).unwrap();
    let digest = installed.take(&bytes).unwrap().digest;
    let root = folder.path().join("shelf/unpacked").join(&digest);
    let files = installed.files(&digest).unwrap();
    assert_eq!(files.models, BTreeMap::from([("channel".to_owned(), root.join("models/channel"))]), "no sealed one");
    assert_eq!(files.assets, Some(root.join("assets")));
    assert_eq!(std::fs::read(root.join("models/channel/model.toml")).unwrap(), b"[model]\n");
    assert_eq!(std::fs::read(root.join("assets/limits.csv")).unwrap(), b"a,b\n1,2\n");
    let bare = vec![content(PartKind::Component, "component.wasm", b"c")];
    let bare = installed.take(&pack(manifest("p", "1.1.0"), bare, Some(&key())).unwrap()).unwrap().digest;
    assert_eq!(installed.files(&bare).unwrap(), Files { models: BTreeMap::new(), assets: None });
}

#[test]
fn one_dinrail_at_a_time() {
    let (folder, _installed) = opened();
    let again = Installed::open(&folder.path().join("shelf"));
    assert!(matches!(again, Err(InstalledError::Index(IndexError::Open))), "{again:?}");
}

#[test]
fn no_more_than_the_limits() {
    let (_folder, mut installed) = opened();
    let one = bundle("p", "1.0.0");
    installed.limits.bundles = 1;
    installed.take(&one).unwrap();
    assert!(matches!(installed.take(&bundle("p", "1.0.1")), Err(InstallError::TooMany { limit: 1 })));
    installed.take(&one).unwrap();
    installed.limits = Limits { bundles: 9, bytes: 2 * one.len() as u64 };
    installed.take(&bundle("p", "1.0.1")).unwrap();
    assert!(matches!(installed.take(&bundle("p", "1.0.2")), Err(InstallError::TooLarge { .. })));
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        any::<f64>().prop_filter("JSON has no infinity", |number| number.is_finite()).prop_map(|number| number.into()),
        any::<i64>().prop_map(|number| number.into()),
        any::<bool>().prop_map(|truth| truth.into()),
        ".{0,20}".prop_map(|text| text.into()),
    ]
}

proptest! {
    #[test]
    fn a_record_is_read_as_it_was_written(
        parameters in proptest::collection::btree_map(".{0,8}", value(), 0..6),
        capabilities in proptest::collection::vec(".{0,20}", 0..4),
        generation in any::<u64>(),
    ) {
        let previous = Previous { digest: "d".into(), parameters: parameters.clone(), generation, capabilities: vec![] };
        let previous = Some(Box::new(previous));
        let written = Running { digest: "e".into(), previous, parameters, generation, capabilities };
        let read: Running = serde_json::from_slice(&serde_json::to_vec(&written).unwrap()).unwrap();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn the_newest_that_fits_is_found(
        versions in proptest::collection::btree_set((0_u64..3, 0_u64..3, 0_u64..12), 1..8),
        major in 0_u64..3,
        minor in 0_u64..3,
    ) {
        let wanted = [(format!("@{major}.{minor}"), Some((major, minor))), (String::new(), None)];
        let all: Vec<_> = versions.iter().map(|(a, b, c)| semver::Version::new(*a, *b, *c)).collect();
        for (text, fits) in wanted {
            let expected = versions.iter().rfind(|(a, b, _)| fits.is_none_or(|fits| fits == (*a, *b)));
            let found = find::newest(&format!("p{text}"), all.iter()).unwrap();
            prop_assert_eq!(found.map(|v| (v.major, v.minor, v.patch)), expected.copied());
        }
    }

    #[test]
    fn no_selector_makes_a_panic(text in ".{0,40}") {
        let _ = find::newest(&text, [].iter());
    }
}
