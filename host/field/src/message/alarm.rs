//! What became of an alarm, on the wire.

use super::Kind;
use super::stamp::Stamp;
use dinrail_core::alarm::AlarmTransition;
use serde::Serialize;

/// A transition of an alarm, to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct AlarmMessage<'a> {
    /// The scan whose record it stands in.
    pub scan: u64,
    /// The alarm's name.
    pub alarm: &'a str,
    /// What the operator should do.
    pub text: &'a str,
    /// What the condition's tags said; empty where that is no matter.
    pub detail: &'a str,
    /// What happened.
    pub transition: &'a AlarmTransition,
}

#[derive(Serialize)]
pub(super) struct AlarmObject<'a> {
    kind: &'static str,
    scan: u64,
    time: Stamp,
    alarm: &'a str,
    priority: &'static str,
    event: &'static str,
    before: &'static str,
    state: &'static str,
    chattering: bool,
    raises: u64,
    text: &'a str,
    detail: &'a str,
    user: Option<&'a str>,
    reason: Option<&'a str>,
    until: Option<Stamp>,
}

impl<'a> AlarmObject<'a> {
    pub(super) fn new(message: &AlarmMessage<'a>) -> AlarmObject<'a> {
        let transition = message.transition;
        let word = transition.word.as_ref();
        AlarmObject {
            kind: Kind::Alarm.name(),
            scan: message.scan,
            time: Stamp(transition.time_ns),
            alarm: message.alarm,
            priority: transition.priority.name(),
            event: transition.event.name(),
            before: transition.before.name(),
            state: transition.state.name(),
            chattering: transition.chattering,
            raises: transition.raises,
            text: message.text,
            detail: message.detail,
            user: word.map(|word| word.user.as_str()),
            reason: word.map(|word| word.reason.as_str()),
            until: word.and_then(|word| word.until_ns).map(Stamp),
        }
    }
}
