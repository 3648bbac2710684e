//! Where things are, and running one step after another with the time that has passed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

/// The features that demo and tests need and a controller on site does not.
pub(crate) const HOST_FEATURES: &str = "dinrail/demo";
/// A build of the controller. Further programs are selected beside it and not alone: what crates are shared with decides how
/// they are compiled, and another selection compiles hundreds of them anew.
pub(crate) const HOST_BUILD: [&str; 9] =
    ["build", "--release", "--workspace", "--features", HOST_FEATURES, "--bin", "dinrail", "--bin", "xtask"];

/// The checkout, its target directory, and when the command was given.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    started: SystemTime,
}

impl Workspace {
    /// The workspace that this program was built from; `CARGO_TARGET_DIR` is honoured.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().with_context(|| format!("the workspace at {}", root.display()))?;
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(given) => env::current_dir()?.join(given),
            None => root.join("target"),
        };
        let started = SystemTime::now() - running_for().unwrap_or_default();
        Ok(Workspace { root, target, started })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Where `dinrail` looks for plugins: `plugins` beside the directory of its own binary.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.target.join("plugins")
    }

    /// The components that only tests load.
    pub(crate) fn guests(&self) -> PathBuf {
        self.target.join("guests-components")
    }

    /// A file that cargo builds with the release profile.
    pub(crate) fn release(&self, name: &str) -> PathBuf {
        self.target.join("release").join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// Says what comes now and how long it is since the command was given.
    pub(crate) fn step(&self, what: &str) {
        let passed = self.started.elapsed().unwrap_or_default();
        eprintln!("[{:>6.1} s] {what}", passed.as_secs_f64());
    }

    /// The cargo that runs this program, in the workspace.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        cargo
    }

    /// Builds the controller as demo, tests and bench use it. The features are those of the whole workspace, and this
    /// program is built again beside it: cargo compiles a crate that a macro and a program share in another way than
    /// one that only macros use, and everything above it too. So a later test run compiles nothing twice.
    pub(crate) fn build_host(&self) -> Result<()> {
        self.step("building the controller");
        let mut cargo = self.cargo();
        run(cargo.args(HOST_BUILD))
    }

    /// The built controller. `DINRAIL_STARTED_MS` lets it say how long it took from the command to the first scan.
    pub(crate) fn dinrail(&self) -> Command {
        let mut dinrail = Command::new(self.release("dinrail"));
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        dinrail.env("DINRAIL_STARTED_MS", started.as_millis().to_string());
        dinrail
    }

    /// Becomes that program: Ctrl-C, signals and the exit code are then its own.
    #[cfg(unix)]
    pub(crate) fn become_program(&self, command: &mut Command) -> Result<ExitCode> {
        use std::os::unix::process::CommandExt;
        let error = command.exec();
        Err(error).with_context(|| format!("starting {}", command.get_program().display()))
    }

    /// Runs that program and gives its exit code on.
    #[cfg(not(unix))]
    pub(crate) fn become_program(&self, command: &mut Command) -> Result<ExitCode> {
        exit_code(command)
    }
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {}", command.get_program().display()))?;
    if !status.success() {
        bail!("{} ({status})", shown(command));
    }
    Ok(())
}

/// Runs a command whose exit code is the answer.
pub(crate) fn exit_code(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| format!("starting {}", command.get_program().display()))?;
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}

/// What a command prints; nothing where it cannot start or fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A program of that name on the `PATH`, or where Debian keeps servers.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let places = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    places.map(|place| place.join(name)).find(|file| file.is_file())
}

/// Debian packages can be installed: there is `apt-get`, and we are root.
pub(crate) fn may_install() -> bool {
    find_program("apt-get").is_some() && output(Command::new("id").arg("-u")).as_deref() == Some("0")
}

/// Installs Debian packages, after a look at the newest list where the known one lacks them.
pub(crate) fn apt_install(packages: &[&str]) -> Result<()> {
    let install = || {
        let mut apt = Command::new("apt-get");
        apt.args(["install", "--yes", "--no-install-recommends"]).args(packages);
        apt.env("DEBIAN_FRONTEND", "noninteractive").stdout(std::io::stderr());
        run(&mut apt)
    };
    install().or_else(|_| {
        run(Command::new("apt-get").arg("update").stdout(std::io::stderr()))?;
        install()
    })
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// How long this process has run. `cargo xtask` becomes this program, so the time cargo took to build it counts.
fn running_for() -> Option<Duration> {
    // Ticks since boot, the 22nd field; the second field is in brackets and may hold blanks. A tick is 1/100 s to
    // user space on every Linux.
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let ticks: f64 = stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split(' ').next()?.parse().ok()?;
    Duration::try_from_secs_f64(uptime - ticks / 100.0).ok()
}
