//! What is learnt of the machines: their powers by averaging, their flows and the pressure by a Kalman filter.
//!
//! The filter's state is the pressure and, for each machine and for the demand, by how much more than the papers say it moves
//! the pressure (Kalman 1960; the joint estimation of a state and of gains that enter it linearly). The demand's gain is
//! that of the volume, since the flow meter is right; a machine's over it is the machine's.

use serde::{Deserialize, Serialize};

use super::plate::Site;

/// The pressure, the demand, and the machines.
const STATES: usize = super::plate::MOST_FIXED + 3;
/// Where the machines' gains begin.
const FIRST: usize = 2;
/// Standard deviation that flows may have from their plates.
const FLOW_SD: f64 = 0.03;
/// Standard deviation that the volume may have from the papers.
const VOLUME_SD: f64 = 0.04;
/// Standard deviation of a pressure reading, in bar: a transmitter of 0.1 % of 10 bar.
const READING_SD_BAR: f64 = 0.01;
/// A reading so far from what is expected is not believed at once.
const GATE_BAR: f64 = 0.2;
/// Least weight of a new power reading; until there are as many, each counts as much as the others and the plate.
const POWER_WEIGHT: f64 = 0.02;
/// Standard deviation that powers may have from their plates.
const POWER_SD: f64 = 0.02;
/// A machine is hoped to be better than it is known to be, by this share of what is not known (a standard deviation): one
/// that is never tried stays unknown.
const HOPE: f64 = 0.5;
/// Share of full power at the share x of full flow, as c0 + c1·x + c2·x²: a usual screw with a frequency converter.
const CURVE: [f64; 3] = [0.08, 0.75, 0.17];

/// A machine of one speed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FixedModel {
    plate_flow: f64,
    ratio: f64,
    /// At rated pressure, in kW.
    pub power_kw: f64,
    /// In kW.
    pub idle_kw: f64,
    /// Power readings while loaded and unloaded.
    readings: [u32; 2],
}

impl FixedModel {
    /// In m³/min.
    pub fn flow(&self) -> f64 {
        self.plate_flow * self.ratio
    }

    /// Takes a power at rated pressure, loaded or not, in kW.
    fn learn(&mut self, loaded: bool, now: f64) {
        let [while_loaded, while_idle] = &mut self.readings;
        let (learnt, readings) =
            if loaded { (&mut self.power_kw, while_loaded) } else { (&mut self.idle_kw, while_idle) };
        // A reading far from its plate belongs to a change of state.
        if (now / *learnt - 1.0).abs() < 0.3 {
            *readings = readings.saturating_add(1);
            *learnt += (1.0 / (1.0 + f64::from(*readings))).max(POWER_WEIGHT) * (now - *learnt);
        }
    }
}

/// The variable machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VariableModel {
    plate_flow: f64,
    ratio: f64,
    least_share: f64,
    plate_kw: f64,
    /// In shares of the plate's power, by the share of full flow.
    curve: [f64; 3],
    /// Of the curve's coefficients, for recursive least squares.
    covariance: [[f64; 3]; 3],
}

impl VariableModel {
    /// Least and full flow, in m³/min.
    pub fn flows(&self) -> (f64, f64) {
        let full = self.plate_flow * self.ratio;
        (self.least_share * full, full)
    }

    /// At rated pressure, in kW.
    pub fn power_kw(&self, flow: f64) -> f64 {
        let x = flow / (self.plate_flow * self.ratio);
        self.plate_kw * (self.curve[0] + self.curve[1] * x + self.curve[2] * x * x)
    }

    /// The share of full flow that gives this flow.
    pub fn share(&self, flow: f64) -> f64 {
        (flow / (self.plate_flow * self.ratio)).clamp(self.least_share, 1.0)
    }

    /// Takes a power, in shares of the plate's at rated pressure.
    fn learn(&mut self, x: f64, power: f64) {
        let basis = [1.0, x, x * x];
        let gain = self.covariance.map(|row| row.iter().zip(basis).map(|(p, b)| p * b).sum::<f64>());
        let expected: f64 = self.curve.iter().zip(basis).map(|(c, b)| c * b).sum();
        // A meter of half a percent.
        let spread = 0.005_f64.powi(2) + gain.iter().zip(basis).map(|(g, b)| g * b).sum::<f64>();
        for (i, coefficient) in self.curve.iter_mut().enumerate() {
            *coefficient += gain[i] / spread * (power - expected);
        }
        for (i, row) in self.covariance.iter_mut().enumerate() {
            row.iter_mut().zip(gain).for_each(|(p, g)| *p -= gain[i] * g / spread);
        }
    }
}

/// What one reading says of a machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Drawn, in kW.
    pub power_kw: Option<f64>,
    /// It runs.
    pub on: bool,
    /// It delivers; for the variable machine this share of its full flow, for others 1.
    pub share: f64,
    /// Whether `share` is known: it is not where the machine's own controller sets it.
    pub known: bool,
}

/// The station as it is known now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Machines of one speed.
    pub fixed: Vec<FixedModel>,
    /// The variable machine.
    pub variable: VariableModel,
    /// In m³.
    pub volume_m3: f64,
    /// Growth of power for each bar, as a share; 6 to 7 % are usual.
    pub power_per_bar: f64,
    rated_bar: f64,
    plate_volume_m3: f64,
    bar: Option<f64>,
    /// By how much more than by the papers the demand and the machines move the pressure; the first is not used.
    gains: [f64; STATES],
    covariance: [[f64; STATES]; STATES],
    doubted: u32,
}

impl Model {
    /// By the plates.
    pub fn new(site: &Site) -> Self {
        let fixed = site.fixed.iter().map(|plate| FixedModel {
            plate_flow: plate.flow,
            ratio: 1.0,
            power_kw: plate.power_kw,
            idle_kw: plate.idle_share * plate.power_kw,
            readings: [0; 2],
        });
        let plate = &site.variable;
        let mut spread = [[0.0; 3]; 3];
        spread.iter_mut().enumerate().for_each(|(i, row)| row[i] = 0.02_f64.powi(2));
        // A gain is a flow over a volume: all share the volume's doubt.
        let mut covariance = [[VOLUME_SD.powi(2); STATES]; STATES];
        covariance.iter_mut().enumerate().skip(FIRST).for_each(|(i, row)| row[i] += FLOW_SD.powi(2));
        Self {
            fixed: fixed.collect(),
            variable: VariableModel {
                plate_flow: plate.flow,
                ratio: 1.0,
                least_share: plate.least_share,
                plate_kw: plate.power_kw,
                curve: CURVE,
                covariance: spread,
            },
            volume_m3: site.volume_m3,
            power_per_bar: 0.06,
            rated_bar: (site.band_bar.0 + site.band_bar.1) / 2.0,
            plate_volume_m3: site.volume_m3,
            bar: None,
            gains: [1.0; STATES],
            covariance,
            doubted: 0,
        }
    }

    /// How power at this pressure relates to rated power.
    pub fn pressure_factor(&self, bar: f64) -> f64 {
        1.0 + self.power_per_bar * (bar - self.rated_bar)
    }

    /// As plans are to see it: machines of which little is known draw less than they are known to.
    #[must_use]
    pub fn hopeful(&self) -> Self {
        let mut model = self.clone();
        for (which, machine) in model.fixed.iter_mut().enumerate() {
            let power = POWER_SD / (1.0 + f64::from(machine.readings[0]));
            // Of the ratio of two gains.
            let (p, own) = (&self.covariance, which + FIRST);
            let flow = (p[own][own] + p[1][1] - 2.0 * p[own][1]).max(0.0);
            machine.power_kw *= 1.0 - HOPE * (power * power + flow).sqrt();
        }
        model
    }

    /// The least that a m³ costs, in kWh.
    pub fn best_kwh_a_m3(&self) -> f64 {
        let fixed = self.fixed.iter().map(|m| m.power_kw / m.flow() / 60.0);
        fixed.fold(f64::INFINITY, f64::min)
    }

    /// The pressure, in bar; none before the first reading.
    pub fn bar(&self) -> Option<f64> {
        self.bar
    }

    /// Whether this describes the same machines, and every number is one.
    pub fn fits(&self, site: &Site) -> bool {
        let own = self.fixed.iter().map(|m| m.plate_flow).chain([self.variable.plate_flow, self.plate_volume_m3]);
        let theirs = site.fixed.iter().map(|p| p.flow).chain([site.variable.flow, site.volume_m3]);
        let learnt = self.fixed.iter().flat_map(|m| [m.ratio, m.power_kw, m.idle_kw]);
        let rest = self.variable.curve.iter().chain(self.covariance.iter().flatten()).copied();
        self.fixed.len() == site.fixed.len()
            && own.eq(theirs)
            && learnt
                .chain(rest)
                .chain(self.bar)
                .chain(self.gains)
                .chain([self.variable.ratio, self.volume_m3])
                .all(f64::is_finite)
            && self.variable.covariance.iter().flatten().all(|x| x.is_finite())
    }

    /// Takes what happened in the last `dt_s` seconds: the machines, what was drawn in m³/min and how far that may be
    /// off, the pressure now.
    pub fn update(&mut self, dt_s: f64, seen: &[Seen], drawn: (f64, f64), pressure: Option<f64>) {
        self.predict(dt_s, seen, drawn);
        if let Some(reading) = pressure {
            self.correct(reading);
        }
        if let Some(bar) = self.bar {
            self.learn_powers(seen, self.pressure_factor(bar));
        }
    }

    fn predict(&mut self, dt_s: f64, seen: &[Seen], (drawn, doubt): (f64, f64)) {
        let Some(bar) = self.bar.as_mut() else { return };
        let fixed = self.fixed.len();
        let gain = dt_s / 60.0 / self.plate_volume_m3;
        let mut by = [0.0; STATES];
        by[1] = -gain * drawn;
        for (which, machine) in seen.iter().enumerate().take(fixed + 1) {
            let flow = self.fixed.get(which).map_or(self.variable.plate_flow, |m| m.plate_flow);
            by[which + FIRST] = gain * flow * machine.share;
        }
        let unknown = seen.iter().any(|machine| !machine.known);
        *bar += self.gains.iter().zip(by).skip(1).map(|(g, b)| g * b).sum::<f64>();
        // P ← F P Fᵀ + Q with F the identity but for its first row, (1, by).
        let p = &mut self.covariance;
        let top: [f64; STATES] = std::array::from_fn(|j| p[0][j] + (1..STATES).map(|k| by[k] * p[k][j]).sum::<f64>());
        let corner = top[0] + (1..STATES).map(|k| top[k] * by[k]).sum::<f64>();
        for j in 0..STATES {
            p[0][j] = top[j];
            p[j][0] = top[j];
        }
        let sd = gain * doubt + if unknown { 0.1 } else { 0.0 };
        p[0][0] = corner + sd * sd;
    }

    fn correct(&mut self, reading: f64) {
        let Some(bar) = self.bar else {
            self.restart(reading);
            return;
        };
        let off = reading - bar;
        if off.abs() > GATE_BAR {
            // One wild reading is a disturbance, three are a pressure.
            self.doubted += 1;
            if self.doubted >= 3 {
                self.restart(reading);
            }
            return;
        }
        self.doubted = 0;
        let spread = self.covariance[0][0] + READING_SD_BAR.powi(2);
        let gain: [f64; STATES] = std::array::from_fn(|i| self.covariance[i][0] / spread);
        self.bar = Some(bar + gain[0] * off);
        for (own, g) in self.gains.iter_mut().zip(gain).skip(1) {
            *own = (*own + g * off).clamp(0.7, 1.4);
        }
        let demand = self.gains[1];
        self.volume_m3 = self.plate_volume_m3 / demand;
        for (machine, own) in self.fixed.iter_mut().zip(&self.gains[FIRST..]) {
            machine.ratio = own / demand;
        }
        self.variable.ratio = self.gains.get(self.fixed.len() + FIRST).map_or(1.0, |own| own / demand);
        let row = self.covariance[0];
        for (own, gain) in self.covariance.iter_mut().zip(gain) {
            own.iter_mut().zip(row).for_each(|(covariance, first)| *covariance -= gain * first);
        }
    }

    fn restart(&mut self, reading: f64) {
        (self.bar, self.doubted) = (Some(reading), 0);
        for j in 0..STATES {
            self.covariance[0][j] = 0.0;
            self.covariance[j][0] = 0.0;
        }
        self.covariance[0][0] = READING_SD_BAR.powi(2);
    }

    fn learn_powers(&mut self, seen: &[Seen], factor: f64) {
        for (machine, seen) in self.fixed.iter_mut().zip(seen) {
            let Some(kw) = seen.power_kw.filter(|_| seen.on) else { continue };
            let loaded = seen.share > 0.0;
            machine.learn(loaded, if loaded { kw / factor } else { kw });
        }
        if let Some(seen) = seen.get(self.fixed.len())
            && let Some(kw) = seen.power_kw.filter(|_| seen.on && seen.known && seen.share > 0.0)
        {
            let flow = seen.share * self.variable.plate_flow * self.variable.ratio;
            let expected = self.variable.power_kw(flow) * factor;
            if (kw / expected - 1.0).abs() < 0.3 {
                self.variable.learn(seen.share, kw / factor / self.variable.plate_kw);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::super::plate::Plate;
    use super::*;

    #[test]
    fn a_machine_is_hoped_to_be_better_until_it_was_seen() {
        let site = Site {
            fixed: Plate::parse_fixed("flow 12, power 75; flow 6, power 39").unwrap(),
            variable: Plate::parse("flow 10, power 68, least 0.3").unwrap(),
            volume_m3: 20.0,
            band_bar: (6.5, 7.5),
        };
        let mut model = Model::new(&site);
        let hope =
            |model: &Model, which: usize| 1.0 - model.hopeful().fixed[which].power_kw / model.fixed[which].power_kw;
        assert!((0.015..0.02).contains(&hope(&model, 1)), "{}", hope(&model, 1));
        // The first machine fills the receiver and stands in turns; its power is 2 % above its plate.
        let (mut bar, mut loaded) = (7.0, false);
        for _ in 0..1080 {
            let flow = if loaded { 12.0 } else { 0.0 };
            bar += (flow - 6.0) / 6.0 / 20.0;
            let power_kw = Some(if loaded { 76.5 * model.pressure_factor(bar) } else { 22.5 });
            let still = Seen { power_kw: Some(0.0), on: false, share: 0.0, known: true };
            let first = Seen { power_kw, on: true, share: if loaded { 1.0 } else { 0.0 }, known: true };
            model.update(10.0, &[first, still, still], (6.0, 0.1), Some(bar));
            loaded = if loaded { bar < 7.3 } else { bar < 6.7 };
        }
        assert!((model.fixed[0].power_kw / 76.5 - 1.0).abs() < 0.002, "{}", model.fixed[0].power_kw);
        assert!(hope(&model, 0) < 0.01, "{}", hope(&model, 0));
        assert!(0.015 < hope(&model, 1), "{}", hope(&model, 1));
        assert_eq!(model.hopeful().fixed[0].flow(), model.fixed[0].flow());
    }
}
