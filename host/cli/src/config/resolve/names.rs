//! Names: what they may hold, patterns, and what a name that nobody knows was meant to be.

use crate::config::document::{Findings, Found, Value};
use crate::config::error::Span;
use wildmatch::WildMatch;

/// Longest name of anything.
const MAX_NAME: usize = 64;
/// Longest name of a tag or an output.
const MAX_TAG_NAME: usize = 128;

/// Reports a name that can't be one of a site, source, plugin or sink.
pub(super) fn check_name(findings: &Findings, what: &str, name: &str, span: &Span) {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !plain || name.is_empty() || name.len() > MAX_NAME {
        let message = format!("`{name}` can't be the name of a {what}");
        let help = format!("use 1 to {MAX_NAME} letters, digits, `-` and `_`");
        findings.add(span.clone(), message, "", help);
    }
}

/// Reports a name that can't be one of a tag or an output. Whether it is one.
pub(super) fn check_tag_name(findings: &Findings, what: &str, name: &str, span: &Span) -> bool {
    let taken = |c: char| c.is_control() || "*?[]{}\"".contains(c);
    let fits = !name.is_empty() && name.len() <= MAX_TAG_NAME && name.trim() == name && !name.contains(taken);
    if !fits {
        let message = format!("`{name}` can't be the name of {what}");
        let help = format!(
            "use 1 to {MAX_TAG_NAME} characters without `*`, `?`, brackets, braces and quotes; a column of \
             another name is reached by `column = \"…\"`"
        );
        findings.add(span.clone(), message, "", help);
    }
    fits
}

/// Whether a name stands for others.
pub(super) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Whether `pattern` (with `*` for any text and `?` for one character) stands for `name`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    WildMatch::new(pattern).matches(name)
}

/// What a binding names: a text or a list of texts.
pub(super) struct Names {
    /// Each with its place.
    pub(super) names: Vec<(String, Span)>,
    /// Written as a list or a pattern.
    pub(super) many: bool,
}

/// A text or a list of texts.
pub(super) fn names(findings: &Findings, key: &str, found: &Found<Value<'_>>) -> Option<Names> {
    if let Some(name) = found.value.0.as_str() {
        return Some(Names { names: vec![(name.to_owned(), found.span.clone())], many: is_pattern(name) });
    }
    let wrong = |span: Span, kind: &str| {
        let message = format!("`{key}` should be a name or a list of names, is {kind}");
        findings.add(span, message, "", "write \"a.name\" or [\"a.name\", \"a.pattern.*\"]");
    };
    let Some(list) = found.value.0.as_array() else {
        wrong(found.span.clone(), found.value.kind());
        return None;
    };
    let mut names = Vec::new();
    for item in list.iter() {
        match item.get_ref().as_str() {
            Some(name) => names.push((name.to_owned(), item.span())),
            None => wrong(item.span(), Value(item.get_ref()).kind()),
        }
    }
    Some(Names { names, many: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_know_any_text_and_one_character() {
        assert!(matches("s*", "s11") && matches("s*", "s") && matches("s?", "s1"));
        assert!(!matches("s?", "s11") && !matches("s*", "xs") && !matches("S*", "s1"));
        assert!(is_pattern("a.*") && is_pattern("?") && !is_pattern("a.b"));
    }
}
