//! What an expression says for sure, for whoever must not take a doubt for a truth: an alarm.

use super::{Expression, Memory, Node, Witness, is_over, value_of};
use crate::image::ProcessImage;
use crate::time::TimeNs;

/// An expression with what it remembers, looked at scan by scan.
///
/// Other than for the guard, an input that is bad, stale or was never there counts as unknown. What it can't decide
/// is decided all the same: `a > 1 or b > 1` is true where `a` is 2, whatever `b` is.
#[derive(Clone, Debug)]
pub struct Condition {
    expression: Expression,
    memory: Memory,
}

impl Condition {
    /// Not looked at yet.
    #[must_use]
    pub fn new(expression: Expression) -> Condition {
        let memory = expression.memory();
        Condition { expression, memory }
    }

    /// What it says now; none where nobody can know. To be called in every scan, so that delays and hysteresis go on.
    /// A delay that has begun goes on while the inner expression is unknown, and none begins then.
    pub fn look(&mut self, image: &ProcessImage, now_ns: TimeNs) -> Option<bool> {
        self.expression.root.sense(&mut self.memory, image, now_ns)
    }

    /// The tags that it looks at, as they are now.
    #[must_use]
    pub fn inputs(&self, image: &ProcessImage) -> Vec<Witness> {
        let input = |tag: &crate::tag::TagId| {
            let state = image.get(*tag);
            Witness { tag: *tag, value: state.value, quality: state.quality }
        };
        self.expression.tags.iter().map(input).collect()
    }
}

impl Node {
    /// In three values; all parts are looked at.
    fn sense(&self, memory: &mut Memory, image: &ProcessImage, now_ns: TimeNs) -> Option<bool> {
        match self {
            Node::Compare { tag, relation, bound, hysteresis, slot } => value_of(*tag, image).map(|value| {
                let width = if memory.was_true[*slot] { *hysteresis } else { 0.0 };
                let is_true = relation.holds(value, *bound, width);
                memory.was_true[*slot] = is_true;
                is_true
            }),
            Node::Flag { tag } => value_of(*tag, image).map(|value| value != 0.0),
            Node::Not(inner) => inner.sense(memory, image, now_ns).map(|says| !says),
            Node::All(parts) => decided(parts, false, memory, image, now_ns),
            Node::Any(parts) => decided(parts, true, memory, image, now_ns),
            Node::For { inner, delay_ns, slot } => {
                let says = inner.sense(memory, image, now_ns)?;
                let since = &mut memory.since_ns[*slot];
                if !says {
                    *since = None;
                    return Some(false);
                }
                Some(is_over(*since.get_or_insert(now_ns), now_ns, *delay_ns))
            }
        }
    }
}

/// One part that says `by` decides; else all have to be known.
fn decided(parts: &[Node], by: bool, memory: &mut Memory, image: &ProcessImage, now_ns: TimeNs) -> Option<bool> {
    let (mut is_decided, mut is_known) = (false, true);
    for part in parts {
        let says = part.sense(memory, image, now_ns);
        is_decided |= says == Some(by);
        is_known &= says.is_some();
    }
    if is_decided { Some(by) } else { is_known.then_some(!by) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::reading::{RawValue, Reading, ReadingKind, SourceId};
    use crate::tag::{Tag, TagTable};
    use crate::unit::Unit;

    const SECOND: TimeNs = 1_000_000_000;

    /// What is said a second after the other, of `a` and `b`; NaN is a bad sample.
    fn said(text: &str, values: &[[f64; 2]]) -> Vec<Option<bool>> {
        let mut tags = TagTable::default();
        let ids = ["a", "b"].map(|name| tags.add(Tag::new(name, Unit::parse("").unwrap())).unwrap());
        let mut condition = Condition::new(Expression::parse(text, &tags).unwrap());
        let mut image = ProcessImage::new(&tags);
        let seconds = (1..).map(|second| second * SECOND);
        let mut looks = Vec::new();
        for (values, time_ns) in values.iter().zip(seconds) {
            let values = ids.into_iter().zip(*values).map(|(tag, value)| (tag, RawValue::Number(value))).collect();
            let reading = Reading { source: SourceId(0), kind: ReadingKind::Live, asset: None, time_ns, values };
            image.apply(&tags, &reading, time_ns);
            looks.push(condition.look(&image, time_ns));
        }
        looks
    }

    #[test]
    fn what_nobody_can_know_is_unknown_unless_another_part_decides() {
        const BAD: f64 = f64::NAN;
        let (yes, no, unknown) = (Some(true), Some(false), None);
        for (text, values, expected) in [
            ("a > 1", &[[2.0, 0.0], [BAD, 0.0], [0.0, 0.0]][..], &[yes, unknown, no][..]),
            ("not a > 1", &[[2.0, 0.0], [BAD, 0.0]], &[no, unknown]),
            ("a", &[[1.0, 0.0], [BAD, 0.0], [0.0, 0.0]], &[yes, unknown, no]),
            ("a > 1 or b > 1", &[[BAD, 2.0], [BAD, 0.0], [2.0, BAD]], &[yes, unknown, yes]),
            ("a > 1 and b > 1", &[[BAD, 2.0], [BAD, 0.0], [0.0, BAD]], &[unknown, no, no]),
            ("a > 5 hysteresis 2", &[[6.0, 0.0], [BAD, 0.0], [4.0, 0.0], [2.0, 0.0]], &[yes, unknown, yes, no]),
            // A delay goes on through a gap, and does not begin in one.
            ("a > 1 for 2s", &[[2.0, 0.0], [BAD, 0.0], [2.0, 0.0]], &[no, unknown, yes]),
            (
                "a > 1 for 2s",
                &[[BAD, 0.0], [BAD, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0]],
                &[unknown, unknown, no, no, yes],
            ),
            ("a > 1 for 2s", &[[2.0, 0.0], [0.0, 0.0], [2.0, 0.0]], &[no, no, no]),
        ] {
            assert_eq!(said(text, values), expected, "{text} {values:?}");
        }
    }
}
