//! Alarms in an answer, and as a table.

use comfy_table::Table;
use serde::{Deserialize, Serialize};

/// How an alarm stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlarmLine {
    /// Its name; the host's own begin with `dinrail.`.
    pub name: String,
    /// `low`, `medium`, `high`, `critical`.
    pub priority: String,
    /// `normal`, `unacknowledged-active`, `acknowledged-active`, `returned-unacknowledged`, `shelved`.
    pub state: String,
    /// What the operator should do.
    pub text: String,
    /// What the tags of its condition say now.
    pub detail: String,
    /// When its state last changed.
    pub changed: Option<String>,
    /// How often it was raised since the controller started.
    pub raises: u64,
    /// It is raised too often to tell anything.
    pub chattering: bool,
    /// How many of the raises were chattering.
    pub chattering_raises: u64,
    /// Its condition can't be known now; it holds its state.
    pub blind: bool,
    /// Seconds of run time until its shelving ends.
    pub shelved_for_s: Option<f64>,
    /// Who shelved it.
    pub shelved_by: Option<String>,
    /// And why.
    pub reason: Option<String>,
}

impl AlarmLine {
    /// Whether there is something to know of it.
    pub(super) fn is_news(&self) -> bool {
        self.state != "normal" || self.blind
    }

    /// What stands beside its state.
    fn remarks(&self) -> String {
        let mut remarks = Vec::new();
        if self.chattering {
            remarks.push(format!("chattering, raised {} times", self.raises));
        }
        if self.blind {
            remarks.push("its condition can't be known, it holds its state".to_owned());
        }
        if let (Some(seconds), Some(user), Some(reason)) = (self.shelved_for_s, &self.shelved_by, &self.reason) {
            remarks.push(format!("by {user} for {:.0} min more: {reason}", (seconds / 60.0).ceil()));
        }
        if !self.detail.is_empty() {
            remarks.push(self.detail.clone());
        }
        remarks.join("; ")
    }
}

/// Those of which there is something to know.
pub(super) fn alarm_table(alarms: &[AlarmLine], mut lines: Table) -> Table {
    for alarm in alarms.iter().filter(|alarm| alarm.is_news()) {
        lines.add_row([
            alarm.name.as_str(),
            &alarm.priority,
            &alarm.state,
            alarm.changed.as_deref().unwrap_or(""),
            &alarm.remarks(),
            &alarm.text,
        ]);
    }
    lines
}
