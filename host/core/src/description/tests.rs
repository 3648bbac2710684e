#![allow(clippy::unwrap_used, reason = "a test may panic")]
use super::*;

fn parameter(default: ParameterValue) -> Parameter {
    Parameter {
        name: "p".into(),
        summary: String::new(),
        unit: String::new(),
        default,
        minimum: Some(1.0),
        maximum: Some(10.0),
        choices: vec![],
    }
}

fn description() -> Description {
    Description {
        name: "x".into(),
        version: "0.1.0".into(),
        summary: String::new(),
        inputs: vec![],
        outputs: vec![],
        parameters: vec![parameter(ParameterValue::Integer(5))],
        models: vec![],
        outlook: vec![],
        results: vec![],
        period_ns: 0,
        budget_ns: 0,
        horizon_ns: 0,
        quantiles: vec![],
        state_version: 1,
    }
}

#[test]
fn parameters_keep_type_and_bounds() {
    let number = parameter(ParameterValue::Number(5.0));
    assert_eq!(number.accept(ParameterValue::Integer(10)), Ok(ParameterValue::Number(10.0)));
    assert!(number.accept(ParameterValue::Number(10.1)).is_err());
    assert!(number.accept(ParameterValue::Number(f64::NAN)).is_err());
    assert!(number.accept(ParameterValue::Text("5".into())).is_err());
    let whole = parameter(ParameterValue::Integer(5));
    assert!(whole.accept(ParameterValue::Number(5.0)).is_err());
    assert!(whole.accept(ParameterValue::Integer(0)).is_err());
    let mut text = parameter(ParameterValue::Text("a".into()));
    text.choices = vec!["a".into(), "b".into()];
    assert!(text.accept(ParameterValue::Text("b".into())).is_ok());
    assert!(text.accept(ParameterValue::Text("c".into())).is_err());
}

#[test]
fn a_description_is_checked() {
    assert!(description().check(World::AnomalyDetection).is_ok());
    let mut twice = description();
    twice.parameters.push(parameter(ParameterValue::Integer(5)));
    assert!(matches!(twice.check(World::AnomalyDetection), Err(DescriptionError::Duplicate { .. })));
    let mut default = description();
    default.parameters[0].default = ParameterValue::Integer(11);
    assert!(matches!(default.check(World::AnomalyDetection), Err(DescriptionError::Default { .. })));
    let mut unit = description();
    unit.parameters[0].unit = "furlongish".into();
    assert!(matches!(unit.check(World::AnomalyDetection), Err(DescriptionError::Unit { .. })));
    let mut bounds = description();
    bounds.parameters[0].minimum = Some(f64::NAN);
    assert!(matches!(bounds.check(World::AnomalyDetection), Err(DescriptionError::Bounds { .. })));
    let mut acting = description();
    acting.outputs.push(Output {
        name: "o".into(),
        summary: String::new(),
        unit: String::new(),
        group: false,
        required: true,
    });
    assert!(acting.check(World::ProcessOptimization).is_ok());
    assert!(matches!(acting.check(World::AnomalyDetection), Err(DescriptionError::Outputs { .. })));
}
