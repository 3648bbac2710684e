//! Judges every item by its picture: rejects what is dark on average, sends the rest of the odd ids to rework.

use dinrail_sdk::{Bindings, ChartSignal, Decision, Description, Fault, Frame, Input, Inspection, Item, Parameters};
use dinrail_sdk::{QualityControl, Verdict};

struct Inspector;

impl QualityControl for Inspector {
    fn describe() -> Description {
        Description::new("inspector", "0.1.0", "Judges pictures by their brightness").input(Input::group("signals"))
    }

    fn configure(_bindings: Bindings, _parameters: Parameters) -> Result<Self, Fault> {
        Ok(Inspector)
    }

    fn inspect(&mut self, frame: &Frame, items: Vec<Item>) -> Result<Inspection, Fault> {
        let row = frame.row_count() as u32 - 1;
        let judge = |item: &Item| {
            let tensor = item.images[0].to_tensor();
            let values = tensor.values();
            let brightness = f64::from(values.iter().sum::<f32>()) / values.len() as f64;
            let decision = match brightness < 0.5 {
                true => Decision::Reject,
                false if item.id % 2 == 1 => Decision::Rework,
                false => Decision::Pass,
            };
            let defect = format!("{:?} {} {:?}", tensor.shape(), item.encoder, item.measures);
            Verdict { row, quality: 0, item: item.id, decision, defect, confidence: brightness }
        };
        let verdicts = items.iter().map(judge).collect();
        let signal = ChartSignal { row, column: 1, statistic: 4.0, lower: -3.0, upper: 3.0, rule: "beyond".into() };
        Ok(Inspection { verdicts, signals: vec![signal] })
    }
}

dinrail_sdk::export!(Inspector: QualityControl);
