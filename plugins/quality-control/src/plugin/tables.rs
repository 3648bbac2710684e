//! Tables that a site may lay beside its configuration, each with a column for every tag.

use dinrail_sdk::{Column, Fault, Table, assets};

/// Where tables come from.
pub trait Tables {
    /// The table of that name; none where there is no such table.
    ///
    /// # Errors
    /// [`Fault::Configuration`] where it is there and cannot be read.
    fn load(&mut self, name: &str) -> Result<Option<Table>, Fault>;
}

/// The folder that the configuration grants.
pub struct Granted;

impl Tables for Granted {
    fn load(&mut self, name: &str) -> Result<Option<Table>, Fault> {
        match assets::load(name) {
            Ok(table) => Ok(Some(table)),
            Err(assets::Error::Unknown(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// No folder.
pub struct NoTables;

impl Tables for NoTables {
    fn load(&mut self, _name: &str) -> Result<Option<Table>, Fault> {
        Ok(None)
    }
}

/// A table's columns in the order of bound tags.
pub struct Columns {
    table: Table,
    /// By bound tag: the table's column.
    places: Vec<Option<usize>>,
}

impl Columns {
    /// A column is a tag's where it has its name, or what stands in it after the last dot or slash.
    #[must_use]
    pub fn of(table: Table, tags: &[Column]) -> Columns {
        let place = |tag: &Column| {
            let short = tag.tag.rsplit(['.', '/']).next().unwrap_or(&tag.tag);
            let named = |name: &str| table.columns.iter().position(|column| column == name);
            named(&tag.tag).or_else(|| named(short))
        };
        let places = tags.iter().map(place).collect();
        Columns { table, places }
    }

    /// The first bound tag that has no column.
    #[must_use]
    pub fn missing(&self) -> Option<usize> {
        self.places.iter().position(Option::is_none)
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.table.rows as usize
    }

    /// What a row says of a tag; none where it has no column or the cell is empty.
    #[must_use]
    pub fn get(&self, row: usize, tag: usize) -> Option<f64> {
        let column = self.places.get(tag).copied().flatten()?;
        let value = self.table.values.get(row * self.table.columns.len() + column).copied()?;
        value.is_finite().then_some(value)
    }

    /// A row in the order of the tags, NaN where nothing is said.
    pub fn row(&self, row: usize) -> impl Iterator<Item = f64> {
        (0..self.places.len()).map(move |tag| self.get(row, tag).unwrap_or(f64::NAN))
    }
}
