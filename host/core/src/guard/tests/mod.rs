//! The guard as its callers see it. A rig holds one output, `sp`, and the tags it looks at.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod advice;
mod configuration;
mod lease_and_stop;
mod orders;
mod precedence;
mod properties;
mod reduced;
mod restart;
mod verdicts;

use super::*;
use crate::reading::{RawValue, Reading, ReadingKind, SourceId};
use crate::tag::{Quality, Tag, TagTable};
use crate::unit::{Conversion, Unit};

pub(super) const SP: OutputId = OutputId(0);
pub(super) const OWNER: InstanceId = InstanceId(7);
pub(super) const SECOND: i64 = SECOND_NS as i64;

/// 70 to 100 Cel, half a degree a second, deadband 0.25, no dwell, lease 60 s, auto, readback.
pub(super) fn spec(tags: &TagTable) -> OutputSpec {
    OutputSpec {
        name: "sp".to_owned(),
        unit: Unit::parse("Cel").unwrap(),
        kind: OutputKind::Analogue,
        range: (70.0, 100.0),
        order: OrderTerms::default(),
        slew_per_s: Some(0.5),
        deadband: 0.25,
        min_dwell_ns: 0,
        inhibit: None,
        reduced: None,
        trip: None,
        fail_safe: None,
        default: None,
        lease_ns: 60 * SECOND_NS,
        on_stop: OnStop::Hold,
        mode: Mode::Auto,
        readback: Some(Readback { tag: tags.find("readback").unwrap(), conversion: Conversion::IDENTITY }),
        owner: Some(OWNER),
        owner_mode: Mode::Auto,
        gate: None,
    }
}

pub(super) fn proposal(setpoint: f64) -> OwnedProposal {
    OwnedProposal {
        owner: OWNER,
        output: SP,
        setpoint,
        valid_for_ns: 60 * SECOND_NS,
        made_scan: u64::MAX,
        input_quality: Quality::Good,
    }
}

pub(super) struct Rig {
    pub(super) tags: TagTable,
    pub(super) image: ProcessImage,
    pub(super) guard: Guard,
    pub(super) now_ns: TimeNs,
    scan: u64,
    source_time_ns: TimeNs,
}

impl Rig {
    /// Made with `change`; the first scan, at second 0, has seen a readback of 80, `permit` 1, `p` 5, `index` 90.
    pub(super) fn new(change: impl FnOnce(&mut OutputSpec, &TagTable)) -> Rig {
        let mut rig = Rig::cold(change);
        rig.set("readback", 80.0);
        rig.set("permit", 1.0);
        rig.set("p", 5.0);
        rig.set("index", 90.0);
        let verdicts = rig.scan_after(0, &[]);
        assert_eq!(verdicts, ScanVerdicts::default());
        rig
    }

    /// Nothing was seen yet.
    pub(super) fn cold(change: impl FnOnce(&mut OutputSpec, &TagTable)) -> Rig {
        let mut tags = TagTable::default();
        for (name, unit) in [("readback", "Cel"), ("permit", ""), ("p", "bar"), ("index", "%")] {
            tags.add(Tag::new(name, Unit::parse(unit).unwrap())).unwrap();
        }
        let mut spec = spec(&tags);
        change(&mut spec, &tags);
        let guard = Guard::new(vec![spec], DurationNs::MAX).unwrap();
        Rig { image: ProcessImage::new(&tags), tags, guard, now_ns: 0, scan: 0, source_time_ns: 0 }
    }

    /// A sample; NaN is a bad one.
    pub(super) fn set(&mut self, name: &str, value: f64) {
        self.source_time_ns += 1;
        let reading = Reading {
            source: SourceId(0),
            kind: ReadingKind::Live,
            asset: None,
            time_ns: self.source_time_ns,
            values: vec![(self.tags.find(name).unwrap(), RawValue::Number(value))],
        };
        self.image.apply(&self.tags, &reading, self.now_ns);
    }

    pub(super) fn scan_after(&mut self, elapsed_ns: i64, proposals: &[OwnedProposal]) -> ScanVerdicts {
        self.now_ns = self.now_ns.saturating_add(elapsed_ns);
        self.scan += 1;
        self.guard.scan(ScanTime { scan: self.scan, time_ns: self.now_ns }, &self.image, proposals)
    }

    /// One scan a second later, with one proposal: its judgement, and what is commanded.
    pub(super) fn propose(&mut self, proposal: OwnedProposal) -> (Judgement, Option<f64>) {
        let verdicts = self.scan_after(SECOND, &[proposal]);
        (verdicts.judgements[0], verdicts.commands.first().map(Command::value))
    }

    /// One scan a second later without proposal: what is commanded and why.
    pub(super) fn idle(&mut self) -> Option<(f64, Cause)> {
        let verdicts = self.scan_after(SECOND, &[]);
        verdicts.commands.first().map(|command| (command.value(), command.cause()))
    }

    pub(super) fn state(&self) -> OutputState {
        self.guard.output_states(&[SP])[0]
    }

    pub(super) fn stop(&mut self) -> StopVerdicts {
        self.guard.stop(ScanTime { scan: self.scan, time_ns: self.now_ns })
    }
}

pub(super) fn expression(text: &str, tags: &TagTable) -> Option<Expression> {
    Some(Expression::parse(text, tags).unwrap())
}
