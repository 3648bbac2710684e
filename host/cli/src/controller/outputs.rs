//! Where commands go.

use super::plant::SharedPlant;
use dinrail_core::guard::{Command, OutputKind, OutputSpec};
use dinrail_core::time::{DurationNs, SECOND_NS, TimeNs};
use dinrail_core::unit::Conversion;
use dinrail_field::link::{Delivery, MqttLink, OutgoingMessage};
use dinrail_field::message::{CommandMessage, Encoder};
use std::collections::VecDeque;
use std::sync::Arc;

/// One output's way to its device.
pub struct OutputDriver {
    /// Its name in the configuration.
    pub name: String,
    /// Its unit.
    pub unit: String,
    device: Device,
}

enum Device {
    /// An actuator of a simulated plant.
    Plant { plant: SharedPlant, actuator: usize, conversion: Conversion },
    /// A topic on which the device listens.
    Topic {
        link: MqttLink,
        topic: Arc<str>,
        encoder: Encoder,
        /// For how long a command is meant.
        lease_ns: DurationNs,
        /// Commands are orders: every one counts, and none stands in for another.
        orders: bool,
        /// What the link could not take, each with its time; of setpoints the newest alone.
        unsent: VecDeque<(TimeNs, Vec<u8>)>,
    },
}

impl OutputDriver {
    /// To a plant's actuator; `conversion` is from the output's unit to the actuator's.
    #[must_use]
    pub fn plant(
        name: String,
        unit: String,
        plant: SharedPlant,
        actuator: usize,
        conversion: Conversion,
    ) -> OutputDriver {
        OutputDriver { name, unit, device: Device::Plant { plant, actuator, conversion } }
    }

    /// To a topic, as a JSON object with value and unit. A broker that could not hand a command on for longer than
    /// the output's lease drops it: by then something else is in force, or the order is no longer meant.
    #[must_use]
    pub fn topic(name: String, unit: String, link: MqttLink, topic: &str, spec: &OutputSpec) -> OutputDriver {
        let device = Device::Topic {
            link,
            topic: topic.into(),
            encoder: Encoder::new(),
            lease_ns: spec.lease_ns,
            orders: spec.kind == OutputKind::Order,
            unsent: VecDeque::new(),
        };
        OutputDriver { name, unit, device }
    }

    /// Carries a command out.
    pub fn write(&mut self, command: &Command) {
        match &mut self.device {
            Device::Plant { plant, actuator, conversion } => {
                plant.write(*actuator, conversion.apply(command.value()));
            }
            Device::Topic { encoder, orders, unsent, .. } => {
                let payload = encoder.command(&CommandMessage {
                    scan: command.scan(),
                    time_ns: command.time_ns(),
                    output: &self.name,
                    plugin: None,
                    asset: None,
                    value: command.value(),
                    unit: &self.unit,
                    cause: command.cause().name(),
                });
                let payload = payload.to_vec();
                keep(&self.name, unsent, *orders, (command.time_ns(), payload));
                self.catch_up(command.time_ns());
            }
        }
    }

    /// Sends what could not be sent before; once a scan.
    pub fn catch_up(&mut self, now_ns: TimeNs) {
        let Device::Topic { link, topic, lease_ns, orders, unsent, .. } = &mut self.device else { return };
        if *orders {
            drop_late(&self.name, unsent, *lease_ns, now_ns);
        }
        if link.connected() {
            let expiry_s = u32::try_from(lease_ns.div_ceil(SECOND_NS)).unwrap_or(u32::MAX);
            unsent.drain(..).for_each(|(_, payload)| send(&self.name, link, topic, expiry_s, payload));
        }
    }
}

/// Orders that wait for a link that is down. A plant that orders more often than this in a day has its link mended first.
const MAX_UNSENT_ORDERS: usize = 256;

/// Setpoints do not queue up behind a link that is down: a device that comes back gets where its setpoint is, not where it
/// was. Orders do.
fn keep(output: &str, unsent: &mut VecDeque<(TimeNs, Vec<u8>)>, orders: bool, command: (TimeNs, Vec<u8>)) {
    if !orders {
        unsent.clear();
    } else if unsent.len() == MAX_UNSENT_ORDERS {
        tracing::error!(output, "an order is lost: too many wait for a link that is down");
        return;
    }
    unsent.push_back(command);
}

/// An order that could not be sent while it was meant is not sent later.
fn drop_late(output: &str, unsent: &mut VecDeque<(TimeNs, Vec<u8>)>, lease_ns: DurationNs, now_ns: TimeNs) {
    unsent.retain(|(time_ns, _)| {
        let in_time = now_ns.abs_diff(*time_ns) <= lease_ns;
        if !in_time {
            tracing::error!(output, "an order is lost: the link was down for as long as it was meant");
        }
        in_time
    });
}

fn send(output: &str, link: &MqttLink, topic: &Arc<str>, expiry_s: u32, payload: Vec<u8>) {
    let message = OutgoingMessage {
        topic: Arc::clone(topic),
        payload,
        // A kept setpoint would act long after it was meant, on a device that comes back.
        retain: false,
        delivery: Delivery::AtLeastOnce,
        expiry_s: Some(expiry_s),
    };
    if let Err(refused) = link.publish(message) {
        tracing::error!(output, %refused, "a command could not be handed to the link");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_queue_up_in_time_and_setpoints_do_not() {
        let mut unsent = VecDeque::new();
        for at in 0..3 {
            keep("sp", &mut unsent, false, (at, vec![at as u8]));
        }
        assert_eq!(unsent, [(2, vec![2])]);
        unsent.clear();
        for at in 0..300 {
            keep("bolts", &mut unsent, true, (at, vec![at as u8]));
        }
        assert_eq!((unsent.len(), unsent.back().map(|(at, _)| *at)), (MAX_UNSENT_ORDERS, Some(255)));
        drop_late("bolts", &mut unsent, 100, 300);
        assert_eq!(unsent.front().map(|(at, _)| *at), Some(200), "the last moment counts");
    }
}
