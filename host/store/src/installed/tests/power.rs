//! A disk that loses what was not synced. The index lies in memory, and at some call the power is cut.

use super::*;
use redb::StorageBackend;
use std::io;
use std::sync::{Arc, Mutex};

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What is read while there is power.
    live: Vec<u8>,
    /// What is there for certain without.
    synced: Vec<u8>,
    /// Since the last sync, in their order.
    pending: Vec<Write>,
    calls: usize,
    /// From this call on there is no power.
    cut_at: Option<usize>,
    /// Only that one call fails.
    once: bool,
}

#[derive(Clone, Debug)]
enum Write {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

/// What of the pending writes reaches the disk.
#[derive(Clone, Copy, Debug)]
enum Kept {
    None,
    All,
    /// Each sector or not, by the seed.
    Some(u64),
}

impl Write {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Write::Length(length) => to.resize(*length, 0),
            Write::Bytes(at, bytes) => {
                if to.len() < at + bytes.len() {
                    to.resize(at + bytes.len(), 0);
                }
                to[*at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
    }

    /// As its sectors, from the place where it starts.
    fn sectors(&self) -> Vec<Write> {
        match self {
            Write::Length(length) => vec![Write::Length(*length)],
            Write::Bytes(at, bytes) => {
                let sectors = bytes.chunks(SECTOR_BYTES).enumerate();
                sectors.map(|(i, sector)| Write::Bytes(at + i * SECTOR_BYTES, sector.into())).collect()
            }
        }
    }
}

impl Disk {
    fn cut_at(bytes: Vec<u8>, call: Option<usize>) -> Disk {
        let state = State { live: bytes.clone(), synced: bytes, cut_at: call, ..State::default() };
        Disk(Arc::new(Mutex::new(state)))
    }

    fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    fn call<T>(&self, call: impl FnOnce(&mut State) -> T) -> io::Result<T> {
        let mut state = self.0.lock().unwrap();
        let number = state.calls;
        state.calls += 1;
        if state.cut_at.is_some_and(|cut| cut == number || cut < number && !state.once) {
            return Err(io::Error::other("no power"));
        }
        Ok(call(&mut state))
    }

    /// What is there when the power is back.
    fn after(&self, kept: Kept) -> Vec<u8> {
        let state = self.0.lock().unwrap();
        let mut bytes = state.synced.clone();
        let mut random = rot::Random::of(if let Kept::Some(seed) = kept { seed } else { 1 });
        for write in state.pending.iter().flat_map(Write::sectors) {
            let reaches = match kept {
                Kept::None => false,
                Kept::All => true,
                Kept::Some(_) => random.below(2) == 0,
            };
            if reaches {
                write.apply(&mut bytes);
            }
        }
        bytes
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.call(|state| state.live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.call(|state| {
            let at = usize::try_from(offset).unwrap();
            let found = state.live.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            out.copy_from_slice(found);
            Ok(())
        })?
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.write_one(Write::Length(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.call(|state| {
            for write in std::mem::take(&mut state.pending) {
                write.apply(&mut state.synced);
            }
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.write_one(Write::Bytes(usize::try_from(offset).unwrap(), data.into()))
    }
}

impl Disk {
    fn write_one(&self, write: Write) -> io::Result<()> {
        self.call(|state| {
            write.apply(&mut state.live);
            state.pending.push(write);
        })
    }
}

/// A folder with two bundles, the first of which runs, and its index.
struct Before {
    folder: TempDir,
    index: Vec<u8>,
    old: String,
    new: String,
}

impl Before {
    fn new() -> Before {
        let folder = folder();
        let disk = Disk::default();
        let installed = Installed::with_backend(folder.path(), disk.clone()).unwrap();
        let [old, new] = ["1.0.0", "1.1.0"].map(|version| installed.take(&unsigned(version)).unwrap().digest);
        installed.adopt("pump", &old, granted()).unwrap();
        drop(installed);
        Before { folder, index: disk.after(Kept::None), old, new }
    }

    /// A change that is given up, one that is made, and the power is cut on the way; the disk, and the last that was
    /// promised: the digest that a caller was told runs.
    fn swap(&self, cut: Option<usize>) -> (Disk, String) {
        let disk = Disk::cut_at(self.index.clone(), cut);
        let mut promised = self.old.clone();
        let swap = || {
            let installed = Installed::with_backend(self.folder.path(), disk.clone())?;
            installed.begin("pump", &intent(&self.new, 1))?;
            installed.abort("pump", true)?;
            installed.begin("pump", &intent(&self.new, 1))?;
            promised = installed.commit("pump")?.digest;
            Ok::<_, InstalledError>(())
        };
        let done = { swap }();
        assert_eq!(done.is_err(), disk.calls() > cut.unwrap_or(usize::MAX) && promised == self.old, "{done:?}");
        (disk, promised)
    }

    /// The power is back.
    fn check(&self, disk: &Disk, promised: &str, kept: Kept, when: &str) -> &'static str {
        let disk = Disk::cut_at(disk.after(kept), None);
        let opened = Installed::with_backend(self.folder.path(), disk);
        let installed =
            opened.unwrap_or_else(|error| panic!("{when}: {error}: {:?}", std::error::Error::source(&error)));
        let digest = check_whole(&installed, &self.old, &self.new, when);
        assert!(digest == self.new || promised == self.old, "{when}: what was committed is gone");
        assert!(installed.recovered().reverted.len() <= 1 && installed.recovered().swept.is_empty(), "{when}");
        assert_eq!(installed.bundles().unwrap().len(), 2, "{when}");
        if digest == self.new { "new" } else { "old" }
    }
}

#[test]
fn the_power_is_cut_at_every_call() {
    let before = Before::new();
    let (whole, promised) = before.swap(None);
    assert_eq!(promised, before.new);
    let calls = whole.calls();
    let mut ran: BTreeMap<&str, usize> = BTreeMap::new();
    for cut in 0..calls {
        let (disk, promised) = before.swap(Some(cut));
        for kept in [Kept::None, Kept::All, Kept::Some(cut as u64 + 1)] {
            let which = before.check(&disk, &promised, kept, &format!("cut at call {cut} of {calls}, {kept:?} kept"));
            *ran.entry(which).or_default() += 1;
        }
    }
    println!("{calls} calls: {ran:?}");
    assert!(20 < calls && ran.len() == 2, "{calls} calls: {ran:?}");
}

#[test]
fn any_part_of_what_was_not_synced_is_lost() {
    let before = Before::new();
    let calls = before.swap(None).0.calls();
    let mut ran: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 1..=400_u64 {
        let cut = rot::Random::of(seed).below(calls);
        let (disk, promised) = before.swap(Some(cut));
        let when = format!("seed {seed}, cut at call {cut} of {calls}");
        *ran.entry(before.check(&disk, &promised, Kept::Some(seed), &when)).or_default() += 1;
    }
    println!("400 seeds: {ran:?}");
    assert_eq!(ran.len(), 2, "{ran:?}");
}

#[test]
fn the_power_is_cut_during_recovery() {
    let before = Before::new();
    let disk = Disk::cut_at(before.index.clone(), None);
    let installed = Installed::with_backend(before.folder.path(), disk.clone()).unwrap();
    installed.begin("pump", &intent(&before.new, 1)).unwrap();
    // No orderly end.
    let begun = disk.after(Kept::None);
    drop(installed);
    let mut cuts = 0;
    for cut in 0.. {
        let disk = Disk::cut_at(begun.clone(), Some(cut));
        drop(Installed::with_backend(before.folder.path(), disk.clone()));
        if disk.calls() <= cut {
            break;
        }
        cuts += 1;
        for kept in [Kept::None, Kept::All, Kept::Some(cut as u64 + 1)] {
            let when = format!("cut at call {cut}, {kept:?} kept");
            let disk = Disk::cut_at(disk.after(kept), None);
            let installed = Installed::with_backend(before.folder.path(), disk).unwrap();
            assert_eq!(check_whole(&installed, &before.old, &before.new, &when), before.old, "{when}");
            // Once, whether by this opening or by the one that was cut.
            installed.begin("pump", &intent(&before.new, 1)).unwrap();
            assert_eq!(installed.abort("pump", false).unwrap().strikes, 1, "{when}");
        }
    }
    println!("{cuts} cuts");
    assert!(20 < cuts, "{cuts}");
}

#[test]
fn any_one_call_fails() {
    let before = Before::new();
    let calls = before.swap(None).0.calls();
    let (mut answered, mut ran) = (0, BTreeMap::<&str, usize>::new());
    for at in 0..calls {
        let when = format!("call {at} of {calls} failed");
        let disk = Disk::cut_at(before.index.clone(), Some(at));
        disk.0.lock().unwrap().once = true;
        let mut promised = before.old.clone();
        if let Ok(installed) = Installed::with_backend(before.folder.path(), disk.clone()) {
            let swapped = installed.begin("pump", &intent(&before.new, 1)).and_then(|()| installed.commit("pump"));
            promised = swapped.map_or(promised, |running| running.digest);
            // Not more than that it is not known.
            if let Ok(running) = installed.running("pump") {
                assert!([&before.old, &before.new].contains(&&running.unwrap().digest), "{when}");
                answered += 1;
            }
        }
        *ran.entry(before.check(&disk, &promised, Kept::All, &when)).or_default() += 1;
    }
    println!("{calls} calls failed, {answered} times it answered before it was opened anew: {ran:?}");
    assert!(20 < calls && ran.len() == 2, "{calls}: {ran:?}");
}
