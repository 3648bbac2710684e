//! The values of the next periods, with quantiles, learnt from a series' own past alone.
//!
//! - [`course`]: a series whose seasons are settled
//! - [`season`]: which seasons rows so far apart can have, or are found
//! - [`history`]: equally spaced values without gaps
//! - [`shift`]: new levels
//! - [`pool`]: the simple forecasters that are mixed
//! - [`simple`]: those of them that solve nothing
//! - [`regression`] and [`moments`]: what the others do
//! - [`mixture`]: who was right lately
//! - [`bands`]: from past errors to quantiles
//! - [`intermittent`]: demand that comes now and then

pub mod course;

pub mod season;

pub mod history;

pub mod shift;

pub mod pool;

pub mod simple;

pub mod regression;

pub mod moments;

pub mod mixture;

pub mod bands;

pub mod intermittent;

use serde::{Deserialize, Serialize};

use course::Course;
use season::Seasons;

/// The quantiles that are told.
pub const LEVELS: [f64; 9] = [0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975];
/// The place of the median among them.
pub const MEDIAN: usize = 4;

/// What may be told beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Periods of the season; unsaid: by the distance of the rows, or as found.
    pub season: Option<usize>,
    /// Periods ahead; unsaid: by the season.
    pub horizon: Option<usize>,
}

/// Forecasts one series.
#[derive(Clone, Debug)]
pub struct Forecaster {
    settings: Settings,
    /// Time and value of the last row.
    last: Option<(i64, Option<f64>)>,
    /// From one row to the next.
    step_ns: Option<i64>,
    course: Option<Course>,
}

/// What is kept of a series over a restart: its values, from which everything else is learnt again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Kept {
    last: Option<(i64, Option<f64>)>,
    step_ns: Option<i64>,
    /// Of a course: its seasons and values, NaN where one was missing.
    course: Option<(usize, usize, Vec<f64>)>,
}

/// The most periods that are taken as missing between two rows.
const MAX_GAP: i64 = 1_000;
/// Counts of periods at which a season is looked for where the calendar has none.
const LOOK_FOR_SEASON: [usize; 6] = [48, 96, 192, 384, 768, 1_536];

impl Forecaster {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, last: None, step_ns: None, course: None }
    }

    /// Takes a row: its time in nanoseconds since 1970, and the value where there is one. A row that is not later than
    /// the last one is passed over. Periods between rows farther apart than the nearest two were are missing.
    pub fn push(&mut self, time_ns: i64, value: Option<f64>) {
        let value = value.filter(|value| value.is_finite());
        let Some((last_ns, first)) = self.last else {
            self.last = Some((time_ns, value));
            return;
        };
        let passed = time_ns.saturating_sub(last_ns);
        if passed <= 0 {
            return;
        }
        let step_ns = self.step_ns.map_or(passed, |step| step.min(passed));
        self.step_ns = Some(step_ns);
        let settings = self.settings;
        let course = self.course.get_or_insert_with(|| {
            let seasons = settings.season.map_or_else(|| Seasons::of_step(step_ns), Seasons::one);
            let mut course = Course::new(seasons, settings.horizon);
            course.push(first);
            course
        });
        let missing = (passed as f64 / step_ns as f64).round() as i64 - 1;
        (0..missing.min(MAX_GAP)).for_each(|_| course.push(None));
        course.push(value);
        self.last = Some((time_ns, value));
        if settings.season.is_none() {
            self.look_for_season();
        }
    }

    /// Now and then looks for a season where the calendar has none, and begins anew where it finds another than it had.
    fn look_for_season(&mut self) {
        let (Some(course), Some(step_ns)) = (&mut self.course, self.step_ns) else { return };
        let known = Seasons::of_step(step_ns) != Seasons::NONE;
        if known || !LOOK_FOR_SEASON.contains(&course.history().count()) {
            return;
        }
        let found = season::find(course.history().values()).map_or(Seasons::NONE, Seasons::one);
        if found != course.seasons() {
            *course = course.with_seasons(found, self.settings.horizon);
        }
    }

    /// The quantiles of [`LEVELS`] for each period ahead; nothing before two rows, or before the first value.
    #[must_use]
    pub fn forecast(&self) -> Vec<Vec<f64>> {
        self.course.as_ref().map_or_else(Vec::new, Course::forecast)
    }

    /// What is to be kept, with the newest `most` values.
    #[must_use]
    pub fn kept(&self, most: usize) -> Kept {
        let of_course = |course: &Course| {
            let values: Vec<f64> = course.history().known().map(|value| value.unwrap_or(f64::NAN)).collect();
            let Seasons { short, long } = course.seasons();
            (short, long, values[values.len().saturating_sub(most)..].to_vec())
        };
        Kept { last: self.last, step_ns: self.step_ns, course: self.course.as_ref().map(of_course) }
    }

    /// Learns again what was kept: the same as before as long as no value had to be forgotten.
    #[must_use]
    pub fn relearnt(settings: Settings, kept: Kept) -> Self {
        let course = kept.course.map(|(short, long, values)| {
            let mut course = Course::new(Seasons::of_lengths(short, long), settings.horizon);
            values.into_iter().for_each(|value| course.push(Some(value).filter(|value| value.is_finite())));
            course
        });
        Self { settings, last: kept.last, step_ns: kept.step_ns, course }
    }

    /// What it has learnt; none before two rows.
    #[must_use]
    pub fn course(&self) -> Option<&Course> {
        self.course.as_ref()
    }
}

#[cfg(test)]
mod tests;
