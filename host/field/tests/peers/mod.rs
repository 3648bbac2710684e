//! What a link meets in the tests: a consumer, a cable that can be cut, mosquitto.

use dinrail_field::link::BrokerAddress;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{Client, Event, MqttOptions};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Waits for peers and sockets, not for logic: as short as they let it.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "waited for: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A message as a consumer got it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) sequence: Option<String>,
    pub(crate) again: bool,
}

/// Somebody else's client, straight at the broker.
pub(crate) struct Consumer {
    seen: Arc<Mutex<Vec<Seen>>>,
    client: Client,
}

impl Consumer {
    pub(crate) fn start(broker: &BrokerAddress, client_id: &str, filter: &str) -> Consumer {
        let mut options = MqttOptions::new(client_id, &broker.host, broker.port);
        options.set_max_packet_size(Some(1024 * 1024));
        let (client, mut connection) = Client::new(options, 10);
        client.subscribe(filter, QoS::AtLeastOnce).unwrap();
        let seen = Arc::new(Mutex::new(vec![]));
        let ready = Arc::new(Mutex::new(false));
        let (into, is_ready) = (Arc::clone(&seen), Arc::clone(&ready));
        std::thread::spawn(move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::SubAck(_))) => *is_ready.lock().unwrap() = true,
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        let properties = message.properties.unwrap_or_default().user_properties;
                        let find = |key: &str| properties.iter().find(|(name, _)| name == key).map(|(_, v)| v.clone());
                        into.lock().unwrap().push(Seen {
                            topic: String::from_utf8(message.topic.to_vec()).unwrap(),
                            payload: message.payload.to_vec(),
                            sequence: find("dinrail-seq"),
                            again: find("dinrail-again").is_some(),
                        });
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        until("the consumer's subscription", || *ready.lock().unwrap());
        Consumer { seen, client }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        let _ = self.client.disconnect();
    }
}

/// A cable between a link and its broker.
pub(crate) struct Proxy {
    port: u16,
    open: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Proxy {
    pub(crate) fn start(broker: &BrokerAddress) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Arc::new(Mutex::new(Some(vec![])));
        let (known, target) = (Arc::clone(&open), (broker.host.clone(), broker.port));
        std::thread::spawn(move || {
            for incoming in listener.incoming() {
                let incoming = incoming.unwrap();
                let Ok(outgoing) = TcpStream::connect((target.0.as_str(), target.1)) else { continue };
                let Some(streams) = &mut *known.lock().unwrap() else { return };
                streams.extend([incoming.try_clone().unwrap(), outgoing.try_clone().unwrap()]);
                for (mut from, mut to) in [
                    (incoming.try_clone().unwrap(), outgoing.try_clone().unwrap()),
                    (outgoing.try_clone().unwrap(), incoming.try_clone().unwrap()),
                ] {
                    std::thread::spawn(move || {
                        let mut buffer = [0; 4096];
                        while let Ok(read @ 1..) = from.read(&mut buffer) {
                            if to.write_all(&buffer[..read]).is_err() {
                                break;
                            }
                        }
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        Proxy { port, open }
    }

    pub(crate) fn address(&self) -> BrokerAddress {
        BrokerAddress { host: "127.0.0.1".into(), port: self.port }
    }

    /// Cuts what is connected now, in the middle of whatever it was saying.
    pub(crate) fn cut(&self) {
        for stream in self.open.lock().unwrap().iter_mut().flat_map(|open| open.drain(..)) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Cuts for good.
    pub(crate) fn stop(&self) {
        self.cut();
        *self.open.lock().unwrap() = None;
    }
}

/// Debian's broker.
pub(crate) struct Mosquitto {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Mosquitto {
    pub(crate) fn start() -> Option<Mosquitto> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("mosquitto.conf");
        std::fs::write(&settings, format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"))
            .unwrap();
        let found = ["mosquitto", "/usr/sbin/mosquitto"].iter().find_map(|program| {
            Command::new(program).arg("-c").arg(&settings).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
        });
        let mosquitto = Mosquitto { child: found?, port, _folder: folder };
        until("mosquitto", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(mosquitto)
    }

    pub(crate) fn address(&self) -> BrokerAddress {
        BrokerAddress { host: "127.0.0.1".into(), port: self.port }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
