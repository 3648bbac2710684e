//! The project's commands: `cargo xtask plugins | demo | test | bench | prove | models | ci`.
//!
//! Modules: `workspace` (where things are, running a step), `toolchain` (who compiles to wasm), `plugins`
//! (components), `bundles` (signed files), `peers` (programs that tests talk to), `testing` (the test run), `ci` (everything that must
//! hold), `models` (training).

mod bundles;
mod ci;
mod models;
mod peers;
mod plugins;
mod testing;
mod toolchain;
mod workspace;

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use toolchain::Choice;
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's commands", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the plugins, and the tests' guests, into components, and packs the plugins into bundles
    Plugins {
        /// Only the plugins, not the tests' guests
        #[arg(long)]
        no_guests: bool,
        /// Use this wasm tool chain and look for no other
        #[arg(long, value_enum)]
        toolchain: Option<Choice>,
    },
    /// Builds plugins and host, and runs `dinrail demo` with the arguments given here
    Demo {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Builds everything and runs every test
    Test {
        /// Passed on to the test runner, for instance a filter
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measures, and prints a table or with `--json` one line
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Proves the promises against faults with full counts and timing: all of them, or one row
    Prove {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Trains the models again, each by the script beside it
    Models {
        /// Only this one
        name: Option<String>,
    },
    /// Format, clippy, licences and bans, documentation, tests: what must hold before anything lands
    Ci,
}

/// Runs the command that the arguments name.
///
/// It stands in a library so that the documentation tests, which build libraries alone, have the same dependencies as
/// every other build, and cargo compiles nothing for them again.
#[must_use]
pub fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match task {
        Task::Plugins { no_guests, toolchain } => {
            let sets: &[plugins::Set] =
                if no_guests { &[plugins::Set::Plugins] } else { &[plugins::Set::Plugins, plugins::Set::Guests] };
            plugins::build(&workspace, sets, toolchain, plugins::Progress::Shown)?;
            workspace.build_host()?;
            bundles::pack(&workspace, &plugins::names(&workspace)?)?;
        }
        Task::Demo { arguments } => {
            plugins::build_with_host(&workspace, &[plugins::Set::Plugins])?;
            workspace.step("dinrail demo");
            return workspace.become_program(&mut demo(&workspace, &arguments));
        }
        Task::Test { arguments } => return testing::run(&workspace, &arguments),
        Task::Bench { arguments } => return testing::run_binary(&workspace, "bench", &arguments),
        Task::Prove { arguments } => return testing::run_binary(&workspace, "prove", &arguments),
        Task::Models { name } => models::train(&workspace, name.as_deref())?,
        Task::Ci => return ci::run(&workspace),
    }
    Ok(ExitCode::SUCCESS)
}

/// The demonstration's own configuration, where the arguments name no other.
fn demo(workspace: &Workspace, arguments: &[String]) -> Command {
    let unsaid = |names: &[&str]| !arguments.iter().any(|given| names.iter().any(|name| given.starts_with(name)));
    let mut dinrail = workspace.dinrail();
    dinrail.arg("demo");
    if unsaid(&["-c", "--config"]) {
        dinrail.arg("--config").arg(workspace.root().join("tests/scenarios/demo/dinrail.toml"));
    }
    dinrail.args(arguments);
    dinrail
}
