//! Swaps in full number, in virtual and in real time; bundles that were tampered with; a controller that is killed.

use crate::Proof;
use anyhow::{Result, ensure};
use dinrail_cli::controller::swap::Phase;
use dinrail_cli::controller::swap::keeper::Keeper;
use dinrail_core::description::ParameterValue;
use dinrail_core::swap::Criteria;
use dinrail_engine::{Engine, EngineSettings, Grants, Limits, Pace, Profile};
use dinrail_store::bundle::{Bundle, PublicKey, Trust};
use dinrail_store::installed::{CONFIGURED, Installed, Intent};
use dinrail_tests::instance;
use dinrail_tests::swapping::{Counting, PERIOD_NS, quick};
use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const VIRTUAL_SWAPS: u64 = 10_000;
const REAL_SWAPS: u64 = 200;
/// Sizes of the state. The largest that crosses is 1 MiB with everything around it.
const STATES: [(&str, usize); 2] = [("64 KiB", 64 * 1024), ("1 MiB less 4 KiB", 1020 * 1024)];

/// Row `swap`.
pub(crate) fn swaps() -> Result<Proof> {
    let (virtual_lost, frames) = virtual_swaps()?;
    let mut figures = vec![format!(
        "{VIRTUAL_SWAPS} swaps in virtual time over {frames} frames: {virtual_lost} lost, doubled or out of order"
    )];
    let mut holds = virtual_lost == 0;
    for (name, padding) in STATES {
        let real = real_swaps(padding)?;
        let (save_us, restore_us) = state_times(padding)?;
        holds &= real.missed_more == 0 && real.jumps == 0;
        figures.push(format!(
            "{REAL_SWAPS} swaps in real time at a scan of 10 ms with a state of {name}: {} frames missed beyond those \
             without swaps ({} of {} there), {} rows computed twice or by nobody; a scan takes {:.0} µs at its 99th percentile and \
             {:.0} µs at its longest, {:.0} and {:.0} without swaps; {} reverted; saving takes {save_us:.0} µs, restoring {restore_us:.0}",
            real.missed_more, real.missed_calm, real.calm_scans, real.jumps, real.p99_us, real.max_us, real.calm_p99_us,
            real.calm_max_us, real.reverted
        ));
    }
    Ok(Proof { figure: figures.join("; "), holds })
}

fn virtual_swaps() -> Result<(u64, u64)> {
    let mut counting = Counting::new(64)?;
    counting.scan()?;
    for _ in 0..VIRTUAL_SWAPS {
        let candidate = counting.candidate(&[], quick())?;
        let now_ns = counting.now_ns();
        counting.controller.begin_swap(0, candidate, now_ns)?;
        let phase = counting.until(Phase::Committed, 100)?;
        ensure!(phase == Phase::Committed, "a swap was {}: {}", phase.name(), counting.why());
    }
    Ok((counting.unanswered + counting.jumps + (counting.answered - counting.counted()), counting.answered))
}

struct Real {
    missed_calm: u64,
    calm_scans: u64,
    missed_more: u64,
    jumps: u64,
    reverted: u64,
    p99_us: f64,
    max_us: f64,
    calm_p99_us: f64,
    calm_max_us: f64,
}

/// Scans in real time; how long each took, µs.
fn scan_for(counting: &mut Counting, until: impl Fn(&Counting) -> bool, times: &mut Vec<f64>) -> Result<()> {
    let period = Duration::from_nanos(PERIOD_NS.unsigned_abs());
    let mut next = Instant::now() + period;
    while !until(counting) {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next += period;
        let began = Instant::now();
        counting.scan()?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok(())
}

fn real_swaps(padding: usize) -> Result<Real> {
    let mut counting = Counting::in_real_time(padding)?;
    let folder = tempfile::tempdir()?;
    let installed = Arc::new(Installed::open(&folder.path().join("bundles"))?);
    installed.adopt("count", CONFIGURED, Vec::new())?;
    counting.controller.keep_swaps_with(Keeper::of(Arc::clone(&installed))?);
    let (mut calm, mut swapping) = (Vec::new(), Vec::new());
    let mut reverted = 0;
    // Both kinds alternate, so that what the machine does besides meets both.
    let mut missed_calm = 0;
    for _ in 0..REAL_SWAPS {
        let (before, end) = (counting.unanswered, counting.scan + 20);
        scan_for(&mut counting, |counting| counting.scan >= end, &mut calm)?;
        missed_calm += counting.unanswered - before;
        let generation = installed.running("count")?.map_or(1, |running| running.generation);
        let criteria = Criteria { trial_ns: 100_000_000, misses: 1_000, ..quick() };
        let mut candidate = counting.candidate(&[], criteria)?;
        candidate.intent = Some(Intent {
            digest: CONFIGURED.to_owned(),
            parameters: BTreeMap::new(),
            from_generation: generation,
            capabilities: Vec::new(),
        });
        let now_ns = counting.now_ns();
        counting.controller.begin_swap(0, candidate, now_ns)?;
        scan_for(&mut counting, |counting| counting.phase().is_some_and(Phase::is_over), &mut swapping)?;
        reverted += u64::from(counting.phase() != Some(Phase::Committed));
    }
    let missed_swapping = counting.unanswered - missed_calm;
    let share = missed_calm as f64 / calm.len() as f64;
    // What the machine itself makes a scan miss, it does in a swap as well.
    let innocent = (share * swapping.len() as f64).ceil() as u64;
    Ok(Real {
        missed_calm,
        calm_scans: calm.len() as u64,
        missed_more: missed_swapping.saturating_sub(innocent),
        // Each row was computed once, by whoever owned its frame; a late answer is discarded, and was computed all the same.
        jumps: counting.counted().abs_diff(counting.rows),
        reverted,
        p99_us: percentile(&mut swapping, 0.99),
        max_us: percentile(&mut swapping, 1.0),
        calm_p99_us: percentile(&mut calm, 0.99),
        calm_max_us: percentile(&mut calm, 1.0),
    })
}

/// Microseconds that saving and restoring such a state take by themselves, the median of many.
fn state_times(padding: usize) -> Result<(f64, f64)> {
    let engine = Engine::new(EngineSettings::default())?;
    let component = instance::component(&engine, "counter")?;
    let padding = ParameterValue::Integer(i64::try_from(padding)?);
    let limits = Limits::new(Profile::Compiled, Pace::Cyclic);
    let (mut saves, mut restores) = (Vec::new(), Vec::new());
    let mut owner = instance::start(&component, Grants::default(), &[("padding", padding.clone())], &limits)?;
    for _ in 0..50 {
        let began = Instant::now();
        let state = owner.save()?;
        saves.push(began.elapsed().as_secs_f64() * 1e6);
        let mut twin = instance::start(&component, Grants::default(), &[("padding", padding.clone())], &limits)?;
        let began = Instant::now();
        twin.restore(1, &state)?;
        restores.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok((percentile(&mut saves, 0.5), percentile(&mut restores, 0.5)))
}

fn percentile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    let at = ((times.len() as f64 - 1.0) * share).round() as usize;
    times.get(at).copied().unwrap_or(0.0)
}

/// Row `bundle`: every byte of a small bundle changed in turn, in each of its bits, and the command's word on one of them.
pub(crate) fn tampered() -> Result<Proof> {
    let folder = tempfile::tempdir()?;
    let dinrail = dinrail_tests::environment::dinrail();
    let run = |arguments: &[&str]| Command::new(&dinrail).args(arguments).current_dir(folder.path()).output();
    let guest = dinrail_tests::environment::guest("counter");
    let guest = guest.to_string_lossy();
    ensure!(run(&["bundle", "keygen", "dev"])?.status.success(), "no keys");
    ensure!(run(&["bundle", "pack", &guest, "--key", "dev.key", "-o", "whole.rail"])?.status.success(), "no bundle");
    let whole = std::fs::read(folder.path().join("whole.rail"))?;
    let trust = Trust::only(PublicKey::from_pem(&std::fs::read_to_string(folder.path().join("dev.pub"))?)?);
    ensure!(Bundle::read(&mut whole.as_slice(), &trust).is_ok(), "the bundle itself is taken");
    let (mut accepted, mut panics) = (0_u64, 0_u64);
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        match catch_unwind(|| Bundle::read(&mut changed.as_slice(), &trust).is_ok()) {
            Ok(true) => accepted += 1,
            Ok(false) => {}
            Err(_) => panics += 1,
        }
    }
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    std::fs::write(folder.path().join("changed.rail"), &changed)?;
    let codes = ["whole.rail", "changed.rail"]
        .map(|file| run(&["bundle", "verify", file, "--key", "dev.pub"]).ok().and_then(|output| output.status.code()));
    Ok(Proof {
        figure: format!(
            "{} bytes changed in turn: {accepted} accepted, {panics} panics; `verify` exits with {:?} and {:?}",
            whole.len(),
            codes[0],
            codes[1]
        ),
        holds: accepted == 0 && panics == 0 && codes == [Some(0), Some(2)],
    })
}
