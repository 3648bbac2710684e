//! Samples: quality, staleness, order, through the process image and the frame builder.

use crate::Proof;
use anyhow::Result;
use dinrail_core::frame::{FrameBuilder, ValueColumn};
use dinrail_core::image::{ArrivalCounts, ProcessImage};
use dinrail_core::reading::{RawValue, Reading, ReadingKind, SourceId};
use dinrail_core::tag::{Quality, Tag, TagId, TagTable};
use dinrail_core::time::TimeNs;
use dinrail_core::unit::{Conversion, Unit};

const SHUFFLED: u64 = 1_000_000;
const SCAN_NS: i64 = 100_000_000;

fn one_tag(change: impl FnOnce(&mut Tag)) -> Result<(TagTable, TagId)> {
    let mut tag = Tag::new("t", Unit::parse("bar")?);
    change(&mut tag);
    let mut tags = TagTable::default();
    let id = tags.add(tag)?;
    Ok((tags, id))
}

fn reading(id: TagId, time_ns: TimeNs, raw: RawValue) -> Reading {
    Reading { source: SourceId(0), kind: ReadingKind::Live, asset: None, time_ns, values: vec![(id, raw)] }
}

/// Row 23. Every kind of value after every other, with and without range: what a frame says of it.
pub(crate) fn qualities() -> Result<Proof> {
    let text = |text: &str| RawValue::Text(text.into());
    let number = RawValue::Number;
    // Whether it is good without a range, and with one from 0 to 10.
    let values = [
        (number(5.0), true, true),
        (number(0.0), true, true),
        (number(10.0), true, true),
        (number(10.000_001), true, false),
        (number(-0.000_001), true, false),
        (number(f64::NAN), false, false),
        (number(f64::INFINITY), false, false),
        (number(f64::NEG_INFINITY), false, false),
        (number(f64::MAX), true, false),
        (RawValue::Bool(true), true, true),
        (text("7.5"), true, true),
        (text("seven"), false, false),
        (text("nan"), false, false),
        (text("inf"), false, false),
        (text(""), false, false),
        (RawValue::Missing, false, false),
    ];
    let (mut cases, mut wrong) = (0, 0);
    for ranged in [false, true] {
        let (tags, id) = one_tag(|tag| tag.range = ranged.then_some((0.0, 10.0)))?;
        for first in &values {
            for second in &values {
                let mut image = ProcessImage::new(&tags);
                let column = ValueColumn { tag: id, conversion: Conversion::IDENTITY, range: None };
                let mut builder = FrameBuilder::new(vec![column], vec![], 1);
                for (time, value) in [(1, first), (2, second)] {
                    image.apply(&tags, &reading(id, time, value.0.clone()), time);
                    builder.push_row(time, &image);
                }
                let Some(frame) = builder.take(0, 2) else { continue };
                for (row, value) in [first, second].into_iter().enumerate() {
                    cases += 1;
                    let good = if ranged { value.2 } else { value.1 };
                    let said = Quality::from_code(frame.quality[row]);
                    let sound = said == Quality::Good && frame.values[row].is_finite();
                    let refused = said == Quality::Bad;
                    wrong += u32::from(if good { !sound } else { !refused });
                }
            }
        }
    }
    Ok(Proof { figure: format!("{cases} values in frames, {wrong} with a wrong quality"), holds: wrong == 0 })
}

/// Row 24. Scans of 100 ms; a tag falls silent at every offset within a scan.
pub(crate) fn staleness() -> Result<Proof> {
    let (mut latest_scans, mut early, mut cases) = (0, 0, 0);
    for stale_after_ms in [50_i64, 100, 250, 1_000, 60_000] {
        let limit_ns = stale_after_ms * 1_000_000;
        let (tags, id) = one_tag(|tag| tag.stale_after_ns = Some(limit_ns.unsigned_abs()))?;
        for offset_ns in (0..SCAN_NS).step_by(1_000_000) {
            let mut image = ProcessImage::new(&tags);
            image.apply(&tags, &reading(id, offset_ns, RawValue::Number(1.0)), offset_ns);
            let expires_ns = offset_ns + limit_ns;
            let mut now_ns = SCAN_NS;
            loop {
                image.mark_stale(&tags, now_ns);
                let is_stale = image.get(id).quality == Quality::Stale;
                if now_ns <= expires_ns {
                    early += u32::from(is_stale);
                } else if is_stale {
                    latest_scans = latest_scans.max((now_ns - expires_ns - 1) / SCAN_NS + 1);
                    break;
                }
                now_ns += SCAN_NS;
            }
            cases += 1;
        }
    }
    Ok(Proof {
        figure: format!("{cases} silences, the latest seen {latest_scans} scan after its limit, {early} too early"),
        holds: latest_scans <= 1 && early == 0,
    })
}

/// Row 25. A million samples, shuffled over a distance and a tenth of them twice.
pub(crate) fn order() -> Result<Proof> {
    let (tags, id) = one_tag(|_| {})?;
    let mut state = 7_u64;
    let mut chance = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut times: Vec<i64> = (0..SHUFFLED as i64).collect();
    for index in 0..times.len() {
        let other = (index + chance(8) as usize).min(times.len() - 1);
        times.swap(index, other);
    }
    let mut image = ProcessImage::new(&tags);
    let (mut counts, mut expected, mut newest) = (ArrivalCounts::default(), ArrivalCounts::default(), i64::MIN);
    for time in times {
        let repeats = if chance(10) == 0 { 2 } else { 1 };
        for _ in 0..repeats {
            counts.add(image.apply(&tags, &reading(id, time, RawValue::Number(time as f64)), time));
            match time.cmp(&newest) {
                std::cmp::Ordering::Greater => expected.applied += 1,
                std::cmp::Ordering::Equal => expected.duplicates += 1,
                std::cmp::Ordering::Less => expected.reordered += 1,
            }
            newest = newest.max(time);
        }
    }
    Ok(Proof {
        figure: format!(
            "{SHUFFLED} samples: {} applied, {} duplicates, {} reordered; expected {}, {}, {}",
            counts.applied,
            counts.duplicates,
            counts.reordered,
            expected.applied,
            expected.duplicates,
            expected.reordered
        ),
        holds: counts == expected && image.get(id).value == newest as f64,
    })
}
