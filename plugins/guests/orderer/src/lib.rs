//! Forecasts the last value with a spread, and orders the sum of what is known ahead.

use std::time::Duration;

use dinrail_sdk::{Bindings, DemandForecast, Description, Fault, Frame, Input, Order, Outlook, Output, OutputState};
use dinrail_sdk::{Parameters, SupplyChain};

struct Orderer;

impl SupplyChain for Orderer {
    fn describe() -> Description {
        Description::new("orderer", "0.1.0", "Orders what is known ahead")
            .input(Input::group("signals"))
            .output(Output::one("quantity"))
            .quantiles(&[0.1, 0.5, 0.9])
    }

    fn configure(_bindings: Bindings, _parameters: Parameters) -> Result<Self, Fault> {
        Ok(Orderer)
    }

    fn forecast(&mut self, frame: &Frame, _outlook: &Outlook) -> Result<Vec<DemandForecast>, Fault> {
        let value = frame.values.last().copied().ok_or_else(|| Fault::Input("no value".into()))?;
        let row = frame.row_count() as u32 - 1;
        Ok(vec![DemandForecast::new(row, 1, 1, vec![value - 1.0, value, value + 1.0])])
    }

    fn replenish(&mut self, _frame: &Frame, outputs: &[OutputState], outlook: &Outlook) -> Result<Vec<Order>, Fault> {
        let quantity = outlook.series.iter().flat_map(|series| &series.values).sum();
        let order = |output| Order::new(output as u32, quantity, Duration::from_secs(60), "for what is known ahead");
        Ok((0..outputs.len()).map(order).collect())
    }
}

dinrail_sdk::export!(Orderer: SupplyChain);
