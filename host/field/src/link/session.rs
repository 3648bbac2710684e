//! The link's thread: connect, poll, and begin anew when the link drops.

use super::outbox::{Delivery, Handed, MAX_OUTBOX_BYTES, OutgoingMessage, WINDOW};
use super::{DOCUMENT_LIMIT, Document, LinkOptions, Shared, State};
use crate::source::mqtt::{MAX_PAYLOAD_BYTES, Subscription};
use dinrail_core::time::TimeNs;
use rumqttc::NetworkOptions;
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Filter, LastWill, Packet, PubAckReason, Publish, PublishProperties, RetainForwardRule, SubAck,
    SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// What stands on the status topic while the link is up.
pub(super) const ONLINE: &[u8] = b"online";
/// And when it is not.
pub(super) const OFFLINE: &[u8] = b"offline";

/// Pause before the second attempt to connect; doubled up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(10);

/// Seconds that one attempt to connect may take.
const CONNECT_TIMEOUT_S: u64 = 5;

/// Topics in one SUBSCRIBE: a packet of a few kilobytes at most.
const FILTERS_A_PACKET: usize = 64;

/// SUBSCRIBEs that the client's queue has room for besides the window, so that handing over never fails
/// for want of room.
const MAX_SUBSCRIBES: usize = 256;

/// The client of a link that is up.
pub(super) struct Live {
    client: AsyncClient,
    /// Bytes of the largest packet that the broker takes.
    largest: usize,
    /// SUBSCRIBEs that were not answered.
    unanswered: usize,
}

/// How a connection ended.
enum End {
    Dropped(ConnectionError),
    Stopped,
}

/// Keeps the link up until it is told to end.
pub(super) async fn run(shared: &Shared) {
    let options = &shared.options;
    let topics = by_topic(&options.subscriptions);
    let mut pause = FIRST_PAUSE;
    let mut told = false;
    loop {
        // A new client for each attempt: rumqttc keeps packet identifiers, collisions and its own queue of
        // unacknowledged messages across connections, and some of it wrongly.
        let (client, mut event_loop) = AsyncClient::new(client_options(options), WINDOW + MAX_SUBSCRIBES);
        let end = tokio::select! {
            biased;
            () = shared.abort.notified() => End::Stopped,
            end = poll(shared, &topics, &client, &mut event_loop) => end,
        };
        let was_up = close(shared, &topics, &client, &mut event_loop);
        let End::Dropped(error) = end else { return };
        shared.state().counts.disconnects += u64::from(was_up);
        shared.changed.notify_all();
        if was_up || !told {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(broker = %options.broker, error, "the MQTT link is down and will be tried again");
            told = true;
        }
        pause = if was_up { FIRST_PAUSE } else { (pause * 2).min(LAST_PAUSE) };
        tokio::select! {
            () = shared.abort.notified() => return,
            () = tokio::time::sleep(spread(pause, &options.client_id)) => {}
        }
    }
}

/// Polls, and nothing else: whatever an event asks for is done without waiting.
async fn poll(
    shared: &Shared,
    topics: &HashMap<&str, Vec<&Subscription>>,
    client: &AsyncClient,
    event_loop: &mut EventLoop,
) -> End {
    loop {
        match event_loop.poll().await {
            Ok(Event::Outgoing(Outgoing::Disconnect)) => return End::Stopped,
            Ok(event) => handle(shared, topics, client, event),
            Err(error) => return End::Dropped(error),
        }
    }
}

/// Takes the last events of a connection that ended, so that what was answered counts as answered, and says
/// whether it had been up.
fn close(
    shared: &Shared,
    topics: &HashMap<&str, Vec<&Subscription>>,
    client: &AsyncClient,
    event_loop: &mut EventLoop,
) -> bool {
    let was_up = shared.state().client.is_some();
    while let Some(event) = event_loop.state.events.pop_front() {
        if was_up {
            handle(shared, topics, client, event);
        }
    }
    let mut state = shared.state();
    state.client = None;
    state.subscribed = false;
    state.outbox.rewind();
    shared.changed.notify_all();
    was_up
}

fn handle(shared: &Shared, topics: &HashMap<&str, Vec<&Subscription>>, client: &AsyncClient, event: Event) {
    match event {
        Event::Incoming(Packet::ConnAck(answer)) => came_up(shared, client, &answer),
        Event::Incoming(Packet::SubAck(answer)) => subscribed(shared, &answer),
        Event::Incoming(Packet::Publish(message)) => arrived(shared, topics, &message),
        Event::Incoming(Packet::PubAck(answer)) => {
            let taken = matches!(answer.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers);
            let mut state = shared.state();
            state.outbox.answered(answer.pkid, taken);
            pump(&mut state, &shared.run);
            shared.changed.notify_all();
        }
        Event::Outgoing(Outgoing::Publish(packet)) => {
            let mut state = shared.state();
            state.outbox.written(packet);
            pump(&mut state, &shared.run);
            shared.changed.notify_all();
        }
        // Pings, acknowledgements of what came in, and what ends the link by an error of its own.
        Event::Incoming(_) | Event::Outgoing(_) => {}
    }
}

fn came_up(shared: &Shared, client: &AsyncClient, answer: &ConnAck) {
    let options = &shared.options;
    tracing::info!(broker = %options.broker, "the MQTT link is up");
    let limit = answer.properties.as_ref().and_then(|properties| properties.max_packet_size);
    let largest = limit.map_or(MAX_OUTBOX_BYTES, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let (mut unanswered, mut not_asked) = (0, 0);
    if !answer.session_present {
        let documents = options.documents.iter().map(|topic| document_filter(topic));
        let filters: Vec<Filter> = options.subscriptions.iter().map(filter).chain(documents).collect();
        for some in filters.chunks(FILTERS_A_PACKET) {
            match client.try_subscribe_many(some.to_vec()) {
                Ok(()) => unanswered += 1,
                Err(error) => {
                    tracing::error!(broker = %options.broker, %error, "can't subscribe");
                    not_asked += some.len() as u64;
                }
            }
        }
    }
    let mut state = shared.state();
    state.counts.connects += 1;
    state.counts.refused_subscriptions += not_asked;
    state.subscribed = unanswered == 0;
    state.client = Some(Live { client: client.clone(), largest, unanswered });
    if let (Some(topic), false) = (&options.status_topic, state.stopping) {
        // Not through the outbox: it is true of this connection only, and must not be sent again later.
        if client.try_publish(topic.as_str(), QoS::AtLeastOnce, true, ONLINE).is_ok() {
            state.outbox.hand_over_foreign();
        }
    }
    pump(&mut state, &shared.run);
    shared.changed.notify_all();
}

fn subscribed(shared: &Shared, answer: &SubAck) {
    let refused = answer.return_codes.iter().filter(|code| !matches!(code, SubscribeReasonCode::Success(_))).count();
    if refused > 0 {
        tracing::error!(broker = %shared.options.broker, refused, "the broker refuses subscriptions");
    }
    let mut state = shared.state();
    state.counts.refused_subscriptions += refused as u64;
    if let Some(live) = &mut state.client {
        live.unanswered = live.unanswered.saturating_sub(1);
        state.subscribed = live.unanswered == 0;
    }
    shared.changed.notify_all();
}

fn arrived(shared: &Shared, topics: &HashMap<&str, Vec<&Subscription>>, message: &Publish) {
    let arrival_ns = (shared.options.clock)();
    let topic = std::str::from_utf8(&message.topic).unwrap_or_default();
    let is_document = shared.options.documents.iter().any(|known| known == topic);
    if is_document {
        document_arrived(shared, topic, &message.payload, arrival_ns);
    }
    let Some(subscriptions) = topics.get(topic) else {
        shared.state().counts.unexpected += u64::from(!is_document);
        return;
    };
    let mut counts = shared.state().counts.decode;
    let readings: Vec<_> = subscriptions
        .iter()
        .map(|one| one.decode(shared.options.source, &message.payload, arrival_ns, &mut counts))
        .collect();
    let mut state = shared.state();
    // Only this thread decodes, so nobody changed them in between.
    state.counts.decode = counts;
    state.counts.received += 1;
    for reading in readings {
        state.inbox.push(reading);
    }
}

fn document_arrived(shared: &Shared, topic: &str, payload: &[u8], arrival_ns: TimeNs) {
    let mut state = shared.state();
    state.counts.received += 1;
    if payload.len() > MAX_PAYLOAD_BYTES {
        state.counts.decode.oversize += 1;
        return;
    }
    if state.documents.len() == DOCUMENT_LIMIT {
        state.documents.pop_front();
        state.counts.inbox_dropped += 1;
    }
    state.documents.push_back(Document { topic: topic.to_owned(), payload: payload.to_vec(), arrival_ns });
}

/// Gives the client what waits, as far as the window goes.
pub(super) fn pump(state: &mut State, run: &str) {
    let Some(live) = &state.client else { return };
    while let Some(handed) = state.outbox.hand_over(live.largest) {
        let Handed { sequence, again, message } = handed;
        let mut user_properties = vec![("dinrail-seq".to_owned(), format!("{run}-{sequence}"))];
        if again {
            user_properties.push(("dinrail-again".to_owned(), "1".to_owned()));
        }
        let properties = PublishProperties {
            user_properties,
            message_expiry_interval: message.expiry_s,
            ..PublishProperties::default()
        };
        let qos = match message.delivery {
            Delivery::AtMostOnce => QoS::AtMostOnce,
            Delivery::AtLeastOnce => QoS::AtLeastOnce,
        };
        let topic = message.topic.as_ref();
        let given = live.client.try_publish_with_properties(topic, qos, message.retain, message.payload, properties);
        if given.is_err() {
            // The client's queue has room for the whole window, so its other end is gone: the link is about to
            // drop, and the rewind puts this message back in its place.
            return;
        }
    }
}

/// Asks the client to say goodbye; false where the link is down.
pub(super) fn disconnect(state: &State) -> bool {
    state.client.as_ref().is_some_and(|live| live.client.try_disconnect().is_ok())
}

/// A message for the status topic.
pub(super) fn status(topic: Arc<str>, text: &[u8]) -> OutgoingMessage {
    OutgoingMessage { topic, payload: text.to_vec(), retain: true, delivery: Delivery::AtLeastOnce, expiry_s: None }
}

fn by_topic(subscriptions: &[Subscription]) -> HashMap<&str, Vec<&Subscription>> {
    let mut topics: HashMap<&str, Vec<&Subscription>> = HashMap::new();
    for subscription in subscriptions {
        topics.entry(&subscription.topic).or_default().push(subscription);
    }
    topics
}

fn client_options(options: &LinkOptions) -> MqttOptions {
    let mut client = MqttOptions::new(&options.client_id, &options.broker.host, options.broker.port);
    // The client panics below 5 s.
    client.set_keep_alive(options.keep_alive.max(Duration::from_secs(5)));
    client.set_connection_timeout(CONNECT_TIMEOUT_S);
    client.set_clean_start(options.session_expiry_s == 0);
    client.set_session_expiry_interval(Some(options.session_expiry_s));
    // Larger packets end the connection, and a retained one would do so again and again: so the broker is
    // asked to hold them back, and what is between the two limits arrives, is counted and not decoded.
    client.set_max_packet_size(Some(4 * MAX_PAYLOAD_BYTES as u32));
    client.set_outgoing_inflight_upper_limit(2 * WINDOW as u16);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    client.set_network_options(network);
    if let Some(credentials) = &options.credentials {
        client.set_credentials(&credentials.user, &credentials.password);
    }
    if let Some(topic) = &options.status_topic {
        client.set_last_will(LastWill::new(topic.as_str(), OFFLINE, QoS::AtLeastOnce, true, None));
    }
    client
}

/// The pause, a quarter more or less by the client's name: a hundred controllers whose broker restarts
/// do not come back in one moment.
fn spread(pause: Duration, client_id: &str) -> Duration {
    let mut hasher = DefaultHasher::new();
    client_id.hash(&mut hasher);
    let share = (hasher.finish() % 1_000) as f64 / 1_000.0;
    pause.mul_f64(0.75 + share / 2.0)
}

/// A message that the broker kept is of any age. It is asked for only where its payload says how old it is;
/// otherwise it would count as measured when it arrives, at every start and reconnect.
fn filter(subscription: &Subscription) -> Filter {
    let mut filter = Filter::new(subscription.topic.as_str(), QoS::AtLeastOnce);
    filter.retain_forward_rule = match subscription.time {
        Some(_) => RetainForwardRule::OnEverySubscribe,
        None => RetainForwardRule::Never,
    };
    filter
}

/// A document is asked for however old it is: it says itself of what time it speaks.
fn document_filter(topic: &str) -> Filter {
    let mut filter = Filter::new(topic, QoS::AtLeastOnce);
    filter.retain_forward_rule = RetainForwardRule::OnEverySubscribe;
    filter
}
