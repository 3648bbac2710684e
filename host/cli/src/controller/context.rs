//! What is known ahead, and what a plugin is told of it.
//!
//! A value counts from the moment it became known, so that a run over a recording sees no more than the controller did.

use super::calendar::Calendar;
use super::plant::SharedPlant;
use crate::config::amounts::show;
use crate::config::bind::BoundSeries;
use crate::config::{self, Config, ContextKind, KnownAt};
use dinrail_core::outlook::{Ahead, Outlook, Series, Timeline};
use dinrail_core::reading::{RawValue, SourceId};
use dinrail_core::tag::{Tag, TagId, TagTable};
use dinrail_core::time::{DurationNs, SECOND_NS, TimeNs};
use dinrail_core::unit::{Conversion, Unit};
use dinrail_field::link::{Document, MqttLink};
use dinrail_field::source::csv::{ColumnRef, CsvOptions, CsvSource, TimeFormat};
use serde::Deserialize;
use std::sync::Arc;

/// Everything that is known ahead.
pub struct Contexts {
    contexts: Vec<Context>,
    calendar: Calendar,
    /// Links on which versions arrive, with the topics of their contexts.
    links: Vec<MqttLink>,
    plants: Vec<(SourceId, SharedPlant)>,
    /// What plugins are told where none of their slots is filled.
    nothing: Arc<Outlook>,
}

struct Context {
    config: config::Context,
    /// Empty for a calendar.
    timeline: Timeline,
    /// How long a value holds where none follows it.
    holds_ns: DurationNs,
    /// Whether something was known of it when a plugin was last told.
    known: bool,
}

/// Why a context's table is refused.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// It can't be opened or read.
    #[error(transparent)]
    Table(#[from] dinrail_field::source::csv::CsvError),
    /// Nothing in it can be used.
    #[error("no record has a number in the column `{column}`")]
    NoValue {
        /// As the configuration names it.
        column: String,
    },
    /// A time that can't be read.
    #[error("`{text}` is not a time of the format of `known_at`")]
    KnownAt {
        /// As written.
        text: String,
    },
    /// Values that would never be told.
    #[error("its table has a value every {}, and of a context without `step` one every {} is told", shown(.spacing_ns), shown(.step_ns))]
    Finer {
        /// From one value to the next.
        spacing_ns: DurationNs,
        /// The context's step.
        step_ns: DurationNs,
    },
    /// More than is kept.
    #[error(transparent)]
    Learn(#[from] dinrail_core::outlook::LearnError),
}

fn shown(ns: &DurationNs) -> String {
    show(*ns)
}

impl ContextError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            ContextError::Finer { spacing_ns, .. } => {
                format!("write `step = \"{}\"` for this context", show(*spacing_ns))
            }
            ContextError::Table(_) => "correct this context's `column`, or the source's table".to_owned(),
            ContextError::NoValue { .. } => "name the column that holds the values".to_owned(),
            ContextError::KnownAt { .. } => "correct `column` or `format` of `known_at`, or the table".to_owned(),
            ContextError::Learn(_) => "correct the source's table, or make it shorter".to_owned(),
        }
    }
}

impl Contexts {
    /// Reads the tables. Links are added where they are started.
    pub fn open(config: &Config) -> Result<Contexts, (usize, ContextError)> {
        let mut contexts = Vec::new();
        for (index, context) in config.contexts.iter().enumerate() {
            let timeline = match &context.kind {
                ContextKind::Table { source, column, known_at } => {
                    table(config, *source, *column, known_at).map_err(|error| (index, error))?
                }
                ContextKind::Topic { .. } | ContextKind::Schedule { .. } | ContextKind::Calendar { .. } => {
                    Timeline::default()
                }
            };
            contexts.push(Context::new(context.clone(), timeline).map_err(|error| (index, error))?);
        }
        let calendar = Calendar::new(&config.site);
        Ok(Contexts { contexts, calendar, links: Vec::new(), plants: Vec::new(), nothing: Arc::default() })
    }

    /// Takes versions from these links.
    pub fn listen(&mut self, links: Vec<MqttLink>) {
        self.links = links;
    }

    /// Asks these simulated plants for their schedules.
    pub fn watch(&mut self, plants: Vec<(SourceId, SharedPlant)>) {
        self.plants = plants;
    }

    /// Takes in what arrived.
    pub fn update(&mut self, now_ns: TimeNs) {
        for link in &self.links {
            for document in link.drain_documents() {
                take(&mut self.contexts, &document, now_ns);
            }
        }
    }

    /// What a plugin is told at a moment.
    #[must_use]
    pub fn outlook(&mut self, bound: &[BoundSeries], now_ns: TimeNs) -> Arc<Outlook> {
        if bound.is_empty() {
            return Arc::clone(&self.nothing);
        }
        let mut series = Vec::new();
        for slot in bound {
            let Some(context) = self.contexts.get(slot.context) else { continue };
            let ahead = self.ahead(context, now_ns);
            let step_ns = context.config.step_ns;
            self.note(slot.context, ahead.is_some());
            let Some(Ahead { start_ns, mut values, known_at_ns }) = ahead else { continue };
            convert(&mut values, slot.conversion);
            let (name, unit) = (slot.name.clone(), slot.unit.clone());
            series.push(Series { name, unit, start_ns, step_ns, values, known_at_ns });
        }
        Arc::new(Outlook { series })
    }

    /// A line where a context that a plugin asks for ends, and where it is known again.
    fn note(&mut self, index: usize, known: bool) {
        let Some(context) = self.contexts.get_mut(index) else { return };
        let before = std::mem::replace(&mut context.known, known);
        let name = &context.config.name;
        match (before, known) {
            (true, false) => {
                tracing::warn!(context = name, "nothing is known of it now; plugins that ask for it go on without it");
            }
            (false, true) => tracing::info!(context = name, "it is known again"),
            (true, true) | (false, false) => {}
        }
    }

    fn ahead(&self, context: &Context, now_ns: TimeNs) -> Option<Ahead> {
        let config::Context { step_ns, horizon_ns, .. } = context.config;
        let holds_ns = context.holds_ns;
        let step = i64::try_from(step_ns).ok()?;
        let start_ns = now_ns.div_euclid(step) * step;
        let (value, rules) = match &context.config.kind {
            ContextKind::Calendar { value, rules } => (value, rules),
            ContextKind::Schedule { source, index } => {
                let (_, plant) = self.plants.iter().find(|(id, _)| id == source)?;
                let (start_ns, values) = plant.ahead(*index, usize::try_from(horizon_ns.div_ceil(step_ns)).ok()?)?;
                return Some(Ahead { start_ns, values, known_at_ns: now_ns });
            }
            ContextKind::Table { .. } | ContextKind::Topic { .. } => {
                return context.timeline.ahead(now_ns, step_ns, holds_ns, horizon_ns);
            }
        };
        let mut known_at_ns = TimeNs::MIN;
        let mut values = Vec::new();
        for index in 0..i64::try_from(horizon_ns.div_ceil(step_ns)).ok()? {
            let at_ns = start_ns.saturating_add(step.saturating_mul(index)).max(now_ns);
            let (value, known_at) = self.calendar.value(*value, rules, at_ns, now_ns);
            values.push(value);
            known_at_ns = known_at_ns.max(known_at);
        }
        Some(Ahead { start_ns, values, known_at_ns })
    }
}

/// A day has up to 25 hours.
const DAY_NS: DurationNs = 24 * 3_600 * SECOND_NS;
const LONGEST_DAY_NS: DurationNs = 25 * 3_600 * SECOND_NS;

impl Context {
    fn new(config: config::Context, timeline: Timeline) -> Result<Context, ContextError> {
        let (step_ns, spacing_ns) = (config.step_ns, timeline.spacing_ns());
        if let Some(spacing_ns) = spacing_ns.filter(|spacing_ns| !config.step_said && *spacing_ns < step_ns) {
            return Err(ContextError::Finer { spacing_ns, step_ns });
        }
        let mut context = Context { config, timeline, holds_ns: step_ns, known: true };
        context.hold(spacing_ns);
        Ok(context)
    }

    /// Where nothing is said, a value holds to the next one, or for a step.
    fn hold(&mut self, spacing_ns: Option<DurationNs>) {
        let spacing_ns = match spacing_ns {
            Some(DAY_NS) => LONGEST_DAY_NS,
            spacing_ns => spacing_ns.unwrap_or(0),
        };
        self.holds_ns = self.config.holds_ns.unwrap_or(self.config.step_ns.max(spacing_ns));
    }
}

fn convert(values: &mut [f64], conversion: Conversion) {
    if !conversion.is_identity() {
        values.iter_mut().for_each(|value| *value = conversion.apply(*value));
    }
}

/// A version as it is published: `start`, `step_s` and `values`, or `points` of a time and a value each.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Version {
    known_at: Option<jiff::Timestamp>,
    start: Option<jiff::Timestamp>,
    step_s: Option<f64>,
    values: Option<Vec<Option<f64>>>,
    points: Option<Vec<(jiff::Timestamp, f64)>>,
}

/// What a version says.
#[derive(Debug, PartialEq)]
struct Said {
    /// Over which time.
    span: std::ops::Range<TimeNs>,
    points: Vec<(TimeNs, f64)>,
    /// From one value to the next, where it says so.
    spacing_ns: Option<DurationNs>,
}

impl Version {
    /// The span that it speaks of, and its points; what is null is not known.
    fn said(self, holds_ns: u64) -> Result<Said, &'static str> {
        match self {
            Version { points: Some(points), start: None, step_s: None, values: None, .. } => {
                let known = points.into_iter().map(|(at, value)| Some((nanoseconds(at)?, value)));
                let points = known.collect::<Option<Vec<_>>>().ok_or(NO_TIME)?;
                let first = points.iter().map(|(from, _)| *from).min().ok_or(EMPTY)?;
                let last = points.iter().map(|(from, _)| *from).max().ok_or(EMPTY)?;
                Ok(Said { span: first..last.saturating_add_unsigned(holds_ns), points, spacing_ns: None })
            }
            Version { points: None, start: Some(start), step_s: Some(step_s), values: Some(values), .. }
                if (1.0..=1e9).contains(&step_s) =>
            {
                let start = nanoseconds(start).ok_or(NO_TIME)?;
                let step = (step_s * SECOND_NS as f64).round() as i64;
                let time =
                    |index: usize| start.saturating_add(step.saturating_mul(i64::try_from(index).unwrap_or(i64::MAX)));
                let end = time(values.len());
                if values.is_empty() {
                    return Err(EMPTY);
                }
                let known = values.into_iter().enumerate().filter_map(|(index, value)| Some((time(index), value?)));
                Ok(Said { span: start..end, points: known.collect(), spacing_ns: u64::try_from(step).ok() })
            }
            _ => Err("it should have `points`, or `start`, `step_s` (1 or more) and `values`"),
        }
    }
}

const EMPTY: &str = "it says nothing of any time";
const NO_TIME: &str = "its times should lie within the years 1678 to 2262";

fn nanoseconds(stamp: jiff::Timestamp) -> Option<TimeNs> {
    TimeNs::try_from(stamp.as_nanosecond()).ok()
}

/// Takes a version whole, or says why not; the one before it stands then.
fn take(contexts: &mut [Context], document: &Document, now_ns: TimeNs) {
    for context in contexts {
        let ContextKind::Topic { topic, .. } = &context.config.kind else { continue };
        if *topic != document.topic {
            continue;
        }
        let holds_ns = context.holds_ns;
        context.timeline.forget(now_ns, holds_ns);
        let refused = match serde_json::from_slice::<Version>(&document.payload) {
            Ok(version) => {
                // What says that it becomes known later is known nevertheless.
                let known_at_ns = version
                    .known_at
                    .and_then(nanoseconds)
                    .map_or(document.arrival_ns, |known_at| known_at.min(document.arrival_ns));
                let said = version.said(holds_ns).map_err(str::to_owned);
                said.and_then(|Said { span, points, spacing_ns }| {
                    let taken = context.timeline.learn_version(known_at_ns, span, &points);
                    taken.map_err(|error| error.to_string())?;
                    if spacing_ns.is_some_and(|spacing_ns| spacing_ns < context.config.step_ns) {
                        let (spacing, step) = (show(spacing_ns.unwrap_or(0)), show(context.config.step_ns));
                        tracing::warn!(
                            context = context.config.name,
                            spacing,
                            step,
                            "values that are published between its steps are not told; shorten its `step`"
                        );
                    }
                    if spacing_ns.is_some() {
                        context.hold(spacing_ns);
                    }
                    Ok(())
                })
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = refused {
            tracing::warn!(
                context = context.config.name,
                topic = document.topic.as_str(),
                why,
                "a version that was published can't be used; the one before it stands"
            );
        }
    }
}

/// Stand-ins for the tags of a table that is no source of the scan: a value, and when it became known.
fn stand_ins() -> [TagId; 2] {
    let mut tags = TagTable::default();
    let unit = Unit::parse("").expect("nothing is the unit of a plain number");
    ["value", "known"].map(|name| tags.add(Tag::new(name, unit.clone())).expect("two names are told apart"))
}

/// Every record of a table, with when it became known.
fn table(config: &Config, source: SourceId, column: usize, known_at: &KnownAt) -> Result<Timeline, ContextError> {
    let config::SourceKind::Csv(csv) = &config.sources[source.0 as usize].kind else {
        unreachable!("a context's table is a csv source: resolving checked it");
    };
    let [value_tag, known_tag] = stand_ins();
    let mut columns = vec![(ColumnRef::Number(column + 1), value_tag)];
    let format = match known_at {
        KnownAt::Column { column, format } => {
            columns.push((ColumnRef::Number(column + 1), known_tag));
            let Ok(format) = format.parse::<TimeFormat>();
            Some(format)
        }
        KnownAt::Always | KnownAt::Before(_) => None,
    };
    let options = CsvOptions { columns, ..super::build::tables::options(config, source, csv) };
    let mut table = CsvSource::open(options)?;
    let mut timeline = Timeline::default();
    let mut unusable = 0_u64;
    while let Some(reading) = table.next_reading()? {
        let raw = |tag| reading.values.iter().find(|(own, _)| *own == tag).map(|(_, value)| value);
        let Some(RawValue::Number(value)) = raw(value_tag) else {
            unusable += 1;
            continue;
        };
        let known_ns = match (known_at, &format) {
            (KnownAt::Before(before_ns), _) => reading.time_ns.saturating_sub_unsigned(*before_ns),
            (KnownAt::Column { .. }, Some(format)) => known_time(raw(known_tag), format, &config.site.time_zone)?,
            (KnownAt::Always | KnownAt::Column { .. }, _) => TimeNs::MIN,
        };
        timeline.learn(reading.time_ns, known_ns, *value)?;
    }
    if timeline.is_empty() {
        return Err(ContextError::NoValue { column: csv.columns.get(column).cloned().unwrap_or_default() });
    }
    let skipped = unusable + table.counts().bad_records;
    if skipped > 0 {
        tracing::warn!(table = %csv.path.display(), skipped, "records that hold no number are left out of the context");
    }
    Ok(timeline)
}

fn known_time(raw: Option<&RawValue>, format: &TimeFormat, zone: &jiff::tz::TimeZone) -> Result<TimeNs, ContextError> {
    let text = match raw {
        Some(RawValue::Text(text)) => text.to_string(),
        Some(RawValue::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    // Of a time that the clock shows twice, the later one: nothing is known too early.
    format.read(text.as_bytes(), zone, Some(TimeNs::MAX)).ok_or(ContextError::KnownAt { text })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn said(text: &str) -> Result<Said, String> {
        let version: Version = serde_json::from_str(text).map_err(|error| error.to_string())?;
        version.said(3_600_000_000_000).map_err(str::to_owned)
    }

    #[test]
    fn a_version_speaks_of_all_its_steps_also_of_those_it_does_not_know() {
        const HOUR: i64 = 3_600_000_000_000;
        let stepped = said(r#"{"start":"1970-01-01T00:00:00Z","step_s":3600,"values":[1.5,null,null]}"#).unwrap();
        assert_eq!(stepped, Said { span: 0..3 * HOUR, points: vec![(0, 1.5)], spacing_ns: Some(HOUR as u64) });
        let listed = said(r#"{"points":[["1970-01-01T01:00:00+01:00",2],["1970-01-01T02:00:00Z",3]]}"#).unwrap();
        assert_eq!((listed.span, listed.points.len(), listed.spacing_ns), (0..3 * HOUR, 2, None));
    }

    #[test]
    fn what_makes_no_sense_is_refused_whole() {
        for (text, why) in [
            (r#"{"points":[]}"#, EMPTY),
            (r#"{"start":"2026-01-01T00:00:00Z","step_s":60,"values":[]}"#, EMPTY),
            (r#"{"start":"2026-01-01T00:00:00Z","step_s":0.5,"values":[1]}"#, "1 or more"),
            (r#"{"start":"2026-01-01T00:00:00Z","values":[1]}"#, "should have"),
            (r#"{"points":[["0001-01-01T00:00:00Z",1]]}"#, NO_TIME),
            (r#"{"points":[["2026-01-01",1]]}"#, ""),
            (r#"{"prices":[1]}"#, "unknown field"),
            ("[]", ""),
        ] {
            let error = said(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    fn context(step_s: u64, step_said: bool, holds_s: Option<u64>) -> config::Context {
        config::Context {
            name: "tariff".into(),
            span: 0..0,
            unit: Unit::parse("").unwrap(),
            step_ns: step_s * SECOND_NS,
            step_said,
            horizon_ns: 4 * 3_600 * SECOND_NS,
            holds_ns: holds_s.map(|seconds| seconds * SECOND_NS),
            kind: ContextKind::Topic { source: SourceId(0), topic: "t".into() },
        }
    }

    fn every(seconds: i64) -> Timeline {
        let mut timeline = Timeline::default();
        (0..24).for_each(|index| timeline.learn(index * seconds * SECOND_NS as i64, 0, 1.0).unwrap());
        timeline
    }

    /// An hourly table told in quarter hours was known for the first quarter of each hour alone.
    #[test]
    fn a_value_holds_to_the_next_one_of_its_table() {
        for (spacing_s, step_s, holds_s, expected_s) in [
            (3_600, 900, None, 3_600),
            (900, 900, None, 900),
            (3_600, 900, Some(900), 900),
            (86_400, 3_600, None, 90_000),
            (900, 3_600, None, 3_600),
        ] {
            let made = Context::new(context(step_s, true, holds_s), every(spacing_s)).unwrap();
            assert_eq!(made.holds_ns, expected_s * SECOND_NS, "{spacing_s} {step_s}");
        }
        let refused = Context::new(context(3_600, false, None), every(900)).map(|_| ()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "its table has a value every 15min, and of a context without `step` one every 1h is told"
        );
        assert_eq!(refused.help(), "write `step = \"15min\"` for this context");
    }

    #[test]
    fn a_versions_values_hold_as_long_as_it_says() {
        let mut contexts = [Context::new(context(900, true, None), Timeline::default()).unwrap()];
        let payload = br#"{"start":"1970-01-01T00:00:00Z","step_s":3600,"values":[5,6]}"#.to_vec();
        take(&mut contexts, &Document { topic: "t".into(), payload, arrival_ns: 0 }, 0);
        let ahead =
            contexts[0].timeline.ahead(0, 900 * SECOND_NS, contexts[0].holds_ns, 4 * 3_600 * SECOND_NS).unwrap();
        assert_eq!(ahead.values, [[5.0; 4], [6.0; 4]].concat());
    }
}
