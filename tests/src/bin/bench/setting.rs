//! What the engine's settings and the quality column cost: a frame of 1,024 and of 4,096 new values with
//! each left out, against all on; and all on with one stale value, since the guest masks only where something
//! is missing.

use crate::calls::{frame, least_call_ns, micros, zscore};
use anyhow::Result;
use dinrail_core::tag::Quality;
use dinrail_engine::{Engine, EngineSettings};
use serde_json::{Map, Value, json};

/// Rounds in which the variants take turns.
const ROUNDS: usize = 10;

/// Measures each variant.
pub(crate) fn measure(figures: &mut Map<String, Value>) -> Result<()> {
    let variants = [
        ("all_on", EngineSettings::default(), true),
        ("without_epochs", EngineSettings { epochs: false, ..EngineSettings::default() }, true),
        ("without_nan_canonical", EngineSettings { canonical_nan: false, ..EngineSettings::default() }, true),
        ("without_quality_column", EngineSettings::default(), false),
    ];
    for new_rows in [16, 64] {
        let frame = frame(new_rows);
        let mut instances = Vec::new();
        for (name, settings, quality) in &variants {
            let engine = Engine::new(settings.clone())?;
            instances.push((*name, zscore(&engine, *quality)?, f64::MAX));
        }
        for _ in 0..ROUNDS {
            for (_, instance, least) in &mut instances {
                *least = least.min(least_call_ns(instance, &frame)?);
            }
        }
        let values = frame.new_rows() * frame.columns;
        for (name, _, least) in &instances {
            figures.insert(format!("frame{values}_us_{name}"), json!(micros(*least)));
        }
        let mut gap = frame;
        if let (Some(quality), Some((_, instance, _))) = (gap.quality.last_mut(), instances.first_mut()) {
            *quality = Quality::Stale as u8;
            figures.insert(format!("frame{values}_us_with_a_gap"), json!(micros(least_call_ns(instance, &gap)?)));
        }
    }
    Ok(())
}
