//! What an instance was configured with.

use dinrail_core::description::{Bindings, Column, InputBinding, OutputBinding, ParameterValue, SeriesBinding};
use serde::{Deserialize, Serialize};

/// Bindings and parameters of a plugin; the asset's key is its instance's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BindingWire {
    inputs: Vec<(String, Vec<ColumnWire>)>,
    outputs: Vec<OutputWire>,
    outlook: Vec<(String, String)>,
    columns: u32,
    window: u32,
    parameters: Vec<(String, ValueWire)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ColumnWire {
    index: u32,
    tag: String,
    unit: String,
    minimum: Option<f64>,
    maximum: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OutputWire {
    output: String,
    index: u32,
    tag: String,
    unit: String,
    minimum: f64,
    maximum: f64,
    slew_per_s: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum ValueWire {
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
}

/// A table of numbers that a plugin loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableWire {
    /// By this name.
    pub name: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Number of rows.
    pub rows: u32,
    /// rows × columns, row-major.
    pub values: Vec<f64>,
}

impl BindingWire {
    /// Takes over what a plugin is configured with.
    #[must_use]
    pub fn of(bindings: &Bindings, parameters: &[(String, ParameterValue)]) -> BindingWire {
        let column = |column: &Column| ColumnWire {
            index: column.index,
            tag: column.tag.clone(),
            unit: column.unit.clone(),
            minimum: column.minimum,
            maximum: column.maximum,
        };
        let output = |output: &OutputBinding| OutputWire {
            output: output.output.clone(),
            index: output.index,
            tag: output.tag.clone(),
            unit: output.unit.clone(),
            minimum: output.minimum,
            maximum: output.maximum,
            slew_per_s: output.slew_per_s,
        };
        let value = |value: &ParameterValue| match value {
            ParameterValue::Boolean(value) => ValueWire::Boolean(*value),
            ParameterValue::Integer(value) => ValueWire::Integer(*value),
            ParameterValue::Number(value) => ValueWire::Number(*value),
            ParameterValue::Text(value) => ValueWire::Text(value.clone()),
        };
        let inputs = bindings.inputs.iter();
        BindingWire {
            inputs: inputs.map(|input| (input.input.clone(), input.columns.iter().map(column).collect())).collect(),
            outputs: bindings.outputs.iter().map(output).collect(),
            outlook: bindings.outlook.iter().map(|series| (series.series.clone(), series.unit.clone())).collect(),
            columns: bindings.columns,
            window: bindings.window,
            parameters: parameters.iter().map(|(name, given)| (name.clone(), value(given))).collect(),
        }
    }

    /// What an instance for this asset is configured with.
    #[must_use]
    pub fn bindings(&self, asset: Option<&str>) -> Bindings {
        let column = |column: &ColumnWire| Column {
            index: column.index,
            tag: column.tag.clone(),
            unit: column.unit.clone(),
            minimum: column.minimum,
            maximum: column.maximum,
        };
        let input = |(input, columns): &(String, Vec<ColumnWire>)| InputBinding {
            input: input.clone(),
            columns: columns.iter().map(column).collect(),
        };
        let output = |output: &OutputWire| OutputBinding {
            output: output.output.clone(),
            index: output.index,
            tag: output.tag.clone(),
            unit: output.unit.clone(),
            minimum: output.minimum,
            maximum: output.maximum,
            slew_per_s: output.slew_per_s,
        };
        let series = |(series, unit): &(String, String)| SeriesBinding { series: series.clone(), unit: unit.clone() };
        Bindings {
            asset: asset.map(str::to_owned),
            inputs: self.inputs.iter().map(input).collect(),
            outputs: self.outputs.iter().map(output).collect(),
            outlook: self.outlook.iter().map(series).collect(),
            columns: self.columns,
            window: self.window,
        }
    }

    /// The parameters, in their order.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, ParameterValue)> {
        let value = |value: &ValueWire| match value {
            ValueWire::Boolean(value) => ParameterValue::Boolean(*value),
            ValueWire::Integer(value) => ParameterValue::Integer(*value),
            ValueWire::Number(value) => ParameterValue::Number(*value),
            ValueWire::Text(value) => ParameterValue::Text(value.clone()),
        };
        self.parameters.iter().map(|(name, given)| (name.clone(), value(given))).collect()
    }

    /// Value columns of a frame.
    #[must_use]
    pub fn columns(&self) -> u32 {
        self.columns
    }
}
