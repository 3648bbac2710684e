//! The names that stand in a plugin's objects, escaped once.

/// A name with its unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The tag's or the output's name.
    pub name: String,
    /// UCUM; empty where it has none.
    pub unit: String,
}

impl Named {
    /// Both from text.
    pub fn new(name: impl Into<String>, unit: impl Into<String>) -> Named {
        Named { name: name.into(), unit: unit.into() }
    }
}

/// What the objects of one plugin instance have in common.
#[derive(Clone, Debug)]
pub struct PluginContext {
    plugin: String,
    asset: Option<String>,
    columns: Vec<Named>,
    outputs: Vec<Named>,
    quantiles: Vec<String>,
    life_unit: String,
    /// Everything between the time and the quality, quotes and escapes included.
    head: Vec<u8>,
}

impl PluginContext {
    /// `columns`: the frame's value columns in order. `outputs`: the bound outputs in order.
    /// `quantiles`: the description's. `life_unit`: unit of the result field `rul`, or empty.
    #[must_use]
    pub fn new(
        plugin: &str,
        asset: Option<&str>,
        columns: Vec<Named>,
        outputs: Vec<Named>,
        quantiles: &[f64],
        life_unit: &str,
    ) -> PluginContext {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let asset_json = asset.map_or_else(|| "null".to_owned(), text);
        let head = format!("\",\"plugin\":{},\"asset\":{asset_json},\"quality\":\"", text(plugin)).into_bytes();
        PluginContext {
            plugin: plugin.to_owned(),
            asset: asset.map(str::to_owned),
            columns,
            outputs,
            quantiles: quantiles.iter().map(f64::to_string).collect(),
            life_unit: life_unit.to_owned(),
            head,
        }
    }

    /// The plugin's name in the configuration.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// The asset's key.
    #[must_use]
    pub fn asset(&self) -> Option<&str> {
        self.asset.as_deref()
    }

    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Indexes come from checked results; one that is out of range would be a bug elsewhere, and is
    /// shown as such rather than lost.
    pub(super) fn column(&self, index: u32) -> (&str, &str) {
        named(&self.columns, index)
    }

    pub(super) fn output(&self, index: u32) -> (&str, &str) {
        named(&self.outputs, index)
    }

    pub(super) fn quantiles(&self) -> &[String] {
        &self.quantiles
    }

    pub(super) fn life_unit(&self) -> &str {
        &self.life_unit
    }
}

fn named(items: &[Named], index: u32) -> (&str, &str) {
    items.get(index as usize).map_or(("(unknown)", ""), |item| (&item.name, &item.unit))
}
