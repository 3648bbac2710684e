//! What the host keeps for one instance, and its side of `assets`, `log` and `metrics`.

use crate::grants::{AssetError, Assets, Grants, LogLevel, LogLine, Metric, NoteBudget, Notes};
use crate::limiter::Limiter;
use crate::settings::Limits;
use crate::wire::dinrail::plugin::{assets, log, metrics};
use dinrail_core::inference::{InferenceEntry, Model};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;
use wasmtime::component::ResourceTable;

/// A model the plugin was granted.
pub(crate) struct GrantedModel {
    pub(crate) name: Arc<str>,
    pub(crate) model: Box<dyn Model>,
}

/// A limit of the host's own that a guest went past; it ends the call.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct LimitReached(pub(crate) String);

/// The store's data: one for each instance.
pub(crate) struct HostState {
    pub(crate) limiter: Limiter,
    pub(crate) table: ResourceTable,
    pub(crate) models: Vec<GrantedModel>,
    pub(crate) journal: Vec<InferenceEntry>,
    /// Bytes that the journal keeps alive.
    pub(crate) journal_bytes: usize,
    /// Ticks by which the running call's deadline is put off, once.
    pub(crate) grace_ticks: Option<u64>,
    /// Wall time at which an inference of the running call is cut.
    pub(crate) deadline: Option<Instant>,
    /// Bytes of the tensors and pictures in `table`.
    pub(crate) resource_bytes: usize,
    pub(crate) resource_bytes_max: usize,
    assets: Option<Box<dyn Assets>>,
    notes: NoteKeeper,
}

impl HostState {
    pub(crate) fn new(grants: Grants, limits: &Limits) -> HostState {
        let mut table = ResourceTable::new();
        // Twice, since pictures are handed over before the guest's own count sees them.
        table.set_max_capacity(limits.component_handles * 2);
        HostState {
            limiter: Limiter::new(*limits),
            table,
            models: grants.models.into_iter().map(|(name, model)| GrantedModel { name: name.into(), model }).collect(),
            journal: Vec::new(),
            journal_bytes: 0,
            grace_ticks: None,
            deadline: None,
            resource_bytes: 0,
            resource_bytes_max: limits.resource_bytes,
            assets: grants.assets,
            notes: NoteKeeper::new(grants.notes),
        }
    }

    /// Before each call into the guest.
    pub(crate) fn begin(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
        self.notes.refill();
    }

    pub(crate) fn has_models(&self) -> bool {
        !self.models.is_empty()
    }

    pub(crate) fn take_journal(&mut self) -> Vec<InferenceEntry> {
        self.journal_bytes = 0;
        std::mem::take(&mut self.journal)
    }

    pub(crate) fn take_notes(&mut self) -> Notes {
        std::mem::take(&mut self.notes.notes)
    }

    /// Counts bytes that a guest holds in the host.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<(), LimitReached> {
        let wanted = self.resource_bytes.saturating_add(bytes);
        if wanted > self.resource_bytes_max {
            return Err(LimitReached(format!(
                "{wanted} bytes of tensors and pictures, {} are the limit",
                self.resource_bytes_max
            )));
        }
        self.resource_bytes = wanted;
        Ok(())
    }

    pub(crate) fn release(&mut self, bytes: usize) {
        self.resource_bytes = self.resource_bytes.saturating_sub(bytes);
    }
}

/// Notes within their budget. Everything that comes in is guest-controlled.
struct NoteKeeper {
    budget: NoteBudget,
    lines_left: u32,
    metrics_left: u32,
    names: HashSet<String>,
    notes: Notes,
}

impl NoteKeeper {
    fn new(budget: NoteBudget) -> NoteKeeper {
        NoteKeeper {
            lines_left: budget.lines_burst,
            metrics_left: budget.metrics_per_call,
            budget,
            names: HashSet::new(),
            notes: Notes::default(),
        }
    }

    fn refill(&mut self) {
        self.lines_left = self.lines_left.saturating_add(self.budget.lines_per_call).min(self.budget.lines_burst);
        self.metrics_left = self.budget.metrics_per_call;
    }

    fn log(&mut self, level: LogLevel, mut message: String) {
        // What nobody took yet counts too, so that a host that never looks is not flooded either.
        let room = self.notes.logs.len() < self.budget.lines_burst as usize;
        if self.lines_left == 0 || !room {
            self.notes.logs_dropped += 1;
            return;
        }
        self.lines_left -= 1;
        message.truncate(message.floor_char_boundary(self.budget.line_bytes));
        if message.contains(char::is_control) {
            // It could write anywhere on an operator's terminal.
            message = message.replace(char::is_control, " ");
        }
        self.notes.logs.push(LogLine { level, message });
    }

    fn metric(&mut self, metric: Metric) {
        let room = self.notes.metrics.len() < self.budget.metrics_per_call as usize;
        if self.metrics_left == 0 || !room || !self.admits(&metric) {
            self.notes.metrics_dropped += 1;
            return;
        }
        self.metrics_left -= 1;
        self.notes.metrics.push(metric);
    }

    fn admits(&mut self, metric: &Metric) -> bool {
        let name = match metric {
            Metric::Gauge { value, .. } if !value.is_finite() => return false,
            Metric::Gauge { name, .. } | Metric::Count { name, .. } => name,
        };
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte));
        if name.is_empty() || name.len() > self.budget.metric_name_bytes || !plain {
            return false;
        }
        if self.names.contains(name) {
            return true;
        }
        let room = self.names.len() < self.budget.metric_names;
        room && self.names.insert(name.clone())
    }
}

impl log::Host for HostState {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        self.notes.log(level, message);
        Ok(())
    }
}

impl metrics::Host for HostState {
    fn gauge(&mut self, name: String, value: f64) -> wasmtime::Result<()> {
        self.notes.metric(Metric::Gauge { name, value });
        Ok(())
    }

    fn count(&mut self, name: String, add: u64) -> wasmtime::Result<()> {
        self.notes.metric(Metric::Count { name, add });
        Ok(())
    }
}

impl assets::Host for HostState {
    fn load(&mut self, name: String) -> wasmtime::Result<Result<assets::Table, assets::Error>> {
        let Some(granted) = &mut self.assets else {
            return Ok(Err(assets::Error::Unknown(name)));
        };
        let answer = granted.load(&name).map(|table| assets::Table {
            columns: table.columns,
            rows: table.rows,
            values: table.values,
        });
        Ok(answer.map_err(|error| match error {
            AssetError::Unknown(name) => assets::Error::Unknown(name),
            AssetError::Malformed(what) => assets::Error::Malformed(what),
            AssetError::TooLarge(what) => assets::Error::TooLarge(what),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper() -> NoteKeeper {
        let budget = NoteBudget { lines_per_call: 2, lines_burst: 3, line_bytes: 5, ..NoteBudget::default() };
        NoteKeeper::new(budget)
    }

    #[test]
    fn lines_past_the_bucket_are_dropped_and_counted() {
        let mut keeper = keeper();
        for _ in 0..5 {
            keeper.log(LogLevel::Info, "x".to_owned());
        }
        assert_eq!((keeper.notes.logs.len(), keeper.notes.logs_dropped), (3, 2));
        keeper.notes = Notes::default();
        keeper.refill();
        for _ in 0..5 {
            keeper.log(LogLevel::Info, "x".to_owned());
        }
        assert_eq!((keeper.notes.logs.len(), keeper.notes.logs_dropped), (2, 3));
    }

    #[test]
    fn a_line_is_cut_between_characters_and_writes_only_itself() {
        let mut keeper = keeper();
        keeper.log(LogLevel::Warn, "ab\u{1b}dé".to_owned());
        assert_eq!(keeper.notes.logs[0].message, "ab d");
    }

    #[test]
    fn metrics_have_few_plain_names_and_finite_values() {
        let mut keeper = keeper();
        keeper.budget.metric_names = 1;
        let gauge = |name: &str, value| Metric::Gauge { name: name.to_owned(), value };
        keeper.metric(gauge("a", 1.0));
        keeper.metric(gauge("a", f64::NAN));
        keeper.metric(gauge("b", 1.0));
        keeper.metric(gauge("a\n", 1.0));
        keeper.metric(Metric::Count { name: "a".to_owned(), add: 1 });
        assert_eq!((keeper.notes.metrics.len(), keeper.notes.metrics_dropped), (2, 3));
    }
}
