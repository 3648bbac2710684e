//! A machine of a fleet that has run to failure: tables and model from its model's directory.

use dinrail_sdk::{Bindings, Column, Fault, Frame, Health, Quality, Row, inference, load_table, log, metrics};

use super::STATE_VERSION;
use crate::fleet::machine::{Assessment, Machine, Predict, Trust};
use crate::fleet::tables::{Table, TableError, Tables};

/// The slot's name, as the configuration grants it.
pub(super) const MODEL: &str = "life";

/// An instance at work.
pub(super) struct Granted {
    fleet: Fleet,
    model: Host,
}

impl Granted {
    /// Reads the granted tables and opens the granted model.
    pub(super) fn configure(bindings: &Bindings) -> Result<Self, Fault> {
        let tables = Tables::read(|name| table(name).map_err(Told)).map_err(|Told(fault)| fault)?;
        let fleet = Fleet::new(bindings, tables)?;
        let model = inference::Model::open(MODEL)?;
        let given = fleet.features().len();
        let expected = model.inputs().first().and_then(|input| input.shape.get(1).copied().flatten());
        if expected.is_some_and(|expected| expected as usize != given) {
            let expected = expected.unwrap_or_default();
            return Err(Fault::Configuration(format!(
                "the tables give {given} features, the model takes {expected}: are they of the same directory?"
            )));
        }
        let (bound, used) = (bindings.columns_of("sensors").len(), fleet.sensors.len());
        if bound > used {
            log::debug(&format!("{used} of {bound} sensors are used"));
        }
        Ok(Granted { fleet, model: Host(model) })
    }

    /// Assesses the new rows.
    pub(super) fn assess(&mut self, frame: &Frame) -> Result<Vec<Health>, Fault> {
        let results = self.fleet.assess(frame, &mut self.model).inspect_err(|_| metrics::count("model_failures", 1))?;
        if let Some(life) = results.last().and_then(|health| health.life.as_ref()) {
            metrics::gauge("rul", life.rul);
        }
        Ok(results)
    }

    pub(super) fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    pub(super) fn fleet_mut(&mut self) -> &mut Fleet {
        &mut self.fleet
    }
}

/// One machine of a fleet; everything of it that needs no host.
pub struct Fleet {
    tables: Tables,
    /// For each of the tables' settings and sensors its column; a setting may have none where it is not needed.
    settings: Vec<Option<usize>>,
    sensors: Vec<usize>,
    machine: Machine,
}

/// The granted model.
struct Host(inference::Model);

impl Predict for Host {
    type Error = Fault;

    fn predict(&mut self, features: &[f32]) -> Result<f64, Fault> {
        let life = self.0.run_one(&[1, features.len() as u32], features)?;
        match life.as_slice() {
            [life] => Ok(f64::from(*life)),
            other => Err(Fault::Model(format!("{} numbers came, expected is one life", other.len()))),
        }
    }
}

impl Fleet {
    /// Binds tags to the tables by their names.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where a tag is missing.
    pub fn new(bindings: &Bindings, tables: Tables) -> Result<Self, Fault> {
        let needed = tables.regimes.centres.len() > 1;
        let (bound_settings, bound_sensors) = (bindings.columns_of("settings"), bindings.columns_of("sensors"));
        let mut settings = Vec::new();
        for tag in &tables.settings {
            let column = column_of(bound_settings, tag);
            if column.is_none() && needed {
                return Err(missing("settings", tag, bound_settings));
            }
            settings.push(column);
        }
        let sensor = |tag: &String| column_of(bound_sensors, tag).ok_or_else(|| missing("sensors", tag, bound_sensors));
        let sensors = tables.sensors.iter().map(sensor).collect::<Result<_, _>>()?;
        Ok(Fleet { machine: Machine::new(&tables), tables, settings, sensors })
    }

    /// Assesses the new rows.
    ///
    /// # Errors
    /// What the model says; the rows are taken in nevertheless.
    pub fn assess<P: Predict>(&mut self, frame: &Frame, model: &mut P) -> Result<Vec<Health>, P::Error> {
        let (mut results, mut failure) = (Vec::new(), None);
        for row in frame.new_rows() {
            let settings: Vec<Option<f64>> =
                self.settings.iter().map(|column| column.and_then(|column| row.get(column))).collect();
            let sensors: Vec<Option<f64>> = self.sensors.iter().map(|&column| row.get(column)).collect();
            match self.machine.row(row.time_ns, &settings, &sensors, &self.tables, model) {
                Ok(assessment) => results.push(health(row, &assessment)),
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(results), Err)
    }

    /// The features of the cycles so far, as the model gets them.
    #[must_use]
    pub fn features(&self) -> Vec<f32> {
        self.machine.features(&self.tables)
    }

    /// The state, in postcard's format: eight bytes a sensor and cycle, of 1024 cycles at most.
    ///
    /// # Errors
    /// [`Fault::Internal`] where it cannot be written.
    pub fn save(&self) -> Result<Vec<u8>, Fault> {
        postcard::to_allocvec(&self.machine).map_err(|error| Fault::Internal(format!("state: {error}")))
    }

    /// Takes over a saved state.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where it is of another version or of other tables.
    pub fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
        if version != STATE_VERSION {
            return Err(Fault::Configuration(format!("state of version {version}; this plugin reads {STATE_VERSION}")));
        }
        let machine: Machine =
            postcard::from_bytes(state).map_err(|error| Fault::Configuration(format!("state: {error}")))?;
        if !machine.is_sound(&self.tables) {
            return Err(Fault::Configuration("the state is not one of these tables".into()));
        }
        self.machine = machine;
        Ok(())
    }
}

/// The column whose tag is, or ends in, a table's name: `s2`, and `engine.s2` or `engine/s2` as well.
fn column_of(columns: &[Column], tag: &str) -> Option<usize> {
    let named = |column: &&Column| column.tag == tag || column.tag.rsplit(['.', '/']).next() == Some(tag);
    columns.iter().find(named).map(|column| column.index as usize)
}

fn missing(input: &str, tag: &str, bound: &[Column]) -> Fault {
    let bound = bound.iter().map(|column| column.tag.as_str()).collect::<Vec<_>>().join(", ");
    Fault::Configuration(format!("the tables need `{tag}`, which is not among the tags of `{input}`: {bound}"))
}

fn health(row: Row<'_>, assessment: &Assessment) -> Health {
    let quality = match assessment.trust {
        Trust::Good => Quality::Good,
        Trust::Uncertain => Quality::Uncertain,
        Trust::None => Quality::Bad,
    };
    let health = Health::new(row.index, assessment.index).mode(&assessment.mode).with_quality(quality);
    match assessment.life {
        Some((life, low, high)) => health.life(life, low, high),
        None => health,
    }
}

fn table(name: &'static str) -> Result<Table, Fault> {
    let table = load_table(name)?;
    Ok(Table { columns: table.columns, values: table.values })
}

struct Told(Fault);

impl From<TableError> for Told {
    fn from(error: TableError) -> Self {
        Told(Fault::Configuration(error.to_string()))
    }
}
