//! Models that answer as it was recorded, or once more.

use super::compare::{Compared, Tolerance, values};
use dinrail_core::description::TensorSpec;
use dinrail_core::inference::{InferenceError, Model, Tensor};
use dinrail_engine::{AssetError, AssetTable, Assets};
use dinrail_inference::OnnxModel;
use dinrail_store::incident::{CallWire, IncidentError, ModelManifest, TableWire, wire::InferenceWire};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// An answer that was recorded.
#[derive(Debug)]
struct Answer {
    model: String,
    outside: bool,
    outputs: Result<Vec<Tensor>, InferenceError>,
}

/// What was asked of models in replay.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Asked {
    /// Answers that were recorded.
    pub recorded: u64,
    /// Asked again in the same order.
    pub answered: u64,
    /// Asked for what was not recorded there.
    pub strayed: u64,
    /// Recorded, and not asked for.
    pub left: u64,
    /// Not run again, since what they were asked about was left out.
    pub blank: u64,
    /// Run again: how far the answers are apart.
    pub compared: Compared,
}

#[derive(Debug, Default)]
struct State {
    answers: VecDeque<Answer>,
    last_outside: bool,
    /// Whether pictures of this call were left out.
    is_blank: bool,
    asked: Asked,
}

/// The answers of one call, shared by a plugin's models.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<State>>);

impl Journal {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before a call: its answers.
    pub fn load(&self, call: &CallWire) -> Result<(), IncidentError> {
        let answer = |wire: &InferenceWire| {
            Ok(Answer { model: wire.model.clone(), outside: wire.outside, outputs: wire.answer()? })
        };
        let answers = call.inferences.iter().map(answer).collect::<Result<VecDeque<_>, IncidentError>>()?;
        let mut state = self.state();
        state.asked.recorded += answers.len() as u64;
        state.answers = answers;
        state.is_blank = call.lacks_pixels();
        Ok(())
    }

    /// After a call: how many answers nobody asked for.
    pub fn close(&self) -> u64 {
        let mut state = self.state();
        let left = state.answers.len() as u64;
        state.asked.left += left;
        state.answers.clear();
        left
    }

    /// Everything that was asked.
    #[must_use]
    pub fn asked(&self) -> Asked {
        self.state().asked
    }
}

/// A model that answers from the journal; where it is run again, with what it says now.
pub struct JournalModel {
    slot: String,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    again: Option<dinrail_inference::Session>,
    journal: Journal,
    tolerance: Tolerance,
}

impl JournalModel {
    /// As it was recorded; `again` runs it once more.
    #[must_use]
    pub fn new(
        model: &ModelManifest,
        again: Option<&Arc<OnnxModel>>,
        journal: Journal,
        tolerance: Tolerance,
    ) -> JournalModel {
        let specs = |specs: &[(String, Vec<Option<u32>>)]| {
            specs.iter().map(|(name, shape)| TensorSpec { name: name.clone(), shape: shape.clone() }).collect()
        };
        JournalModel {
            slot: model.slot.clone(),
            inputs: specs(&model.inputs),
            outputs: specs(&model.outputs),
            again: again.map(OnnxModel::session),
            journal,
            tolerance,
        }
    }
}

impl Model for JournalModel {
    fn inputs(&self) -> &[TensorSpec] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorSpec] {
        &self.outputs
    }

    fn run(&mut self, inputs: &[Tensor], deadline: Option<Instant>) -> Result<Vec<Tensor>, InferenceError> {
        let mut state = self.journal.state();
        let is_next = state.answers.front().is_some_and(|answer| answer.model == self.slot);
        let recorded = if is_next { state.answers.pop_front() } else { None };
        let Some(recorded) = recorded else {
            state.asked.strayed += 1;
            state.last_outside = false;
            // Another version asks other things: its model can be run, where it is here.
            let again = self.again.as_mut().map(|model| model.run(inputs, deadline));
            return again.unwrap_or_else(|| Err(InferenceError::Failed("nothing of this was recorded".to_owned())));
        };
        state.asked.answered += 1;
        state.last_outside = recorded.outside;
        // What the clock cut then is cut again: it says nothing of the model.
        let was_cut = recorded.outputs == Err(InferenceError::Deadline);
        state.asked.blank += u64::from(state.is_blank && self.again.is_some());
        let Some(model) = self.again.as_mut().filter(|_| !was_cut && !state.is_blank) else {
            return recorded.outputs;
        };
        let now = model.run(inputs, deadline);
        state.last_outside = model.is_outside(inputs);
        let pairs = match (&recorded.outputs, &now) {
            (Ok(then), Ok(now)) if then.len() == now.len() => then.iter().zip(now).collect(),
            (Ok(_), _) | (Err(_), Ok(_)) => {
                state.asked.compared.differ();
                Vec::new()
            }
            (Err(_), Err(_)) => Vec::new(),
        };
        for (then, now) in pairs {
            let tolerance = self.tolerance;
            values(then.values(), now.values(), tolerance, &mut state.asked.compared);
        }
        now
    }

    fn is_outside(&self, _inputs: &[Tensor]) -> bool {
        self.journal.state().last_outside
    }
}

/// The tables that were loaded.
pub struct JournalTables(pub Vec<TableWire>);

impl Assets for JournalTables {
    fn load(&mut self, name: &str) -> Result<AssetTable, AssetError> {
        let table = self.0.iter().find(|table| table.name == name);
        let table = table.ok_or_else(|| AssetError::Unknown(name.chars().take(64).collect()))?;
        Ok(AssetTable { columns: table.columns.clone(), rows: table.rows, values: table.values.clone() })
    }
}
