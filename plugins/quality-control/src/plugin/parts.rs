//! The inputs of a machine that makes parts: a verdict on each, by a model.
//!
//! A row is a part. Its signal stands on the chart of `wear`: how likely the part fails, and the defect as the rule. An
//! item that was triggered at a row's time gets its verdict from that row.

use crate::tabular::{DEFECTS, FEATURES, Measured, Opinion};
use dinrail_sdk::{
    Bindings, ChartSignal, Decision, Description, Fault, Frame, Input, Item, ModelSlot, Parameter, Parameters, Quality,
    Row, Verdict, inference, log, metrics,
};

/// The slot's name, as the configuration grants it.
const MODEL: &str = "failure";
const INPUTS: [&str; 6] = ["air_temperature", "process_temperature", "speed", "torque", "wear", "variant"];

pub(super) fn describe(description: Description) -> Description {
    let [air, process, speed, torque, wear, variant] = INPUTS;
    let bears = |name: &str, value: f64| {
        Parameter::number(name, value).unit("N.m.min").range(1.0, 1e9).about("Torque × wear that the variant bears")
    };
    description
        .input(
            Input::one(air)
                .unit("K")
                .optional()
                .about("Of a machine that makes parts, with the five others and the model `failure`"),
        )
        .input(Input::one(process).unit("K").optional().about("Of the same machine"))
        .input(Input::one(speed).unit("1/min").optional().about("Of its spindle"))
        .input(Input::one(torque).unit("N.m").optional().about("At its spindle"))
        .input(Input::one(wear).unit("min").optional().about("Use of its tool so far"))
        .input(Input::one(variant).optional().about("Of the part: 0, 1 or 2, by the tag's `map` where it is a text"))
        .parameter(bears("bears_0", 11_000.0))
        .parameter(bears("bears_1", 12_000.0))
        .parameter(bears("bears_2", 13_000.0))
        .parameter(
            Parameter::number("reject_above", 0.5)
                .about("A part that fails at least so likely is rejected")
                .range(0.0, 1.0),
        )
        .model(
            ModelSlot::new(MODEL)
                .optional()
                .about("How likely a part is well or has each defect, from the machine's settings")
                .input("features", &[None, Some(FEATURES as u32)])
                .output("shares", &[None, Some(DEFECTS.len() as u32)]),
        )
        .result("failure", "How likely a part fails", "1")
}

/// What answers: the granted model, or a test's.
pub trait Classify {
    /// The shares of the defects for so many parts, one after the other.
    ///
    /// # Errors
    /// What the model says.
    fn classify(&mut self, features: &[f32]) -> Result<Vec<f32>, Fault>;
}

/// The granted model.
pub struct Host(inference::Model);

impl Host {
    /// Opens it.
    ///
    /// # Errors
    /// [`Fault::Model`] where none is granted.
    pub fn open() -> Result<Host, Fault> {
        Ok(Host(inference::Model::open(MODEL)?))
    }
}

impl Classify for Host {
    fn classify(&mut self, features: &[f32]) -> Result<Vec<f32>, Fault> {
        let rows = (features.len() / FEATURES) as u32;
        Ok(self.0.run_one(&[rows, FEATURES as u32], features)?)
    }
}

/// The machine's inputs, bound.
pub struct Parts {
    columns: [usize; 6],
    bears: [f64; 3],
    reject_above: f64,
    /// Whether the last run failed: said once.
    failing: bool,
}

/// What is said of the frame's new rows.
#[derive(Default)]
pub struct Said {
    /// By row of the frame.
    opinions: Vec<(u32, i64, Option<Opinion>)>,
}

impl Parts {
    pub(super) fn new(bindings: &Bindings, parameters: &Parameters) -> Result<Option<Parts>, Fault> {
        let bound = INPUTS.map(|input| bindings.column(input));
        if bound.iter().all(Option::is_none) {
            return Ok(None);
        }
        let mut columns = [0; 6];
        for ((column, bound), input) in columns.iter_mut().zip(bound).zip(INPUTS) {
            *column = bound.ok_or_else(|| {
                Fault::Configuration(format!("input `{input}` is not bound; a machine needs {}", INPUTS.join(", ")))
            })?;
        }
        let bears = [parameters.number("bears_0")?, parameters.number("bears_1")?, parameters.number("bears_2")?];
        Ok(Some(Parts { columns, bears, reject_above: parameters.number("reject_above")?, failing: false }))
    }

    /// Asks the model about all new rows at once; those with a missing value get no opinion.
    pub fn opinions(&mut self, frame: &Frame, model: &mut dyn Classify) -> Said {
        let mut said = Said::default();
        let mut features = Vec::new();
        let mut asked = Vec::new();
        for row in frame.new_rows() {
            if let Some(measured) = self.measured(&row) {
                features.extend(measured.features());
                asked.push(said.opinions.len());
            }
            said.opinions.push((row.index, row.time_ns, None));
        }
        if asked.is_empty() {
            return said;
        }
        match model.classify(&features) {
            Ok(shares) => {
                self.failing = false;
                for (at, shares) in asked.into_iter().zip(shares.chunks(DEFECTS.len())) {
                    said.opinions[at].2 = Opinion::of(shares);
                }
            }
            Err(fault) => {
                metrics::count("model_failures", 1);
                if !std::mem::replace(&mut self.failing, true) {
                    log::warn(&format!("parts are not judged: {fault:?}"));
                }
            }
        }
        said
    }

    /// A point for each row that has an opinion.
    pub fn signals(&self, said: &Said, signals: &mut Vec<ChartSignal>) {
        let column = self.columns[4] as u32;
        for (row, _, opinion) in &said.opinions {
            let Some(opinion) = opinion else { continue };
            let rule = if opinion.failure >= self.reject_above { opinion.defect } else { "" };
            signals.push(ChartSignal {
                row: *row,
                column,
                statistic: opinion.failure,
                lower: 0.0,
                upper: self.reject_above,
                rule: rule.into(),
            });
        }
    }

    /// A verdict for each item that was triggered at the time of a new row. Where the row has no opinion the verdict is a
    /// rejection of bad quality: nobody knows what the part is.
    pub fn verdicts(&self, said: &Said, items: &[Item]) -> Vec<Verdict> {
        let of = |item: &Item| {
            let (row, _, opinion) = said.opinions.iter().find(|(_, time_ns, _)| *time_ns == item.trigger_ns)?;
            let (quality, failure, defect) = match opinion {
                Some(opinion) => (Quality::Good, opinion.failure, opinion.defect),
                None => (Quality::Bad, 1.0, ""),
            };
            let rejected = failure >= self.reject_above;
            Some(Verdict {
                row: *row,
                quality: quality.code(),
                item: item.id,
                decision: if rejected { Decision::Reject } else { Decision::Pass },
                defect: if rejected { defect.into() } else { String::new() },
                confidence: match (opinion, rejected) {
                    (None, _) => 0.0,
                    (Some(_), true) => failure,
                    (Some(_), false) => 1.0 - failure,
                },
            })
        };
        items.iter().filter_map(of).collect()
    }

    fn measured(&self, row: &Row<'_>) -> Option<Measured> {
        let [air, process, speed, torque, wear, variant] = self.columns;
        let variant = row.get(variant)?;
        let bears = (0..).zip(self.bears).find(|(known, _)| f64::from(*known) == variant).map(|(_, bears)| bears)?;
        Some(Measured {
            air_k: row.get(air)?,
            process_k: row.get(process)?,
            speed_per_min: row.get(speed)?,
            torque_nm: row.get(torque)?,
            wear_min: row.get(wear)?,
            bears,
        })
    }
}
