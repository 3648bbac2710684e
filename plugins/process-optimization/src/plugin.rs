//! The process-optimization plugin: bindings and frames to observations, wishes to proposals.

use std::time::Duration;

use dinrail_sdk::{
    Bindings, Column, Description, Fault, Frame, Input, Output, OutputState, Parameter, Parameters,
    ProcessOptimization, Proposal, Row,
};

use crate::bytes::ForeignState;
use crate::climb::{Climber, Method, Observation, Reason, Setpoint, State, Wish};
use crate::limits::Limit;
use crate::network::Network;
use crate::reaction::{Reaction, Role, Task};
use crate::seek::Seek;
use crate::share::Share;
use crate::surface::{Settings, Surface};
use crate::tank::Tank;

/// Setpoints that a response surface is still learnt for in useful time.
const MOST_SETPOINTS: usize = 4;
/// What the parameter `method` may say.
const METHODS: [&str; 4] = ["surface", "seek", "share", "reactions"];
/// Units that a demand is shared among.
const UNITS: std::ops::RangeInclusive<usize> = 2..=8;
/// A proposal stands so long without being renewed.
const VALID_FOR: Duration = Duration::from_secs(300);

/// Where an observation's parts stand in a row.
struct Columns {
    objective: Option<usize>,
    permit: Option<usize>,
    measures: Vec<usize>,
    fractions: Vec<usize>,
    feeds: Vec<usize>,
    outflow: Option<usize>,
    temperature: Option<usize>,
    demand: Option<usize>,
    powers: Vec<usize>,
    costs: Vec<usize>,
}

/// The plugin.
pub struct ProcessOptimizer {
    columns: Columns,
    climber: Climber,
    /// The index of each setpoint among the plugin's outputs.
    outputs: Vec<u32>,
}

impl ProcessOptimization for ProcessOptimizer {
    fn describe() -> Description {
        Description::new("process-optimization", env!("CARGO_PKG_VERSION"), "Climbs a plant's objective from noisy measurements")
            .input(Input::one("objective").optional().about("What is to be high: profit, yield, or a cost with its sign turned; not needed for `share`"))
            .input(Input::one("permit").optional().about("Whether the process permits moves: 0 or 1"))
            .input(Input::group("measures").optional().about(
                "Tags that follow the setpoints at once, such as flows; their noise is taken out of the objective",
            ))
            .input(Input::group("fractions").optional().unit("1").about(
                "Mass fractions of the tank's species, for `reactions`; the last part of a tag's name, after `_` or `.`, is the species",
            ))
            .input(Input::group("feeds").optional().unit("kg/s").about("Feeds of the tank, each of one pure species, named likewise"))
            .input(Input::one("outflow").optional().unit("kg/s").about("What leaves the tank, if the objective counts with it; prices are learnt faster then"))
            .input(Input::one("temperature").optional().unit("Cel").about("The tank's temperature"))
            .input(Input::one("demand").optional().about("For `share`: what the units' setpoints must sum up to"))
            .input(Input::group("powers").optional().about("For `share`: what each unit delivers, in the setpoints' order and unit"))
            .input(Input::group("costs").optional().about("For `share`: what each unit costs a time (money, fuel, electricity), in the setpoints' order"))
            .output(Output::group("setpoints").about("One to four setpoints to move; for `share` those of two to eight units"))
            .parameter(Parameter::text("method", "").about(
                "`surface` (learns one hill), `seek` (follows a top that wanders), `reactions`, `share` (splits a demand among units); empty: `reactions` where they are given, else `surface`",
            ))
            .parameter(Parameter::text("reactions", "").about(
                "Reactions in a stirred tank by mass, such as `a + b -> 2 c; b + 2 c -> p + 2 e`; empty: the objective alone is used",
            ))
            .parameter(Parameter::number("tank_mass", 1000.0).unit("kg").range(1e-6, 1e9).about("Mass in the tank, for `reactions`"))
            .parameter(Parameter::text("sets", "").about(
                "What each setpoint sets, for `reactions`: a feed's species or `temperature`, with commas between",
            ))
            .parameter(Parameter::text("limits", "").about(
                "Limits on settled fractions, for `reactions`, such as `a <= 0.12; p >= 0.1`; they are kept with a back-off for what is not known yet",
            ))
            .parameter(Parameter::number("excitation", 0.015).range(0.0, 0.1).about(
                "Share of a setpoint's range by which it is kept moving to and fro, so that there is something to learn from",
            ))
            .parameter(Parameter::number("step", 0.15).range(0.001, 0.5).about(
                "Share of a setpoint's range that one trial, or the way of one settling time, moves at most; without `reactions`",
            ))
            .parameter(Parameter::number("settling", 1200.0).unit("s").range(1.0, 1e6).about(
                "How long the objective, or a unit's power, takes to settle after a step; without `reactions`",
            ))
    }

    fn configure(bindings: Bindings, parameters: Parameters) -> Result<Self, Fault> {
        let bound: Vec<_> = bindings.outputs_of("setpoints").collect();
        let reactions = parameters.text("reactions")?.trim();
        let chosen = match (parameters.text("method")?.trim(), reactions) {
            ("", "") => "surface",
            ("", _) => "reactions",
            (chosen, _) => chosen,
        };
        if !METHODS.contains(&chosen) {
            return Err(configuration(format!("there is no method `{chosen}`; there are {}", METHODS.join(", "))));
        }
        if chosen != "share" && (bound.is_empty() || bound.len() > MOST_SETPOINTS) {
            return Err(configuration(format!(
                "{} setpoints are bound; one to {MOST_SETPOINTS} can be climbed with",
                bound.len()
            )));
        }
        let setpoints = bound.iter().map(|output| {
            match output.minimum < output.maximum && output.minimum.is_finite() && output.maximum.is_finite() {
                true => Ok(Setpoint { lower: output.minimum, upper: output.maximum }),
                false => Err(configuration(format!("output `{}` needs a range to search in", output.tag))),
            }
        });
        let setpoints: Vec<Setpoint> = setpoints.collect::<Result<_, _>>()?;
        let outputs = bound.iter().map(|output| output.index).collect();
        let indexes = |input| bindings.columns_of(input).iter().map(|column| column.index as usize).collect();
        let mut columns = Columns {
            objective: if chosen == "share" { None } else { Some(bindings.require("objective")?) },
            permit: bindings.column("permit"),
            measures: indexes("measures"),
            fractions: Vec::new(),
            feeds: Vec::new(),
            outflow: bindings.column("outflow"),
            temperature: bindings.column("temperature"),
            demand: bindings.column("demand"),
            powers: indexes("powers"),
            costs: indexes("costs"),
        };
        let excitation = parameters.number("excitation")?;
        let settings = Settings { step: parameters.number("step")?, settling_s: parameters.number("settling")? };
        if chosen != "reactions" && !parameters.text("limits")?.trim().is_empty() {
            return Err(configuration("`limits` needs `reactions`".to_owned()));
        }
        let method = match chosen {
            "surface" => Method::Surface(Surface::new(setpoints, columns.measures.len(), settings)),
            "seek" => Method::Seek(Seek::new(setpoints, settings, excitation)),
            "share" => {
                columns.check_units(setpoints.len())?;
                let slews = bound.iter().map(|output| output.slew_per_s);
                Method::Share(Share::new(setpoints.into_iter().zip(slews).collect(), settings, excitation))
            }
            _ => {
                let network = Network::parse(reactions).map_err(|error| configuration(error.to_string()))?;
                columns.fractions = network
                    .species
                    .iter()
                    .map(|species| column_of(bindings.columns_of("fractions"), species, "fractions"))
                    .collect::<Result<_, _>>()?;
                if columns.temperature.is_none() {
                    return Err(configuration("`reactions` needs the input `temperature`".to_owned()));
                }
                columns.feeds = indexes("feeds");
                let feeds = feed_species(&network, bindings.columns_of("feeds"))?;
                let units: Vec<&str> = bound.iter().map(|output| output.unit.as_str()).collect();
                let roles = roles(parameters.text("sets")?, &network, &feeds, &units)?;
                let tank = Tank { network, mass_kg: parameters.number("tank_mass")?, feeds };
                let limits = Limit::parse(parameters.text("limits")?, &tank.network);
                let limits = limits.map_err(|error| configuration(error.to_string()))?;
                Method::Reaction(Reaction::new(Task { tank, setpoints, roles, excitation, limits }))
            }
        };
        Ok(Self { columns, climber: Climber::new(method), outputs })
    }

    fn optimize(&mut self, frame: &Frame, outputs: &[OutputState]) -> Result<Vec<Proposal>, Fault> {
        let states: Option<Vec<State>> = self.outputs.iter().map(|at| outputs.get(*at as usize).map(state)).collect();
        let states = states.ok_or_else(|| Fault::Internal("an output that was bound has no state".to_owned()))?;
        let mut wishes = Vec::new();
        for row in frame.new_rows() {
            // The last row's run time is the frame's; earlier rows lie before it by their source times.
            let before_ns = frame.times_ns.last().map_or(0, |last| last.saturating_sub(row.time_ns));
            let seen = self.columns.observation(row, frame.time_ns.saturating_sub(before_ns));
            wishes = self.climber.step(seen, &states);
        }
        Ok(wishes.into_iter().filter_map(|wish| self.proposal(wish)).collect())
    }

    fn save(&self) -> Result<Vec<u8>, Fault> {
        self.climber.save().map_err(|error| Fault::Internal(error.to_string()))
    }

    fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        let foreign = |error: ForeignState| configuration(format!("version {version}: {error}"));
        self.climber.restore(state).map_err(foreign)
    }
}

impl ProcessOptimizer {
    fn proposal(&self, wish: Wish) -> Option<Proposal> {
        let reason = match wish.reason {
            Reason::Follow => "follows the applied value",
            Reason::Learn => "stays while too little is known",
            Reason::Try => "tries a step to learn from",
            Reason::Climb => "towards the best known point",
        };
        let output = *self.outputs.get(wish.setpoint)?;
        Some(Proposal::new(output, wish.value, VALID_FOR, reason).confidence(wish.confidence as f32))
    }
}

impl Columns {
    /// What `share` needs: so many units as setpoints, each with its power and its cost.
    fn check_units(&self, setpoints: usize) -> Result<(), Fault> {
        let (powers, costs) = (self.powers.len(), self.costs.len());
        if self.demand.is_none() {
            return Err(configuration("`share` needs the input `demand`".to_owned()));
        }
        if !UNITS.contains(&setpoints) {
            let (least, most) = (UNITS.start(), UNITS.end());
            return Err(configuration(format!(
                "{setpoints} setpoints are bound; {least} to {most} can share a demand"
            )));
        }
        if powers != setpoints || costs != setpoints {
            let counts = format!("{setpoints} setpoints, {powers} powers and {costs} costs");
            return Err(configuration(format!(
                "`share` needs one power and one cost for each setpoint; there are {counts}"
            )));
        }
        Ok(())
    }

    fn observation(&self, row: Row<'_>, time_ns: i64) -> Observation {
        let all = |columns: &[usize]| columns.iter().map(|column| row.get(*column)).collect();
        Observation {
            time_s: time_ns as f64 / 1e9,
            objective: self.objective.and_then(|column| row.get(column)),
            permit: self.permit.is_none_or(|column| row.get(column).is_some_and(|permit| permit >= 0.5)),
            measures: all(&self.measures),
            fractions: all(&self.fractions),
            feeds: all(&self.feeds),
            outflow: self.outflow.and_then(|column| row.get(column)),
            demand: self.demand.and_then(|column| row.get(column)),
            powers: all(&self.powers),
            costs: all(&self.costs),
            temperature_cel: self.temperature.and_then(|column| row.get(column)),
            applied: Vec::new(),
            holds: Vec::new(),
        }
    }
}

fn configuration(what: String) -> Fault {
    Fault::Configuration(what)
}

fn state(output: &OutputState) -> State {
    State {
        applied: output.applied,
        limited_low: output.limited_low,
        limited_high: output.limited_high,
        blocked: output.blocked,
        initialise: output.initialise,
    }
}

/// The species that a tag is named after: what stands behind its last `_` or `.`.
fn species_of(tag: &str) -> &str {
    tag.rsplit(['_', '.']).next().unwrap_or(tag)
}

fn column_of(columns: &[Column], species: &str, input: &str) -> Result<usize, Fault> {
    let found = columns.iter().find(|column| species_of(&column.tag) == species);
    let missing = || configuration(format!("no tag of `{input}` is named after the species `{species}`"));
    found.map(|column| column.index as usize).ok_or_else(missing)
}

fn feed_species(network: &Network, columns: &[Column]) -> Result<Vec<usize>, Fault> {
    if columns.is_empty() {
        return Err(configuration("`reactions` needs the input `feeds`".to_owned()));
    }
    let position = |column: &Column| {
        let species = species_of(&column.tag);
        let unknown = || configuration(format!("feed `{}`: no reaction knows a species `{species}`", column.tag));
        network.position(species).ok_or_else(unknown)
    };
    columns.iter().map(position).collect()
}

/// Reads `sets`, one word a setpoint, and checks it against the setpoints' units.
fn roles(sets: &str, network: &Network, feeds: &[usize], units: &[&str]) -> Result<Vec<Role>, Fault> {
    let words: Vec<&str> = sets.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    if words.len() != units.len() {
        return Err(configuration(format!("`sets` names {} things for {} setpoints", words.len(), units.len())));
    }
    let role = |(word, unit): (&&str, &&str)| {
        let feed = network.position(word).and_then(|species| feeds.iter().position(|feed| *feed == species));
        match (*word, feed) {
            ("temperature", _) if *unit == "Cel" => Ok(Role::Temperature),
            (_, Some(feed)) if *unit == "kg/s" => Ok(Role::Feed(feed)),
            ("temperature", _) => {
                Err(configuration(format!("`sets` = temperature: the output's unit is `{unit}`, not `Cel`")))
            }
            (_, Some(_)) => Err(configuration(format!("`sets` = {word}: the output's unit is `{unit}`, not `kg/s`"))),
            (_, None) => {
                Err(configuration(format!("`sets` = {word}: neither a bound feed's species nor `temperature`")))
            }
        }
    };
    words.iter().zip(units).map(role).collect()
}

#[cfg(test)]
mod tests;
