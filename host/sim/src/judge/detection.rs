//! Alarms against labelled rows: row by row, and event by event.

use super::input::{self, InputError, share};

/// Rows counted by alarm and truth.
///
/// F1, false alarm rate and missed alarm rate over these counts, pooled over all files, are how SKAB compares outlier
/// detectors (Katser & Kozitsin, *Skoltech Anomaly Benchmark*, 2020). There all rows are pooled first and the ratios
/// taken once; a mean of the files' ratios is a different figure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PointCounts {
    /// Alarms on rows that are truly bad.
    pub tp: u64,
    /// Alarms on normal rows.
    pub fp: u64,
    /// Silence on normal rows.
    pub tn: u64,
    /// Silence on bad rows.
    pub fn_: u64,
}

impl PointCounts {
    /// Counts the rows of one file. An empty file counts nothing.
    pub fn count(alarms: &[bool], truth: &[bool]) -> Result<Self, InputError> {
        if alarms.len() != truth.len() {
            return Err(InputError::Lengths { what: "alarms and truth", left: alarms.len(), right: truth.len() });
        }
        let mut counts = Self::default();
        for pair in alarms.iter().zip(truth) {
            let counter = match pair {
                (true, true) => &mut counts.tp,
                (true, false) => &mut counts.fp,
                (false, false) => &mut counts.tn,
                (false, true) => &mut counts.fn_,
            };
            *counter += 1;
        }
        Ok(counts)
    }

    /// Pools another file's rows with these.
    pub fn add(&mut self, other: &Self) {
        self.tp += other.tp;
        self.fp += other.fp;
        self.tn += other.tn;
        self.fn_ += other.fn_;
    }

    /// tp / (tp + fp); none without an alarm.
    pub fn precision(&self) -> Option<f64> {
        share(self.tp, self.tp + self.fp)
    }

    /// tp / (tp + fn); none without a bad row.
    pub fn recall(&self) -> Option<f64> {
        share(self.tp, self.tp + self.fn_)
    }

    /// 2 tp / (2 tp + fp + fn), the harmonic mean of precision and recall (van Rijsbergen 1979); none where there is
    /// neither an alarm nor a bad row.
    pub fn f1(&self) -> Option<f64> {
        share(2 * self.tp, 2 * self.tp + self.fp + self.fn_)
    }

    /// fp / (fp + tn), SKAB's FAR; none without a normal row.
    pub fn false_alarm_rate(&self) -> Option<f64> {
        share(self.fp, self.fp + self.tn)
    }

    /// fn / (fn + tp), SKAB's MAR; none without a bad row.
    pub fn missed_alarm_rate(&self) -> Option<f64> {
        share(self.fn_, self.fn_ + self.tp)
    }
}

/// What [`Events`] forgives and what it takes for a pause in recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventRules {
    /// Seconds after an event's last row in which an alarm still counts as of the event. It ends early where the next
    /// event begins.
    pub tolerance_s: f64,
    /// The most seconds that one row may stand for: a longer gap in the recording is not normal running time.
    pub max_gap_s: f64,
}

impl Default for EventRules {
    /// No tolerance, and no gap is too long.
    fn default() -> Self {
        Self { tolerance_s: 0.0, max_gap_s: f64::INFINITY }
    }
}

/// Events and alarm episodes of one file or, added up, of many.
///
/// An event is a maximal run of bad rows, an alarm episode a maximal run of alarm rows. An event is found if an alarm
/// row lies in it or in the tolerance after it, so an alarm that stood before the event finds it with no delay:
/// [`Events::stood_before`] says how often that was so, for such an event may have been found by accident. An episode
/// is false if none of its rows lies in an event or its tolerance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Events {
    /// How many events there were.
    pub events: u64,
    /// Seconds from each found event's first row to the first alarm row that counts, in order.
    pub delays_s: Vec<f64>,
    /// Found events at whose first row an alarm stood that was standing on the row before already.
    pub stood_before: u64,
    /// Alarm episodes.
    pub episodes: u64,
    /// Alarm episodes that touch no event.
    pub false_episodes: u64,
    /// Seconds of normal running: each normal row stands until the next row, for [`EventRules::max_gap_s`] at most.
    pub normal_s: f64,
}

impl Events {
    /// Judges one file: the time of each row in seconds, not falling, its alarm and its truth.
    pub fn count(times_s: &[f64], alarms: &[bool], truth: &[bool], rules: EventRules) -> Result<Self, InputError> {
        input::same_length("times and truth", times_s.len(), truth.len())?;
        input::same_length("alarms and truth", alarms.len(), truth.len())?;
        input::finite("times", times_s)?;
        input::rising(times_s)?;
        input::in_range("tolerance", rules.tolerance_s, rules.tolerance_s >= 0.0 && rules.tolerance_s.is_finite())?;
        input::in_range("longest gap", rules.max_gap_s, rules.max_gap_s > 0.0)?;
        let rows: Vec<Row> = (times_s.iter().zip(alarms).zip(truth))
            .map(|((&time_s, &alarm), &bad)| Row { time_s, alarm, bad })
            .collect();
        let mut judged = Self { normal_s: normal_s(&rows, rules.max_gap_s), ..Self::default() };
        judged.walk(&rows, rules.tolerance_s);
        Ok(judged)
    }

    /// Goes through the rows once: at each, an event may begin, stand, be forgiven for a while, and an episode
    /// likewise.
    fn walk(&mut self, rows: &[Row], tolerance_s: f64) {
        let mut event: Option<Event> = None;
        let mut episode: Option<Episode> = None;
        let mut before = Row { time_s: f64::NEG_INFINITY, alarm: false, bad: false };
        for row in rows {
            if row.bad && !before.bad {
                self.events += 1;
                event = Some(Event { began_s: row.time_s, last_s: row.time_s, found: false });
            }
            if let Some(event) = event.as_mut().filter(|_| row.bad) {
                event.last_s = row.time_s;
            }
            let within = event.as_mut().filter(|e| row.time_s <= e.last_s + tolerance_s);
            if row.alarm {
                if !before.alarm {
                    self.episodes += 1;
                }
                let touched = episode.get_or_insert(Episode { touches: false });
                if let Some(event) = within {
                    touched.touches = true;
                    if !std::mem::replace(&mut event.found, true) {
                        self.delays_s.push(row.time_s - event.began_s);
                        // Within the event the row before would have found it.
                        self.stood_before += u64::from(before.alarm);
                    }
                }
            } else {
                self.end(episode.take());
            }
            before = *row;
        }
        self.end(episode);
    }

    fn end(&mut self, episode: Option<Episode>) {
        self.false_episodes += u64::from(episode.is_some_and(|e| !e.touches));
    }

    /// Pools another file's events with these.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.delays_s.extend_from_slice(&other.delays_s);
        self.stood_before += other.stood_before;
        self.episodes += other.episodes;
        self.false_episodes += other.false_episodes;
        self.normal_s += other.normal_s;
    }

    /// How many events were found.
    pub fn found(&self) -> u64 {
        self.delays_s.len() as u64
    }

    /// Found events over all; none without an event.
    pub fn found_share(&self) -> Option<f64> {
        share(self.found(), self.events)
    }

    /// Mean delay of the found events in seconds; none where none was found. Those not found are not in it: it says
    /// little without [`Events::found_share`].
    pub fn mean_delay_s(&self) -> Option<f64> {
        (!self.delays_s.is_empty()).then(|| self.delays_s.iter().sum::<f64>() / self.delays_s.len() as f64)
    }

    /// Median delay of the found events in seconds, of an even number the mean of the middle two.
    pub fn median_delay_s(&self) -> Option<f64> {
        let mut sorted = self.delays_s.clone();
        sorted.sort_by(f64::total_cmp);
        let upper = sorted.get(sorted.len() / 2)?;
        let lower = sorted.get(sorted.len().saturating_sub(1) / 2)?;
        Some((lower + upper) / 2.0)
    }

    /// False episodes for each day of normal running; none without normal running.
    pub fn false_episodes_per_day(&self) -> Option<f64> {
        (self.normal_s > 0.0).then(|| self.false_episodes as f64 * 86_400.0 / self.normal_s)
    }
}

#[derive(Debug, Clone, Copy)]
struct Row {
    time_s: f64,
    alarm: bool,
    bad: bool,
}

#[derive(Debug, Clone, Copy)]
struct Event {
    began_s: f64,
    last_s: f64,
    found: bool,
}

#[derive(Debug, Clone, Copy)]
struct Episode {
    touches: bool,
}

fn normal_s(rows: &[Row], max_gap_s: f64) -> f64 {
    let steps = rows.iter().zip(rows.iter().skip(1));
    steps.filter(|(row, _)| !row.bad).map(|(row, next)| (next.time_s - row.time_s).min(max_gap_s)).sum()
}

#[cfg(test)]
mod tests;
