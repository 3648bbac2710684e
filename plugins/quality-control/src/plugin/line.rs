//! Items of a line: their measures against the parameter `limits`, their pictures by the model `surface`.

use crate::line::{self, Fate, Limit, Opinion};
use dinrail_sdk::{
    Decision, Description, Fault, Item, ModelSlot, Parameter, Parameters, Quality, Verdict, inference, log, metrics,
};

/// The slot's name, as the configuration grants it.
const MODEL: &str = "surface";

pub(super) fn describe(description: Description) -> Description {
    let share = |name: &str, value: f64| Parameter::number(name, value).range(0.0, 1.0);
    description
        .parameter(Parameter::text("limits", "").about(
            "Of the items' measures, in their order: \"length 59.8..60.2, width 39.8..40.2\". A part outside is rejected",
        ))
        .parameter(
            Parameter::number("rework", 0.0).about("A part that is outside by no more than this is reworked").range(0.0, f64::MAX),
        )
        .parameter(Parameter::text("classes", "").about("Of the model `surface`, in the order of its output, between commas"))
        .parameter(Parameter::text("good", "good").about("Which of them is a good surface"))
        .parameter(share("pass_above", 0.5).about("A part whose surface is good with this share passes"))
        .parameter(share("reject_below", 0.5).about("One below this is rejected; between the two it is reworked"))
        .model(
            ModelSlot::new(MODEL)
                .optional()
                .about("What each of an item's pictures shows; the worst of them counts")
                .input("picture", &[None, None, None, None])
                .output("classes", &[None, None]),
        )
}

/// What judges the items of a line.
pub(super) struct Line {
    limits: Vec<Limit>,
    rework: f64,
    model: Option<Surface>,
    /// Whether the last run of the model failed: said once.
    failing: bool,
}

/// The granted model and how its answers are read.
struct Surface {
    model: inference::Model,
    classes: Vec<String>,
    good: String,
    shares: (f64, f64),
}

impl Line {
    /// None where neither limits nor the model are given.
    pub(super) fn open(parameters: &Parameters) -> Result<Option<Line>, Fault> {
        let limits = line::limits(parameters.text("limits")?)
            .map_err(|error| Fault::Configuration(format!("limits: {error}")))?;
        let classes: Vec<String> = parameters
            .text("classes")?
            .split(',')
            .map(|class| class.trim().to_owned())
            .filter(|class| !class.is_empty())
            .collect();
        let model = match classes.is_empty() {
            true => None,
            false => Some(Surface {
                model: inference::Model::open(MODEL)?,
                good: parameters.text("good")?.to_owned(),
                shares: (parameters.number("pass_above")?, parameters.number("reject_below")?),
                classes,
            }),
        };
        if let Some(surface) = &model {
            if !surface.classes.contains(&surface.good) {
                return Err(Fault::Configuration(format!("good: `{}` is none of the classes", surface.good)));
            }
            if surface.shares.0 < surface.shares.1 {
                return Err(Fault::Configuration("pass_above is below reject_below".into()));
            }
        }
        if limits.is_empty() && model.is_none() {
            return Ok(None);
        }
        Ok(Some(Line { limits, rework: parameters.number("rework")?, model, failing: false }))
    }

    /// A verdict on each item, told with this row.
    pub(super) fn verdicts(&mut self, row: u32, items: &[Item]) -> Vec<Verdict> {
        items.iter().map(|item| self.verdict(row, item)).collect()
    }

    fn verdict(&mut self, row: u32, item: &Item) -> Verdict {
        let mut opinion = line::measured(&item.measures, &self.limits, self.rework);
        if self.model.is_some() {
            opinion = opinion.and(self.look(item));
        }
        let Opinion { fate, defect, confidence, is_blind } = opinion;
        let (decision, counted) = match fate {
            _ if is_blind => (Decision::Reject, "unjudged"),
            Fate::Pass => (Decision::Pass, "passed"),
            Fate::Rework => (Decision::Rework, "reworked"),
            Fate::Reject => (Decision::Reject, "rejected"),
        };
        metrics::count(counted, 1);
        let quality = if is_blind { Quality::Bad } else { Quality::Good };
        Verdict { row, quality: quality.code(), item: item.id, decision, defect, confidence }
    }

    fn look(&mut self, item: &Item) -> Opinion {
        let blind =
            |what: &str| Opinion { fate: Fate::Reject, defect: what.to_owned(), confidence: 0.0, is_blind: true };
        let Some(surface) = &self.model else { return blind("no model") };
        let mut worst: Option<Opinion> = None;
        for image in &item.images {
            let said = match image.width() {
                0 => blind("picture is missing"),
                _ => match surface.model.run(&[&image.to_tensor()]) {
                    Ok(outputs) => {
                        self.failing = false;
                        let scores = outputs.first().map(inference::Tensor::values).unwrap_or_default();
                        line::seen(&scores, &surface.classes, &surface.good, surface.shares)
                    }
                    Err(error) => {
                        let fault: Fault = error.into();
                        if !std::mem::replace(&mut self.failing, true) {
                            log::warn(&format!("the model `{MODEL}` gives no answer: {fault:?}"));
                        }
                        blind("the model gives no answer")
                    }
                },
            };
            worst = Some(match worst {
                Some(before) => before.and(said),
                None => said,
            });
        }
        worst.unwrap_or_else(|| blind("no picture"))
    }
}
