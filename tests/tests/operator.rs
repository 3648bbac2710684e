//! An operator's words to a running controller: the queue of `advise`, modes, the reset of a trip.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::Site;
use dinrail_tests::environment;
use dinrail_tests::running::Running;
use serde_json::Value;
use std::process::Command;

/// A reactor whose setpoint a plugin wants two degrees above the value in force.
const SITE: &str = r#"
[site]
name = "advised"
control = "control.sock"

[scan]
period = "20ms"

[sources.plant]
kind = "sim"
plant = "reactor"

[tags."reactor.temp*"]
source = "plant"
unit = "Cel"
stale_after = "10s"

[outputs."sp"]
source = "plant"
actuator = "reactor.temp_sp"
unit = "Cel"
range = [70, 100]
slew = "10 Cel/s"
lease = "30s"
default = 80
fail_safe = 75
readback = "reactor.temp_sp_readback"
on_stop = "hold"
mode = "advise"
trip = "reactor.temp_sp_readback > 90 Cel"

[plugins.step]
component = "stepper.wasm"
inputs = { signals = ["reactor.temp"] }
outputs = { setpoint = "sp" }
parameters = { start = 80.0, step = 2.0 }
mode = "auto"

[sinks.lines]
kind = "jsonl"
path = "lines.jsonl"
"#;

/// What the tests of this file look for.
trait Proposing {
    /// The one that waits, once its setpoint is past `above`.
    fn advice(&self, above: f64) -> Value;
    /// What was commanded.
    fn commands(&self) -> Vec<f64>;
}

impl Proposing for Running {
    fn advice(&self, above: f64) -> Value {
        self.until("a proposal waits", || {
            let first = self.json(&["advise"])["advices"][0].clone();
            (first["setpoint"].as_f64()? > above).then_some(first)
        })
    }

    fn commands(&self) -> Vec<f64> {
        let text = std::fs::read_to_string(self.site.path("lines.jsonl")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["kind"] == "command").filter_map(|line| line["value"].as_f64()).collect()
    }
}

#[test]
fn a_proposal_waits_for_a_yes_and_a_trip_for_its_reset() {
    let running = Running::start(SITE);
    let advice = running.advice(81.0);
    assert_eq!((advice["output"].as_str(), advice["plugin"].as_str()), (Some("sp"), Some("step")), "{advice}");
    assert_eq!(running.commands(), [0.0; 0], "nothing is commanded before the yes");

    let gone = running.say(&["advise", "accept", "999999"]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("no proposal of this number waits"), "{gone:?}");

    // The proposal moves on while the word is under way, and then it is another one.
    let accepted = running.until("a yes in time", || {
        let advice = running.advice(81.0);
        let id = advice["id"].to_string();
        let said = running.say(&["advise", "accept", &id]);
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        said.status.success().then(|| (advice["setpoint"].as_f64().unwrap(), id, text))
    });
    let (accepted, id, text) = accepted;
    let begin = format!("accepted number {id}: sp goes from 80 Cel to 82 Cel at 10 Cel/s, there within a second");
    assert!(text.starts_with(&begin) && text.contains("while step goes on proposing"), "{text}");
    assert!(id.len() >= 9, "a number that no other run gives: {id}");
    let line = format!("sp: 82 Cel waits for a word (in force 80 Cel): `dinrail advise accept {id} --socket ");
    running.until("the run's own line", || running.log().contains(&line).then_some(()));
    running.until("it goes there", || {
        running.commands().iter().any(|value| (value - accepted).abs() < 1e-9).then_some(())
    });

    let rejected = running.until("a no in time", || {
        let id = running.advice(accepted)["id"].to_string();
        let said = running.say(&["advise", "reject", &id, "--reason", "not during the cleaning"]);
        said.status.success().then(|| String::from_utf8_lossy(&said.stdout).into_owned())
    });
    assert!(rejected.contains("not during the cleaning"), "{rejected}");

    // In auto it climbs until the trip forces it down.
    let set = running.json(&["mode", "sp", "auto"]);
    assert_eq!(set["answer"], "done", "{set}");
    running.until("the trip", || {
        let modes = running.json(&["mode"]);
        modes["modes"].as_array()?.iter().any(|line| line["name"] == "sp" && line["tripped"] == true).then_some(())
    });
    running.until("the fail-safe value", || running.commands().contains(&75.0).then_some(()));
    let condition = "`reactor.temp_sp_readback > 90 Cel`";
    let line = format!("sp: tripped by {condition}: reactor.temp_sp_readback is 9");
    running.until("what tripped it", || running.log().contains(&line).then_some(()));
    let modes = running.json(&["mode"]);
    let sp = modes["modes"].as_array().unwrap().iter().find(|line| line["name"] == "sp").unwrap();
    let why = sp["trip"].as_str().unwrap();
    assert!(why.starts_with(&format!("{condition}, when reactor.temp_sp_readback is 9")), "{why}");
    assert!(running.say(&["mode", "sp", "manual"]).status.success());
    running
        .until("the reset, once the readback is down", || running.say(&["reset", "sp"]).status.success().then_some(()));
    let again = running.say(&["reset", "sp"]);
    assert_eq!(again.status.code(), Some(1), "{again:?}");
}

#[test]
fn a_mode_that_is_none_and_names_that_nobody_has_are_refused_with_what_there_is() {
    let running = Running::start(SITE);
    for (words, expected) in [
        (&["mode", "sp", "on"][..], "there are manual, shadow, advise and auto"),
        (&["mode", "spp", "auto"], "did you mean `sp`?"),
        (&["reset", "step"], "there is no output `step`"),
        (&["reset", "sp"], "nothing is there to release"),
        (&["advise", "reject", "1", "--reason", " "], "a no needs its reason"),
    ] {
        let said = running.say(words);
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.status.code() == Some(1) && text.contains(expected), "{words:?}: {text}");
    }
    let lower = running.json(&["mode", "step", "manual"]);
    assert!(lower["text"].as_str().unwrap().contains("auto → manual"), "{lower}");
    assert_eq!(running.json(&["advise"])["advices"].as_array().map(Vec::len), Some(0), "in manual nothing is asked");
}

#[test]
fn without_a_controller_the_command_says_where_it_looked() {
    let site = Site::new(SITE);
    let output = Command::new(environment::dinrail())
        .args(["advise", "--socket"])
        .arg(site.path("control.sock"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("no controller answers at") && text.contains("control.sock"), "{text}");
}

/// Nothing is commanded, so that the trip holds as long as its tag does.
#[test]
fn a_reset_that_comes_too_early_names_what_still_holds_the_trip() {
    let tripped = SITE.replace("reactor.temp_sp_readback > 90 Cel", "reactor.temp > 10 Cel").replace("auto", "shadow");
    let running = Running::start(&tripped);
    let text = running.until("the refusal", || {
        let text = String::from_utf8_lossy(&running.say(&["reset", "sp"]).stderr).into_owned();
        text.contains("still true").then_some(text)
    });
    assert!(text.contains(": reactor.temp is "), "{text}");
}

#[test]
fn a_second_controller_of_a_site_does_not_start_and_a_dead_one_is_not_in_the_way() {
    let mut running = Running::start(SITE);
    let lines = running.until("the first one's results", || {
        let lines = std::fs::read_to_string(running.site.path("lines.jsonl")).unwrap_or_default();
        (!lines.is_empty()).then_some(lines)
    });
    let second = running.site.output("run", &["--quiet", "--for", "10s"]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    let pid = running.child.id();
    assert!(said.contains(&format!("another controller of this site runs, process {pid} with")), "{said}");
    assert!(said.contains("dinrail.toml since"), "{said}");
    let now = std::fs::read_to_string(running.site.path("lines.jsonl")).unwrap();
    assert!(now.starts_with(&lines), "the second one touched no file of the first");
    assert!(running.say(&["mode"]).status.success(), "the first one still answers");

    running.child.kill().unwrap();
    running.child.wait().unwrap();
    assert!(running.site.path("control.sock").exists(), "it was killed, and left its socket");
    running.child = Running::spawn(&running.site);
    running.until("the heir answers", || running.say(&["mode"]).status.success().then_some(()));
}

/// The number of an earlier run must not hit a proposal of this one.
#[test]
fn a_number_of_the_run_before_is_refused() {
    let mut running = Running::start(SITE);
    let old = running.advice(81.0)["id"].to_string();
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    running.child = Running::spawn(&running.site);
    // The socket of the one that was killed is still there, and nobody listens.
    running.until("it listens again", || running.say(&["mode"]).status.success().then_some(()));
    let new = running.advice(81.0)["id"].to_string();
    assert!(old.parse::<u64>().unwrap() < new.parse::<u64>().unwrap(), "{old} {new}");
    let late = running.say(&["advise", "accept", &old]);
    assert!(String::from_utf8_lossy(&late.stderr).contains("no proposal of this number waits"), "{late:?}");
    assert_eq!(running.commands(), [0.0; 0]);
}

#[test]
fn a_proposal_in_advise_that_nobody_could_accept_is_refused_at_once() {
    let site = Site::new(&SITE.replace("slew = \"10 Cel/s\"\n", ""));
    std::fs::copy(environment::guest("stepper"), site.path("stepper.wasm")).unwrap();
    let output = site.output("check", &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("no proposal could be accepted"), "{said}");
}
