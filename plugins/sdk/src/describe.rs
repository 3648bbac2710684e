//! What a plugin says of itself, built step by step. Units are UCUM codes.

use std::time::Duration;

use crate::bindings::lifecycle::dinrail::plugin::types::{
    Description, Input, InputKind, ModelSlot, Output, Parameter, ResultField, SeriesSlot, TensorSpec, Value,
};

impl Description {
    /// A description without inputs, called every scan.
    #[must_use]
    pub fn new(name: &str, version: &str, summary: &str) -> Self {
        Description {
            name: name.into(),
            version: version.into(),
            summary: summary.into(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            parameters: Vec::new(),
            models: Vec::new(),
            outlook: Vec::new(),
            results: Vec::new(),
            period_ns: 0,
            budget_ns: 0,
            horizon_ns: 0,
            quantiles: Vec::new(),
            state_version: 1,
        }
    }

    /// Adds an input; value columns stand in the order of these calls, groups expanded.
    #[must_use]
    pub fn input(mut self, input: Input) -> Self {
        self.inputs.push(input);
        self
    }

    /// Adds an output.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.outputs.push(output);
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Adds a model that the configuration grants by this slot's name.
    #[must_use]
    pub fn model(mut self, model: ModelSlot) -> Self {
        self.models.push(model);
        self
    }

    /// Adds a series that it wants to know ahead; its calls are told it under this name.
    #[must_use]
    pub fn series(mut self, slot: SeriesSlot) -> Self {
        self.outlook.push(slot);
        self
    }

    /// Adds a number among the results that can be bound as a derived tag.
    #[must_use]
    pub fn result(mut self, name: &str, summary: &str, unit: &str) -> Self {
        self.results.push(ResultField { name: name.into(), summary: summary.into(), unit: unit.into() });
        self
    }

    /// How often it wants to be called, in run time.
    #[must_use]
    pub fn period(mut self, period: Duration) -> Self {
        self.period_ns = nanos(period);
        self
    }

    /// How long a call may take, in wall time.
    #[must_use]
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget_ns = nanos(budget);
        self
    }

    /// How far ahead its plans or forecasts reach.
    #[must_use]
    pub fn horizon(mut self, horizon: Duration) -> Self {
        self.horizon_ns = nanos(horizon);
        self
    }

    /// The quantiles of its forecasts, rising, each in (0, 1).
    #[must_use]
    pub fn quantiles(mut self, quantiles: &[f64]) -> Self {
        self.quantiles = quantiles.to_vec();
        self
    }

    /// The version of the bytes that `save` gives; 1 unless said.
    #[must_use]
    pub fn state_version(mut self, version: u32) -> Self {
        self.state_version = version;
        self
    }
}

impl Input {
    /// A required input bound to exactly one tag.
    #[must_use]
    pub fn one(name: &str) -> Self {
        Input {
            name: name.into(),
            summary: String::new(),
            kind: InputKind::Value,
            unit: String::new(),
            minimum: None,
            maximum: None,
            group: false,
            required: true,
        }
    }

    /// A required input bound to any number of tags.
    #[must_use]
    pub fn group(name: &str) -> Self {
        Input { group: true, ..Input::one(name) }
    }

    /// As blocks of equally spaced samples instead of one number a row.
    #[must_use]
    pub fn waveform(self) -> Self {
        Input { kind: InputKind::Waveform, ..self }
    }

    /// May stay unbound.
    #[must_use]
    pub fn optional(self) -> Self {
        Input { required: false, ..self }
    }

    /// What it is, in a sentence.
    #[must_use]
    pub fn about(self, summary: &str) -> Self {
        Input { summary: summary.into(), ..self }
    }

    /// The unit that the plugin wants; the host converts. Unsaid: any, as it comes.
    #[must_use]
    pub fn unit(self, ucum: &str) -> Self {
        Input { unit: ucum.into(), ..self }
    }

    /// Accepted range in that unit; a value outside it is bad.
    #[must_use]
    pub fn range(self, minimum: f64, maximum: f64) -> Self {
        Input { minimum: Some(minimum), maximum: Some(maximum), ..self }
    }
}

impl Output {
    /// A required output bound to exactly one of the configuration's.
    #[must_use]
    pub fn one(name: &str) -> Self {
        Output { name: name.into(), summary: String::new(), unit: String::new(), group: false, required: true }
    }

    /// A required output bound to any number of the configuration's.
    #[must_use]
    pub fn group(name: &str) -> Self {
        Output { group: true, ..Output::one(name) }
    }

    /// May stay unbound.
    #[must_use]
    pub fn optional(self) -> Self {
        Output { required: false, ..self }
    }

    /// What it is, in a sentence.
    #[must_use]
    pub fn about(self, summary: &str) -> Self {
        Output { summary: summary.into(), ..self }
    }

    /// The unit that the plugin proposes in; the host converts. Unsaid: any, as it comes.
    #[must_use]
    pub fn unit(self, ucum: &str) -> Self {
        Output { unit: ucum.into(), ..self }
    }
}

impl Parameter {
    fn new(name: &str, default: Value) -> Self {
        Parameter {
            name: name.into(),
            summary: String::new(),
            unit: String::new(),
            default,
            minimum: None,
            maximum: None,
            choices: Vec::new(),
        }
    }

    /// A number.
    #[must_use]
    pub fn number(name: &str, default: f64) -> Self {
        Parameter::new(name, Value::Number(default))
    }

    /// A whole number.
    #[must_use]
    pub fn integer(name: &str, default: i64) -> Self {
        Parameter::new(name, Value::Integer(default))
    }

    /// A yes or no.
    #[must_use]
    pub fn boolean(name: &str, default: bool) -> Self {
        Parameter::new(name, Value::Boolean(default))
    }

    /// A text.
    #[must_use]
    pub fn text(name: &str, default: &str) -> Self {
        Parameter::new(name, Value::Text(default.into()))
    }

    /// A text that is one of `choices`.
    #[must_use]
    pub fn choice(name: &str, default: &str, choices: &[&str]) -> Self {
        let choices = choices.iter().map(|&choice| choice.into()).collect();
        Parameter { choices, ..Parameter::text(name, default) }
    }

    /// What it does, in a sentence.
    #[must_use]
    pub fn about(self, summary: &str) -> Self {
        Parameter { summary: summary.into(), ..self }
    }

    /// The unit of its number.
    #[must_use]
    pub fn unit(self, ucum: &str) -> Self {
        Parameter { unit: ucum.into(), ..self }
    }

    /// The bounds of its number; the host refuses what lies outside.
    #[must_use]
    pub fn range(self, minimum: f64, maximum: f64) -> Self {
        Parameter { minimum: Some(minimum), maximum: Some(maximum), ..self }
    }
}

impl SeriesSlot {
    /// A required series in any unit.
    #[must_use]
    pub fn new(name: &str) -> Self {
        SeriesSlot { name: name.into(), summary: String::new(), unit: String::new(), required: true }
    }

    /// The plugin works without it.
    #[must_use]
    pub fn optional(self) -> Self {
        SeriesSlot { required: false, ..self }
    }

    /// What it is, in a sentence.
    #[must_use]
    pub fn about(self, summary: &str) -> Self {
        SeriesSlot { summary: summary.into(), ..self }
    }

    /// The unit that its numbers are converted to.
    #[must_use]
    pub fn unit(self, ucum: &str) -> Self {
        SeriesSlot { unit: ucum.into(), ..self }
    }
}

impl ModelSlot {
    /// A required model. The name is what [`crate::inference::Model::open`] opens.
    #[must_use]
    pub fn new(name: &str) -> Self {
        ModelSlot { name: name.into(), summary: String::new(), required: true, inputs: Vec::new(), outputs: Vec::new() }
    }

    /// The plugin works without it.
    #[must_use]
    pub fn optional(self) -> Self {
        ModelSlot { required: false, ..self }
    }

    /// What it does, in a sentence.
    #[must_use]
    pub fn about(self, summary: &str) -> Self {
        ModelSlot { summary: summary.into(), ..self }
    }

    /// Adds an input; a size of `None` is any.
    #[must_use]
    pub fn input(mut self, name: &str, shape: &[Option<u32>]) -> Self {
        self.inputs.push(TensorSpec { name: name.into(), shape: shape.to_vec() });
        self
    }

    /// Adds an output; a size of `None` is any.
    #[must_use]
    pub fn output(mut self, name: &str, shape: &[Option<u32>]) -> Self {
        self.outputs.push(TensorSpec { name: name.into(), shape: shape.to_vec() });
        self
    }
}

/// Nanoseconds, at most `u64::MAX` (584 years).
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
