//! What the load usually is at a quarter hour of the day, with exponential forgetting.
//!
//! A place in a profile is a local time of day, never a count of rows: the 25-hour day of autumn visits four places twice,
//! the 23-hour day of spring leaves four out, and every other day finds its morning where it was.

use serde::{Deserialize, Serialize};

/// Quarter hours of an ordinary day.
pub const SLOTS: usize = 96;

/// Local time of a quarter hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// Quarter hour of the local day, 0 … 95.
    pub slot: u8,
    /// 0 is Monday, 6 Sunday.
    pub weekday: u8,
}

impl Local {
    /// From the hour of the local day, in [0, 24), at the quarter hour's start or within it; none where it is out of range.
    pub fn at(hour: f64, weekday: u8) -> Option<Self> {
        // A thousandth of a second forgives the rounding of hours such as 0.75.
        let slot = (hour * 4.0 + 1e-6).floor();
        (0.0 <= slot && slot < SLOTS as f64 && weekday < 7).then_some(Self { slot: slot as u8, weekday })
    }

    /// So many quarter hours later, on days of 24 hours.
    pub fn plus(self, steps: usize) -> Self {
        let slot = usize::from(self.slot) + steps;
        let weekday = (usize::from(self.weekday) + slot / SLOTS) % 7;
        Self { slot: (slot % SLOTS) as u8, weekday: weekday as u8 }
    }
}

/// Which days share a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Days {
    /// Monday to Friday, Saturday, Sunday.
    Kinds,
    /// Each weekday for itself.
    Each,
}

/// A profile of each kind of day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    days: Days,
    /// The share of the newest day, on working days and on the others.
    shares: (f64, f64),
    /// Seven or three days of slots, with how often each was visited.
    cells: Vec<(f32, u16)>,
}

impl Profile {
    /// With nothing known. `shares` are those of the newest value: of weekdays, and of the ends of the week.
    pub fn new(days: Days, shares: (f64, f64)) -> Self {
        let kinds = if days == Days::Each { 7 } else { 3 };
        Self { days, shares, cells: vec![(0.0, 0); kinds * SLOTS] }
    }

    fn kind(&self, weekday: u8) -> usize {
        match self.days {
            Days::Each => usize::from(weekday % 7),
            Days::Kinds => usize::from(weekday % 7).saturating_sub(4),
        }
    }

    /// Takes in one value.
    pub fn push(&mut self, at: Local, value: f64) {
        let share = if at.weekday < 5 { self.shares.0 } else { self.shares.1 };
        let place = self.kind(at.weekday) * SLOTS + usize::from(at.slot);
        if let Some((mean, seen)) = self.cells.get_mut(place) {
            *seen = seen.saturating_add(1);
            // A plain mean until there are values enough for the forgetting.
            let share = share.max(1.0 / f64::from(*seen));
            *mean += (share * (value - f64::from(*mean))) as f32;
        }
    }

    /// The usual value; of another kind of day where this kind was never seen, none where no day was.
    pub fn at(&self, at: Local) -> Option<f64> {
        let slot = usize::from(at.slot);
        let seen = |kind: usize| {
            let &(mean, seen) = self.cells.get(kind * SLOTS + slot)?;
            (seen > 0).then_some(f64::from(mean))
        };
        let kinds = self.cells.len() / SLOTS;
        // The kinds before it are the likelier stand-ins: a Saturday's for a Sunday, a Monday's for a Tuesday.
        let own = self.kind(at.weekday);
        (0..kinds).find_map(|back| seen((own + kinds - back) % kinds))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
    use super::*;

    #[test]
    fn days_of_23_and_25_hours_leave_the_profile_in_place() {
        let shape = |slot: usize| if (32..72).contains(&slot) { 100.0 } else { 10.0 };
        let mut profile = Profile::new(Days::Kinds, (0.2, 0.2));
        for day in 0..28_u8 {
            // Sundays: the second one lacks two o'clock, the third has it twice.
            let hours: Vec<usize> = match day {
                13 => (0..24).filter(|&h| h != 2).collect(),
                20 => [0, 1, 2, 2].into_iter().chain(3..24).collect(),
                _ => (0..24).collect(),
            };
            for slot in hours.into_iter().flat_map(|h| h * 4..h * 4 + 4) {
                profile.push(Local { slot: slot as u8, weekday: day % 7 }, shape(slot));
            }
        }
        for weekday in 0..7 {
            for slot in 0..SLOTS {
                let at = profile.at(Local { slot: slot as u8, weekday }).unwrap();
                assert!((at - shape(slot)).abs() < 1e-3, "{weekday} {slot}: {at}");
            }
        }
    }

    #[test]
    fn a_day_never_seen_borrows_and_nothing_seen_is_nothing() {
        let mut profile = Profile::new(Days::Kinds, (0.1, 0.1));
        let sunday = Local { slot: 40, weekday: 6 };
        assert_eq!(profile.at(sunday), None);
        profile.push(Local { slot: 40, weekday: 2 }, 7.0);
        assert_eq!(profile.at(sunday), Some(7.0));
        profile.push(sunday, 3.0);
        assert_eq!(profile.at(sunday), Some(3.0));
        assert_eq!(profile.at(Local { slot: 41, weekday: 6 }), None);
    }

    #[test]
    fn local_time_is_checked() {
        assert_eq!(Local::at(23.75, 6), Some(Local { slot: 95, weekday: 6 }));
        assert_eq!(Local { slot: 95, weekday: 6 }.plus(1), Local { slot: 0, weekday: 0 });
        for (hour, weekday) in [(24.0, 0), (-0.25, 0), (f64::NAN, 0), (1.0, 7)] {
            assert_eq!(Local::at(hour, weekday), None);
        }
    }
}
