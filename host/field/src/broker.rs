//! An embedded MQTT 5 broker for the demo and the tests, on this machine only. Not for a plant: it keeps
//! nothing, asks nobody for a password, and its authors' limits are its own.
//!
//! It logs to the `tracing` targets that begin with `rumqttd`: a filter of `rumqttd=off` keeps it quiet.

use crate::link::BrokerAddress;
use rumqttd::protocol::v5::V5;
use rumqttd::{ConnectionSettings, LinkType, Router, RouterConfig, Server, ServerSettings};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the listener may take to come up.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// No such port, or it is taken.
    #[error("the embedded broker can't listen on port {port}")]
    Listen {
        /// Asked for; 0: any.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its thread, or the runtime in it, cannot be started.
    #[error("the embedded broker's thread can't be started")]
    Thread(#[source] io::Error),
    /// It did not come up.
    #[error("the embedded broker did not come up on port {port}")]
    Silent {
        /// The port.
        port: u16,
    },
}

/// A broker that runs until it is stopped or dropped.
pub struct EmbeddedBroker {
    port: u16,
    stop: Arc<tokio::sync::Notify>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedBroker {
    /// Listens on 127.0.0.1; port 0: any that is free.
    pub fn start(port: u16) -> Result<EmbeddedBroker, BrokerError> {
        // The broker binds by itself and does not say to what, so a free port is looked for first.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let found = listener.and_then(|listener| listener.local_addr());
        let address = found.map_err(|source| BrokerError::Listen { port, source })?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(BrokerError::Thread)?;
        let router = Router::new(0, router_config()).spawn();
        let mut server = Server::new(server_settings(address), router, V5);
        let stop = Arc::new(tokio::sync::Notify::new());
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("broker".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = stopped.notified() => {}
                        ended = server.start(LinkType::Remote) => {
                            if let Err(error) = ended {
                                tracing::error!(%error, "the embedded broker ended");
                            }
                        }
                    }
                });
                // With the runtime go the connections. The broker's router has a thread of its own that
                // nothing can end; it sleeps until the process does.
            })
            .map_err(BrokerError::Thread)?;
        let broker = EmbeddedBroker { port: address.port(), stop, thread: Some(thread) };
        broker.wait(address)?;
        Ok(broker)
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The same, for a link.
    #[must_use]
    pub fn address(&self) -> BrokerAddress {
        BrokerAddress { host: Ipv4Addr::LOCALHOST.to_string(), port: self.port }
    }

    /// Cuts all connections and frees the port.
    pub fn stop(self) {
        drop(self);
    }

    fn wait(&self, address: SocketAddr) -> Result<(), BrokerError> {
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(address).is_err() {
            let ended = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
            if ended || Instant::now() > deadline {
                return Err(BrokerError::Silent { port: self.port });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the embedded broker's thread panicked");
        }
    }
}

fn router_config() -> RouterConfig {
    RouterConfig {
        max_connections: 64,
        max_outgoing_packet_count: 200,
        // Bytes and number of the segments in which it keeps what subscribers did not take yet.
        max_segment_size: 8 * 1024 * 1024,
        max_segment_count: 10,
        ..RouterConfig::default()
    }
}

fn server_settings(listen: SocketAddr) -> ServerSettings {
    ServerSettings {
        name: "demo".to_owned(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections: ConnectionSettings {
            connection_timeout_ms: 5_000,
            max_payload_size: crate::link::MAX_PUBLISH_BYTES + 1_024,
            max_inflight_count: 200,
            auth: None,
            external_auth: None,
            dynamic_filters: true,
        },
    }
}
