//! Where a belt is, in counts without end, from a counter that may be bounded.

/// What a reading of the counter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motion {
    /// It stands or has moved as a belt may.
    Known,
    /// The counter can't be read.
    Blind,
    /// The first reading, or one so far from the last that the counter must have begun anew.
    Anew,
}

/// A belt. Positions are counts that neither wrap nor jump; they begin with the first reading.
#[derive(Clone, Debug)]
pub(super) struct Belt {
    modulus: Option<i64>,
    /// Farthest that it may go forward, and back, from one scan to the next; farther, the counter began anew.
    reach: (i64, i64),
    /// Farthest in several scans.
    reach_in_all: i64,
    /// The last good reading, and the position that it stands for.
    last: Option<(i64, i64)>,
    /// Scans since then.
    blind_scans: i64,
    /// From one scan to the next, lately.
    travel: i64,
}

impl Belt {
    pub(super) fn new(modulus: Option<i64>, reach: (i64, i64), reach_in_all: i64) -> Belt {
        Belt { modulus, reach, reach_in_all, last: None, blind_scans: 0, travel: 0 }
    }

    /// Takes in what the counter says now; none where it is bad.
    pub(super) fn sense(&mut self, raw: Option<i64>) -> Motion {
        let raw = raw.filter(|raw| self.modulus.is_none_or(|modulus| (0..modulus).contains(raw)));
        let Some(raw) = raw else {
            self.blind_scans = self.blind_scans.saturating_add(1);
            return Motion::Blind;
        };
        let scans = std::mem::take(&mut self.blind_scans).saturating_add(1);
        let Some((last_raw, position)) = self.last else {
            self.last = Some((raw, 0));
            return Motion::Anew;
        };
        let moved = self.difference(last_raw, raw);
        let within = |reach: i64| reach.saturating_mul(scans).min(self.reach_in_all);
        if moved < -within(self.reach.1) || within(self.reach.0) < moved {
            self.last = Some((raw, position));
            self.travel = 0;
            return Motion::Anew;
        }
        self.last = Some((raw, position.saturating_add(moved)));
        self.travel = moved / scans;
        Motion::Known
    }

    /// Where it is; none while the counter can't be read.
    pub(super) fn position(&self) -> Option<i64> {
        self.last.filter(|_| self.blind_scans == 0).map(|(_, position)| position)
    }

    /// Where it was when it was last seen.
    pub(super) fn last_position(&self) -> Option<i64> {
        self.last.map(|(_, position)| position)
    }

    /// How far it moved from one scan to the next, lately; backwards below 0.
    pub(super) fn travel(&self) -> i64 {
        self.travel
    }

    /// The position of counts that were taken near the last reading.
    pub(super) fn place(&self, raw: i64) -> Option<i64> {
        let raw = Some(raw).filter(|raw| self.modulus.is_none_or(|modulus| (0..modulus).contains(raw)))?;
        let (last_raw, position) = self.last?;
        Some(position.saturating_add(self.difference(last_raw, raw)))
    }

    /// From one count to another, the shorter way round.
    fn difference(&self, from: i64, to: i64) -> i64 {
        let straight = to.saturating_sub(from);
        match self.modulus {
            None => straight,
            Some(modulus) => {
                let forward = straight.rem_euclid(modulus);
                if forward > modulus / 2 { forward - modulus } else { forward }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_wraps_goes_on() {
        let mut belt = Belt::new(Some(1_000), (200, 150), 900);
        let readings = [990, 5, 100, 990, 998, 998, 2];
        let positions = readings.map(|raw| (belt.sense(Some(raw)), belt.position(), belt.travel()));
        let known = |position, travel| (Motion::Known, Some(position), travel);
        let expected = [
            (Motion::Anew, Some(0), 0),
            known(15, 15),
            known(110, 95),
            known(0, -110),
            known(8, 8),
            known(8, 0),
            known(12, 4),
        ];
        assert_eq!(positions, expected);
        assert_eq!((belt.place(995), belt.place(10), belt.place(1_000)), (Some(5), Some(20), None));
    }

    #[test]
    fn blind_is_not_standing_still_and_a_leap_is_a_new_count() {
        let mut belt = Belt::new(None, (100, 50), 250);
        assert_eq!((belt.sense(None), belt.position(), belt.place(5)), (Motion::Blind, None, None));
        assert_eq!(belt.sense(Some(500)), Motion::Anew);
        assert_eq!((belt.sense(Some(530)), belt.travel()), (Motion::Known, 30));
        assert_eq!((belt.sense(None), belt.position(), belt.last_position()), (Motion::Blind, None, Some(30)));
        // Two scans' way at once.
        assert_eq!((belt.sense(Some(650)), belt.position(), belt.travel()), (Motion::Known, Some(150), 60));
        assert_eq!((belt.sense(Some(600)), belt.position()), (Motion::Known, Some(100)), "at the reach");
        assert_eq!((belt.sense(Some(549)), belt.travel()), (Motion::Anew, 0), "one past it");
        assert_eq!((belt.sense(Some(649)), belt.sense(Some(750))), (Motion::Known, Motion::Anew));
        for moved in [250, 251] {
            for _ in 0..5 {
                belt.sense(None);
            }
            let motion = if moved == 250 { Motion::Known } else { Motion::Anew };
            assert_eq!(belt.sense(Some(750 + moved)), motion);
            belt.sense(Some(750));
        }
        for raw in [i64::MAX, i64::MIN, 0] {
            assert_eq!(belt.sense(Some(raw)), Motion::Anew);
        }
    }
}
