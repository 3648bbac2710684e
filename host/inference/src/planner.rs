//! Planning in a process of its own, the first time a model is seen: what a foreign model does to its reader, it does
//! there.
//!
//! The child is the host's own program again. It bounds its address space and its processor time, then does all that
//! loading does: decodes, inspects, plans, runs zeros and the reference vectors. It prints one line of JSON, and only
//! where that says yes does the host do the same in its own process.

use crate::catalog::Catalog;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Address space of the child: the largest file that is let through, decoded, parsed and planned, takes half of it.
pub const ADDRESS_SPACE_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Processor time of the child. A ResNet-50 is planned in two seconds.
pub const PROCESSOR_S: u64 = 20;
/// Wall time of the child, which may have to wait for a processor.
pub const WALL: Duration = Duration::from_secs(30);
/// Longest answer of a child that is read.
const ANSWER_BYTES: u64 = 16 * 1024;
/// Longest reason that a child gives.
const REASON_CHARS: usize = 2_000;

/// How the child is started.
#[derive(Clone, Debug)]
pub struct Planner {
    program: PathBuf,
    arguments: Vec<OsString>,
    wall: Duration,
    /// What the child does, for messages.
    doing: &'static str,
}

/// Why a child did not say yes.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum PlannerError {
    #[error("the process to try it in, `{}`, can't be run: {source}", program.display())]
    Start { program: PathBuf, source: io::Error },
    /// The reason is the child's message, which names the file.
    #[error("{reason}")]
    Refused { reason: String },
    #[error("{doing} crashed ({how}); it would have done so in the host")]
    Crashed { doing: &'static str, how: String },
    #[error("{doing} timed out: it took more than {limit_s} s of {what} time")]
    TimedOut { doing: &'static str, limit_s: u64, what: &'static str },
    #[error("the process to try it in gave no answer that can be read: {answer:?}")]
    Garbled { answer: String },
}

/// What the child prints.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// Of the ONNX file, where it was accepted.
    sha256: Option<String>,
    /// Why it was not.
    refused: Option<String>,
}

impl Planner {
    /// A planner that starts `program` with `arguments` and the model's path behind them. The program calls [`child`].
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<OsString>) -> Planner {
        Planner { program, arguments, wall: WALL, doing: "planning the model" }
    }

    /// The same for a child that does something else than plan a model, such as "compiling the component".
    #[must_use]
    pub fn doing(self, doing: &'static str) -> Planner {
        Planner { doing, ..self }
    }

    /// The same with another wall time.
    #[must_use]
    pub fn with_wall(self, wall: Duration) -> Planner {
        Planner { wall, ..self }
    }

    /// Has a file tried out; gives the SHA-256 of the one that was accepted.
    pub fn try_out(&self, path: &Path) -> Result<String, PlannerError> {
        let failed = |source| PlannerError::Start { program: self.program.clone(), source };
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(path)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let status = self.wait(&mut child).map_err(failed)?;
        let Some(status) = status else {
            let (doing, limit_s) = (self.doing, self.wall.as_secs());
            return Err(PlannerError::TimedOut { doing, limit_s, what: "wall" });
        };
        let mut answer = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            // A pipe holds more than an answer, so the child never waited for this.
            stdout.take(ANSWER_BYTES).read_to_end(&mut answer).map_err(failed)?;
        }
        ended(status, self.doing)?;
        match serde_json::from_slice(&answer) {
            Ok(Answer { sha256: Some(sha256), refused: None }) => Ok(sha256),
            Ok(Answer { sha256: None, refused: Some(reason) }) => Err(PlannerError::Refused { reason }),
            Ok(Answer { .. }) | Err(_) => {
                Err(PlannerError::Garbled { answer: String::from_utf8_lossy(&answer).chars().take(200).collect() })
            }
        }
    }

    /// Waits for the end of the child, and makes it end; `None` where it had to.
    fn wait(&self, child: &mut Child) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + self.wall;
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}

/// Whether a child came to its end by itself.
fn ended(status: ExitStatus, doing: &'static str) -> Result<(), PlannerError> {
    let crashed = |how: String| PlannerError::Crashed { doing, how };
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        match status.signal() {
            // Of the limit on processor time.
            Some(24) => return Err(PlannerError::TimedOut { doing, limit_s: PROCESSOR_S, what: "processor" }),
            Some(6) => {
                return Err(crashed("it aborted, as it does when its memory is used up".into()));
            }
            Some(11) => return Err(crashed("it reached for memory that is not its own".into())),
            Some(signal) => return Err(crashed(format!("signal {signal}"))),
            None => {}
        }
    }
    match status.code() {
        Some(0) => Ok(()),
        code => Err(crashed(format!("exit code {code:?}"))),
    }
}

/// The child's side: bounds this process, loads the model, runs it on zeros, and prints what came of it. Ends the
/// process's usefulness for anything else.
pub fn child(path: &Path) -> io::Result<()> {
    child_that(|| plan(path))
}

fn plan(path: &Path) -> Result<String, String> {
    let loaded = Catalog::new().load(path).map_err(|error| error.to_string());
    loaded.and_then(|model| {
        if model.only_batch_is_open() {
            model.session().prepare(1).map_err(|error| format!("`{}`: {error}", path.display()))?;
        }
        Ok(model.sha256().to_owned())
    })
}

/// The same for whatever gives a file's SHA-256, or the reason why it is refused.
pub fn child_that(tries: impl FnOnce() -> Result<String, String>) -> io::Result<()> {
    bound_this_process()?;
    let answer = match tries() {
        Ok(sha256) => Answer { sha256: Some(sha256), refused: None },
        Err(reason) => Answer { sha256: None, refused: Some(reason.chars().take(REASON_CHARS).collect()) },
    };
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, &answer)?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

#[cfg(unix)]
fn bound_this_process() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let bound = |resource, current: u64, maximum: u64| {
        setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) }).map_err(io::Error::from)
    };
    bound(Resource::As, ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES)?;
    // The first ends it by a signal that says why.
    bound(Resource::Cpu, PROCESSOR_S, PROCESSOR_S + 2)?;
    bound(Resource::Core, 0, 0)
}

#[cfg(not(unix))]
fn bound_this_process() -> io::Result<()> {
    Err(io::Error::other("a process can't be bounded here"))
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panic")]
    use super::*;
    use crate::catalog::LoadError;
    use crate::fixtures::Build;

    /// What comes of a child that is a shell script.
    fn check(script: &str, expected: fn(&PlannerError) -> bool) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.onnx");
        std::fs::write(&path, Build::doubler().bytes()).unwrap();
        let planner = Planner::new("/bin/sh".into(), vec!["-c".into(), script.into()]);
        let catalog = Catalog::with_planner(planner.with_wall(Duration::from_millis(300)));
        match catalog.load(&path).unwrap_err() {
            LoadError::Planning { source, .. } => assert!(expected(&source), "{script}: {source}"),
            other => panic!("{script}: {other}"),
        }
    }

    #[test]
    fn a_child_that_does_not_say_yes_keeps_the_model_out() {
        check("kill -SEGV $$", |error| matches!(error, PlannerError::Crashed { .. }));
        check("kill -ABRT $$", |error| matches!(error, PlannerError::Crashed { .. }));
        check("kill -XCPU $$", |error| matches!(error, PlannerError::TimedOut { what: "processor", .. }));
        check("exit 101", |error| matches!(error, PlannerError::Crashed { .. }));
        check("exec sleep 60", |error| matches!(error, PlannerError::TimedOut { what: "wall", .. }));
        check("exit 0", |error| matches!(error, PlannerError::Garbled { .. }));
        check("echo '{}'", |error| matches!(error, PlannerError::Garbled { .. }));
        check(
            r#"echo '{"sha256": null, "refused": "no"}'"#,
            |error| matches!(error, PlannerError::Refused { reason } if reason == "no"),
        );
    }

    #[test]
    fn a_child_that_is_not_there_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.onnx");
        std::fs::write(&path, Build::doubler().bytes()).unwrap();
        let catalog = Catalog::with_planner(Planner::new("/nowhere/dinrail".into(), vec![]));
        let error = catalog.load(&path).unwrap_err();
        assert!(matches!(error, LoadError::Planning { source: PlannerError::Start { .. }, .. }), "{error}");
    }

    #[test]
    fn a_yes_counts_for_the_file_that_was_looked_at_and_is_asked_for_once() {
        let directory = tempfile::tempdir().unwrap();
        let (path, log) = (directory.path().join("model.onnx"), directory.path().join("log"));
        std::fs::write(&path, Build::doubler().bytes()).unwrap();
        let sha256 = Catalog::new().load(&path).unwrap().sha256().to_owned();
        let script = |sha256: &str| {
            format!(r#"echo asked >> {}; echo '{{"sha256": "{sha256}", "refused": null}}'"#, log.display())
        };
        let planner = |sha256: &str| Planner::new("/bin/sh".into(), vec!["-c".into(), script(sha256).into()]);
        let error = Catalog::with_planner(planner("0000")).load(&path).unwrap_err();
        assert!(matches!(error, LoadError::Changed { .. }), "{error}");
        let catalog = Catalog::with_planner(planner(&sha256));
        for _ in 0..3 {
            catalog.load(&path).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 2);
    }
}
