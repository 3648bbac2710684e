#![allow(clippy::unwrap_used, reason = "a test may panic")]
use std::f64::consts::TAU;

use dinrail_sim::judge::ranks::spearman;
use dinrail_sim::{Condition, Fault, Plant, Race, Script, Value};

use super::*;

/// The rig's bearing, as its maker would give it.
fn rig_bearing() -> Parameters {
    Parameters { outer: Some(3.58), inner: Some(5.42), ..Parameters::default() }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|x| x.parse().ok()).unwrap_or(otherwise)
}

/// A rig, read every so often.
struct Watched {
    plant: Box<dyn Plant>,
    period_s: f64,
    samples: Vec<f32>,
    rate_hz: f64,
    speed: f64,
}

impl Watched {
    fn new(name: &str, seed: u64, script: Script, period_s: f64) -> Self {
        let plant = dinrail_sim::plant(name, seed, script).unwrap();
        Watched { plant, period_s, samples: Vec::new(), rate_hz: 0.0, speed: 0.0 }
    }

    /// The next block; the time and the truth with it.
    fn next(&mut self) -> (f64, Condition) {
        self.plant.advance(self.period_s);
        let mut readings = Vec::new();
        self.plant.read(&mut readings);
        for reading in readings {
            match reading.value {
                Value::Block { samples, rate_hz, .. } => (self.samples, self.rate_hz) = (samples, rate_hz),
                Value::Number(x) if self.plant.signals()[reading.signal].name == "rig.speed" => self.speed = x,
                Value::Number(_) => {}
            }
        }
        let truth = self.plant.truth();
        (truth.time_s, truth.condition.unwrap())
    }

    fn observe(&self, watch: &mut BearingWatch, time_s: f64) -> BearingHealth {
        let block = Block { samples: &self.samples, rate_hz: self.rate_hz };
        watch.observe(time_s, Some(block), Some(self.speed))
    }
}

/// A run to failure by the plant `name`: every health with its truth, until the failure.
fn run(name: &str, seed: u64, life_s: f64, race: Race, period_s: f64, known: bool) -> Vec<(BearingHealth, Condition)> {
    let mut rig = Watched::new(name, seed, Script::wear_out(0.3 * life_s, life_s, race), period_s);
    let mut watch = BearingWatch::new(if known { rig_bearing() } else { Parameters::default() });
    let mut seen = Vec::new();
    loop {
        let (time_s, truth) = rig.next();
        if truth.life_s.is_none_or(|left_s| left_s == 0.0) {
            return seen;
        }
        seen.push((rig.observe(&mut watch, time_s), truth));
    }
}

/// Figures over many runs to failure.
#[derive(Default, Debug)]
struct Tally {
    two_sided: usize,
    inside: usize,
    below: usize,
    one_sided: usize,
    one_sided_right: usize,
    misnamed: usize,
    named: usize,
    while_healthy: usize,
    rho_min: Option<f64>,
    /// Share of the life that was left at the first interval, the median over seeds.
    first: Vec<f64>,
    by_seed: Vec<f64>,
}

impl Tally {
    fn add(&mut self, seen: &[(BearingHealth, Condition)]) {
        let (mut inside, mut all, mut first) = (0, 0, None);
        let wearing: Vec<_> = seen.iter().filter(|(_, truth)| truth.severity > 0.0).collect();
        let whole_s = wearing[0].1.life_s.unwrap();
        self.while_healthy += seen.iter().filter(|(h, t)| t.severity == 0.0 && h.mode != Mode::None).count();
        for (health, truth) in &wearing {
            let left_s = truth.life_s.unwrap();
            if health.mode != Mode::None {
                self.named += 1;
                self.misnamed += usize::from(health.mode.name() != truth.mode);
            }
            let Some(life) = health.life else { continue };
            if let Some(upper_s) = life.upper_s {
                first.get_or_insert(left_s / whole_s);
                all += 1;
                inside += usize::from(life.lower_s <= left_s && left_s <= upper_s);
                self.below += usize::from(left_s < life.lower_s);
            } else {
                self.one_sided += 1;
                self.one_sided_right += usize::from(life.lower_s <= left_s);
            }
        }
        let (indexes, truths): (Vec<f64>, Vec<f64>) = wearing.iter().map(|(h, t)| (h.index, t.health())).unzip();
        let rho = spearman(&indexes, &truths).unwrap().unwrap();
        self.rho_min = Some(self.rho_min.map_or(rho, |least| least.min(rho)));
        self.two_sided += all;
        self.inside += inside;
        self.first.extend(first);
        self.by_seed.push(inside as f64 / all.max(1) as f64);
    }

    fn coverage(&self) -> f64 {
        self.inside as f64 / self.two_sided as f64
    }

    fn print(&mut self, what: &str) {
        self.first.sort_by(f64::total_cmp);
        self.by_seed.sort_by(f64::total_cmp);
        let (seeds, share) = (self.by_seed.len(), |n: usize, of: usize| n as f64 / of as f64);
        println!(
            "{what}, {seeds} seeds: truth inside {:.3} of {} intervals (below {:.3}), by seed {:.2} to {:.2}; \"more than\" right \
             {:.3} of {}; first interval with {:.2} of the life left; misnamed {:.4} of {}; named while healthy {}; least \
             Spearman {:.3}",
            self.coverage(),
            self.two_sided,
            share(self.below, self.two_sided),
            self.by_seed[0],
            self.by_seed[seeds - 1],
            share(self.one_sided_right, self.one_sided),
            self.one_sided,
            self.first[self.first.len() / 2],
            share(self.misnamed, self.named),
            self.named,
            self.while_healthy,
            self.rho_min.unwrap(),
        );
    }
}

fn check_runs(what: &str, name: &str, race: Race, known: bool, life_s: f64, period_s: f64) {
    let seeds = setting("SEEDS", 6);
    let mut tally = Tally::default();
    (1..=seeds).for_each(|seed| tally.add(&run(name, seed, life_s, race, period_s, known)));
    tally.print(what);
    assert!((0.7..0.95).contains(&tally.coverage()), "{}", tally.coverage());
    assert!(tally.one_sided_right as f64 >= 0.85 * tally.one_sided as f64);
    assert!(tally.rho_min.unwrap() > 0.9);
    assert_eq!(tally.first.len(), seeds as usize, "each failure is foreseen");
    assert_eq!(tally.while_healthy, 0);
    assert!(tally.misnamed as f64 <= 0.02 * tally.named as f64);
}

#[test]
fn the_truth_lies_in_the_interval_four_times_of_five() {
    check_runs("outer race", "rig", Race::Outer, true, 86_400.0, 120.0);
}

#[test]
fn under_shifts_too() {
    check_runs("outer race under shifts", "rig-shifts", Race::Outer, true, 172_800.0, 240.0);
}

#[test]
fn an_inner_race_too() {
    check_runs("inner race", "rig", Race::Inner, true, 86_400.0, 120.0);
}

#[test]
fn and_without_knowing_the_bearing() {
    check_runs("outer race, orders unknown", "rig", Race::Outer, false, 86_400.0, 120.0);
    check_runs("inner race under shifts, orders unknown", "rig-shifts", Race::Inner, false, 86_400.0, 120.0);
}

/// Blocks of a machine of another kind: its own speed, rate, resonance and bearing.
struct Generator {
    noise: u64,
}

#[derive(Clone, Copy)]
struct Ill {
    /// Order and size of impacts; and whether they turn with the shaft.
    defect: Option<(f64, f64, bool)>,
    unbalance: f64,
    hiss: f64,
}

const WELL: Ill = Ill { defect: None, unbalance: 1.0, hiss: 1.0 };
const OTHER_RATE_HZ: f64 = 20_480.0;
const OTHER_SPEED: f64 = 2970.0;

impl Generator {
    /// SplitMix64 (Steele, Lea, Flood 2014), in [0, 1).
    fn uniform(&mut self) -> f64 {
        self.noise = self.noise.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.noise ^ (self.noise >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    fn block(&mut self, ill: Ill) -> Vec<f32> {
        let shaft_hz = OTHER_SPEED / 60.0;
        let phases = [self.uniform(), self.uniform()];
        let mut samples: Vec<f64> = (0..8192)
            .map(|i| {
                let turns = shaft_hz * f64::from(i) / OTHER_RATE_HZ;
                let [one, two] = phases.map(|phase| TAU * phase);
                let hum = 2.0 * ill.unbalance * (TAU * turns + one).sin() + 0.7 * (TAU * 2.0 * turns + two).sin();
                hum + ill.hiss * self.normal()
            })
            .collect();
        let Some((order, size, turns_with_shaft)) = ill.defect else {
            return samples.into_iter().map(|x| x as f32).collect();
        };
        let mut hit_s = self.uniform() / (order * shaft_hz);
        while hit_s < 0.4 {
            let zone = if turns_with_shaft { 0.5 + 0.5 * (TAU * shaft_hz * hit_s).cos() } else { 1.0 };
            let first = (hit_s * OTHER_RATE_HZ).ceil() as usize;
            for (i, sample) in samples.iter_mut().enumerate().skip(first).take(100) {
                let since_s = i as f64 / OTHER_RATE_HZ - hit_s;
                *sample += size * zone * (-since_s / 4e-4).exp() * (TAU * 5500.0 * since_s).sin();
            }
            hit_s += (1.0 + 0.008 * self.normal()) / (order * shaft_hz);
        }
        samples.into_iter().map(|x| x as f32).collect()
    }

    /// What is said after blocks of a well machine and then of an ill one.
    fn says(&mut self, parameters: Parameters, ill: Ill) -> BearingWatch {
        let mut watch = BearingWatch::new(Parameters { learn_blocks: 60, ..parameters });
        for minute in 0..180 {
            let samples = self.block(if minute < 100 { WELL } else { ill });
            let block = Block { samples: &samples, rate_hz: OTHER_RATE_HZ };
            let health = watch.observe(60.0 * f64::from(minute), Some(block), Some(OTHER_SPEED));
            assert!(minute >= 100 || health.mode == Mode::None && health.life.is_none(), "{minute}: {health:?}");
        }
        watch
    }
}

#[test]
fn each_mode_of_another_machine_is_named() {
    let known = Parameters {
        outer: Some(4.16),
        inner: Some(6.84),
        rolling: Some(4.71),
        cage: Some(0.378),
        ..Parameters::default()
    };
    let defect = |order: f64, turns: bool| Ill { defect: Some((order, 9.0, turns)), ..WELL };
    let cases = [
        (WELL, Mode::None),
        (defect(4.16, false), Mode::OuterRace),
        (defect(6.84, true), Mode::InnerRace),
        (defect(4.71, false), Mode::RollingElement),
        (Ill { unbalance: 3.0, ..WELL }, Mode::Unbalance),
        (Ill { hiss: 3.0, ..WELL }, Mode::Cavitation),
    ];
    for seed in 1..=setting("SEEDS", 1) {
        let mut generator = Generator { noise: seed };
        for (ill, mode) in cases {
            assert_eq!(generator.says(known.clone(), ill).health().mode, mode, "seed {seed}");
        }
        for (order, turns) in [(4.16, false), (6.84, true), (2.63, false)] {
            let watch = generator.says(Parameters::default(), defect(order, turns));
            let (found, ..) = watch.state.found.unwrap();
            assert!((found / order - 1.0).abs() < 0.02, "seed {seed}: {found} for {order}");
            let race = if turns { Mode::InnerRace } else { Mode::OuterRace };
            assert_eq!(watch.health().mode, race, "seed {seed}: {order}");
        }
        for (ill, mode) in [cases[0], cases[4], cases[5]] {
            assert_eq!(generator.says(Parameters::default(), ill).health().mode, mode, "seed {seed}, orders unknown");
        }
    }
}

#[test]
fn what_passes_has_no_life_and_is_forgotten() {
    let episode = |fault: Fault| {
        let mut script = Script::demo();
        script.episodes.retain(|e| e.fault == fault);
        script.repeat_s = None;
        script
    };
    for (fault, mode) in [(Fault::Cavitation, Mode::Cavitation), (Fault::BearingWear, Mode::OuterRace)] {
        for seed in 1..=setting("SEEDS", 5) {
            let script = episode(fault.clone());
            let mut rig = Watched::new("rig", seed, script, 6.0);
            let mut watch = BearingWatch::new(rig_bearing());
            let mut modes = Vec::new();
            for _ in 0..600 {
                let (time_s, truth) = rig.next();
                let health = rig.observe(&mut watch, time_s);
                assert!(health.life.is_none() || health.mode.is_bearing(), "{health:?}");
                if truth.severity > 0.99 {
                    modes.push(health.mode);
                }
            }
            assert!(modes.iter().rev().take(8).all(|m| *m == mode), "seed {seed}: {modes:?}");
            let after = watch.health();
            assert_eq!((after.mode, after.life), (Mode::None, None), "seed {seed}");
            assert!(after.index > 0.9, "seed {seed}: {}", after.index);
        }
    }
}

#[test]
fn ten_healthy_days_with_load_changes_claim_nothing() {
    let (days, period_s) = (setting("DAYS", 10) as f64, setting("PERIOD", 300) as f64);
    for (name, known) in [("rig", true), ("rig-shifts", true), ("rig-shifts", false)] {
        let (mut claims, mut least) = (0, 1.0_f64);
        for seed in 1..=setting("HEALTHY_SEEDS", 1) {
            let mut rig = Watched::new(name, seed, Script::none(), period_s);
            let mut watch = BearingWatch::new(if known { rig_bearing() } else { Parameters::default() });
            for _ in 0..(days * 86_400.0 / period_s) as usize {
                let (time_s, _) = rig.next();
                let health = rig.observe(&mut watch, time_s);
                claims += usize::from(health.mode != Mode::None || health.life.is_some());
                least = least.min(health.index);
            }
        }
        println!("{name}, orders known: {known}: {claims} claims in {days} days, health at least {least:.2}");
        assert_eq!(claims, 0);
        assert!(least > 0.7, "{least}");
    }
}

#[test]
fn missing_and_bad_blocks_change_little() {
    let mut noise = Generator { noise: 5 };
    let mut tally = Tally::default();
    for seed in 1..=setting("SEEDS", 4) {
        let life_s = 86_400.0;
        let mut rig = Watched::new("rig", seed, Script::wear_out(0.3 * life_s, life_s, Race::Outer), 120.0);
        let mut watch = BearingWatch::new(rig_bearing());
        let (mut seen, mut bad) = (Vec::new(), 0);
        loop {
            let (time_s, truth) = rig.next();
            if truth.life_s == Some(0.0) {
                break;
            }
            let (kind, at) = (noise.uniform(), (2000.0 * noise.uniform()) as usize);
            let mut samples = rig.samples.clone();
            match kind {
                x if x < 0.03 => samples[at] = f32::NAN,
                x if x < 0.06 => samples[at] = 4000.0,
                x if x < 0.09 => samples.fill(1.0),
                x if x < 0.12 => samples.truncate(100),
                x if x < 0.15 => samples.iter_mut().for_each(|x| *x *= 1e-3),
                _ => {}
            }
            bad += usize::from(kind < 0.15);
            let block = Block { samples: &samples, rate_hz: rig.rate_hz };
            let block = (kind < 0.85).then_some(block);
            seen.push((watch.observe(time_s, block, Some(rig.speed)), truth));
        }
        assert!(bad > 50);
        tally.add(&seen);
    }
    tally.print("with 15 % missing and 15 % bad blocks");
    assert!(tally.coverage() > 0.6 && tally.rho_min.unwrap() > 0.9 && tally.while_healthy == 0);
}

#[test]
fn a_machine_that_stands_does_not_wear() {
    let run = |nights: bool| {
        let mut rig = Watched::new("rig", 7, Script::wear_out(20_000.0, 60_000.0, Race::Outer), 60.0);
        let mut watch = BearingWatch::new(rig_bearing());
        let mut stood_s = 0.0;
        for at in 0..1000 {
            let (time_s, _) = rig.next();
            if nights && at % 200 == 199 {
                // Four hours at rest: a block of nothing but a little noise each ten minutes.
                for _ in 0..24 {
                    stood_s += 600.0;
                    let samples: Vec<f32> = rig.samples.iter().map(|x| 0.01 * x).collect();
                    let block = Block { samples: &samples, rate_hz: rig.rate_hz };
                    watch.observe(time_s + stood_s, Some(block), Some(0.0));
                }
            }
            rig.observe(&mut watch, time_s + stood_s);
        }
        watch.health().life.unwrap()
    };
    let (through, nights) = (run(false), run(true));
    assert!((nights.median_s / through.median_s - 1.0).abs() < 0.1, "{through:?} {nights:?}");
    assert!(through.upper_s.is_some() && nights.upper_s.is_some());
}

#[test]
fn what_people_watch_is_told() {
    let mut rig = Watched::new("rig", 8, Script::wear_out(10_000.0, 20_000.0, Race::Outer), 30.0);
    let mut watch = BearingWatch::new(rig_bearing());
    let mut seen = Vec::new();
    loop {
        let (time_s, truth) = rig.next();
        if truth.life_s == Some(0.0) {
            break;
        }
        seen.extend(rig.observe(&mut watch, time_s).signs);
    }
    let (first, last) = (seen[0], seen[seen.len() - 1]);
    assert!(first.ringing == 0.0 && (3.0..6.0).contains(&last.ringing), "{last:?}");
    assert!(last.rms > 2.0 * first.rms && last.kurtosis > 1.5 * first.kurtosis && last.crest > first.crest, "{last:?}");
}

#[test]
fn blocks_that_say_nothing_are_told_by_the_trust() {
    let mut rig = Watched::new("rig", 1, Script::none(), 60.0);
    let mut watch = BearingWatch::new(rig_bearing());
    for minute in 0..200 {
        let (time_s, _) = rig.next();
        let trust = rig.observe(&mut watch, time_s).trust;
        assert_eq!(trust, if minute < 99 { Trust::Bad } else { Trust::Good }, "{minute}");
    }
    let mut trusts = Vec::new();
    for _ in 0..60 {
        let (time_s, _) = rig.next();
        trusts.push(watch.observe(time_s, None, Some(rig.speed)).trust);
    }
    assert_eq!((trusts[0], trusts[10], trusts[59]), (Trust::Good, Trust::Uncertain, Trust::Bad));
    let before = watch.clone();
    let again = rig.observe(&mut watch, 1.0);
    assert_eq!(again.mode, Mode::None);
    assert_eq!(watch.state.collector, before.state.collector, "an old block says nothing");
}

#[test]
fn a_restored_instance_goes_on_as_if_nothing_had_happened() {
    for known in [true, false] {
        let parameters = if known { rig_bearing() } else { Parameters::default() };
        let mut rig = Watched::new("rig", 3, Script::wear_out(10_000.0, 40_000.0, Race::Inner), 60.0);
        let mut watch = BearingWatch::new(parameters.clone());
        let mut size = 0;
        for at in 0..800 {
            let (time_s, _) = rig.next();
            let health = rig.observe(&mut watch, time_s);
            if at % 101 == 0 {
                let state = postcard::to_allocvec(watch.state()).unwrap();
                size = size.max(state.len());
                let mut fresh = BearingWatch::new(parameters.clone());
                assert!(fresh.restore(postcard::from_bytes(&state).unwrap()));
                assert_eq!((fresh.health(), &fresh), (health, &watch));
                let other = if known { Parameters::default() } else { rig_bearing() };
                assert!(!BearingWatch::new(other).restore(postcard::from_bytes(&state).unwrap()));
            }
        }
        println!("orders known: {known}: a state of {size} bytes");
        assert!(size < 16_384);
        assert_eq!(watch.health().mode, Mode::InnerRace);
    }
}
