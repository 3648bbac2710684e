//! `reduced` of an output: a range that is narrower while an expression holds.

use super::outputs::expression;
use super::tags::Tags;
use crate::config::document::{Section, Value};
use crate::config::error::Span;
use dinrail_core::guard::Reduced;
use dinrail_core::unit::{Unit, parse_quantity};

const HELP: &str = "write `reduced = { when = \"bearing.index < 60 % hysteresis 5 %\", range = [0, 40] }`";

/// The narrower range, if there is one. That it lies within the output's is checked with the rest of it.
pub(super) fn reduced(section: &Section<'_>, tags: &Tags, unit: &Unit) -> Option<Reduced> {
    let found = section.value("reduced")?;
    let Some(table) = found.value.0.as_table() else {
        section.findings().add(found.span, "`reduced` should be a table", "", HELP);
        return None;
    };
    let inner = Section::new(section.findings(), "`reduced`", "reduced", found.span, table);
    if !inner.has("when") {
        inner.missing("when", "when = \"bearing.index < 60 %\"");
    }
    if !inner.has("range") {
        inner.missing("range", "range = [0, 40]");
    }
    let when = expression(&inner, "when", tags);
    let range = range(&inner, unit);
    inner.finish();
    Some(Reduced { when: when?, range: range? })
}

/// Where one of its keys has its value.
pub(super) fn span_of(section: &Section<'_>, key: &'static str) -> Option<Span> {
    let found = section.value("reduced")?;
    found.value.0.as_table()?.get(key).map(toml::Spanned::span)
}

/// Two ends that may be one: a discrete output that has to be off.
fn range(section: &Section<'_>, unit: &Unit) -> Option<(f64, f64)> {
    let found = section.value("range")?;
    let end = |item: &toml::Spanned<toml::de::DeValue<'_>>| match item.get_ref().as_str() {
        Some(text) => parse_quantity(text, unit).ok(),
        None => Value(item.get_ref()).number(),
    };
    let ends: Option<Vec<f64>> = found.value.0.as_array().and_then(|list| list.iter().map(end).collect());
    if let Some([lo, hi]) = ends.as_deref()
        && lo <= hi
    {
        return Some((*lo, *hi));
    }
    let help = "write [LOWEST, HIGHEST] in the output's unit, within its `range`: [0, 40]";
    section.findings().add(found.span, "`range` of `reduced` should be two numbers, the lower first", "", help);
    None
}
