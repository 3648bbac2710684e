//! `dinrail check` and the exit codes, as an integrator meets them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::{DEMO, Site};

/// Refused with exit code 2, nothing on stdout, and a line that begins with the file, `place` and has
/// `message`.
fn check_refused(text: &str, line_with: &str, message: &str) {
    let site = Site::new(text);
    let output = site.output("check", &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty());
    let line = text.lines().position(|line| line.contains(line_with)).unwrap() + 1;
    let found = said.lines().any(|said| said.contains(&format!("dinrail.toml:{line}:")) && said.contains(message));
    assert!(found, "no `{message}` at line {line}:\n{said}");
    assert!(said.contains("help: "), "{said}");
}

#[test]
fn the_demo_is_accepted() {
    let output = Site::new(DEMO).output("check", &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("pump-watch"));
}

#[test]
fn an_unknown_key() {
    check_refused(&DEMO.replace("deadband = 0.02\n", "dead_band = 0.02\n"), "dead_band = 0.02", "dead_band");
}

#[test]
fn a_unit_of_another_dimension() {
    let text = DEMO.replace(
        "[tags.\"reactor.permit\"]\nsource = \"plant\"\nunit = \"1\"",
        "[tags.\"reactor.permit\"]\nsource = \"plant\"\nunit = \"bar\"",
    );
    let site = Site::new(&text);
    let output = site.output("check", &[]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_unbound_input() {
    let text = DEMO.replace("signals = [\"rig.*\"], ", "");
    check_refused(&text, "[plugins.pump-watch]", "signals");
}

#[test]
fn a_missing_model() {
    check_refused(&DEMO.replace("\"channel-autoencoder\"", "\"no-such-model\""), "no-such-model", "no-such-model");
}

#[test]
fn an_acting_output_without_slew() {
    check_refused(&DEMO.replace("slew = \"2 Cel/min\"\n", ""), "[outputs.\"reactor.temp_sp\"]", "slew");
}

#[test]
fn an_output_without_on_stop() {
    check_refused(&DEMO.replace("on_stop = { value = 80 }\n", ""), "[outputs.\"reactor.temp_sp\"]", "on_stop");
}

#[test]
fn a_parameter_out_of_its_bounds() {
    check_refused(&DEMO.replace("warmup = 140", "warmup = -1"), "warmup = -1", "warmup");
}

#[test]
fn a_component_that_is_none() {
    let site = Site::new(&DEMO.replace("anomaly-detection.wasm", "not-a-component.wasm"));
    std::fs::write(site.path("not-a-component.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let output = site.output("check", &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("component"), "{said}");
}

#[test]
fn a_command_line_that_is_none() {
    let site = Site::new(DEMO);
    assert_eq!(site.output("run", &["--no-such-flag"]).status.code(), Some(64));
    assert_eq!(site.output("no-such-command", &[]).status.code(), Some(64));
    assert_eq!(site.output("run", &["--for", "5parsecs"]).status.code(), Some(64));
}
