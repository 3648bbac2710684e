//! One line an event, and one every few seconds that says how things stand.

use super::{EventKind, Message, Messages, Snapshot};
use std::io::Write;
use std::time::{Duration, Instant};

/// Between two lines that say how things stand.
const STATUS_EVERY: Duration = Duration::from_secs(5);

/// Runs until the controller lets go of its end.
pub(super) fn run(messages: &Messages) {
    let mut err = std::io::stderr();
    let mut shown = None;
    for message in messages {
        let line = match message {
            Message::Event(event) => {
                let kind = match event.kind {
                    EventKind::Finding => "finding",
                    EventKind::Verdict => "verdict",
                    EventKind::Controller => "dinrail",
                    EventKind::Alarm => "alarm",
                };
                format!("{} {kind}: {}", event.time, event.text)
            }
            Message::Snapshot(snapshot) => {
                if shown.is_some_and(|at: Instant| at.elapsed() < STATUS_EVERY) {
                    continue;
                }
                shown = Some(Instant::now());
                status_line(&snapshot)
            }
            Message::Close => return,
        };
        // Nobody reads stderr any more: nothing to tell, and nobody to tell it to.
        if writeln!(err, "{line}").is_err() {
            return;
        }
    }
}

fn status_line(snapshot: &Snapshot) -> String {
    let mut line = format!(
        "{} status: {} scans, {} overruns, {} samples, {} inferences",
        snapshot.time, snapshot.scans, snapshot.overruns, snapshot.samples_in, snapshot.inferences
    );
    for plugin in &snapshot.plugins {
        line.push_str(&format!(
            "; {} {} last/avg/max {:.0}/{:.0}/{:.0} us missed {} faults {}",
            plugin.name, plugin.state, plugin.last_us, plugin.mean_us, plugin.max_us, plugin.missed, plugin.faults
        ));
    }
    for output in &snapshot.outputs {
        line.push_str(&format!("; {} {}", output.name, output.applied));
    }
    if let Some(ratio) = snapshot.profit_ratio {
        line.push_str(&format!("; profit {:.1} % of the optimum", ratio * 100.0));
    }
    if let Some((published, acked)) = snapshot.mqtt {
        line.push_str(&format!("; mqtt {acked}/{published} acked"));
    }
    line
}
