//! A home's year made up from a seed: a household's day, clouds, a tariff by time of use.

use super::HomeSeries;
use crate::noise::{self, Wander};

/// The noise stream of a home's series.
const STREAM: u64 = 300;

/// Hourly or finer series of `days` days, from the beginning of a year: `step_s` seconds a step, at least a minute.
///
/// The load has a base, a morning and an evening, each of its own size and hour in every home, wandering over hours
/// and
/// days, and more of it on days off. Generation follows the sun's height at 45 degrees of latitude under clouds that
/// wander. Energy is dear from 16 to 21 h, less so on days off.
pub fn series(seed: u64, days: usize, step_s: f64) -> HomeSeries {
    let step_s = step_s.max(60.0);
    let mut rng = noise::stream(seed, STREAM, 0);
    let mut draw = |lo: f64, hi: f64| noise::uniform(&mut rng, lo, hi);
    let (base, morning, evening) = (draw(0.25, 0.6), draw(0.5, 1.5), draw(0.8, 2.5));
    let (rises, returns, panel) = (draw(6.0, 8.5), draw(17.0, 20.0), draw(2.5, 6.0));
    let mut rng = noise::stream(seed, STREAM, 1);
    let mut habit = Wander::new(3.0 * 3600.0, 0.35, step_s);
    let mut mood = Wander::new(2.0 * 86_400.0, 0.2, step_s);
    let mut cloud = Wander::new(5.0 * 3600.0, 0.8, step_s);
    let mut weather = Wander::new(1.5 * 86_400.0, 1.0, step_s);
    let steps = (days as f64 * 86_400.0 / step_s).floor() as usize;
    let mut series = HomeSeries { step_s, ..HomeSeries::default() };
    for step in 0..steps {
        let time_d = step as f64 * step_s / 86_400.0;
        let (day, hour) = (time_d.floor(), time_d.fract() * 24.0);
        [&mut habit, &mut mood, &mut cloud, &mut weather].into_iter().for_each(|wander| wander.step(&mut rng));
        let off = (day as usize) % 7 >= 5;
        let bump = |at: f64, width: f64| (-((hour - at) / width).powi(2)).exp();
        let at_home = if off { 0.5 * bump(13.0, 4.0) } else { 0.0 };
        let shape = base + morning * bump(rises, 1.2) + evening * bump(returns, 2.0) + at_home;
        let load = shape * (habit.at + mood.at).exp();
        // The sun's height: Cooper's declination and the hour angle.
        let declination = 23.45_f64.to_radians() * (std::f64::consts::TAU * (day + 285.0) / 365.0).sin();
        let (latitude, angle) = (45.0_f64.to_radians(), ((hour - 12.0) * 15.0).to_radians());
        let height = latitude.sin() * declination.sin() + latitude.cos() * declination.cos() * angle.cos();
        let clear = 1.0 / (1.0 + (-(1.0 + cloud.at + weather.at)).exp());
        let pv = panel * height.max(0.0) * (0.15 + 0.85 * clear);
        series.load_kwh.push(load * step_s / 3600.0);
        series.pv_kwh.push(pv * step_s / 3600.0);
        let dear = (16.0..21.0).contains(&hour);
        series.price.push(if !dear {
            0.20
        } else if off {
            0.38
        } else {
            0.48
        });
    }
    series
}
