//! A plugin's part of the configuration against what the plugin says of itself.

use super::amounts::show;
use super::document::{as_key, did_you_mean};
use super::error::{ConfigError, ConfigErrors, Span};
use super::resolve::{LEASE_HELP, kind_name};
use super::types::{Config, Plugin, PluginTag};
use dinrail_core::description::{
    Bindings, Column, Description, Input, InputBinding, InputKind, ModelSlot, OutputBinding, Parameter, ParameterError,
    ParameterValue, SeriesBinding, World,
};
use dinrail_core::frame::{MAX_FRAME_VALUES, ValueColumn};
use dinrail_core::guard::{OutputId, OutputSpec};
use dinrail_core::tag::{TagId, TagKind};
use dinrail_core::time::DurationNs;
use dinrail_core::unit::{Conversion, MONEY, Unit};
use std::path::PathBuf;
use std::sync::Arc;

/// What `configure` is told and what the host keeps beside it.
#[derive(Clone, Debug)]
pub struct BoundPlugin {
    /// For `configure`; `asset` is filled in for each instance.
    pub bindings: Bindings,
    /// For the frame builder: one for each value column, in order.
    pub columns: Vec<ValueColumn>,
    /// For the frame builder: one for each waveform, in order.
    pub waveforms: Vec<TagId>,
    /// What `proposal.output` counts.
    pub outputs: Vec<BoundOutput>,
    /// In the order of the description, defaults filled in.
    pub parameters: Vec<(String, ParameterValue)>,
    /// The slots that are filled.
    pub models: Vec<BoundModel>,
    /// The series slots that are filled, in the order of the description.
    pub outlook: Vec<BoundSeries>,
    /// Run time between calls; 0: every scan.
    pub period_ns: DurationNs,
    /// Wall time of a call.
    pub deadline_ns: DurationNs,
}

/// An output of a plugin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundOutput {
    /// Which of the configuration's.
    pub output: OutputId,
    /// From the plugin's unit to the output's: apply it to setpoints, invert it for output states.
    pub conversion: Conversion,
}

/// A series slot that is filled.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundSeries {
    /// The plugin's name for it.
    pub name: String,
    /// UCUM; what the plugin is told it in.
    pub unit: String,
    /// Index in [`Config::contexts`].
    pub context: usize,
    /// From the context's unit to the plugin's.
    pub conversion: Conversion,
}

/// A model slot that is filled.
#[derive(Clone, Debug)]
pub struct BoundModel {
    /// What the plugin asks of it.
    pub slot: ModelSlot,
    /// Where it is.
    pub path: PathBuf,
    /// Of the path in the file, for what the inference says of the model.
    pub span: Span,
}

/// Binds a plugin to what it described itself as. `description` was checked before.
pub fn bind(
    config: &Config,
    plugin: &Plugin,
    description: &Description,
    world: World,
) -> Result<BoundPlugin, ConfigErrors> {
    let mut binder = Binder { config, plugin, description, world, errors: Vec::new() };
    let mut columns = Vec::new();
    let mut waveforms = Vec::new();
    let inputs = binder.inputs(&mut columns, &mut waveforms);
    let (output_bindings, outputs) = binder.outputs();
    let parameters = binder.parameters();
    let models = binder.models();
    let outlook = binder.outlook();
    let (period_ns, deadline_ns) = binder.timing();
    binder.check_leases(&outputs, period_ns, deadline_ns);
    binder.check_items();
    binder.check_frame(columns.len());
    if let Some(errors) = ConfigErrors::some(binder.errors) {
        return Err(errors);
    }
    let bindings = Bindings {
        asset: None,
        inputs,
        outputs: output_bindings,
        outlook: outlook.iter().map(series_binding).collect(),
        columns: u32::try_from(columns.len()).expect("a frame's values were counted"),
        window: plugin.window,
    };
    Ok(BoundPlugin { bindings, columns, waveforms, outputs, parameters, models, outlook, period_ns, deadline_ns })
}

struct Binder<'b> {
    config: &'b Config,
    plugin: &'b Plugin,
    description: &'b Description,
    world: World,
    errors: Vec<ConfigError>,
}

impl Binder<'_> {
    fn add(&mut self, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        let text = Arc::clone(&self.config.text);
        self.errors.push(ConfigError::new(text, span.clone(), message, "", help));
    }

    /// The bindings in the order of the description; the columns and waveforms they count.
    fn inputs(&mut self, columns: &mut Vec<ValueColumn>, waveforms: &mut Vec<TagId>) -> Vec<InputBinding> {
        let (plugin, description) = (self.plugin, self.description);
        for given in &plugin.inputs {
            let names = description.inputs.iter().map(|input| input.name.as_str());
            self.check_known("input", &given.name, &given.span, names);
        }
        let mut bindings = Vec::new();
        for input in &description.inputs {
            let given = plugin.inputs.iter().find(|given| given.name == input.name);
            let mut bound = Vec::new();
            if let Some(given) = given {
                let kind = match input.kind {
                    InputKind::Value => TagKind::Value,
                    InputKind::Waveform => TagKind::Waveform,
                };
                for tag in &given.tags {
                    let known = self.config.tags.get(tag.tag);
                    if known.kind == kind {
                        bound.extend(self.column(input, tag, columns, waveforms));
                    } else if !tag.by_pattern {
                        let message = format!(
                            "the input `{}` takes a {}, and `{}` is a {}",
                            input.name,
                            kind_name(kind),
                            known.name,
                            kind_name(known.kind)
                        );
                        self.add(&tag.span, message, format!("bind a {}, or leave it out", kind_name(kind)));
                    }
                }
                let count = bound.len();
                self.check_count("input", "tag", (&input.name, input.group, input.required), &given.span, count);
            } else if input.required {
                let unit = if input.unit.is_empty() { String::new() } else { format!(" in {}", input.unit) };
                let value = if input.group { "[\"…\"]" } else { "\"…\"" };
                let help = format!("add `{} = {value}`{unit} to its `inputs`: {}", input.name, input.summary);
                let message = format!("`{}` leaves its input `{}` unbound", plugin.name, input.name);
                self.add(&plugin.span, message, help);
            }
            bindings.push(InputBinding { input: input.name.clone(), columns: bound });
        }
        bindings
    }

    /// Adds a tag to the frame. None where it does not fit.
    fn column(
        &mut self,
        input: &Input,
        tag: &PluginTag,
        columns: &mut Vec<ValueColumn>,
        waveforms: &mut Vec<TagId>,
    ) -> Option<Column> {
        let known = self.config.tags.get(tag.tag);
        let wanted = self.unit_of(&input.unit, &known.unit);
        let conversion = match known.unit.conversion_to_asked(&wanted) {
            Ok(conversion) => conversion,
            Err(error) => {
                let message = format!("the tag `{}` does not fit the input `{}`: {error}", known.name, input.name);
                let help = format!(
                    "bind a tag that can be converted to {}, or correct `unit` of [tags.{}]",
                    shown(&input.unit),
                    as_key(&known.name)
                );
                self.add(&tag.span, message, help);
                return None;
            }
        };
        if input.kind == InputKind::Waveform && !conversion.is_identity() {
            let message =
                format!("the waveform `{}` is in {} and not in {}", known.name, known.unit.code(), input.unit);
            self.add(&tag.span, message, "waveforms are not converted; bind one that is in that unit");
            return None;
        }
        let range = known.range.map(|(lo, hi)| rising(conversion.apply(lo), conversion.apply(hi)));
        let index = match input.kind {
            InputKind::Waveform => {
                waveforms.push(tag.tag);
                waveforms.len() - 1
            }
            InputKind::Value => {
                let accepts = (input.minimum.is_some() || input.maximum.is_some())
                    .then(|| (input.minimum.unwrap_or(f64::NEG_INFINITY), input.maximum.unwrap_or(f64::INFINITY)));
                columns.push(ValueColumn { tag: tag.tag, conversion, range: accepts });
                columns.len() - 1
            }
        };
        Some(Column {
            index: u32::try_from(index).expect("fewer columns than 2^32"),
            tag: known.name.clone(),
            unit: wanted.code().to_owned(),
            minimum: range.map(|(lo, _)| lo),
            maximum: range.map(|(_, hi)| hi),
        })
    }

    /// The unit that a plugin asks for; any is that of the other side.
    fn unit_of(&self, code: &str, other: &Unit) -> Unit {
        if code.is_empty() {
            return other.clone();
        }
        Unit::parse(code).expect("the description's units were checked")
    }

    fn check_known<'n>(&mut self, what: &str, name: &str, span: &Span, names: impl Iterator<Item = &'n str>) {
        let names: Vec<&str> = names.collect();
        if !names.contains(&name) {
            let help = match names.is_empty() {
                true => format!("leave it out: the world {} or this plugin has no {what}s", self.world.name()),
                false => did_you_mean(name, names),
            };
            let message = format!("the plugin `{}` has no {what} `{name}`", self.description.name);
            self.add(span, message, help);
        }
    }

    /// A single takes exactly one; a required group at least one.
    fn check_count(
        &mut self,
        what: &str,
        item: &str,
        (name, group, required): (&str, bool, bool),
        span: &Span,
        count: usize,
    ) {
        if !group && count > 1 {
            let message = format!("the {what} `{name}` takes one {item}, {count} are bound");
            self.add(span, message, "name one; only groups take several");
        } else if count == 0 && required && self.errors.is_empty() {
            let message = format!("the {what} `{name}` is bound to no {item} of its kind");
            self.add(span, message, format!("name at least one {item}"));
        }
    }

    fn outputs(&mut self) -> (Vec<OutputBinding>, Vec<BoundOutput>) {
        let (plugin, description, config) = (self.plugin, self.description, self.config);
        for given in &plugin.outputs {
            let names = description.outputs.iter().map(|output| output.name.as_str());
            self.check_known("output", &given.name, &given.span, names);
        }
        let (mut bindings, mut bound) = (Vec::new(), Vec::new());
        for output in &description.outputs {
            let Some(given) = plugin.outputs.iter().find(|given| given.name == output.name) else {
                if output.required {
                    let message = format!("`{}` leaves its output `{}` unbound", plugin.name, output.name);
                    let help = format!("add `{} = \"…\"` to its `outputs`: {}", output.name, output.summary);
                    self.add(&plugin.span, message, help);
                }
                continue;
            };
            let shape = (output.name.as_str(), output.group, output.required);
            self.check_count("output", "output", shape, &given.span, given.outputs.len());
            for (id, span) in &given.outputs {
                let spec = &config.outputs[id.index()].spec;
                let wanted = self.unit_of(&output.unit, &spec.unit);
                match wanted.conversion_to(&spec.unit) {
                    Ok(conversion) => {
                        let index = u32::try_from(bound.len()).expect("fewer outputs than 2^32");
                        bindings.push(output_binding(output.name.clone(), index, spec, &wanted, conversion));
                        bound.push(BoundOutput { output: *id, conversion });
                    }
                    Err(error) => {
                        let message = format!("the output `{}` does not fit `{}`: {error}", spec.name, output.name);
                        let help = format!("bind an output that can be converted to {}", shown(&output.unit));
                        self.add(span, message, help);
                    }
                }
            }
        }
        (bindings, bound)
    }

    fn parameters(&mut self) -> Vec<(String, ParameterValue)> {
        let (plugin, description) = (self.plugin, self.description);
        for given in &plugin.parameters {
            let names = description.parameters.iter().map(|parameter| parameter.name.as_str());
            self.check_known("parameter", &given.name, &given.span, names);
        }
        let mut values = Vec::new();
        for parameter in &description.parameters {
            let given = plugin.parameters.iter().find(|given| given.name == parameter.name);
            let value = match given.map(|given| (parameter.accept(given.value.clone()), &given.value_span)) {
                None => parameter.default.clone(),
                Some((Ok(value), _)) => value,
                Some((Err(error), span)) => {
                    let message = format!("the parameter `{}` {}", parameter.name, refusal(parameter, &error));
                    let help = match parameter.summary.is_empty() {
                        true => "correct it, or leave it out for the default".to_owned(),
                        false => format!("correct it, or leave it out for the default: {}", parameter.summary),
                    };
                    self.add(span, message, help);
                    continue;
                }
            };
            values.push((parameter.name.clone(), value));
        }
        values
    }

    fn models(&mut self) -> Vec<BoundModel> {
        let (plugin, description) = (self.plugin, self.description);
        for given in &plugin.models {
            let names = description.models.iter().map(|slot| slot.name.as_str());
            self.check_known("model slot", &given.slot, &given.span, names);
        }
        let mut models = Vec::new();
        for slot in &description.models {
            match plugin.models.iter().find(|given| given.slot == slot.name) {
                Some(given) => models.push(BoundModel {
                    slot: slot.clone(),
                    path: given.path.clone(),
                    span: given.path_span.clone(),
                }),
                None if slot.required => {
                    let message = format!("`{}` has no model for its slot `{}`", plugin.name, slot.name);
                    let help =
                        format!("add `models = {{ {} = \"FOLDER or FILE.onnx\" }}`: {}", slot.name, slot.summary);
                    self.add(&plugin.span, message, help);
                }
                None => {}
            }
        }
        models
    }

    fn outlook(&mut self) -> Vec<BoundSeries> {
        let (plugin, description) = (self.plugin, self.description);
        for given in &plugin.outlook {
            let names = description.outlook.iter().map(|slot| slot.name.as_str());
            self.check_known("series", &given.slot, &given.span, names);
        }
        let mut bound = Vec::new();
        for slot in &description.outlook {
            let Some(given) = plugin.outlook.iter().find(|given| given.slot == slot.name) else {
                if slot.required {
                    let unit = if slot.unit.is_empty() { String::new() } else { format!(" in {}", slot.unit) };
                    let message = format!("`{}` is told nothing of `{}`", plugin.name, slot.name);
                    let help = format!(
                        "add `outlook = {{ {} = \"CONTEXT\" }}`{unit} and [context.CONTEXT]: {}",
                        slot.name, slot.summary
                    );
                    self.add(&plugin.span, message, help);
                }
                continue;
            };
            let context = &self.config.contexts[given.context];
            let wanted = self.unit_of(&slot.unit, &context.unit);
            match context.unit.conversion_to_asked(&wanted) {
                Ok(conversion) => bound.push(BoundSeries {
                    name: slot.name.clone(),
                    unit: wanted.code().to_owned(),
                    context: given.context,
                    conversion,
                }),
                Err(error) => {
                    let message = format!("the context `{}` does not fit `{}`: {error}", context.name, slot.name);
                    let help = format!("bind a context that can be converted to {}", shown(&slot.unit));
                    self.add(&given.context_span, message, help);
                }
            }
        }
        bound
    }

    /// Period in run time and deadline in wall time.
    fn timing(&mut self) -> (DurationNs, DurationNs) {
        let (plugin, scan) = (self.plugin, &self.config.scan);
        let period_ns = plugin.period_ns.unwrap_or(self.description.period_ns);
        let wanted = if self.description.budget_ns == 0 { scan.budget_ns } else { self.description.budget_ns };
        let deadline_ns = plugin.deadline_ns.unwrap_or(wanted);
        if !plugin.background && scan.budget_ns < deadline_ns && plugin.deadline_ns.is_none() {
            let (wants, has) = (show(deadline_ns), show(scan.budget_ns));
            let message = format!("`{}` wants {wants} a call, and the scan's budget is {has}", plugin.name);
            let help = "raise `budget` of [scan], give it a shorter `deadline`, or let it run beside the scan with `background = true`";
            self.add(&plugin.span, message, help);
        }
        if plugin.background && period_ns < scan.run_ns(deadline_ns).max(1) {
            let message = format!("`{}` runs in the background, and its period ends before its deadline", plugin.name);
            let help = "make `period` at least as long as `deadline`; it counts in run time";
            self.add(&plugin.period_span, message, help);
        }
        (period_ns, deadline_ns)
    }

    fn check_leases(&mut self, outputs: &[BoundOutput], period_ns: DurationNs, deadline_ns: DurationNs) {
        let scan = &self.config.scan;
        // It is called in scans, and so no more often than they come.
        let period_ns = period_ns.max(scan.run_period_ns());
        for bound in outputs {
            let output = &self.config.outputs[bound.output.index()];
            if let Err(error) = output.spec.check_lease(period_ns, scan.run_ns(deadline_ns)) {
                self.add(&output.lease_span, error.to_string(), LEASE_HELP);
            }
        }
    }

    fn check_items(&mut self) {
        if self.plugin.items.is_some() && self.world != World::QualityControl {
            let message =
                format!("`{}` is of the world {}, which judges no items", self.plugin.name, self.world.name());
            self.add(
                &self.plugin.items_span,
                message,
                "leave `items` out; plugins of the world quality-control have them",
            );
        }
    }

    fn check_frame(&mut self, columns: usize) {
        let values = columns.saturating_mul(self.plugin.window as usize);
        if values > MAX_FRAME_VALUES {
            let window = self.plugin.window;
            let message = format!(
                "`{}` would get {window} rows of {columns} values, more than the {MAX_FRAME_VALUES} of a frame",
                self.plugin.name
            );
            self.add(&self.plugin.span, message, "make `window` smaller or bind fewer tags");
        }
    }
}

fn series_binding(series: &BoundSeries) -> SeriesBinding {
    SeriesBinding { series: series.name.clone(), unit: series.unit.clone() }
}

fn output_binding(output: String, index: u32, spec: &OutputSpec, unit: &Unit, conversion: Conversion) -> OutputBinding {
    let (minimum, maximum) = rising(conversion.invert(spec.range.0), conversion.invert(spec.range.1));
    OutputBinding {
        output,
        index,
        tag: spec.name.clone(),
        unit: unit.code().to_owned(),
        minimum,
        maximum,
        slew_per_s: spec.slew_per_s.map(|per_s| per_s / conversion.scale.abs()),
    }
}

/// Why a parameter's value is refused; a bound that is not there is not told.
fn refusal(parameter: &Parameter, error: &ParameterError) -> String {
    match error {
        ParameterError::Type { expected, given } => format!("should be of type {expected}, is {given}"),
        ParameterError::Range { given, .. } => {
            let unit = if parameter.unit.is_empty() { String::new() } else { format!(" {}", parameter.unit) };
            let bounds = match (parameter.minimum, parameter.maximum) {
                (Some(lo), Some(hi)) => format!("between {lo} and {hi}{unit}"),
                (Some(lo), None) => format!("at least {lo}{unit}"),
                (None, Some(hi)) => format!("at most {hi}{unit}"),
                (None, None) => "a finite number".to_owned(),
            };
            format!("should be {bounds}, is {given}")
        }
        ParameterError::Choice { choices, given } => {
            let choices: Vec<String> = choices.iter().map(|choice| format!("\"{choice}\"")).collect();
            format!("should be one of {}, is \"{given}\"", choices.join(", "))
        }
    }
}

fn rising(a: f64, b: f64) -> (f64, f64) {
    if a <= b { (a, b) } else { (b, a) }
}

fn shown(unit: &str) -> String {
    match unit.strip_prefix(MONEY) {
        _ if unit.is_empty() => "a plain number".to_owned(),
        Some(per) if per.starts_with('/') => format!("`{unit}`, in any currency, for instance `{{EUR}}{per}`"),
        _ => format!("`{unit}`"),
    }
}
