//! A line for each transition of an alarm.

use super::Notices;
use crate::view::{EventKind, View};
use dinrail_core::alarm::{AlarmEvent, AlarmSpec, AlarmTransition};

impl Notices {
    /// What became of an alarm; `detail` is what the tags of its condition said.
    pub(in crate::controller::recorder) fn alarm(
        &self,
        view: &mut View,
        spec: &AlarmSpec,
        transition: &AlarmTransition,
        detail: &str,
    ) {
        self.tell(view, transition.time_ns, EventKind::Alarm, line(spec, transition, detail));
    }
}

fn line(spec: &AlarmSpec, transition: &AlarmTransition, detail: &str) -> String {
    let name = &spec.name;
    let seen = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    let user = transition.word.as_ref().map_or("", |word| word.user.as_str());
    let reason = transition.word.as_ref().map_or("", |word| word.reason.as_str());
    match transition.event {
        AlarmEvent::Raised => {
            let often = match transition.chattering {
                true => format!(", chattering, for the {}. time", transition.raises),
                false => String::new(),
            };
            format!("{name}: {} raised{often}{seen}; {}", transition.priority.name(), spec.text)
        }
        AlarmEvent::Returned => format!("{name}: returned to normal, {}{seen}", transition.state.name()),
        AlarmEvent::Acknowledged => format!("{name}: acknowledged by {user}, {}", transition.state.name()),
        AlarmEvent::Shelved => format!("{name}: shelved by {user}: {reason}"),
        AlarmEvent::Unshelved => format!("{name}: taken back by {user}, {}", transition.state.name()),
        AlarmEvent::ShelvingEnded => format!("{name}: no longer shelved, {}", transition.state.name()),
        AlarmEvent::Blind => {
            format!("{name}: its condition can't be known{seen}; it holds {}", transition.state.name())
        }
        AlarmEvent::Sighted => format!("{name}: its condition is known again"),
    }
}
