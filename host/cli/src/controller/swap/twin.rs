//! The second instance of a slot while its plugin is swapped: first the candidate's, in the trial the incumbent's.
//!
//! ```text
//! Wanted ──► Saving ──► Starting ──► Computing ──► (owner, or gone)
//! ```
//!
//! From the frame after which the owner's state was saved, every frame that the owner gets is kept for the twin too, so that
//! it loses none while it is started.

use dinrail_core::outcome::{CallReport, Fault, Outcome};
use dinrail_core::swap::Tally;
use dinrail_engine::{Asked, Instance};
use std::collections::VecDeque;

/// Most frames that wait for a twin. A candidate that falls behind so far is too slow for its place.
pub const MAX_BACKLOG: usize = 4_096;
/// Most outcomes that wait to be compared.
const MAX_COMPARED: usize = MAX_BACKLOG;

/// Where it stands.
#[derive(Debug, PartialEq)]
pub enum Standing {
    /// The owner's state is to be taken once it is at rest.
    Wanted,
    /// The owner's instance is away to be saved.
    Saving,
    /// It is being started, and gets the state.
    Starting,
    /// It computes.
    Computing,
    /// It is gone; why.
    Lost(Fault),
    /// Its owner's state is not to be had; why. That says nothing against the candidate.
    Stateless(Fault),
}

/// See the module.
#[derive(Debug)]
pub struct Twin {
    /// Tells what comes back for it from what comes back for one before it.
    pub epoch: u32,
    /// Its worker.
    pub worker: usize,
    /// The instance; away or not there yet where there is none.
    pub instance: Option<Box<Instance>>,
    /// Where it stands.
    pub standing: Standing,
    /// Frames that it has not been given yet.
    backlog: VecDeque<Asked>,
    /// Whether it is away computing.
    is_away: bool,
    /// What it answered, by the frame's scan, and was not compared yet.
    answers: VecDeque<(u64, CallReport)>,
    /// What the owner answered.
    owners: VecDeque<(u64, Outcome)>,
    /// Frames that came while it could take no more.
    overflowed: u64,
}

impl Twin {
    /// One that is wanted.
    pub fn new(epoch: u32, worker: usize) -> Twin {
        Twin {
            epoch,
            worker,
            instance: None,
            standing: Standing::Wanted,
            backlog: VecDeque::new(),
            is_away: false,
            answers: VecDeque::new(),
            owners: VecDeque::new(),
            overflowed: 0,
        }
    }

    /// A running instance that steps aside for another: it computes on.
    pub fn stepping_aside(epoch: u32, worker: usize, instance: Box<Instance>) -> Twin {
        Twin { instance: Some(instance), standing: Standing::Computing, ..Twin::new(epoch, worker) }
    }

    /// A frame that the owner gets.
    pub fn offer(&mut self, asked: Asked) {
        match self.standing {
            Standing::Wanted | Standing::Lost(_) | Standing::Stateless(_) => {}
            Standing::Saving | Standing::Starting | Standing::Computing if self.backlog.len() < MAX_BACKLOG => {
                self.backlog.push_back(asked);
            }
            Standing::Saving | Standing::Starting | Standing::Computing => self.overflowed += 1,
        }
    }

    /// Its instance and the frames that it has to compute now, if it is there and there are any.
    pub fn take_work(&mut self) -> Option<(Box<Instance>, VecDeque<Asked>)> {
        if self.standing != Standing::Computing || self.backlog.is_empty() {
            return None;
        }
        let instance = self.instance.take()?;
        self.is_away = true;
        Some((instance, std::mem::take(&mut self.backlog)))
    }

    /// It comes back with answers.
    pub fn came_back(&mut self, instance: Box<Instance>, reports: Vec<(u64, CallReport)>) {
        self.is_away = false;
        if instance.is_poisoned() {
            let lost = reports.last().and_then(|(_, report)| match &report.outcome {
                Outcome::Faulted(fault) => Some(fault.clone()),
                Outcome::Answered(_) | Outcome::Missed | Outcome::Skipped(_) => None,
            });
            self.standing = Standing::Lost(lost.unwrap_or(Fault::Internal("its instance was lost".to_owned())));
        } else {
            self.instance = Some(instance);
        }
        for answer in reports {
            if self.answers.len() == MAX_COMPARED {
                self.answers.pop_front();
            }
            self.answers.push_back(answer);
        }
    }

    /// The owner's outcome of a frame, for comparison.
    pub fn owner_answered(&mut self, scan: u64, outcome: &Outcome) {
        if self.standing == Standing::Wanted || self.standing == Standing::Saving {
            return;
        }
        if self.owners.len() == MAX_COMPARED {
            self.owners.pop_front();
        }
        self.owners.push_back((scan, outcome.clone()));
    }

    /// Its own answer to the frame of a scan, if it has one.
    pub fn answer_to(&mut self, scan: u64) -> Option<CallReport> {
        let at = self.answers.iter().position(|(of, _)| *of == scan)?;
        self.answers.remove(at).map(|(_, report)| report)
    }

    /// Whether it computed every frame that the owner was given.
    pub fn is_caught_up(&self) -> bool {
        self.standing == Standing::Computing && self.backlog.is_empty() && !self.is_away && self.instance.is_some()
    }

    /// Whether it is busy with frames.
    pub fn is_away(&self) -> bool {
        self.is_away
    }

    /// Counts the frames that both have an outcome for. The twin is the candidate or, in a trial, the incumbent.
    pub fn compare(&mut self, tally: &mut Tally, tolerance: f64, candidate_is_twin: bool) {
        tally.missed += std::mem::take(&mut self.overflowed);
        while let Some((scan, _)) = self.owners.front() {
            let Some(at) = self.answers.iter().position(|(of, _)| of == scan) else {
                // Answers come in the order of their frames: where a later one is there, this one never comes.
                let scan = *scan;
                if self.answers.back().is_some_and(|(of, _)| *of > scan) {
                    self.owners.pop_front();
                    continue;
                }
                break;
            };
            let Some((_, owner)) = self.owners.pop_front() else { break };
            let answer = self.answers.drain(..=at).next_back();
            let Some((_, answer)) = answer else { break };
            if candidate_is_twin {
                tally.count(&owner, &answer.outcome, tolerance);
            } else {
                tally.count(&answer.outcome, &owner, tolerance);
            }
        }
    }
}
