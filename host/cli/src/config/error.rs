//! A mistake in the configuration: where it is, what is wrong, what to do.

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};
use std::fmt::{self, Display, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of the file's text, first included, last not.
pub type Span = Range<usize>;

/// The file that is being read.
#[derive(Debug)]
pub struct ConfigText {
    path: PathBuf,
    source: NamedSource<String>,
}

impl ConfigText {
    /// The text, and the path it has or stands for.
    pub fn new(path: &Path, text: String) -> ConfigText {
        let source = NamedSource::new(path.display().to_string(), text).with_language("TOML");
        ConfigText { path: path.to_owned(), source }
    }

    /// As it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that relative paths count from.
    pub fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            Some(_) | None => Path::new("."),
        }
    }

    /// The whole of it.
    pub fn text(&self) -> &str {
        self.source.inner()
    }

    /// Line and column of a byte, both from 1, columns in characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let text = self.text();
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}

/// One mistake.
#[derive(Clone, Debug)]
pub struct ConfigError {
    text: Arc<ConfigText>,
    span: Span,
    message: String,
    label: String,
    help: String,
}

impl ConfigError {
    /// `message` says what is wrong, `label` (or nothing) what is marked, `help` what to do.
    pub fn new(
        text: Arc<ConfigText>,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> ConfigError {
        ConfigError { text, span, message: message.into(), label: label.into(), help: help.into() }
    }

    /// Line and column, both from 1.
    pub fn line_column(&self) -> (usize, usize) {
        self.text.line_column(self.span.start)
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do.
    pub fn help_text(&self) -> &str {
        &self.help
    }
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

impl Diagnostic for ConfigError {
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(&self.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.text.text().is_empty()).then_some(&self.text.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = (!self.label.is_empty()).then(|| self.label.clone());
        // A place past the end (a key that is missing at the end of the file) can't be drawn.
        let end = self.text.text().len();
        let start = self.span.start.min(end);
        let length = self.span.end.min(end).saturating_sub(start);
        Some(Box::new(std::iter::once(LabeledSpan::new(label, start, length))))
    }
}

/// All mistakes of a file, at least one, in the order of their place.
#[derive(Clone, Debug)]
pub struct ConfigErrors {
    errors: Vec<ConfigError>,
}

impl ConfigErrors {
    /// Sorted by place; nothing where there is none.
    #[must_use]
    pub fn some(mut errors: Vec<ConfigError>) -> Option<ConfigErrors> {
        errors.sort_by_key(|error| error.span.start);
        (!errors.is_empty()).then_some(ConfigErrors { errors })
    }

    /// A single one.
    pub fn one(
        text: Arc<ConfigText>,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> ConfigErrors {
        ConfigErrors { errors: vec![ConfigError::new(text, span, message, label, help)] }
    }

    /// Them all.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.errors.iter()
    }

    /// How many; at least one.
    pub fn count(&self) -> usize {
        self.errors.len()
    }

    /// For a terminal: each with the lines it speaks of.
    pub fn drawn(&self) -> String {
        let handler = miette::GraphicalReportHandler::new();
        let mut text = String::new();
        for error in &self.errors {
            if handler.render_report(&mut text, error).is_err() {
                let _ = writeln!(text, "{error}");
            }
        }
        text
    }
}

impl Display for ConfigErrors {
    /// Plain: `FILE:LINE:COLUMN: what is wrong`, and what to do below it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            let path = error.text.path().display();
            let (line, column) = error.line_column();
            writeln!(f, "{path}:{line}:{column}: {}", error.message)?;
            writeln!(f, "  help: {}", error.help)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
