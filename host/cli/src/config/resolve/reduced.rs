//! `reduced` of an output: a range that is narrower while an expression holds.

use super::outputs::expression;
use super::tags::{Tags, ends};
use crate::config::document::Section;
use crate::config::error::Span;
use dinrail_core::guard::Reduced;
use dinrail_core::unit::Unit;

const HELP: &str = "write `reduced = { when = \"bearing.index < 60 % hysteresis 5 %\", range = [0, 40] }`";

const RANGE: (&str, &str) = (
    "`range` of `reduced` should be two numbers, the lower first",
    "write [LOWEST, HIGHEST] in the output's unit, within its `range`: [0, 40]",
);

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
    // The ends may be one: a discrete output that has to be off.
    let range = ends(&inner, unit, RANGE, |lo, hi| lo <= hi);
    inner.finish();
    Some(Reduced { when: when?, range: range? })
}

/// Where one of its keys has its value.
pub(super) fn span_of(section: &Section<'_>, key: &'static str) -> Option<Span> {
    let found = section.value("reduced")?;
    found.value.0.as_table()?.get(key).map(toml::Spanned::span)
}
