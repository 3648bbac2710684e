//! What makes an expression true: the tags whose comparisons do, for whoever has to act on it.

use super::{ALL, ANY, Expression, Memory, Node, Seen, Truth, is_over, value_of};
use crate::image::ProcessImage;
use crate::tag::{Quality, TagId};
use crate::time::TimeNs;

/// A tag that makes an expression true, as it was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Witness {
    /// The tag.
    pub tag: TagId,
    /// Its last usable value, in its own unit; NaN where there never was one.
    pub value: f64,
    /// What is not usable counts as true.
    pub quality: Quality,
}

/// What was seen in a scan, after [`Expression::look`].
struct Scene<'s> {
    memory: &'s Memory,
    image: &'s ProcessImage,
    now_ns: TimeNs,
}

impl Expression {
    /// The tags that make it true, each once; none where it is false. It was looked at in this scan.
    pub(in crate::guard) fn witnesses(&self, memory: &Memory, image: &ProcessImage, now_ns: TimeNs) -> Vec<Witness> {
        let scene = Scene { memory, image, now_ns };
        let truth = self.root.said(&scene);
        if truth == Truth::False {
            return Vec::new();
        }
        let mut tags = Vec::new();
        self.root.blame(truth, &scene, &mut tags);
        if tags.is_empty() {
            // What is true because a delay has not passed yet has no comparison that says so.
            tags.extend_from_slice(&self.tags);
        }
        let witness = |tag| {
            let state = image.get(tag);
            Witness { tag, value: state.value, quality: state.quality }
        };
        tags.into_iter().map(witness).collect()
    }
}

impl Node {
    /// What [`Node::look`] said in this scan.
    fn said(&self, scene: &Scene<'_>) -> Truth {
        let join = |parts: &[Node], holds| {
            let mut seen = Seen::default();
            parts.iter().for_each(|part| seen.add(part.said(scene)));
            seen.said(holds)
        };
        match self {
            Node::Compare { tag, slot, .. } => {
                value_of(*tag, scene.image).map_or(Truth::Doubt, |_| scene.memory.was_true[*slot].into())
            }
            Node::Flag { tag } => value_of(*tag, scene.image).map_or(Truth::Doubt, |value| (value != 0.0).into()),
            Node::Not(inner) => inner.said(scene).turned(),
            Node::All(parts) => join(parts, ALL),
            Node::Any(parts) => join(parts, ANY),
            Node::For { inner, delay_ns, slot } => {
                let since = scene.memory.since_ns[*slot];
                let over = since.is_some_and(|since_ns| is_over(since_ns, scene.now_ns, *delay_ns));
                if over { inner.said(scene) } else { Truth::False }
            }
        }
    }

    /// Adds the tags of the comparisons through which it says this.
    fn blame(&self, truth: Truth, scene: &Scene<'_>, tags: &mut Vec<TagId>) {
        if self.said(scene) != truth {
            return;
        }
        match self {
            Node::Compare { tag, .. } | Node::Flag { tag } => {
                if !tags.contains(tag) {
                    tags.push(*tag);
                }
            }
            Node::Not(inner) => inner.blame(truth.turned(), scene, tags),
            Node::All(parts) | Node::Any(parts) => parts.iter().for_each(|part| part.blame(truth, scene, tags)),
            Node::For { inner, .. } => inner.blame(truth, scene, tags),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::reading::{RawValue, Reading, ReadingKind, SourceId};
    use crate::tag::{Tag, TagTable};
    use crate::unit::Unit;

    const SECOND: TimeNs = 1_000_000_000;

    /// The names of the witnesses after a look a second for five seconds; NaN is a bad sample.
    fn witnesses(text: &str, values: [f64; 3]) -> Vec<String> {
        let mut tags = TagTable::default();
        let ids = ["p", "t", "on"].map(|name| tags.add(Tag::new(name, Unit::parse("").unwrap())).unwrap());
        let expression = Expression::parse(text, &tags).unwrap();
        let mut memory = expression.memory();
        let mut image = ProcessImage::new(&tags);
        let values = ids.into_iter().zip(values).map(|(tag, value)| (tag, RawValue::Number(value))).collect();
        let reading = Reading { source: SourceId(0), kind: ReadingKind::Live, asset: None, time_ns: 1, values };
        image.apply(&tags, &reading, 0);
        (0..=5).for_each(|second| _ = expression.look(&mut memory, &image, second * SECOND));
        let found = expression.witnesses(&memory, &image, 5 * SECOND);
        found.iter().map(|witness| tags.get(witness.tag).name.clone()).collect()
    }

    #[test]
    fn only_the_comparisons_that_make_it_true_are_named() {
        for (text, values, expected) in [
            ("p > 6", [7.0, 0.0, 0.0], &["p"][..]),
            ("p > 6", [5.0, 0.0, 0.0], &[]),
            ("p > 6 or t > 90", [7.0, 20.0, 0.0], &["p"]),
            ("p > 6 or t > 90", [7.0, 95.0, 0.0], &["p", "t"]),
            ("p > 6 and t > 90", [7.0, 95.0, 0.0], &["p", "t"]),
            ("(p > 6 and t > 90) or not on", [7.0, 20.0, 0.0], &["on"]),
            ("not (p < 6 and on)", [7.0, 0.0, 1.0], &["p"]),
            ("p > 6 for 3s or t > 90", [7.0, 0.0, 0.0], &["p"]),
            ("p > 6 for 9s or t > 90", [7.0, 95.0, 0.0], &["t"]),
            ("p > 6 or t > 90", [f64::NAN, 95.0, 0.0], &["p"]),
            ("not (p > 6 for 9s)", [7.0, 0.0, 0.0], &["p"]),
        ] {
            assert_eq!(witnesses(text, values), expected, "{text} {values:?}");
        }
    }
}
