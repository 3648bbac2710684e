//! The page of a score: one file with nothing outside it, each run drawn with truth, results and alarms.

use super::Scored;
use super::judging::Trace;
use super::rows::{Verdict, shown};
use plotters::prelude::*;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

/// Width and height of a drawing, pixels.
const SIZE: (u32, u32) = (920, 220);

/// Points of a line that are drawn: two for each pixel column.
const POINTS: usize = 1_840;

/// Drawings of a scenario: a hundred files are told in the table, not drawn.
const DRAWN_MAX: usize = 60;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It can't be written.
    #[error("the page can't be written: {0}")]
    Write(#[from] std::io::Error),
    /// It can't be drawn.
    #[error("a run can't be drawn: {0}")]
    Draw(#[source] Box<dyn Error + Send + Sync>),
}

const STYLE: &str = "body{font:14px/1.45 system-ui,sans-serif;max-width:960px;margin:2em auto;color:#222;padding:0 1em}\
table{border-collapse:collapse;width:100%}td,th{padding:.25em .6em;text-align:right;border-bottom:1px solid #ddd}\
td:first-child,th:first-child,td:nth-child(2),th:nth-child(2){text-align:left}\
.met{color:#176b2c}.missed{color:#b3261e;font-weight:bold}.skipped{color:#777}\
svg{width:100%;height:auto}h2{margin-top:2em}figure{margin:1em 0}figcaption{color:#555}";

/// Writes the page.
pub fn write(path: &Path, scored: &[Scored]) -> Result<(), ReportError> {
    std::fs::write(path, page(scored)?)?;
    Ok(())
}

fn page(scored: &[Scored]) -> Result<String, ReportError> {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>dinrail score</title>\
         <style>{STYLE}</style></head><body>\n<h1>dinrail score</h1>\n<p>Shaded: what was really wrong. \
         Bars at the foot: where an alarm stood.</p>\n"
    );
    for one in scored {
        let _ = writeln!(html, "<h2>{}</h2>\n<p>{}</p>", escaped(&one.name), escaped(&one.summary));
        html.push_str(&table(one));
        for trace in one.traces.iter().take(DRAWN_MAX) {
            let svg = drawing(trace).map_err(ReportError::Draw)?;
            let caption = escaped(&format!("{}: {}", trace.title, trace.verdict));
            let _ = writeln!(html, "<figure>{svg}<figcaption>{caption}</figcaption></figure>");
        }
        if one.traces.len() > DRAWN_MAX {
            let _ = writeln!(html, "<p>{} more runs are not drawn.</p>", one.traces.len() - DRAWN_MAX);
        }
    }
    html.push_str("</body></html>\n");
    Ok(html)
}

fn table(one: &Scored) -> String {
    let mut html = String::from(
        "<table><tr><th>metric</th><th>plugin</th><th>result</th><th>bar</th><th>reference</th><th>ratio</th>\
         <th>verdict</th></tr>\n",
    );
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), shown);
    for row in &one.rows {
        let (class, verdict) = match row.verdict {
            Verdict::Met if row.bar.is_none() => ("", ""),
            Verdict::Met => ("met", "met"),
            Verdict::Missed => ("missed", "missed"),
            Verdict::Skipped => ("skipped", "skipped"),
        };
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"{class}\">{verdict}</td></tr>",
            escaped(&row.metric),
            escaped(&row.plugin),
            number(row.result),
            row.bar_text(),
            number(row.reference),
            number(row.ratio)
        );
    }
    html.push_str("</table>\n");
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
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
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
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

fn drawing(trace: &Trace) -> Result<String, Box<dyn Error + Send + Sync>> {
    let all = || trace.lines.iter().flat_map(|(_, points)| points.iter());
    let marks = trace.truth.iter().chain(&trace.alarms);
    let (left, right) = extent(all().map(|point| point.0).chain(marks.flat_map(|span| [span.0, span.1])));
    let (low, high) = extent(all().map(|point| point.1));
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
        let truth =
            trace.truth.iter().map(wide).map(|(from, to)| {
                Rectangle::new([(from, foot), (to, high)], full_palette::AMBER_200.mix(0.5).filled())
            });
        chart.draw_series(truth).map_err(boxed)?;
        let colours = [full_palette::BLUE_700, full_palette::GREY_600, full_palette::GREEN_700];
        for ((_, points), colour) in trace.lines.iter().zip(colours.iter().cycle()) {
            chart.draw_series(LineSeries::new(thinned(points), colour.stroke_width(1))).map_err(boxed)?;
        }
        let alarms = trace.alarms.iter().map(wide).map(|(from, to)| {
            Rectangle::new([(from, foot), (to, foot + 0.04 * (high - low))], full_palette::RED_700.filled())
        });
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
    fn a_page_holds_its_drawings_and_nothing_from_elsewhere() {
        let trace = Trace {
            title: "a <file>".into(),
            quantity: "score".into(),
            unit: "s".into(),
            lines: vec![("score".into(), (0..5_000).map(|at| (f64::from(at), f64::from(at % 7))).collect())],
            truth: vec![(10.0, 200.0)],
            alarms: vec![(20.0, 20.0)],
            verdict: "2 of 3".into(),
        };
        let scored =
            Scored { name: "s".into(), summary: "one".into(), rows: vec![], traces: vec![trace], coverage: None };
        let page = page(&[scored]).unwrap();
        assert!(
            page.contains("<svg") && page.contains("polyline") && page.contains("a &lt;file&gt;: 2 of 3"),
            "{page}"
        );
        assert!(!page.contains("src=") && !page.contains("href="));
    }

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
}
