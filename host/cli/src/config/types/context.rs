//! `[context.NAME]` of a resolved configuration, and what a calendar says.

use crate::config::error::Span;
use dinrail_core::reading::SourceId;
use dinrail_core::time::{DurationNs, TimeNs};
use dinrail_core::unit::Unit;

/// What the site's calendar says of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarField {
    /// Hours since local midnight as the clock shows them, with fractions.
    Hour,
    /// 1 Monday to 7 Sunday.
    Weekday,
    /// 1 on the site's holidays, else 0.
    Holiday,
    /// 1 to 12.
    Month,
    /// Of the year, from 1.
    DayOfYear,
    /// Local time less UTC, in hours.
    UtcOffset,
}

impl CalendarField {
    /// By name, with unit and range.
    pub const ALL: [(&'static str, CalendarField, &'static str, (f64, f64)); 6] = [
        ("hour", CalendarField::Hour, "h", (0.0, 24.0)),
        ("weekday", CalendarField::Weekday, "", (1.0, 7.0)),
        ("holiday", CalendarField::Holiday, "", (0.0, 1.0)),
        ("month", CalendarField::Month, "", (1.0, 12.0)),
        ("day_of_year", CalendarField::DayOfYear, "", (1.0, 366.0)),
        ("utc_offset", CalendarField::UtcOffset, "h", (-26.0, 26.0)),
    ];
}

/// `[context.NAME]`: a series that is known ahead.
#[derive(Clone, Debug)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// Of the name.
    pub span: Span,
    /// Of its values.
    pub unit: Unit,
    /// From one value to the next, as plugins are told it.
    pub step_ns: DurationNs,
    /// Whether the file says the step.
    pub step_said: bool,
    /// How far ahead it is told, at most.
    pub horizon_ns: DurationNs,
    /// How long a value holds where no other follows it; none: a step, or the distance of the values where that is longer.
    pub holds_ns: Option<DurationNs>,
    /// Where it comes from.
    pub kind: ContextKind,
}

/// Where a context comes from.
#[derive(Clone, Debug)]
pub enum ContextKind {
    /// A column of a table; a record's time is when its value becomes valid.
    Table {
        /// Of kind csv, without key.
        source: SourceId,
        /// Index of its column.
        column: usize,
        /// When a value became known.
        known_at: KnownAt,
    },
    /// What a simulated plant's site knows ahead.
    Schedule {
        /// The plant.
        source: SourceId,
        /// Index into `dinrail_sim::Plant::schedules`.
        index: usize,
    },
    /// Versions that are published.
    Topic {
        /// The link.
        source: SourceId,
        /// Without wildcards.
        topic: String,
    },
    /// The site's calendar.
    Calendar {
        /// Where no rule holds.
        value: f64,
        /// Of those that hold, the last counts.
        rules: Vec<CalendarRule>,
    },
}

/// When a table's values became known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownAt {
    /// Long ago.
    Always,
    /// So long before they become valid.
    Before(DurationNs),
    /// A column says it.
    Column {
        /// Index of the column.
        column: usize,
        /// As for a record's time.
        format: String,
    },
}

/// When another value holds. What is not said is not asked.
#[derive(Clone, Debug, PartialEq)]
pub struct CalendarRule {
    /// The value.
    pub value: f64,
    /// From this time of the local day.
    pub from: Option<jiff::civil::Time>,
    /// Until before this one; one that is before `from` goes on past midnight.
    pub to: Option<jiff::civil::Time>,
    /// On these days; empty: on all.
    pub days: Vec<jiff::civil::Weekday>,
    /// In these months; empty: in all.
    pub months: Vec<i8>,
    /// On holidays alone, or on none.
    pub holidays: Option<bool>,
    /// From this date.
    pub since: Option<jiff::civil::Date>,
    /// Before this date.
    pub until: Option<jiff::civil::Date>,
    /// When the rule became known.
    pub known_at_ns: TimeNs,
}
