//! A link against a real broker over real sockets: the embedded one, and mosquitto where it is installed.
#![cfg(feature = "broker")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod peers;

use dinrail_core::frame::Frame;
use dinrail_core::outcome::{Anomaly, Outcome, Results, Severity};
use dinrail_core::reading::{RawValue, Reading, SourceId};
use dinrail_core::tag::{Quality, Tag, TagId, TagTable};
use dinrail_core::unit::Unit;
use dinrail_field::broker::EmbeddedBroker;
use dinrail_field::link::{BrokerAddress, Delivery, LinkOptions, MqttLink, OutgoingMessage, Refused};
use dinrail_field::message::{Named, PluginContext, ValueMessage};
use dinrail_field::sink::mqtt::MqttSink;
use dinrail_field::source::mqtt::{Field, PayloadTime, Subscription};
use dinrail_field::topic::Topics;
use peers::{Consumer, Mosquitto, Proxy, until};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);
const NOW: i64 = 1_583_748_873_000_000_000;

fn options(broker: BrokerAddress, client_id: &str) -> LinkOptions {
    LinkOptions::new(broker, client_id, Arc::new(|| NOW))
}

fn message(topic: &str, payload: &str, delivery: Delivery) -> OutgoingMessage {
    OutgoingMessage { topic: topic.into(), payload: payload.into(), retain: false, delivery, expiry_s: None }
}

fn tags() -> [TagId; 3] {
    let mut table = TagTable::default();
    ["a", "b", "c"].map(|name| table.add(Tag::new(name, Unit::parse("").unwrap())).unwrap())
}

fn subscription(topic: &str, tag: TagId, pointer: Option<&str>) -> Subscription {
    let fields = vec![Field { tag, pointer: pointer.map(|pointer| pointer.parse().unwrap()), waveform: false }];
    Subscription { topic: topic.into(), asset: None, fields, time: None }
}

#[test]
fn topics_become_readings() {
    let broker = EmbeddedBroker::start(0).unwrap();
    let [a, b, c] = tags();
    let mut timed = subscription("plant/c", c, Some("/v"));
    timed.time = Some(PayloadTime { pointer: "/t".parse().unwrap(), format: "unix".parse().unwrap() });
    let mut settings = options(broker.address(), "source");
    settings.source = SourceId(4);
    settings.subscriptions = vec![subscription("plant/a", a, None), subscription("plant/a", b, None), timed];
    let link = MqttLink::start(settings).unwrap();
    assert!(link.wait_connected(LONG));

    let peer = MqttLink::start(options(broker.address(), "peer")).unwrap();
    let large = "1".repeat(100_000);
    for (topic, payload) in [
        ("plant/a", "23.5"),
        ("plant/c", r#"{"v": true, "t": 1583748870}"#),
        ("plant/other", "1"),
        ("plant/c", "{"),
        ("plant/a", large.as_str()),
        ("plant/a", "on"),
    ] {
        peer.publish(message(topic, payload, Delivery::AtLeastOnce)).unwrap();
    }
    let mut readings: Vec<Reading> = vec![];
    until("eight readings", || {
        link.drain_inbox(&mut readings);
        readings.len() == 8
    });
    let of = |tag: TagId| -> Vec<RawValue> {
        let values = readings.iter().flat_map(|reading| &reading.values);
        values.filter(|(other, _)| *other == tag).map(|(_, raw)| raw.clone()).collect()
    };
    let on = RawValue::Text("on".into());
    assert_eq!(of(a), [RawValue::Number(23.5), RawValue::Missing, on.clone()]);
    assert_eq!(of(b), [RawValue::Number(23.5), RawValue::Missing, on]);
    assert_eq!(of(c), [RawValue::Bool(true), RawValue::Missing]);
    assert!(readings.iter().all(|reading| reading.source == SourceId(4)));
    // Between topics a broker keeps no order.
    let earlier: Vec<i64> = readings.iter().map(|reading| reading.time_ns - NOW).filter(|time| *time != 0).collect();
    assert_eq!(earlier, [-3_000_000_000]);
    let counts = link.counts();
    assert_eq!((counts.received, counts.unexpected), (5, 0));
    assert_eq!((counts.decode.malformed, counts.decode.oversize, counts.decode.decoded), (1, 2, 5));
    peer.stop(LONG);
    link.stop(LONG);
    broker.stop();
}

#[test]
fn a_flood_drops_the_oldest() {
    let broker = EmbeddedBroker::start(0).unwrap();
    let mut settings = options(broker.address(), "source");
    settings.subscriptions = vec![subscription("plant/a", tags()[0], None)];
    settings.inbox_limit = 10;
    let link = MqttLink::start(settings).unwrap();
    assert!(link.wait_connected(LONG));
    let peer = MqttLink::start(options(broker.address(), "peer")).unwrap();
    for number in 0..500 {
        peer.publish(message("plant/a", &number.to_string(), Delivery::AtLeastOnce)).unwrap();
    }
    until("all arrived", || link.counts().received == 500);
    let mut readings = vec![];
    assert_eq!(link.drain_inbox(&mut readings), 10);
    assert_eq!(readings[9].values[0].1, RawValue::Number(499.0));
    assert_eq!(link.counts().inbox_dropped, 490);
}

#[test]
fn objects_go_to_their_topics() {
    let broker = EmbeddedBroker::start(0).unwrap();
    let consumer = Consumer::start(&broker.address(), "consumer", "dinrail/#");
    let topics = Topics::parse("dinrail/{site}/{plugin}/{kind}", "line-3").unwrap();
    let mut settings = options(broker.address(), "sink");
    settings.status_topic = Some(topics.status());
    let link = MqttLink::start(settings).unwrap();
    assert!(link.wait_connected(LONG));
    let mut sink = MqttSink::new(link.clone(), topics);
    let columns = vec![Named::new("t", "bar")];
    let id = sink.register(PluginContext::new("watch", None, columns, vec![], &[], ""));
    let frame = Frame { times_ns: vec![NOW], columns: 1, values: vec![1.0], quality: vec![0], ..Frame::default() };
    let anomaly = Anomaly {
        row: 0,
        quality: Quality::Good,
        score: 0.5,
        alarm: false,
        severity: Severity::Info,
        contributions: vec![],
    };
    sink.outcome(id, &frame, &Outcome::Answered(Results::Anomalies(vec![anomaly])), &[]);
    let unit = "bar";
    sink.value(&ValueMessage {
        scan: 0,
        time_ns: NOW,
        tag: "t",
        asset: None,
        value: 1.0,
        unit,
        quality: Quality::Good,
    });
    assert!(link.drain(LONG));
    let counts = link.stop(LONG);
    assert_eq!((counts.published(), counts.acked(), counts.waiting), (3, 3, 0));
    until("four messages", || consumer.seen().len() >= 4);
    let seen = consumer.seen();
    let topics: Vec<&str> = seen.iter().map(|message| message.topic.as_str()).collect();
    assert_eq!(
        topics,
        ["dinrail/line-3/status", "dinrail/line-3/watch/anomaly", "dinrail/line-3/value/t", "dinrail/line-3/status"]
    );
    assert_eq!((seen[0].payload.as_slice(), seen[3].payload.as_slice()), (&b"online"[..], &b"offline"[..]));
    let value: serde_json::Value = serde_json::from_slice(&seen[2].payload).unwrap();
    assert_eq!((&value["value"], &value["unit"]), (&1.0.into(), &"bar".into()));
    // After the end nothing is taken.
    let late = link.publish(message("t", "1", Delivery::AtLeastOnce));
    assert_eq!(late, Err(Refused::Stopping));
    assert_eq!(link.stop(LONG).not_taken, 1);
}

#[test]
fn what_cannot_be_published_is_refused() {
    let link = MqttLink::start(options(nobody(), "x")).unwrap();
    for topic in ["", "a/+", "#", "a\0"] {
        assert_eq!(link.publish(message(topic, "1", Delivery::AtMostOnce)), Err(Refused::Topic));
    }
    let large = "1".repeat(dinrail_field::link::MAX_PUBLISH_BYTES + 1);
    assert_eq!(link.publish(message("t", &large, Delivery::AtMostOnce)), Err(Refused::Size));
    assert_eq!(link.counts().not_taken, 5);
    let mut settings = options(nobody(), "x");
    settings.subscriptions = vec![subscription("plant/#", tags()[0], None)];
    assert!(MqttLink::start(settings).is_err());
    assert!(MqttLink::start(options(nobody(), "")).is_err());
}

#[test]
fn without_a_broker_nothing_waits_for_it() {
    let mut settings = options(nobody(), "x");
    settings.outbox_limit = 200;
    let link = MqttLink::start(settings).unwrap();
    for number in 0..1_000 {
        link.publish(message("t", &number.to_string(), Delivery::AtLeastOnce)).unwrap();
    }
    assert!(!link.wait_connected(Duration::ZERO) && !link.connected());
    let counts = link.stop(Duration::ZERO);
    assert_eq!((counts.published(), counts.outbox.dropped, counts.waiting, counts.acked()), (1_000, 800, 200, 0));
}

#[test]
fn a_broker_that_comes_back_gets_everything() {
    let broker = EmbeddedBroker::start(0).unwrap();
    let port = broker.port();
    let mut settings = options(broker.address(), "sink");
    settings.subscriptions = vec![subscription("plant/a", tags()[0], None)];
    let link = MqttLink::start(settings).unwrap();
    assert!(link.wait_connected(LONG));
    broker.stop();
    until("the link is down", || !link.connected());
    for number in 0..50 {
        link.publish(message("out", &number.to_string(), Delivery::AtLeastOnce)).unwrap();
    }
    let broker = EmbeddedBroker::start(port).unwrap();
    let consumer = Consumer::start(&broker.address(), "consumer", "out");
    assert!(link.wait_connected(LONG), "and its subscriptions are made again");
    assert!(link.drain(LONG));
    let peer = MqttLink::start(options(broker.address(), "peer")).unwrap();
    peer.publish(message("plant/a", "5", Delivery::AtLeastOnce)).unwrap();
    until("the reading", || link.counts().received == 1);
    let counts = link.counts();
    assert_eq!((counts.outbox.acked, counts.connects, counts.disconnects), (50, 2, 1));
    drop(consumer);
}

/// Cuts the link again and again while it publishes, and compares with what a consumer on the other side got.
fn cut_again_and_again(broker: &BrokerAddress, messages: u64, cuts: u64) {
    let consumer = Consumer::start(broker, "consumer", "out");
    let proxy = Proxy::start(broker);
    let link = MqttLink::start(options(proxy.address(), "sink")).unwrap();
    assert!(link.wait_connected(LONG));
    for number in 0..messages {
        link.publish(message("out", &number.to_string(), Delivery::AtLeastOnce)).unwrap();
        if number % (messages / cuts) == messages / cuts - 1 {
            // Somewhere in the middle of what is on its way.
            let answered = link.counts().outbox.acked;
            until("some more are answered", || link.counts().outbox.acked > answered || link.counts().waiting == 0);
            let felt = link.counts().disconnects;
            proxy.cut();
            until("the cut is felt", || link.counts().disconnects > felt);
        }
    }
    assert!(link.drain(LONG), "{:?}", link.counts());
    let numbers = || -> BTreeSet<u64> {
        consumer.seen().iter().map(|m| String::from_utf8(m.payload.clone()).unwrap().parse().unwrap()).collect()
    };
    until("every message", || numbers().len() as u64 == messages);
    let mut known = BTreeSet::new();
    for message in consumer.seen() {
        let sequence = message.sequence.unwrap();
        let new = known.insert(sequence.clone());
        assert!(new || message.again, "{sequence} came twice without its mark");
    }
    assert_eq!(known.len() as u64, messages, "one sequence number each");
    let counts = link.stop(LONG);
    assert_eq!((counts.published(), counts.acked(), counts.outbox.dropped), (messages, messages, 0));
    assert_eq!(counts.disconnects, cuts);
    eprintln!("{cuts} cuts, {} sent again, 0 lost of {messages}", counts.outbox.resent);
}

#[test]
fn a_link_that_is_cut_loses_nothing() {
    let broker = EmbeddedBroker::start(0).unwrap();
    cut_again_and_again(&broker.address(), 2_000, 10);
}

#[test]
fn a_link_to_mosquitto_that_is_cut_loses_nothing() {
    let Some(mosquitto) = Mosquitto::start() else {
        eprintln!("skipped a_link_to_mosquitto_that_is_cut_loses_nothing: mosquitto is not installed");
        return;
    };
    cut_again_and_again(&mosquitto.address(), 2_000, 10);
}

#[test]
fn mosquitto_tells_of_a_controller_that_dies() {
    let Some(mosquitto) = Mosquitto::start() else {
        eprintln!("skipped mosquitto_tells_of_a_controller_that_dies: mosquitto is not installed");
        return;
    };
    let proxy = Proxy::start(&mosquitto.address());
    let mut settings = options(proxy.address(), "sink");
    settings.status_topic = Some("d/status".into());
    let link = MqttLink::start(settings).unwrap();
    assert!(link.wait_connected(LONG));
    let status = |consumer: &Consumer| consumer.seen().last().map(|message| message.payload.clone());
    let consumer = Consumer::start(&mosquitto.address(), "consumer", "d/status");
    until("online, retained", || status(&consumer).as_deref() == Some(b"online"));
    proxy.stop();
    until("the last will", || status(&consumer).as_deref() == Some(b"offline"));
    drop(link);
}

/// A port on which nobody listens.
fn nobody() -> BrokerAddress {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    BrokerAddress { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() }
}
