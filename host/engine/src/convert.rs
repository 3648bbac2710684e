//! Between the types of the wire and those of the core. Nothing is judged here: the core checks.

use crate::wire::dinrail::plugin::types as wire;
use crate::wire::exports::dinrail::plugin as answers;
use dinrail_core::description as core;
use dinrail_core::frame::{Block, Frame};
use dinrail_core::guard::Mode;
use dinrail_core::outcome::{
    Anomaly, ChartSignal, Contribution, Decision, Expectation, Fault, Forecast, Health, ItemVerdict, Life, OutputState,
    Plan, PlanStep, Proposal, Results, Severity, tidy,
};
use dinrail_core::outlook::Outlook;
use dinrail_core::tag::Quality;

// ---- to the guest ----

/// A frame as the guest gets it: borrowed, so that its columns are copied once, into the guest.
pub(crate) fn frame<'a>(frame: &'a Frame, blocks: &'a [wire::Block<'a>]) -> wire::Frame<'a> {
    wire::Frame {
        scan: frame.scan,
        time_ns: frame.time_ns,
        times_ns: &frame.times_ns,
        first_new: index(frame.first_new),
        values: &frame.values,
        quality: &frame.quality,
        blocks,
    }
}

pub(crate) fn blocks(blocks: &[Block]) -> Vec<wire::Block<'_>> {
    let blocks = blocks.iter().map(|block| wire::Block {
        column: block.column,
        time_ns: block.waveform.time_ns,
        rate_hz: block.waveform.rate_hz,
        samples: &block.waveform.samples,
    });
    blocks.collect()
}

pub(crate) fn output_state(state: &OutputState) -> wire::OutputState {
    wire::OutputState {
        applied: state.applied,
        readback: state.readback,
        mode: match state.mode {
            Mode::Manual => wire::Mode::Manual,
            Mode::Shadow => wire::Mode::Shadow,
            Mode::Advise => wire::Mode::Advise,
            Mode::Auto => wire::Mode::Auto,
        },
        limited_low: state.limited_low,
        limited_high: state.limited_high,
        blocked: state.blocked,
        initialise: state.initialise,
    }
}

pub(crate) fn outlook(outlook: &Outlook) -> Vec<wire::Series<'_>> {
    let series = outlook.series.iter().map(|series| wire::Series {
        name: &series.name,
        unit: &series.unit,
        start_ns: series.start_ns,
        step_ns: series.step_ns,
        values: &series.values,
        known_at_ns: series.known_at_ns,
    });
    series.collect()
}

pub(crate) fn columns(binding: &core::InputBinding) -> Vec<wire::Column<'_>> {
    let columns = binding.columns.iter().map(|column| wire::Column {
        index: column.index,
        tag: &column.tag,
        unit: &column.unit,
        minimum: column.minimum,
        maximum: column.maximum,
    });
    columns.collect()
}

pub(crate) fn output_binding(binding: &core::OutputBinding) -> wire::OutputBinding<'_> {
    wire::OutputBinding {
        output: &binding.output,
        index: binding.index,
        tag: &binding.tag,
        unit: &binding.unit,
        minimum: binding.minimum,
        maximum: binding.maximum,
        slew_per_s: binding.slew_per_s,
    }
}

pub(crate) fn series_binding(binding: &core::SeriesBinding) -> wire::SeriesBinding<'_> {
    wire::SeriesBinding { series: &binding.series, unit: &binding.unit }
}

pub(crate) fn parameter((name, value): &(String, core::ParameterValue)) -> wire::ParameterValue<'_> {
    let value = match value {
        core::ParameterValue::Boolean(on) => wire::ValueParam::Boolean(*on),
        core::ParameterValue::Integer(whole) => wire::ValueParam::Integer(*whole),
        core::ParameterValue::Number(number) => wire::ValueParam::Number(*number),
        core::ParameterValue::Text(text) => wire::ValueParam::Text(text),
    };
    wire::ParameterValue { name, value }
}

/// Frames and bindings are far smaller than 2³² of anything.
fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

// ---- from the guest ----

pub(crate) fn fault(fault: wire::Fault) -> Fault {
    let tidied = |mut text: String| {
        tidy(&mut text);
        text
    };
    match fault {
        wire::Fault::Configuration(text) => Fault::Configuration(tidied(text)),
        wire::Fault::Input(text) => Fault::Input(tidied(text)),
        wire::Fault::Model(text) => Fault::Model(tidied(text)),
        wire::Fault::Transient(text) => Fault::Transient(tidied(text)),
        wire::Fault::Internal(text) => Fault::Internal(tidied(text)),
    }
}

pub(crate) fn description(given: wire::Description) -> core::Description {
    core::Description {
        name: given.name,
        version: given.version,
        summary: given.summary,
        inputs: given.inputs.into_iter().map(input).collect(),
        outputs: given.outputs.into_iter().map(output).collect(),
        parameters: given.parameters.into_iter().map(described_parameter).collect(),
        models: given.models.into_iter().map(model_slot).collect(),
        outlook: given.outlook.into_iter().map(series_slot).collect(),
        results: given.results.into_iter().map(result_field).collect(),
        period_ns: given.period_ns,
        budget_ns: given.budget_ns,
        horizon_ns: given.horizon_ns,
        quantiles: given.quantiles,
        state_version: given.state_version,
    }
}

fn input(input: wire::Input) -> core::Input {
    core::Input {
        name: input.name,
        summary: input.summary,
        kind: match input.kind {
            wire::InputKind::Value => core::InputKind::Value,
            wire::InputKind::Waveform => core::InputKind::Waveform,
        },
        unit: input.unit,
        minimum: input.minimum,
        maximum: input.maximum,
        group: input.group,
        required: input.required,
    }
}

fn output(output: wire::Output) -> core::Output {
    core::Output {
        name: output.name,
        summary: output.summary,
        unit: output.unit,
        group: output.group,
        required: output.required,
    }
}

fn described_parameter(parameter: wire::Parameter) -> core::Parameter {
    core::Parameter {
        name: parameter.name,
        summary: parameter.summary,
        unit: parameter.unit,
        default: match parameter.default {
            wire::ValueResult::Boolean(on) => core::ParameterValue::Boolean(on),
            wire::ValueResult::Integer(whole) => core::ParameterValue::Integer(whole),
            wire::ValueResult::Number(number) => core::ParameterValue::Number(number),
            wire::ValueResult::Text(text) => core::ParameterValue::Text(text),
        },
        minimum: parameter.minimum,
        maximum: parameter.maximum,
        choices: parameter.choices,
    }
}

fn model_slot(slot: wire::ModelSlot) -> core::ModelSlot {
    let specs = |specs: Vec<wire::TensorSpec>| {
        specs.into_iter().map(|spec| core::TensorSpec { name: spec.name, shape: spec.shape }).collect()
    };
    core::ModelSlot {
        name: slot.name,
        summary: slot.summary,
        required: slot.required,
        inputs: specs(slot.inputs),
        outputs: specs(slot.outputs),
    }
}

fn series_slot(slot: wire::SeriesSlot) -> core::SeriesSlot {
    core::SeriesSlot { name: slot.name, summary: slot.summary, unit: slot.unit, required: slot.required }
}

fn result_field(field: wire::ResultField) -> core::ResultField {
    core::ResultField { name: field.name, summary: field.summary, unit: field.unit }
}

pub(crate) fn anomalies(items: Vec<answers::anomaly::Anomaly>) -> Results {
    use answers::anomaly::Severity as Wire;
    let anomaly = |item: answers::anomaly::Anomaly| Anomaly {
        row: item.row,
        quality: Quality::from_code(item.quality),
        score: item.score,
        alarm: item.alarm,
        severity: match item.severity {
            Wire::Info => Severity::Info,
            Wire::Warning => Severity::Warning,
            Wire::Alarm => Severity::Alarm,
            Wire::Critical => Severity::Critical,
        },
        contributions: item
            .contributions
            .into_iter()
            .map(|part| Contribution { column: part.column, share: part.share })
            .collect(),
    };
    Results::Anomalies(items.into_iter().map(anomaly).collect())
}

pub(crate) fn health(items: Vec<answers::health::Health>) -> Results {
    let health = |item: answers::health::Health| Health {
        row: item.row,
        quality: Quality::from_code(item.quality),
        index: item.index,
        mode: item.mode,
        life: item.life.map(|life| Life { rul: life.rul, rul_lo: life.rul_lo, rul_hi: life.rul_hi }),
    };
    Results::Health(items.into_iter().map(health).collect())
}

pub(crate) fn inspection(inspection: answers::quality::Inspection) -> Results {
    use answers::quality::Decision as Wire;
    let verdict = |verdict: answers::quality::Verdict| ItemVerdict {
        row: verdict.row,
        quality: Quality::from_code(verdict.quality),
        item: verdict.item,
        decision: match verdict.decision {
            Wire::Pass => Decision::Pass,
            Wire::Rework => Decision::Rework,
            Wire::Reject => Decision::Reject,
        },
        defect: verdict.defect,
        confidence: verdict.confidence,
    };
    let signal = |signal: answers::quality::ChartSignal| ChartSignal {
        row: signal.row,
        column: signal.column,
        statistic: signal.statistic,
        lower: signal.lower,
        upper: signal.upper,
        rule: signal.rule,
    };
    Results::Inspection {
        verdicts: inspection.verdicts.into_iter().map(verdict).collect(),
        signals: inspection.signals.into_iter().map(signal).collect(),
    }
}

fn proposal(proposal: wire::Proposal) -> Proposal {
    Proposal {
        output: proposal.output,
        setpoint: proposal.setpoint,
        confidence: proposal.confidence,
        valid_for_ns: proposal.valid_for_ns,
        reason: proposal.reason,
    }
}

pub(crate) fn proposals(items: Vec<wire::Proposal>) -> Results {
    Results::Proposals(items.into_iter().map(proposal).collect())
}

pub(crate) fn plan(plan: answers::energy::EnergyPlan) -> Results {
    let step =
        |step: answers::energy::Step| PlanStep { output: step.output, time_ns: step.time_ns, setpoint: step.setpoint };
    let expected = |series: answers::energy::Expectation| Expectation {
        name: series.name,
        unit: series.unit,
        start_ns: series.start_ns,
        step_ns: series.step_ns,
        values: series.values,
    };
    Results::Plan(Plan {
        quality: Quality::from_code(plan.quality),
        proposals: plan.proposals.into_iter().map(proposal).collect(),
        schedule: plan.schedule.into_iter().map(step).collect(),
        expected: plan.expected.into_iter().map(expected).collect(),
        expected_cost: plan.expected_cost,
        horizon_ns: plan.horizon_ns,
    })
}

pub(crate) fn supply(forecasts: Vec<answers::supply::DemandForecast>, orders: Vec<answers::supply::Order>) -> Results {
    let forecast = |item: answers::supply::DemandForecast| Forecast {
        row: item.row,
        quality: Quality::from_code(item.quality),
        column: item.column,
        step: item.step,
        quantiles: item.quantiles,
    };
    let order = |order: answers::supply::Order| Proposal {
        output: order.output,
        setpoint: order.quantity,
        confidence: order.confidence,
        valid_for_ns: order.valid_for_ns,
        reason: order.reason,
    };
    Results::Supply {
        forecasts: forecasts.into_iter().map(forecast).collect(),
        orders: orders.into_iter().map(order).collect(),
    }
}
