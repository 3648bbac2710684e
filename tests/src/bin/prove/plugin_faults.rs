//! Guests that do harm, in full number.

use crate::Proof;
use anyhow::{Context, Result, ensure};
use dinrail_core::description::ParameterValue;
use dinrail_core::inference::Model;
use dinrail_core::outcome::{Fault, Outcome};
use dinrail_engine::{
    Done, Engine, EngineSettings, Grants, Instance, Limits, Pace, PluginComponent, Profile, Until, WorkerPool,
};
use dinrail_tests::instance::{self, call, component, frame, job};
use std::time::{Duration, Instant};

const LOOPS: u32 = 100;
const BOMBS: usize = 1_000;
const RECURSIONS: usize = 100;
/// Wall time that the plugins have in a scan.
const BUDGET: Duration = Duration::from_millis(50);
/// Wall time of a call.
const DEADLINE: Duration = Duration::from_millis(5);

/// Row 1. In each round a fresh endless loop, a neighbour on another worker, and a mate behind the loop on
/// its own worker; what has not come back by the budget's end counts as missed.
pub(crate) fn loops() -> Result<Proof> {
    let engine = Engine::new(EngineSettings::default())?;
    let (looping, counter) = (component(&engine, "loop")?, component(&engine, "counter")?);
    let mut pool = WorkerPool::new(2)?;
    let mut neighbour = Some(start(&counter, &[])?);
    let mut mate = Some(start(&counter, &[])?);
    let (mut stopped, mut neighbour_missed, mut mate_missed) = (0, 0, 0);
    let mut longest = Duration::ZERO;
    for _ in 0..LOOPS {
        let began = Instant::now();
        pool.submit(0, job(0, start(&looping, &[])?, DEADLINE));
        pool.submit(0, job(1, mate.take().context("the mate came back")?, DEADLINE));
        pool.submit(1, job(2, neighbour.take().context("the neighbour came back")?, DEADLINE));
        while let Some(Done { id, instance, report, .. }) = pool.next(Until::All) {
            let late = usize::from(began.elapsed() > BUDGET);
            match id.0 {
                0 => {
                    ensure!(instance.is_poisoned(), "a stopped instance is thrown away");
                    stopped += usize::from(matches!(report.outcome, Outcome::Faulted(Fault::Timeout { .. })));
                    longest = longest.max(Duration::from_nanos(report.duration_ns));
                }
                1 => {
                    mate_missed += late;
                    mate = Some(instance);
                }
                _ => {
                    neighbour_missed += late + usize::from(!matches!(report.outcome, Outcome::Answered(_)));
                    neighbour = Some(instance);
                }
            }
        }
    }
    Ok(Proof {
        figure: format!(
            "{stopped}/{LOOPS} stopped, the longest after {:.1} ms at a deadline of {} ms; neighbours missed \
             {neighbour_missed} frames, worker-mates {mate_missed}",
            longest.as_secs_f64() * 1e3,
            DEADLINE.as_millis()
        ),
        holds: stopped == LOOPS as usize && neighbour_missed == 0,
    })
}

/// Row 3. A bomb each in a fresh instance; the process's memory before and after.
pub(crate) fn memory_bombs() -> Result<Proof> {
    let engine = Engine::new(EngineSettings::default())?;
    let component = component(&engine, "memory-bomb")?;
    let mut stopped = 0;
    let mut explode = || -> Result<()> {
        let mut instance = start(&component, &[])?;
        stopped += usize::from(matches!(outcome(&mut instance), Outcome::Faulted(Fault::Limit(_))));
        Ok(())
    };
    // The first ones bring the allocator to its working size.
    for _ in 0..20 {
        explode()?;
    }
    let before = resident_kib()?;
    let mut highest = before;
    for _ in 0..BOMBS {
        explode()?;
        highest = highest.max(resident_kib()?);
    }
    let grown = highest.saturating_sub(before);
    Ok(Proof {
        figure: format!(
            "{stopped}/{} bombs stopped at {} MiB each; resident memory {before} KiB before, at most {grown} KiB more",
            BOMBS + 20,
            Limits::default().memory_bytes >> 20
        ),
        holds: stopped == BOMBS + 20 && grown < 8 * 1024,
    })
}

/// Row 4. An abort would end this very process.
pub(crate) fn recursion() -> Result<Proof> {
    let engine = Engine::new(EngineSettings::default())?;
    let component = component(&engine, "recursion")?;
    let mut traps = 0;
    for _ in 0..RECURSIONS {
        let mut instance = start(&component, &[])?;
        traps += usize::from(matches!(outcome(&mut instance), Outcome::Faulted(Fault::Trap(_))));
    }
    Ok(Proof { figure: format!("{traps}/{RECURSIONS} traps, 0 aborts"), holds: traps == RECURSIONS })
}

/// Row 5. Every way across.
pub(crate) fn huge_strings() -> Result<Proof> {
    let engine = Engine::new(EngineSettings::default())?;
    let component = component(&engine, "huge-string")?;
    let ways = ["result", "fault", "log", "metric", "state"];
    let mut refused = Vec::new();
    for way in ways {
        let mut instance = start(&component, &[("through", ParameterValue::Text(way.into()))])?;
        let fault = match way {
            "state" => instance.save().err(),
            _ => match outcome(&mut instance) {
                Outcome::Faulted(fault) => Some(fault),
                Outcome::Answered(_) | Outcome::Missed | Outcome::Skipped(_) => None,
            },
        };
        if matches!(fault, Some(Fault::Limit(_))) {
            refused.push(way);
        }
    }
    Ok(Proof {
        figure: format!("2 MiB refused on {}/{} ways: {}", refused.len(), ways.len(), refused.join(", ")),
        holds: refused.len() == ways.len(),
    })
}

fn start(component: &PluginComponent, given: &[(&str, ParameterValue)]) -> Result<Box<Instance>> {
    start_granted(component, Grants { models_optional: true, ..Grants::default() }, given)
}

/// An instance with these models, and parameters as they are by themselves.
pub(crate) fn start_with(component: &PluginComponent, models: Vec<(String, Box<dyn Model>)>) -> Result<Box<Instance>> {
    start_granted(component, Grants { models, ..Grants::default() }, &[])
}

fn start_granted(
    component: &PluginComponent,
    grants: Grants,
    given: &[(&str, ParameterValue)],
) -> Result<Box<Instance>> {
    instance::start(component, grants, given, &Limits::new(Profile::Compiled, Pace::Cyclic))
}

fn outcome(instance: &mut Instance) -> Outcome {
    call(instance, &frame(0), Duration::from_secs(30)).outcome
}

/// Resident memory of this process.
fn resident_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading this process's status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS in the status")?;
    line.trim().trim_end_matches(" kB").trim().parse().context("VmRSS is a number")
}
