//! A controller in virtual time whose one plugin counts its frames, and swaps of it: its score tells the count, so that a
//! frame that was lost, computed twice or computed without the state is seen in every later one.

use crate::environment;
use anyhow::{Result, anyhow, ensure};
use dinrail_cli::config::{self, Places};
use dinrail_cli::controller::Controller;
use dinrail_cli::controller::build::{self, Change, Workshop};
use dinrail_cli::controller::pace::Slot;
use dinrail_cli::controller::swap::{Candidate, Phase};
use dinrail_cli::view::View;
use dinrail_core::description::ParameterValue;
use dinrail_core::outcome::{Outcome, Results};
use dinrail_core::record::{ScanRecord, SwapStep};
use dinrail_core::swap::Criteria;
use dinrail_core::time::TimeNs;
use dinrail_store::installed::Intent;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// From one scan to the next, run time.
pub const PERIOD_NS: TimeNs = 10_000_000;

/// See the module.
pub struct Counting {
    /// The controller.
    pub controller: Controller,
    /// Number of the next scan.
    pub scan: u64,
    /// Frames that were answered.
    pub answered: u64,
    /// Frames with another outcome.
    pub unanswered: u64,
    /// Rows of the frames that were computed, in time or late: a frame after a late one has two.
    pub rows: u64,
    /// Scans in which the count was not the one before and one.
    pub jumps: u64,
    /// Every step of every swap.
    pub steps: Vec<SwapStep>,
    counted: Option<u64>,
    _folder: tempfile::TempDir,
}

impl Counting {
    /// In virtual time, with `padding` bytes of state beside the count.
    pub fn new(padding: usize) -> Result<Counting> {
        Counting::with_speed(padding, "\"max\"")
    }

    /// The same in real time: whoever calls [`Counting::scan`] keeps the pace.
    pub fn in_real_time(padding: usize) -> Result<Counting> {
        Counting::with_speed(padding, "1")
    }

    fn with_speed(padding: usize, speed: &str) -> Result<Counting> {
        let folder = tempfile::tempdir()?;
        let text = format!(
            r#"
[site]
control = false

[scan]
period = "10ms"
speed = {speed}

[sources.plant]
kind = "sim"
plant = "reactor"

[tags."reactor.temp"]
source = "plant"
unit = "Cel"

[plugins.count]
component = "counter.wasm"
inputs = {{ signals = ["reactor.temp"] }}
parameters = {{ padding = {padding} }}
"#
        );
        let guests = environment::guest("counter");
        let places =
            Places { plugins: vec![guests.parent().unwrap_or(Path::new(".")).to_path_buf()], ..Places::default() };
        let path = folder.path().join("dinrail.toml");
        let config = config::parse(&path, text, &places).map_err(|errors| anyhow!("{errors}"))?;
        let prepared = build::prepare(config, &Workshop::new()?)?;
        let clock: dinrail_field::link::Clock = Arc::new(|| 0);
        let assembly = prepared.assemble(&clock, View::none())?;
        Ok(Counting {
            controller: assembly.controller,
            scan: 0,
            answered: 0,
            unanswered: 0,
            rows: 0,
            jumps: 0,
            steps: Vec::new(),
            counted: None,
            _folder: folder,
        })
    }

    /// Another version of the counter: the same component with other parameters.
    pub fn candidate(&self, parameters: &[(&str, ParameterValue)], criteria: Criteria) -> Result<Candidate> {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let change = Change { parameters, ..Change::default() };
        let plugin = self.controller.preparer().candidate(0, &change).map_err(|errors| anyhow!("{errors}"))?;
        Ok(Candidate {
            plugin: Arc::new(plugin),
            title: "count 0.1.0".to_owned(),
            criteria,
            cold: false,
            intent: Some(intent()),
        })
    }

    /// Run time of the next scan.
    #[must_use]
    pub fn now_ns(&self) -> TimeNs {
        TimeNs::try_from(self.scan).unwrap_or(TimeNs::MAX) * PERIOD_NS
    }

    /// One scan.
    pub fn scan(&mut self) -> Result<ScanRecord> {
        let slot = Slot { scan: self.scan, now_ns: self.now_ns() };
        let record = self.controller.scan(slot);
        self.scan += 1;
        ensure!(record.instances.len() <= 1, "a frame with two owners: {record:?}");
        for instance in &record.instances {
            if !matches!(instance.report.outcome, Outcome::Skipped(_)) {
                self.rows += instance.frame.new_rows() as u64;
            }
            let Outcome::Answered(Results::Anomalies(anomalies)) = &instance.report.outcome else {
                self.unanswered += 1;
                continue;
            };
            self.answered += 1;
            // The score is 1 − 1/count.
            let count = anomalies.last().map(|anomaly| (1.0 / (1.0 - anomaly.score)).round() as u64);
            self.jumps += u64::from(self.counted.is_some() && count != self.counted.map(|before| before + 1));
            self.counted = count;
        }
        self.steps.extend(record.swaps.iter().cloned());
        Ok(record)
    }

    /// The last count that was told.
    #[must_use]
    pub fn counted(&self) -> u64 {
        self.counted.unwrap_or(0)
    }

    /// Scans until the newest swap is in this phase, or over.
    pub fn until(&mut self, phase: Phase, at_most: u64) -> Result<Phase> {
        for _ in 0..at_most {
            self.scan()?;
            let now = self.phase();
            if now == Some(phase) || now.is_some_and(Phase::is_over) {
                return now.ok_or_else(|| anyhow!("there is no swap"));
            }
        }
        Err(anyhow!("still in {:?} after {at_most} scans: {:?}", self.phase(), self.steps))
    }

    /// Where the newest swap is.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.controller.swaps().all().max_by_key(|swap| swap.number).map(|swap| swap.phase)
    }

    /// Why the newest swap ended.
    #[must_use]
    pub fn why(&self) -> String {
        let newest = self.controller.swaps().all().max_by_key(|swap| swap.number);
        newest.map_or_else(String::new, |swap| swap.why.clone())
    }
}

fn intent() -> Intent {
    Intent { digest: "0".repeat(64), parameters: BTreeMap::new(), from_generation: 1, capabilities: Vec::new() }
}

/// Five frames in shadow, fifty milliseconds of trial, and on by itself.
#[must_use]
pub fn quick() -> Criteria {
    Criteria { shadow_frames: 5, trial_ns: 50_000_000, automatic: true, ..Criteria::default() }
}
