//! Tags: what is known of a signal, and how a raw value becomes a value with a quality.

use crate::reading::RawValue;
use crate::time::DurationNs;
use crate::unit::Unit;
use std::collections::HashMap;

/// How far a value can be trusted. Ordered: the larger is the worse, except that `Stale` only says
/// that nothing newer came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Quality {
    /// Measured, finite, within range, recent.
    Good = 0,
    /// Usable with doubt.
    Uncertain = 1,
    /// Not usable: missing, not finite, out of range, faulted.
    #[default]
    Bad = 2,
    /// Was good once, and nothing newer came in time.
    Stale = 3,
}

impl Quality {
    /// As it crosses to a plugin.
    #[must_use]
    #[inline]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// From a plugin's answer; anything unknown is bad.
    #[must_use]
    pub fn from_code(code: u8) -> Quality {
        match code {
            0 => Quality::Good,
            1 => Quality::Uncertain,
            3 => Quality::Stale,
            _ => Quality::Bad,
        }
    }

    /// Good or uncertain.
    #[must_use]
    #[inline]
    pub fn is_usable(self) -> bool {
        matches!(self, Quality::Good | Quality::Uncertain)
    }

    /// In messages and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Quality::Good => "good",
            Quality::Uncertain => "uncertain",
            Quality::Bad => "bad",
            Quality::Stale => "stale",
        }
    }
}

/// Index of a tag in its [`TagTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId(u32);

impl TagId {
    /// As an index.
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What comes in on a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKind {
    /// One number at a time.
    Value,
    /// Blocks of equally spaced samples.
    Waveform,
    /// Pictures; only items have them.
    Picture,
}

impl TagKind {
    /// In messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TagKind::Value => "value",
            TagKind::Waveform => "waveform",
            TagKind::Picture => "picture",
        }
    }
}

/// A signal of the plant.
#[derive(Clone, Debug)]
pub struct Tag {
    /// Unique, for instance `pump1.current`.
    pub name: String,
    /// Number, waveform or picture.
    pub kind: TagKind,
    /// Unit after scaling.
    pub unit: Unit,
    /// Lowest and highest credible value after scaling; outside it the quality is bad.
    pub range: Option<(f64, f64)>,
    /// Run time without a new value after which it is stale.
    pub stale_after_ns: Option<DurationNs>,
    /// Engineering value = raw × `scale` + `offset`.
    pub scale: f64,
    /// See `scale`.
    pub offset: f64,
    /// Numbers that texts stand for.
    pub map: HashMap<String, f64>,
}

impl Tag {
    /// A tag of that name and unit, everything else left open.
    #[must_use]
    pub fn new(name: impl Into<String>, unit: Unit) -> Tag {
        Tag {
            name: name.into(),
            kind: TagKind::Value,
            unit,
            range: None,
            stale_after_ns: None,
            scale: 1.0,
            offset: 0.0,
            map: HashMap::new(),
        }
    }

    /// Scales, maps and judges a raw value. What is not a finite number in range is bad; the value
    /// that comes with it is then NaN and must not be used. A waveform's or a picture's tag has no number.
    #[must_use]
    pub fn admit(&self, raw: &RawValue) -> (f64, Quality) {
        if self.kind == TagKind::Picture {
            return (f64::NAN, Quality::Bad);
        }
        let number = match raw {
            RawValue::Number(number) => *number,
            RawValue::Bool(on) => f64::from(u8::from(*on)),
            RawValue::Text(text) => match self.map.get(text.as_ref()) {
                Some(number) => *number,
                // A map, where there is one, is the only reading of a text.
                None if self.map.is_empty() => text.trim().parse().unwrap_or(f64::NAN),
                None => f64::NAN,
            },
            RawValue::Missing | RawValue::Block(_) | RawValue::Picture(_) => f64::NAN,
        };
        let value = number * self.scale + self.offset;
        if !value.is_finite() {
            return (f64::NAN, Quality::Bad);
        }
        match self.range {
            Some((lo, hi)) if !(lo <= value && value <= hi) => (f64::NAN, Quality::Bad),
            _ => (value, Quality::Good),
        }
    }
}

/// All tags of a configuration.
#[derive(Clone, Debug, Default)]
pub struct TagTable {
    tags: Vec<Tag>,
    by_name: HashMap<String, TagId>,
}

/// Two tags with one name.
#[derive(Debug, thiserror::Error)]
#[error("the tag `{name}` is defined twice")]
pub struct DuplicateTag {
    /// The name.
    pub name: String,
}

impl TagTable {
    /// Adds a tag.
    pub fn add(&mut self, tag: Tag) -> Result<TagId, DuplicateTag> {
        let id = TagId(u32::try_from(self.tags.len()).expect("a configuration has fewer than 2^32 tags"));
        if self.by_name.contains_key(&tag.name) {
            return Err(DuplicateTag { name: tag.name });
        }
        self.by_name.insert(tag.name.clone(), id);
        self.tags.push(tag);
        Ok(id)
    }

    /// The tag with this id.
    #[must_use]
    pub fn get(&self, id: TagId) -> &Tag {
        &self.tags[id.index()]
    }

    /// Gives a tag another unit, and what its raw values are multiplied by and raised by to be in it.
    pub fn rescale(&mut self, id: TagId, unit: Unit, scale: f64, offset: f64) {
        let tag = &mut self.tags[id.index()];
        tag.unit = unit;
        tag.scale = scale;
        tag.offset = offset;
    }

    /// Looks a name up.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<TagId> {
        self.by_name.get(name).copied()
    }

    /// All of them with their ids, in order of definition.
    pub fn iter(&self) -> impl Iterator<Item = (TagId, &Tag)> {
        self.tags.iter().enumerate().map(|(index, tag)| (TagId(index as u32), tag))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tags.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn tag() -> Tag {
        let mut tag = Tag::new("t", Unit::parse("bar").unwrap());
        tag.range = Some((0.0, 10.0));
        tag
    }

    #[test]
    fn every_kind_of_value_gets_its_quality() {
        let mut mapped = tag();
        mapped.map = HashMap::from([("steel".to_owned(), 1.0)]);
        let mut scaled = tag();
        scaled.scale = 0.1;
        scaled.offset = -1.0;
        let text = |text: &str| RawValue::Text(text.into());
        let number = RawValue::Number;
        let cases = [
            (tag(), number(5.0), Some(5.0)),
            (tag(), number(0.0), Some(0.0)),
            (tag(), number(10.0), Some(10.0)),
            (tag(), number(10.0 + 1e-9), None),
            (tag(), number(-1e-9), None),
            (tag(), number(f64::NAN), None),
            (tag(), number(f64::INFINITY), None),
            (tag(), number(f64::NEG_INFINITY), None),
            (tag(), RawValue::Bool(true), Some(1.0)),
            (tag(), text(" 2.5 "), Some(2.5)),
            (tag(), text("steel"), None),
            (mapped.clone(), text("steel"), Some(1.0)),
            (mapped.clone(), text("2.5"), None),
            (mapped, number(2.5), Some(2.5)),
            (tag(), RawValue::Missing, None),
            (scaled.clone(), number(60.0), Some(5.0)),
            (scaled, number(5.0), None),
        ];
        for (tag, raw, expected) in cases {
            let (value, quality) = tag.admit(&raw);
            match expected {
                Some(expected) => {
                    assert!((value - expected).abs() < 1e-12, "{raw:?} gave {value}");
                    assert_eq!(quality, Quality::Good, "{raw:?}");
                }
                None => {
                    assert!(value.is_nan(), "{raw:?} gave {value}");
                    assert_eq!(quality, Quality::Bad, "{raw:?}");
                }
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let mut table = TagTable::default();
        let id = table.add(tag()).unwrap();
        assert!(table.add(tag()).is_err());
        assert_eq!(table.find("t"), Some(id));
        assert_eq!(table.len(), 1);
    }
}
