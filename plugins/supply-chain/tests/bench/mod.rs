//! M4's hourly series against their test, as far as it is here.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use dinrail_sim::judge::forecast::{mase, naive2, owa, pinball, smape};
use supply_chain::forecast::{Forecaster, LEVELS, MEDIAN, Settings};

const HOUR_NS: i64 = 3_600_000_000_000;
const SEASON: usize = 24;

/// What came of some series.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// How many.
    pub(crate) series: f64,
    /// sMAPE and MASE, Naive2's sMAPE and MASE: sums.
    sums: [f64; 4],
    /// Truths at or below each quantile, and all.
    below: [f64; LEVELS.len()],
    judged: f64,
    /// Pinball loss over the scale of MASE.
    loss: f64,
    /// By member of the pool: sums of sMAPE, MASE and weight.
    members: Vec<[f64; 3]>,
}

impl Figures {
    /// sMAPE, MASE, Naive2's sMAPE and MASE.
    pub(crate) fn means(&self) -> [f64; 4] {
        self.sums.map(|sum| sum / self.series)
    }

    /// The overall weighted average.
    pub(crate) fn owa(&self) -> f64 {
        let [smape, mase, smape2, mase2] = self.means();
        owa(smape, mase, smape2, mase2).unwrap_or(f64::NAN)
    }

    /// The shares of truths at or below each quantile.
    pub(crate) fn shares(&self) -> [f64; LEVELS.len()] {
        self.below.map(|below| below / self.judged)
    }

    /// The largest difference between level and share.
    pub(crate) fn calibration_error(&self) -> f64 {
        LEVELS.iter().zip(self.shares()).map(|(level, share)| (share - level).abs()).fold(0.0, f64::max)
    }

    /// The mean quantile loss.
    pub(crate) fn loss(&self) -> f64 {
        self.loss / self.series
    }

    /// Each member's own OWA and mean weight.
    pub(crate) fn members(&self) -> Vec<[f64; 2]> {
        let [_, _, smape2, mase2] = self.means();
        let each = |[s, m, w]: &[f64; 3]| [0.5 * (s / smape2 + m / mase2) / self.series, w / self.series];
        self.members.iter().map(each).collect()
    }
}

/// All series, and the halves of them: every other one.
pub(crate) struct Report {
    /// All, one half, the other.
    pub(crate) parts: [Figures; 3],
    /// Of pushing all values and forecasting once.
    pub(crate) spent: Duration,
    /// The median series' slowest value: one at which the regressions are solved.
    pub(crate) slowest: Duration,
}

/// Forecasts each series that has a test.
pub(crate) fn run(folder: &Path) -> Result<Report> {
    let train = read(&folder.join("Hourly-train.csv"))?;
    let test = read(&folder.join("Hourly-test-odd.csv"))?;
    let mut report = Report { parts: Default::default(), spent: Duration::ZERO, slowest: Duration::ZERO };
    let mut slowest = Vec::new();
    for (at, (name, truth)) in test.iter().enumerate() {
        let history = train.get(name).with_context(|| format!("{name} has no past"))?;
        let begun = Instant::now();
        let mut forecaster = Forecaster::new(Settings::default());
        let mut most = Duration::ZERO;
        for (hour, value) in (0..).zip(history) {
            let pushed = Instant::now();
            forecaster.push(hour * HOUR_NS, Some(*value));
            most = most.max(pushed.elapsed());
        }
        slowest.push(most);
        let quantiles = forecaster.forecast();
        report.spent += begun.elapsed();
        for part in [0, 1 + at % 2] {
            judge(&mut report.parts[part], &forecaster, &quantiles, history, truth)?;
        }
    }
    slowest.sort();
    report.slowest = slowest.get(slowest.len() / 2).copied().unwrap_or_default();
    Ok(report)
}

fn judge(
    into: &mut Figures,
    forecaster: &Forecaster,
    quantiles: &[Vec<f64>],
    history: &[f64],
    truth: &[f64],
) -> Result<()> {
    let of_level = |level: usize| -> Vec<f64> { quantiles.iter().map(|step| step[level]).collect() };
    let naive = naive2(history, SEASON, truth.len())?;
    let both = |forecast: &[f64]| -> Result<[f64; 2]> {
        Ok([smape(truth, forecast)?, mase(history, truth, forecast, SEASON)?])
    };
    let ([s, m], [s2, m2]) = (both(&of_level(MEDIAN))?, both(&naive)?);
    into.series += 1.0;
    into.sums.iter_mut().zip([s, m, s2, m2]).for_each(|(sum, figure)| *sum += figure);
    into.judged += truth.len() as f64;
    let changes = history.iter().zip(history.iter().skip(SEASON)).map(|(before, now)| (now - before).abs());
    let scale = changes.sum::<f64>() / (history.len() - SEASON) as f64;
    for (at, level) in LEVELS.iter().enumerate() {
        let told = of_level(at);
        into.below[at] += truth.iter().zip(&told).filter(|(came, told)| came <= told).count() as f64;
        into.loss += pinball(truth, &told, *level)? / scale / LEVELS.len() as f64;
    }
    let (told, weights) = forecaster.course().context("a course")?.members();
    into.members.resize(told.len(), [0.0; 3]);
    for ((sums, told), weight) in into.members.iter_mut().zip(told).zip(weights) {
        let Some(told) = told else { continue };
        let [s, m] = both(&told)?;
        sums.iter_mut().zip([s, m, weight]).for_each(|(sum, figure)| *sum += figure);
    }
    Ok(())
}

/// The series of a file in their order within the names' numbers.
fn read(path: &Path) -> Result<BTreeMap<u32, Vec<f64>>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path)?;
    let mut all = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        let name = record.get(0).context("a name")?;
        let number = name.trim_start_matches('H').parse().with_context(|| format!("{name} has no number"))?;
        let fields = record.iter().skip(1).filter(|field| !field.is_empty());
        all.insert(number, fields.map(str::parse).collect::<Result<_, _>>()?);
    }
    Ok(all)
}
