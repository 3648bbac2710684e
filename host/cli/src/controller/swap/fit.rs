//! Whether a candidate fits the place of the version that runs.

use crate::controller::slots::Plugin;

/// Why a candidate can't take a plugin's place while the controller runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Another use case.
    #[error("it is a plugin of the world {candidate}, and {incumbent} runs there")]
    World {
        /// Its world.
        candidate: &'static str,
        /// That of the version that runs.
        incumbent: &'static str,
    },
    /// Its frames would be others.
    #[error("it takes its inputs in another order or takes other ones; restart the controller with it")]
    Inputs,
    /// Its proposals would be for others.
    #[error("it proposes for other outputs, or for the same in another order; restart the controller with it")]
    Outputs,
    /// Somebody uses what it does not give.
    #[error("it gives no result `{field}` in the unit that tags, outputs or other plugins take it in")]
    Result {
        /// Its name.
        field: String,
    },
    /// Its rhythm would be another.
    #[error(
        "its period or its deadline is another; give `period` and `deadline` in the configuration, or restart with it"
    )]
    Rhythm,
}

/// Checks it.
pub fn fits(incumbent: &Plugin, candidate: &Plugin) -> Result<(), Misfit> {
    let (old, new) = (&incumbent.bound, &candidate.bound);
    if incumbent.world() != candidate.world() {
        return Err(Misfit::World { candidate: candidate.world().name(), incumbent: incumbent.world().name() });
    }
    if old.columns != new.columns || old.waveforms != new.waveforms || old.outlook != new.outlook {
        return Err(Misfit::Inputs);
    }
    let outputs = |plugin: &Plugin| {
        plugin.bound.outputs.iter().map(|output| (output.output, output.conversion)).collect::<Vec<_>>()
    };
    if outputs(incumbent) != outputs(candidate) {
        return Err(Misfit::Outputs);
    }
    if old.period_ns != new.period_ns || old.deadline_ns != new.deadline_ns {
        return Err(Misfit::Rhythm);
    }
    let given = &candidate.description.results;
    let missing = incumbent
        .description
        .results
        .iter()
        .find(|field| !given.iter().any(|other| other.name == field.name && other.unit == field.unit));
    match missing {
        Some(field) => Err(Misfit::Result { field: field.name.clone() }),
        None => Ok(()),
    }
}
