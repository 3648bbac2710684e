//! One plugin's calls through an instance.

use super::compare::{Difference, TOLERANCE, Tolerance, Verdict, outcomes};
use super::journal::{Journal, JournalModel, JournalTables};
use super::report::PluginReport;
use dinrail_core::description::ParameterValue;
use dinrail_core::outcome::Fault;
use dinrail_engine::{Call, Grants, Instance, Limits, Pace, PluginComponent, Profile};
use dinrail_inference::OnnxModel;
use dinrail_store::incident::wire::FaultWire;
use dinrail_store::incident::{
    BindingWire, CallWire, EntryWire, Incident, IncidentError, ModelManifest, OutcomeWire, PluginManifest, TableWire,
};
use std::sync::Arc;
use std::time::Duration;

/// After this a call never ends: a deadline on site says nothing about this machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// A model, and where it is run again.
type Models = Vec<(ModelManifest, Option<Arc<OnnxModel>>)>;

/// Plays one plugin's calls.
pub struct Player<'i> {
    incident: &'i Incident,
    plugin: &'i PluginManifest,
    component: PluginComponent,
    models: Models,
    /// Another version than the recorded one.
    other: bool,
    tolerance: Option<Tolerance>,
    binding: BindingWire,
    parameters: Vec<(String, ParameterValue)>,
    tables: Vec<TableWire>,
    limits: Limits,
    journal: Journal,
    report: PluginReport,
}

impl<'i> Player<'i> {
    /// For a plugin of the incident; `other` says that the component is not the recorded one.
    pub fn new(
        incident: &'i Incident,
        plugin: &'i PluginManifest,
        component: PluginComponent,
        models: Models,
        other: bool,
        tolerance: Option<Tolerance>,
    ) -> Result<Player<'i>, IncidentError> {
        let profile = Profile::parse(&plugin.limits);
        let unknown = || IncidentError::Inconsistent(format!("there are no limits `{}`", plugin.limits));
        let pace = if plugin.background { Pace::Background } else { Pace::Cyclic };
        let binding = incident.binding(&plugin.name)?;
        Ok(Player {
            parameters: binding.parameters(),
            tables: incident.tables(&plugin.name)?,
            limits: Limits::new(profile.ok_or_else(unknown)?, pace),
            journal: Journal::default(),
            report: PluginReport::new(plugin, component.digest(), &models),
            incident,
            plugin,
            component,
            models,
            other,
            tolerance,
            binding,
        })
    }

    /// Plays every instance from the first place that it can be replayed from.
    pub fn play(mut self) -> Result<PluginReport, IncidentError> {
        let instances: Vec<u32> = self.incident.instances(&self.plugin.name).collect();
        for number in instances {
            let asset = self.plugin.instances.get(number as usize).cloned().flatten();
            self.play_instance(number, asset.as_deref())?;
        }
        self.report.models(self.journal.asked());
        Ok(self.report)
    }

    fn play_instance(&mut self, number: u32, asset: Option<&str>) -> Result<(), IncidentError> {
        self.report.instances += 1;
        let mut instance: Option<Instance> = None;
        for entry in self.incident.entries(&self.plugin.name, number) {
            match entry? {
                EntryWire::Start => instance = self.start(asset, None),
                EntryWire::State { version, bytes } => match &mut instance {
                    // It came here by itself: what it would save now is what was saved then.
                    Some(running) => self.compare_state(running, &bytes, asset),
                    None => instance = self.start(asset, Some((version, &bytes))),
                },
                EntryWire::Lost => instance = None,
                EntryWire::Call(call) => match instance.take() {
                    Some(running) => instance = self.call(running, &call, asset)?,
                    None => self.report.unreachable += 1,
                },
            }
        }
        Ok(())
    }

    /// A configured instance, with a state where one is given. One that can't be had is a difference.
    fn start(&mut self, asset: Option<&str>, state: Option<(u32, &[u8])>) -> Option<Instance> {
        match self.try_start(asset, state) {
            Ok(instance) => {
                self.report.starts += 1;
                Some(instance)
            }
            Err(fault) => {
                let what = if state.is_some() { "restore" } else { "configure" };
                self.differ(0, asset, what, "done", &fault.to_string());
                None
            }
        }
    }

    fn try_start(&self, asset: Option<&str>, state: Option<(u32, &[u8])>) -> Result<Instance, Fault> {
        let mut grants = Grants { models_optional: true, assets_optional: true, ..Grants::default() };
        for (model, again) in &self.models {
            let tolerance = self.tolerance.unwrap_or(TOLERANCE);
            let answering = JournalModel::new(model, again.as_ref(), self.journal.clone(), tolerance);
            grants.models.push((model.slot.clone(), Box::new(answering)));
        }
        grants.assets = Some(Box::new(JournalTables(self.tables.clone())));
        let refused = |error: dinrail_engine::LoadError| Fault::Configuration(error.to_string());
        let mut instance = self.component.instantiate(grants, &self.limits).map_err(refused)?;
        instance.describe().map_err(|error| Fault::Configuration(error.to_string()))?;
        instance.configure(&self.binding.bindings(asset), &self.parameters)?;
        if let Some((version, bytes)) = state {
            instance.restore(version, bytes)?;
        }
        Ok(instance)
    }

    /// Another version saves its state otherwise; it is asked all the same, as the recorded one was.
    fn compare_state(&mut self, instance: &mut Instance, then: &[u8], asset: Option<&str>) {
        let saved = instance.save();
        if self.other || self.tolerance.is_some() {
            return;
        }
        match saved {
            Ok(now) if now == then => self.report.states += 1,
            Ok(now) => {
                let at = now.iter().zip(then).position(|(now, then)| now != then);
                let at = at.unwrap_or_else(|| now.len().min(then.len()));
                let shown = |bytes: &[u8]| format!("{:02x?} of {} bytes", bytes.get(at), bytes.len());
                self.differ(self.report.last_scan, asset, &format!("state[{at}]"), &shown(then), &shown(&now));
            }
            Err(fault) => self.differ(self.report.last_scan, asset, "state", "saved", &fault.to_string()),
        }
    }

    /// Makes a call, and holds its outcome against the recorded one. The instance, where it can go on.
    fn call(
        &mut self,
        mut instance: Instance,
        call: &CallWire,
        asset: Option<&str>,
    ) -> Result<Option<Instance>, IncidentError> {
        self.report.last_scan = call.scan();
        self.report.missed += u64::from(call.missed);
        if call.outcome.is_cut() {
            // A fact of that machine's clock; the instance was lost with it.
            self.report.cut += 1;
            return Ok(None);
        }
        self.journal.load(call)?;
        let (frame, outputs, outlook, items) = (call.frame()?, call.outputs()?, call.outlook(), call.items()?);
        let report = instance.call(&Call {
            frame: &frame,
            outputs: &outputs,
            outlook: &outlook,
            items: &items,
            deadline: DEADLINE,
        });
        self.report.calls += 1;
        let left = self.journal.close();
        let now = OutcomeWire::from(&report.outcome);
        match outcomes(&call.outcome, &now, self.tolerance) {
            Verdict::Equal if left > 0 && !self.other => {
                let recorded = call.inferences.len();
                let asked = recorded.saturating_sub(usize::try_from(left).unwrap_or(usize::MAX));
                self.differ(call.scan(), asset, "inferences", &recorded.to_string(), &asked.to_string());
                self.report.different += 1;
            }
            Verdict::Equal => self.report.equal += 1,
            Verdict::Within(apart) => {
                self.report.within += 1;
                self.report.largest = self.report.largest.max(apart);
            }
            Verdict::Different(field, then, replayed) => {
                self.report.different += 1;
                self.differ(call.scan(), asset, &field, &then, &replayed);
            }
        }
        let lost_then = matches!(&call.outcome, OutcomeWire::Faulted(fault) if discards(fault));
        Ok((!instance.is_poisoned() && !lost_then).then_some(instance))
    }

    fn differ(&mut self, scan: u64, asset: Option<&str>, field: &str, recorded: &str, replayed: &str) {
        self.report.first.get_or_insert_with(|| Difference {
            scan,
            asset: asset.map(str::to_owned),
            field: field.to_owned(),
            recorded: recorded.to_owned(),
            replayed: replayed.to_owned(),
        });
    }
}

/// See [`Fault::discards_instance`].
fn discards(fault: &FaultWire) -> bool {
    !matches!(fault.kind.as_str(), "input" | "transient" | "nonsense" | "model")
}
