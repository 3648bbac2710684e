//! Derived tags: a number among a plugin's results that is a tag of its own, for other plugins and for expressions.
//!
//! - [`ResultName`]: `PLUGIN.FIELD`, `PLUGIN[KEY].FIELD`
//! - [`Field`]: which number of an answer that is, and in which unit
//! - [`Feed`]: from the outcomes of one instance to samples
//! - [`producers_first`]: the order in which plugins can be bound, where none feeds itself

mod feed;

mod field;

mod order;

pub use feed::{Feed, News, UNANSWERED_LIMIT};
pub use field::{Field, UnknownField, described_unit};
pub use order::producers_first;

use crate::tag::Quality;

/// What a result says of a tag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// In the unit of the field; NaN where nothing can be said.
    pub value: f64,
    /// Of the value, as its producer gives it.
    pub quality: Quality,
}

impl Sample {
    /// Nothing can be said.
    pub const BAD: Sample = Sample { value: f64::NAN, quality: Quality::Bad };

    /// A number with a producer's quality; one that is not usable is bad.
    #[must_use]
    pub fn new(value: f64, quality: Quality) -> Sample {
        if quality.is_usable() && value.is_finite() { Sample { value, quality } } else { Sample::BAD }
    }
}

/// The parts of a derived tag's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultName<'n> {
    /// The plugin's name.
    pub plugin: &'n str,
    /// The key of one asset of it.
    pub asset: Option<&'n str>,
    /// Which of its results.
    pub field: &'n str,
}

impl<'n> ResultName<'n> {
    /// The parts of `PLUGIN.FIELD` or `PLUGIN[KEY].FIELD`; none where it is not written so.
    #[must_use]
    pub fn parse(name: &'n str) -> Option<ResultName<'n>> {
        let (plugin, rest) = name.split_at(name.find(['.', '['])?);
        let (asset, field) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (key, field) = rest.split_once("].")?;
                (Some(key), field)
            }
            None => (None, rest.strip_prefix('.')?),
        };
        let whole = !plugin.is_empty() && !field.is_empty() && asset != Some("");
        whole.then_some(ResultName { plugin, asset, field })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_plugin_perhaps_an_asset_and_a_field() {
        let parts = |name| ResultName::parse(name).map(|name| (name.plugin, name.asset, name.field));
        let cases = [
            ("watch.score", Some(("watch", None, "score"))),
            ("climb.reactor.temp_sp", Some(("climb", None, "reactor.temp_sp"))),
            ("life[72].rul", Some(("life", Some("72"), "rul"))),
            ("life[a.b].rul-lo", Some(("life", Some("a.b"), "rul-lo"))),
            ("life[7]rul", None),
            ("life[].rul", None),
            ("life[7].", None),
            ("watch.", None),
            (".score", None),
            ("watch", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(parts(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_not_usable_is_bad() {
        assert_eq!(Sample::new(0.5, Quality::Uncertain), Sample { value: 0.5, quality: Quality::Uncertain });
        for (value, quality) in [(0.5, Quality::Bad), (0.5, Quality::Stale), (f64::NAN, Quality::Good)] {
            let sample = Sample::new(value, quality);
            assert!(sample.value.is_nan() && sample.quality == Quality::Bad, "{value} {quality:?}");
        }
    }
}
