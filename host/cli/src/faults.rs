//! Fault scripts of simulated plants as they are written: in `faults` of a source and in `dinrail sim --faults`.
//!
//! ```text
//! stuck rig.flow from 10min for 5min; spikes rig.speed by 40 in 10% from 20min for 5min; repeat 1h
//! ```

use crate::config::amounts::parse_duration;
use dinrail_sim::{Course, Episode, Fault, Script};

/// How a script is written.
pub const GRAMMAR: &str = "write faults as `KIND … from TIME for TIME`, several with `;` between and `repeat TIME` at the \
end; KIND is one of `drift SIGNAL by NUMBER/TIME`, `step SIGNAL by NUMBER`, `stuck SIGNAL`, `noise SIGNAL by NUMBER`, \
`dropout SIGNAL`, `spikes SIGNAL by NUMBER in NUMBER%`, `swap SIGNAL with SIGNAL`, `bearing-wear within TIME`, \
`cavitation within TIME`; or name one of the scripts `none`, `demo`, `wear-out`";

/// After a fault of a script, a plugin has as long as it lasted to forget it, but no longer than this, in seconds.
const MAX_RECOVERY_S: f64 = 300.0;

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultTextError {
    /// Another word should stand there.
    #[error("in `{entry}`: expected {expected}, found {found}")]
    Word {
        /// The fault.
        entry: String,
        /// What would do.
        expected: String,
        /// As written.
        found: String,
    },
    /// Something after the last `repeat`.
    #[error("`{entry}` stands after `repeat`, which ends a script")]
    AfterRepeat {
        /// As written.
        entry: String,
    },
}

/// Reads a script: a name, or faults separated by `;` or lines; `#` begins a remark.
///
/// # Errors
/// The first fault that can't be read.
pub fn parse(text: &str) -> Result<Script, FaultTextError> {
    if let Some(script) = Script::named(text.trim()) {
        return Ok(script);
    }
    let mut script = Script::none();
    let entries = text.lines().map(|line| line.split('#').next().unwrap_or_default()).flat_map(|line| line.split(';'));
    for entry in entries.map(str::trim).filter(|entry| !entry.is_empty()) {
        if script.repeat_s.is_some() {
            return Err(FaultTextError::AfterRepeat { entry: entry.to_owned() });
        }
        let mut words = Words { entry, words: entry.split_whitespace() };
        match words.word("a kind of fault")? {
            "repeat" => {
                script.repeat_s = Some(words.time_s()?);
                words.end()?;
            }
            kind => script.episodes.push(episode(kind, words)?),
        }
    }
    Ok(script)
}

/// One fault, its kind being read.
fn episode(kind: &str, mut words: Words<'_>) -> Result<Episode, FaultTextError> {
    let mut growth_s = None;
    let fault = match kind {
        "drift" => Fault::SensorDrift { signal: words.signal()?, rate_per_s: words.rate_per_s()? },
        "step" => Fault::SensorStep { signal: words.signal()?, by: words.by()? },
        "stuck" => Fault::StuckSensor { signal: words.signal()? },
        "noise" => Fault::SensorNoise { signal: words.signal()?, sd: words.by()? },
        "dropout" => Fault::Dropout { signal: words.signal()? },
        "spikes" => Fault::Spikes { signal: words.signal()?, by: words.by()?, share: words.share()? },
        "swap" => {
            let signal = words.signal()?;
            words.keyword("with")?;
            Fault::SwappedWires { signal, with: words.signal()? }
        }
        "bearing-wear" | "cavitation" => {
            words.keyword("within")?;
            growth_s = Some(words.time_s()?);
            if kind == "cavitation" { Fault::Cavitation } else { Fault::BearingWear }
        }
        _ => return Err(words.wrong("a kind of fault", Some(kind))),
    };
    words.keyword("from")?;
    let start_s = words.time_s()?;
    words.keyword("for")?;
    let duration_s = words.time_s()?;
    words.end()?;
    Ok(Episode {
        fault,
        start_s,
        duration_s,
        growth_s: growth_s.unwrap_or(0.0),
        severity: 1.0,
        course: Course::Linear,
        allowed_delay_s: duration_s,
        recovery_s: duration_s.min(MAX_RECOVERY_S),
    })
}

/// The words of one fault.
struct Words<'t> {
    entry: &'t str,
    words: std::str::SplitWhitespace<'t>,
}

impl<'t> Words<'t> {
    fn wrong(&self, expected: &str, found: Option<&str>) -> FaultTextError {
        let found = found.map_or("the end".to_owned(), |found| format!("`{found}`"));
        FaultTextError::Word { entry: self.entry.to_owned(), expected: expected.to_owned(), found }
    }

    fn word(&mut self, expected: &str) -> Result<&'t str, FaultTextError> {
        self.words.next().ok_or_else(|| self.wrong(expected, None))
    }

    fn parsed<T>(&mut self, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, FaultTextError> {
        let word = self.word(expected)?;
        parse(word).ok_or_else(|| self.wrong(expected, Some(word)))
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), FaultTextError> {
        self.parsed(&format!("`{keyword}`"), |word| (word == keyword).then_some(()))
    }

    fn end(&mut self) -> Result<(), FaultTextError> {
        match self.words.next() {
            None => Ok(()),
            Some(word) => Err(self.wrong("the end", Some(word))),
        }
    }

    fn signal(&mut self) -> Result<String, FaultTextError> {
        self.parsed("a signal", |word| Some(word.to_owned()))
    }

    fn by(&mut self) -> Result<f64, FaultTextError> {
        self.keyword("by")?;
        self.parsed("a number", finite)
    }

    fn time_s(&mut self) -> Result<f64, FaultTextError> {
        self.parsed("a time such as `5min`", seconds)
    }

    fn rate_per_s(&mut self) -> Result<f64, FaultTextError> {
        self.keyword("by")?;
        self.parsed("a number over a time such as `-1.5/min`", |word| {
            let (number, unit) = word.split_once('/')?;
            Some(finite(number)? / seconds(&format!("1{unit}"))?)
        })
    }

    fn share(&mut self) -> Result<f64, FaultTextError> {
        self.keyword("in")?;
        let percent =
            |word: &str| finite(word.strip_suffix('%')?).filter(|percent| 0.0 < *percent && *percent <= 100.0);
        Ok(self.parsed("a share of readings such as `10%`", percent)? / 100.0)
    }
}

fn finite(word: &str) -> Option<f64> {
    word.parse::<f64>().ok().filter(|number| number.is_finite())
}

fn seconds(word: &str) -> Option<f64> {
    parse_duration(word).ok().map(|ns| ns as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn one(text: &str) -> Episode {
        let script = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let [episode] = script.episodes.as_slice() else { panic!("{text}: {script:?}") };
        assert_eq!((episode.start_s, episode.duration_s), (600.0, 90.0), "{text}");
        episode.clone()
    }

    #[test]
    fn every_kind_is_read() {
        let signal = || "rig.flow".to_owned();
        let cases = [
            ("drift rig.flow by -1.5/min", Fault::SensorDrift { signal: signal(), rate_per_s: -0.025 }),
            ("step rig.flow by 5e0", Fault::SensorStep { signal: signal(), by: 5.0 }),
            ("stuck rig.flow", Fault::StuckSensor { signal: signal() }),
            ("noise rig.flow by 0.5", Fault::SensorNoise { signal: signal(), sd: 0.5 }),
            ("dropout rig.flow", Fault::Dropout { signal: signal() }),
            ("spikes rig.flow by 20 in 5%", Fault::Spikes { signal: signal(), by: 20.0, share: 0.05 }),
            ("swap rig.flow with rig.speed", Fault::SwappedWires { signal: signal(), with: "rig.speed".into() }),
        ];
        for (text, fault) in cases {
            assert_eq!(one(&format!("{text} from 10min for 90s")).fault, fault, "{text}");
        }
        let wear = one("bearing-wear within 1min from 10min for 90s");
        assert_eq!((wear.fault, wear.growth_s, wear.severity), (Fault::BearingWear, 60.0, 1.0));
        assert_eq!(one(" cavitation within 30s from 10min for 1.5min;").fault, Fault::Cavitation);
    }

    #[test]
    fn scripts_have_names_lines_and_an_end() {
        for name in dinrail_sim::fault::SCRIPTS {
            assert_eq!(parse(name).ok(), Script::named(name));
        }
        assert_eq!(parse(" # nothing\n"), Ok(Script::none()));
        let lines = "# an hour\nstuck a from 1min for 1min # the first\n\ndropout b from 3min for 1min; repeat 1h\n";
        let script = parse(lines).unwrap();
        assert_eq!((script.episodes.len(), script.repeat_s), (2, Some(3600.0)));
        assert_eq!(script.episodes[1].start_s, 180.0);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, said) in [
            ("dmo", "in `dmo`: expected a kind of fault, found `dmo`"),
            ("stuck a from 1min for 1min; stick b", "in `stick b`: expected a kind of fault, found `stick`"),
            ("stuck", "expected a signal, found the end"),
            ("stuck a at 1min", "expected `from`, found `at`"),
            ("stuck a from 1m for 1min", "expected a time such as `5min`, found `1m`"),
            ("stuck a from 1min for 1min more", "expected the end, found `more`"),
            ("step a by much from 1min for 1min", "expected a number, found `much`"),
            ("drift a by 1 from 1min for 1min", "expected a number over a time such as `-1.5/min`, found `1`"),
            ("spikes a by 1 in 0% from 1min for 1min", "expected a share of readings such as `10%`, found `0%`"),
            ("repeat 1h; stuck a from 1min for 1min", "stands after `repeat`"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
