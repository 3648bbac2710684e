//! Words about versions: install, swap, commit, roll back, set, and the status that shows what came of them.

use super::Controller;
use super::figures::CallFigures;
use super::shelf::{Came, Keeping, Pending, Task, Wanted, parameter};
use super::slots::Plugin;
use super::supervision::Standing;
use super::swap::{Candidate, Phase, Swap};
use crate::control::{Answer, PluginLine, Request, SwapLine, SwapTerms};
use dinrail_core::swap::Criteria;
use dinrail_core::time::{SECOND_NS, TimeNs};
use std::sync::Arc;

/// Swaps that ended and are told of.
const MAX_ENDED: usize = 8;

impl Controller {
    /// Hands a request to the shelf, or answers it where that needs no shelf.
    pub(super) fn ask_shelf(&mut self, pending: Pending, now_ns: TimeNs) {
        let request = pending.letter.request.clone();
        let task: Result<Task, Answer> = match request {
            Request::Install { path, downgrade, dry_run } => {
                let by = pending.letter.user.clone();
                Ok(Box::new(move |keeping: &Keeping| keeping.install(&path, &by, downgrade, dry_run)))
            }
            Request::Bundles => Ok(Box::new(|keeping: &Keeping| keeping.bundles())),
            Request::Swap { plugin, bundle, terms, dry_run } => self.wanted(&plugin, &terms, dry_run).map(|wanted| {
                let swap = move |keeping: &Keeping| keeping.swap(&wanted, &bundle);
                Box::new(swap) as Task
            }),
            Request::Set { plugin, parameter: name, value, dry_run } => {
                let terms = at_once();
                self.wanted(&plugin, &terms, dry_run).map(|wanted| {
                    let set = move |keeping: &Keeping| keeping.set(&wanted, &name, &parameter(&value));
                    Box::new(set) as Task
                })
            }
            Request::Rollback { plugin, dry_run } => match self.rolled_back(&plugin, dry_run, now_ns) {
                Some(answer) => Err(answer),
                None => {
                    self.wanted(&plugin, &SwapTerms { cold: true, grant: true, ..at_once() }, dry_run).map(|wanted| {
                        let back = move |keeping: &Keeping| keeping.roll_back(&wanted);
                        Box::new(back) as Task
                    })
                }
            },
            _ => Err(Answer::Refused { why: "this is no request about versions".to_owned() }),
        };
        let Some(shelf) = &self.shelf else {
            let why = "this controller swaps nothing: it has no shelf in virtual time".to_owned();
            return self.answer(pending, Answer::Refused { why });
        };
        let refused = match task {
            Ok(task) => match shelf.ask(pending, task) {
                Ok(()) => return,
                Err(pending) => {
                    let why = "too many requests about versions wait; try again".to_owned();
                    (*pending, Answer::Refused { why })
                }
            },
            Err(answer) => (pending, answer),
        };
        self.answer(refused.0, refused.1);
    }

    /// What the shelf did since the last scan.
    pub(super) fn take_from_shelf(&mut self, now_ns: TimeNs) {
        let Some(shelf) = &self.shelf else { return };
        for (pending, came) in shelf.ended() {
            let answer = match came {
                Came::Answer(answer) => answer,
                Came::Candidate(prepared) => {
                    let title = prepared.title.clone();
                    let candidate = Candidate {
                        plugin: prepared.candidate,
                        title: prepared.title,
                        criteria: prepared.criteria,
                        cold: prepared.cold,
                        intent: prepared.intent,
                    };
                    let name = self.plugins[prepared.plugin].config.name.clone();
                    match self.begin_swap(prepared.plugin, candidate, now_ns) {
                        Ok(number) => Answer::Done {
                            text: format!("swap {number} of {name}: {title} runs in shadow; `dinrail status` shows it"),
                        },
                        Err(error) => Answer::Refused { why: error.to_string() },
                    }
                }
            };
            self.answer(pending, answer);
        }
    }

    fn answer(&self, pending: Pending, answer: Answer) {
        let Pending { letter, reply, before } = pending;
        self.tell_operator(&letter.user, &letter.request, before, &answer);
        // Who asked may have gone.
        let _ = reply.send(answer);
    }

    fn wanted(&self, plugin: &str, terms: &SwapTerms, dry_run: bool) -> Result<Wanted, Answer> {
        let index = self.plugin_named(plugin)?;
        let criteria = criteria(terms).map_err(|why| Answer::Refused { why })?;
        let incumbent = Arc::clone(&self.plugins[index]);
        let (cold, grant, again) = (terms.cold, terms.grant, terms.again);
        Ok(Wanted { plugin: index, incumbent, criteria, cold, grant, again, dry_run })
    }

    pub(super) fn plugin_named(&self, name: &str) -> Result<usize, Answer> {
        let known = |plugin: &Arc<Plugin>| plugin.config.name == name;
        self.plugins.iter().position(known).ok_or_else(|| {
            let names = self.plugins.iter().map(|plugin| plugin.config.name.as_str());
            let help = crate::config::did_you_mean(name, names);
            Answer::Refused { why: format!("there is no plugin `{name}`; {help}") }
        })
    }

    /// One step on with the swap of a plugin.
    pub(super) fn commit(&mut self, plugin: &str, now_ns: TimeNs) -> Answer {
        let index = match self.plugin_named(plugin) {
            Ok(index) => index,
            Err(answer) => return answer,
        };
        match self.commit_swap(index, now_ns) {
            Ok(Phase::Handover) => {
                Answer::Done { text: format!("{plugin}: the candidate takes over, and is on trial from then on") }
            }
            Ok(_) => Answer::Done {
                text: format!("{plugin}: committed; `dinrail rollback {plugin}` goes back to the version before"),
            },
            Err(error) => Answer::Refused { why: error.to_string() },
        }
    }

    /// Ends the swap of a plugin, where one is under way.
    fn rolled_back(&mut self, plugin: &str, dry_run: bool, now_ns: TimeNs) -> Option<Answer> {
        let index = match self.plugin_named(plugin) {
            Ok(index) => index,
            Err(answer) => return Some(answer),
        };
        let swap = self.swaps.of(index)?;
        if dry_run {
            let text = format!("nothing is changed yet. {} would go, and the version before it runs on", swap.title);
            return Some(Answer::Done { text });
        }
        let title = swap.title.clone();
        Some(match self.roll_back_swap(index, now_ns) {
            Ok(phase) => Answer::Done { text: format!("{plugin}: {title} is {}", phase.name()) },
            Err(error) => Answer::Refused { why: error.to_string() },
        })
    }

    /// What executes as a plugin, for the audit log.
    pub(super) fn version_of(&self, name: &str) -> Option<String> {
        let index = self.plugins.iter().position(|plugin| plugin.config.name == name)?;
        let plugin = &self.plugins[index];
        let swap =
            self.swaps.of(index).map_or_else(String::new, |swap| format!(", {} in {}", swap.title, swap.phase.name()));
        Some(format!("{} {}{swap}", plugin.description.version, plugin.component.digest()))
    }

    /// All plugins as they run.
    pub(super) fn status(&self, now_ns: TimeNs) -> Answer {
        let plugins = (0..self.plugins.len()).map(|index| self.plugin_line(index, now_ns)).collect();
        let ended = self.swaps.all().filter(|swap| swap.phase.is_over()).take(MAX_ENDED);
        Answer::Status { plugins, ended: ended.map(swap_line).collect() }
    }

    fn plugin_line(&self, index: usize, now_ns: TimeNs) -> PluginLine {
        let plugin = &self.plugins[index];
        let mut figures = CallFigures::default();
        let mut state = "running";
        let (mut instances, mut memory_bytes) = (0, 0);
        for slot in self.slots.iter().filter(|slot| slot.plugin == index) {
            instances += 1;
            figures.add(&slot.figures);
            memory_bytes += slot.instance.as_ref().map_or(0, |instance| instance.memory_bytes() as u64);
            state = match (slot.supervision.standing(), state) {
                (Standing::Quarantined, _) | (_, "quarantined") => "quarantined",
                (Standing::Waiting { .. }, _) | (_, "restarting") => "restarting",
                (Standing::Running, _) => "running",
            };
        }
        let [mean_us, jitter_us, p99_us, max_us] = figures.times_us();
        PluginLine {
            name: plugin.config.name.clone(),
            state: state.to_owned(),
            mode: self.plugin_modes[index].name().to_owned(),
            version: plugin.description.version.clone(),
            digest: plugin.component.digest().to_owned(),
            instances,
            generation: self.swaps.generation(index),
            uptime_s: figures.since_ns.map_or(0.0, |since| now_ns.saturating_sub(since) as f64 / SECOND_NS as f64),
            restarts: figures.restarts,
            calls: figures.calls,
            faults: figures.faults,
            misses: figures.misses,
            last_us: figures.last_ns as f64 / 1_000.0,
            mean_us,
            p99_us,
            max_us,
            jitter_us,
            memory_bytes,
            swap: self.swaps.of(index).map(swap_line),
        }
    }
}

/// No shadow, no trial, by itself: for what an operator changes and can undo with a word.
fn at_once() -> SwapTerms {
    SwapTerms { shadow_frames: Some(0), trial_ms: Some(0), automatic: true, ..SwapTerms::default() }
}

fn criteria(terms: &SwapTerms) -> Result<Criteria, String> {
    let mut criteria = Criteria { automatic: terms.automatic, ..Criteria::default() };
    let share = |name: &str, value: Option<f64>, default: f64| match value {
        Some(value) if !(0.0..=1.0).contains(&value) => Err(format!("`{name}` should be between 0 and 1, is {value}")),
        value => Ok(value.unwrap_or(default)),
    };
    criteria.divergence = share("divergence", terms.divergence, criteria.divergence)?;
    criteria.tolerance = share("tolerance", terms.tolerance, criteria.tolerance)?;
    criteria.shadow_frames = terms.shadow_frames.unwrap_or(criteria.shadow_frames);
    criteria.misses = terms.misses.unwrap_or(criteria.misses);
    criteria.trial_ns = terms.trial_ms.map_or(criteria.trial_ns, |ms| ms.saturating_mul(1_000_000));
    Ok(criteria)
}

fn swap_line(swap: &Swap) -> SwapLine {
    SwapLine {
        number: swap.number,
        plugin: swap.name.to_string(),
        title: swap.title.clone(),
        phase: swap.phase.name().to_owned(),
        candidate: swap.candidate_digest().to_owned(),
        compared: swap.tally.compared,
        differing: swap.tally.differing,
        largest: swap.tally.largest,
        failed: swap.tally.missed + swap.tally.faulted,
        why: swap.why.clone(),
    }
}
