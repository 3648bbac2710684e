//! The task `compressors`: which machine runs, is loaded, and how fast the variable one turns.

use std::time::Duration;

use dinrail_sdk::{
    Bindings, Description, EnergyPlan, Fault, Frame, Input, Outlook, Output, OutputBinding, OutputState, Parameter,
    Parameters, Proposal, SeriesSlot,
};

use super::nothing;
use crate::compressors::plate::{Plate, PlateError, Site};
use crate::compressors::sequencer::{Ahead, Observation, Reason, Sequencer, State};

/// A wish stands so long without being renewed.
const VALID_FOR: Duration = Duration::from_secs(60);

/// Adds what the task reads, writes and is told.
pub(super) fn describe(description: Description) -> Description {
    description
        .input(Input::one("pressure").optional().unit("bar").about("compressors: in the receiver"))
        .input(Input::one("drawn").optional().unit("m3/min").about("compressors: the air that is drawn"))
        .input(Input::group("powers").optional().unit("kW").about("compressors: each machine's power, in the outputs' order"))
        .input(Input::group("states").optional().about("compressors: each machine's state: 0 off, 1 unloaded, 2 loaded"))
        .input(Input::one("permit").optional().about("compressors: whether it may propose anything: 0 or 1"))
        .output(Output::group("machines").optional().about(
            "compressors: those of one speed first (0 off, 1 unloaded, 2 loaded), the variable one last (0 off, else the share of its flow); below 0 the machine's own switch",
        ))
        .series(SeriesSlot::new("demand").optional().unit("m3/min").about("compressors: the air that will be drawn, where it is known"))
        .parameter(Parameter::text("compressors", "").about(
            "compressors: plates of the machines of one speed, `flow 12, power 75, idle 0.3, start 5, run 360, off 240; …` (m3/min, kW, share of power unloaded, kWh a start, least seconds on and off)",
        ))
        .parameter(Parameter::text("variable_compressor", "").about("compressors: that of the variable one, with `least 0.3`, its least flow"))
        .parameter(Parameter::number("receiver", 10.0).unit("m3").range(1e-3, 1e6).about("compressors: receiver and network"))
        .parameter(Parameter::number("band_low", 6.5).unit("bar").range(0.0, 1000.0).about("compressors: lowest pressure"))
        .parameter(Parameter::number("band_high", 7.5).unit("bar").range(0.0, 1000.0).about("compressors: highest pressure"))
}

struct Columns {
    pressure: usize,
    drawn: usize,
    powers: Vec<usize>,
    states: Vec<usize>,
    permit: Option<usize>,
}

/// The task.
pub struct CompressorTask {
    columns: Columns,
    outputs: Vec<OutputBinding>,
    sequencer: Sequencer,
}

impl CompressorTask {
    pub(super) fn new(bindings: &Bindings, parameters: &Parameters) -> Result<Self, Fault> {
        let refused = |what: &str, error: PlateError| Fault::Configuration(format!("`{what}`: {error}"));
        let fixed = Plate::parse_fixed(parameters.text("compressors")?).map_err(|e| refused("compressors", e))?;
        let variable =
            Plate::parse(parameters.text("variable_compressor")?).map_err(|e| refused("variable_compressor", e))?;
        let band_bar = (parameters.number("band_low")?, parameters.number("band_high")?);
        if band_bar.0 >= band_bar.1 {
            return Err(Fault::Configuration("`band_low` should lie below `band_high`".to_owned()));
        }
        let indexes = |input| bindings.columns_of(input).iter().map(|column| column.index as usize).collect();
        let columns = Columns {
            pressure: bindings.require("pressure")?,
            drawn: bindings.require("drawn")?,
            powers: indexes("powers"),
            states: indexes("states"),
            permit: bindings.column("permit"),
        };
        let outputs: Vec<OutputBinding> = bindings.outputs_of("machines").cloned().collect();
        let machines = fixed.len() + 1;
        let counts = [("machines", outputs.len()), ("powers", columns.powers.len()), ("states", columns.states.len())];
        if let Some((what, count)) = counts.into_iter().find(|(_, count)| *count != machines) {
            return Err(Fault::Configuration(format!("{count} {what} are bound, and there are {machines} plates")));
        }
        let site = Site { fixed, variable, volume_m3: parameters.number("receiver")?, band_bar };
        Ok(Self { columns, outputs, sequencer: Sequencer::new(site) })
    }

    pub(super) fn plan(
        &mut self,
        frame: &Frame,
        outputs: &[OutputState],
        outlook: &Outlook,
    ) -> Result<EnergyPlan, Fault> {
        let Some(row) = frame.last_new() else { return Ok(nothing()) };
        let all = |columns: &[usize]| columns.iter().map(|column| row.get(*column)).collect::<Vec<_>>();
        let (powers, states) = (all(&self.columns.powers), all(&self.columns.states));
        let demand = outlook.series.iter().find(|series| series.name == "demand");
        let seen = Observation {
            time_s: row.time_ns as f64 / 1e9,
            pressure_bar: row.get(self.columns.pressure),
            flow: row.get(self.columns.drawn),
            powers_kw: &powers,
            states: &states,
            permit: self.columns.permit.is_none_or(|column| row.get(column).is_some_and(|permit| permit >= 0.5)),
            ahead: demand.map(|series| Ahead {
                start_s: series.start_ns as f64 / 1e9,
                step_s: series.step_ns as f64 / 1e9,
                values: &series.values,
            }),
        };
        let states: Vec<State> = self.outputs.iter().map(|output| state(output, outputs)).collect();
        let mut answer = nothing();
        for wish in self.sequencer.step(seen, &states) {
            let Some(output) = self.outputs.get(wish.machine) else { continue };
            let reason = match wish.reason {
                Reason::Follow => "follows the applied value",
                Reason::Plan => "as planned",
                Reason::Edge => "the pressure nears an edge of its band",
                Reason::Blind => "the pressure is unknown: the machine's own switch knows better",
            };
            answer.proposals.push(Proposal::new(output.index, wish.value, VALID_FOR, reason));
        }
        Ok(answer)
    }

    pub(super) fn save(&self) -> Result<Vec<u8>, Fault> {
        self.sequencer.save().map_err(|error| Fault::Internal(format!("state: {error}")))
    }

    pub(super) fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        self.sequencer
            .restore(state)
            .map_err(|error| Fault::Configuration(format!("state of version {version}: {error}")))
    }
}

fn state(output: &OutputBinding, states: &[OutputState]) -> State {
    let state = states.get(output.index as usize);
    State {
        applied: state.and_then(|state| state.applied),
        blocked: state.is_none_or(|state| state.blocked),
        initialise: state.is_some_and(|state| state.initialise),
        lowest: output.minimum,
    }
}
