//! A factory's demand for air: shifts, breaks, consumers that come and go, leaks.
//!
//! What is drawn is a mean for each minute, and a ripple within the minute that comes to nothing over it. So the means are
//! all that a plan can use, and they can be told ahead of time ([`Demand::ahead`]).

use std::f64::consts::TAU;

use rand_pcg::Pcg64Mcg;

use crate::noise::{self, Wander};

/// How long a value of the series holds.
pub const MINUTE_S: f64 = 60.0;
/// Least and largest mean of a minute, in m³/min. The three machines together make 28 by their plates; two kilometres of
/// pipe always leak.
pub const RANGE: (f64, f64) = (1.5, 24.0);

const DAY_MIN: u64 = 1440;
/// Ripples in a minute: a valve island's stroke takes some seconds.
const RIPPLES: f64 = 5.0;

/// The demand of one run, minute by minute, drawn as far as was asked. Run time 0 is midnight before a Monday.
#[derive(Debug, Clone)]
pub struct Demand {
    seed: u64,
    /// Habits of the factory: what is the same on every day.
    habits: Habits,
    wander: Wander,
    minutes: Vec<f64>,
    ripples: Vec<f64>,
    /// Consumers that run now: flow, and minutes that are left.
    batches: Vec<(f64, u64)>,
    /// Of the day that is being drawn.
    day: Day,
}

#[derive(Debug, Clone, Copy)]
struct Habits {
    leak: f64,
    early: f64,
    late: f64,
    saturday: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Day {
    scale: f64,
    /// When the shifts begin and end and the breaks begin, in minutes of the day.
    early: u64,
    change: u64,
    end: u64,
    breaks: [u64; 4],
}

impl Demand {
    /// From midnight on.
    pub fn new(seed: u64) -> Self {
        let mut rng = noise::stream(seed, super::DEMAND_STREAM, 0);
        let habits = Habits {
            leak: noise::uniform(&mut rng, 2.2, 3.6),
            early: noise::uniform(&mut rng, 13.0, 17.0),
            late: noise::uniform(&mut rng, 9.0, 13.0),
            saturday: noise::uniform(&mut rng, 5.5, 8.0),
        };
        let wander = Wander::new(12.0, 0.7, 1.0);
        let day = Day::default();
        Self { seed, habits, wander, minutes: Vec::new(), ripples: Vec::new(), batches: Vec::new(), day }
    }

    /// Mean of that minute, in m³/min; drawn up to it before.
    pub fn minute(&mut self, at: u64) -> f64 {
        self.draw(at);
        self.minutes.get(at as usize).copied().unwrap_or(RANGE.0)
    }

    /// At this run time, ripple and all.
    pub(super) fn at(&mut self, time_s: f64) -> f64 {
        let minute = (time_s / MINUTE_S + 1e-9).floor();
        let mean = self.minute(minute as u64);
        let ripple = self.ripples.get(minute as usize).copied().unwrap_or(0.0);
        mean + ripple * (TAU * RIPPLES * (time_s / MINUTE_S - minute)).sin()
    }

    /// The means from that minute on: what a plugin that knows the demand is told.
    pub fn ahead(&mut self, from: u64, count: u64) -> Vec<f64> {
        (from..from + count).map(|at| self.minute(at)).collect()
    }

    fn draw(&mut self, until: u64) {
        while self.minutes.len() as u64 <= until {
            let at = self.minutes.len() as u64;
            let mut rng = noise::stream(self.seed, super::DEMAND_STREAM, 1 + at);
            if at.is_multiple_of(DAY_MIN) {
                self.day = Day::draw(&mut rng);
            }
            self.wander.step(&mut rng);
            let usual = self.usual(at / DAY_MIN % 7, at % DAY_MIN);
            let batches = self.batches(&mut rng, usual);
            let mean = usual + batches + self.wander.at * (usual / 12.0).clamp(0.15, 1.0);
            let mean = mean.clamp(RANGE.0, RANGE.1);
            self.minutes.push(mean);
            self.ripples.push(0.06 * mean * noise::uniform(&mut rng, -1.0, 1.0));
        }
    }

    /// What the shift draws; weekday 0 is a Monday.
    fn usual(&self, weekday: u64, minute: u64) -> f64 {
        let (habits, day) = (&self.habits, &self.day);
        let shift = match weekday {
            0..=4 if (day.early..day.change).contains(&minute) => habits.early,
            0..=4 if (day.change..day.end).contains(&minute) => habits.late,
            5 if (day.early..day.change).contains(&minute) => habits.saturday,
            _ => return habits.leak,
        };
        let pause = day.breaks.iter().zip([15, 30, 30, 15]).any(|(from, long)| (*from..from + long).contains(&minute));
        let share = if pause { 0.35 } else { 1.0 };
        habits.leak + (shift * day.scale - habits.leak) * share
    }

    /// Blasting, tests, cleaning: steps of some minutes while people work.
    fn batches(&mut self, rng: &mut Pcg64Mcg, usual: f64) -> f64 {
        self.batches.retain_mut(|(_, left)| {
            *left = left.saturating_sub(1);
            *left > 0
        });
        let works = usual > 1.5 * self.habits.leak;
        if works && self.batches.len() < 2 && noise::uniform(rng, 0.0, 1.0) < 1.0 / 50.0 {
            let flow = noise::uniform(rng, 1.0, 4.0);
            self.batches.push((flow, noise::uniform(rng, 4.0, 25.0) as u64));
        }
        self.batches.iter().map(|(flow, _)| flow).sum()
    }
}

impl Day {
    fn draw(rng: &mut Pcg64Mcg) -> Self {
        let mut near = |minute: u64, spread: f64| minute + noise::uniform(rng, 0.0, spread) as u64;
        let (early, change, end) = (near(355, 10.0), near(838, 5.0), near(1315, 10.0));
        let breaks = [near(540, 4.0), near(720, 4.0), near(1080, 4.0), near(1200, 4.0)];
        Self { scale: noise::uniform(rng, 0.93, 1.07), early, change, end, breaks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ripple_comes_to_nothing_over_a_minute() {
        let mut demand = Demand::new(3);
        for minute in [0_u64, 500, 900] {
            let mean = (0..600).map(|i| demand.at(minute as f64 * 60.0 + f64::from(i) / 10.0)).sum::<f64>() / 600.0;
            assert!((mean - demand.minute(minute)).abs() < 1e-6, "{minute}");
        }
    }

    #[test]
    fn it_does_not_depend_on_how_it_is_asked() {
        let (mut one, mut other) = (Demand::new(5), Demand::new(5));
        let all = one.ahead(0, 3000);
        let parts: Vec<f64> = (0..3000).map(|at| other.minute(at)).collect();
        assert_eq!(all, parts);
        assert_ne!(all, Demand::new(6).ahead(0, 3000));
    }

    #[test]
    fn shifts_draw_more_than_nights_and_sundays() {
        for seed in 0..10 {
            let mut demand = Demand::new(seed);
            let mut mean = |day: u64, from: u64, to: u64| {
                let minutes = demand.ahead(day * DAY_MIN + from, to - from);
                minutes.iter().sum::<f64>() / minutes.len() as f64
            };
            let (night, early, late) = (mean(1, 60, 300), mean(1, 380, 530), mean(1, 860, 1070));
            let (sunday, pause) = (mean(6, 380, 530), mean(1, 726, 748));
            assert!(night < 4.5 && sunday < 4.5, "seed {seed}: {night} {sunday}");
            assert!(early > 11.0 && late > 8.0, "seed {seed}: {early} {late}");
            assert!(pause < 0.75 * early, "seed {seed}: {pause}");
        }
    }
}
