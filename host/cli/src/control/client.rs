//! The command line's end of the socket: asks, and prints the answer.

use super::alarms::alarm_table;
use super::bundles::{bundle_table, status_text};
use super::{Advice, Answer, Letter, MAX_LINE_BYTES, Request, Standing};
use crate::config;
use crate::run::{Ending, refuse};
use comfy_table::{ContentArrangement, Table, presets};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Why nothing was asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens.
    #[error("no controller answers at {}: {error}", path.display())]
    NoController {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The connection broke.
    #[error("the controller did not answer: {0}")]
    Broken(#[from] std::io::Error),
    /// It answered something else.
    #[error("the controller's answer is not understood; is it of another version? {0}")]
    Foreign(#[from] serde_json::Error),
}

/// Asks a controller.
pub fn ask(path: &Path, request: Request) -> Result<Answer, AskError> {
    let stream = UnixStream::connect(path).map_err(|error| AskError::NoController { path: path.to_owned(), error })?;
    let user = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let letter = Letter { user: user.unwrap_or_else(|| "unknown".to_owned()), request };
    let mut line = serde_json::to_vec(&letter)?;
    line.push(b'\n');
    let mut writer = &stream;
    writer.write_all(&line)?;
    let mut answer = Vec::new();
    BufReader::new((&stream).take(MAX_LINE_BYTES)).read_until(b'\n', &mut answer)?;
    Ok(serde_json::from_slice(&answer)?)
}

/// Which controller is meant.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Its configuration, which says where its socket is.
    pub config: Option<PathBuf>,
    /// Its socket.
    pub socket: Option<PathBuf>,
}

impl Which {
    /// Where its socket is: as told, as the configuration says, or the only one that is there.
    pub(crate) fn path(&self) -> Result<PathBuf, Ending> {
        if let Some(path) = &self.socket {
            return Ok(path.clone());
        }
        let folders = super::folders();
        if let Some(config) = &self.config {
            let site = config::load_site(config).map_err(|errors| refuse(&errors))?;
            let file = format!("{}.sock", site.name);
            return match &site.control {
                config::Control::Path(path) => Ok(path.clone()),
                config::Control::Default => answering(folders.iter().map(|folder| folder.join(&file)))
                    .pop()
                    .ok_or_else(|| nobody(&format!("no controller of the site `{}`", site.name))),
                config::Control::Off => {
                    eprintln!("dinrail: {} says `control = false`: its controller takes no words", config.display());
                    Err(Ending::Failed)
                }
            };
        }
        let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        let sockets = entries.map(|entry| entry.path());
        let mut sockets = answering(sockets.filter(|path| path.extension().is_some_and(|end| end == "sock")));
        sockets.sort();
        match sockets.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(nobody("no controller")),
            several => {
                let names: Vec<_> = several.iter().map(|path| path.display().to_string()).collect();
                eprintln!("dinrail: several controllers run here; say which by -c or --socket: {}", names.join(", "));
                Err(Ending::Failed)
            }
        }
    }
}

/// Those behind which somebody listens: a controller that was killed leaves its socket.
fn answering(paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    paths.filter(|path| UnixStream::connect(path).is_ok()).collect()
}

/// Says that nobody was found, and what to do.
fn nobody(who: &str) -> Ending {
    let uid = rustix::process::getuid().as_raw();
    eprintln!(
        "dinrail: {who} of this user (uid {uid}) runs here; ask as the user that runs it (`sudo -u USER dinrail …`), or name its \
         socket with --socket PATH"
    );
    Ending::Failed
}

/// Asks, and prints what came of it.
#[must_use]
pub fn command(which: &Which, request: Request, json: bool) -> Ending {
    let path = match which.path() {
        Ok(path) => path,
        Err(ending) => return ending,
    };
    match ask(&path, request) {
        Ok(answer) => print(&answer, json),
        Err(error) => {
            eprintln!("dinrail: {error}");
            Ending::Failed
        }
    }
}

fn print(answer: &Answer, json: bool) -> Ending {
    if json {
        match serde_json::to_string(answer) {
            Ok(line) => println!("{line}"),
            Err(error) => eprintln!("dinrail: {error}"),
        }
    } else {
        match answer {
            Answer::Advices { advices } if advices.is_empty() => println!("nothing waits for a word"),
            Answer::Advices { advices } => println!("{}", advice_table(advices)),
            Answer::Modes { modes } => println!("{}", mode_table(modes)),
            Answer::Alarms { alarms, watched } if !alarms.iter().any(super::AlarmLine::is_news) => {
                println!("no alarm; {watched} are watched");
            }
            Answer::Alarms { alarms, .. } => {
                let header = ["alarm", "priority", "state", "since", "", "what to do"];
                println!("{}", alarm_table(alarms, table(&header)));
            }
            Answer::Status { plugins, ended } => print!("{}", status_text(plugins, ended)),
            Answer::Bundles { bundles } if bundles.is_empty() => println!("no bundle is installed"),
            Answer::Bundles { bundles } => println!("{}", bundle_table(bundles)),
            Answer::Incidents { folder: Some(folder) } => println!("{folder}"),
            Answer::Incidents { folder: None } => println!("nothing is recorded"),
            Answer::Done { text } => println!("{text}"),
            Answer::Refused { why } => eprintln!("dinrail: {why}"),
        }
    }
    if matches!(answer, Answer::Refused { .. }) { Ending::Failed } else { Ending::Well }
}

pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

fn advice_table(advices: &[Advice]) -> Table {
    let mut lines = table(&["number", "output", "in force", "proposed", "why", "after a yes", "expires in"]);
    for advice in advices {
        let unit = &advice.unit;
        lines.add_row([
            advice.id.to_string(),
            advice.output.clone(),
            advice.applied.map_or("unknown".into(), |value| format!("{value:.4} {unit}")),
            format!("{:.4} {unit}", advice.setpoint),
            format!("{}: {}", advice.plugin, advice.reason),
            advice.guard.clone(),
            format!("{:.0} s", advice.expires_in_s),
        ]);
    }
    lines
}

fn mode_table(modes: &[Standing]) -> Table {
    let mut lines = table(&["", "name", "mode", "holds", "trip"]);
    for standing in modes {
        lines.add_row([
            standing.kind.as_str(),
            &standing.name,
            &standing.mode,
            standing.holds.as_deref().unwrap_or(""),
            &standing.trip.as_ref().map_or_else(String::new, |trip| format!("latched: {trip}")),
        ]);
    }
    lines
}
