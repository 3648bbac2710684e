//! The forecast's side of the host: inputs, parameters, rows in and quantiles out.

use dinrail_sdk::{Bindings, DemandForecast, Description, Fault, Frame, Input, Parameter, Parameters, Quality, Row};
use serde::{Deserialize, Serialize};

use super::periods::Periods;
use crate::forecast::{Forecaster, Kept, Settings};

/// Steps that the host takes of one call.
const MAX_TOLD: usize = 16_384;
/// The farthest that is forecast, in periods.
const MAX_HORIZON: f64 = 366.0;

/// Adds what the forecast reads.
pub(super) fn describe(description: Description) -> Description {
    description
        .input(Input::group("demand").about("What is forecast: one series a column, one period a row"))
        .input(
            Input::one("wanted")
                .optional()
                .about("Forecasts are told in rows where this is not 0; unbound: every `every` periods"),
        )
        .parameter(Parameter::number("period", 0.0).unit("s").range(0.0, 1e9).about(
            "Length of a period where rows come more often: of those within one, the first counts; 0: every row is a period",
        ))
        .parameter(Parameter::integer("every", 1).range(1.0, 1e6).about("Periods from one forecast to the next"))
        .parameter(
            Parameter::integer("horizon", 0).range(0.0, MAX_HORIZON).about("Periods ahead; 0: by the rows' distance"),
        )
        .parameter(
            Parameter::integer("season", 0)
                .range(0.0, MAX_HORIZON)
                .about("Periods of a season; 0: by the rows' distance, 1: there is none"),
        )
}

/// The parameter `period`.
pub(super) fn period_ns(parameters: &Parameters) -> Result<i64, Fault> {
    Ok((parameters.number("period")? * 1e9).round() as i64)
}

/// Values that are saved, of all series together: half a megabyte.
const MAX_SAVED: usize = 65_536;

/// What is saved.
#[derive(Serialize, Deserialize)]
pub struct Memory {
    /// One for each column.
    series: Vec<Kept>,
    since: u64,
    periods: Periods,
}

/// The forecasts of the bound columns.
pub struct DemandTask {
    columns: Vec<usize>,
    wanted: Option<usize>,
    every: u64,
    /// 0: every row is one.
    period_ns: i64,
    periods: Periods,
    settings: Settings,
    /// One for each column.
    series: Vec<Forecaster>,
    /// Periods since the last forecast.
    since: u64,
}

impl DemandTask {
    /// Binds it.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where nothing is bound.
    pub fn new(bindings: &Bindings, parameters: &Parameters) -> Result<Self, Fault> {
        let columns: Vec<usize> = bindings.columns_of("demand").iter().map(|column| column.index as usize).collect();
        if columns.is_empty() {
            return Err(Fault::Configuration("input `demand` is not bound".to_owned()));
        }
        let some = |name: &str| parameters.count(name).map(|count| (count > 0).then_some(count));
        let settings = Settings { season: some("season")?, horizon: some("horizon")? };
        Ok(Self {
            wanted: bindings.column("wanted"),
            every: parameters.count("every")? as u64,
            period_ns: period_ns(parameters)?,
            periods: Periods::default(),
            settings,
            series: vec![Forecaster::new(settings); columns.len()],
            since: 0,
            columns,
        })
    }

    /// Learns the new rows, and forecasts from the last of them where that is wanted.
    ///
    /// # Errors
    /// [`Fault::Input`] where the columns' forecasts are more than a call may tell.
    pub fn forecast(&mut self, frame: &Frame) -> Result<Vec<DemandForecast>, Fault> {
        let mut told = Vec::new();
        for row in frame.new_rows() {
            let is_known = self.columns.iter().any(|column| row.get(*column).is_some());
            if !self.periods.end_with(row.time_ns, self.period_ns, is_known) {
                continue;
            }
            for (series, column) in self.series.iter_mut().zip(&self.columns) {
                series.push(row.time_ns, row.get(*column));
            }
            self.since += 1;
            let due = match self.wanted {
                Some(column) => row.get(column).is_some_and(|wanted| wanted != 0.0),
                None => self.every <= self.since,
            };
            if due {
                self.since = 0;
                told.clear();
                self.tell(&row, &mut told);
            }
        }
        if told.len() > MAX_TOLD {
            let (series, steps) = (self.columns.len(), told.len());
            return Err(Fault::Input(format!("{series} columns have {steps} steps, a call tells {MAX_TOLD}")));
        }
        Ok(told)
    }

    fn tell(&self, row: &Row<'_>, told: &mut Vec<DemandForecast>) {
        for (series, column) in self.series.iter().zip(&self.columns) {
            // What is missing was filled in, and the forecast is from that.
            let quality = if row.get(*column).is_some() { Quality::Good } else { Quality::Uncertain };
            for (step, quantiles) in (1..).zip(series.forecast()) {
                let forecast = DemandForecast::new(row.index, *column as u32, step, quantiles);
                told.push(DemandForecast { quality: quality.code(), ..forecast });
            }
        }
    }

    /// What is saved: the newest values.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let most = MAX_SAVED / self.columns.len().max(1);
        Memory {
            series: self.series.iter().map(|series| series.kept(most)).collect(),
            since: self.since,
            periods: self.periods,
        }
    }

    /// The forecast of each column, for those who order by it.
    pub fn series(&self) -> impl Iterator<Item = (usize, &Forecaster)> {
        self.columns.iter().copied().zip(&self.series)
    }

    /// Goes on with what was saved.
    ///
    /// # Errors
    /// Where it is of another number of columns.
    pub fn restore(&mut self, memory: Memory) -> Result<(), String> {
        let (given, bound) = (memory.series.len(), self.columns.len());
        if given != bound {
            return Err(format!("it is of {given} series, and {bound} are bound"));
        }
        let settings = self.settings;
        self.series = memory.series.into_iter().map(|kept| Forecaster::relearnt(settings, kept)).collect();
        (self.since, self.periods) = (memory.since, memory.periods);
        Ok(())
    }
}
