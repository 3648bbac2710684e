//! Why an incident is written.

use crate::alarm::Priority;
use std::fmt::{self, Display};

/// What happened. Whoever sees one of these hands it to the recorder; whether an incident is written of it, the
/// configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncidentCause {
    /// A plugin's instance was lost: it trapped, was stopped, or went past a limit.
    Trap {
        /// The plugin, with the asset's key where there is one.
        plugin: String,
        /// How.
        fault: String,
    },
    /// An operator asked for it.
    Operator {
        /// Who, as they say.
        user: String,
        /// Why, in their words.
        reason: String,
    },
    /// An alarm was raised.
    Alarm {
        /// Its name.
        alarm: String,
        /// How urgent.
        urgency: Priority,
    },
    /// A plugin's former version was taken back into service.
    Revert {
        /// The plugin.
        plugin: String,
        /// Why.
        reason: String,
    },
}

impl IncidentCause {
    /// One word, for files and JSON.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            IncidentCause::Trap { .. } => "trap",
            IncidentCause::Operator { .. } => "operator",
            IncidentCause::Alarm { .. } => "alarm",
            IncidentCause::Revert { .. } => "revert",
        }
    }

    /// What it is about; two causes of one kind about the same within a minute are one incident.
    #[must_use]
    pub fn subject(&self) -> &str {
        match self {
            IncidentCause::Trap { plugin, .. } | IncidentCause::Revert { plugin, .. } => plugin,
            IncidentCause::Operator { user, .. } => user,
            IncidentCause::Alarm { alarm, .. } => alarm,
        }
    }
}

impl Display for IncidentCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IncidentCause::Trap { plugin, fault } => write!(f, "{plugin}: {fault}"),
            IncidentCause::Operator { user, reason } => write!(f, "{user}: {reason}"),
            IncidentCause::Alarm { alarm, urgency } => write!(f, "{alarm} ({})", urgency.name()),
            IncidentCause::Revert { plugin, reason } => write!(f, "{plugin} went back: {reason}"),
        }
    }
}

/// What an incident is written of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A lost instance.
    Trap,
    /// An operator's word.
    Operator,
    /// An alarm that is at least so urgent.
    Alarm(Priority),
    /// A former version that was taken back.
    Revert,
}

impl Trigger {
    /// Those where nothing is said.
    pub const DEFAULT: [Trigger; 4] =
        [Trigger::Trap, Trigger::Operator, Trigger::Alarm(Priority::High), Trigger::Revert];

    /// As the configuration writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Trigger> {
        match text {
            "trap" => Some(Trigger::Trap),
            "operator" => Some(Trigger::Operator),
            "revert" => Some(Trigger::Revert),
            _ => {
                let urgency = text.strip_prefix("alarm:")?;
                Priority::ALL
                    .into_iter()
                    .map(|(_, priority)| priority)
                    .find(|known| known.name() == urgency)
                    .map(Trigger::Alarm)
            }
        }
    }

    /// Whether an incident is written of this.
    #[must_use]
    pub fn fires(self, cause: &IncidentCause) -> bool {
        match (self, cause) {
            (Trigger::Trap, IncidentCause::Trap { .. })
            | (Trigger::Operator, IncidentCause::Operator { .. })
            | (Trigger::Revert, IncidentCause::Revert { .. }) => true,
            (Trigger::Alarm(least), IncidentCause::Alarm { urgency, .. }) => least <= *urgency,
            (Trigger::Trap | Trigger::Operator | Trigger::Alarm(_) | Trigger::Revert, _) => false,
        }
    }
}
