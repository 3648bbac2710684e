//! One plugin instance: a store of its own, and the calls into it.

use crate::component::{Exports, WorldExports};
use crate::convert;
use crate::engine::Inner;
use crate::grants::{Grants, Notes};
use crate::host::{HostState, LimitReached};
use crate::settings::Limits;
use crate::wire::dinrail::plugin::types as wire;
use crate::wire::exports::dinrail::plugin::{anomaly, energy, health, lifecycle, optimization, quality, supply};
use dinrail_core::description::{Bindings, Description, DescriptionError, ParameterValue, World};
use dinrail_core::frame::Frame;
use dinrail_core::item::Item;
use dinrail_core::outcome::{CallReport, Fault, Outcome, OutputState, Question, Results, check};
use dinrail_core::outlook::Outlook;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::component::InstancePre;
use wasmtime::{Store, Trap, UpdateDeadline};

/// Why a description can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    /// The plugin failed.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// What it says makes no sense.
    #[error("the plugin's description is refused: {0}")]
    Description(#[from] DescriptionError),
}

/// Everything one call gets.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The frozen rows.
    pub frame: &'a Frame,
    /// State of the bound outputs, in the order of their indexes; empty for a world that can't act.
    pub outputs: &'a [OutputState],
    /// What is known ahead, for the worlds that plan.
    pub outlook: &'a Outlook,
    /// Items to be judged, for quality control.
    pub items: &'a [Item],
    /// Wall time after which the guest is stopped and its store lost. A backstop: the scan's own
    /// budget is shorter, and it need not wait for this.
    pub deadline: Duration,
}

/// A running plugin. Its calls are synchronous on the calling thread, whose stack should have at
/// least 2 MiB.
pub struct Instance {
    engine: Arc<Inner>,
    store: Store<HostState>,
    lifecycle: lifecycle::Guest,
    guest: WorldGuest,
    world: World,
    digest: String,
    limits: Limits,
    /// Number of quantiles it described, once it did.
    quantiles: Option<usize>,
    poisoned: bool,
    /// Reused for each call.
    output_states: Vec<wire::OutputState>,
}

/// A call that meets its deadline goes on for this part of it, once.
const GRACE_SHARE: u32 = 4;

/// An inference is cut at this many deadlines of its call. Between its nodes nobody can tell one that
/// takes too long from one that was put aside, so the backstop is a wide one.
const INFERENCE_DEADLINES: u32 = 4;

enum WorldGuest {
    AnomalyDetection(anomaly::Guest),
    PredictiveMaintenance(health::Guest),
    QualityControl(quality::Guest),
    ProcessOptimization(optimization::Guest),
    EnergyOptimization(energy::Guest),
    SupplyChain(supply::Guest),
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance")
            .field("world", &self.world.name())
            .field("digest", &self.digest)
            .field("poisoned", &self.poisoned)
            .finish_non_exhaustive()
    }
}

impl Instance {
    pub(crate) fn start(
        engine: &Arc<Inner>,
        pre: &InstancePre<HostState>,
        exports: &Exports,
        world: World,
        digest: &str,
        grants: Grants,
        limits: &Limits,
    ) -> Result<Instance, Fault> {
        let mut store = Store::new(&engine.wasm, HostState::new(grants, limits));
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(limits.hostcall_bytes);
        store.set_max_component_handles(limits.component_handles);
        if engine.has_epochs() {
            store.epoch_deadline_callback(|mut context| {
                Ok(match context.data_mut().grace_ticks.take() {
                    Some(ticks) => UpdateDeadline::Continue(ticks),
                    None => UpdateDeadline::Interrupt,
                })
            });
            store.data_mut().grace_ticks = None;
            store.set_epoch_deadline(engine.ticks(limits.lifecycle));
        }
        let started = (|| {
            let instance = pre.instantiate(&mut store)?;
            let lifecycle = exports.lifecycle.load(&mut store, &instance)?;
            Ok((lifecycle, WorldGuest::load(&exports.world, &mut store, &instance)?))
        })();
        match started {
            Ok((lifecycle, guest)) => Ok(Instance {
                engine: Arc::clone(engine),
                store,
                lifecycle,
                guest,
                world,
                digest: digest.to_owned(),
                limits: *limits,
                quantiles: None,
                poisoned: false,
                output_states: Vec::new(),
            }),
            Err(error) => Err(fault(store.data_mut(), &error, limits.lifecycle)),
        }
    }

    /// Its world.
    #[must_use]
    pub fn world(&self) -> World {
        self.world
    }

    /// The component's digest.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether it is lost: it trapped, was stopped, went past a limit, or says that it is broken.
    /// Throw it away; whatever is asked of it now is a fault.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// The host itself failed in a call of this instance: whatever state it left behind is lost.
    pub(crate) fn poison(&mut self) {
        self.poisoned = true;
    }

    /// Bytes of its linear memories.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.store.data().limiter.total_bytes()
    }

    /// Log lines and metrics since this was last called.
    pub fn take_notes(&mut self) -> Notes {
        self.store.data_mut().take_notes()
    }

    /// Asks what the plugin is and needs, and checks the answer.
    pub fn describe(&mut self) -> Result<Description, DescribeError> {
        let given = self.lifecycle_call(|guest, store| guest.call_describe(store).map(Ok))?;
        let description = convert::description(given);
        description.check(self.world)?;
        self.quantiles = Some(description.quantiles.len());
        Ok(description)
    }

    /// Tells the plugin what it is bound to; once, before the first call.
    pub fn configure(&mut self, bindings: &Bindings, parameters: &[(String, ParameterValue)]) -> Result<(), Fault> {
        if self.quantiles.is_none() {
            self.describe().map_err(|error| match error {
                DescribeError::Fault(fault) => fault,
                DescribeError::Description(error) => Fault::Configuration(error.to_string()),
            })?;
        }
        let columns: Vec<_> = bindings.inputs.iter().map(convert::columns).collect();
        let inputs: Vec<_> = bindings
            .inputs
            .iter()
            .zip(&columns)
            .map(|(binding, columns)| wire::InputBinding { input: &binding.input, columns })
            .collect();
        let outputs: Vec<_> = bindings.outputs.iter().map(convert::output_binding).collect();
        let outlook: Vec<_> = bindings.outlook.iter().map(convert::series_binding).collect();
        let parameters: Vec<_> = parameters.iter().map(convert::parameter).collect();
        let told = wire::Bindings {
            asset: bindings.asset.as_deref(),
            inputs: &inputs,
            outputs: &outputs,
            outlook: &outlook,
            columns: bindings.columns,
            window: bindings.window,
        };
        self.lifecycle_call(|guest, store| guest.call_configure(store, told, &parameters))
    }

    /// Everything that a later [`Instance::restore`] needs.
    pub fn save(&mut self) -> Result<Vec<u8>, Fault> {
        self.lifecycle_call(|guest, store| guest.call_save(store))
    }

    /// Gives a saved state to a configured instance before its first call.
    pub fn restore(&mut self, state_version: u32, state: &[u8]) -> Result<(), Fault> {
        if state.len() > self.limits.hostcall_bytes {
            return Err(Fault::Limit(format!(
                "a state of {} bytes, {} are the limit",
                state.len(),
                self.limits.hostcall_bytes
            )));
        }
        self.lifecycle_call(|guest, store| guest.call_restore(store, state_version, state))
    }

    /// Gives the plugin a frame. Whatever the guest does, this returns within five quarters of the
    /// deadline and two ticks, plus the longest node of a running inference.
    ///
    /// The last quarter is for a guest that was not let run: a deadline is wall time, and a thread that the
    /// system put aside meets it without having done anything wrong. It comes back with a fresh slice
    /// of the processor, in which an honest call ends; an endless loop does not.
    pub fn call(&mut self, call: &Call<'_>) -> CallReport {
        let started = Instant::now();
        let answer = self.answer(call, started);
        let inferences = self.store.data_mut().take_journal();
        let outcome = match answer {
            Ok(mut results) => {
                // What a model makes of inputs that it never saw the like of is not to be taken for good.
                if inferences.iter().any(|inference| inference.outside) {
                    results.doubt();
                }
                Outcome::Answered(results)
            }
            Err(fault) => {
                self.poisoned |= fault.discards_instance();
                Outcome::Faulted(fault)
            }
        };
        let duration_ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        CallReport { outcome, inferences, duration_ns }
    }

    fn answer(&mut self, call: &Call<'_>, started: Instant) -> Result<Results, Fault> {
        self.begin(call.deadline, Some(started))?;
        self.output_states.clear();
        self.output_states.extend(call.outputs.iter().map(convert::output_state));
        let blocks = convert::blocks(&call.frame.blocks);
        let frame = convert::frame(call.frame, &blocks);
        let asked = self.guest.ask(&mut self.store, frame, &self.output_states, call.outlook, call.items);
        let results = match asked {
            Ok(answer) => answer.map_err(convert::fault)?,
            Err(error) => return Err(fault(self.store.data_mut(), &error, call.deadline)),
        };
        let items: Vec<u64> = call.items.iter().map(|item| item.id).collect();
        let question = Question {
            world: self.world,
            frame: call.frame,
            outputs: call.outputs.len(),
            items: &items,
            quantiles: self.quantiles.unwrap_or(0),
        };
        Ok(check(results, &question)?)
    }

    fn lifecycle_call<T>(
        &mut self,
        ask: impl FnOnce(&lifecycle::Guest, &mut Store<HostState>) -> wasmtime::Result<Result<T, wire::Fault>>,
    ) -> Result<T, Fault> {
        let limit = self.limits.lifecycle;
        // Only an inference asks for the time.
        let now = self.store.data().has_models().then(Instant::now);
        self.begin(limit, now)?;
        let answer = match ask(&self.lifecycle, &mut self.store) {
            Ok(answer) => answer.map_err(convert::fault),
            Err(error) => Err(fault(self.store.data_mut(), &error, limit)),
        };
        // Inferences belong to frames; what `configure` tries out is not recorded.
        self.store.data_mut().take_journal();
        self.poisoned |= answer.as_ref().is_err_and(Fault::discards_instance);
        answer
    }

    fn begin(&mut self, deadline: Duration, now: Option<Instant>) -> Result<(), Fault> {
        if self.poisoned {
            return Err(Fault::Trap("the instance was lost in an earlier call".to_owned()));
        }
        if self.engine.has_epochs() {
            self.store.set_epoch_deadline(self.engine.ticks(deadline));
            self.store.data_mut().grace_ticks = Some(self.engine.ticks(deadline / GRACE_SHARE));
        }
        let cut = deadline.saturating_mul(INFERENCE_DEADLINES);
        self.store.data_mut().begin(now.and_then(|now| now.checked_add(cut)));
        Ok(())
    }
}

impl WorldGuest {
    fn load(
        exports: &WorldExports,
        store: &mut Store<HostState>,
        instance: &wasmtime::component::Instance,
    ) -> wasmtime::Result<WorldGuest> {
        Ok(match exports {
            WorldExports::AnomalyDetection(at) => WorldGuest::AnomalyDetection(at.load(store, instance)?),
            WorldExports::PredictiveMaintenance(at) => WorldGuest::PredictiveMaintenance(at.load(store, instance)?),
            WorldExports::QualityControl(at) => WorldGuest::QualityControl(at.load(store, instance)?),
            WorldExports::ProcessOptimization(at) => WorldGuest::ProcessOptimization(at.load(store, instance)?),
            WorldExports::EnergyOptimization(at) => WorldGuest::EnergyOptimization(at.load(store, instance)?),
            WorldExports::SupplyChain(at) => WorldGuest::SupplyChain(at.load(store, instance)?),
        })
    }

    fn ask(
        &self,
        store: &mut Store<HostState>,
        frame: wire::Frame<'_>,
        outputs: &[wire::OutputState],
        outlook: &Outlook,
        items: &[Item],
    ) -> wasmtime::Result<Result<Results, wire::Fault>> {
        Ok(match self {
            WorldGuest::AnomalyDetection(guest) => guest.call_detect(store, frame)?.map(convert::anomalies),
            WorldGuest::PredictiveMaintenance(guest) => guest.call_assess(store, frame)?.map(convert::health),
            WorldGuest::QualityControl(guest) => {
                let images = hand_over_pictures(store.data_mut(), items)?;
                let items: Vec<_> = items.iter().zip(&images).map(item).collect();
                guest.call_inspect(store, frame, &items)?.map(convert::inspection)
            }
            WorldGuest::ProcessOptimization(guest) => {
                guest.call_optimize(store, frame, outputs)?.map(convert::proposals)
            }
            WorldGuest::EnergyOptimization(guest) => {
                let series = convert::outlook(outlook);
                guest.call_plan(store, frame, outputs, wire::Outlook { series: &series })?.map(convert::plan)
            }
            // Both in one call's time: the epoch deadline stands from the first to the second.
            WorldGuest::SupplyChain(guest) => {
                let series = convert::outlook(outlook);
                let ahead = wire::Outlook { series: &series };
                let forecasts = match guest.call_forecast(&mut *store, frame.clone(), ahead.clone())? {
                    Ok(forecasts) => forecasts,
                    Err(fault) => return Ok(Err(fault)),
                };
                guest.call_replenish(store, frame, outputs, ahead)?.map(|orders| convert::supply(forecasts, orders))
            }
        })
    }
}

type Images = Vec<wasmtime::component::Resource<crate::inference::HostImage>>;

fn hand_over_pictures(state: &mut HostState, items: &[Item]) -> wasmtime::Result<Vec<Images>> {
    let mut hand_over = |item: &Item| -> wasmtime::Result<Images> {
        item.pictures.iter().map(|picture| state.push_image(picture.clone())).collect()
    };
    items.iter().map(&mut hand_over).collect()
}

fn item<'a>((item, images): (&'a Item, &'a Images)) -> quality::Item<'a> {
    quality::Item { id: item.id, trigger_ns: item.trigger_ns, encoder: item.encoder, measures: &item.measures, images }
}

/// What wasmtime says, by their texts since their types are private, where a guest goes past a limit
/// that wasmtime keeps. A test holds each to the version in use.
const LIMIT_TEXTS: [&str; 3] =
    ["fuel allocated for hostcalls has been exhausted", "store handle limit exceeded", "resource limit exceeded"];

/// Why a call ended early.
fn fault(state: &mut HostState, error: &wasmtime::Error, limit: Duration) -> Fault {
    let refused = state.limiter.take_refused();
    if let Some(Trap::Interrupt) = error.downcast_ref::<Trap>() {
        return Fault::Timeout { limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) };
    }
    let text = format!("{error:#}");
    if error.downcast_ref::<LimitReached>().is_some() || LIMIT_TEXTS.iter().any(|limit| text.contains(limit)) {
        return Fault::Limit(text);
    }
    match refused {
        // A guest answers a refused `memory.grow` with a trap of its own; the refusal is the cause.
        Some(refused) => Fault::Limit(format!("{refused}; then: {text}")),
        None => Fault::Trap(text),
    }
}
