//! When the next scan is, in wall time and in run time.
//!
//! Scan k stands at `start + k × period` in wall time and at `origin + k × period × speed` in run
//! time. A scan that ends after the next one's time is an overrun: the slots that passed meanwhile
//! are left out, and run time goes on with the wall clock's own pace. In virtual time nothing waits.

use crossbeam_channel::{Receiver, TryRecvError};
use dinrail_core::time::TimeNs;
use std::time::{Duration, Instant};

/// How fast run time goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// Run time = wall time × this.
    Times(f64),
    /// Virtual time: as fast as the plugins answer. A scan advances run time by one period.
    Max,
}

/// A scan's place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The scan's number.
    pub scan: u64,
    /// Run time.
    pub now_ns: TimeNs,
}

/// Gives the slots, one after the other.
#[derive(Debug)]
pub struct Pace {
    origin_ns: TimeNs,
    period: Duration,
    speed: Speed,
    started: Option<Instant>,
    /// Wall time from the first scan after which there is no other.
    run_for: Option<Duration>,
    /// Slot that comes next, counted from the start.
    next_slot: u64,
    next_scan: u64,
    overruns: u64,
}

impl Pace {
    /// `origin_ns` is the run time of the first scan, `period` wall time.
    #[must_use]
    pub fn new(origin_ns: TimeNs, period: Duration, speed: Speed) -> Pace {
        Pace { origin_ns, period, speed, started: None, run_for: None, next_slot: 0, next_scan: 0, overruns: 0 }
    }

    /// The same with an end, counted from the first scan.
    #[must_use]
    pub fn ending_after(self, run_for: Option<Duration>) -> Pace {
        Pace { run_for, ..self }
    }

    /// Waits for the next slot; `None` when `stop` gets a message or loses its sender.
    pub fn next(&mut self, stop: &Receiver<()>) -> Option<Slot> {
        self.next_and(stop, &crossbeam_channel::never::<()>(), |(), _now_ns| {})
    }

    /// The same, and hands what is asked meanwhile to `answer`, with the run time of that moment. No flood of questions puts
    /// a slot off by more than one answer.
    pub fn next_and<T>(
        &mut self,
        stop: &Receiver<()>,
        asked: &Receiver<T>,
        mut answer: impl FnMut(T, TimeNs),
    ) -> Option<Slot> {
        let is_stopped = || !matches!(stop.try_recv(), Err(TryRecvError::Empty));
        match self.speed {
            Speed::Max => {
                if is_stopped() {
                    return None;
                }
                self.started.get_or_insert_with(Instant::now);
            }
            Speed::Times(_) => {
                let started = *self.started.get_or_insert_with(Instant::now);
                self.skip_passed_slots(started.elapsed());
                let due = started + self.wall_offset(self.next_slot);
                let end = self.run_for.map(|run_for| started + run_for).filter(|end| *end < due);
                let until = end.unwrap_or(due);
                let nobody = crossbeam_channel::never();
                let mut asked = asked;
                loop {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    crossbeam_channel::select! {
                        recv(stop) -> _stopped => return None,
                        recv(asked) -> word => match word {
                            Ok(word) => answer(word, self.run_time_at(started.elapsed())),
                            Err(_nobody_asks_any_more) => asked = &nobody,
                        },
                        default(left) => break,
                    }
                }
                if end.is_some() || is_stopped() {
                    return None;
                }
            }
        }
        let slot = Slot { scan: self.next_scan, now_ns: self.run_time(self.next_slot) };
        self.next_slot += 1;
        self.next_scan += 1;
        Some(slot)
    }

    /// In virtual time, leaves out the slots in which nothing can happen before something arrives at `time_ns`. The
    /// last of them stays: what falls silent meanwhile is marked in it.
    pub fn skip_towards(&mut self, time_ns: TimeNs) {
        let step_ns = self.step_ns();
        if self.speed != Speed::Max || step_ns == 0 || time_ns <= self.origin_ns {
            return;
        }
        let last_empty = (time_ns.abs_diff(self.origin_ns) - 1) / step_ns;
        self.next_slot = self.next_slot.max(last_empty);
    }

    /// Scans that ended after the next one's time.
    #[must_use]
    pub fn overruns(&self) -> u64 {
        self.overruns
    }

    /// When the first scan began.
    #[must_use]
    pub fn started(&self) -> Option<Instant> {
        self.started
    }

    /// Run time between two scans, nanoseconds.
    #[must_use]
    pub fn step_ns(&self) -> u64 {
        (self.run_time(1) - self.origin_ns).unsigned_abs()
    }

    /// If the slot that comes next has passed by a whole period, goes to the one that stands next.
    fn skip_passed_slots(&mut self, elapsed: Duration) {
        if self.next_slot == 0 || elapsed <= self.wall_offset(self.next_slot) {
            return;
        }
        self.overruns += 1;
        let reached = elapsed.as_nanos().div_ceil(self.period.as_nanos().max(1));
        self.next_slot = u64::try_from(reached).unwrap_or(u64::MAX).max(self.next_slot);
    }

    fn wall_offset(&self, slot: u64) -> Duration {
        Duration::from_nanos(u64::try_from(self.period.as_nanos().saturating_mul(u128::from(slot))).unwrap_or(u64::MAX))
    }

    /// Run time so long after the first scan, between two slots.
    fn run_time_at(&self, elapsed: Duration) -> TimeNs {
        let slots = elapsed.as_secs_f64() / self.period.as_secs_f64().max(1e-9);
        self.origin_ns.saturating_add((self.step_ns() as f64 * slots) as i64)
    }

    fn run_time(&self, slot: u64) -> TimeNs {
        let factor = match self.speed {
            Speed::Times(factor) => factor,
            Speed::Max => 1.0,
        };
        // The step is rounded once, so that slots stand at exact multiples of it.
        let step_ns = (self.period.as_nanos() as f64 * factor).round() as i64;
        self.origin_ns.saturating_add(step_ns.saturating_mul(i64::try_from(slot).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn virtual_time_advances_by_one_period_a_scan() {
        let (_keep, stop) = crossbeam_channel::bounded(1);
        let mut pace = Pace::new(1_000, Duration::from_nanos(10), Speed::Max);
        let slots: Vec<Slot> = (0..3).map(|_| pace.next(&stop).unwrap()).collect();
        assert_eq!(slots[0], Slot { scan: 0, now_ns: 1_000 });
        assert_eq!(slots[2], Slot { scan: 2, now_ns: 1_020 });
        assert_eq!(pace.overruns(), 0);
    }

    #[test]
    fn passed_slots_are_left_out_and_counted_once() {
        let mut pace = Pace::new(0, Duration::from_millis(100), Speed::Times(60.0));
        pace.next_slot = 3;
        pace.skip_passed_slots(Duration::from_millis(300));
        assert_eq!((pace.next_slot, pace.overruns), (3, 0), "just in time");
        pace.skip_passed_slots(Duration::from_millis(740));
        assert_eq!((pace.next_slot, pace.overruns), (8, 1));
        assert_eq!(pace.run_time(8), 48_000_000_000);
    }

    #[test]
    fn virtual_time_leaves_out_what_is_empty_but_its_last_slot() {
        let (_keep, stop) = crossbeam_channel::bounded(1);
        let mut pace = Pace::new(1_000, Duration::from_nanos(10), Speed::Max);
        let mut after = |time_ns| {
            pace.skip_towards(time_ns);
            pace.next(&stop).unwrap()
        };
        assert_eq!(after(1_000), Slot { scan: 0, now_ns: 1_000 });
        // What comes at 1,051 is drained in the slot of 1,060.
        assert_eq!(after(1_051), Slot { scan: 1, now_ns: 1_050 });
        assert_eq!(after(1_051), Slot { scan: 2, now_ns: 1_060 });
        assert_eq!(after(2_000), Slot { scan: 3, now_ns: 1_990 });
        assert_eq!(after(2_000), Slot { scan: 4, now_ns: 2_000 });
        assert_eq!(after(1_500), Slot { scan: 5, now_ns: 2_010 }, "never back");
    }

    #[test]
    fn the_end_does_not_wait_for_the_next_slot() {
        let (_keep, stop) = crossbeam_channel::bounded(1);
        let end = Some(Duration::from_millis(1));
        let mut pace = Pace::new(0, Duration::from_secs(3_600), Speed::Times(1.0)).ending_after(end);
        assert_eq!(pace.next(&stop), Some(Slot { scan: 0, now_ns: 0 }));
        assert_eq!(pace.next(&stop), None);
    }

    /// At a scan of an hour an operator waited for an hour.
    #[test]
    fn what_is_asked_between_two_slots_is_answered_there() {
        let (_keep, stop) = crossbeam_channel::bounded(1);
        let (ask, asked) = crossbeam_channel::bounded(2);
        let end = Some(Duration::from_millis(20));
        let mut pace = Pace::new(1_000, Duration::from_secs(3_600), Speed::Times(60.0)).ending_after(end);
        assert!(pace.next(&stop).is_some());
        ask.send("modes").unwrap();
        ask.send("reset").unwrap();
        drop(ask);
        let mut answered = vec![];
        assert_eq!(pace.next_and(&stop, &asked, |word, now_ns| answered.push((word, now_ns))), None);
        assert_eq!(answered.iter().map(|(word, _)| *word).collect::<Vec<_>>(), ["modes", "reset"]);
        // 20 ms of wall time are 1.2 s of run time.
        assert!(answered.iter().all(|(_, now_ns)| (1_000..2_000_000_000).contains(now_ns)), "{answered:?}");
    }

    #[test]
    fn a_stop_ends_it() {
        let (stop_now, stop) = crossbeam_channel::bounded(1);
        stop_now.send(()).unwrap();
        assert_eq!(Pace::new(0, Duration::from_secs(60), Speed::Max).next(&stop), None);
        let (gone, stop) = crossbeam_channel::bounded(1);
        drop(gone);
        let mut pace = Pace::new(0, Duration::from_secs(60), Speed::Times(1.0));
        assert_eq!(pace.next(&stop), None);
    }
}
