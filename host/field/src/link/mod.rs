//! One connection to an MQTT 5 broker, which source subscriptions and sinks share.
//!
//! A thread of its own polls the connection and does nothing else; the scan puts messages into the
//! [outbox] and takes readings from the inbox, both bounded, and never waits. After a dropped link the
//! client is built anew, so that nothing of the old session can be in the way; the subscriptions are made again
//! and the outbox rewinds.
//!
//! Each message carries the user property `dinrail-seq`, `RUN-NUMBER`, and one that may have arrived before also
//! `dinrail-again`: a consumer that keeps the last number of a run drops what it knows.
//!
//! ```text
//!             connect                CONNACK                   SUBACK of all
//!  started ───────────► connecting ───────────► connected ───────────────────► subscribed
//!                        ▲      ▲                   │                             │
//!                        │      └─ longer and longer┴──────── link dropped ◄──────┘
//! ```

mod address;
mod inbox;
pub mod outbox;
mod session;

pub use address::{AddressError, BrokerAddress};
pub use outbox::{Delivery, OutgoingMessage};

use crate::source::mqtt::{DecodeCounts, Subscription};
use dinrail_core::reading::{Reading, SourceId};
use dinrail_core::time::TimeNs;
use inbox::Inbox;
use outbox::Outbox;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Where the link gets the time of arrival from: run time, as everywhere.
pub type Clock = Arc<dyn Fn() -> TimeNs + Send + Sync>;

/// Messages that wait for the broker, unless told otherwise: ten minutes at a hundred a second.
pub const OUTBOX_LIMIT: usize = 65_536;

/// Readings that wait for the scan, unless told otherwise: a second and a half of ten thousand a second.
pub const INBOX_LIMIT: usize = 16_384;

/// Bytes of a payload that is published. The largest plan has four thousand steps of a hundred bytes.
pub const MAX_PUBLISH_BYTES: usize = 512 * 1024;

/// Bytes of a topic that is published on; the protocol's own limit.
const MAX_TOPIC_BYTES: usize = 65_535;

/// User and password.
#[derive(Clone)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Settings are shown in logs, passwords are not.
        formatter.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Everything a link is told.
#[derive(Clone)]
pub struct LinkOptions {
    /// Where the broker is.
    pub broker: BrokerAddress,
    /// Unique among the broker's clients: a second link of the same id would end this one, again and again.
    pub client_id: String,
    /// Where the broker asks for them.
    pub credentials: Option<Credentials>,
    /// A dead peer is noticed within twice this; at least 5 s.
    pub keep_alive: Duration,
    /// How long the broker keeps messages for a link that dropped. 0: not at all, the latest values count.
    pub session_expiry_s: u32,
    /// Where the link says `online` and `offline`, retained; the broker says `offline` in its place.
    pub status_topic: Option<String>,
    /// Which source its readings say they come from.
    pub source: SourceId,
    /// What it listens to.
    pub subscriptions: Vec<Subscription>,
    /// Topics whose payloads are handed on whole, also one that the broker kept.
    pub documents: Vec<String>,
    /// Messages that wait, at most; the oldest is dropped.
    pub outbox_limit: usize,
    /// Readings that wait, at most; the oldest is dropped.
    pub inbox_limit: usize,
    /// Run time.
    pub clock: Clock,
}

impl LinkOptions {
    /// A link without subscriptions, with every limit at its default.
    #[must_use]
    pub fn new(broker: BrokerAddress, client_id: impl Into<String>, clock: Clock) -> LinkOptions {
        LinkOptions {
            broker,
            client_id: client_id.into(),
            credentials: None,
            keep_alive: Duration::from_secs(10),
            session_expiry_s: 0,
            status_topic: None,
            source: SourceId(0),
            subscriptions: Vec::new(),
            documents: Vec::new(),
            outbox_limit: OUTBOX_LIMIT,
            inbox_limit: INBOX_LIMIT,
            clock,
        }
    }
}

/// Why a link is not started.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// A client id that no broker takes.
    #[error("the MQTT client id should have 1 to 128 characters")]
    ClientId,
    /// A topic to subscribe to that is empty or has wildcards.
    #[error("the topic `{topic}` should be one topic, without `+` and `#`")]
    Topic {
        /// As configured.
        topic: String,
    },
    /// Its thread, or the runtime in it, cannot be started.
    #[error("the MQTT link's thread can't be started")]
    Thread(#[source] std::io::Error),
}

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Empty, too long, or with a wildcard.
    #[error("the topic can't be published on")]
    Topic,
    /// Above [`MAX_PUBLISH_BYTES`].
    #[error("the payload is too large")]
    Size,
    /// The link is being stopped.
    #[error("the link is stopping")]
    Stopping,
}

/// A payload that is handed on whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Where it was published.
    pub topic: String,
    /// At most [`MAX_PAYLOAD_BYTES`](crate::source::mqtt::MAX_PAYLOAD_BYTES).
    pub payload: Vec<u8>,
    /// Run time of its arrival.
    pub arrival_ns: TimeNs,
}

/// Documents that wait for the scan: a day's versions of a few series in one go; then the oldest is dropped.
const DOCUMENT_LIMIT: usize = 256;

/// What went over a link so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounts {
    /// Messages out.
    pub outbox: outbox::OutboxCounts,
    /// Messages that [`MqttLink::publish`] did not take.
    pub not_taken: u64,
    /// Messages out that wait now, or are on their way.
    pub waiting: u64,
    /// Messages in, on topics that were subscribed to.
    pub received: u64,
    /// Messages in, on other topics.
    pub unexpected: u64,
    /// What became of those received.
    pub decode: DecodeCounts,
    /// Readings and documents dropped because the scan did not take them in time.
    pub inbox_dropped: u64,
    /// Subscriptions that the broker refused, or that it was not asked for because there are too many.
    pub refused_subscriptions: u64,
    /// Times the link came up.
    pub connects: u64,
    /// Times it dropped.
    pub disconnects: u64,
}

impl LinkCounts {
    /// Messages that were accepted.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.outbox.accepted
    }

    /// Messages of which is known that they left: written at QoS 0, acknowledged at QoS 1.
    #[must_use]
    pub fn acked(&self) -> u64 {
        self.outbox.sent + self.outbox.acked
    }
}

/// A handle to a link; clones are handles to the same. The last one that goes ends the link without farewell:
/// see [`stop`](MqttLink::stop).
#[derive(Clone)]
pub struct MqttLink {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    status_topic: Option<Arc<str>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the link's thread and the handles share.
struct Shared {
    state: Mutex<State>,
    /// Told whenever something in the state changed that somebody may wait for.
    changed: Condvar,
    /// Told when the thread should end at once.
    abort: tokio::sync::Notify,
    options: LinkOptions,
    /// Marks this run's sequence numbers.
    run: String,
}

struct State {
    outbox: Outbox,
    inbox: Inbox,
    documents: VecDeque<Document>,
    counts: LinkCounts,
    /// While the link is up.
    client: Option<session::Live>,
    subscribed: bool,
    stopping: bool,
    ended: bool,
}

impl Shared {
    /// A thread that panicked while it held the lock left counters at worst, so the state is used on.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MqttLink {
    /// Starts the link's thread, which connects and reconnects in the background.
    pub fn start(options: LinkOptions) -> Result<MqttLink, LinkError> {
        if options.client_id.is_empty() || options.client_id.chars().count() > 128 {
            return Err(LinkError::ClientId);
        }
        for subscription in &options.subscriptions {
            if !is_topic(&subscription.topic) {
                return Err(LinkError::Topic { topic: subscription.topic.clone() });
            }
        }
        let others = options.status_topic.iter().chain(&options.documents);
        if let Some(topic) = others.into_iter().find(|topic| !is_topic(topic)) {
            return Err(LinkError::Topic { topic: topic.clone() });
        }
        let status_topic = options.status_topic.as_deref().map(Arc::from);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                outbox: Outbox::new(options.outbox_limit),
                inbox: Inbox::new(options.inbox_limit),
                documents: VecDeque::new(),
                counts: LinkCounts::default(),
                client: None,
                subscribed: false,
                stopping: false,
                ended: false,
            }),
            changed: Condvar::new(),
            abort: tokio::sync::Notify::new(),
            run: format!("{:x}", (options.clock)()),
            options,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LinkError::Thread)?;
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("mqtt".to_owned())
            .spawn(move || {
                runtime.block_on(session::run(&for_thread));
                for_thread.state().ended = true;
                for_thread.changed.notify_all();
            })
            .map_err(LinkError::Thread)?;
        let inner = Inner { shared, status_topic, thread: Mutex::new(Some(thread)) };
        Ok(MqttLink { inner: Arc::new(inner) })
    }

    /// Takes a message and never waits. Where there is no room the oldest that waits is dropped and counted.
    pub fn publish(&self, message: OutgoingMessage) -> Result<(), Refused> {
        let mut state = self.inner.shared.state();
        let refused = if !is_topic(&message.topic) {
            Some(Refused::Topic)
        } else if message.payload.len() > MAX_PUBLISH_BYTES {
            Some(Refused::Size)
        } else if state.stopping {
            Some(Refused::Stopping)
        } else {
            None
        };
        if let Some(refused) = refused {
            state.counts.not_taken += 1;
            return Err(refused);
        }
        state.outbox.push(message);
        session::pump(&mut state, &self.inner.shared.run);
        Ok(())
    }

    /// Appends the readings that arrived since the last time, and says how many.
    pub fn drain_inbox(&self, into: &mut Vec<Reading>) -> usize {
        self.inner.shared.state().inbox.drain(into)
    }

    /// The documents that arrived since the last time.
    #[must_use]
    pub fn drain_documents(&self) -> Vec<Document> {
        self.inner.shared.state().documents.drain(..).collect()
    }

    /// Whether the link is up.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.inner.shared.state().client.is_some()
    }

    /// Waits until the link is up and every subscription was answered; false after the timeout.
    #[must_use]
    pub fn wait_connected(&self, timeout: Duration) -> bool {
        self.wait(timeout, |state| state.client.is_some() && state.subscribed)
    }

    /// What went over it so far.
    #[must_use]
    pub fn counts(&self) -> LinkCounts {
        let state = self.inner.shared.state();
        LinkCounts {
            outbox: state.outbox.counts,
            waiting: state.outbox.len() as u64,
            inbox_dropped: state.inbox.dropped() + state.counts.inbox_dropped,
            ..state.counts
        }
    }

    /// Waits until every message left (at QoS 1: until it was answered); false after the timeout.
    #[must_use]
    pub fn drain(&self, timeout: Duration) -> bool {
        self.wait(timeout, |state| state.outbox.len() == 0)
    }

    /// Says `offline`, waits at most `timeout` until every message left, disconnects, and ends the thread. What is
    /// still waiting then is lost, and the counts say how much. Once more does nothing.
    pub fn stop(&self, timeout: Duration) -> LinkCounts {
        let shared = &self.inner.shared;
        {
            let mut state = shared.state();
            if let (Some(topic), false) = (&self.inner.status_topic, state.stopping) {
                state.outbox.push(session::status(Arc::clone(topic), session::OFFLINE));
                session::pump(&mut state, &shared.run);
            }
            state.stopping = true;
        }
        let drained = self.drain(timeout);
        if !drained {
            let waiting = self.counts().waiting;
            tracing::warn!(broker = %shared.options.broker, waiting, "messages are left behind");
        }
        if session::disconnect(&shared.state()) {
            /// A farewell is one small packet; the broker needs no longer than this to close.
            const FAREWELL: Duration = Duration::from_millis(500);
            let _ended = self.wait(FAREWELL, |state| state.ended);
        }
        self.inner.end();
        self.counts()
    }

    fn wait(&self, timeout: Duration, done: impl Fn(&State) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.inner.shared.state();
        loop {
            if done(&state) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.inner.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Inner {
    fn end(&self) {
        self.shared.abort.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!(broker = %self.shared.options.broker, "the MQTT link's thread panicked");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end();
    }
}

fn is_topic(topic: &str) -> bool {
    !topic.is_empty() && topic.len() <= MAX_TOPIC_BYTES && !topic.contains(['+', '#', '\0'])
}
