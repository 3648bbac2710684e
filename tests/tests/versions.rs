//! Bundles by an operator's words: installed, in shadow, on trial, committed, over a kill -9, and back.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::Site;
use dinrail_tests::environment;
use dinrail_tests::running::Running;
use serde_json::Value;
use std::process::{Command, Output};

const SITE: &str = r#"
[site]
name = "bench"
control = "control.sock"
store = "store"

[scan]
period = "500ms"

[sources.plant]
kind = "sim"
plant = "reactor"

[tags."reactor.temp"]
source = "plant"
unit = "Cel"

[plugins.count]
component = "counter.wasm"
inputs = { signals = ["reactor.temp"] }

[trust.keys.dev]
key = "dev.pub"
bundles = ["counter"]
"#;

fn bundle(site: &Site, arguments: &[&str]) -> Output {
    let mut command = Command::new(environment::dinrail());
    command.arg("bundle").args(arguments).current_dir(site.path("."));
    command.output().unwrap()
}

/// Keys, a bundle, and a controller that trusts them.
fn running() -> Running {
    let site = Site::new(SITE);
    std::fs::copy(environment::guest("counter"), site.path("counter.wasm")).unwrap();
    for key in ["dev", "stranger"] {
        assert!(bundle(&site, &["keygen", key]).status.success());
    }
    let packed = bundle(&site, &["pack", "./counter.wasm", "--key", "dev.key", "-o", "counter.rail"]);
    assert!(packed.status.success(), "{packed:?}");
    let child = Running::spawn(&site);
    let running = Running { site, child };
    running.until("it listens", || running.say(&["mode"]).status.success().then_some(()));
    running
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn done(running: &Running, words: &[&str]) -> String {
    let output = running.say(words);
    assert!(output.status.success(), "{words:?}: {}", said(&output));
    said(&output)
}

fn refused(running: &Running, words: &[&str]) -> String {
    let output = running.say(words);
    assert!(!output.status.success(), "{words:?}: {}", said(&output));
    said(&output)
}

fn plugin(running: &Running) -> Value {
    running.json(&["status"])["plugins"][0].clone()
}

fn until_phase(running: &Running, phase: &str) {
    running.until(phase, || {
        let status = running.json(&["status"]);
        let under_way = status["plugins"][0]["swap"]["phase"] == phase;
        let ended = status["ended"][0]["phase"] == phase;
        (under_way || ended).then_some(())
    });
}

#[test]
fn a_bundle_is_installed_swapped_in_and_taken_back() {
    let running = running();
    let file = running.site.path("counter.rail");
    let file = file.to_str().unwrap();
    assert!(done(&running, &["install", file, "--dry-run"]).contains("would be installed"));
    assert!(done(&running, &["plugins"]).contains("no bundle is installed"), "a dry run installs nothing");
    assert!(done(&running, &["install", file]).contains("installed counter 0.1.0"));
    let swap = ["swap", "count", "counter", "--shadow", "5", "--trial", "5min", "--tolerance", "1", "--misses", "1000"];
    assert!(done(&running, &[&swap[..], &["--dry-run"]].concat()).contains("nothing is changed yet"));
    done(&running, &swap);
    assert!(refused(&running, &swap).contains("being swapped already"));
    running.until("it is ready", || {
        let why = plugin(&running)["swap"]["why"].as_str().unwrap_or_default().to_owned();
        why.contains("ready").then_some(())
    });
    done(&running, &["commit", "count"]);
    until_phase(&running, "trial");
    done(&running, &["commit", "count"]);
    until_phase(&running, "committed");
    let bundles = running.json(&["plugins"]);
    assert_eq!(bundles["bundles"][0]["runs_as"][0], "count", "{bundles}");
    done(&running, &["rollback", "count"]);
    running.until("it is back", || {
        (running.json(&["plugins"])["bundles"][0]["runs_as"] == Value::Array(vec![])).then_some(())
    });
    let audit = Command::new(environment::dinrail())
        .args(["audit", "--json", "--store"])
        .arg(running.site.path("store"))
        .output()
        .unwrap();
    for op in ["install", "swap", "commit", "rollback"] {
        assert!(said(&audit).contains(&format!("\"op\":\"{op}\"")), "{op}: {}", said(&audit));
    }
}

#[test]
fn a_parameter_that_was_set_outlasts_a_kill_and_goes_with_one_word() {
    let mut running = running();
    let parameter = |running: &Running| {
        let text = running.log();
        text.matches("with bias = 0.25 runs, as was committed").count()
    };
    assert!(refused(&running, &["set", "count", "nonsense", "1"]).contains("nonsense"));
    assert!(refused(&running, &["set", "count", "bias", "much"]).contains("bias"));
    assert!(done(&running, &["set", "count", "bias", "0.25", "--dry-run"]).contains("bias 0.0 → 0.25"));
    done(&running, &["set", "count", "bias", "0.25"]);
    until_phase(&running, "committed");
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    assert_eq!(parameter(&running), 0);
    running.child = Running::spawn(&running.site);
    running.until("it listens again", || running.say(&["mode"]).status.success().then_some(()));
    assert_eq!(parameter(&running), 1, "{}", running.log());
    done(&running, &["rollback", "count"]);
    until_phase(&running, "committed");
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    running.child = Running::spawn(&running.site);
    running.until("it listens once more", || running.say(&["mode"]).status.success().then_some(()));
    assert_eq!(parameter(&running), 1, "the value of the configuration runs: {}", running.log());
}

#[test]
fn what_is_not_trusted_is_not_installed() {
    let running = running();
    let site = &running.site;
    let packed = bundle(site, &["pack", "./counter.wasm", "--key", "stranger.key", "-o", "strange.rail"]);
    assert!(packed.status.success(), "{packed:?}");
    assert!(bundle(site, &["pack", "./counter.wasm", "-o", "unsigned.rail"]).status.success());
    let named = bundle(site, &["pack", "./counter.wasm", "--name", "other", "--key", "dev.key", "-o", "other.rail"]);
    assert!(named.status.success(), "{named:?}");
    let old = ["pack", "./counter.wasm", "--key", "dev.key", "--expires", "2020-01-01", "-o", "old.rail"];
    assert!(bundle(site, &old).status.success());
    let newer = ["pack", "./counter.wasm", "--key", "dev.key", "--minimum-dinrail", "99.0.0", "-o", "newer.rail"];
    assert!(bundle(site, &newer).status.success());
    for (file, why) in [
        ("strange.rail", "none of those that are trusted"),
        ("unsigned.rail", "not signed"),
        ("other.rail", "not trusted for a bundle called"),
        ("old.rail", "2020-01-01"),
        ("newer.rail", "99.0.0"),
        ("counter.wasm", "no bundle"),
        ("nothing.rail", "No such file"),
    ] {
        let path = site.path(file);
        let said = refused(&running, &["install", path.to_str().unwrap()]);
        assert!(said.contains(why), "{file}: {said}");
    }
    assert!(done(&running, &["plugins"]).contains("no bundle is installed"));
    assert!(refused(&running, &["swap", "count", "counter"]).contains("no bundle `counter` is installed"));
    assert!(refused(&running, &["swap", "cuont", "counter"]).contains("did you mean `count`"));
    assert!(refused(&running, &["commit", "count"]).contains("nothing of count is being swapped"));
    assert!(refused(&running, &["rollback", "count"]).contains("nothing to go back to"));
}
