//! One line of the result for each metric of each scenario.

use super::Scored;
use super::judging::Metric;
use super::scenario::{Bar, Scenario};
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;
use std::io::Write;

/// Whether a bar was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It was, or there is none.
    Met,
    /// It was not, or there is no result.
    Missed,
    /// The data are not here.
    Skipped,
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The scenario.
    pub name: String,
    /// World of the judged plugin.
    pub world: String,
    /// The judged plugin.
    pub plugin: String,
    /// What was measured.
    pub metric: String,
    /// What came of it; null: nothing did.
    pub result: Option<f64>,
    /// What others reach, or an optimum.
    pub reference: Option<f64>,
    /// Result over reference.
    pub ratio: Option<f64>,
    /// What must be reached; null: the figure is told and has no bar.
    pub bar: Option<f64>,
    /// Whether it was.
    pub verdict: Verdict,
    /// Whether the bar is the most rather than the least.
    #[serde(skip)]
    pub at_most: bool,
}

impl Row {
    /// A judged metric.
    #[must_use]
    pub fn new(scenario: &Scenario, plugin: &str, metric: &Metric) -> Row {
        let bar = scenario.file.bars.iter().find(|bar| bar.metric == metric.name);
        let result = metric.value.filter(|value| value.is_finite());
        let reference = bar.and_then(|bar| bar.reference).or(metric.reference);
        let limit = bar.and_then(|bar| bar.at_least.or(bar.at_most));
        let at_most = bar.is_some_and(|bar| bar.at_most.is_some());
        let within = |limit: f64| result.is_some_and(|result| if at_most { result <= limit } else { limit <= result });
        // Both the bar and the test decide, where there are both; without a result neither is met.
        let met = limit.is_none_or(within) && metric.passed.is_none_or(|passed| passed && result.is_some());
        let verdict = if met { Verdict::Met } else { Verdict::Missed };
        Row {
            name: scenario.name.clone(),
            world: scenario.file.world.clone(),
            plugin: plugin.to_owned(),
            metric: metric.name.to_owned(),
            result,
            reference,
            ratio: result
                .zip(reference)
                .map(|(result, reference)| result / reference)
                .filter(|ratio| ratio.is_finite()),
            bar: limit,
            verdict,
            at_most,
        }
    }

    /// A bar that nothing was measured for: the scenario failed, or its judge knows no such metric.
    #[must_use]
    pub fn missed(scenario: &Scenario, bar: &Bar) -> Row {
        Row { verdict: Verdict::Missed, ..Row::skipped(scenario, bar) }
    }

    /// A metric of several scenarios together; `last` is one of them.
    #[must_use]
    pub fn pooled(set: &str, last: &Scored, metric: &Metric) -> Option<Row> {
        let like = last.rows.first()?;
        let verdict = if metric.passed == Some(false) { Verdict::Missed } else { Verdict::Met };
        Some(Row {
            name: set.to_owned(),
            metric: metric.name.to_owned(),
            result: metric.value,
            reference: metric.reference,
            ratio: metric.value.zip(metric.reference).map(|(value, reference)| value / reference),
            bar: None,
            verdict,
            at_most: false,
            ..like.clone()
        })
    }

    /// A metric whose data are not here.
    #[must_use]
    pub fn skipped(scenario: &Scenario, bar: &Bar) -> Row {
        Row {
            name: scenario.name.clone(),
            world: scenario.file.world.clone(),
            plugin: scenario.file.plugin.clone(),
            metric: bar.metric.clone(),
            result: None,
            reference: bar.reference,
            ratio: None,
            bar: bar.at_least.or(bar.at_most),
            verdict: Verdict::Skipped,
            at_most: bar.at_most.is_some(),
        }
    }

    /// The bar with its direction.
    #[must_use]
    pub fn bar_text(&self) -> String {
        self.bar.map_or(String::new(), |bar| format!("{} {}", if self.at_most { "≤" } else { "≥" }, shown(bar)))
    }
}

/// A number for people: four significant places are enough.
#[must_use]
pub fn shown(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 1_000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

#[derive(Serialize)]
struct Line<'a> {
    scenarios: Vec<&'a Row>,
}

/// Prints all lines on stdout, as a table or as one line of JSON.
pub fn print(scored: &[Scored], json: bool) {
    let rows: Vec<&Row> = scored.iter().flat_map(|one| &one.rows).collect();
    let text = match json {
        true => serde_json::to_string(&Line { scenarios: rows }).expect("rows have text keys and finite numbers"),
        false => table(&rows).to_string(),
    };
    // A reader that went away does not make the score another one.
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn table(rows: &[&Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY);
    table.set_header(["scenario", "plugin", "metric", "result", "bar", "reference", "ratio", "verdict"]);
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), shown);
    for row in rows {
        let verdict = match row.verdict {
            Verdict::Met if row.bar.is_none() => "",
            Verdict::Met => "met",
            Verdict::Missed => "MISSED",
            Verdict::Skipped => "skipped",
        };
        table.add_row([
            row.name.clone(),
            row.plugin.clone(),
            row.metric.clone(),
            number(row.result),
            row.bar_text(),
            number(row.reference),
            number(row.ratio),
            verdict.to_owned(),
        ]);
    }
    for column in 3..7 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
