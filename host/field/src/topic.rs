//! On which topic an object goes out, all from one pattern.
//!
//! A pattern is a topic with placeholders: `dinrail/{site}/{plugin}/{kind}`, and `{asset}` and `{tag}` if
//! wanted. Its *prefix*, the levels before the first that names something other than the site, carries
//! what belongs to no plugin. With that pattern and the site `line-3`:
//!
//! | topic | what | retained |
//! | --- | --- | --- |
//! | `dinrail/line-3/pump-watch/anomaly` | the plugin's results, one object a message; likewise `health`, `verdict`, `signal`, `proposal`, `plan`, `forecast`, `order`, `fault` | `health` only |
//! | `dinrail/line-3/pump-watch/state` | the plugin's state | yes |
//! | `dinrail/line-3/value/pump1.current` | a tag's value; of an asset `value/ASSET/TAG` | yes |
//! | `dinrail/line-3/command/reactor.temp_sp` | what was written to an output | no |
//! | `dinrail/line-3/alarm/tank.high` | what last became of an alarm | yes |
//! | `dinrail/line-3/status` | `online`, or `offline` (also as the broker's last will); plain text | yes |
//!
//! Names keep their spelling, except that what MQTT gives a meaning (`/ + #`, control characters, a
//! leading `$`) becomes `_`. A level that would be empty (`{asset}` where there is none) is left out.

use crate::message::Kind;

/// A pattern with its site filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    levels: Vec<Level>,
    prefix: String,
}

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Nothing in it, or a level is empty.
    #[error("the topic pattern `{pattern}` has an empty level")]
    Empty {
        /// As written.
        pattern: String,
    },
    /// Not one of the placeholders.
    #[error("the topic pattern has `{{{name}}}`; known are {{site}}, {{plugin}}, {{kind}}, {{asset}}, {{tag}}")]
    Placeholder {
        /// As written.
        name: String,
    },
    /// A brace without its partner.
    #[error("the topic pattern `{pattern}` has a brace without its partner")]
    Brace {
        /// As written.
        pattern: String,
    },
    /// A wildcard, or a character no topic may have.
    #[error("the topic pattern has `{character}`, which a topic to publish on can't have")]
    Character {
        /// Which.
        character: char,
    },
    /// Results of different kinds would share a topic.
    #[error("the topic pattern `{pattern}` should have {{kind}}, so that each kind has its own topic")]
    NoKind {
        /// As written.
        pattern: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Level(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Plugin,
    Kind,
    Asset,
    Tag,
}

#[derive(Clone, Copy, Default)]
struct Names<'a> {
    plugin: &'a str,
    kind: &'a str,
    asset: &'a str,
    tag: &'a str,
}

impl Topics {
    /// Reads a pattern.
    pub fn parse(pattern: &str, site: &str) -> Result<Topics, TopicError> {
        let mut levels = Vec::new();
        for text in pattern.split('/') {
            if text.is_empty() {
                return Err(TopicError::Empty { pattern: pattern.to_owned() });
            }
            levels.push(parse_level(text, site, pattern)?);
        }
        if !levels.iter().any(|level| level.0.contains(&Piece::Kind)) {
            return Err(TopicError::NoKind { pattern: pattern.to_owned() });
        }
        let fixed = |level: &&Level| level.0.iter().all(|piece| matches!(piece, Piece::Text(_)));
        let prefix = join(levels.iter().take_while(fixed).map(|level| level.render(Names::default())));
        Ok(Topics { levels, prefix })
    }

    /// Where a plugin's objects of that kind go.
    #[must_use]
    pub fn result(&self, plugin: &str, asset: Option<&str>, kind: Kind) -> String {
        let names = Names { plugin, kind: kind.name(), asset: asset.unwrap_or(""), tag: "" };
        join(self.levels.iter().map(|level| level.render(names)))
    }

    /// Where a tag's values go.
    #[must_use]
    pub fn value(&self, tag: &str, asset: Option<&str>) -> String {
        self.below(Kind::Value, tag, asset)
    }

    /// Where what was written to an output goes.
    #[must_use]
    pub fn command(&self, output: &str, asset: Option<&str>) -> String {
        self.below(Kind::Command, output, asset)
    }

    /// Where what a gate did goes.
    #[must_use]
    pub fn gate(&self, output: &str) -> String {
        self.below(Kind::Gate, output, None)
    }

    /// Where what becomes of an alarm goes.
    #[must_use]
    pub fn alarm(&self, alarm: &str) -> String {
        self.below(Kind::Alarm, alarm, None)
    }

    /// Where the link says whether it is there.
    #[must_use]
    pub fn status(&self) -> String {
        join([self.prefix.clone(), "status".to_owned()].into_iter())
    }

    fn below(&self, kind: Kind, name: &str, asset: Option<&str>) -> String {
        let asset = asset.map(tame).unwrap_or_default();
        join([self.prefix.clone(), kind.name().to_owned(), asset, tame(name)].into_iter())
    }
}

impl Level {
    fn render(&self, names: Names<'_>) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Plugin => tame(names.plugin),
                Piece::Kind => tame(names.kind),
                Piece::Asset => tame(names.asset),
                Piece::Tag => tame(names.tag),
            })
            .collect()
    }
}

fn join(levels: impl Iterator<Item = String>) -> String {
    levels.filter(|level| !level.is_empty()).collect::<Vec<_>>().join("/")
}

fn parse_level(text: &str, site: &str, pattern: &str) -> Result<Level, TopicError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        push_text(&mut pieces, &rest[..open])?;
        let inner = rest[open..].strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let Some((name, after)) = inner else {
            return Err(TopicError::Brace { pattern: pattern.to_owned() });
        };
        pieces.push(match name {
            "site" => Piece::Text(tame(site)),
            "plugin" => Piece::Plugin,
            "kind" => Piece::Kind,
            "asset" => Piece::Asset,
            "tag" => Piece::Tag,
            _ => return Err(TopicError::Placeholder { name: name.to_owned() }),
        });
        rest = after;
    }
    push_text(&mut pieces, rest)?;
    Ok(Level(pieces))
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) -> Result<(), TopicError> {
    if let Some(character) = text.chars().find(|c| has_meaning(*c)) {
        return Err(TopicError::Character { character });
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    Ok(())
}

fn has_meaning(character: char) -> bool {
    matches!(character, '+' | '#') || character.is_control()
}

/// A name as one level.
fn tame(name: &str) -> String {
    let tamed: String = name.chars().map(|c| if has_meaning(c) || c == '/' { '_' } else { c }).collect();
    match tamed.strip_prefix('$') {
        // Topics that begin with `$` belong to the broker.
        Some(rest) => format!("_{rest}"),
        None => tamed,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_give_topics() {
        let topics = Topics::parse("dinrail/{site}/{plugin}/{kind}", "line-3").unwrap();
        assert_eq!(topics.result("pump-watch", None, Kind::Anomaly), "dinrail/line-3/pump-watch/anomaly");
        assert_eq!(topics.value("pump1.current", None), "dinrail/line-3/value/pump1.current");
        assert_eq!(topics.value("s2", Some("7")), "dinrail/line-3/value/7/s2");
        assert_eq!(topics.command("reactor.temp_sp", None), "dinrail/line-3/command/reactor.temp_sp");
        assert_eq!(topics.alarm("tank/high"), "dinrail/line-3/alarm/tank_high");
        assert_eq!(topics.status(), "dinrail/line-3/status");
        let per_asset = Topics::parse("plant/{plugin}/{asset}/{kind}", "x").unwrap();
        assert_eq!(per_asset.result("e", Some("12"), Kind::Health), "plant/e/12/health");
        assert_eq!(per_asset.result("e", None, Kind::Health), "plant/e/health");
        assert_eq!(per_asset.status(), "plant/status");
        let mixed = Topics::parse("{site}-{kind}", "a/b").unwrap();
        assert_eq!(mixed.result("p", None, Kind::Plan), "a_b-plan");
        assert_eq!(mixed.status(), "status");
    }

    #[test]
    fn bad_patterns_are_refused() {
        let cases = [
            ("", "empty level"),
            ("a//{kind}", "empty level"),
            ("a/{knid}", "{knid}"),
            ("a/{kind", "brace"),
            ("a/kind}", "brace"),
            ("a/+/{kind}", "`+`"),
            ("a/{plugin}", "should have {kind}"),
        ];
        for (pattern, expected) in cases {
            let error = Topics::parse(pattern, "s").unwrap_err().to_string();
            assert!(error.contains(expected), "{pattern}: {error}");
        }
    }

    proptest! {
        /// Whatever the names, what comes out can be published on and has as many levels as meant.
        #[test]
        fn names_never_add_levels(plugin in "\\PC{0,12}", asset in "\\PC{0,12}", tag in ".{0,12}") {
            let topics = Topics::parse("d/{site}/{plugin}/{asset}/{kind}", &tag).unwrap();
            for topic in [topics.result(&plugin, Some(&asset), Kind::Order), topics.value(&tag, Some(&asset))] {
                prop_assert!(!topic.contains(['+', '#', '\0']), "{}", topic);
                prop_assert!(topic.split('/').all(|level| !level.is_empty()));
                prop_assert!(topic.split('/').count() <= 5);
            }
        }
    }
}
