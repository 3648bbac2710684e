//! Where commands go.

use super::plant::SharedPlant;
use dinrail_core::guard::Command;
use dinrail_core::time::SECOND_NS;
use dinrail_core::unit::Conversion;
use dinrail_field::link::{Delivery, MqttLink, OutgoingMessage};
use dinrail_field::message::{CommandMessage, Encoder};
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
        /// Seconds for which a command is meant.
        expiry_s: u32,
        /// The newest command, where the link was down: those before it are past.
        unsent: Option<Vec<u8>>,
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
    /// the output's lease drops it: by then something else is in force.
    #[must_use]
    pub fn topic(name: String, unit: String, link: MqttLink, topic: &str, lease_ns: u64) -> OutputDriver {
        let expiry_s = u32::try_from(lease_ns.div_ceil(SECOND_NS)).unwrap_or(u32::MAX);
        let device = Device::Topic { link, topic: topic.into(), encoder: Encoder::new(), expiry_s, unsent: None };
        OutputDriver { name, unit, device }
    }

    /// Carries a command out.
    pub fn write(&mut self, command: &Command) {
        match &mut self.device {
            Device::Plant { plant, actuator, conversion } => {
                plant.write(*actuator, conversion.apply(command.value()));
            }
            Device::Topic { link, topic, encoder, expiry_s, unsent } => {
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
                *unsent = Some(payload.to_vec());
                send_newest(&self.name, link, topic, *expiry_s, unsent);
            }
        }
    }

    /// Sends the newest command where it could not be sent before; once a scan.
    pub fn catch_up(&mut self) {
        if let Device::Topic { link, topic, expiry_s, unsent, .. } = &mut self.device {
            send_newest(&self.name, link, topic, *expiry_s, unsent);
        }
    }
}

/// Commands do not queue up behind a link that is down: a device that comes back gets where its setpoint is,
/// not where it was.
fn send_newest(output: &str, link: &MqttLink, topic: &Arc<str>, expiry_s: u32, unsent: &mut Option<Vec<u8>>) {
    if !link.connected() {
        return;
    }
    let Some(payload) = unsent.take() else { return };
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
