//! Runs the built controller as a user does: a configuration file in a folder of its own.

use crate::environment;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder with a configuration, gone when this goes.
#[derive(Debug)]
pub struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    /// With this configuration in it.
    ///
    /// # Panics
    /// Where the folder can't be written.
    #[must_use]
    pub fn new(configuration: &str) -> Site {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        std::fs::write(folder.path().join("dinrail.toml"), configuration).expect("the folder is writable");
        Site { folder }
    }

    /// A file of the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The controller with a subcommand, this configuration, and the built plugins and models.
    #[must_use]
    pub fn command(&self, subcommand: &str) -> Command {
        let mut command = dinrail(subcommand);
        // Its socket is in the same folder: sites of one name don't meet.
        command.env("XDG_RUNTIME_DIR", self.folder.path()).arg("--config").arg(self.path("dinrail.toml"));
        command
    }

    /// Runs it to its end, and gives the summary that it prints.
    ///
    /// # Panics
    /// Where it fails, or prints no summary.
    #[must_use]
    pub fn run(&self) -> Value {
        let output = self.output("run", &["--json", "--quiet"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        summary(&output)
    }

    /// Runs a subcommand to its end.
    ///
    /// # Panics
    /// Where it can't be started.
    #[must_use]
    pub fn output(&self, subcommand: &str, arguments: &[&str]) -> Output {
        self.command(subcommand).args(arguments).output().expect("the controller can be started")
    }

    /// The objects of a file of JSON lines.
    ///
    /// # Panics
    /// Where a line is no JSON.
    #[must_use]
    pub fn lines(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path(name)).expect("the sink wrote its file");
        text.lines().map(|line| serde_json::from_str(line).expect("each line is a JSON object")).collect()
    }
}

/// The controller with a subcommand, and the built plugins and models.
#[must_use]
pub fn dinrail(subcommand: &str) -> Command {
    let plugins = environment::plugin("anomaly-detection");
    let mut command = Command::new(environment::dinrail());
    command
        .arg(subcommand)
        .args(["--plugins".as_ref(), plugins.parent().unwrap_or(Path::new(".")).as_os_str()])
        .args(["--models".as_ref(), models().as_os_str()])
        .stdin(Stdio::null());
    command
}

/// The last line of stdout, as JSON.
///
/// # Panics
/// Where it is none.
#[must_use]
pub fn summary(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().expect("a summary on stdout");
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// The project's models.
#[must_use]
pub fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

/// The demonstration's configuration.
pub const DEMO: &str = include_str!("../scenarios/demo/dinrail.toml");

/// A configuration's part with the reactor as its plant, its temperatures, and the output `sp`: its setpoint, which stays
/// at 80 °C unless a plugin moves it, and then by no more than `slew`.
#[must_use]
pub fn reactor(slew: &str) -> String {
    format!(
        r#"
[sources.plant]
kind = "sim"
plant = "reactor"

[tags."reactor.temp*"]
source = "plant"
unit = "Cel"

[outputs."sp"]
source = "plant"
actuator = "reactor.temp_sp"
unit = "Cel"
range = [70, 100]
slew = "{slew}"
lease = "10s"
default = 80
readback = "reactor.temp_sp_readback"
on_stop = "hold"
mode = "auto"
"#
    )
}

/// The demonstration's plant and plugins without broker, in virtual time at the same scan of 6 s of run
/// time, results into `results.jsonl`: an hour takes seconds, and every run of a seed is the same.
///
/// # Panics
/// Where the demonstration's configuration has another shape.
#[must_use]
pub fn demo_hour(seed: u64) -> String {
    let mut text = DEMO.to_owned();
    for (live, virtually) in [
        ("speed = 60 ", "speed = \"max\" ".to_owned()),
        ("period = \"100ms\"", "period = \"6s\"".to_owned()),
        ("budget = \"50ms\"", "budget = \"3s\"".to_owned()),
        ("seed = 1\n", format!("seed = {seed}\n")),
    ] {
        assert!(text.contains(live), "the demonstration has `{live}`");
        text = text.replace(live, &virtually);
    }
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("the demonstration has `{what}`"));
    let (broker, rig, sinks) = (place("[sources.broker]"), place("# ---- the rig ----"), place("[sinks.broker]"));
    let sink = "[sinks.results]\nkind = \"jsonl\"\npath = \"results.jsonl\"\n";
    format!("{}{}{sink}", &text[..broker], &text[rig..sinks])
}

/// A plugin that traps on every frame, and one that answers, both for each asset of `rows.csv` ([`asset_rows`]). The
/// folder needs `trap.wasm` and `counter.wasm`.
#[must_use]
pub fn crash_loop() -> String {
    let plugin = |name: &str| {
        format!(
            "[plugins.{name}]\ncomponent = \"{name}.wasm\"\nassets = {{ key = \"unit\" }}\n\
             inputs = {{ signals = [\"x\"] }}\n\n"
        )
    };
    format!(
        "[scan]\nperiod = \"1min\"\nspeed = \"max\"\n\n[sources.rows]\nkind = \"csv\"\npath = \"rows.csv\"\n\
         time = {{ column = \"minute\", period = \"1min\" }}\nkey = \"unit\"\n\n[tags.x]\nsource = \"rows\"\n\n{}{}",
        plugin("trap"),
        plugin("counter")
    )
}

/// A table of so many assets, each with so many rows, one a minute.
#[must_use]
pub fn asset_rows(assets: usize, rows: usize) -> String {
    let mut text = String::from("unit,minute,x\n");
    for row in 0..rows {
        for asset in 0..assets {
            text.push_str(&format!("{asset},{row},{}\n", row * 31 % 17));
        }
    }
    text
}

/// The controller, for subcommands that know no plugins and models.
#[must_use]
pub fn dinrail_alone() -> Command {
    let mut command = Command::new(environment::dinrail());
    command.stdin(Stdio::null());
    command
}
