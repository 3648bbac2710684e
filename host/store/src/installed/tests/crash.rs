//! A process that dies, and a disk that fails, at every durable step.

use super::*;

/// Install, adopt, install, begin, abort, begin, commit, remove.
fn flow(installed: &Installed) -> Result<(), InstallError> {
    let [one, two, three] = ["1.0.0", "1.1.0", "0.9.0"].map(unsigned);
    let old = installed.take(&one)?.digest;
    installed.adopt("pump", &old, granted())?;
    let new = installed.take(&two)?.digest;
    installed.begin("pump", &intent(&new, 1))?;
    installed.abort("pump", false)?;
    installed.begin("pump", &intent(&new, 1))?;
    installed.commit("pump")?;
    let down = InstallRules { downgrade: true, ..rules() };
    let third = installed.install(&mut &three[..], &trust(), &down)?.digest;
    installed.remove(&third)?;
    Ok(())
}

fn digests() -> (String, String) {
    (digest(&unsigned("1.0.0")), digest(&unsigned("1.1.0")))
}

/// Ends when a run needs fewer steps than the one that fails; how many there were, and how often which version ran.
fn every_step(lasting: bool) -> (usize, BTreeMap<&'static str, usize>) {
    let (old, new) = digests();
    let mut runs = BTreeMap::new();
    for at in 0.. {
        let folder = folder();
        let path = folder.path().join("shelf");
        let steps = Steps::failing(at, lasting);
        let mut adopted = false;
        let done = Installed::open_with(&path, steps.clone()).map_err(InstallError::from).and_then(|installed| {
            let done = flow(&installed);
            // A disk that failed once and answers again: what runs is told, also before anything is opened anew.
            let running = installed.running("pump").unwrap();
            adopted = running.is_some();
            done
        });
        if steps.taken() <= at {
            done.unwrap();
            return (at, runs);
        }
        let when = format!("step {at} failed, {:?}", done.as_ref().err().map(ToString::to_string));
        let installed = Installed::open(&path).unwrap_or_else(|error| panic!("{when}: {error}"));
        let ran = match adopted {
            true if check_whole(&installed, &old, &new, &when) == old => "old",
            true => "new",
            false => "none yet",
        };
        *runs.entry(ran).or_default() += 1;
        assert!(installed.recovered().reverted.len() <= 1 && installed.recovered().left.is_empty(), "{when}");
        check_no_leftovers(&path, &installed, &when);
        check_goes_on(&installed, &old, &new, &when);
    }
    unreachable!("a flow ends")
}

/// Each file is of a bundle that is installed.
fn check_no_leftovers(path: &Path, installed: &Installed, when: &str) {
    let known = installed.bundles().unwrap();
    for folder in ["bundles", "unpacked"] {
        for entry in std::fs::read_dir(path.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(known.contains_key(name.trim_end_matches(".rail")), "{when}: {folder}/{name}");
        }
    }
}

/// From wherever it stopped, the new version can be reached.
fn check_goes_on(installed: &Installed, old: &str, new: &str, when: &str) {
    let go_on = || {
        installed.take(&unsigned("1.1.0"))?;
        if installed.running("pump")?.is_none() {
            installed.take(&unsigned("1.0.0"))?;
            installed.adopt("pump", old, granted())?;
        }
        let running = installed.running("pump")?.unwrap();
        if running.digest == old {
            installed.begin("pump", &intent(new, running.generation))?;
            installed.commit("pump")?;
        }
        Ok::<_, InstallError>(())
    };
    go_on().unwrap_or_else(|error| panic!("{when}: {error}"));
    assert_eq!(installed.running("pump").unwrap().unwrap().digest, new, "{when}");
}

#[test]
fn a_process_that_dies_at_any_step_leaves_the_old_or_the_new() {
    let (steps, runs) = every_step(true);
    println!("{steps} steps: {runs:?}");
    assert!(100 < steps, "{steps}");
    assert!(["none yet", "old", "new"].iter().all(|ran| runs.contains_key(ran)), "{runs:?}");
}

#[test]
fn a_disk_that_fails_at_any_step_leaves_the_old_or_the_new() {
    let (steps, runs) = every_step(false);
    println!("{steps} steps: {runs:?}");
    assert!(100 < steps, "{steps}");
    assert!(["none yet", "old", "new"].iter().all(|ran| runs.contains_key(ran)), "{runs:?}");
}

#[test]
fn dying_during_recovery_costs_no_second_strike() {
    let (folder, installed) = opened();
    let path = folder.path().join("shelf");
    let [old, new] = ["1.0.0", "1.1.0"].map(|version| installed.take(&unsigned(version)).unwrap().digest);
    installed.adopt("pump", &old, granted()).unwrap();
    installed.begin("pump", &intent(&new, 1)).unwrap();
    drop(installed);
    let mut died = 0;
    for at in 0.. {
        let steps = Steps::failing(at, true);
        let opened = Installed::open_with(&path, steps.clone());
        if steps.taken() <= at {
            opened.unwrap();
            break;
        }
        died += 1;
    }
    assert!(0 < died);
    let installed = Installed::open(&path).unwrap();
    assert!(installed.recovered().reverted.is_empty());
    installed.begin("pump", &intent(&new, 1)).unwrap();
    assert_eq!(installed.abort("pump", false).unwrap().strikes, 1);
}
