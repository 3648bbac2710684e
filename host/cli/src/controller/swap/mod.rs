//! Swaps: a candidate beside the version that runs, its take-over, its trial, and the way back.
//!
//! - [`twin`]: the second instance of a slot
//! - [`fit`]: whether a candidate fits the place
//! - [`keeper`]: what must outlast a power cut
//! - `steps`: from phase to phase
//! - `twins`: how twins are started, worked and taken back
//! - `endings`: how swaps end
//!
//! The scan is never held up: instances are started, states saved and frames caught up beside it. Ownership changes between
//! two scans, for all of a plugin's slots at once, when every twin has computed every frame that its owner had and the intent
//! is durable; so each frame has one owner, and none has none.

mod endings;
pub mod fit;
pub mod keeper;
mod steps;
pub mod twin;
mod twins;

use super::Controller;
use super::slots::Plugin;
use dinrail_core::record::{LateFault, SwapStep};
use dinrail_core::swap::{Criteria, Tally};
use dinrail_core::time::TimeNs;
use dinrail_store::installed::Intent;
use fit::{Misfit, fits};
use keeper::{Entry, Keeper};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Swaps that ended and are still told of.
const MAX_ENDED: usize = 64;

/// What is to be swapped in.
pub struct Candidate {
    /// It, compiled, bound, and tried.
    pub plugin: Arc<Plugin>,
    /// What people call it, such as `pump-watch 1.3.0`.
    pub title: String,
    /// What is asked of it.
    pub criteria: Criteria,
    /// Whether it may begin without the incumbent's state, where it can't take it.
    pub cold: bool,
    /// What must outlast a power cut, where there is a store.
    pub intent: Option<Intent>,
}

/// Why a swap does not begin, or a word is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwapRefused {
    /// There is one already.
    #[error("{plugin} is being swapped already: commit that one or roll it back first")]
    Busy {
        /// The plugin.
        plugin: String,
    },
    /// It does not fit.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// No worker.
    #[error("a thread for it could not be started: {0}")]
    Thread(String),
    /// No swap.
    #[error("nothing of {plugin} is being swapped")]
    None {
        /// The plugin.
        plugin: String,
    },
    /// Too early.
    #[error("{plugin} is not ready for that: {why}")]
    NotReady {
        /// The plugin.
        plugin: String,
        /// What it waits for.
        why: String,
    },
}

/// Where a swap is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The candidate computes what the incumbent does, without effect.
    Shadow,
    /// A fresh instance takes the incumbent's state and catches up.
    Handover,
    /// The candidate owns the frames, the incumbent computes them too.
    Trial,
    /// The trial is over, and that is being made durable.
    Committing,
    /// The candidate is the version that runs.
    Committed,
    /// It never owned a frame.
    Rejected,
    /// The incumbent owns the frames again.
    Reverted,
}

impl Phase {
    /// In tables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Phase::Shadow => "shadow",
            Phase::Handover => "handover",
            Phase::Trial => "trial",
            Phase::Committing => "committing",
            Phase::Committed => "committed",
            Phase::Rejected => "rejected",
            Phase::Reverted => "reverted",
        }
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Phase::Committed | Phase::Rejected | Phase::Reverted)
    }
}

/// A swap under way, or one that ended.
pub struct Swap {
    /// Its number, from 1.
    pub number: u64,
    /// Index of the plugin.
    pub plugin: usize,
    /// Its name.
    pub name: Arc<str>,
    /// See [`Candidate`].
    pub title: String,
    /// See [`Candidate`].
    pub criteria: Criteria,
    /// Where it is.
    pub phase: Phase,
    /// What was seen since the phase began.
    pub tally: Tally,
    /// What was seen in shadow.
    pub shadow: Tally,
    /// Whether an operator said that it may go on.
    pub word: bool,
    /// Run time at which the phase began.
    pub since_ns: TimeNs,
    /// Why it ended, or what it waits for.
    pub why: String,
    cold: bool,
    intent: Option<Intent>,
    candidate: Arc<Plugin>,
    incumbent: Arc<Plugin>,
    /// Entry that is being written.
    writing: Option<u64>,
    /// By an instance's usual worker: the one of its twin.
    workers: HashMap<usize, usize>,
}

/// All of them.
pub struct Swaps {
    under_way: Vec<Swap>,
    ended: VecDeque<Swap>,
    keeper: Keeper,
    /// Workers that a swap left behind.
    spare_workers: Vec<usize>,
    next_number: u64,
    next_epoch: u32,
    steps: Vec<SwapStep>,
    /// Instances that were lost while their state was taken, and that nobody was told of yet.
    lost: Vec<LateFault>,
    /// By plugin: changes of its version.
    generations: HashMap<usize, u64>,
}

impl Swaps {
    /// None under way.
    #[must_use]
    pub fn new(keeper: Keeper) -> Swaps {
        Swaps {
            under_way: Vec::new(),
            ended: VecDeque::new(),
            keeper,
            spare_workers: Vec::new(),
            next_number: 0,
            next_epoch: 0,
            steps: Vec::new(),
            lost: Vec::new(),
            generations: HashMap::new(),
        }
    }

    /// Those under way, then those that ended, newest first.
    pub fn all(&self) -> impl Iterator<Item = &Swap> {
        self.under_way.iter().chain(self.ended.iter().rev())
    }

    /// That of a plugin that is under way.
    #[must_use]
    pub fn of(&self, plugin: usize) -> Option<&Swap> {
        self.under_way.iter().find(|swap| swap.plugin == plugin)
    }

    /// How often a plugin's version changed.
    #[must_use]
    pub fn generation(&self, plugin: usize) -> u64 {
        self.generations.get(&plugin).copied().unwrap_or(0)
    }

    fn epoch(&mut self) -> u32 {
        self.next_epoch += 1;
        self.next_epoch
    }
}

impl Controller {
    /// Puts a candidate in shadow beside a plugin.
    pub fn begin_swap(&mut self, plugin: usize, candidate: Candidate, now_ns: TimeNs) -> Result<u64, SwapRefused> {
        let incumbent = Arc::clone(&self.plugins[plugin]);
        let name: Arc<str> = incumbent.config.name.as_str().into();
        let comes_back = self.slots.iter().any(|slot| slot.plugin == plugin && slot.returning);
        if comes_back || self.swaps.of(plugin).is_some() {
            return Err(SwapRefused::Busy { plugin: name.to_string() });
        }
        fits(&incumbent, &candidate.plugin)?;
        let workers = self.twin_workers(plugin)?;
        self.swaps.next_number += 1;
        let swap = Swap {
            number: self.swaps.next_number,
            plugin,
            name,
            title: candidate.title,
            criteria: candidate.criteria,
            phase: Phase::Shadow,
            tally: Tally::default(),
            shadow: Tally::default(),
            word: false,
            since_ns: now_ns,
            why: String::new(),
            cold: candidate.cold,
            intent: candidate.intent,
            candidate: candidate.plugin,
            incumbent,
            writing: None,
            workers,
        };
        self.swaps.steps.push(step(&swap, "runs in shadow: it gets the same frames, and has no effect".to_owned()));
        let number = swap.number;
        self.swaps.under_way.push(swap);
        self.want_twins(self.swaps.under_way.len() - 1);
        Ok(number)
    }

    /// An operator's yes: from shadow to trial, from trial to the end.
    pub fn commit_swap(&mut self, plugin: usize, now_ns: TimeNs) -> Result<Phase, SwapRefused> {
        let name = self.plugins[plugin].config.name.clone();
        let Some(swap) = self.swaps.under_way.iter_mut().find(|swap| swap.plugin == plugin) else {
            return Err(SwapRefused::None { plugin: name });
        };
        match swap.phase {
            Phase::Shadow if swap.criteria.shadow(&swap.tally) == dinrail_core::swap::Decision::Ready => {
                swap.word = true;
                Ok(Phase::Handover)
            }
            Phase::Shadow => {
                let (seen, asked) = (swap.tally.compared, swap.criteria.shadow_frames);
                let why = format!("{seen} of {asked} frames were compared in shadow");
                Err(SwapRefused::NotReady { plugin: name, why })
            }
            Phase::Trial => {
                let why = "its operator committed it".to_owned();
                self.make_durable(plugin, why, now_ns);
                Ok(Phase::Committing)
            }
            Phase::Handover | Phase::Committing => {
                let why = format!("it is in the phase `{}`, which takes a moment", swap.phase.name());
                Err(SwapRefused::NotReady { plugin: name, why })
            }
            Phase::Committed | Phase::Rejected | Phase::Reverted => Err(SwapRefused::None { plugin: name }),
        }
    }

    /// An operator's no: the incumbent runs on, or runs again.
    pub fn roll_back_swap(&mut self, plugin: usize, now_ns: TimeNs) -> Result<Phase, SwapRefused> {
        let Some(index) = self.swaps.under_way.iter().position(|swap| swap.plugin == plugin) else {
            return Err(SwapRefused::None { plugin: self.plugins[plugin].config.name.clone() });
        };
        let why = "its operator rolled it back".to_owned();
        match self.swaps.under_way[index].phase {
            Phase::Trial => self.give_back(index, why, false, now_ns),
            Phase::Committing => {
                let plugin = self.plugins[plugin].config.name.clone();
                return Err(SwapRefused::NotReady { plugin, why: "its end is being written".to_owned() });
            }
            Phase::Shadow | Phase::Handover | Phase::Committed | Phase::Rejected | Phase::Reverted => {
                self.drop_candidate(index, why, false);
            }
        }
        Ok(self.swaps.ended.back().map_or(Phase::Reverted, |swap| swap.phase))
    }

    /// The run ends: what is under way goes, which counts against nobody. What can't be written in time is found and undone by
    /// the next start.
    pub(super) fn abandon_swaps(&mut self) {
        for index in 0..self.swaps.under_way.len() {
            let swap = &self.swaps.under_way[index];
            if let Some(number) = swap.writing {
                self.swaps.keeper.wait(number);
            }
            let swap = &self.swaps.under_way[index];
            let begun = matches!(swap.phase, Phase::Handover | Phase::Trial) && swap.intent.is_some();
            if begun {
                let entry = abort(swap, false);
                let number = self.swaps.keeper.write(entry);
                self.swaps.keeper.wait(number);
            }
        }
    }

    /// For each worker of a plugin's instances another one.
    fn twin_workers(&mut self, plugin: usize) -> Result<HashMap<usize, usize>, SwapRefused> {
        let mut workers = HashMap::new();
        for slot in self.slots.iter().filter(|slot| slot.plugin == plugin) {
            if workers.contains_key(&slot.worker) {
                continue;
            }
            let other = match self.swaps.spare_workers.pop() {
                Some(spare) => spare,
                None => self.pool.grow().map_err(|error| SwapRefused::Thread(error.to_string()))?,
            };
            workers.insert(slot.worker, other);
        }
        Ok(workers)
    }
}

/// A line about it.
fn step(swap: &Swap, text: String) -> SwapStep {
    let executes = match swap.phase {
        Phase::Trial | Phase::Committing | Phase::Committed => &swap.candidate,
        Phase::Shadow | Phase::Handover | Phase::Rejected | Phase::Reverted => &swap.incumbent,
    };
    SwapStep {
        plugin: Arc::clone(&swap.name),
        number: swap.number,
        phase: swap.phase.name(),
        executes: executes.component.digest().into(),
        text: format!("{}: {text}", swap.title),
    }
}

/// The entry that ends a swap badly.
fn abort(swap: &Swap, strike: bool) -> Entry {
    Entry::Abort { plugin: swap.name.to_string(), strike }
}
