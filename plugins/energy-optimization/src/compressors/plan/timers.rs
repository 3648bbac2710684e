//! The machines' timers in stages of one length, and every combination of them.

use crate::compressors::plate::Plate;

/// Stages that a timer may count, at most: twenty of a minute. Who sets longer times gets a plan that thinks of these.
const MOST_STAGES: usize = 20;

/// One machine's timers, in stages: on for 1, 2, … `run`, off for 1, 2, … `off`; the last of each means "or longer".
#[derive(Debug, Clone, Copy)]
struct Timers {
    run: usize,
    off: usize,
    least_run: usize,
    least_off: usize,
}

impl Timers {
    fn new(plate: &Plate, step_s: f64) -> Self {
        let stages = |time_s: f64| ((time_s / step_s).ceil() as usize).clamp(1, MOST_STAGES);
        let (least_run, least_off) = (stages(plate.least_run_s), stages(plate.least_off_s));
        // The first stage after a start differs from the others, so it has a state of its own.
        Self { run: least_run.max(2), off: least_off, least_run, least_off }
    }

    fn len(&self) -> usize {
        self.run + self.off
    }

    /// Where it can go, and whether that is a start.
    fn next(&self, state: usize) -> [Option<(usize, bool)>; 2] {
        if state < self.run {
            let stop = (state + 1 >= self.least_run).then_some((self.run, false));
            [Some(((state + 1).min(self.run - 1), false)), stop]
        } else {
            let off = state - self.run;
            let start = (off + 1 >= self.least_off).then_some((0, true));
            [Some((self.run + (off + 1).min(self.off - 1), false)), start]
        }
    }
}

/// One combination of the machines' timers.
#[derive(Debug, Clone)]
pub(super) struct Combination {
    /// In [`Layer::patterns`].
    pub(super) pattern: usize,
    /// Where it can go, and what the starts on the way cost in kWh.
    pub(super) next: Vec<(usize, f32)>,
}

/// Which machines run: a bit for each, the variable one last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) on: u8,
    /// Those of them that start in this stage.
    pub(super) starting: u8,
    /// Those that stand and may be started at its end.
    pub(super) rested: u8,
}

/// All combinations, for stages of one length.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// Length of a stage, in seconds.
    pub(super) step_s: f64,
    plates: Vec<Plate>,
    timers: Vec<Timers>,
    pub(super) combinations: Vec<Combination>,
    pub(super) patterns: Vec<Pattern>,
}

impl Layer {
    /// The shortest of these lengths whose combinations are not more than `most`, else the longest.
    pub(super) fn new(plates: &[Plate], lengths_s: &[f64], most: usize) -> Self {
        let timers_of = |step_s: f64| plates.iter().map(|plate| Timers::new(plate, step_s)).collect::<Vec<_>>();
        let count = |timers: &[Timers]| timers.iter().map(Timers::len).product::<usize>();
        let fits = |step_s: &f64| count(&timers_of(*step_s)) <= most;
        let step_s = lengths_s.iter().copied().find(fits).or(lengths_s.last().copied()).unwrap_or(60.0);
        let timers = timers_of(step_s);
        let count = count(&timers);
        let mut layer =
            Self { step_s, plates: plates.to_vec(), timers, combinations: Vec::new(), patterns: Vec::new() };
        layer.combinations = (0..count).map(|index| layer.combination(index)).collect();
        layer
    }

    fn combination(&mut self, mut index: usize) -> Combination {
        let mut pattern = Pattern { on: 0, starting: 0, rested: 0 };
        let mut next = vec![(0, 0.0)];
        let mut place = 1;
        for (which, (plate, timers)) in self.plates.iter().zip(&self.timers).enumerate() {
            let digit = index % timers.len();
            index /= timers.len();
            pattern.on |= u8::from(digit < timers.run) << which;
            pattern.starting |= u8::from(digit == 0) << which;
            pattern.rested |= u8::from(digit + 1 == timers.len()) << which;
            let fee = plate.start_kwh as f32;
            let ways: Vec<_> = timers.next(digit).into_iter().flatten().collect();
            let go = |(to, paid): &(usize, f32)| {
                let (to, paid) = (*to, *paid);
                let step =
                    move |(state, starts): &(usize, bool)| (to + state * place, paid + if *starts { fee } else { 0.0 });
                ways.iter().map(step).collect::<Vec<_>>()
            };
            next = next.iter().flat_map(go).collect();
            place *= timers.len();
        }
        let known = self.patterns.iter().position(|other| *other == pattern);
        let pattern = known.unwrap_or_else(|| {
            self.patterns.push(pattern);
            self.patterns.len() - 1
        });
        Combination { pattern, next }
    }

    /// The combination of machines that will have been on or off for so long, in seconds.
    pub(super) fn index(&self, since: &[(bool, f64)]) -> usize {
        let (mut index, mut place) = (0, 1);
        for ((plate, timers), (on, for_s)) in self.plates.iter().zip(&self.timers).zip(since) {
            let (least_s, least, base, last) = match on {
                true => (plate.least_run_s, timers.least_run, 0, timers.run - 1),
                false => (plate.least_off_s, timers.least_off, timers.run, timers.off - 1),
            };
            let left = ((least_s - for_s) / self.step_s).ceil();
            let state = if left <= 0.0 { last } else { least.saturating_sub(1 + left as usize) };
            index += (base + state) * place;
            place *= timers.len();
        }
        index
    }

    /// A bit for each machine that has stood for long enough to be started.
    pub(super) fn rested(&self, since: &[(bool, f64)]) -> u8 {
        let machines = (0_u8..).zip(self.plates.iter().zip(since));
        machines
            .fold(0, |bits, (which, (plate, (on, for_s)))| bits | u8::from(!on && *for_s >= plate.least_off_s) << which)
    }

    /// For how long the machines of a combination have been on or off at least, in seconds; very long where it says "or longer".
    pub(super) fn since(&self, mut index: usize) -> Vec<(bool, f64)> {
        let machine = |timers: &Timers| {
            let digit = index % timers.len();
            index /= timers.len();
            let on = digit < timers.run;
            let (done, last) = if on { (digit, timers.run - 1) } else { (digit - timers.run, timers.off - 1) };
            (on, if done == last { f64::MAX } else { (done + 1) as f64 * self.step_s })
        };
        self.timers.iter().map(machine).collect()
    }
}
