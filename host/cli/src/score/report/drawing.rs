//! One run, drawn.

use crate::score::judging::Trace;
use plotters::prelude::*;
use std::error::Error;

/// Width and height of a drawing, pixels.
const SIZE: (u32, u32) = (920, 220);

/// Points of a line that are drawn: two for each pixel column.
pub(super) const POINTS: usize = 1_840;

/// Of lines, in their order.
const LINES: [RGBColor; 3] = [RGBColor(25, 118, 210), RGBColor(117, 117, 117), RGBColor(56, 142, 60)];
/// Of stretches in which something is wrong.
const TRUTH: RGBColor = RGBColor(255, 224, 130);
/// Of alarms.
const ALARM: RGBColor = RGBColor(211, 47, 47);
/// Of intervals.
const BAND: RGBColor = RGBColor(25, 118, 210);
/// How much of a band's colour is laid on.
const BAND_SHARE: f64 = 0.22;

/// Something drawn, its colour as CSS, and whether it is a line (rather than an area).
pub(super) type Entry = (String, String, bool);

/// What a drawing's colours mean.
pub(super) fn legend(trace: &Trace) -> Vec<Entry> {
    let css = |colour: RGBColor, share: f64| format!("rgba({},{},{},{share})", colour.0, colour.1, colour.2);
    let lines = trace.lines.iter().zip(LINES.iter().cycle());
    let mut entries: Vec<Entry> = lines.map(|((name, _), colour)| (name.clone(), css(*colour, 1.0), true)).collect();
    entries.extend(trace.bands.iter().map(|(name, _)| (name.clone(), css(BAND, BAND_SHARE), false)));
    if !trace.truth.is_empty() {
        entries.push(("really wrong".to_owned(), css(TRUTH, 0.5), false));
    }
    if !trace.alarms.is_empty() {
        entries.push(("alarm".to_owned(), css(ALARM, 1.0), false));
    }
    entries
}

/// The least and the most of some numbers, apart by something.
fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (lo, hi) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), value| (lo.min(value), hi.max(value)));
    if lo < hi {
        (lo, hi)
    } else if lo.is_finite() {
        (lo - 0.5, lo + 0.5)
    } else {
        (0.0, 1.0)
    }
}

/// Not more points than can be seen: of each stretch the least and the most.
pub(super) fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= POINTS {
        return points.to_vec();
    }
    let stretch = points.len().div_ceil(POINTS / 2);
    let mut kept = Vec::with_capacity(POINTS);
    for chunk in points.chunks(stretch) {
        let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let ends = [chunk.iter().min_by(by_value), chunk.iter().max_by(by_value)];
        let mut ends: Vec<(f64, f64)> = ends.into_iter().flatten().copied().collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        kept.extend(ends);
    }
    kept
}

/// Half the usual distance of neighbours, so that the bars of a band touch.
fn half_step(points: &[(f64, f64, f64)], least: f64) -> f64 {
    let mut steps: Vec<f64> = points.windows(2).map(|pair| pair[1].0 - pair[0].0).filter(|step| *step > 0.0).collect();
    steps.sort_by(f64::total_cmp);
    (steps.get(steps.len() / 2).copied().unwrap_or(0.0) / 2.0).max(least)
}

/// An SVG.
pub(super) fn drawing(trace: &Trace) -> Result<String, Box<dyn Error + Send + Sync>> {
    let all = || trace.lines.iter().flat_map(|(_, points)| points.iter());
    let bands = || trace.bands.iter().flat_map(|(_, points)| points.iter());
    let marks = trace.truth.iter().chain(&trace.alarms);
    let (left, right) = extent(all().map(|point| point.0).chain(marks.flat_map(|span| [span.0, span.1])));
    // An interval without an upper end reaches to the top, wherever that is.
    let (low, high) = extent(all().map(|point| point.1).chain(bands().flat_map(|(_, lo, hi)| [*lo, *hi])));
    let foot = low - 0.06 * (high - low);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(boxed)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(6)
            .x_label_area_size(34)
            .y_label_area_size(56)
            .build_cartesian_2d(left..right, foot..high)
            .map_err(boxed)?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_x_mesh().light_line_style(WHITE).x_desc(trace.unit.as_str()).y_desc(trace.quantity.as_str());
        mesh.draw().map_err(boxed)?;
        // A single row has no width of its own.
        let least = (right - left) / f64::from(SIZE.0);
        let wide = |span: &(f64, f64)| (span.0, span.1.max(span.0 + least));
        let truth = trace
            .truth
            .iter()
            .map(wide)
            .map(|(from, to)| Rectangle::new([(from, foot), (to, high)], TRUTH.mix(0.5).filled()));
        chart.draw_series(truth).map_err(boxed)?;
        for (_, points) in &trace.bands {
            let half = half_step(points, least / 2.0);
            // Points closer than a pixel would only be laid over each other.
            let sparse = points.chunks(points.len().div_ceil(SIZE.0 as usize).max(1)).filter_map(<[_]>::first);
            let bars = sparse.map(|(at, lo, hi)| {
                let (from, to) = ((at - half).max(left), (at + half).min(right));
                Rectangle::new([(from, lo.max(foot)), (to, hi.min(high))], BAND.mix(BAND_SHARE).filled())
            });
            chart.draw_series(bars).map_err(boxed)?;
        }
        for ((_, points), colour) in trace.lines.iter().zip(LINES.iter().cycle()) {
            chart.draw_series(LineSeries::new(thinned(points), colour.stroke_width(1))).map_err(boxed)?;
        }
        let alarms = trace
            .alarms
            .iter()
            .map(wide)
            .map(|(from, to)| Rectangle::new([(from, foot), (to, foot + 0.04 * (high - low))], ALARM.filled()));
        chart.draw_series(alarms).map_err(boxed)?;
        area.present().map_err(boxed)?;
    }
    Ok(svg)
}

fn boxed<E: Error + Send + Sync + 'static>(error: E) -> Box<dyn Error + Send + Sync> {
    Box::new(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn thinning_keeps_the_peaks() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|at| (f64::from(at), 0.0)).collect();
        points[54_321].1 = 9.0;
        let kept = thinned(&points);
        assert!(kept.len() <= POINTS + 2);
        assert!(kept.contains(&(54_321.0, 9.0)));
        assert!(kept.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }

    #[test]
    fn a_run_without_a_point_is_drawn_all_the_same() {
        assert!(drawing(&Trace::default()).unwrap().contains("<svg"));
    }

    #[test]
    fn an_interval_is_drawn_also_where_it_has_no_upper_end() {
        let line = ("estimate".to_owned(), vec![(0.0, 5.0), (1.0, 4.0), (2.0, 3.0)]);
        let without = Trace { lines: vec![line], ..Trace::default() };
        let points = vec![(0.0, 3.0, f64::INFINITY), (1.0, 3.0, 6.0), (2.0, 1.0, 4.0)];
        let with = Trace { bands: vec![("80 % interval".to_owned(), points)], ..without.clone() };
        let bars = |trace: &Trace| drawing(trace).unwrap().matches("<rect").count();
        assert_eq!(bars(&with), bars(&without) + 3);
        assert!(!drawing(&with).unwrap().contains("inf"));
        let named: Vec<String> = legend(&with).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(named, ["estimate", "80 % interval"]);
    }
}
