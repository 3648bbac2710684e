//! The plugin: its description, frames in, results out.
//!
//! What is bound says what it does: `signals` have `charts`, a `process` is watched as a whole, a machine's
//! parts are judged. Each has its file here and knows nothing of the others.

mod charts;
mod line;
mod parts;
mod process;
mod tables;

pub use charts::Charts;
pub use parts::{Classify, Host, Parts, Said};
pub use process::Process;
pub use tables::{Columns, Granted, NoTables, Tables};

use dinrail_sdk::{
    Bindings, ChartSignal, Description, Fault, Frame, Input, Inspection, Item, Parameters, QualityControl,
};
use serde::{Deserialize, Serialize};

/// Of what `save` gives.
const STATE_VERSION: u32 = 1;

/// An instance at work.
pub struct Plugin {
    watch: Option<Watch>,
    /// None where no machine is bound.
    model: Option<Host>,
    /// None where neither limits of measures nor a model of surfaces are given.
    line: Option<line::Line>,
}

/// Everything of the plugin that needs no host.
pub struct Watch {
    charts: Option<Charts>,
    process: Option<Process>,
    parts: Option<Parts>,
    /// Column that tells of known changes.
    change: Option<usize>,
    /// Its last value.
    before: Option<f64>,
}

/// What goes on in a restored instance.
#[derive(Serialize, Deserialize)]
struct State {
    charts: Option<charts::State>,
    process: Option<process::State>,
    before: Option<f64>,
}

impl Watch {
    /// For these bindings, with what the configuration's tables say.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where nothing is bound, or more than the state can hold, or a parameter or a table makes no
    /// sense.
    pub fn new(bindings: &Bindings, parameters: &Parameters, tables: &mut dyn Tables) -> Result<Self, Fault> {
        let charts = Charts::new(bindings, parameters, tables)?;
        let process = Process::new(bindings, parameters, tables)?;
        let parts = Parts::new(bindings, parameters)?;
        if charts.is_none() && process.is_none() && parts.is_none() {
            return Err(Fault::Configuration("bind `signals`, `process`, or the six inputs of a machine".into()));
        }
        Ok(Watch { charts, process, parts, change: bindings.column("change"), before: None })
    }

    /// Points on charts for the new rows.
    pub fn signals(&mut self, frame: &Frame) -> Vec<ChartSignal> {
        let mut signals = Vec::new();
        for row in frame.new_rows() {
            if let Some(value) = self.change.and_then(|column| row.get(column))
                && self.before.replace(value).is_some_and(|before| before != value)
            {
                self.charts.iter_mut().for_each(Charts::change);
                self.process.iter_mut().for_each(Process::change);
            }
            self.charts.iter_mut().for_each(|charts| charts.row(&row, &mut signals));
            self.process.iter_mut().for_each(|process| process.row(&row, &mut signals));
        }
        signals
    }

    /// Points and verdicts of a machine's parts; none where no machine is bound.
    pub fn parts(&mut self, frame: &Frame, items: &[Item], model: &mut dyn Classify, inspection: &mut Inspection) {
        let Some(parts) = &mut self.parts else { return };
        let said = parts.opinions(frame, model);
        parts.signals(&said, &mut inspection.signals);
        inspection.verdicts.extend(parts.verdicts(&said, items));
    }

    /// The state, in postcard's format: at most 1 MB, while it learns.
    ///
    /// # Errors
    /// [`Fault::Internal`] where it cannot be written.
    pub fn save(&self) -> Result<Vec<u8>, Fault> {
        let state = State {
            charts: self.charts.as_ref().map(Charts::state),
            process: self.process.as_ref().map(Process::state),
            before: self.before,
        };
        postcard::to_allocvec(&state).map_err(|error| Fault::Internal(format!("state: {error}")))
    }

    /// Takes over a saved state.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where it is of another version or of other inputs.
    pub fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        let refused = |why: String| Fault::Configuration(why);
        if version != STATE_VERSION {
            return Err(refused(format!("state of version {version}; this plugin reads {STATE_VERSION}")));
        }
        let saved: State = postcard::from_bytes(state).map_err(|error| refused(format!("state: {error}")))?;
        let taken = match (&mut self.charts, saved.charts) {
            (Some(charts), Some(saved)) => charts.restore(saved),
            (None, None) => true,
            _ => false,
        } && match (&mut self.process, saved.process) {
            (Some(process), Some(saved)) => process.restore(saved),
            (None, None) => true,
            _ => false,
        };
        if !taken || saved.before.is_some_and(|before| !before.is_finite()) {
            return Err(refused("the state is not one of these inputs".into()));
        }
        self.before = saved.before;
        Ok(())
    }
}

impl QualityControl for Plugin {
    fn describe() -> Description {
        let description = Description::new(
            "quality-control",
            env!("CARGO_PKG_VERSION"),
            "Control charts of single tags and of many together, faults of a whole process, and verdicts on parts",
        )
        .input(Input::group("signals").optional().about("Each has the charts that `charts` names"))
        .input(Input::group("process").optional().about("Tags that move together, watched as a whole"))
        .input(Input::one("change").optional().about(
            "A number that changes where the process is changed on purpose: charts begin anew, or learn anew (`on_change`)",
        ));
        let description = parts::describe(process::describe(charts::describe(description)));
        line::describe(description).state_version(STATE_VERSION)
    }

    fn configure(bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        let line = line::Line::open(&parameters)?;
        let is_bound = bindings.inputs.iter().any(|input| !input.columns.is_empty());
        // A line alone needs no tag.
        let watch =
            (is_bound || line.is_none()).then(|| Watch::new(&bindings, &parameters, &mut Granted)).transpose()?;
        let has_parts = watch.as_ref().is_some_and(|watch| watch.parts.is_some());
        if has_parts && line.is_some() {
            return Err(Fault::Configuration(
                "a machine's parts and a line's items can't be judged by one plugin".into(),
            ));
        }
        let model = has_parts.then(Host::open).transpose()?;
        Ok(Plugin { watch, model, line })
    }

    fn inspect(&mut self, frame: &Frame, items: Vec<Item>) -> Result<Inspection, Fault> {
        let mut inspection = Inspection { verdicts: Vec::new(), signals: Vec::new() };
        if let Some(watch) = &mut self.watch {
            inspection.signals = watch.signals(frame);
            if let Some(model) = &mut self.model {
                watch.parts(frame, &items, model, &mut inspection);
            }
        }
        if let Some(line) = &mut self.line {
            let last_row = (frame.row_count() as u32).saturating_sub(1);
            inspection.verdicts = line.verdicts(last_row, &items);
        }
        Ok(inspection)
    }

    fn save(&self) -> Result<Vec<u8>, Fault> {
        self.watch.as_ref().map_or_else(|| Ok(Vec::new()), Watch::save)
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        match &mut self.watch {
            Some(watch) => watch.restore(version, state),
            None if state.is_empty() => Ok(()),
            None => Err(Fault::Configuration("a line keeps no state".into())),
        }
    }
}
