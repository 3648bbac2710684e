//! What a plugin is told at configuration: parameters and bindings, looked up by the names of its description.

use crate::bindings::lifecycle::dinrail::plugin::types::{
    Bindings, Column, Description, Fault, InputBinding, OutputBinding, ParameterValue, Value,
};

/// The parameters' values, every one of the description present.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters(Vec<ParameterValue>);

impl Parameters {
    /// The description's defaults: for tests.
    #[must_use]
    pub fn with_defaults(description: &Description) -> Self {
        let default = |parameter: &crate::Parameter| ParameterValue {
            name: parameter.name.clone(),
            value: parameter.default.clone(),
        };
        Parameters(description.parameters.iter().map(default).collect())
    }

    /// With one value replaced or added: for tests.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.0.retain(|parameter| parameter.name != name);
        self.0.push(ParameterValue { name: name.into(), value });
        self
    }

    /// A parameter declared by [`crate::Parameter::number`].
    ///
    /// # Errors
    /// [`Fault::Configuration`] where there is none of that name and type.
    pub fn number(&self, name: &str) -> Result<f64, Fault> {
        match self.value(name)? {
            Value::Number(number) => Ok(*number),
            other => Err(wrong_type(name, "a number", other)),
        }
    }

    /// A parameter declared by [`crate::Parameter::integer`].
    ///
    /// # Errors
    /// [`Fault::Configuration`] where there is none of that name and type.
    pub fn integer(&self, name: &str) -> Result<i64, Fault> {
        match self.value(name)? {
            Value::Integer(integer) => Ok(*integer),
            other => Err(wrong_type(name, "an integer", other)),
        }
    }

    /// A parameter declared by [`crate::Parameter::integer`], as a count of things.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where there is none of that name and type, or it is negative.
    pub fn count(&self, name: &str) -> Result<usize, Fault> {
        let integer = self.integer(name)?;
        usize::try_from(integer).map_err(|error| Fault::Configuration(format!("`{name}` = {integer}: {error}")))
    }

    /// A parameter declared by [`crate::Parameter::boolean`].
    ///
    /// # Errors
    /// [`Fault::Configuration`] where there is none of that name and type.
    pub fn boolean(&self, name: &str) -> Result<bool, Fault> {
        match self.value(name)? {
            Value::Boolean(boolean) => Ok(*boolean),
            other => Err(wrong_type(name, "a boolean", other)),
        }
    }

    /// A parameter declared by [`crate::Parameter::text`] or [`crate::Parameter::choice`].
    ///
    /// # Errors
    /// [`Fault::Configuration`] where there is none of that name and type.
    pub fn text(&self, name: &str) -> Result<&str, Fault> {
        match self.value(name)? {
            Value::Text(text) => Ok(text),
            other => Err(wrong_type(name, "a text", other)),
        }
    }

    fn value(&self, name: &str) -> Result<&Value, Fault> {
        let found = self.0.iter().find(|parameter| parameter.name == name);
        let missing = || Fault::Configuration(format!("no parameter `{name}`; is it in the description?"));
        found.map(|parameter| &parameter.value).ok_or_else(missing)
    }
}

impl From<Vec<ParameterValue>> for Parameters {
    fn from(values: Vec<ParameterValue>) -> Self {
        Parameters(values)
    }
}

fn wrong_type(name: &str, expected: &str, given: &Value) -> Fault {
    Fault::Configuration(format!("parameter `{name}` is {given:?}, not {expected}"))
}

impl Bindings {
    /// The columns that an input is bound to; empty where it is unbound.
    #[must_use]
    pub fn columns_of(&self, input: &str) -> &[Column] {
        let found = self.inputs.iter().find(|binding| binding.input == input);
        found.map_or(&[], |binding| &binding.columns)
    }

    /// The column index of an input that is bound to one tag; `None` where it is unbound.
    #[must_use]
    pub fn column(&self, input: &str) -> Option<usize> {
        self.columns_of(input).first().map(|column| column.index as usize)
    }

    /// The column index of a required input that is bound to one tag.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where it is unbound.
    pub fn require(&self, input: &str) -> Result<usize, Fault> {
        self.column(input).ok_or_else(|| Fault::Configuration(format!("input `{input}` is not bound")))
    }

    /// What an output is bound to; nothing where it is unbound.
    pub fn outputs_of(&self, output: &str) -> impl Iterator<Item = &OutputBinding> {
        self.outputs.iter().filter(move |binding| binding.output == output)
    }

    /// What a required output is bound to.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where it is unbound.
    pub fn require_output(&self, output: &str) -> Result<&OutputBinding, Fault> {
        let mut bound = self.outputs_of(output);
        bound.next().ok_or_else(|| Fault::Configuration(format!("output `{output}` is not bound")))
    }

    /// Whether a series of the description is bound. What is told of it may be nothing at times.
    #[must_use]
    pub fn is_told(&self, series: &str) -> bool {
        self.outlook.iter().any(|binding| binding.series == series)
    }

    /// One group input of `columns` tags named `INPUT.0`, `INPUT.1`, …, without unit or window: for tests.
    #[must_use]
    pub fn group(input: &str, columns: u32) -> Self {
        let column = |index| Column {
            index,
            tag: format!("{input}.{index}"),
            unit: String::new(),
            minimum: None,
            maximum: None,
        };
        let inputs = vec![InputBinding { input: input.into(), columns: (0..columns).map(column).collect() }];
        Bindings { asset: None, inputs, outputs: Vec::new(), outlook: Vec::new(), columns, window: 1 }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::Parameter;

    #[test]
    fn a_parameter_has_the_type_of_its_default() {
        let description = Description::new("a", "1", "")
            .parameter(Parameter::number("gain", 0.5))
            .parameter(Parameter::integer("warmup", 400))
            .parameter(Parameter::boolean("quiet", true))
            .parameter(Parameter::choice("method", "slow", &["slow", "fast"]));
        let parameters = Parameters::with_defaults(&description).with("gain", Value::Number(0.25));
        assert_eq!(parameters.number("gain").unwrap(), 0.25);
        assert_eq!(parameters.count("warmup").unwrap(), 400);
        assert!(parameters.boolean("quiet").unwrap());
        assert_eq!(parameters.text("method").unwrap(), "slow");
        for refused in [
            parameters.number("warmup").map(drop),
            parameters.text("gone").map(drop),
            parameters.clone().with("warmup", Value::Integer(-1)).count("warmup").map(drop),
        ] {
            assert!(matches!(refused, Err(Fault::Configuration(_))));
        }
    }

    #[test]
    fn bindings_are_found_by_name() {
        let bindings = Bindings::group("signals", 3);
        assert_eq!(bindings.columns_of("signals").len(), 3);
        assert_eq!(bindings.column("signals"), Some(0));
        assert!(bindings.columns_of("phase").is_empty());
        assert!(matches!(bindings.require("phase"), Err(Fault::Configuration(_))));
        assert!(matches!(bindings.require_output("sp"), Err(Fault::Configuration(_))));
    }
}
