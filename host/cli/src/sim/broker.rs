//! A simulated plant on a broker: its signals as messages, and messages that set its actuators.

use dinrail_core::reading::{RawValue, Reading};
use dinrail_core::tag::{Tag, TagId, TagTable};
use dinrail_core::time::TimeNs;
use dinrail_core::unit::Unit;
use dinrail_field::link::{AddressError, Delivery, LinkError, LinkOptions, MqttLink, OutgoingMessage};
use dinrail_field::message::rfc3339;
use dinrail_field::source::mqtt::{Field, Subscription};
use dinrail_sim::{Actuator, Signal, Value};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How long messages that wait may take at the end.
const DRAIN: Duration = Duration::from_secs(5);

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub(super) enum BrokerError {
    #[error("`--mqtt`: {0}")]
    Address(#[from] AddressError),
    #[error("the broker's link can't be started: {0}")]
    Link(#[from] LinkError),
}

/// The link of a plant, `PREFIX/SIGNAL` and `PREFIX/ACTUATOR/set`.
pub(super) struct PlantOnBroker {
    link: MqttLink,
    /// By signal.
    topics: Vec<Arc<str>>,
    units: Vec<&'static str>,
    /// What a set message is read into: the actuator of each tag.
    actuators: Vec<(TagId, usize)>,
    inbox: Vec<Reading>,
}

impl PlantOnBroker {
    pub(super) fn start(
        url: &str,
        prefix: &str,
        plant: &str,
        signals: &[Signal],
        actuators: &[Actuator],
    ) -> Result<PlantOnBroker, BrokerError> {
        let client = format!("dinrail-sim-{plant}-{}", std::process::id());
        let mut options = LinkOptions::new(url.parse()?, client, Arc::new(crate::run::wall_clock_ns));
        options.status_topic = Some(format!("{prefix}/status"));
        let (subscriptions, tags) = subscriptions(prefix, actuators);
        options.subscriptions = subscriptions;
        let link = MqttLink::start(options)?;
        let topics = signals.iter().map(|signal| Arc::from(format!("{prefix}/{}", signal.name))).collect();
        let units = signals.iter().map(|signal| signal.unit).collect();
        Ok(PlantOnBroker { link, topics, units, actuators: tags, inbox: Vec::new() })
    }

    /// Actuators that were set since this was asked last, with their values.
    pub(super) fn commands(&mut self) -> Vec<(usize, f64)> {
        self.link.drain_inbox(&mut self.inbox);
        let mut commands = Vec::new();
        for (tag, raw) in self.inbox.drain(..).flat_map(|reading| reading.values) {
            let actuator = self.actuators.iter().find(|(known, _)| *known == tag);
            if let (Some((_, actuator)), RawValue::Number(value)) = (actuator, raw) {
                commands.push((*actuator, value));
            }
        }
        commands
    }

    /// One message a reading; a plant's time is the wall clock's here.
    pub(super) fn publish(&self, time_ns: TimeNs, readings: &[dinrail_sim::Reading]) {
        let time = rfc3339(time_ns);
        let time = String::from_utf8_lossy(&time);
        for reading in readings {
            let unit = self.units[reading.signal];
            let payload = match &reading.value {
                Value::Number(value) => json!({ "time": time, "value": value, "unit": unit }),
                Value::Block { rate_hz, samples, .. } => {
                    json!({ "time": time, "rate_hz": rate_hz, "samples": samples, "unit": unit })
                }
            };
            let message = OutgoingMessage {
                topic: Arc::clone(&self.topics[reading.signal]),
                payload: payload.to_string().into_bytes(),
                retain: false,
                delivery: Delivery::AtMostOnce,
                expiry_s: None,
            };
            // What is not taken is counted by the link.
            let _ = self.link.publish(message);
        }
    }

    /// Whether the broker is there and listens, within so long.
    pub(super) fn wait_connected(&self, timeout: Duration) -> bool {
        self.link.wait_connected(timeout)
    }

    /// Ends the link; how many messages went out, and how many did not.
    pub(super) fn stop(&self) -> (u64, u64) {
        let counts = self.link.stop(DRAIN);
        let published = counts.published();
        let accepted = counts.outbox.accepted + counts.not_taken;
        (published, accepted.saturating_sub(published))
    }
}

/// A set message is a number, or an object with `value`, as a controller's command is.
fn subscriptions(prefix: &str, actuators: &[Actuator]) -> (Vec<Subscription>, Vec<(TagId, usize)>) {
    let (mut table, mut tags, mut subscriptions) = (TagTable::default(), Vec::new(), Vec::new());
    let mut tag = |name: String| {
        let unit = Unit::parse("").expect("nothing is the unit of a plain number");
        table.add(Tag::new(name, unit)).expect("a plant's actuators have names of their own")
    };
    for (index, actuator) in actuators.iter().enumerate() {
        let (plain, object) = (tag(actuator.name.to_owned()), tag(format!("{}/value", actuator.name)));
        tags.extend([(plain, index), (object, index)]);
        let pointer = Some("/value".parse().expect("it is a pointer"));
        subscriptions.push(Subscription {
            topic: format!("{prefix}/{}/set", actuator.name),
            asset: None,
            fields: vec![
                Field { tag: plain, pointer: None, waveform: false },
                Field { tag: object, pointer, waveform: false },
            ],
            time: None,
        });
    }
    (subscriptions, tags)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use dinrail_core::reading::SourceId;
    use dinrail_field::source::mqtt::DecodeCounts;

    #[test]
    fn a_number_and_a_controllers_command_set_an_actuator() {
        let plant = dinrail_sim::plant("reactor", 1, dinrail_sim::Script::none()).unwrap();
        let (subscriptions, tags) = subscriptions("sim/reactor", plant.actuators());
        let topics: Vec<&str> = subscriptions.iter().map(|subscription| subscription.topic.as_str()).collect();
        assert!(topics.contains(&"sim/reactor/reactor.temp_sp/set"), "{topics:?}");
        let set = |payload: &str| {
            let reading = subscriptions[1].decode(SourceId(0), payload.as_bytes(), 0, &mut DecodeCounts::default());
            let numbers = reading.values.into_iter().filter_map(|(tag, raw)| match raw {
                RawValue::Number(value) => Some((tags.iter().find(|(known, _)| *known == tag).unwrap().1, value)),
                _ => None,
            });
            numbers.collect::<Vec<_>>()
        };
        assert_eq!(set("85.5"), [(1, 85.5)]);
        assert_eq!(set(r#"{"kind":"command","output":"x","value":86.0,"unit":"Cel"}"#), [(1, 86.0)]);
        assert_eq!(set("warm"), []);
        assert_eq!(set("{}"), []);
    }
}
