//! What a plugin is told that is bound to it.

/// One tag of a bound input, as the plugin is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Of a value: its column in the frame. Of a waveform: the block's `column`.
    pub index: u32,
    /// The tag's name.
    pub tag: String,
    /// Unit the numbers come in.
    pub unit: String,
    /// The tag's range in that unit.
    pub minimum: Option<f64>,
    /// See `minimum`.
    pub maximum: Option<f64>,
}

/// The tags bound to one input.
#[derive(Clone, Debug, PartialEq)]
pub struct InputBinding {
    /// The input's name.
    pub input: String,
    /// In the order of the columns.
    pub columns: Vec<Column>,
}

/// A configured output bound to one of the plugin's outputs, as the plugin is told.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputBinding {
    /// The plugin's name for it.
    pub output: String,
    /// What proposals and output states count.
    pub index: u32,
    /// The configuration's name for it.
    pub tag: String,
    /// Unit of its setpoints.
    pub unit: String,
    /// Lower limit.
    pub minimum: f64,
    /// Upper limit.
    pub maximum: f64,
    /// Slew limit, the unit a second of run time.
    pub slew_per_s: Option<f64>,
}

/// A series that a plugin will be told of the time ahead.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesBinding {
    /// The description's name for it.
    pub series: String,
    /// UCUM: what its values will be in.
    pub unit: String,
}

/// Everything `configure` tells of bindings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bindings {
    /// The asset's key.
    pub asset: Option<String>,
    /// In the description's order; unbound inputs are left out.
    pub inputs: Vec<InputBinding>,
    /// In the order of their indexes.
    pub outputs: Vec<OutputBinding>,
    /// Those that are bound, in the description's order.
    pub outlook: Vec<SeriesBinding>,
    /// Value columns of a frame.
    pub columns: u32,
    /// Earlier rows that precede the new ones, at most.
    pub window: u32,
}
