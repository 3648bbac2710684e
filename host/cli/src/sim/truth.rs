//! What is really so, one JSON object a line, for whoever judges: the one place where a plant tells it.

use dinrail_core::time::TimeNs;
use dinrail_field::message::rfc3339;
use dinrail_sim::{Account, Truth};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// The file of the truth.
pub(super) struct TruthFile(BufWriter<File>);

impl TruthFile {
    pub(super) fn create(path: &Path) -> io::Result<TruthFile> {
        Ok(TruthFile(BufWriter::new(File::create(path)?)))
    }

    /// The truth of a moment.
    pub(super) fn moment(&mut self, time_ns: TimeNs, truth: &Truth) -> io::Result<()> {
        self.line(&object(time_ns, truth))
    }

    /// What the run came to, behind everything else.
    pub(super) fn end(mut self, account: Option<&Account>) -> io::Result<()> {
        if let Some(account) = account {
            self.line(&json!({ "account": {
                "time_s": account.time_s,
                "cost": account.cost,
                "baseline": account.baseline,
                "optimum": account.optimum,
                "violation_s": account.violation_s,
            }}))?;
        }
        self.0.flush()
    }

    fn line(&mut self, object: &Value) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, object)?;
        self.0.write_all(b"\n")
    }
}

/// What is none is left out.
fn object(time_ns: TimeNs, truth: &Truth) -> Value {
    let mut object = Map::new();
    let time = rfc3339(time_ns);
    object.insert("time".into(), String::from_utf8_lossy(&time).into());
    object.insert("time_s".into(), truth.time_s.into());
    object.insert("faults".into(), truth.active.clone().into());
    let numbers = [
        ("profit", truth.profit),
        ("optimum_profit", truth.optimum_profit),
        ("cost", truth.cost),
        ("optimum_cost", truth.optimum_cost),
        ("violation", truth.violation),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            object.insert(name.into(), number.into());
        }
    }
    if let Some(condition) = &truth.condition {
        let mut machine = json!({ "health": condition.health(), "mode": condition.mode });
        if let Some(life_s) = condition.life_s {
            machine["life_s"] = life_s.into();
        }
        object.insert("machine".into(), machine);
    }
    Value::Object(object)
}
