//! A controller that runs while a test talks to it.

use crate::controller::Site;
use crate::environment;
use serde_json::Value;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A controller that runs until this goes. Its configuration says `control = "control.sock"`; the guest `stepper` lies
/// beside it.
#[derive(Debug)]
pub struct Running {
    /// Its folder.
    pub site: Site,
    /// Its process.
    pub child: Child,
}

impl Running {
    /// Starts one, and waits until it listens.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start(configuration: &str) -> Running {
        let site = Site::new(configuration);
        std::fs::copy(environment::guest("stepper"), site.path("stepper.wasm")).expect("the folder is writable");
        let child = Running::spawn(&site);
        let running = Running { site, child };
        running.until("it listens", || running.say(&["mode"]).status.success().then_some(()));
        running
    }

    /// A process for this folder; its lines go to `run.log`.
    ///
    /// # Panics
    /// Where it can't be started.
    #[must_use]
    pub fn spawn(site: &Site) -> Child {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(site.path("run.log"));
        let log = log.expect("the folder is writable");
        let mut command = site.command("run");
        command
            .args(["--for", "5min"])
            .stderr(log)
            .stdout(Stdio::null())
            .spawn()
            .expect("the controller can be started")
    }

    /// What it said so far.
    ///
    /// # Panics
    /// Where it said nothing.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.site.path("run.log")).expect("it was started")
    }

    /// Asks it.
    ///
    /// # Panics
    /// Where the command can't be started.
    #[must_use]
    pub fn say(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(environment::dinrail());
        let asked = command.args(arguments).arg("--socket").arg(self.site.path("control.sock")).output();
        asked.expect("the command can be started")
    }

    /// Asks it for an object.
    ///
    /// # Panics
    /// Where it gives none.
    #[must_use]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.say(&[arguments, &["--json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    }

    /// Looks again and again until something is there.
    ///
    /// # Panics
    /// Where it is not there within a minute.
    pub fn until<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end {
            if let Some(found) = look() {
                return found;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{what}: not within a minute");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
