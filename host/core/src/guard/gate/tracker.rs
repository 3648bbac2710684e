//! Which items are on their way to a gate, and what it owes to those that are at it.

use super::belt::{Belt, Motion};
use super::{Action, ActionCause, Arrival, Fallback, GateSpec, ItemReason, OwnedVerdict};
use crate::guard::actuator::Tick;
use crate::guard::verdict::Verdict;
use crate::image::ProcessImage;
use crate::outcome::Decision;
use crate::time::{DurationNs, SECOND_NS, TimeNs};
use std::collections::VecDeque;

/// Items between a trigger and its gate. A belt with more of them is none; past it everything on the way counts as lost.
const MAX_TRACKED: usize = 4_096;
/// Stretches of belt of which nothing is known.
const MAX_UNKNOWN: usize = 64;
/// After a counter began anew, items that are told within this may have counts of before: they are lost with the others.
const MIXED_NS: DurationNs = SECOND_NS;
/// Largest count that a tag's number can tell exactly.
const MAX_RAW: f64 = 9_007_199_254_740_992.0;

/// What the gate owes to an item that came to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owed {
    action: Action,
    cause: ActionCause,
}

#[derive(Clone, Debug)]
struct Tracked {
    id: u64,
    /// Where the belt was at the trigger.
    at: i64,
    /// Half of the stretch on which it is.
    half: i64,
    verdict: Option<Decision>,
    /// From when it came to the gate.
    owed: Option<Owed>,
    /// It was at the gate without a verdict, and the line was to be stopped.
    awaited: bool,
    done: bool,
    /// It left, and was told.
    has_left: bool,
}

impl Tracked {
    /// Its stretch, at the trigger.
    fn stretch(&self) -> (i64, i64) {
        (self.at.saturating_sub(self.half), self.at.saturating_add(self.half))
    }
}

/// An item that left, before the guard adds which gate it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::guard) struct Left {
    pub(in crate::guard) item: u64,
    pub(in crate::guard) action: Action,
    pub(in crate::guard) cause: ActionCause,
    pub(in crate::guard) done: bool,
}

/// A gate from scan to scan.
#[derive(Clone, Debug)]
pub(in crate::guard) struct Gate {
    spec: GateSpec,
    belt: Belt,
    /// By their place on the belt, the first to come first.
    items: VecDeque<Tracked>,
    /// Stretches, at the trigger, that passed it unseen; the oldest first.
    unknown: VecDeque<(i64, i64)>,
    /// Until when counts of before and after a new beginning may be mixed.
    mixed_until_ns: Option<TimeNs>,
    /// What is at the gate until the next command takes effect: places at the trigger. None while the belt is not known.
    span: Option<(i64, i64)>,
    /// The item that the line stands for.
    halted: Option<u64>,
    left: Vec<Left>,
}

impl Gate {
    pub(in crate::guard) fn new(spec: GateSpec) -> Gate {
        Gate {
            belt: Belt::new(spec.modulus, (2 * spec.window, spec.window), spec.distance),
            spec,
            items: VecDeque::new(),
            unknown: VecDeque::new(),
            mixed_until_ns: None,
            span: None,
            halted: None,
            left: Vec::new(),
        }
    }

    pub(in crate::guard) fn spec(&self) -> &GateSpec {
        &self.spec
    }

    /// Takes in where the belt is.
    pub(in crate::guard) fn sense(&mut self, tick: Tick, image: &ProcessImage) {
        let state = image.get(self.spec.encoder);
        let usable = state.quality.is_usable() && state.value.abs() <= MAX_RAW;
        self.mixed_until_ns = self.mixed_until_ns.filter(|until_ns| tick.now_ns < *until_ns);
        let before = self.belt.last_position();
        let was_blind = self.belt.position().is_none();
        let motion = self.belt.sense(usable.then(|| state.value.round() as i64));
        let Some(position) = self.belt.position() else {
            self.span = None;
            return;
        };
        match (motion, before) {
            (Motion::Anew, _) => {
                self.lose_all();
                self.unknown.clear();
                self.unknown.push_back((i64::MIN, position));
                self.mixed_until_ns = Some(tick.now_ns.saturating_add_unsigned(MIXED_NS));
            }
            (Motion::Known, _) if self.mixed_until_ns.is_some() => {
                if let Some((_, end)) = self.unknown.back_mut() {
                    *end = position.max(*end);
                }
            }
            // What came in meanwhile may have been told or not.
            (Motion::Known, Some(before)) if was_blind && before < position => self.forget(before, position),
            (Motion::Known | Motion::Blind, _) => {}
        }
        let travel = self.belt.travel();
        let lead_s = self.spec.delay_ns as f64 / SECOND_NS as f64;
        // The belt goes on as it did since the last scan.
        let lead = if tick.elapsed_s > 0.0 { (travel as f64 * lead_s / tick.elapsed_s).round() as i64 } else { 0 };
        let lead = lead.clamp(-self.spec.distance, self.spec.distance);
        let from = position.saturating_sub(self.spec.distance).saturating_add(lead);
        let to = from.saturating_add(travel);
        self.span = Some((from.min(to), from.max(to)));
    }

    fn forget(&mut self, from: i64, to: i64) {
        if self.unknown.len() == MAX_UNKNOWN
            && let (Some((first, _)), Some(next)) = (self.unknown.pop_front(), self.unknown.front_mut())
        {
            next.0 = first;
        }
        self.unknown.push_back((from, to));
    }

    /// An item passed the trigger. False where it is on its way already.
    pub(in crate::guard) fn arrive(&mut self, arrival: &Arrival) -> bool {
        if self.find(arrival.item).is_some() {
            return false;
        }
        let (spec, travel) = (&self.spec, self.belt.travel().abs());
        let Some(now) = self.belt.last_position().filter(|_| self.mixed_until_ns.is_none()) else {
            // It is somewhere on what is not known.
            self.leave(arrival.item, Owed { action: spec.unknown(), cause: ActionCause::Lost }, false);
            return true;
        };
        let half = spec.window / 2;
        let reach = 2 * spec.distance;
        let told = arrival.encoder.and_then(|raw| self.belt.place(raw));
        // Counts that can't be are as good as none: it passed since the last scan.
        let (at, half) = match told.filter(|at| now.saturating_sub(*at).saturating_abs() <= reach) {
            Some(at) => (at, half),
            None => (now, half + travel),
        };
        if self.items.len() == MAX_TRACKED {
            self.make_room(now);
        }
        let place = self.items.partition_point(|item| item.at <= at);
        let tracked = Tracked {
            id: arrival.item,
            at,
            half,
            verdict: None,
            owed: None,
            awaited: false,
            done: true,
            has_left: false,
        };
        self.items.insert(place, tracked);
        true
    }

    fn make_room(&mut self, now: i64) {
        self.items.retain(|item| !item.has_left);
        if self.items.len() == MAX_TRACKED {
            self.lose_all();
            self.unknown.clear();
            self.unknown.push_back((i64::MIN, now));
        }
    }

    /// Everything on the way is somewhere else than it was thought to be.
    fn lose_all(&mut self) {
        let unknown = self.spec.unknown();
        for item in std::mem::take(&mut self.items).into_iter().filter(|item| !item.has_left) {
            let action = item.owed.map_or(item.verdict.map_or(unknown, Action::from), |owed| owed.action);
            self.leave(item.id, Owed { action, cause: ActionCause::Lost }, false);
        }
    }

    fn leave(&mut self, item: u64, owed: Owed, done: bool) {
        self.left.push(Left { item, action: owed.action, cause: owed.cause, done });
    }

    /// The item of this id that is on its way.
    fn find(&mut self, id: u64) -> Option<&mut Tracked> {
        self.items.iter_mut().rev().find(|item| item.id == id && !item.has_left)
    }

    /// Takes a verdict. Of two on one item the stricter holds.
    pub(in crate::guard) fn judge(&mut self, verdict: &OwnedVerdict) -> (Verdict, ItemReason) {
        let Some(item) = self.find(verdict.item) else { return (Verdict::Rejected, ItemReason::NoSuchItem) };
        if item.owed.is_some() {
            return (Verdict::Rejected, ItemReason::TooLate);
        }
        if !verdict.quality.is_usable() {
            return (Verdict::Held, ItemReason::Unusable);
        }
        let reason = match item.verdict {
            None => ItemReason::OnItsWay,
            Some(before) if Action::from(before) < Action::from(verdict.decision) => ItemReason::Stricter,
            Some(_) => return (Verdict::Held, ItemReason::Twice),
        };
        item.verdict = Some(verdict.decision);
        if self.halted == Some(verdict.item) {
            self.halted = None;
        }
        (Verdict::Accepted, reason)
    }

    /// Settles what is owed to the items that came to the gate. `can_stop`: the line stands where the gate says so. True
    /// where the line is to be stopped for an item that it was not stopped for before.
    pub(in crate::guard) fn settle(&mut self, can_stop: bool) -> bool {
        let Some((from, to)) = self.span else { return false };
        let mut halts = None;
        let ahead = if self.spec.fallback == Fallback::Stop { self.spec.stop_ahead } else { 0 };
        for item in self.items.iter_mut().filter(|item| item.owed.is_none()) {
            let (begin, end) = item.stretch();
            if to < begin {
                if item.verdict.is_none() && begin.saturating_sub(ahead) <= to && ahead > 0 {
                    halts = halts.or(Some(item.id));
                }
                continue;
            }
            let is_past = end < from;
            let cause = if is_past && !item.awaited { ActionCause::Unseen } else { ActionCause::NoVerdict };
            // A quarter of its stretch forgives a belt that speeds up.
            item.done &= from <= begin.saturating_add(item.half / 2);
            let action = match (item.verdict, self.spec.fallback) {
                (Some(decision), _) => {
                    let cause = if is_past { cause } else { ActionCause::Verdict };
                    item.owed = Some(Owed { action: decision.into(), cause });
                    continue;
                }
                (None, Fallback::Reject) => Action::Reject,
                (None, Fallback::Pass) => Action::Pass,
                (None, Fallback::Stop) => {
                    halts = halts.or(Some(item.id));
                    item.awaited = true;
                    Action::Stop
                }
            };
            if is_past || action != Action::Stop {
                item.owed = Some(Owed { action, cause });
            }
        }
        if !can_stop {
            self.halted = None;
            return false;
        }
        let begins = self.halted.is_none() && halts.is_some();
        self.halted = self.halted.or(halts);
        begins
    }

    /// What the gate is to be driven to; none before the belt was first seen.
    pub(in crate::guard) fn demand(&self) -> Option<f64> {
        self.belt.last_position()?;
        Some(self.spec.positions.of(self.action()))
    }

    fn action(&self) -> Action {
        if self.halted.is_some() {
            return Action::Stop;
        }
        let Some((from, to)) = self.span else {
            return match self.spec.fallback {
                Fallback::Pass => Action::Pass,
                Fallback::Reject => Action::Reject,
                Fallback::Stop => Action::Stop,
            };
        };
        let is_there = |(begin, end): (i64, i64)| begin <= to && from <= end;
        let at_gate = self.items.iter().filter(|item| is_there(item.stretch()));
        if let Some(strictest) = at_gate.filter_map(|item| item.owed.map(|owed| owed.action)).max() {
            return strictest;
        }
        let half = self.spec.window / 2;
        let mut unknown =
            self.unknown.iter().map(|(begin, end)| (begin.saturating_sub(half), end.saturating_add(half)));
        if unknown.any(is_there) { self.spec.unknown() } else { self.spec.rest }
    }

    /// After this scan's command: whether what is owed is in force, and who has left.
    pub(in crate::guard) fn confirm(&mut self, in_force: Option<f64>) -> Vec<Left> {
        let owing = self.items.iter_mut().filter(|item| !item.has_left);
        let Some((from, to)) = self.span else {
            owing.filter(|item| item.owed.is_some()).for_each(|item| item.done = false);
            return std::mem::take(&mut self.left);
        };
        for item in owing {
            let (Some(owed), (begin, end)) = (item.owed, item.stretch()) else { continue };
            if from <= end {
                item.done &= to < begin || in_force == Some(self.spec.positions.of(owed.action));
            } else {
                item.has_left = true;
                self.left.push(Left { item: item.id, action: owed.action, cause: owed.cause, done: item.done });
            }
        }
        // A belt that runs back brings them to the gate again.
        let behind = from.saturating_sub(self.spec.distance).saturating_sub(self.spec.window);
        while self.items.front().is_some_and(|item| item.has_left && item.at < behind) {
            self.items.pop_front();
        }
        while self.unknown.front().is_some_and(|(_, end)| *end < behind) {
            self.unknown.pop_front();
        }
        std::mem::take(&mut self.left)
    }

    /// The line stands for an item without a verdict.
    pub(in crate::guard) fn is_halted(&self) -> bool {
        self.halted.is_some()
    }

    /// An operator goes on: the item that the line stands for is taken out.
    pub(in crate::guard) fn reset(&mut self) {
        let Some(id) = self.halted.take() else { return };
        if let Some(item) = self.find(id).filter(|item| item.owed.is_none()) {
            item.owed = Some(Owed { action: Action::Reject, cause: ActionCause::Operator });
        }
    }
}
