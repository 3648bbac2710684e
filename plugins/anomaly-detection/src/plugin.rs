//! The plugin: its description, frames in, results out.

use dinrail_sdk::{
    Anomaly, AnomalyDetection, Bindings, Description, Fault, Frame, Input, ModelSlot, Parameter, Parameters, Quality,
    Row, Severity, inference, log, metrics,
};

use crate::calibration::{CELLS_MAX, CHANNELS_MAX};
use crate::chart::SERIES_MIN;
use crate::detector::{Gravity, Judgement, Trust};
use crate::novelty::{Reconstruct, WINDOW};
use crate::states::{Method, Rules, STATES_MAX, States};
use crate::waveform::{FEATURES, features};

/// The slot's name, as the configuration grants it.
const MODEL: &str = "channel";
/// Of what `save` gives.
const STATE_VERSION: u32 = 3;

/// Whether a unit is that of a vibration: velocity or acceleration as vibration sensors give it (UCUM).
#[must_use]
pub fn is_vibration(unit: &str) -> bool {
    ["mm/s", "m/s2", "mm/s2", "[g]"].contains(&unit)
}

/// An instance at work.
pub struct Plugin {
    watch: Watch,
    model: Host,
}

/// Everything of the plugin that needs no host.
pub struct Watch {
    /// Columns of the signals; their channels come first.
    columns: Vec<usize>,
    /// `block.column` of the waveforms; [`FEATURES`] channels each.
    waveforms: Vec<u32>,
    /// For each channel, whether it speaks of shaking.
    vibration: Vec<bool>,
    warmup: usize,
    /// Column of the phase; none: there is one state.
    phase: Option<usize>,
    rules: Rules,
    states: States,
}

/// The granted model.
struct Host {
    model: inference::Model,
    /// Whether the last run failed: said once.
    failing: bool,
}

impl Reconstruct for Host {
    type Error = inference::Error;

    fn reconstruct(&mut self, windows: &[f32]) -> Result<Vec<f32>, Self::Error> {
        self.model.run_one(&[(windows.len() / WINDOW) as u32, WINDOW as u32], windows)
    }
}

impl Watch {
    /// For these bindings.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where there is nothing to watch, or more than the state can hold.
    pub fn new(bindings: &Bindings, parameters: &Parameters) -> Result<Self, Fault> {
        let (signals, waves) = (bindings.columns_of("signals"), bindings.columns_of("waveforms"));
        let warmup = parameters.count("warmup")?;
        let channels = signals.len() + FEATURES * waves.len();
        if signals.is_empty() {
            return Err(Fault::Configuration("`signals` is bound to no tag".into()));
        }
        let phase = bindings.column("phase");
        // With states, several may learn at the same time.
        let cells_max = if phase.is_some() { CELLS_MAX / STATES_MAX } else { CELLS_MAX };
        if channels > CHANNELS_MAX || channels * warmup > cells_max {
            return Err(Fault::Configuration(format!(
                "{} tags and {} waveforms are {channels} channels; at most {CHANNELS_MAX}, and {cells_max} in all over \
                 `warmup` = {warmup} rows: bind fewer, use two plugins, or shorten `warmup`",
                signals.len(),
                waves.len()
            )));
        }
        let mut vibration: Vec<bool> = signals.iter().map(|column| is_vibration(&column.unit)).collect();
        vibration.resize(channels, true);
        Ok(Watch {
            columns: signals.iter().map(|column| column.index as usize).collect(),
            waveforms: waves.iter().map(|column| column.index).collect(),
            vibration,
            warmup,
            phase,
            rules: Rules::new(parameters.count("settle")?, parameters.text("silent")?)?,
            states: States::new(Method::new(parameters.text("method")?, signals.len(), channels, warmup)?),
        })
    }

    /// Judges the new rows; and says how often the model failed, and why the first time.
    pub fn detect<M: Reconstruct>(&mut self, frame: &Frame, model: &mut M) -> (Vec<Anomaly>, Option<M::Error>) {
        let (mut results, mut failure) = (Vec::new(), None);
        let rows: Vec<Row<'_>> = frame.new_rows().collect();
        for (at, row) in rows.iter().enumerate() {
            let samples = self.samples(frame, &rows, at, row);
            let phase = self.phase.map_or(Some(0.0), |column| row.get(column));
            let judgement = match self.states.enter(phase, &self.rules) {
                None => Judgement::none(false),
                Some(Method::Series(series)) => series.row(row.time_ns, samples.first().copied().flatten()),
                Some(Method::Channels(detector)) => {
                    let (judgement, ran) = detector.row(&samples, &self.vibration, self.warmup, model);
                    failure = failure.or(ran.err());
                    judgement
                }
            };
            results.push(self.result(row.index, &judgement));
            if at + 1 == rows.len() {
                metrics::gauge("score", judgement.score);
                metrics::gauge("q", judgement.q);
                metrics::gauge("t2", judgement.t2);
            }
        }
        (results, failure)
    }

    /// One sample a channel. A waveform belongs to the first new row that is not older than it, else to the last one.
    fn samples(&self, frame: &Frame, rows: &[Row<'_>], at: usize, row: &Row<'_>) -> Vec<Option<f64>> {
        let mut samples: Vec<Option<f64>> = self.columns.iter().map(|&column| row.get(column)).collect();
        for &waveform in &self.waveforms {
            let belongs = |time_ns: i64| rows.iter().position(|row| row.time_ns >= time_ns).unwrap_or(rows.len() - 1);
            let newest = frame.blocks_of(waveform).filter(|block| belongs(block.time_ns) == at).last();
            match newest.and_then(|block| features(&block.samples)) {
                Some(found) => samples.extend(found.map(Some)),
                None => samples.extend([None; FEATURES]),
            }
        }
        samples
    }

    fn result(&self, row: u32, judgement: &Judgement) -> Anomaly {
        let severity = match (judgement.gravity, judgement.trust) {
            (Gravity::None, Trust::Uncertain) | (Gravity::Slight, _) => Severity::Warning,
            (Gravity::None, _) => Severity::Info,
            (Gravity::Clear, _) => Severity::Alarm,
            (Gravity::Grave, _) => Severity::Critical,
        };
        let quality = match judgement.trust {
            Trust::Good => Quality::Good,
            Trust::Uncertain => Quality::Uncertain,
            Trust::None => Quality::Bad,
        };
        let anomaly = match judgement.alarm {
            true => Anomaly::alarm(row, judgement.score, severity),
            false => Anomaly { severity, ..Anomaly::score(row, judgement.score) },
        };
        anomaly.with_quality(quality).because_of(self.shares(&judgement.named))
    }

    /// By column. A waveform has none: its share goes to the vibration values, in equal parts, if there are any.
    fn shares(&self, named: &[(usize, f64)]) -> Vec<(u32, f64)> {
        let shaking: Vec<usize> = (0..self.columns.len()).filter(|&channel| self.vibration[channel]).collect();
        let mut shares: Vec<(u32, f64)> = Vec::new();
        let mut add = |channel: usize, share: f64| {
            let column = self.columns[channel] as u32;
            match shares.iter_mut().find(|(known, _)| *known == column) {
                Some((_, sum)) => *sum += share,
                None => shares.push((column, share)),
            }
        };
        for &(channel, share) in named {
            if channel < self.columns.len() {
                add(channel, share);
            } else {
                shaking.iter().for_each(|&to| add(to, share / shaking.len() as f64));
            }
        }
        shares.iter_mut().for_each(|(_, share)| *share = share.clamp(0.0, 1.0));
        shares
    }

    /// The state, in postcard's format: at most 640 KB of first rows, and about half a kilobyte a channel; of a series at
    /// most 80 KB.
    ///
    /// # Errors
    /// [`Fault::Internal`] where it cannot be written.
    pub fn save(&self) -> Result<Vec<u8>, Fault> {
        // At its full size from the start: growing by doubling would need the memory three times.
        let bytes = Vec::with_capacity(self.states.size_hint());
        postcard::to_extend(&self.states, bytes).map_err(|error| Fault::Internal(format!("state: {error}")))
    }

    /// Takes over a saved state.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where it is of another version or of other channels.
    pub fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        if version != STATE_VERSION {
            return Err(Fault::Configuration(format!("state of version {version}; this plugin reads {STATE_VERSION}")));
        }
        let saved: States =
            postcard::from_bytes(state).map_err(|error| Fault::Configuration(format!("state: {error}")))?;
        let channels = self.vibration.len();
        if !self.states.admits(&saved, channels, self.warmup) {
            return Err(Fault::Configuration(format!("the state is not one of this method and {channels} channels")));
        }
        self.states = saved;
        Ok(())
    }
}

impl AnomalyDetection for Plugin {
    fn describe() -> Description {
        Description::new(
            "anomaly-detection",
            env!("CARGO_PKG_VERSION"),
            "Learns from its first rows what is normal, then finds sick machines and lying sensors",
        )
        .input(Input::group("signals").about("What is watched: any number of tags, any unit"))
        .input(Input::group("waveforms").waveform().optional().about("Vibration blocks, each watched by three numbers"))
        .input(Input::one("phase").optional().about(
            "The operating state, recipe or product as a number: each of up to 8 values has a baseline of its own",
        ))
        .parameter(
            Parameter::integer("settle", 10)
                .about("Rows after a change of `phase` that are neither judged nor learnt from")
                .range(0.0, 100_000.0),
        )
        .parameter(Parameter::text("silent", "").about("Values of `phase` in which nothing is judged: \"0, 3\""))
        .parameter(
            Parameter::integer("warmup", 400)
                .about("Rows that it learns from, which must have seen every usual load (a day where there are shifts); below 400 its limits are wider, below 80 each channel is judged only by itself")
                .range(SERIES_MIN as f64, 20_000.0),
        )
        .parameter(
            Parameter::choice("method", "auto", &["auto", "channels", "series"])
                .about("`series`: one signal against its own past, which `auto` takes for one alone; `channels`: any number"),
        )
        .model(
            ModelSlot::new(MODEL)
                .about("Redraws one channel's window; the channels are its batch")
                .input("window", &[None, Some(WINDOW as u32)])
                .output("reconstruction", &[None, Some(WINDOW as u32)]),
        )
        .result("score", "0.5 at the threshold, towards 1 beyond it", "1")
        .result("alarm", "1 while an alarm stands, else 0", "")
        .result("severity", "0 worth knowing, 1 worth a look, 2 somebody should act, 3 now", "")
        .state_version(STATE_VERSION)
    }

    fn configure(bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        let watch = Watch::new(&bindings, &parameters)?;
        Ok(Plugin { watch, model: Host { model: inference::Model::open(MODEL)?, failing: false } })
    }

    fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault> {
        let (results, failure) = self.watch.detect(frame, &mut self.model);
        if let Some(error) = &failure {
            metrics::count("model_failures", 1);
            if !self.model.failing {
                log::warn(&format!("judging without the model: {error:?}"));
            }
        }
        if self.watch.states.is_full() {
            metrics::count("rows_of_one_state_too_many", 1);
        }
        self.model.failing = failure.is_some();
        Ok(results)
    }

    fn save(&self) -> Result<Vec<u8>, Fault> {
        self.watch.save()
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        self.watch.restore(version, state)
    }
}
