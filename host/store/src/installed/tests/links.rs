//! What somebody could plant in the folder: 0 writes outside of it.

use super::*;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// A folder with a shelf in it and one outside of it, which must stay as it is.
struct Planted {
    folder: TempDir,
    digest: String,
    bytes: Vec<u8>,
}

impl Planted {
    fn new() -> Planted {
        let (folder, installed) = opened();
        let bytes = bundle("p", "1.0.0");
        let digest = installed.take(&bytes).unwrap().digest;
        let outside = folder.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("kept"), b"kept").unwrap();
        Planted { folder, digest, bytes }
    }

    fn shelf(&self) -> PathBuf {
        self.folder.path().join("shelf")
    }

    fn outside(&self) -> PathBuf {
        self.folder.path().join("outside")
    }

    /// In the place of what is there.
    fn link(&self, place: &str, to: &str) {
        let place = self.shelf().join(place.replace("DIGEST", &self.digest));
        if place.is_dir() {
            std::fs::remove_dir_all(&place).unwrap();
        } else if place.exists() {
            std::fs::remove_file(&place).unwrap();
        }
        symlink(self.outside().join(to), place).unwrap();
    }

    /// Everything that writes, one after the other; whatever fails.
    fn try_all(&self) {
        let Ok(installed) = Installed::open(&self.shelf()) else { return };
        let _ = installed.files(&self.digest);
        let _ = installed.take(&self.bytes);
        let _ = installed.take(&bundle("p", "1.1.0"));
        let _ = installed.files(&self.digest);
        let _ = installed.remove(&self.digest);
    }

    fn check_outside(&self, when: &str) {
        let names: Vec<_> =
            std::fs::read_dir(self.outside()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["kept"], "{when}");
        assert_eq!(std::fs::read(self.outside().join("kept")).unwrap(), b"kept", "{when}");
    }
}

const PLACES: [&str; 11] = [
    "index.redb",
    "bundles",
    "unpacked",
    "bundles/DIGEST.rail",
    "bundles/DIGEST.rail.partial",
    "unpacked/DIGEST",
    "unpacked/DIGEST/models",
    "unpacked/DIGEST/models/channel",
    "unpacked/DIGEST/models/channel/model.onnx",
    "unpacked/DIGEST/assets",
    "unpacked/DIGEST/assets/limits.csv",
];

#[test]
fn nothing_is_written_through_a_link() {
    for place in PLACES {
        for target in ["", "kept", "absent"] {
            let planted = Planted::new();
            planted.link(place, target);
            planted.try_all();
            planted.check_outside(&format!("{place} → {target}"));
        }
    }
}

#[test]
fn a_link_in_the_place_of_a_folder_is_refused() {
    for place in ["bundles", "unpacked", "index.redb"] {
        let planted = Planted::new();
        planted.link(place, "");
        let refused = Installed::open(&planted.shelf());
        let expected = planted.shelf().join(place);
        assert!(matches!(refused, Err(InstalledError::Link { ref path }) if *path == expected), "{place}: {refused:?}");
    }
    let planted = Planted::new();
    planted.link("bundles/DIGEST.rail", "kept");
    let refused = Installed::open(&planted.shelf()).unwrap().bundle(&planted.digest);
    assert!(matches!(refused, Err(InstalledError::Link { .. })));
}

#[test]
fn a_link_among_unpacked_files_is_replaced() {
    for place in PLACES.into_iter().filter(|place| place.starts_with("unpacked/")) {
        let planted = Planted::new();
        planted.link(place, "");
        let installed = Installed::open(&planted.shelf()).unwrap();
        let files = installed.files(&planted.digest).unwrap();
        let model = files.models["channel"].join("model.onnx");
        assert!(!std::fs::symlink_metadata(&model).unwrap().is_symlink());
        assert_eq!(std::fs::read(model).unwrap(), [7; 40], "{place}");
        planted.check_outside(place);
    }
}

#[test]
fn a_link_from_inside_to_inside_is_none_either() {
    let planted = Planted::new();
    let shelf = planted.shelf();
    let elsewhere = shelf.join("unpacked/elsewhere");
    std::fs::rename(shelf.join("unpacked").join(&planted.digest), &elsewhere).unwrap();
    symlink("elsewhere", shelf.join("unpacked").join(&planted.digest)).unwrap();
    Installed::open(&shelf).unwrap().files(&planted.digest).unwrap();
    assert!(shelf.join("unpacked").join(&planted.digest).symlink_metadata().unwrap().is_dir());
    assert!(elsewhere.join("models/channel/model.onnx").exists(), "what it led to stays");
}

#[test]
fn a_pipe_is_no_file() {
    let planted = Planted::new();
    let place = planted.shelf().join(format!("bundles/{}.rail", planted.digest));
    std::fs::remove_file(&place).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &place, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let installed = Installed::open(&planted.shelf()).unwrap();
    assert!(matches!(installed.bundle(&planted.digest), Err(InstalledError::File { .. })));
    installed.take(&planted.bytes).unwrap();
    installed.bundle(&planted.digest).unwrap();
}

#[test]
fn what_is_not_dinrails_is_left_alone_and_leftovers_are_not() {
    let planted = Planted::new();
    let shelf = planted.shelf();
    let orphan = "0".repeat(64);
    std::fs::write(shelf.join("bundles/notes.txt"), b"mine").unwrap();
    std::fs::write(shelf.join(format!("bundles/{orphan}.rail")), b"half").unwrap();
    std::fs::write(shelf.join(format!("bundles/{}.rail.partial", planted.digest)), b"half").unwrap();
    std::fs::create_dir_all(shelf.join(format!("unpacked/{orphan}/models"))).unwrap();
    symlink(planted.outside(), shelf.join(format!("unpacked/{}", "1".repeat(64)))).unwrap();
    let installed = Installed::open(&shelf).unwrap();
    assert_eq!(installed.recovered().swept.len(), 4, "{:?}", installed.recovered());
    assert!(installed.recovered().left.is_empty());
    assert!(shelf.join("bundles/notes.txt").exists());
    planted.check_outside("swept");
    installed.bundle(&planted.digest).unwrap();
}

#[test]
fn bundles_without_their_index_are_not_swept() {
    let planted = Planted::new();
    std::fs::remove_file(planted.shelf().join("index.redb")).unwrap();
    assert!(matches!(Installed::open(&planted.shelf()), Err(InstalledError::NoIndex { .. })));
    assert!(planted.shelf().join(format!("bundles/{}.rail", planted.digest)).exists());
}
