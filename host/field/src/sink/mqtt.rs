//! Objects to the topics of a broker. See [`topic`](crate::topic) for which, and the [`link`](crate::link) for
//! what becomes of them there.
//!
//! Values go out at QoS 0, since the next replaces them; everything else at QoS 1, held until the broker
//! acknowledges it. Values, health, states and alarms are retained.

use crate::link::{Delivery, MqttLink, OutgoingMessage};
use crate::message::{
    AlarmMessage, CommandMessage, Encoder, GateMessage, Judged, Kind, PluginContext, StateMessage, ValueMessage,
};
use crate::topic::Topics;
use dinrail_core::frame::Frame;
use dinrail_core::outcome::{Outcome, Results};
use std::collections::HashMap;
use std::sync::Arc;

/// A registered plugin instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextId(usize);

/// A broker that takes objects.
pub struct MqttSink {
    link: MqttLink,
    topics: Topics,
    encoder: Encoder,
    instances: Vec<Instance>,
    values: Named,
    commands: Named,
    gates: Named,
}

/// By name, then by asset (empty: none).
type Named = HashMap<String, HashMap<String, Arc<str>>>;

struct Instance {
    context: PluginContext,
    /// By kind, in the order of [`Kind::ALL`].
    topics: Vec<Arc<str>>,
}

impl MqttSink {
    /// Over a link that may serve others too.
    #[must_use]
    pub fn new(link: MqttLink, topics: Topics) -> MqttSink {
        MqttSink {
            link,
            topics,
            encoder: Encoder::new(),
            instances: Vec::new(),
            values: Named::new(),
            commands: Named::new(),
            gates: Named::new(),
        }
    }

    /// The link it goes over.
    #[must_use]
    pub fn link(&self) -> &MqttLink {
        &self.link
    }

    /// Makes an instance's topics, once.
    pub fn register(&mut self, context: PluginContext) -> ContextId {
        let topic = |kind: Kind| Arc::from(self.topics.result(context.plugin(), context.asset(), kind).as_str());
        let topics = Kind::ALL.into_iter().map(topic).collect();
        self.instances.push(Instance { context, topics });
        ContextId(self.instances.len() - 1)
    }

    /// One message a result. See [`Encoder::results`].
    pub fn results(&mut self, id: ContextId, frame: &Frame, results: &Results, judged: &[Judged<'_>]) {
        let instance = &self.instances[id.0];
        let link = &self.link;
        self.encoder.results(&instance.context, frame, results, judged, &mut |kind, object| {
            publish(link, kind, instance.topic(kind), object);
        });
    }

    /// Everything that came of a call. See [`Encoder::outcome`].
    pub fn outcome(&mut self, id: ContextId, frame: &Frame, outcome: &Outcome, judged: &[Judged<'_>]) {
        let instance = &self.instances[id.0];
        let link = &self.link;
        self.encoder.outcome(&instance.context, frame, outcome, judged, &mut |kind, object| {
            publish(link, kind, instance.topic(kind), object);
        });
    }

    /// A tag's value.
    pub fn value(&mut self, value: &ValueMessage<'_>) {
        let topic = named(&mut self.values, value.tag, value.asset, |tag, asset| self.topics.value(tag, asset));
        publish(&self.link, Kind::Value, topic, self.encoder.value(value));
    }

    /// What was written to an output.
    pub fn command(&mut self, command: &CommandMessage<'_>) {
        let topic = named(&mut self.commands, command.output, command.asset, |output, asset| {
            self.topics.command(output, asset)
        });
        publish(&self.link, Kind::Command, topic, self.encoder.command(command));
    }

    /// What a gate did with an item.
    pub fn gate(&mut self, gate: &GateMessage<'_>) {
        let topic = named(&mut self.gates, gate.output, None, |output, _| self.topics.gate(output));
        publish(&self.link, Kind::Gate, topic, self.encoder.gate(gate));
    }

    /// What became of an alarm.
    pub fn alarm(&mut self, alarm: &AlarmMessage<'_>) {
        // Rare: made anew each time.
        let topic = Arc::from(self.topics.alarm(alarm.alarm).as_str());
        publish(&self.link, Kind::Alarm, &topic, self.encoder.alarm(alarm));
    }

    /// A plugin instance's state.
    pub fn state(&mut self, state: &StateMessage<'_>) {
        // Rare: made anew each time.
        let topic = Arc::from(self.topics.result(state.plugin, state.asset, Kind::State).as_str());
        publish(&self.link, Kind::State, &topic, self.encoder.state(state));
    }
}

impl Instance {
    fn topic(&self, kind: Kind) -> &Arc<str> {
        &self.topics[kind as usize]
    }
}

fn named<'a>(
    topics: &'a mut Named,
    name: &str,
    asset: Option<&str>,
    make: impl Fn(&str, Option<&str>) -> String,
) -> &'a Arc<str> {
    // Names are looked up by reference first: a value a scan must not cost two strings.
    if !topics.contains_key(name) {
        topics.insert(name.to_owned(), HashMap::new());
    }
    let by_asset = topics.get_mut(name).expect("it was put there above");
    let key = asset.unwrap_or("");
    if !by_asset.contains_key(key) {
        by_asset.insert(key.to_owned(), Arc::from(make(name, asset).as_str()));
    }
    &by_asset[key]
}

fn publish(link: &MqttLink, kind: Kind, topic: &Arc<str>, object: &[u8]) {
    let delivery = if kind == Kind::Value { Delivery::AtMostOnce } else { Delivery::AtLeastOnce };
    let message = OutgoingMessage {
        topic: Arc::clone(topic),
        payload: object.to_vec(),
        retain: kind.is_status(),
        delivery,
        expiry_s: None,
    };
    // A refusal is counted by the link; there is nobody here who could do better.
    if let Err(refused) = link.publish(message) {
        tracing::debug!(%topic, %refused, "a message is not taken");
    }
}
