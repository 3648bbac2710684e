//! Where a broker is.

use std::fmt;
use std::str::FromStr;

/// Host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerAddress {
    /// Name or address; an IPv6 address without its brackets.
    pub host: String,
    /// 1883 where it was left out.
    pub port: u16,
}

/// Why an address is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Another scheme, or none.
    #[error("the broker's address `{text}` should be mqtt://HOST or mqtt://HOST:PORT")]
    Scheme {
        /// As written.
        text: String,
    },
    /// Not supported yet.
    #[error("`{text}`: this version speaks MQTT without TLS only; use mqtt:// on a network you trust")]
    Tls {
        /// As written.
        text: String,
    },
    /// A user or a password where everybody reads it.
    #[error("the broker's address has a user or a password; give them as `user` and `password` of the source")]
    Credentials,
    /// A path, or a port that is none.
    #[error("the broker's address `{text}` should end with its port, a number from 1 to 65535, and nothing after it")]
    Port {
        /// As written.
        text: String,
    },
}

impl FromStr for BrokerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<BrokerAddress, AddressError> {
        if text.starts_with("mqtts://") || text.starts_with("ssl://") {
            return Err(AddressError::Tls { text: text.to_owned() });
        }
        let scheme = || AddressError::Scheme { text: text.to_owned() };
        let rest = text.strip_prefix("mqtt://").or_else(|| text.strip_prefix("tcp://")).ok_or_else(scheme)?;
        if rest.contains('@') {
            return Err(AddressError::Credentials);
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once(']').ok_or_else(scheme)?,
            None => rest.split_at(rest.find(':').unwrap_or(rest.len())),
        };
        if host.is_empty() || host.contains(['/', '?', '#', ' ']) {
            return Err(scheme());
        }
        let port = match port {
            "" => Ok(1883),
            port => port.strip_prefix(':').unwrap_or(port).parse::<u16>(),
        };
        match port {
            Ok(port) if port > 0 => Ok(BrokerAddress { host: host.to_owned(), port }),
            Ok(_) | Err(_) => Err(AddressError::Port { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for BrokerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "mqtt://[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "mqtt://{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn addresses_are_read() {
        let cases = [
            ("mqtt://127.0.0.1:1883", Some(("127.0.0.1", 1883))),
            ("mqtt://broker", Some(("broker", 1883))),
            ("mqtt://broker/", Some(("broker", 1883))),
            ("tcp://broker:99", Some(("broker", 99))),
            ("mqtt://[::1]:1884", Some(("::1", 1884))),
            ("mqtt://[::1]", Some(("::1", 1883))),
            ("broker:1883", None),
            ("mqtt://", None),
            ("mqtt://:1883", None),
            ("mqtt://a:0", None),
            ("mqtt://a:65536", None),
            ("mqtt://a:1883/x", None),
            ("mqtt://u:p@a", None),
            ("mqtts://a", None),
        ];
        for (text, expected) in cases {
            let read: Option<BrokerAddress> = text.parse().ok();
            let expected = expected.map(|(host, port)| BrokerAddress { host: host.to_owned(), port });
            assert_eq!(read, expected, "{text}");
            if let Some(address) = read {
                assert_eq!(address.to_string().parse(), Ok(address));
            }
        }
    }
}
