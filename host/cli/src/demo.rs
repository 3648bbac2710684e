//! The demonstration: the configured plant and plugins with an MQTT broker of their own, and a look
//! at the end at whether everything was shown that should be.

use crate::config::{self, Config, Places, SourceKind};
use crate::run::{self, Ending, Finished, RunOptions};
use crate::statistics::Summary;
use dinrail_field::broker::EmbeddedBroker;
use dinrail_field::link::BrokerAddress;
use std::path::Path;

/// Runs the demonstration and says whether it showed what it should.
#[must_use]
pub fn demo(path: &Path, places: &Places, options: &RunOptions, seed: Option<u64>) -> Ending {
    let mut config = match config::load(path, places) {
        Ok(config) => config,
        Err(errors) => return run::refuse(&errors),
    };
    if let Some(seed) = seed {
        reseed(&mut config, seed);
    }
    let broker = match embed_broker(&mut config) {
        Ok(broker) => broker,
        Err(error) => {
            tell!("dinrail: the demonstration's broker can't be started: {error}");
            return Ending::Failed;
        }
    };
    let outcome = run::run(config, options);
    if let Some(broker) = broker {
        broker.stop();
    }
    let finished = match outcome {
        Ok(finished) => finished,
        Err(error) => return run::fail(&error),
    };
    run::print(&finished.summary, options.json);
    let missing = shortcomings(&finished);
    for shortcoming in &missing {
        tell!("demo: {shortcoming}");
    }
    if missing.is_empty() { Ending::Well } else { Ending::Failed }
}

fn reseed(config: &mut Config, seed: u64) {
    for source in &mut config.sources {
        if let SourceKind::Sim(sim) = &mut source.kind {
            sim.options.seed = seed;
        }
    }
}

/// Starts a broker where the configuration's first link wants one; where its port is taken, the
/// link is pointed at another.
fn embed_broker(config: &mut Config) -> Result<Option<EmbeddedBroker>, dinrail_field::broker::BrokerError> {
    let link = config.sources.iter_mut().find_map(|source| match &mut source.kind {
        SourceKind::Mqtt(mqtt) => Some(mqtt),
        SourceKind::Sim(_) | SourceKind::Csv(_) | SourceKind::Images(_) | SourceKind::Calendar => None,
    });
    let Some(link) = link else { return Ok(None) };
    let wanted = link.url.parse::<BrokerAddress>().map_or(0, |address| address.port);
    let broker = EmbeddedBroker::start(wanted).or_else(|_| EmbeddedBroker::start(0))?;
    link.url = format!("mqtt://127.0.0.1:{}", broker.port());
    tell!(
        "broker: mqtt://127.0.0.1:{}  (look on: mosquitto_sub -p {} -t 'dinrail/#' -v)",
        broker.port(),
        broker.port()
    );
    Ok(Some(broker))
}

/// What the demonstration should have shown and did not.
fn shortcomings(finished: &Finished) -> Vec<String> {
    let Finished { summary, profit_rose, .. } = finished;
    let mut missing = Vec::new();
    for plugin in summary.plugins.iter().filter(|plugin| plugin.counts.faults > 0) {
        let fault = plugin.counts.last_fault.as_deref().unwrap_or("unknown");
        missing.push(format!("{} faulted {} times, the latest: {fault}", plugin.counts.name, plugin.counts.faults));
    }
    for detection in unseen(summary) {
        missing.push(format!("the fault {detection} was not seen in time"));
    }
    if *profit_rose == Some(false) {
        missing.push("the reactor's profit did not rise".to_owned());
    }
    missing
}

fn unseen(summary: &Summary) -> impl Iterator<Item = &str> {
    let detections = summary.detections.iter().flatten();
    detections.filter(|detection| detection.delay_s.is_none()).map(|detection| detection.fault.as_str())
}
