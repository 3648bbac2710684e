//! Derived tags, once the plugins they are results of are open: their units, and expressions that wait for them.

use super::document::{as_key, did_you_mean};
use super::error::{ConfigError, ConfigErrors, Span};
use super::types::{Config, ResultOrigin, TagAddress};
use dinrail_core::derived::{Field, producers_first};
use dinrail_core::description::{Bindings, Description, World};
use dinrail_core::guard::Expression;
use dinrail_core::tag::TagId;
use dinrail_core::unit::{Conversion, Unit};
use std::sync::Arc;

/// A derived tag's place among its plugin's results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundResult {
    /// The tag.
    pub tag: TagId,
    /// The key of the one asset that it belongs to.
    pub asset: Option<String>,
    /// Which result.
    pub field: Field,
}

impl Config {
    /// The plugins' indexes, each after those whose results it takes.
    #[must_use]
    pub fn producers_first(&self) -> Vec<usize> {
        let producers = |plugin| self.producers_of(plugin).map(move |producer| (producer, plugin));
        let feeds: Vec<_> = (0..self.plugins.len()).flat_map(producers).collect();
        producers_first(self.plugins.len(), &feeds).expect("the configuration has no circle")
    }

    /// The plugins whose results one of them takes.
    pub fn producers_of(&self, plugin: usize) -> impl Iterator<Item = usize> {
        let tags = self.plugins[plugin].inputs.iter().flat_map(|input| &input.tags);
        tags.filter_map(|bound| self.result_of(bound.tag)).map(|result| result.plugin)
    }

    /// Which result a tag is, if it is one.
    fn result_of(&self, tag: TagId) -> Option<&ResultOrigin> {
        match &self.tag_origins[tag.index()].address {
            TagAddress::Result(result) => Some(result),
            _ => None,
        }
    }

    /// Gives the tags that are results of this plugin their units. Its own inputs are settled.
    pub fn settle_results(
        &mut self,
        plugin: usize,
        world: World,
        description: &Description,
        bindings: &Bindings,
    ) -> Result<Vec<BoundResult>, ConfigErrors> {
        let results = self.tags.iter().map(|(tag, _)| tag);
        let of_this = |tag: &TagId| self.result_of(*tag).is_some_and(|result| result.plugin == plugin);
        let tags: Vec<TagId> = results.filter(of_this).collect();
        let (mut bound, mut errors) = (Vec::new(), Vec::new());
        for tag in tags {
            match self.settled(tag, world, description, bindings) {
                Ok((result, unit, conversion)) => {
                    self.tags.rescale(tag, unit, conversion.scale, conversion.offset);
                    bound.push(result);
                }
                Err(error) => errors.push(error),
            }
        }
        match ConfigErrors::some(errors) {
            Some(errors) => Err(errors),
            None => Ok(bound),
        }
    }

    /// The tag's field and unit, and how to get there from the field's own.
    fn settled(
        &self,
        tag: TagId,
        world: World,
        description: &Description,
        bindings: &Bindings,
    ) -> Result<(BoundResult, Unit, Conversion), ConfigError> {
        let known = self.tags.get(tag);
        let origin = self.result_of(tag).expect("its origin was a result");
        let mistake = |message, help: String| {
            let span = self.tag_origins[tag.index()].span.clone();
            ConfigError::new(Arc::clone(&self.text), span, message, "", help)
        };
        let plugin = &self.plugins[origin.plugin].name;
        let (field, native) = Field::find(&origin.field, world, description, bindings).map_err(|error| {
            let message = format!("`{}`: `{plugin}`, a plugin of the world {}, {error}", known.name, world.name());
            mistake(message, did_you_mean(&error.name, error.known.iter().map(String::as_str)))
        })?;
        let native = Unit::parse(&native).expect("the description's units were checked");
        let unit = match field {
            _ if origin.has_unit => known.unit.clone(),
            // As the site writes it, not as the plugin does.
            Field::Setpoint { output } => {
                let name = &bindings.outputs[output as usize].tag;
                let output = self.outputs.iter().find(|output| output.spec.name == *name);
                output.map_or_else(|| native.clone(), |output| output.spec.unit.clone())
            }
            _ => native.clone(),
        };
        let conversion = native.conversion_to(&unit).map_err(|error| {
            let help = format!("correct `unit` of [tags.{}], or leave it out", as_key(&known.name));
            mistake(format!("`{}`: {error}", known.name), help)
        })?;
        Ok((BoundResult { tag, asset: origin.asset.clone(), field }, unit, conversion))
    }

    /// Reads the expressions again that look at results, now that their units are known.
    pub fn settle_conditions(&mut self) -> Result<(), ConfigErrors> {
        let (mut outputs, mut errors) = (std::mem::take(&mut self.outputs), Vec::new());
        for output in &mut outputs {
            let spec = &mut output.spec;
            let when = spec.reduced.as_mut().map(|reduced| &mut reduced.when);
            for (key, condition, span) in [
                ("inhibit", spec.inhibit.as_mut(), &output.inhibit_span),
                ("when", when, &output.reduced_span),
                ("trip", spec.trip.as_mut(), &output.trip_span),
            ] {
                let looks_at_results =
                    |known: &&mut Expression| known.tags().iter().any(|tag| self.result_of(*tag).is_some());
                let Some(condition) = condition.filter(looks_at_results) else { continue };
                match self.condition(key, condition, span) {
                    Ok(expression) => *condition = expression,
                    Err(error) => errors.push(error),
                }
            }
        }
        self.outputs = outputs;
        let mut alarms = std::mem::take(&mut self.alarms);
        for alarm in &mut alarms {
            let looks_at_results =
                |known: &&mut Expression| known.tags().iter().any(|tag| self.result_of(*tag).is_some());
            let Some(when) = alarm.spec.when.as_mut().filter(looks_at_results) else { continue };
            match self.condition("when", when, &alarm.when_span) {
                Ok(expression) => *when = expression,
                Err(error) => errors.push(error),
            }
        }
        self.alarms = alarms;
        ConfigErrors::some(errors).map_or(Ok(()), Err)
    }

    fn condition(&self, key: &str, sketch: &Expression, span: &Span) -> Result<Expression, ConfigError> {
        Expression::parse(sketch.text(), &self.tags).map_err(|error| {
            let units: Vec<String> = sketch
                .tags()
                .iter()
                .map(|tag| self.tags.get(*tag))
                .map(|tag| format!("`{}` is in `{}`", tag.name, tag.unit.code()))
                .collect();
            let help = format!("write a unit that fits: {}", units.join(", "));
            ConfigError::new(Arc::clone(&self.text), span.clone(), format!("`{key}`: {error}"), "", help)
        })
    }
}
