//! The supply-chain plugin: demand of the next periods, and what to order for it.

use dinrail_sdk::{
    Bindings, DemandForecast, Description, Fault, Frame, Order, Outlook, OutputState, Parameters, SupplyChain,
};
use serde::{Deserialize, Serialize};

use crate::forecast::LEVELS;
use crate::stock::levels::normal_quantile;
use crate::stock::rolling::Period;

pub mod demand;

pub mod periods;

pub mod replenish;

/// Of the bytes that `save` gives.
const STATE_VERSION: u32 = 1;

/// The plugin.
pub struct SupplyPlanner {
    demand: demand::DemandTask,
    replenish: replenish::ReplenishTask,
}

/// What is saved.
#[derive(Serialize, Deserialize)]
struct Saved {
    demand: demand::Memory,
    stock: replenish::Kept,
}

impl SupplyChain for SupplyPlanner {
    fn describe() -> Description {
        let description = Description::new(
            "supply-chain",
            env!("CARGO_PKG_VERSION"),
            "Forecasts demand with quantiles and proposes orders",
        )
        .quantiles(&LEVELS)
        .state_version(STATE_VERSION);
        replenish::describe(demand::describe(description))
    }

    fn configure(bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        Ok(Self {
            demand: demand::DemandTask::new(&bindings, &parameters)?,
            replenish: replenish::ReplenishTask::new(&bindings, &parameters)?,
        })
    }

    fn forecast(&mut self, frame: &Frame, _outlook: &Outlook) -> Result<Vec<DemandForecast>, Fault> {
        self.demand.forecast(frame)
    }

    /// Called after [`SupplyChain::forecast`] with the same frame. Without outputs there is nothing to order.
    fn replenish(&mut self, frame: &Frame, outputs: &[OutputState], _outlook: &Outlook) -> Result<Vec<Order>, Fault> {
        let Self { demand, replenish } = self;
        let ahead = |column: usize| {
            let series = demand.series().find(|(known, _)| *known == column);
            series.map_or_else(Vec::new, |(_, forecaster)| periods(&forecaster.forecast()))
        };
        Ok(replenish.replenish(frame, outputs, ahead))
    }

    fn save(&self) -> Result<Vec<u8>, Fault> {
        let saved = Saved { demand: self.demand.memory(), stock: self.replenish.memory() };
        postcard::to_allocvec(&saved).map_err(|error| Fault::Internal(format!("state: {error}")))
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        let wrong = |why: String| Fault::Configuration(format!("state of version {version}: {why}"));
        let saved: Saved = postcard::from_bytes(state).map_err(|error| wrong(error.to_string()))?;
        self.demand.restore(saved.demand).map_err(wrong)?;
        self.replenish.restore(saved.stock).map_err(wrong)
    }
}

/// Mean and variance of each period ahead, from its quantiles at [`LEVELS`]: the mean of the inner ones weighted by the share
/// that each stands for, the deviation from the outer ones as if the law were normal.
#[must_use]
pub fn periods(ahead: &[Vec<f64>]) -> Vec<Period> {
    let last = LEVELS.len() - 1;
    let share = |at: usize| {
        let below = if at == 0 { 0.0 } else { 0.5 * (LEVELS[at - 1] + LEVELS[at]) };
        let above = if at == last { 1.0 } else { 0.5 * (LEVELS[at] + LEVELS[at + 1]) };
        above - below
    };
    let reach = 2.0 * normal_quantile(LEVELS[last]);
    let period = |quantiles: &Vec<f64>| {
        let mean: f64 = quantiles.iter().enumerate().map(|(at, value)| share(at) * value).sum();
        let sd = (quantiles[last] - quantiles[0]) / reach;
        Period { mean: mean.max(0.0), variance: (sd * sd).max(1e-9) }
    };
    ahead.iter().filter(|quantiles| quantiles.len() == LEVELS.len()).map(period).collect()
}

#[cfg(test)]
mod tests;
