//! Plans the outlook's first series as setpoints of its one output.

use std::time::Duration;

use dinrail_sdk::{Bindings, Description, EnergyOptimization, EnergyPlan, Fault, Frame, Input, Outlook, Output};
use dinrail_sdk::{OutputState, Parameters, Proposal, SeriesSlot, Step};

struct Planner;

impl EnergyOptimization for Planner {
    fn describe() -> Description {
        Description::new("planner", "0.1.0", "Follows what is known ahead")
            .input(Input::group("signals"))
            .output(Output::one("setpoint"))
            .series(SeriesSlot::new("ahead").about("What its schedule follows"))
    }

    fn configure(_bindings: Bindings, _parameters: Parameters) -> Result<Self, Fault> {
        Ok(Planner)
    }

    fn plan(&mut self, _frame: &Frame, outputs: &[OutputState], outlook: &Outlook) -> Result<EnergyPlan, Fault> {
        let series = outlook.series.first().ok_or_else(|| Fault::Input("nothing is known ahead".into()))?;
        let times = (series.start_ns..).step_by(series.step_ns as usize);
        let schedule = times.zip(&series.values).map(|(time_ns, &setpoint)| Step { output: 0, time_ns, setpoint });
        let reason = format!("{} in {}, known at {}", series.name, series.unit, series.known_at_ns);
        let applied = outputs.first().and_then(|state| state.applied).unwrap_or_default();
        Ok(EnergyPlan {
            quality: 0,
            proposals: vec![Proposal::new(0, applied + 1.0, Duration::from_secs(60), &reason)],
            schedule: schedule.collect(),
            expected: Vec::new(),
            expected_cost: series.values.iter().sum(),
            horizon_ns: series.step_ns * series.values.len() as u64,
        })
    }
}

dinrail_sdk::export!(Planner: EnergyOptimization);
