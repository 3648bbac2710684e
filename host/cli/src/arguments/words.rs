//! Words to a running controller, and what it left behind.

use super::parse_duration;
use clap::Subcommand;
use dinrail_cli::audit::{self, Place};
use dinrail_cli::control::client::{self, Which};
use dinrail_cli::control::{Request, SwapTerms};
use dinrail_cli::run::Ending;
use dinrail_store::audit::Hash;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub(crate) enum Incidents {
    /// Shows those that are kept.
    List,
    /// Has one written of the last minutes.
    Take {
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
    /// Says what is in one.
    Show {
        /// The incident.
        #[arg(value_name = "FILE.tar.gz")]
        file: PathBuf,
    },
}

impl Incidents {
    pub(crate) fn answer(&self, which: &Reach) -> Ending {
        match self {
            Incidents::List => dinrail_cli::incidents::list(&which.meant(), which.json),
            Incidents::Take { reason } => which.ask(Request::TakeIncident { reason: reason.clone() }),
            Incidents::Show { file } => dinrail_cli::incidents::show(file, which.json),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct SwapCommand {
    #[command(flatten)]
    pub(crate) which: Reach,
    /// The plugin, as the configuration calls it.
    pub(crate) plugin: String,
    /// The installed bundle: NAME, NAME@1 or NAME@1.2.3.
    pub(crate) bundle: String,
    /// Frames that both compute in shadow.
    #[arg(long, value_name = "FRAMES")]
    pub(crate) shadow: Option<u64>,
    /// Share of frames whose answers may differ, from 0 to 1.
    #[arg(long, value_name = "SHARE")]
    pub(crate) divergence: Option<f64>,
    /// What counts as different, as a part of a number's size.
    #[arg(long, value_name = "PART")]
    pub(crate) tolerance: Option<f64>,
    /// Frames that the candidate may miss in shadow.
    #[arg(long, value_name = "FRAMES")]
    pub(crate) misses: Option<u64>,
    /// How long the trial lasts, run time.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) trial: Option<Duration>,
    /// Goes on by itself; else `dinrail commit` takes it from step to step.
    #[arg(long)]
    pub(crate) auto: bool,
    /// Begins without the state of the version before, where it can't take it over.
    #[arg(long)]
    pub(crate) cold: bool,
    /// Grants what it asks for beyond what the version before has.
    #[arg(long)]
    pub(crate) grant: bool,
    /// Tries a bundle once more that two failed swaps have barred.
    #[arg(long)]
    pub(crate) again: bool,
    /// Only says what would be.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl SwapCommand {
    pub(crate) fn request(&self) -> Request {
        let terms = SwapTerms {
            shadow_frames: self.shadow,
            divergence: self.divergence,
            tolerance: self.tolerance,
            misses: self.misses,
            trial_ms: self.trial.map(millis),
            automatic: self.auto,
            cold: self.cold,
            grant: self.grant,
            again: self.again,
        };
        Request::Swap { plugin: self.plugin.clone(), bundle: self.bundle.clone(), terms, dry_run: self.dry_run }
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Word {
    /// Shows what waits.
    List,
    /// Yes: it is judged again and taken.
    Accept {
        /// Its number.
        id: u64,
    },
    /// No: it is not asked again until another value is proposed.
    Reject {
        /// Its number.
        id: u64,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AlarmWord {
    /// You know of it.
    Ack {
        /// The alarm.
        name: String,
    },
    /// Puts it aside for a time, at most 12 hours; it tells nothing meanwhile.
    Shelve {
        /// The alarm.
        name: String,
        /// How long: 30min, 2h.
        #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
        length: Duration,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
    /// Takes it back.
    Unshelve {
        /// The alarm.
        name: String,
    },
}

pub(crate) fn alarm_request(word: Option<&AlarmWord>) -> Request {
    match word {
        None => Request::Alarms,
        Some(AlarmWord::Ack { name }) => Request::Acknowledge { alarm: name.clone() },
        Some(AlarmWord::Shelve { name, length, reason }) => Request::Shelve {
            alarm: name.clone(),
            for_ms: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
            reason: reason.clone(),
        },
        Some(AlarmWord::Unshelve { name }) => Request::Unshelve { alarm: name.clone() },
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditWord {
    /// Checks the chain: exit code 2 where something was changed, or is missing.
    Verify {
        /// The hash of an entry that was kept elsewhere: shows whether the end was cut off.
        #[arg(long, value_name = "HASH", value_parser = parse_hash)]
        head: Option<Hash>,
    },
}

pub(crate) fn parse_hash(text: &str) -> Result<Hash, String> {
    Hash::parse(text).ok_or_else(|| "a hash has 64 hexadecimal digits in lower case".to_owned())
}

/// The store that is meant.
#[derive(Debug, clap::Args)]
pub(crate) struct StorePlace {
    /// The configuration whose `[site] store` it is.
    #[arg(short, long, value_name = "FILE.toml", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Its folder.
    #[arg(long, value_name = "DIR", conflicts_with = "config", global = true)]
    pub(crate) store: Option<PathBuf>,
    /// Prints one line of JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl StorePlace {
    pub(crate) fn carry_out(&self, last: usize, word: Option<&AuditWord>) -> Ending {
        let place = Place { config: self.config.clone(), store: self.store.clone() };
        match word {
            None => audit::show(&place, last, self.json),
            Some(AuditWord::Verify { head }) => audit::check(&place, *head, self.json),
        }
    }
}

/// The running controller that is meant; where only one runs, nothing need be said.
#[derive(Debug, clap::Args)]
pub(crate) struct Reach {
    /// Its configuration.
    #[arg(short, long, value_name = "FILE.toml", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Its control socket.
    #[arg(long, value_name = "PATH", conflicts_with = "config", global = true)]
    pub(crate) socket: Option<PathBuf>,
    /// Prints one line of JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Reach {
    pub(crate) fn meant(&self) -> Which {
        Which { config: self.config.clone(), socket: self.socket.clone() }
    }

    pub(crate) fn ask(&self, request: Request) -> Ending {
        client::command(&self.meant(), request, self.json)
    }
}
