//! TOML with the place of every key and value, and a way to read it that collects every mistake.
//!
//! A [`Section`] remembers what it was asked for, so that [`Section::finish`] can name the keys that
//! nobody asked for, and what was probably meant.

use super::amounts::{DURATION_HELP, parse_duration};
use super::error::{ConfigError, ConfigText, Span};
use dinrail_core::time::DurationNs;
use std::cell::RefCell;
use std::fmt::Display;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// Collects mistakes.
#[derive(Debug)]
pub(crate) struct Findings {
    text: Arc<ConfigText>,
    errors: RefCell<Vec<ConfigError>>,
}

impl Findings {
    /// None yet.
    pub(crate) fn new(text: Arc<ConfigText>) -> Findings {
        Findings { text, errors: RefCell::new(Vec::new()) }
    }

    /// Adds one: what is wrong, what is marked (or nothing), what to do.
    pub(crate) fn add(
        &self,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.errors.borrow_mut().push(ConfigError::new(Arc::clone(&self.text), span, message, label, help));
    }

    /// The file.
    pub(crate) fn text(&self) -> &Arc<ConfigText> {
        &self.text
    }

    /// Whether none was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.errors.borrow().is_empty()
    }

    /// All that were added.
    pub(crate) fn into_errors(self) -> Vec<ConfigError> {
        self.errors.into_inner()
    }
}

/// Something with its place.
#[derive(Clone, Debug)]
pub(crate) struct Found<T> {
    /// What was found.
    pub(crate) value: T,
    /// Where its key is.
    pub(crate) key: Span,
    /// Where it is.
    pub(crate) span: Span,
}

impl<T> Found<T> {
    /// The same place.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Found<U> {
        Found { value: change(self.value), key: self.key, span: self.span }
    }
}

/// A value of the document.
#[derive(Clone, Copy)]
pub(crate) struct Value<'d>(pub(crate) &'d DeValue<'d>);

impl<'d> Value<'d> {
    /// A finite number, written as an integer or a float.
    pub(crate) fn number(self) -> Option<f64> {
        let number: f64 = match self.0 {
            DeValue::Integer(whole) if whole.radix() == 10 => whole.as_str().parse().ok()?,
            DeValue::Integer(_) => self.whole()? as f64,
            DeValue::Float(number) => number.as_str().parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    /// A whole number.
    pub(crate) fn whole(self) -> Option<i64> {
        let whole = self.0.as_integer()?;
        i64::from_str_radix(whole.as_str(), whole.radix()).ok()
    }

    /// What it is, for messages.
    pub(crate) fn kind(self) -> &'static str {
        match self.0 {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    }
}

/// A table of the document that is being read.
pub(crate) struct Section<'d> {
    findings: &'d Findings,
    title: String,
    name: String,
    span: Span,
    table: &'d DeTable<'d>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'d> Section<'d> {
    /// `title` is how messages call it, `span` where a missing key is reported.
    pub(crate) fn new(
        findings: &'d Findings,
        title: impl Into<String>,
        name: impl Into<String>,
        span: Span,
        table: &'d DeTable<'d>,
    ) -> Section<'d> {
        Section { findings, title: title.into(), name: name.into(), span, table, asked: RefCell::new(Vec::new()) }
    }

    /// The same with another title.
    pub(crate) fn titled(mut self, title: &str) -> Section<'d> {
        title.clone_into(&mut self.title);
        self
    }

    /// For findings that belong to it.
    pub(crate) fn findings(&self) -> &'d Findings {
        self.findings
    }

    /// How messages call it: `[tags."pump1.current"]`.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// Its key: `pump1.current`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where its name is.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Whether the key is there, without asking for it.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The value of a key, whatever it is.
    pub(crate) fn value(&self, key: &'static str) -> Option<Found<Value<'d>>> {
        self.asked.borrow_mut().push(key);
        let (key, value) = self.table.get_key_value(key)?;
        Some(Found { value: Value(value.get_ref()), key: key.span(), span: value.span() })
    }

    /// Reports that a key is missing; `example` is a line that would do.
    pub(crate) fn missing(&self, key: &str, example: &str) {
        let message = format!("{} needs `{key}`", self.title);
        self.findings.add(self.span(), message, "here", format!("add a line such as `{example}`"));
    }

    /// Reports a value of the wrong type.
    fn wrong_type(&self, found: &Found<Value<'_>>, key: &str, expected: &str) {
        let message = format!("`{key}` should be {expected}, is {}", found.value.kind());
        self.findings.add(found.span.clone(), message, "", format!("write {expected}"));
    }

    fn read<T>(
        &self,
        key: &'static str,
        expected: &str,
        convert: impl FnOnce(Value<'d>) -> Option<T>,
    ) -> Option<Found<T>> {
        let found = self.value(key)?;
        match convert(found.value) {
            Some(value) => Some(found.map(|_| value)),
            None => {
                self.wrong_type(&found, key, expected);
                None
            }
        }
    }

    /// A text.
    pub(crate) fn text(&self, key: &'static str) -> Option<Found<String>> {
        self.read(key, "a text in quotes", |value| value.0.as_str().map(str::to_owned))
    }

    /// A text that must be there; `example` is a line that would do.
    pub(crate) fn required_text(&self, key: &'static str, example: &str) -> Option<Found<String>> {
        if !self.has(key) {
            self.missing(key, example);
        }
        self.text(key)
    }

    /// A text that a function understands; `help` says what it takes.
    pub(crate) fn parsed<T, E: Display>(
        &self,
        key: &'static str,
        help: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Found<T>> {
        let found = self.text(key)?;
        match parse(&found.value) {
            Ok(value) => Some(found.map(|_| value)),
            Err(error) => {
                self.findings.add(found.span, format!("`{key}`: {error}"), "", help);
                None
            }
        }
    }

    /// One of some words.
    pub(crate) fn choice<T: Copy>(&self, key: &'static str, choices: &[(&'static str, T)]) -> Option<Found<T>> {
        let found = self.text(key)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == found.value) {
            let value = *value;
            return Some(found.map(|_| value));
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let message = format!("`{key}` can't be `{}`", found.value);
        self.findings.add(found.span, message, "", did_you_mean(&found.value, words));
        None
    }

    /// A finite number.
    pub(crate) fn number(&self, key: &'static str) -> Option<Found<f64>> {
        self.read(key, "a finite number", Value::number)
    }

    /// A whole number within bounds.
    pub(crate) fn whole(&self, key: &'static str, lo: i64, hi: i64) -> Option<Found<i64>> {
        let expected = format!("a whole number from {lo} to {hi}");
        let found = self.read(key, &expected, Value::whole)?;
        if lo <= found.value && found.value <= hi {
            return Some(found);
        }
        let message = format!("`{key}` should be {expected}, is {}", found.value);
        self.findings.add(found.span, message, "", format!("write {expected}"));
        None
    }

    /// True or false.
    pub(crate) fn boolean(&self, key: &'static str) -> Option<Found<bool>> {
        self.read(key, "true or false", |value| value.0.as_bool())
    }

    /// A duration within bounds.
    pub(crate) fn duration(
        &self,
        key: &'static str,
        lo_ns: DurationNs,
        hi_ns: DurationNs,
    ) -> Option<Found<DurationNs>> {
        let found = self.read(key, "a duration such as \"100ms\"", |value| value.0.as_str().map(str::to_owned))?;
        match parse_duration(&found.value) {
            Ok(ns) if lo_ns <= ns && ns <= hi_ns => Some(found.map(|_| ns)),
            Ok(_) => {
                let (lo, hi) = (super::amounts::show(lo_ns), super::amounts::show(hi_ns));
                let message = format!("`{key}` is {}, out of bounds", found.value);
                self.findings.add(found.span, message, "", format!("write a duration from {lo} to {hi}"));
                None
            }
            Err(error) => {
                self.findings.add(found.span, format!("`{key}`: {error}"), "", DURATION_HELP);
                None
            }
        }
    }

    /// A table within this one.
    pub(crate) fn section(&self, key: &'static str, example: &str) -> Option<Section<'d>> {
        let found = self.value(key)?;
        match found.value.0.as_table() {
            Some(table) => {
                let title = format!("`{key}` of {}", self.title);
                Some(Section::new(self.findings, title, key, found.key, table))
            }
            None => {
                self.wrong_type(&found, key, &format!("a table such as `{example}`"));
                None
            }
        }
    }

    /// The entries of a table within this one, in the order of the file.
    pub(crate) fn entries(&self, key: &'static str, example: &str) -> Vec<(String, Found<Value<'d>>)> {
        let Some(found) = self.value(key) else { return Vec::new() };
        match found.value.0.as_table() {
            Some(table) => in_file_order(table),
            None => {
                self.wrong_type(&found, key, &format!("a table such as `{example}`"));
                Vec::new()
            }
        }
    }

    /// The tables of a table: `[KEY.NAME]`, in the order of the file.
    pub(crate) fn tables(&self, key: &'static str, example: &str) -> Vec<Section<'d>> {
        let mut sections = Vec::new();
        for (name, found) in self.entries(key, example) {
            let title = format!("[{key}.{}]", as_key(&name));
            match found.value.0.as_table() {
                Some(table) => sections.push(Section::new(self.findings, title, name, found.key, table)),
                None => {
                    let message = format!("{title} should be a table, is {}", found.value.kind());
                    self.findings.add(found.key, message, "", format!("write `{example}`"));
                }
            }
        }
        sections
    }

    /// The tables of a list: `[[KEY]]`, in the order of the file.
    pub(crate) fn list(&self, key: &'static str, example: &str) -> Vec<Section<'d>> {
        let Some(found) = self.value(key) else { return Vec::new() };
        let Some(list) = found.value.0.as_array() else {
            self.wrong_type(&found, key, &format!("a list of tables such as `{example}`"));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in list.iter().enumerate() {
            let title = format!("number {} of `{key}` in {}", index + 1, self.title);
            match item.get_ref().as_table() {
                Some(table) => sections.push(Section::new(self.findings, title, key, item.span(), table)),
                None => {
                    let message = format!("{title} should be a table");
                    self.findings.add(item.span(), message, "", format!("write `{example}`"));
                }
            }
        }
        sections
    }

    /// Reports every key that was not asked for.
    pub(crate) fn finish(self) {
        let asked = self.asked.into_inner();
        for (name, found) in in_file_order(self.table) {
            if !asked.contains(&name.as_str()) {
                let message = format!("unknown key `{name}` in {}", self.title);
                self.findings.add(found.key, message, "", did_you_mean(&name, asked.iter().copied()));
            }
        }
    }
}

fn in_file_order<'d>(table: &'d DeTable<'d>) -> Vec<(String, Found<Value<'d>>)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| {
            let found = Found { value: Value(value.get_ref()), key: key.span(), span: value.span() };
            (key.get_ref().to_string(), found)
        })
        .collect();
    entries.sort_by_key(|(_, found)| found.key.start);
    entries
}

/// A name as it stands between brackets.
pub(crate) fn as_key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { format!("{name:?}") }
}

/// At most so many names are listed in a help.
const MAX_LISTED: usize = 12;

/// "did you mean `x`?" where one of the names is near, else the names.
pub(crate) fn did_you_mean<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    // A third of the letters may be wrong; words of three letters may have one.
    let allowed = (given.chars().count() / 3).max(1);
    let near = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), *name))
        .filter(|(distance, _)| *distance <= allowed)
        .min();
    if let Some((_, name)) = near {
        return format!("did you mean `{name}`?");
    }
    if names.is_empty() {
        return "there is none to choose from".to_owned();
    }
    let listed: Vec<String> = names.iter().take(MAX_LISTED).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > MAX_LISTED { ", …" } else { "" };
    format!("write one of {}{more}", listed.join(", "))
}
