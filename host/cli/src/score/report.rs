//! The page of a score: one file with nothing outside it, each run drawn with truth, results and alarms.
//!
//! It has no date: what was run is told by versions and digests, and equal runs make equal pages.

mod drawing;

use super::Scored;
use super::judging::Trace;
use super::rows::{Verdict, shown};
use drawing::{drawing, legend};
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

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
svg{width:100%;height:auto}h2{margin-top:2em}h3{margin:1.6em 0 .2em}.said{color:#555;margin:.2em 0 0}\
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:.6em;margin:.6em 0}\
.tiles div{border:1px solid #ddd;border-radius:6px;padding:.5em .8em}.tiles dt{color:#555;font-size:12px}\
.tiles dd{margin:0;font-size:20px}figure{margin:1em 0}figcaption{color:#555}\
.from,.key{color:#555;font-size:12px}.from{overflow-wrap:anywhere}.why{color:#b3261e}\
.key i{display:inline-block;width:1.4em;margin:0 .4em 0 1em}.key i.line{height:2px;vertical-align:middle}\
.key i.area{height:.8em;vertical-align:-.1em}";

/// Writes the page.
pub fn write(path: &Path, scored: &[Scored]) -> Result<(), ReportError> {
    std::fs::write(path, page(scored)?)?;
    Ok(())
}

fn page(scored: &[Scored]) -> Result<String, ReportError> {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>dinrail score</title>\
         <style>{STYLE}</style></head><body>\n<h1>dinrail score</h1>\n<p class=\"from\">dinrail {}</p>\n{LEGEND}",
        env!("CARGO_PKG_VERSION")
    );
    for one in scored {
        let _ = writeln!(html, "<h2>{}</h2>\n<p>{}</p>", escaped(&one.name), escaped(&one.summary));
        html.push_str(&origin(one));
        if let Some(why) = &one.why_none {
            let _ = writeln!(html, "<p class=\"why\">{}</p>", escaped(why));
        }
        html.push_str(&table(one));
        for trace in one.traces.iter().take(DRAWN_MAX) {
            html.push_str(&figure(trace)?);
        }
        if one.traces.len() > DRAWN_MAX {
            let _ = writeln!(html, "<p>{} more runs are not drawn.</p>", one.traces.len() - DRAWN_MAX);
        }
    }
    html.push_str("</body></html>\n");
    Ok(html)
}

/// What the tables' columns mean; each drawing has its colours beside it.
const LEGEND: &str = "<p class=\"key\">Below each drawing stands what its colours mean. <b>bar</b>: what must be reached; \
<b>reference</b>: what others reach, or an optimum; <b>ratio</b>: result over reference; <b>skipped</b>: the data are not \
here.</p>\n";

/// Which plugin it was, with what, on what.
fn origin(one: &Scored) -> String {
    let mut parts = Vec::new();
    if let Some(plugin) = &one.plugin {
        parts.push(format!("plugin {} {}, sha256 {}", plugin.name, plugin.version, plugin.digest));
        parts.extend(plugin.models.iter().map(|(slot, sha256)| format!("model {slot}, sha256 {sha256}")));
    }
    if !one.configuration.is_empty() {
        parts.push(format!("configuration {}", one.configuration));
    }
    match one.traces.as_slice() {
        [] => {}
        [only] => parts.push(format!("one run: {}", only.title)),
        [first, .., last] => parts.push(format!("{} runs: {} … {}", one.traces.len(), first.title, last.title)),
    }
    format!("<p class=\"from\">{}</p>\n", escaped(&parts.join("; ")))
}

/// A run with what its colours mean, and what is drawn below it.
fn figure(trace: &Trace) -> Result<String, ReportError> {
    let mut html = String::from("<figure>");
    if !trace.figures.is_empty() {
        let _ = write!(html, "<h3>{}</h3><dl class=\"tiles\">", escaped(&trace.title));
        for (what, value) in &trace.figures {
            let _ = write!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(what), escaped(value));
        }
        html.push_str("</dl>");
    }
    for drawn in std::iter::successors(Some(trace), |above| above.below.as_deref()) {
        if !drawn.heading.is_empty() {
            let _ = write!(html, "<h3>{}</h3>", escaped(&drawn.heading));
        }
        html.push_str(&drawing(drawn).map_err(ReportError::Draw)?);
        html.push_str("<div class=\"key\">");
        for (name, colour, is_line) in legend(drawn) {
            let class = if is_line { "line" } else { "area" };
            let _ = write!(html, "<i class=\"{class}\" style=\"background:{colour}\"></i>{}", escaped(&name));
        }
        html.push_str("</div>");
        if !drawn.heading.is_empty() {
            let _ = write!(html, "<p class=\"said\">{}</p>", escaped(&drawn.verdict));
        }
    }
    // Where drawings have words of their own, the run's title stands above.
    if trace.heading.is_empty() {
        let _ = write!(html, "<figcaption>{}: {}</figcaption>", escaped(&trace.title), escaped(&trace.verdict));
    }
    html.push_str("</figure>\n");
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::controller::identity::Identity;

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
            ..Trace::default()
        };
        let identity = Identity { name: "watch".into(), version: "0.1.0".into(), digest: "abc".into(), models: vec![] };
        let scored = Scored { name: "s".into(), plugin: Some(identity), traces: vec![trace], ..Scored::default() };
        let absent = Scored { why_none: Some("skipped: no <data>".into()), ..Scored::default() };
        let page = page(&[scored, absent]).unwrap();
        for part in [
            env!("CARGO_PKG_VERSION"),
            "plugin watch 0.1.0, sha256 abc",
            "one run: a &lt;file&gt;",
            ">really wrong",
            ">alarm",
        ] {
            assert!(page.contains(part), "no {part} in {page}");
        }
        assert!(page.contains("skipped: no &lt;data&gt;"), "{page}");
        assert!(
            page.contains("<svg") && page.contains("polyline") && page.contains("a &lt;file&gt;: 2 of 3"),
            "{page}"
        );
        assert!(!page.contains("src=") && !page.contains("href="));
    }
}
