//! Models that mean harm, in full number.

use crate::Proof;
use crate::plugin_faults::start_with;
use anyhow::{Context, Result};
use dinrail_core::inference::{InferenceEntry, InferenceError, Model, Tensor};
use dinrail_core::outcome::{Fault, Outcome};
use dinrail_engine::{Engine, EngineSettings};
use dinrail_inference::Catalog;
use dinrail_tests::advice::advised;
use dinrail_tests::hostile_models::{self as hostile, Chance, Fate};
use dinrail_tests::instance::{call, component, frame};
use std::sync::Arc;
use std::time::{Duration, Instant};

const MUTANTS: u64 = 10_000;
/// Of each kind.
const CALLS: usize = 50;
/// Wall time of a call.
const DEADLINE: Duration = Duration::from_millis(5);
/// Of a call that is to come to its end, whatever else this machine does.
const GENEROUS: Duration = Duration::from_secs(30);
/// Whole runs in which the longest node is looked for.
const NODE_RUNS: usize = 5;
/// What an overrun may take beside two of the longest nodes: the clock is looked at between nodes, and a thread that the
/// system put aside looks later.
const SPARE: Duration = Duration::from_millis(5);

/// Row 12. A crash of this process would end the row.
pub(crate) fn mutants() -> Result<Proof> {
    let directory = tempfile::tempdir()?;
    let catalog = hostile::catalog();
    let seeds = hostile::seeds()?;
    let (mut works, mut refused, mut crashed, mut timed_out) = (0, 0, 0, 0);
    let mut count = |fate| match fate {
        Fate::Works => works += 1,
        Fate::Refused => refused += 1,
        Fate::Crashed => crashed += 1,
        Fate::TimedOut => timed_out += 1,
    };
    for number in 0..MUTANTS {
        let seed = &seeds[usize::try_from(number)? % seeds.len()];
        let mutant = hostile::mutant(seed, &mut Chance::new(number));
        let path = hostile::write(directory.path(), "mutant", &mutant)?;
        count(hostile::fate(&catalog, &path).with_context(|| format!("mutant {number}"))?);
    }
    let crashers = hostile::crashers();
    let mut kept_out = 0;
    for (name, bytes) in &crashers {
        let path = hostile::write(directory.path(), "crasher", bytes)?;
        let fate = hostile::fate(&catalog, &path)?;
        println!("{name}: {fate:?}");
        kept_out += usize::from(fate != Fate::Works);
    }
    Ok(Proof {
        figure: format!(
            "{MUTANTS} mutants: {works} work, {refused} refused by a typed error, {crashed} crashed the child and \
             {timed_out} timed out there; {kept_out}/{} known crashers kept out; the host is alive",
            crashers.len()
        ),
        holds: works + refused + crashed + timed_out == MUTANTS && kept_out == crashers.len(),
    })
}

/// Row 13.
pub(crate) fn external_data() -> Result<Proof> {
    let directory = tempfile::tempdir()?;
    let (inside, outside) = (directory.path().join("models"), directory.path().join("secret.bin"));
    std::fs::create_dir(&inside)?;
    std::fs::write(&outside, 2.0_f32.to_le_bytes())?;
    #[cfg(unix)]
    std::os::unix::fs::symlink(&outside, inside.join("link.bin"))?;
    std::fs::hard_link(&outside, inside.join("hard.bin"))?;
    let absolute = outside.to_string_lossy().into_owned();
    let ways = [("..", "../secret.bin"), ("absolute", &absolute), ("symlink", "link.bin"), ("hard link", "hard.bin")];
    let mut refused = Vec::new();
    for (way, location) in ways {
        let path = hostile::write(&inside, "model", &hostile::external(location))?;
        if Catalog::new().load(&path).is_err_and(|error| error.to_string().contains("lies in another file")) {
            refused.push(way);
        }
    }
    Ok(Proof {
        figure: format!("{}/{} refused: {}", refused.len(), ways.len(), refused.join(", ")),
        holds: refused.len() == ways.len(),
    })
}

/// What came of [`CALLS`] calls of each kind through a guest.
#[derive(Default)]
struct Called {
    /// Slow inferences that were cut.
    cut: usize,
    /// Slow calls whose guest did not come as far as its inference within the deadline: a machine with other work.
    stopped: usize,
    /// Inferences that gave no number, refused.
    refused: usize,
    /// Frames that were answered: what would act.
    answered: usize,
    /// The longest slow inference.
    longest: Duration,
    /// A whole slow run, and its longest node.
    whole: Duration,
    node: Duration,
}

/// Slow models and models that give no number, through a guest.
fn called() -> Result<Called> {
    let engine = Engine::new(EngineSettings::default())?;
    let component = component(&engine, "inference")?;
    let directory = tempfile::tempdir()?;
    let catalog = Catalog::new();
    let slow = catalog.load(&hostile::write(directory.path(), "slow", &hostile::slow(120, 100_000))?)?;
    let nan = catalog.load(&hostile::write(directory.path(), "nan", &hostile::not_a_number())?)?;
    let mut called = Called::default();
    let input = [Tensor::new(vec![1, 100_000], vec![1.0; 100_000].into())?];
    let mut session = slow.session();
    session.prepare(1)?;
    let begun = Instant::now();
    session.run(&input, None)?;
    called.whole = begun.elapsed();
    let start = |model| start_with(&component, vec![("model".into(), prepared(model)?)]);
    let (mut slow_guest, mut nan_guest) = (start(&slow)?, start(&nan)?);
    for round in 0..CALLS {
        // Among the calls, so that the nodes have the same machine to share.
        if round % (CALLS / NODE_RUNS) == 0 {
            called.node = called.node.max(session.longest_node(&input)?);
        }
        if slow_guest.is_poisoned() {
            slow_guest = start(&slow)?;
        }
        let report = call(&mut slow_guest, &frame(0), DEADLINE);
        called.answered += usize::from(matches!(report.outcome, Outcome::Answered(_)));
        match report.inferences.first() {
            Some(entry) => {
                called.cut += usize::from(entry.outputs == Err(InferenceError::Deadline));
                called.longest = called.longest.max(Duration::from_nanos(entry.duration_ns));
            }
            None => called.stopped += usize::from(matches!(report.outcome, Outcome::Faulted(Fault::Timeout { .. }))),
        }
        // This one is to come to its end.
        let report = call(&mut nan_guest, &frame(0), GENEROUS);
        called.answered += usize::from(matches!(report.outcome, Outcome::Answered(_)));
        let is_refused = |entry: &InferenceEntry| matches!(entry.outputs, Err(InferenceError::NotFinite(_)));
        called.refused += usize::from(report.inferences.first().is_some_and(is_refused));
    }
    Ok(called)
}

/// Row 14. Each call through a guest, and then through the controller, with a sound model beside them whose advice acts.
pub(crate) fn slow_and_not_a_number() -> Result<Proof> {
    let Called { cut, stopped, refused, answered, longest, whole, node } = called()?;
    let acts = advised(&hostile::constant(85.0), false)?;
    let late = advised(&hostile::slow(120, 100_000), true)?;
    let none = advised(&hostile::not_a_number(), false)?;
    // Whether a slow call faults within its scan or after it, the machine's load decides; in virtual time nothing is late,
    // and each call must have been refused. One that is under way when the run ends is neither late nor answered.
    let never = [late, none].iter().all(|advised| advised.commands + advised.proposals == 0 && advised.unanswered > 0)
        && none.unanswered == none.calls;
    let overrun = longest.saturating_sub(DEADLINE);
    let overrun_max = 2 * node + SPARE;
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    Ok(Proof {
        figure: format!(
            "{cut}/{CALLS} slow inferences cut and {stopped} stopped before theirs ({:.1} ms whole; at most {:.1} ms over a \
             deadline of {} ms, {:.1} ms allowed: the longest node took {:.1} ms), {refused}/{CALLS} without a number refused; \
             {answered} of {} frames answered; through the controller {} late and {} without a number, {} proposals and {} \
             commands of theirs ({} commands of a sound model)",
            ms(whole),
            ms(overrun),
            DEADLINE.as_millis(),
            ms(overrun_max),
            ms(node),
            2 * CALLS,
            late.unanswered,
            none.unanswered,
            late.proposals + none.proposals,
            late.commands + none.commands,
            acts.commands
        ),
        holds: never
            && acts.commands > 0
            && overrun <= overrun_max
            && cut > 0
            && cut + stopped == CALLS
            && refused == CALLS
            && answered == 0
            && whole > 2 * DEADLINE,
    })
}

fn prepared(model: &Arc<dinrail_inference::OnnxModel>) -> Result<Box<dyn Model>> {
    let mut session = model.session();
    match session.prepare(1) {
        Ok(()) => Ok(Box::new(session)),
        Err(error) => Err(error.into()),
    }
}
