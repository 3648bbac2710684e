//! The socket on which operators reach the controller, before anything else of it can be noticed.

use super::BuildError;
use crate::config::{self, Config};
use crate::control::server::{ControlError, ControlSocket};
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::{Duration, SystemTime};

/// How operators reach the controller.
pub(super) struct Control {
    /// None where nobody can.
    pub(super) socket: Option<ControlSocket>,
    /// What `dinrail advise` has to be told beyond the number; none where nobody can answer.
    pub(super) reach: Option<String>,
    /// Proposals that wait are numbered above it.
    pub(super) numbers_above: u64,
}

impl Control {
    /// In virtual time.
    pub(super) fn none() -> Control {
        Control { socket: None, reach: None, numbers_above: 0 }
    }
}

/// The socket, where it can be opened. Held by another controller it ends the start; for want of it otherwise the
/// plant is controlled all the same, and the log says so.
pub(super) fn open_control(config: &Config) -> Result<Control, BuildError> {
    /// Beyond the scans that a request may have to wait for.
    const PATIENCE: Duration = Duration::from_secs(5);
    let Some(path) = crate::control::path_of(&config.site) else { return Ok(Control::none()) };
    let period = Duration::from_nanos(config.scan.period_ns);
    let holder = holder(config);
    match ControlSocket::open(&path, 2 * period + PATIENCE, &holder) {
        Ok(socket) => {
            tracing::info!(socket = %socket.path().display(), "operators reach this controller here");
            let reach = match config.site.control {
                config::Control::Path(_) => format!(" --socket {}", quoted(&path.display().to_string())),
                config::Control::Default | config::Control::Off => String::new(),
            };
            Ok(Control { socket: Some(socket), reach: Some(reach), numbers_above: numbers_above(SystemTime::now()) })
        }
        Err(taken @ ControlError::Taken { .. }) => Err(taken.into()),
        Err(error) => {
            tracing::error!(%error, "no operator can reach this controller");
            Ok(Control::none())
        }
    }
}

/// Who this controller is, to one that comes later.
pub(super) fn holder(config: &Config) -> String {
    let file = config.text.path();
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let since = jiff::Timestamp::now().to_zoned(config.site.time_zone.clone()).strftime("%F %T");
    format!("process {} with {} since {since}", std::process::id(), file.display())
}

/// For a shell.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

/// 2026-01-01 UTC, in seconds since 1970: numbers are short.
const NUMBERS_SINCE_S: u64 = 1_767_225_600;
/// New questions a second that are numbered more slowly than the next start's numbers rise.
const NUMBERS_A_SECOND: u64 = 100;

/// Where this run's numbers begin: the hundredths of a second until its start, so that the numbers of two runs are never
/// the same. Where the clock is not set, any number of that size.
fn numbers_above(now: SystemTime) -> u64 {
    let since = SystemTime::UNIX_EPOCH + Duration::from_secs(NUMBERS_SINCE_S);
    match now.duration_since(since) {
        Ok(passed) => {
            let hundredths = passed.as_millis() * u128::from(NUMBERS_A_SECOND) / 1_000;
            u64::try_from(hundredths).unwrap_or(u64::MAX / 2)
        }
        Err(_before) => std::hash::RandomState::new().build_hasher().finish() % 10_000_000_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_start_numbers_above_all_that_an_earlier_one_can_have_given() {
        let at = |seconds| numbers_above(SystemTime::UNIX_EPOCH + Duration::from_secs(NUMBERS_SINCE_S + seconds));
        assert_eq!((at(0), at(1), at(86_400)), (0, 100, 8_640_000));
        assert!(numbers_above(SystemTime::UNIX_EPOCH) < 10_000_000_000, "a clock that is not set");
        assert_ne!(numbers_above(SystemTime::UNIX_EPOCH), numbers_above(SystemTime::UNIX_EPOCH));
    }

    #[test]
    fn a_path_is_written_as_a_shell_takes_it() {
        for (path, expected) in [("/run/a-b.sock", "/run/a-b.sock"), ("/a b", "'/a b'"), ("/o'c", "'/o'\\''c'")] {
            assert_eq!(quoted(path), expected);
        }
    }
}
