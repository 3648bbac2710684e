//! A plugin's description as it stands in a manifest.

use dinrail_core::description::{self as core, Description, ParameterValue};
use serde::{Deserialize, Serialize};

/// See [`Description`]; each field is what it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is the description's of that name")]
pub struct Described {
    pub summary: String,
    pub inputs: Vec<Input>,
    pub outputs: Vec<Output>,
    pub parameters: Vec<Parameter>,
    pub models: Vec<Model>,
    pub outlook: Vec<Series>,
    pub results: Vec<Field>,
    pub period_ns: u64,
    pub budget_ns: u64,
    pub horizon_ns: u64,
    pub quantiles: Vec<f64>,
    pub state_version: u32,
}

/// See [`core::Input`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is the description's of that name")]
pub struct Input {
    pub name: String,
    pub summary: String,
    pub waveform: bool,
    pub unit: String,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub group: bool,
    pub required: bool,
}

/// See [`core::Output`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is the description's of that name")]
pub struct Output {
    pub name: String,
    pub summary: String,
    pub unit: String,
    pub group: bool,
    pub required: bool,
}

/// See [`core::Parameter`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is the description's of that name")]
pub struct Parameter {
    pub name: String,
    pub summary: String,
    pub unit: String,
    pub default: Default,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub choices: Vec<String>,
}

/// See [`ParameterValue`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each variant is the value's of that name")]
pub enum Default {
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
}

/// See [`core::ModelSlot`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is the description's of that name")]
pub struct Model {
    pub name: String,
    pub summary: String,
    pub required: bool,
    pub inputs: Vec<Tensor>,
    pub outputs: Vec<Tensor>,
}

/// See [`core::TensorSpec`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is the description's of that name")]
pub struct Tensor {
    pub name: String,
    pub shape: Vec<Option<u32>>,
}

/// See [`core::SeriesSlot`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is the description's of that name")]
pub struct Series {
    pub name: String,
    pub summary: String,
    pub unit: String,
    pub required: bool,
}

/// See [`core::ResultField`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is the description's of that name")]
pub struct Field {
    pub name: String,
    pub summary: String,
    pub unit: String,
}

impl From<&Description> for Described {
    fn from(given: &Description) -> Described {
        Described {
            summary: given.summary.clone(),
            inputs: given.inputs.iter().map(Input::from).collect(),
            outputs: given.outputs.iter().map(Output::from).collect(),
            parameters: given.parameters.iter().map(Parameter::from).collect(),
            models: given.models.iter().map(Model::from).collect(),
            outlook: given.outlook.iter().map(Series::from).collect(),
            results: given.results.iter().map(Field::from).collect(),
            period_ns: given.period_ns,
            budget_ns: given.budget_ns,
            horizon_ns: given.horizon_ns,
            quantiles: given.quantiles.clone(),
            state_version: given.state_version,
        }
    }
}

impl From<&core::Input> for Input {
    fn from(given: &core::Input) -> Input {
        Input {
            name: given.name.clone(),
            summary: given.summary.clone(),
            waveform: given.kind == core::InputKind::Waveform,
            unit: given.unit.clone(),
            minimum: finite(given.minimum),
            maximum: finite(given.maximum),
            group: given.group,
            required: given.required,
        }
    }
}

impl From<&core::Output> for Output {
    fn from(given: &core::Output) -> Output {
        Output {
            name: given.name.clone(),
            summary: given.summary.clone(),
            unit: given.unit.clone(),
            group: given.group,
            required: given.required,
        }
    }
}

impl From<&core::Parameter> for Parameter {
    fn from(given: &core::Parameter) -> Parameter {
        Parameter {
            name: given.name.clone(),
            summary: given.summary.clone(),
            unit: given.unit.clone(),
            default: match &given.default {
                ParameterValue::Boolean(value) => Default::Boolean(*value),
                ParameterValue::Integer(value) => Default::Integer(*value),
                ParameterValue::Number(value) => Default::Number(*value),
                ParameterValue::Text(value) => Default::Text(value.clone()),
            },
            minimum: finite(given.minimum),
            maximum: finite(given.maximum),
            choices: given.choices.clone(),
        }
    }
}

impl From<&core::ModelSlot> for Model {
    fn from(given: &core::ModelSlot) -> Model {
        Model {
            name: given.name.clone(),
            summary: given.summary.clone(),
            required: given.required,
            inputs: given.inputs.iter().map(Tensor::from).collect(),
            outputs: given.outputs.iter().map(Tensor::from).collect(),
        }
    }
}

impl From<&core::TensorSpec> for Tensor {
    fn from(given: &core::TensorSpec) -> Tensor {
        Tensor { name: given.name.clone(), shape: given.shape.clone() }
    }
}

impl From<&core::SeriesSlot> for Series {
    fn from(given: &core::SeriesSlot) -> Series {
        Series {
            name: given.name.clone(),
            summary: given.summary.clone(),
            unit: given.unit.clone(),
            required: given.required,
        }
    }
}

impl From<&core::ResultField> for Field {
    fn from(given: &core::ResultField) -> Field {
        Field { name: given.name.clone(), summary: given.summary.clone(), unit: given.unit.clone() }
    }
}

/// JSON has no infinity; a bound that is none is none.
fn finite(bound: Option<f64>) -> Option<f64> {
    bound.filter(|value| value.is_finite())
}
