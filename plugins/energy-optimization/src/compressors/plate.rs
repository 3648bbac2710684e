//! Nameplates: what a site knows of its compressors before anything is learnt.

use thiserror::Error;

/// A machine of one speed, loaded or unloaded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plate {
    /// Free air delivered at full load, in m³/min.
    pub flow: f64,
    /// Drawn at full load and rated pressure, in kW.
    pub power_kw: f64,
    /// Drawn while running without delivering, as a share of full power.
    pub idle_share: f64,
    /// What a start is worth, in kWh: its wear in money over the price of a kWh.
    pub start_kwh: f64,
    /// The machine's own controller puts off a stop sooner after the start.
    pub least_run_s: f64,
    /// It puts off a start sooner after the stop.
    pub least_off_s: f64,
    /// From a start until air comes.
    pub start_s: f64,
    /// Least flow of a variable machine as a share of full flow; 1 for one of one speed.
    pub least_share: f64,
}

/// The station.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// One to three machines of one speed.
    pub fixed: Vec<Plate>,
    /// The machine of variable speed.
    pub variable: Plate,
    /// Receiver and network, in m³.
    pub volume_m3: f64,
    /// The pressures that must not be left, in bar.
    pub band_bar: (f64, f64),
}

/// Why nameplates cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlateError {
    /// Not `name number` with commas between.
    #[error("`{0}` is not a name and a number")]
    Malformed(String),
    /// No such figure.
    #[error("a plate has no figure `{0}`; there are flow, power, idle, start, run, off, delay and least")]
    Unknown(String),
    /// One that must be there.
    #[error("`{0}` is missing, or not above zero")]
    Missing(&'static str),
    /// Too many or too few machines.
    #[error("{0} machines of one speed; one to {MOST_FIXED} can be sequenced")]
    Count(usize),
}

/// More of them make the plan's states too many for a call.
pub const MOST_FIXED: usize = 3;

impl Plate {
    /// Reads `flow 12, power 75, idle 0.3, start 5, run 360, off 240`: m³/min, kW, share, kWh, s, s; also `delay` in s and,
    /// for a variable machine, `least` as a share. What is left out is usual for a screw compressor.
    pub fn parse(text: &str) -> Result<Self, PlateError> {
        let mut plate = Self {
            flow: 0.0,
            power_kw: 0.0,
            idle_share: 0.3,
            start_kwh: 3.0,
            least_run_s: 300.0,
            least_off_s: 300.0,
            start_s: 10.0,
            least_share: 1.0,
        };
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let malformed = || PlateError::Malformed(part.to_owned());
            let (name, number) = part.split_once(char::is_whitespace).ok_or_else(malformed)?;
            let number: f64 =
                number.trim().parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0).ok_or_else(malformed)?;
            let figure = match name {
                "flow" => &mut plate.flow,
                "power" => &mut plate.power_kw,
                "idle" => &mut plate.idle_share,
                "start" => &mut plate.start_kwh,
                "run" => &mut plate.least_run_s,
                "off" => &mut plate.least_off_s,
                "delay" => &mut plate.start_s,
                "least" => &mut plate.least_share,
                _ => return Err(PlateError::Unknown(name.to_owned())),
            };
            *figure = number;
        }
        for (name, number) in [("flow", plate.flow), ("power", plate.power_kw), ("least", plate.least_share)] {
            if number <= 0.0 {
                return Err(PlateError::Missing(name));
            }
        }
        plate.least_share = plate.least_share.min(1.0);
        Ok(plate)
    }

    /// Reads several, with semicolons between.
    pub fn parse_fixed(text: &str) -> Result<Vec<Self>, PlateError> {
        let plates: Result<Vec<_>, _> =
            text.split(';').filter(|part| !part.trim().is_empty()).map(Self::parse).collect();
        let plates = plates?;
        if plates.is_empty() || plates.len() > MOST_FIXED { Err(PlateError::Count(plates.len())) } else { Ok(plates) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;

    #[test]
    fn plates_are_read_and_mistakes_are_named() {
        let plates = Plate::parse_fixed("flow 12, power 75, idle 0.28; flow 6, power 39, run 240").unwrap();
        assert_eq!(plates.len(), 2);
        assert_eq!((plates[0].idle_share, plates[1].least_run_s, plates[1].idle_share), (0.28, 240.0, 0.3));
        for (text, error) in [
            ("flow", PlateError::Malformed("flow".into())),
            ("flow x", PlateError::Malformed("flow x".into())),
            ("flow -3", PlateError::Malformed("flow -3".into())),
            ("flow 3, colour 4", PlateError::Unknown("colour".into())),
            ("flow 3", PlateError::Missing("power")),
            ("", PlateError::Count(0)),
        ] {
            assert_eq!(Plate::parse_fixed(text), Err(error), "{text}");
        }
    }
}
