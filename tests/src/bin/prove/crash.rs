//! A controller that is killed (kill -9) at every moment of a swap, and started again.

use crate::Proof;
use anyhow::{Context, Result, ensure};
use dinrail_tests::controller::{Site, reactor};
use dinrail_tests::environment;
use serde_json::Value;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

/// Moments at which it is killed, one after the other through a swap.
const POINTS: u32 = 100;
/// From one to the next: a swap by itself, from its request to its end, takes about half a second.
const APART: Duration = Duration::from_millis(6);

const SITE: &str = r#"
[site]
name = "crash"
control = "control.sock"
store = "store"

[scan]
period = "20ms"

[plugins.count]
component = "counter.wasm"
inputs = { signals = ["reactor.temp"] }

[plugins.step]
component = "stepper.wasm"
inputs = { signals = ["reactor.temp"] }
outputs = { setpoint = "sp" }
parameters = { start = 80.0, step = 0.1 }
mode = "auto"

[sinks.lines]
kind = "jsonl"
path = "lines.jsonl"
append = true

[trust.keys.dev]
key = "dev.pub"
bundles = ["counter"]
"#;

struct Killed {
    site: Site,
    child: Child,
}

impl Drop for Killed {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Killed {
    fn say(&self, words: &[&str]) -> Result<Output> {
        let mut command = Command::new(environment::dinrail());
        Ok(command.args(words).arg("--socket").arg(self.site.path("control.sock")).output()?)
    }

    fn done(&self, words: &[&str]) -> Result<()> {
        let output = self.say(words)?;
        ensure!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// What runs as the plugin by the store: the bundle or the configuration's component.
    fn runs_bundle(&self) -> Result<bool> {
        let output = self.say(&["plugins", "--json"])?;
        let bundles: Value = serde_json::from_slice(&output.stdout).context("the list of bundles")?;
        let bundles = bundles["bundles"].as_array().context("the list of bundles")?.clone();
        Ok(bundles.iter().any(|bundle| bundle["runs_as"].as_array().is_some_and(|names| !names.is_empty())))
    }

    fn commands(&self) -> usize {
        let text = std::fs::read_to_string(self.site.path("lines.jsonl")).unwrap_or_default();
        text.lines().filter(|line| line.contains("\"kind\":\"command\"")).count()
    }

    /// Kills it and starts it again; seconds until it listens, and until its first command.
    fn kill_and_start(&mut self) -> Result<(f64, f64)> {
        self.child.kill()?;
        self.child.wait()?;
        let before = self.commands();
        let began = Instant::now();
        self.child = dinrail_tests::running::Running::spawn(&self.site);
        until("it listens again", || Ok(self.say(&["mode"])?.status.success()))?;
        let listens = began.elapsed().as_secs_f64();
        until("it commands again", || Ok(self.commands() > before))?;
        Ok((listens, began.elapsed().as_secs_f64()))
    }
}

fn until(what: &str, is_so: impl Fn() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        if is_so()? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    anyhow::bail!("{what}: not within a minute")
}

fn start() -> Result<Killed> {
    let site = Site::new(&format!("{SITE}{}", reactor("0.5 Cel/s")));
    for guest in ["counter", "stepper"] {
        std::fs::copy(environment::guest(guest), site.path(&format!("{guest}.wasm")))?;
    }
    for words in [&["keygen", "dev"][..], &["pack", "./counter.wasm", "--key", "dev.key", "-o", "counter.rail"]] {
        let made =
            Command::new(environment::dinrail()).arg("bundle").args(words).current_dir(site.path(".")).output()?;
        ensure!(made.status.success(), "{words:?}: {}", String::from_utf8_lossy(&made.stderr));
    }
    let child = dinrail_tests::running::Running::spawn(&site);
    let killed = Killed { site, child };
    until("it listens", || Ok(killed.say(&["mode"])?.status.success()))?;
    killed.done(&["install", &killed.site.path("counter.rail").to_string_lossy()])?;
    Ok(killed)
}

/// Row `crash`.
pub(crate) fn kills() -> Result<Proof> {
    let mut killed = start()?;
    let (mut old, mut new, mut barred) = (0_u32, 0_u32, 0_u32);
    let (mut listens_max, mut commands_max) = (0.0_f64, 0.0_f64);
    for point in 0..POINTS {
        if killed.runs_bundle()? {
            killed.done(&["rollback", "count"])?;
            until("it is back", || Ok(!killed.runs_bundle()?))?;
        }
        let swap = ["swap", "count", "counter", "--auto", "--shadow", "2", "--trial", "100ms", "--misses", "1000"];
        let asked = killed.say(&swap)?;
        if String::from_utf8_lossy(&asked.stderr).contains("barred") {
            // Two cut-off swaps bar a bundle, as they should; the next points go on with a store of their own.
            barred += 1;
            killed = start()?;
            killed.done(&swap)?;
        }
        std::thread::sleep(APART * point);
        let (listens, commands) = killed.kill_and_start()?;
        (listens_max, commands_max) = (listens_max.max(listens), commands_max.max(commands));
        // Whatever it is, it is one of the two, and it runs.
        if killed.runs_bundle()? {
            new += 1
        } else {
            old += 1
        }
        let status: Value = serde_json::from_slice(&killed.say(&["status", "--json"])?.stdout).context("the status")?;
        ensure!(status["plugins"][0]["state"] == "running", "after point {point}: {status}");
    }
    Ok(Proof {
        figure: format!(
            "killed at {POINTS} moments of a swap: {old} times the version before runs, {new} times the new one, never neither; a \
             bundle was barred after two cut-off swaps {barred} times; after a kill it listens within {listens_max:.1} s and \
             commands within {commands_max:.1} s"
        ),
        holds: old + new == POINTS && old > 0 && new > 0,
    })
}
