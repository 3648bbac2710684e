//! Bytes that change while they lie on the disk.

use super::*;
use std::path::PathBuf;

struct Lying {
    _folder: TempDir,
    shelf: PathBuf,
    digest: String,
}

fn lying(bytes: &[u8]) -> Lying {
    let (folder, installed) = opened();
    let digest = installed.take(bytes).unwrap().digest;
    installed.adopt("pump", &digest, granted()).unwrap();
    let second = installed.take(&unsigned("1.1.0")).unwrap().digest;
    installed.begin("pump", &intent(&second, 1)).unwrap();
    installed.abort("pump", true).unwrap();
    let shelf = folder.path().join("shelf");
    Lying { _folder: folder, shelf, digest }
}

/// The same numbers from the same seed.
pub(super) struct Random(u64);

impl Random {
    /// Seeds that are neighbours begin far apart.
    pub(super) fn of(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.below(2);
        random
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % limit as u64) as usize
    }
}

#[test]
fn a_bundle_whose_file_changed_or_was_cut_is_told_by_its_name() {
    check_rot(&unsigned("1.0.0"), 1);
    check_rot(&bundle("p", "1.0.0"), 16);
}

/// Every so many bytes.
fn check_rot(bytes: &[u8], stride: usize) {
    let lying = lying(bytes);
    let installed = Installed::open(&lying.shelf).unwrap();
    let file = lying.shelf.join(format!("bundles/{}.rail", lying.digest));
    let whole = std::fs::read(&file).unwrap();
    let mut noticed = 0;
    let mut check = |bytes: &[u8], what: String| {
        std::fs::write(&file, bytes).unwrap();
        match installed.bundle(&lying.digest) {
            Err(InstalledError::Damaged { path, .. } | InstalledError::Exchanged { path, .. }) => {
                assert_eq!(path, file, "{what}");
                noticed += 1;
            }
            other => panic!("{what}: {other:?}"),
        }
    };
    for at in (0..whole.len()).step_by(stride) {
        let mut changed = whole.clone();
        changed[at] ^= 1 << ((at / stride) % 8);
        check(&changed, format!("byte {at}"));
        if at % 5 == 0 {
            check(&whole[..at], format!("cut at {at}"));
            let zeros = [&whole[..at], &vec![0; whole.len() - at]].concat();
            if zeros != whole {
                check(&zeros, format!("zeros from {at}"));
            }
        }
    }
    check(&[&whole[..], b"x"].concat(), "longer".into());
    check(&unsigned("1.1.0"), "another".into());
    assert!(whole.len() / stride < noticed, "{noticed}");
    assert!(installed.files(&lying.digest).is_err());
    std::fs::write(&file, &whole).unwrap();
    installed.bundle(&lying.digest).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(installed.bundle(&lying.digest), Err(InstalledError::Missing { .. })));
    assert_eq!(installed.running("pump").unwrap().unwrap().digest, lying.digest, "what runs is known all the same");
}

#[test]
fn unpacked_files_that_changed_are_written_anew() {
    let lying = lying(&unsigned("1.0.0"));
    let installed = Installed::open(&lying.shelf).unwrap();
    let root = lying.shelf.join("unpacked").join(&lying.digest);
    let files = ["models/channel/model.onnx", "models/channel/model.toml", "assets/limits.csv"];
    let whole: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(root.join(file)).unwrap()).collect();
    let check = |what: &str| {
        installed.files(&lying.digest).unwrap();
        for (file, whole) in files.iter().zip(&whole) {
            assert_eq!(&std::fs::read(root.join(file)).unwrap(), whole, "{what}");
        }
        assert!(!root.join("assets/more.csv").exists() && !root.join("models/more").exists(), "{what}");
    };
    for (file, whole) in files.iter().zip(&whole) {
        let path = root.join(file);
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            check(&format!("{file}, byte {at}"));
        }
        std::fs::write(&path, &whole[1..]).unwrap();
        check(file);
        std::fs::remove_file(&path).unwrap();
        check(file);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        check(file);
    }
    std::fs::write(root.join("assets/more.csv"), b"a\n1\n").unwrap();
    check("a table too many");
    std::fs::create_dir(root.join("models/more")).unwrap();
    check("a model too many");
    std::fs::remove_dir_all(&root).unwrap();
    check("nothing there");
}

/// What the index says when nothing is wrong.
fn said(installed: &Installed, digest: &str) -> Result<String, InstalledError> {
    let bundles = installed.bundles()?;
    let running = installed.all_running()?;
    let intent = installed.intent("pump")?;
    Ok(format!("{bundles:?} {running:?} {intent:?} {}", installed.is_barred("pump", digest)?))
}

#[test]
fn an_index_whose_bits_flip_is_told_or_right() {
    let lying = lying(&unsigned("1.0.0"));
    let file = lying.shelf.join("index.redb");
    let right = said(&Installed::open(&lying.shelf).unwrap(), &lying.digest).unwrap();
    let whole = std::fs::read(&file).unwrap();
    let used: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).collect();
    let mut random = Random::of(1);
    let (mut told, mut fine) = (0, 0);
    for round in 0..600 {
        let mut changed = whole.clone();
        for _ in 0..=random.below(3) {
            let at = if round % 4 == 0 { random.below(whole.len()) } else { used[random.below(used.len())] };
            changed[at] ^= 1 << random.below(8);
        }
        std::fs::write(&file, &changed).unwrap();
        match Installed::open(&lying.shelf).and_then(|installed| said(&installed, &lying.digest)) {
            Ok(answer) => {
                assert_eq!(answer, right, "round {round}");
                fine += 1;
            }
            Err(InstalledError::Index(_)) => told += 1,
            Err(error) => panic!("round {round}: {error}"),
        }
    }
    println!("{told} told, {fine} right");
    assert!(0 < told && 0 < fine, "{told} told, {fine} right");
}

#[test]
fn an_index_that_is_cut_is_told_or_right() {
    let lying = lying(&unsigned("1.0.0"));
    let file = lying.shelf.join("index.redb");
    let right = said(&Installed::open(&lying.shelf).unwrap(), &lying.digest).unwrap();
    let whole = std::fs::read(&file).unwrap();
    let mut cut = 0;
    for length in (0..whole.len()).step_by(whole.len() / 97) {
        std::fs::write(&file, &whole[..length]).unwrap();
        match Installed::open(&lying.shelf).and_then(|installed| said(&installed, &lying.digest)) {
            Ok(answer) => assert_eq!(answer, right, "{length}"),
            Err(InstalledError::Index(_)) => cut += 1,
            Err(error) => panic!("{length}: {error}"),
        }
    }
    assert!(0 < cut);
}

#[test]
fn an_index_of_another_format_is_told() {
    let lying = lying(&unsigned("1.0.0"));
    let index = Index::open_in(&Folder::open(&lying.shelf, Steps::default()).unwrap(), Steps::default()).unwrap();
    index.change(|index| index.put(&index::META, "format", &2)).unwrap();
    drop(index);
    let refused = Installed::open(&lying.shelf);
    assert!(matches!(refused, Err(InstalledError::Index(IndexError::Format { format: 2, known: 1 }))), "{refused:?}");
}

#[test]
fn a_record_that_says_more_than_is_known_is_told() {
    let lying = lying(&unsigned("1.0.0"));
    let index = Index::open_in(&Folder::open(&lying.shelf, Steps::default()).unwrap(), Steps::default()).unwrap();
    let record = index::Kind::<serde_json::Value>::new("running");
    index.change(|index| index.put(&record, "fan", &serde_json::json!({ "digest": "x", "more": 1 }))).unwrap();
    drop(index);
    let refused = Installed::open(&lying.shelf);
    assert!(matches!(refused, Err(InstalledError::Index(IndexError::Damaged { .. }))), "{refused:?}");
}
