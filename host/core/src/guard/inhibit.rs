//! Expressions of inhibits and trips: comparisons, and/or/not, hysteresis and delays, nothing more.
//!
//! ```text
//! reactor.pressure > 6 bar for 2s
//! not reactor.permit or (reactor.temp > 95 Cel hysteresis 2 K and reactor.flow < 1 m3/h)
//! 'odd tag name' != 3
//! ```
//! From the loosest to the tightest: `or`, `and`, `for DURATION`, `not`. A number without unit is in
//! the tag's own; a tag that stands alone is true where it is not 0, and has no unit.
//!
//! An input that is bad, stale or was never there counts as true, and no `not` turns that round: it
//! makes everything that contains it true. A delay counts for it as for any other truth, but what
//! waits for such a delay is *blind*, and the guard moves nothing meanwhile.

mod parse;

mod sense;

mod witness;

pub use sense::Condition;
pub use witness::Witness;

use crate::image::ProcessImage;
use crate::tag::{TagId, TagTable};
use crate::time::{DurationNs, TimeNs};
use crate::unit::UnitError;

/// Longest expression: a condition that an operator has to understand fits in it many times.
pub const MAX_EXPRESSION_BYTES: usize = 1_024;
/// Deepest nesting of parentheses.
pub const MAX_EXPRESSION_DEPTH: usize = 16;
/// Longest delay: a day. A longer one is a schedule, not an interlock.
pub const MAX_DELAY_NS: DurationNs = 86_400_000_000_000;

/// A parsed expression, bound to tags, its numbers in their units.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    root: Node,
    tags: Vec<TagId>,
    slots: usize,
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
    NotEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Compare { tag: TagId, relation: Relation, bound: f64, hysteresis: f64, slot: usize },
    Flag { tag: TagId },
    Not(Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
    For { inner: Box<Node>, delay_ns: DurationNs, slot: usize },
}

/// An expression that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct ExpressionError {
    /// Byte of the text where it begins.
    pub offset: usize,
    /// Bytes; 0 at the end of the text.
    pub length: usize,
    /// What is wrong there.
    pub problem: ExpressionProblem,
}

/// What is wrong with an expression.
#[derive(Debug, thiserror::Error)]
pub enum ExpressionProblem {
    /// Something else should stand here.
    #[error("expected {expected}")]
    Syntax {
        /// What would do.
        expected: String,
    },
    /// No such tag.
    #[error("there is no tag `{name}`")]
    UnknownTag {
        /// As written.
        name: String,
    },
    /// A unit that is none, or does not fit the tag's.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// A waveform or a picture has no value to compare.
    #[error("`{name}` is a {kind} and can't be compared")]
    NoNumber {
        /// The tag.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// A tag with a unit stands alone.
    #[error("`{name}` is in {unit} and is neither true nor false; compare it, for instance `{name} > 1 {unit}`")]
    NotAFlag {
        /// The tag.
        name: String,
        /// Its unit.
        unit: String,
    },
    /// Hysteresis on `==` or `!=`, or negative.
    #[error("hysteresis belongs to `>`, `>=`, `<`, `<=`, and is not negative")]
    Hysteresis,
    /// A delay that is negative or too long.
    #[error("a delay lies between 0 and a day")]
    Delay,
    /// Too long.
    #[error("an expression has at most {MAX_EXPRESSION_BYTES} bytes")]
    TooLong,
    /// Nested too deeply.
    #[error("at most {MAX_EXPRESSION_DEPTH} parentheses within each other")]
    TooDeep,
}

/// What an expression says in a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// It is true.
    pub holds: bool,
    /// An input is bad, stale or was never there.
    pub blind: bool,
}

/// What an expression remembers from scan to scan.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// Of comparisons: what they said last.
    was_true: Vec<bool>,
    /// Of delays: since when the inner expression has been true.
    since_ns: Vec<Option<TimeNs>>,
}

/// A truth, or a bad input that counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    False,
    True,
    Doubt,
}

impl Truth {
    /// A doubt stays one.
    fn turned(self) -> Truth {
        match self {
            Truth::False => Truth::True,
            Truth::True => Truth::False,
            Truth::Doubt => Truth::Doubt,
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Truth {
        if value { Truth::True } else { Truth::False }
    }
}

impl Expression {
    /// Parses and binds it. Offsets of the error are bytes of `text`.
    pub fn parse(text: &str, tags: &TagTable) -> Result<Expression, ExpressionError> {
        parse::parse(text, tags, &|_tag| false)
    }

    /// The same where the units of some tags are not known yet: it is parsed again once they are, and says nothing
    /// until then.
    pub fn sketch(text: &str, tags: &TagTable, is_open: impl Fn(TagId) -> bool) -> Result<Expression, ExpressionError> {
        parse::parse(text, tags, &is_open)
    }

    /// The names in a text, whatever they stand for.
    pub fn names(text: &str) -> Result<Vec<String>, ExpressionError> {
        parse::names(text)
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tags it looks at, each once.
    #[must_use]
    pub fn tags(&self) -> &[TagId] {
        &self.tags
    }

    pub(super) fn memory(&self) -> Memory {
        Memory { was_true: vec![false; self.slots], since_ns: vec![None; self.slots] }
    }

    /// What it says now. Every part is looked at in every scan, so that delays and hysteresis go on.
    pub(super) fn look(&self, memory: &mut Memory, image: &ProcessImage, now_ns: TimeNs) -> Sight {
        let truth = self.root.look(memory, image, now_ns);
        let blind = self.tags.iter().any(|tag| value_of(*tag, image).is_none());
        Sight { holds: truth != Truth::False, blind }
    }

    /// Whether it is true, of a scan that was looked at, whatever the inputs that can't be used would say.
    pub(super) fn holds_surely(&self, memory: &Memory, image: &ProcessImage, now_ns: TimeNs) -> bool {
        self.root.known(memory, image, now_ns) == Some(true)
    }
}

/// The value, if it can be used.
fn value_of(tag: TagId, image: &ProcessImage) -> Option<f64> {
    let state = image.get(tag);
    (state.quality.is_usable() && !state.value.is_nan()).then_some(state.value)
}

impl Node {
    fn look(&self, memory: &mut Memory, image: &ProcessImage, now_ns: TimeNs) -> Truth {
        match self {
            Node::Compare { tag, relation, bound, hysteresis, slot } => match value_of(*tag, image) {
                None => Truth::Doubt,
                Some(value) => {
                    let was_true = memory.was_true[*slot];
                    let is_true = relation.holds(value, *bound, if was_true { *hysteresis } else { 0.0 });
                    memory.was_true[*slot] = is_true;
                    is_true.into()
                }
            },
            Node::Flag { tag } => value_of(*tag, image).map_or(Truth::Doubt, |value| (value != 0.0).into()),
            Node::Not(inner) => inner.look(memory, image, now_ns).turned(),
            Node::All(parts) => join(parts, memory, image, now_ns, ALL),
            Node::Any(parts) => join(parts, memory, image, now_ns, ANY),
            Node::For { inner, delay_ns, slot } => {
                let truth = inner.look(memory, image, now_ns);
                let since = &mut memory.since_ns[*slot];
                if truth == Truth::False {
                    *since = None;
                    return Truth::False;
                }
                let since_ns = *since.get_or_insert(now_ns);
                if is_over(since_ns, now_ns, *delay_ns) { truth } else { Truth::False }
            }
        }
    }
}

impl Node {
    /// What it says of this scan, already looked at, whatever the inputs that can't be used would say; none where they decide.
    fn known(&self, memory: &Memory, image: &ProcessImage, now_ns: TimeNs) -> Option<bool> {
        // One part decides; else all have to be known.
        let of_all = |parts: &[Node], decides: bool| {
            let says = |part: &Node| part.known(memory, image, now_ns);
            if parts.iter().any(|part| says(part) == Some(decides)) {
                return Some(decides);
            }
            parts.iter().all(|part| says(part).is_some()).then_some(!decides)
        };
        match self {
            Node::Compare { tag, slot, .. } => value_of(*tag, image).and_then(|_| memory.was_true.get(*slot).copied()),
            Node::Flag { tag } => value_of(*tag, image).map(|value| value != 0.0),
            Node::Not(inner) => inner.known(memory, image, now_ns).map(|says| !says),
            Node::All(parts) => of_all(parts, false),
            Node::Any(parts) => of_all(parts, true),
            Node::For { inner, delay_ns, slot } => {
                let since_ns = memory.since_ns.get(*slot).copied().flatten();
                let is_past = since_ns.is_some_and(|since_ns| is_over(since_ns, now_ns, *delay_ns));
                inner.known(memory, image, now_ns).map(|says| says && is_past)
            }
        }
    }
}

/// What the parts of an `and` or an `or` say.
#[derive(Clone, Copy, Default)]
struct Seen {
    some_true: bool,
    some_false: bool,
    some_doubt: bool,
}

impl Seen {
    fn add(&mut self, truth: Truth) {
        match truth {
            Truth::True => self.some_true = true,
            Truth::False => self.some_false = true,
            Truth::Doubt => self.some_doubt = true,
        }
    }

    /// One doubt makes the whole doubtful.
    fn said(self, holds: fn(Seen) -> bool) -> Truth {
        if self.some_doubt { Truth::Doubt } else { holds(self).into() }
    }
}

/// An `and` is true where no part is false.
const ALL: fn(Seen) -> bool = |seen| !seen.some_false;
/// An `or` is true where a part is.
const ANY: fn(Seen) -> bool = |seen| seen.some_true;

/// Looks at all parts, so that delays and hysteresis of each go on.
fn join(parts: &[Node], memory: &mut Memory, image: &ProcessImage, now_ns: TimeNs, holds: fn(Seen) -> bool) -> Truth {
    let mut seen = Seen::default();
    for part in parts {
        seen.add(part.look(memory, image, now_ns));
    }
    seen.said(holds)
}

/// Whether a delay that began then has passed.
fn is_over(since_ns: TimeNs, now_ns: TimeNs, delay_ns: DurationNs) -> bool {
    delay_ns <= u64::try_from(now_ns.saturating_sub(since_ns)).unwrap_or(0)
}

impl Relation {
    fn holds(self, value: f64, bound: f64, hysteresis: f64) -> bool {
        match self {
            Relation::Above => bound - hysteresis < value,
            Relation::AtLeast => bound - hysteresis <= value,
            Relation::Below => value < bound + hysteresis,
            Relation::AtMost => value <= bound + hysteresis,
            Relation::Equal => value == bound,
            Relation::NotEqual => value != bound,
        }
    }

    fn has_direction(self) -> bool {
        !matches!(self, Relation::Equal | Relation::NotEqual)
    }
}

#[cfg(test)]
mod tests;
