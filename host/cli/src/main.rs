//! The `dinrail` command line.

mod arguments;

use arguments::{Arguments, BundleTask, Command, Incidents, Word, alarm_request, millis, places};
use clap::Parser;
use dinrail_cli::bundle;
use dinrail_cli::control::Request;
use dinrail_cli::replay::replay_file;
use dinrail_cli::run::{Ending, RunOptions};
use dinrail_cli::score::{ScoreEnding, ScoreOptions, score};
use dinrail_cli::sim::simulate;
use std::path::PathBuf;
use std::process::ExitCode;

/// A run that did what it should.
const EXIT_OK: u8 = 0;
/// A run that failed, or a demonstration that did not show what it should.
const EXIT_FAILED: u8 = 1;
/// A configuration that is refused.
const EXIT_REFUSED: u8 = 2;
/// A command line that is none.
const EXIT_USAGE: u8 = 64;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; a closed stdout is nobody's concern.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { EXIT_OK });
        }
    };
    dinrail_cli::plan_child::enable();
    let ending = match &arguments.command {
        Command::PlanModel { model } => dinrail_cli::plan_child::plan(model),
        Command::CompileComponent { component } => dinrail_cli::plan_child::compile(component),
        Command::Run { common, length, record } => {
            let options = RunOptions { record: record.clone(), ..length.options() };
            dinrail_cli::run::run_file(&common.config, &common.places(), &options)
        }
        Command::Check { common } => dinrail_cli::run::check_file(&common.config, &common.places()),
        Command::Score { names, plugin, seed, data, require_data, json, report, scenarios, plugins, models } => {
            let data = data.clone().or_else(|| std::env::var_os("DINRAIL_DATA").map(PathBuf::from));
            let options = ScoreOptions {
                names: names.clone(),
                plugin: plugin.clone(),
                seed: *seed,
                data,
                require_data: *require_data,
                json: *json,
                report: report.clone(),
                scenarios: scenarios.clone(),
            };
            return ExitCode::from(match score(&options, &places(plugins, models)) {
                ScoreEnding::Met => EXIT_OK,
                ScoreEnding::Missed => EXIT_FAILED,
                ScoreEnding::Refused => EXIT_REFUSED,
                ScoreEnding::Usage => EXIT_USAGE,
            });
        }
        Command::Bundle { task } => match task {
            BundleTask::Keygen { name } => bundle::keygen(name),
            BundleTask::Pack(pack) => bundle::pack(&pack.options(), &places(&pack.plugins, &None)),
            BundleTask::Sign { file, key, output } => bundle::sign(file, key, output.as_deref()),
            BundleTask::Verify { file, key } => bundle::verify(file, key),
            BundleTask::Inspect { file, json } => bundle::inspect(file, *json),
        },
        Command::Advise { which, word } => which.ask(match word {
            None | Some(Word::List) => Request::Advices,
            Some(Word::Accept { id }) => Request::Accept { id: *id },
            Some(Word::Reject { id, reason }) => Request::Reject { id: *id, reason: reason.clone() },
        }),
        Command::Mode { which, target: Some(target), mode: Some(mode) } => {
            which.ask(Request::Mode { target: target.clone(), mode: mode.clone() })
        }
        Command::Mode { which, .. } => which.ask(Request::Modes),
        Command::Status { which } => which.ask(Request::Status),
        Command::Plugins { which } => which.ask(Request::Bundles),
        Command::Install { which, file, downgrade, dry_run } => {
            // The controller has a folder of its own.
            let path = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            which.ask(Request::Install { path, downgrade: *downgrade, dry_run: *dry_run })
        }
        Command::Swap(swap) => swap.which.ask(swap.request()),
        Command::Commit { which, plugin } => which.ask(Request::Commit { plugin: plugin.clone() }),
        Command::Rollback { which, plugin, dry_run } => {
            which.ask(Request::Rollback { plugin: plugin.clone(), dry_run: *dry_run })
        }
        Command::Set { which, plugin, parameter, value, dry_run } => which.ask(Request::Set {
            plugin: plugin.clone(),
            parameter: parameter.clone(),
            value: value.clone(),
            dry_run: *dry_run,
        }),
        Command::Override { which, output, value, lasting, reason } => which.ask(Request::Override {
            output: output.clone(),
            value: *value,
            for_ms: millis(*lasting),
            reason: reason.clone(),
        }),
        Command::Release { which, output } => which.ask(Request::Release { output: output.clone() }),
        Command::Reset { which, output } => which.ask(Request::Reset { output: output.clone() }),
        Command::Alarms { which, word } => which.ask(alarm_request(word.as_ref())),
        Command::Audit { place, last, word } => place.carry_out(*last, word.as_ref()),
        Command::Incidents { which, what } => what.as_ref().unwrap_or(&Incidents::List).answer(which),
        Command::Replay(replay) => replay_file(&replay.options(), &places(&None, &replay.models)),
        Command::Sim(sim) => simulate(&sim.options()),
        Command::Describe { what, plugins } => dinrail_cli::describe::describe(what, &places(plugins, &None)),
        #[cfg(feature = "demo")]
        Command::Demo { common, length, seed } => {
            dinrail_cli::demo::demo(&common.config, &common.places(), &length.options(), *seed)
        }
    };
    ExitCode::from(match ending {
        Ending::Well => EXIT_OK,
        Ending::Failed => EXIT_FAILED,
        Ending::Refused => EXIT_REFUSED,
        Ending::Usage => EXIT_USAGE,
    })
}
