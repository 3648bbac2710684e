//! What a plugin says of itself (`describe`), what it is told (`configure`), and the check between.

mod bindings;

pub use bindings::{Bindings, Column, InputBinding, OutputBinding, SeriesBinding};

use crate::time::DurationNs;
use crate::unit::{Unit, UnitError};
use std::collections::HashSet;

/// The six worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum World {
    /// `detect`: one anomaly a row.
    AnomalyDetection,
    /// `assess`: health and remaining life.
    PredictiveMaintenance,
    /// `inspect`: a verdict an item.
    QualityControl,
    /// `optimize`: proposals for setpoints.
    ProcessOptimization,
    /// `plan`: proposals and a schedule.
    EnergyOptimization,
    /// `forecast` and `replenish`: forecasts and orders.
    SupplyChain,
}

impl World {
    /// All of them.
    pub const ALL: [World; 6] = [
        World::AnomalyDetection,
        World::PredictiveMaintenance,
        World::QualityControl,
        World::ProcessOptimization,
        World::EnergyOptimization,
        World::SupplyChain,
    ];

    /// As the WIT, the configuration and the summary call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            World::AnomalyDetection => "anomaly-detection",
            World::PredictiveMaintenance => "predictive-maintenance",
            World::QualityControl => "quality-control",
            World::ProcessOptimization => "process-optimization",
            World::EnergyOptimization => "energy-optimization",
            World::SupplyChain => "supply-chain",
        }
    }

    /// Whether its calls take an outlook.
    #[must_use]
    pub fn looks_ahead(self) -> bool {
        matches!(self, World::EnergyOptimization | World::SupplyChain)
    }

    /// Whether its plugins may propose values for outputs.
    #[must_use]
    pub fn acts(self) -> bool {
        matches!(self, World::ProcessOptimization | World::EnergyOptimization | World::SupplyChain)
    }
}

/// A parameter's value; its variant is its type.
#[derive(Clone, Debug, PartialEq)]
pub enum ParameterValue {
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Number(f64),
    /// Free text, or one of the parameter's choices.
    Text(String),
}

impl ParameterValue {
    /// The type's name in messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            ParameterValue::Boolean(_) => "boolean",
            ParameterValue::Integer(_) => "integer",
            ParameterValue::Number(_) => "number",
            ParameterValue::Text(_) => "text",
        }
    }
}

/// Value or waveform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// One number a row.
    Value,
    /// Blocks of samples.
    Waveform,
}

/// An input a plugin declares.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Unique among the inputs.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// Value or waveform.
    pub kind: InputKind,
    /// UCUM; empty: any.
    pub unit: String,
    /// Lowest accepted value in that unit.
    pub minimum: Option<f64>,
    /// Highest accepted value.
    pub maximum: Option<f64>,
    /// Bound to any number of tags rather than to one.
    pub group: bool,
    /// Whether it must be bound.
    pub required: bool,
}

/// An output a plugin declares.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Unique among the outputs.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// UCUM; empty: any.
    pub unit: String,
    /// Bound to any number of outputs rather than to one.
    pub group: bool,
    /// Whether it must be bound.
    pub required: bool,
}

/// A parameter a plugin declares.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Unique among the parameters.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// UCUM; empty where it has none.
    pub unit: String,
    /// Fixes the type too.
    pub default: ParameterValue,
    /// Lowest accepted value of a number.
    pub minimum: Option<f64>,
    /// Highest accepted value of a number.
    pub maximum: Option<f64>,
    /// What a text may be; empty: anything.
    pub choices: Vec<String>,
}

/// Why a parameter's value is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParameterError {
    /// Another type.
    #[error("should be a {expected}, is a {given}")]
    Type {
        /// The default's type.
        expected: &'static str,
        /// The value's.
        given: &'static str,
    },
    /// Outside its bounds, or not finite.
    #[error("should be between {minimum} and {maximum}, is {given}")]
    Range {
        /// Lower bound.
        minimum: f64,
        /// Upper bound.
        maximum: f64,
        /// What it is.
        given: f64,
    },
    /// Not among the choices.
    #[error("should be one of {choices:?}, is `{given}`")]
    Choice {
        /// What it may be.
        choices: Vec<String>,
        /// What it is.
        given: String,
    },
}

impl Parameter {
    /// Checks a value; a whole number is taken where a number is wanted.
    pub fn accept(&self, value: ParameterValue) -> Result<ParameterValue, ParameterError> {
        let value = match (&self.default, value) {
            (ParameterValue::Number(_), ParameterValue::Integer(whole)) => ParameterValue::Number(whole as f64),
            (_, value) => value,
        };
        if std::mem::discriminant(&self.default) != std::mem::discriminant(&value) {
            return Err(ParameterError::Type { expected: self.default.kind(), given: value.kind() });
        }
        match &value {
            ParameterValue::Boolean(_) => {}
            ParameterValue::Integer(whole) => self.accept_number(*whole as f64)?,
            ParameterValue::Number(number) => self.accept_number(*number)?,
            ParameterValue::Text(text) => {
                if !self.choices.is_empty() && !self.choices.contains(text) {
                    return Err(ParameterError::Choice { choices: self.choices.clone(), given: text.clone() });
                }
            }
        }
        Ok(value)
    }

    fn accept_number(&self, number: f64) -> Result<(), ParameterError> {
        let minimum = self.minimum.unwrap_or(f64::MIN);
        let maximum = self.maximum.unwrap_or(f64::MAX);
        if minimum <= number && number <= maximum {
            Ok(())
        } else {
            Err(ParameterError::Range { minimum, maximum, given: number })
        }
    }
}

/// A tensor's name and shape, as a model slot or a model has them.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// The model's own name for it.
    pub name: String,
    /// `None`: any size, usually the batch.
    pub shape: Vec<Option<u32>>,
}

/// A model a plugin asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSlot {
    /// What the plugin opens it by.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// Whether it must be given.
    pub required: bool,
    /// Inputs in order.
    pub inputs: Vec<TensorSpec>,
    /// Outputs in order.
    pub outputs: Vec<TensorSpec>,
}

/// A series that a plugin wants to know ahead.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesSlot {
    /// What it is called in the outlook.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// UCUM; empty: any.
    pub unit: String,
    /// Whether it must be bound.
    pub required: bool,
}

/// A number among the results that can be bound as a derived tag.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultField {
    /// Field name.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// UCUM.
    pub unit: String,
}

/// Everything `describe` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The plugin's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// Inputs in order.
    pub inputs: Vec<Input>,
    /// Outputs in order.
    pub outputs: Vec<Output>,
    /// Parameters.
    pub parameters: Vec<Parameter>,
    /// Model slots.
    pub models: Vec<ModelSlot>,
    /// Series that it wants to know ahead.
    pub outlook: Vec<SeriesSlot>,
    /// Numbers that can be bound as derived tags.
    pub results: Vec<ResultField>,
    /// How often it wants to be called, run time; 0: every scan.
    pub period_ns: DurationNs,
    /// How long a call may take, wall time; 0: the host's default.
    pub budget_ns: DurationNs,
    /// How far ahead its plans reach.
    pub horizon_ns: DurationNs,
    /// Quantiles of its forecasts.
    pub quantiles: Vec<f64>,
    /// Version of the bytes `save` gives.
    pub state_version: u32,
}

/// What is wrong with a description. The values are guest-controlled.
#[derive(Debug, thiserror::Error)]
pub enum DescriptionError {
    /// A name that is empty, too long, or has characters other than letters, digits, `-`, `_`.
    #[error("the {what} `{name}` should be 1 to 64 letters, digits, `-` or `_`")]
    Name {
        /// Input, output, parameter…
        what: &'static str,
        /// The name, cut.
        name: String,
    },
    /// Two of one name.
    #[error("the {what} `{name}` is described twice")]
    Duplicate {
        /// Input, output, parameter…
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A unit that does not parse.
    #[error("the {what} `{name}`: {source}")]
    Unit {
        /// Input, output, parameter…
        what: &'static str,
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: UnitError,
    },
    /// A default outside its own bounds.
    #[error("the default of the parameter `{name}` {source}")]
    Default {
        /// The parameter.
        name: String,
        /// Why.
        #[source]
        source: ParameterError,
    },
    /// Bounds the wrong way round, or not numbers.
    #[error("the {what} `{name}` has bounds that are not numbers in rising order")]
    Bounds {
        /// Input or parameter.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// More than the host takes.
    #[error("{count} {what}s are described, {limit} are the limit")]
    TooMany {
        /// Input, output, parameter…
        what: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// Quantiles that do not rise within (0, 1).
    #[error("the quantiles should rise and lie between 0 and 1")]
    Quantiles,
    /// A world that cannot act declares outputs.
    #[error("a plugin of the world {world} can't have outputs")]
    Outputs {
        /// The world.
        world: &'static str,
    },
    /// A world without outlook asks for series.
    #[error("a plugin of the world {world} is told no series of the time ahead")]
    Outlook {
        /// The world.
        world: &'static str,
    },
}

/// More than any real plugin has of inputs, outputs, parameters, models or result fields.
const MAX_ITEMS: usize = 256;

impl Description {
    /// Checks everything that can be checked without a configuration.
    pub fn check(&self, world: World) -> Result<(), DescriptionError> {
        check_name("plugin", &self.name)?;
        if !self.outputs.is_empty() && !world.acts() && world != World::QualityControl {
            return Err(DescriptionError::Outputs { world: world.name() });
        }
        if !self.outlook.is_empty() && !world.looks_ahead() {
            return Err(DescriptionError::Outlook { world: world.name() });
        }
        check_items("input", self.inputs.iter().map(|item| (&item.name, &item.unit)))?;
        check_items("output", self.outputs.iter().map(|item| (&item.name, &item.unit)))?;
        check_items("parameter", self.parameters.iter().map(|item| (&item.name, &item.unit)))?;
        check_items("result", self.results.iter().map(|item| (&item.name, &item.unit)))?;
        check_items("series", self.outlook.iter().map(|item| (&item.name, &item.unit)))?;
        let no_unit = String::new();
        check_items("model", self.models.iter().map(|item| (&item.name, &no_unit)))?;
        for input in &self.inputs {
            check_bounds("input", &input.name, input.minimum, input.maximum)?;
        }
        for parameter in &self.parameters {
            check_bounds("parameter", &parameter.name, parameter.minimum, parameter.maximum)?;
            parameter
                .accept(parameter.default.clone())
                .map_err(|source| DescriptionError::Default { name: parameter.name.clone(), source })?;
        }
        let rising = self.quantiles.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || !self.quantiles.iter().all(|q| 0.0 < *q && *q < 1.0) {
            return Err(DescriptionError::Quantiles);
        }
        Ok(())
    }

    /// The parameter of that name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

fn check_name(what: &'static str, name: &str) -> Result<(), DescriptionError> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if plain && (1..=64).contains(&name.len()) {
        Ok(())
    } else {
        Err(DescriptionError::Name { what, name: name.chars().take(64).collect() })
    }
}

fn check_items<'a>(
    what: &'static str,
    items: impl ExactSizeIterator<Item = (&'a String, &'a String)>,
) -> Result<(), DescriptionError> {
    if items.len() > MAX_ITEMS {
        return Err(DescriptionError::TooMany { what, count: items.len(), limit: MAX_ITEMS });
    }
    let mut seen = HashSet::new();
    for (name, unit) in items {
        check_name(what, name)?;
        if !seen.insert(name) {
            return Err(DescriptionError::Duplicate { what, name: name.clone() });
        }
        Unit::parse(unit).map_err(|source| DescriptionError::Unit { what, name: name.clone(), source })?;
    }
    Ok(())
}

fn check_bounds(
    what: &'static str,
    name: &str,
    minimum: Option<f64>,
    maximum: Option<f64>,
) -> Result<(), DescriptionError> {
    let lo = minimum.unwrap_or(f64::NEG_INFINITY);
    let hi = maximum.unwrap_or(f64::INFINITY);
    if lo < hi { Ok(()) } else { Err(DescriptionError::Bounds { what, name: name.to_owned() }) }
}

#[cfg(test)]
mod tests;
