//! Readings that wait for the scan: bounded, the oldest goes first.

use dinrail_core::reading::Reading;
use std::collections::VecDeque;

/// The newest value is worth more than an old one, so a flood pushes out what it follows.
pub(super) struct Inbox {
    readings: VecDeque<Reading>,
    limit: usize,
    dropped: u64,
}

impl Inbox {
    pub(super) fn new(limit: usize) -> Inbox {
        Inbox { readings: VecDeque::new(), limit: limit.max(1), dropped: 0 }
    }

    pub(super) fn push(&mut self, reading: Reading) {
        if self.readings.len() == self.limit {
            self.readings.pop_front();
            self.dropped += 1;
        }
        self.readings.push_back(reading);
    }

    pub(super) fn drain(&mut self, into: &mut Vec<Reading>) -> usize {
        let taken = self.readings.len();
        into.extend(self.readings.drain(..));
        taken
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dinrail_core::reading::{ReadingKind, SourceId};

    #[test]
    fn a_flood_drops_the_oldest_and_is_counted() {
        let mut inbox = Inbox::new(3);
        let reading =
            |time_ns| Reading { source: SourceId(0), kind: ReadingKind::Live, asset: None, time_ns, values: vec![] };
        let mut taken = vec![];
        for (pushes, dropped) in [(3, 0), (4, 1), (300, 298)] {
            for time_ns in 0..pushes {
                inbox.push(reading(time_ns));
            }
            taken.clear();
            assert_eq!(inbox.drain(&mut taken), 3);
            assert_eq!(taken.last().map(|reading| reading.time_ns), Some(pushes - 1));
            assert_eq!(inbox.dropped(), dropped);
        }
        assert_eq!(inbox.drain(&mut taken), 0);
    }
}
