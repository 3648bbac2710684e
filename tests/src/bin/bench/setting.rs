//! What the engine's settings and the quality column cost: a frame of 1,024 and of 4,096 new values with
//! each left out, against all on.

use crate::calls::{frame, least_call_ns, micros, zscore};
use anyhow::Result;
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
        for (name, _, least) in instances {
            figures.insert(format!("frame{}_us_{name}", frame.new_rows() * frame.columns), json!(micros(least)));
        }
    }
    Ok(())
}
