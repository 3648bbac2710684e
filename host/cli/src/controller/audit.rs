//! What operators do, on its way to the store: a bounded channel to a thread that writes and syncs.
//!
//! The scan never waits for a disk. What finds no room or can't be written is counted as lost, which is an alarm.

use super::Controller;
use super::alarms::Losses;
use super::words::quantity;
use crate::control::{Answer, Request};
use crossbeam_channel::{Receiver, Sender};
use dinrail_core::guard::AdviceId;
use dinrail_store::audit::{AuditError, AuditLog, Deed};
use dinrail_store::folder::{FolderError, StoreFolder};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

/// Entries that wait for the disk: as many as requests that wait for a scan, some times over.
const MAX_WAITING: usize = 64;
/// How long the end of a run waits for entries to be written.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest texts of an entry, in characters; all of them together fit its line.
const MAX_SUBJECT: usize = 128;
const MAX_STANDING: usize = 300;
const MAX_TEXT: usize = 1_500;

/// The store's folder, and the end of the audit log that the scan has.
pub(super) struct Store {
    /// Held as long as the controller runs.
    _folder: Arc<StoreFolder>,
    entries: Option<Sender<Deed>>,
    thread: Option<JoinHandle<()>>,
    ended: Receiver<()>,
    losses: Arc<Losses>,
}

/// Why a controller has no store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder.
    #[error("the store: {0}")]
    Folder(#[from] FolderError),
    /// The audit log in it.
    #[error("the audit log in `{folder}`: {error}")]
    Audit {
        /// The store's folder.
        folder: String,
        /// Why.
        #[source]
        error: AuditError,
    },
    /// Its thread.
    #[error("a thread could not be started: {0}")]
    Thread(#[source] std::io::Error),
}

impl Store {
    /// Goes on with the audit log of a folder, and starts the thread that writes.
    pub(super) fn open(
        folder: Arc<StoreFolder>,
        path: &Path,
        site: &str,
        losses: Arc<Losses>,
    ) -> Result<Store, StoreError> {
        let opened = AuditLog::open(folder.directory(), site, &wall_clock());
        let (mut log, opened) =
            opened.map_err(|error| StoreError::Audit { folder: path.display().to_string(), error })?;
        if opened.cut_bytes > 0 {
            let bytes = opened.cut_bytes;
            tracing::warn!(bytes, "the audit log's last line was not written to its end; it is cut off");
        }
        let head = opened.head.to_string();
        tracing::info!(entries = opened.entries, head, "the audit log goes on; its head, kept elsewhere, shows a cut");
        let (sender, receiver) = crossbeam_channel::bounded::<Deed>(MAX_WAITING);
        let (end, ended) = crossbeam_channel::bounded(1);
        let lost = Arc::clone(&losses);
        let thread = std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || {
                for deed in receiver {
                    if let Err(error) = log.append(&deed) {
                        lost.store.fetch_add(1, Ordering::Relaxed);
                        tracing::error!(%error, "what an operator did is not in the audit log");
                    }
                }
                tracing::info!(head = %log.head(), "the audit log ends here");
                // Nobody waits any more where the disk took too long.
                let _ = end.send(());
            })
            .map_err(StoreError::Thread)?;
        Ok(Store { _folder: folder, entries: Some(sender), thread: Some(thread), ended, losses })
    }

    /// Hands an entry over.
    fn keep(&self, deed: Deed) {
        let taken = self.entries.as_ref().is_some_and(|entries| entries.try_send(deed).is_ok());
        if !taken {
            self.losses.store.fetch_add(1, Ordering::Relaxed);
            tracing::error!("what an operator did is not in the audit log: too much waits for the disk");
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.entries = None;
        if self.ended.recv_timeout(PATIENCE).is_err() {
            tracing::error!("the audit log was not written to its end within its time");
            return;
        }
        // It has nothing left to do.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn wall_clock() -> String {
    jiff::Timestamp::now().to_string()
}

/// What a request changes, in the log's words; nothing where it only asks.
fn named(request: &Request) -> Option<(&'static str, String)> {
    match request {
        Request::Advices
        | Request::Modes
        | Request::Alarms
        | Request::Status
        | Request::Bundles
        | Request::Incidents => None,
        Request::TakeIncident { reason } => Some(("incident", reason.clone())),
        Request::Install { path, .. } => Some(("install", path.display().to_string())),
        Request::Swap { plugin, .. } => Some(("swap", plugin.clone())),
        Request::Commit { plugin } => Some(("commit", plugin.clone())),
        Request::Rollback { plugin, .. } => Some(("rollback", plugin.clone())),
        Request::Set { plugin, parameter, .. } => Some(("set", format!("{plugin} {parameter}"))),
        Request::Override { output, .. } => Some(("override", output.clone())),
        Request::Release { output } => Some(("release", output.clone())),
        Request::Accept { id } => Some(("accept", id.to_string())),
        Request::Reject { id, .. } => Some(("reject", id.to_string())),
        Request::Mode { target, .. } => Some(("mode", target.clone())),
        Request::Reset { output } => Some(("reset", output.clone())),
        Request::Acknowledge { alarm } => Some(("acknowledge", alarm.clone())),
        Request::Shelve { alarm, .. } => Some(("shelve", alarm.clone())),
        Request::Unshelve { alarm } => Some(("unshelve", alarm.clone())),
    }
}

impl Controller {
    /// How that stands which a request is about. Where nothing is written down it is not asked for.
    pub(super) fn standing_of(&self, request: &Request) -> String {
        let unknown = || "unknown".to_owned();
        match (request, &self.store) {
            (_, None) => String::new(),
            (
                Request::Advices
                | Request::Modes
                | Request::Alarms
                | Request::Status
                | Request::Bundles
                | Request::Incidents
                | Request::TakeIncident { .. },
                _,
            ) => String::new(),
            (Request::Install { .. }, _) => String::new(),
            (
                Request::Swap { plugin, .. }
                | Request::Commit { plugin }
                | Request::Rollback { plugin, .. }
                | Request::Set { plugin, .. },
                _,
            ) => self.version_of(plugin).unwrap_or_else(unknown),
            (Request::Override { output, .. } | Request::Release { output }, _) => {
                let applied = self.output(output).map(|id| self.guard.output_states(&[id]));
                let applied = applied.and_then(|states| states.first().and_then(|state| state.applied));
                applied.map_or_else(unknown, |value| value.to_string())
            }
            (Request::Accept { id } | Request::Reject { id, .. }, _) => self.advice_standing(AdviceId(*id)),
            (Request::Mode { target, .. }, _) => self.mode_of(target).map_or_else(unknown, str::to_owned),
            (Request::Reset { output }, _) => match self.output(output) {
                Some(id) if self.guard.is_tripped(id) => "tripped".to_owned(),
                Some(id) if self.guard.is_halted(id) => "halted".to_owned(),
                Some(_) => "not tripped".to_owned(),
                None => unknown(),
            },
            (Request::Acknowledge { alarm } | Request::Shelve { alarm, .. } | Request::Unshelve { alarm }, _) => {
                self.alarm_state(alarm).map_or_else(unknown, |state| state.name().to_owned())
            }
        }
    }

    fn advice_standing(&self, id: AdviceId) -> String {
        let Some(advice) = self.guard.advices().into_iter().find(|advice| advice.id == id) else {
            return "does not wait".to_owned();
        };
        let (output, unit) = self.name(advice.output);
        let applied = self.guard.output_states(&[advice.output]).first().and_then(|state| state.applied);
        let applied = applied.map_or_else(|| "unknown".to_owned(), |value| quantity(value, unit));
        format!("{output}: {} waits, in force {applied}", quantity(advice.setpoint, unit))
    }

    /// The mode of an output or a plugin.
    fn mode_of(&self, target: &str) -> Option<&'static str> {
        let of_output = self.output(target).and_then(|id| self.guard.spec(id)).map(|spec| spec.mode);
        let of_plugin = || {
            let index = self.plugins.iter().position(|plugin| plugin.config.name == target)?;
            self.plugin_modes.get(index).copied()
        };
        of_output.or_else(of_plugin).map(|mode| mode.name())
    }

    /// Writes down what an operator did, or was refused.
    pub(super) fn write_down(&self, user: &str, request: &Request, before: String, answer: &Answer) {
        let (Some(store), Some((op, subject))) = (&self.store, named(request)) else { return };
        let (outcome, text) = match answer {
            Answer::Done { text } => ("done", text.as_str()),
            Answer::Refused { why } => ("refused", why.as_str()),
            Answer::Advices { .. }
            | Answer::Modes { .. }
            | Answer::Alarms { .. }
            | Answer::Incidents { .. }
            | Answer::Status { .. }
            | Answer::Bundles { .. } => return,
        };
        store.keep(Deed {
            time: wall_clock(),
            user: user.to_owned(),
            op: op.to_owned(),
            subject: super::operator::said(&subject, MAX_SUBJECT),
            outcome: outcome.to_owned(),
            before: super::operator::said(&before, MAX_STANDING),
            after: super::operator::said(&self.standing_of(request), MAX_STANDING),
            text: super::operator::said(text, MAX_TEXT),
        });
    }
}
