//! The summary, for eyes or for programs.

use crate::statistics::Summary;
use std::io::Write;

/// Prints it on stdout: one line of JSON, or a few lines of text.
pub fn print(summary: &Summary, json: bool) {
    let text = if json {
        serde_json::to_string(summary).expect("a summary has text keys and finite numbers")
    } else {
        text(summary)
    };
    // A reader that went away does not make the run a failure.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// As text.
fn text(summary: &Summary) -> String {
    let mut lines = vec![format!(
        "{} scans in {:.1} s ({:.0} s of run time), {} overruns, first scan after {:.1} s",
        summary.scans, summary.wall_s, summary.run_s, summary.overruns, summary.first_scan_s
    )];
    let samples = &summary.samples;
    lines.push(format!(
        "samples: {} in, {} bad, {} duplicates, {} reordered, {} dropped, {} malformed, {} rows dropped",
        summary.samples_in,
        samples.bad,
        samples.duplicates,
        samples.reordered,
        samples.dropped,
        samples.malformed,
        samples.rows_dropped
    ));
    lines.push(format!(
        "results: {}, findings: {}, inferences: {}",
        summary.results, summary.findings, summary.inferences
    ));
    let proposals = &summary.proposals;
    lines.push(format!(
        "proposals: {} accepted, {} clamped, {} held, {} rejected; commands: {}",
        proposals.accepted, proposals.clamped, proposals.held, proposals.rejected, summary.commands
    ));
    if summary.alarms.raised > 0 {
        lines.push(format!(
            "alarms: {} raised, {} of them chattering",
            summary.alarms.raised, summary.alarms.chattering
        ));
    }
    if let Some(items) = &summary.items {
        lines.push(format!(
            "items: {} triggered, {} handed over, {} incomplete, {} dropped, {} verdicts; at gates: {} passed, {} reworked, {} rejected, {} without verdict, {} unseen, {} not done",
            items.triggers,
            items.handed,
            items.incomplete,
            items.dropped,
            items.verdicts,
            items.passed,
            items.reworked,
            items.rejected,
            items.without_verdict,
            items.unseen,
            items.not_done
        ));
    }
    let mqtt = &summary.mqtt;
    if mqtt.published > 0 {
        lines.push(format!("mqtt: {} published, {} acked, {} dropped", mqtt.published, mqtt.acked, mqtt.dropped));
    }
    for summarised in &summary.plugins {
        let (plugin, call) = (&summarised.counts, &summarised.call_us);
        lines.push(format!(
            "{} ({}, {}): {}, {} instances, {} calls, {} faults, {} missed, call p50/p99/p99.9/max {:.0}/{:.0}/{:.0}/{:.0} us",
            plugin.name,
            plugin.world,
            plugin.digest.get(..12).unwrap_or(&plugin.digest),
            plugin.state,
            plugin.instances,
            plugin.calls,
            plugin.faults,
            plugin.missed,
            call.p50,
            call.p99,
            call.p999,
            call.max
        ));
        if let Some(fault) = &plugin.last_fault {
            lines.push(format!("  latest fault: {fault}"));
        }
    }
    if let Some(reactor) = &summary.reactor {
        let percent = |ratio: Option<f64>| ratio.map_or("unknown".into(), |ratio| format!("{:.2} %", ratio * 100.0));
        lines.push(format!(
            "reactor: true profit {} of the optimum in the last tenth, {} at the start",
            percent(reactor.profit_ratio),
            percent(reactor.profit_ratio_at_start)
        ));
    }
    for detection in summary.detections.iter().flatten() {
        lines.push(match detection.delay_s {
            Some(delay_s) => {
                format!("fault {} at {:.0} s: seen after {delay_s:.0} s", detection.fault, detection.injected_at)
            }
            None => format!("fault {} at {:.0} s: NOT seen in time", detection.fault, detection.injected_at),
        });
    }
    if let Some(false_episodes) = summary.false_episodes {
        lines.push(format!("false alarm episodes: {false_episodes}"));
    }
    if let Some(recorder) = &summary.recorder {
        lines.push(format!(
            "recorder: {} calls and {} states kept, {} KiB at most; {} incidents, {} left out, {} KiB written",
            recorder.calls,
            recorder.states,
            recorder.bytes_max / 1024,
            recorder.incidents,
            recorder.left_out,
            recorder.bytes_written / 1024
        ));
    }
    if summary.sink_errors > 0 || summary.records_dropped > 0 {
        lines.push(format!("sinks: {} errors, {} records dropped", summary.sink_errors, summary.records_dropped));
    }
    lines.join("\n")
}
