//! A bearing whose vibration is bound.

use dinrail_sdk::{Bindings, Fault, Frame, Health, Parameters, Quality, Row, metrics};

use super::STATE_VERSION;
use crate::bearing::features::Block;
use crate::bearing::{self, BearingHealth, BearingState, BearingWatch, Trust};

const HOUR_S: f64 = 3_600.0;
const SECOND_NS: f64 = 1e9;

/// An instance at work.
pub struct Bearing {
    waveform: u32,
    speed: Option<usize>,
    watch: BearingWatch,
}

impl Bearing {
    /// For these bindings.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where the waveform or a parameter is missing.
    pub fn new(bindings: &Bindings, parameters: &Parameters) -> Result<Self, Fault> {
        // 0 stands for an order that is not known.
        let order = |name| parameters.number(name).map(|order| (order > 0.0).then_some(order));
        let known = bearing::Parameters {
            outer: order("bpfo")?,
            inner: order("bpfi")?,
            rolling: order("bsf")?.map(|spin| 2.0 * spin),
            cage: order("ftf")?,
            speed_per_min: order("speed")?,
            learn_blocks: u32::try_from(parameters.count("learn_blocks")?).unwrap_or(u32::MAX),
            failure_ratio: parameters.number("failure_ratio")?,
            ..bearing::Parameters::default()
        };
        let waveform = u32::try_from(bindings.require("waveform")?).unwrap_or(u32::MAX);
        Ok(Bearing { waveform, speed: bindings.column("speed"), watch: BearingWatch::new(known) })
    }

    /// One assessment a new row; a block belongs to the first new row that is not older than it, else to the last one.
    pub fn assess(&mut self, frame: &Frame) -> Vec<Health> {
        let rows: Vec<Row<'_>> = frame.new_rows().collect();
        let belongs = |time_ns: i64| rows.iter().position(|row| row.time_ns >= time_ns).unwrap_or(rows.len() - 1);
        let mut results = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            let speed = self.speed.and_then(|column| row.get(column));
            for block in frame.blocks_of(self.waveform).filter(|block| belongs(block.time_ns) == at) {
                let time_s = block.time_ns as f64 / SECOND_NS;
                let given = Block { samples: &block.samples, rate_hz: block.rate_hz };
                self.watch.observe(time_s, Some(given), speed);
            }
            results.push(health(row.index, &self.watch.health()));
        }
        if let Some(signs) = self.watch.health().signs {
            metrics::gauge("rms", signs.rms);
            metrics::gauge("kurtosis", signs.kurtosis);
            metrics::gauge("crest", signs.crest);
            metrics::gauge("ringing", signs.ringing);
        }
        results
    }

    /// The state, in postcard's format: some kilobytes.
    ///
    /// # Errors
    /// [`Fault::Internal`] where it cannot be written.
    pub fn save(&self) -> Result<Vec<u8>, Fault> {
        postcard::to_allocvec(self.watch.state()).map_err(|error| Fault::Internal(format!("state: {error}")))
    }

    /// Takes over a saved state.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where it is of another version or of another bearing.
    pub fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        if version != STATE_VERSION {
            return Err(Fault::Configuration(format!("state of version {version}; this plugin reads {STATE_VERSION}")));
        }
        let state: BearingState =
            postcard::from_bytes(state).map_err(|error| Fault::Configuration(format!("state: {error}")))?;
        match self.watch.restore(state) {
            true => Ok(()),
            false => Err(Fault::Configuration("the state is not one of this bearing".into())),
        }
    }
}

/// The life in hours.
fn health(row: u32, said: &BearingHealth) -> Health {
    let quality = match said.trust {
        Trust::Good => Quality::Good,
        Trust::Uncertain => Quality::Uncertain,
        Trust::Bad => Quality::Bad,
    };
    let health = Health::new(row, said.index).mode(said.mode.name()).with_quality(quality);
    match said.life {
        Some(life) => {
            health.life(life.median_s / HOUR_S, life.lower_s / HOUR_S, life.upper_s.map(|upper_s| upper_s / HOUR_S))
        }
        None => health,
    }
}
