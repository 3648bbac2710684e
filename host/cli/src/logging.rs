//! What is logged, and where it goes.

use crate::view::View;
use std::str::FromStr as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The variable that says what is logged.
const VARIABLE: &str = "DINRAIL_LOG";

/// Logs go where the view is; `DINRAIL_LOG` says which.
pub(crate) fn log_through(view: &View, time_zone: jiff::tz::TimeZone) {
    let told = std::env::var(VARIABLE).unwrap_or_default();
    let filter = EnvFilter::try_new(directives(&told)).unwrap_or_else(|error| {
        tell!("dinrail: {VARIABLE}=`{told}` is no filter ({error}); `info` is logged");
        EnvFilter::new(directives(""))
    });
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(false)
        .with_timer(SiteClock(time_zone))
        .with_writer(view.log_writer())
        .finish();
    // Already set where several runs share a process, as in tests.
    let _ = subscriber.try_init();
}

/// What is told, as directives: a level that stands alone is that of dinrail's own targets, whose names all begin so.
/// Of the libraries only what must be acted on is logged, unless they are named; a broker's client says nothing.
fn directives(told: &str) -> String {
    // Nothing would be read as `error`.
    let level = |directive: &str| LevelFilter::from_str(directive).ok().filter(|_| !directive.is_empty());
    let alone = |directive: &str| level(directive.trim());
    // Commas stand within the braces of a span's fields as well.
    let parts: Vec<&str> = if told.contains('[') { vec![told] } else { told.split(',').collect() };
    let own = parts.iter().rev().find_map(|part| alone(part)).unwrap_or(LevelFilter::INFO);
    let libraries = own.min(LevelFilter::WARN);
    let named = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty() && alone(part).is_none());
    let base = [libraries.to_string(), "rumqttd=off".to_owned(), "rumqttc=off".to_owned(), format!("dinrail={own}")];
    base.into_iter().chain(named.map(str::to_owned)).collect::<Vec<_>>().join(",")
}

/// Wall time as the site's clock shows it.
struct SiteClock(jiff::tz::TimeZone);

impl tracing_subscriber::fmt::time::FormatTime for SiteClock {
    fn format_time(&self, writer: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", jiff::Timestamp::now().to_zoned(self.0.clone()).strftime("%F %T"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_alone_is_dinrails() {
        for (told, expected) in [
            ("", "warn,rumqttd=off,rumqttc=off,dinrail=info"),
            ("debug", "warn,rumqttd=off,rumqttc=off,dinrail=debug"),
            ("error", "error,rumqttd=off,rumqttc=off,dinrail=error"),
            ("off", "off,rumqttd=off,rumqttc=off,dinrail=off"),
            ("debug,tract_onnx=debug", "warn,rumqttd=off,rumqttc=off,dinrail=debug,tract_onnx=debug"),
            ("dinrail_field=debug", "warn,rumqttd=off,rumqttc=off,dinrail=info,dinrail_field=debug"),
            ("info, rumqttc=debug", "warn,rumqttd=off,rumqttc=off,dinrail=info,rumqttc=debug"),
        ] {
            assert_eq!(directives(told), expected, "{told}");
            assert!(EnvFilter::try_new(directives(told)).is_ok(), "{told}");
        }
    }

    #[test]
    fn what_is_no_filter_is_seen_as_none() {
        assert!(EnvFilter::try_new(directives("dinrail_field=loud")).is_err());
    }
}
