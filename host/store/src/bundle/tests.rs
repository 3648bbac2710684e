#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::fixtures::{content, manifest};
use super::pack::{Content, pack, sign};
use super::*;
use proptest::prelude::*;

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn contents() -> Vec<Content> {
    vec![
        content(PartKind::Asset, "limits.csv", b"a,b\n1,2\n"),
        content(PartKind::Component, "component.wasm", b"\0asm\x0d\0\x01\0"),
        content(PartKind::Model, "channel/model.onnx", &[7; 40]),
    ]
}

fn signed() -> Vec<u8> {
    pack(manifest(), contents(), Some(&key(1))).unwrap()
}

fn read(mut bytes: &[u8]) -> Result<Bundle, BundleError> {
    Bundle::read(&mut bytes, &Trust::only(key(1).public()))
}

/// A bundle whose manifest is these bytes, signed by the same key: what a key's holder could do.
fn forged_bytes(bundle: &Bundle, manifest: &[u8]) -> Vec<u8> {
    let parts: Vec<u8> = bundle.parts().flat_map(|(_, bytes)| bytes.to_vec()).collect();
    let mut header = header::Header {
        manifest_bytes: u32::try_from(manifest.len()).unwrap(),
        total_bytes: (header::HEADER_BYTES + manifest.len() + parts.len()) as u64,
        signer: key(1).public().to_bytes(),
        signature: [0; 64],
    };
    header.signature = key(1).sign(&header.message(manifest));
    [&header.encode()[..], manifest, &parts].concat()
}

/// The same with its text changed.
fn forged(change: impl Fn(&str) -> String) -> Vec<u8> {
    let bundle = read(&signed()).unwrap();
    let text = String::from_utf8(bundle.manifest().encode().unwrap()).unwrap();
    let changed = change(&text);
    assert_ne!(changed, text, "the change changes something");
    forged_bytes(&bundle, changed.as_bytes())
}

#[test]
fn what_was_packed_is_read() {
    let bundle = read(&signed()).unwrap();
    assert_eq!(bundle.file_name(), "pump-watch-1.2.0.rail");
    assert_eq!(bundle.component(), b"\0asm\x0d\0\x01\0");
    assert_eq!(bundle.signer(), Some(&key(1).public()));
    let names: Vec<&str> = bundle.parts().map(|(part, _)| part.name.as_str()).collect();
    assert_eq!(names, ["component.wasm", "channel/model.onnx", "limits.csv"]);
    assert_eq!(signed(), signed(), "the same again gives the same bytes");
    let mut again = Vec::new();
    bundle.write(&mut again).unwrap();
    assert_eq!(again, signed(), "what was read is written as it was");
    assert_eq!(bundle.bytes(), again.len() as u64);
}

#[test]
fn every_byte_that_is_changed_is_noticed() {
    let whole = signed();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            assert!(read(&changed).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn what_is_cut_or_goes_on_is_noticed() {
    let whole = signed();
    for length in 0..whole.len() {
        let error = read(&whole[..length]).unwrap_err();
        assert!(matches!(error, BundleError::Truncated { .. }), "{length}: {error}");
    }
    let more = [&whole[..], b"x"].concat();
    assert!(matches!(read(&more), Err(BundleError::Trailing)));
}

#[test]
fn only_the_trusted_key_is_taken_and_only_for_its_names() {
    let bytes = signed();
    let with = |keys: Vec<TrustedKey>| Bundle::read(&mut &bytes[..], &Trust { keys, unsigned: false });
    let trusted = |seed: u8, pattern: &str| TrustedKey {
        name: format!("key{seed}"),
        key: key(seed).public(),
        bundles: vec![pattern.into()],
        revoked: false,
    };
    assert!(matches!(with(vec![trusted(2, "*")]), Err(BundleError::UnknownKey { .. })));
    assert!(matches!(with(vec![trusted(1, "mixer*")]), Err(BundleError::Name { .. })));
    assert!(matches!(with(vec![trusted(1, "pump")]), Err(BundleError::Name { .. })), "a name is not its beginning");
    assert!(with(vec![trusted(2, "*"), trusted(1, "pump-*")]).is_ok());
    assert!(with(vec![trusted(1, "pump-watch")]).is_ok());
    let revoked = TrustedKey { revoked: true, ..trusted(1, "*") };
    assert!(matches!(with(vec![trusted(1, "*"), revoked]), Err(BundleError::Revoked { .. })));
}

#[test]
fn an_unsigned_bundle_needs_leave() {
    let bytes = pack(manifest(), contents(), None).unwrap();
    assert!(matches!(read(&bytes), Err(BundleError::Unsigned)));
    let bench = Trust { keys: vec![], unsigned: true };
    assert!(Bundle::read(&mut &bytes[..], &bench).unwrap().signer().is_none());
    // A signature can't be taken off to get in by that way with something else than it was.
    let mut stripped = signed();
    stripped[56..120].fill(0);
    assert!(matches!(Bundle::read(&mut &stripped[..], &bench), Err(BundleError::NoKey)));
}

#[test]
fn another_signature_is_another_bundle_of_the_same_parts() {
    let bundle = read(&signed()).unwrap();
    let other = sign(&bundle, Some(&key(2))).unwrap();
    assert!(read(&other).is_err());
    let read = Bundle::read(&mut &other[..], &Trust::only(key(2).public())).unwrap();
    assert_eq!(read.manifest(), bundle.manifest());
}

#[test]
fn parts_of_two_bundles_are_not_mixed() {
    let other =
        pack(manifest(), vec![content(PartKind::Component, "component.wasm", b"\0asm\x0d\0\x01\x01")], Some(&key(1)));
    let other = other.unwrap();
    let whole = signed();
    // The head of one, the parts of the other.
    let mixed = [&other[..other.len() - 8], &whole[whole.len() - 56..whole.len() - 48]].concat();
    assert!(matches!(read(&mixed), Err(BundleError::Digest { .. })), "{:?}", read(&mixed).err());
}

#[test]
fn endless_data_is_not_read() {
    let huge = |at: std::ops::Range<usize>| {
        let mut bytes = signed();
        bytes[at].fill(0xff);
        read(&bytes).unwrap_err()
    };
    assert!(matches!(huge(16..24), BundleError::TooLarge { .. }));
    assert!(matches!(huge(12..16), BundleError::TooLarge { .. }));
    // A source that never ends is left after the first byte that is too much.
    let whole = signed();
    let mut endless = whole.as_slice().chain_endless();
    assert!(matches!(Bundle::read(&mut endless, &Trust::only(key(1).public())), Err(BundleError::Trailing)));
    assert_eq!(endless.read, whole.len() + 1);
}

/// Bytes, then zeros for ever; counts what was read.
struct Endless<'a> {
    bytes: &'a [u8],
    read: usize,
}

trait ChainEndless<'a> {
    fn chain_endless(self) -> Endless<'a>;
}

impl<'a> ChainEndless<'a> for &'a [u8] {
    fn chain_endless(self) -> Endless<'a> {
        Endless { bytes: self, read: 0 }
    }
}

impl std::io::Read for Endless<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let from = self.bytes.get(self.read..).unwrap_or_default();
        let copied = from.len().min(into.len());
        into[..copied].copy_from_slice(&from[..copied]);
        into[copied..].fill(0);
        self.read += into.len();
        Ok(into.len())
    }
}

#[test]
fn a_part_leads_nowhere() {
    let refused = |kind, name: &str| {
        let mut all = vec![content(PartKind::Component, "component.wasm", b"c")];
        all.push(content(kind, name, b"x"));
        matches!(pack(manifest(), all, None), Err(BundleError::Manifest { .. }))
    };
    for name in [
        "../x.csv",
        "/etc/x.csv",
        "a/b.csv",
        "..csv",
        ".csv",
        ".a.csv",
        "a\\b.csv",
        "a\0.csv",
        "a.csv/",
        "x",
        "C:x.csv",
        "ä.csv",
        "",
    ] {
        assert!(refused(PartKind::Asset, name), "{name:?}");
    }
    for name in [
        "../model.onnx",
        "a/../model.onnx",
        "a/b/model.onnx",
        "a/other.so",
        "/model.onnx",
        "model.onnx",
        "../a/model.onnx",
    ] {
        assert!(refused(PartKind::Model, name), "{name:?}");
    }
    assert!(refused(PartKind::Component, "other.wasm"));
    assert!(refused(PartKind::Trace, "../trace.tar.gz"));
    assert!(!refused(PartKind::Asset, "a.b.csv") && !refused(PartKind::Model, "a/model.toml"));
    let twice = |a: &str, b: &str| {
        let all = [("component.wasm", PartKind::Component), (a, PartKind::Asset), (b, PartKind::Asset)];
        let all = all.iter().map(|(name, kind)| content(*kind, name, b"x")).collect();
        matches!(pack(manifest(), all, None), Err(BundleError::Manifest { .. }))
    };
    assert!(twice("a.csv", "a.csv"));
    assert!(twice("A.csv", "a.csv"), "a folder may know no capitals");
    let many = (0..=MAX_PARTS).map(|i| content(PartKind::Asset, &format!("{i}.csv"), b"x"));
    let many = many.chain([content(PartKind::Component, "component.wasm", b"x")]).collect();
    assert!(matches!(pack(manifest(), many, None), Err(BundleError::Manifest { .. })));
}

#[test]
fn a_signed_manifest_has_one_form() {
    for (what, change) in [
        ("a space", (r#""name":"pump-watch""#, r#""name": "pump-watch""#)),
        ("an escape", (r#""changes":"first""#, r#""changes":"\u0066irst""#)),
        ("a number's other form", (r#"[0.1,0.5]"#, r#"[0.10,0.5]"#)),
        (
            "another order",
            (
                r#""world":"anomaly-detection","wit":"dinrail:plugin@0.1.0""#,
                r#""wit":"dinrail:plugin@0.1.0","world":"anomaly-detection""#,
            ),
        ),
    ] {
        let bytes = forged(|text| text.replace(change.0, change.1));
        assert!(matches!(read(&bytes), Err(BundleError::NotCanonical)), "{what}: {:?}", read(&bytes).err());
    }
    for (what, change) in [
        ("an unknown key", (r#""changes":"first""#, r#""changes":"first","more":1"#)),
        ("a key twice", (r#""changes":"first""#, r#""changes":"first","changes":"first""#)),
        ("no version", ("1.2.0", "1.2")),
        ("no day", (r#""expires":null"#, r#""expires":"2026-13-01""#)),
        ("a huge number", (r#""state_version":1"#, r#""state_version":99999999999"#)),
    ] {
        let bytes = forged(|text| text.replace(change.0, change.1));
        assert!(matches!(read(&bytes), Err(BundleError::Manifest { .. })), "{what}: {:?}", read(&bytes).err());
    }
    let longer = forged(|text| text.replace(r#""bytes":40"#, r#""bytes":18446744073709551615"#));
    assert!(matches!(read(&longer), Err(BundleError::Lengths { .. })), "{:?}", read(&longer).err());
}

#[test]
fn a_number_is_read_as_it_was_written() {
    let mut awkward = manifest();
    awkward.description.quantiles = vec![-4.03120303853956e223, 0.1 + 0.2, f64::MIN_POSITIVE, f64::MAX];
    let bytes = pack(awkward.clone(), contents(), Some(&key(1))).unwrap();
    assert_eq!(read(&bytes).unwrap().manifest().description, awkward.description);
}

#[test]
fn a_bundle_expires_after_its_last_day() {
    let expiring = Manifest { expires: Some("2026-12-31".into()), ..manifest() };
    assert!(!expiring.is_expired("2026-12-31"));
    assert!(expiring.is_expired("2027-01-01"));
    assert!(!manifest().is_expired("9999-01-01"));
}

#[test]
fn keys_have_the_usual_forms() {
    let secret = key(3);
    let again = SecretKey::from_pem(&secret.to_pem().unwrap()).unwrap();
    assert_eq!(again.public(), secret.public());
    let public = PublicKey::from_pem(&secret.public().to_pem().unwrap()).unwrap();
    assert_eq!(public, secret.public());
    assert_eq!(public.fingerprint().len(), 32);
    assert!(!format!("{secret:?}").contains("PRIVATE"));
    for text in ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", &secret.to_pem().unwrap()] {
        assert!(PublicKey::from_pem(text).is_err(), "{text}");
    }
    // The neutral element: it verifies what it should not.
    let mut weak = [0; 32];
    weak[0] = 1;
    assert!(PublicKey::from_bytes(&weak).is_none());
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Bundle::inspect(&mut &bytes[..]);
        let mut headed = signed();
        let at = headed.len().min(128);
        headed.truncate(at);
        headed.extend(&bytes);
        prop_assert!(read(&headed).is_err());
    }

    #[test]
    fn what_a_key_holder_writes_makes_no_reader_panic(at in 0_usize..900, with in any::<u8>()) {
        let bundle = read(&signed()).unwrap();
        let mut manifest = bundle.manifest().encode().unwrap();
        let at = at % manifest.len();
        let same = manifest[at] == with;
        manifest[at] = with;
        // Another letter in a sentence is another bundle; what is taken says of itself what was written.
        let forged = forged_bytes(&bundle, &manifest);
        match read(&forged) {
            Ok(read) => prop_assert_eq!(read.manifest().encode().unwrap(), manifest),
            Err(error) => prop_assert!(!same, "{}", error),
        }
    }
}
