//! Links, outputs and sinks, from their part of the configuration.

use super::BuildError;
use crate::config::{self, Config};
use crate::controller::outputs::OutputDriver;
use crate::controller::plant::SharedPlant;
use dinrail_core::reading::SourceId;
use dinrail_core::tag::{TagId, TagKind};
use dinrail_field::link::{Clock, LinkOptions, MqttLink};
use dinrail_field::sink::jsonl::JsonlSink;
use dinrail_field::sink::mqtt::MqttSink;
use dinrail_field::source::mqtt::{Field, PayloadTime, Subscription};
use dinrail_field::topic::Topics;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Links {
    pub(super) started: Vec<(SourceId, MqttLink)>,
}

impl Links {
    pub(super) fn start(config: &Config, clock: &Clock) -> Result<Links, BuildError> {
        let mut started = Vec::new();
        for (index, source) in config.sources.iter().enumerate() {
            let config::SourceKind::Mqtt(mqtt) = &source.kind else { continue };
            let id = SourceId(u32::try_from(index).expect("a configuration has fewer than 2^32 sources"));
            let failed = |error| BuildError::Link { source_name: source.name.clone(), error };
            let options = link_options(config, id, mqtt, clock);
            started.push((id, MqttLink::start(options).map_err(failed)?));
        }
        Ok(Links { started })
    }

    pub(super) fn get(&self, id: SourceId) -> &MqttLink {
        let found = self.started.iter().find(|(source, _)| *source == id);
        &found.expect("the configuration binds outputs and sinks to links only").1
    }
}

fn link_options(config: &Config, id: SourceId, mqtt: &config::MqttSource, clock: &Clock) -> LinkOptions {
    let address = mqtt.url.parse().expect("the configuration checked it");
    let mut options = LinkOptions::new(address, mqtt.client_id.clone(), Arc::clone(clock));
    options.source = id;
    options.subscriptions = subscriptions(config, id);
    options.documents = documents(config, id);
    if let Some(login) = &mqtt.login {
        options.credentials =
            Some(dinrail_field::link::Credentials { user: login.user.clone(), password: login.password.clone() });
    }
    if let Some(keep_alive_ns) = mqtt.keep_alive_ns {
        options.keep_alive = Duration::from_nanos(keep_alive_ns);
    }
    if let Some(expiry_ns) = mqtt.session_expiry_ns {
        options.session_expiry_s = u32::try_from(expiry_ns / 1_000_000_000).unwrap_or(u32::MAX);
    }
    if let Some(limit) = mqtt.inbox_limit {
        options.inbox_limit = limit;
    }
    if let Some(limit) = mqtt.outbox_limit {
        options.outbox_limit = limit;
    }
    options.status_topic = status_topic(config, id);
    options
}

/// Of the first sink that goes through this link.
fn status_topic(config: &Config, id: SourceId) -> Option<String> {
    config.sinks.iter().find_map(|sink| match &sink.kind {
        config::SinkKind::Mqtt { source, topic } if *source == id => {
            Topics::parse(topic, &config.site.name).ok().map(|topics| topics.status())
        }
        config::SinkKind::Mqtt { .. } | config::SinkKind::Jsonl { .. } => None,
    })
}

/// One subscription a topic, with the fields of all of its tags.
fn subscriptions(config: &Config, id: SourceId) -> Vec<Subscription> {
    let mut subscriptions: Vec<Subscription> = Vec::new();
    for ((tag, known), origin) in config.tags.iter().zip(&config.tag_origins) {
        let config::TagAddress::Topic { topic, pointer, time } = &origin.address else { continue };
        if origin.source != Some(id) {
            continue;
        }
        let checked = "the configuration checked it";
        let pointer = pointer.as_ref().map(|text| text.parse().expect(checked));
        let field = Field { tag, pointer, waveform: known.kind == TagKind::Waveform };
        let time = time.as_ref().map(|time| PayloadTime {
            pointer: time.pointer.parse().expect(checked),
            format: time.format.parse().expect(checked),
        });
        match subscriptions.iter_mut().find(|known| known.topic == *topic) {
            Some(known) => known.fields.push(field),
            None => subscriptions.push(Subscription { topic: topic.clone(), asset: None, fields: vec![field], time }),
        }
    }
    subscriptions
}

/// Whether a plant replays recorded series.
pub(super) fn is_replay(config: &Config, id: SourceId) -> bool {
    match &config.sources[id.0 as usize].kind {
        config::SourceKind::Sim(sim) => sim.options.recorded.is_some(),
        config::SourceKind::Csv(_)
        | config::SourceKind::Mqtt(_)
        | config::SourceKind::Images(_)
        | config::SourceKind::Calendar => false,
    }
}

/// Topics on which versions of contexts are published.
fn documents(config: &Config, id: SourceId) -> Vec<String> {
    let topics = config.contexts.iter().filter_map(|context| match &context.kind {
        config::ContextKind::Topic { source, topic } if *source == id => Some(topic.clone()),
        config::ContextKind::Topic { .. }
        | config::ContextKind::Table { .. }
        | config::ContextKind::Schedule { .. }
        | config::ContextKind::Calendar { .. } => None,
    });
    let mut topics: Vec<String> = topics.collect();
    topics.sort_unstable();
    topics.dedup();
    topics
}

pub(super) fn output_drivers(
    config: &Config,
    plants: &[(SourceId, SharedPlant, Vec<Option<TagId>>)],
    links: &Links,
) -> Vec<OutputDriver> {
    let driver = |output: &config::Output| {
        let (name, unit) = (output.spec.name.clone(), output.spec.unit.code().to_owned());
        match &output.address {
            config::OutputAddress::Actuator { index, conversion } => {
                let plant = plants.iter().find(|(id, ..)| *id == output.source);
                let plant = plant.expect("the configuration binds actuators to plants only").1.clone();
                OutputDriver::plant(name, unit, plant, *index, *conversion)
            }
            config::OutputAddress::Topic(topic) => {
                OutputDriver::topic(name, unit, links.get(output.source).clone(), topic, &output.spec)
            }
        }
    };
    config.outputs.iter().map(driver).collect()
}

pub(super) fn sinks(config: &Config, links: &Links) -> Result<(Vec<JsonlSink>, Vec<MqttSink>), BuildError> {
    let (mut jsonl, mut mqtt) = (Vec::new(), Vec::new());
    for sink in &config.sinks {
        match &sink.kind {
            config::SinkKind::Jsonl { target: config::JsonlTarget::Stdout, .. } => {
                jsonl.push(JsonlSink::to_writer(std::io::stdout()));
            }
            config::SinkKind::Jsonl { target: config::JsonlTarget::File(path), append } => {
                jsonl.push(open_jsonl(&sink.name, path, *append)?);
            }
            config::SinkKind::Mqtt { source, topic } => {
                let topics = Topics::parse(topic, &config.site.name).expect("the configuration checked it");
                mqtt.push(MqttSink::new(links.get(*source).clone(), topics));
            }
        }
    }
    Ok((jsonl, mqtt))
}

fn open_jsonl(name: &str, path: &Path, append: bool) -> Result<JsonlSink, BuildError> {
    JsonlSink::open(path, append).map_err(|error| BuildError::Sink { sink: name.to_owned(), error })
}
