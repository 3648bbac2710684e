//! What runs, and the change from one to the next.

use super::error::{IndexError, InstalledError};
use super::index::{BUNDLES, Change, FLOORS, INTENTS, Index, RUNNING, STRIKES, strike_key};
use super::install::is_older;
use super::record::{InstalledBundle, Intent, Previous, Reverted, Running};
use super::{CONFIGURED, Installed, MAX_PARAMETERS_BYTES, MAX_PLUGINS, MAX_TEXT_BYTES, STRIKES_TO_BAR};
use semver::Version;
use std::collections::BTreeMap;

/// Most capabilities; as many as a manifest may ask for.
const MAX_CAPABILITIES: usize = 256;

impl Installed {
    /// What runs as a plugin (by its name in the configuration), or should after a restart.
    ///
    /// # Errors
    /// Of the index.
    pub fn running(&self, plugin: &str) -> Result<Option<Running>, InstalledError> {
        self.index.read(|index| Ok(index.get(&RUNNING, plugin)?))
    }

    /// The same of all plugins.
    ///
    /// # Errors
    /// Of the index.
    pub fn all_running(&self) -> Result<BTreeMap<String, Running>, InstalledError> {
        self.index.read(|index| Ok(index.all(&RUNNING)?))
    }

    /// The change that is under way.
    ///
    /// # Errors
    /// Of the index.
    pub fn intent(&self, plugin: &str) -> Result<Option<Intent>, InstalledError> {
        self.index.read(|index| Ok(index.get(&INTENTS, plugin)?))
    }

    /// The first that runs as a plugin: generation 1, with what an operator grants it.
    ///
    /// # Errors
    /// [`InstalledError::Runs`], [`InstalledError::Unknown`], [`InstalledError::NotGranted`],
    /// [`InstalledError::Barred`], [`InstalledError::Limit`].
    pub fn adopt(&self, plugin: &str, digest: &str, capabilities: Vec<String>) -> Result<Running, InstalledError> {
        check_name(plugin)?;
        check_capabilities(&capabilities)?;
        let _turn = self.turn();
        self.index.change(|index| {
            let all = index.running()?;
            if all.contains_key(plugin) {
                return Err(InstalledError::Runs { plugin: plugin.to_owned() });
            }
            if MAX_PLUGINS <= all.len() {
                return Err(InstalledError::Limit { what: "one more plugin", limit: format!("{MAX_PLUGINS} run") });
            }
            let bundle = admit(index, plugin, digest, &capabilities)?;
            let running = Running {
                digest: digest.to_owned(),
                previous: None,
                parameters: BTreeMap::new(),
                generation: 1,
                capabilities,
            };
            index.put(&RUNNING, plugin, &running)?;
            raise_floor(index, bundle.as_ref())?;
            Ok(running)
        })
    }

    /// Says durably what is about to run instead. Until [`Installed::commit`] a restart means that the old one runs.
    ///
    /// # Errors
    /// [`InstalledError::NotRunning`], [`InstalledError::UnderWay`], [`InstalledError::Generation`],
    /// [`InstalledError::Unknown`], [`InstalledError::NotGranted`], [`InstalledError::Barred`],
    /// [`InstalledError::Limit`].
    pub fn begin(&self, plugin: &str, intent: &Intent) -> Result<(), InstalledError> {
        check_capabilities(&intent.capabilities)?;
        check_parameters(&intent.parameters)?;
        let _turn = self.turn();
        self.index.change(|index| {
            let running = running(index, plugin)?;
            if index.get(&INTENTS, plugin)?.is_some() {
                return Err(InstalledError::UnderWay { plugin: plugin.to_owned() });
            }
            if running.generation != intent.from_generation {
                let (from, is) = (intent.from_generation, running.generation);
                return Err(InstalledError::Generation { plugin: plugin.to_owned(), from, is });
            }
            admit(index, plugin, &intent.digest, &intent.capabilities)?;
            Ok(index.put(&INTENTS, plugin, intent)?)
        })
    }

    /// What was about to run runs: one transaction, in which the generation rises, the floor of its name too, what ran
    /// becomes what ran before, and its strikes are forgotten. What runs now is returned.
    ///
    /// # Errors
    /// [`InstalledError::NoIntent`]; after [`IndexError::Database`] only opening anew tells which of the two runs.
    pub fn commit(&self, plugin: &str) -> Result<Running, InstalledError> {
        let _turn = self.turn();
        self.index.change(|index| {
            let intent = taken(index, plugin)?;
            let old = running(index, plugin)?;
            let bundle = installed(index, &intent.digest)?;
            let new = Running {
                digest: intent.digest,
                previous: Some(Box::new(Previous {
                    digest: old.digest,
                    parameters: old.parameters,
                    generation: old.generation,
                    capabilities: old.capabilities,
                })),
                parameters: intent.parameters,
                generation: old.generation + 1,
                capabilities: intent.capabilities,
            };
            index.put(&RUNNING, plugin, &new)?;
            index.remove(&STRIKES, &strike_key(plugin, &new.digest))?;
            raise_floor(index, bundle.as_ref())?;
            Ok(new)
        })
    }

    /// The old one runs on. `strike`: by the new one's fault; after two it is barred.
    ///
    /// # Errors
    /// [`InstalledError::NoIntent`].
    pub fn abort(&self, plugin: &str, strike: bool) -> Result<Reverted, InstalledError> {
        let _turn = self.turn();
        self.index.change(|index| {
            let intent = taken(index, plugin)?;
            Ok(revert(index, plugin, intent.digest, strike)?)
        })
    }

    /// Nothing runs as this plugin any more, as when the configuration no longer has it. Its strikes stay.
    ///
    /// # Errors
    /// [`InstalledError::NotRunning`], [`InstalledError::UnderWay`].
    pub fn forget(&self, plugin: &str) -> Result<Running, InstalledError> {
        let _turn = self.turn();
        self.index.change(|index| {
            if index.get(&INTENTS, plugin)?.is_some() {
                return Err(InstalledError::UnderWay { plugin: plugin.to_owned() });
            }
            let removed = index.remove(&RUNNING, plugin)?;
            removed.ok_or_else(|| InstalledError::NotRunning { plugin: plugin.to_owned() })
        })
    }

    /// Whether a bundle failed too often as this plugin.
    ///
    /// # Errors
    /// Of the index.
    pub fn is_barred(&self, plugin: &str, digest: &str) -> Result<bool, InstalledError> {
        let strikes = self.index.read(|index| index.get(&STRIKES, &strike_key(plugin, digest)))?;
        Ok(strikes.is_some_and(|strikes| STRIKES_TO_BAR <= strikes))
    }

    /// Forgets the strikes; whether it was barred.
    ///
    /// # Errors
    /// Of the index.
    pub fn unbar(&self, plugin: &str, digest: &str) -> Result<bool, InstalledError> {
        let _turn = self.turn();
        self.index.change(|index| {
            let strikes = index.remove(&STRIKES, &strike_key(plugin, digest))?;
            Ok(strikes.is_some_and(|strikes| STRIKES_TO_BAR <= strikes))
        })
    }
}

/// At opening: no change goes on that another process began.
pub(super) fn recover(index: &Index) -> Result<Vec<Reverted>, IndexError> {
    index.change(|index| {
        let intents = index.intents()?;
        let reverted = intents.into_iter().map(|(plugin, intent)| {
            index.remove(&INTENTS, &plugin)?;
            revert(index, &plugin, intent.digest, true)
        });
        reverted.collect()
    })
}

/// A plugin that needs this bundle.
pub(super) fn user(
    running: &BTreeMap<String, Running>,
    intents: &BTreeMap<String, Intent>,
    digest: &str,
) -> Option<String> {
    let runs = running.iter().find(|(_, running)| {
        running.digest == digest || running.previous.as_ref().is_some_and(|previous| previous.digest == digest)
    });
    let is_to_run = || intents.iter().find(|(_, intent)| intent.digest == digest).map(|(plugin, _)| plugin.clone());
    runs.map(|(plugin, _)| plugin.clone()).or_else(is_to_run)
}

/// Its intent is taken away already.
fn revert(index: &Change, plugin: &str, digest: String, strike: bool) -> Result<Reverted, IndexError> {
    let key = strike_key(plugin, &digest);
    let mut strikes = index.get(&STRIKES, &key)?.unwrap_or(0);
    // What runs, or ran before, has shown that it can: there it was a parameter that failed, and barring it would leave no way back.
    let has_run = index.get(&RUNNING, plugin)?.is_some_and(|running: Running| {
        let before = running.previous.as_ref().is_some_and(|previous| previous.digest == digest);
        before || running.digest == digest
    });
    if strike && !has_run && digest != CONFIGURED {
        strikes = strikes.saturating_add(1);
        index.put(&STRIKES, &key, &strikes)?;
    }
    Ok(Reverted { plugin: plugin.to_owned(), digest, strikes, barred: STRIKES_TO_BAR <= strikes })
}

/// Whether a bundle may run as a plugin: it is there, not barred, and all that it asks for was granted.
fn admit(
    index: &Change,
    plugin: &str,
    digest: &str,
    granted: &[String],
) -> Result<Option<InstalledBundle>, InstalledError> {
    let bundle = installed(index, digest)?;
    let strikes = index.get(&STRIKES, &strike_key(plugin, digest))?.unwrap_or(0);
    let (plugin, digest) = (plugin.to_owned(), digest.to_owned());
    if STRIKES_TO_BAR <= strikes {
        return Err(InstalledError::Barred { plugin, digest, strikes });
    }
    let asked = bundle.iter().flat_map(|bundle| &bundle.capabilities);
    let missing: Vec<String> = asked.filter(|asked| !granted.contains(asked)).cloned().collect();
    if !missing.is_empty() {
        return Err(InstalledError::NotGranted { plugin, digest, missing });
    }
    Ok(bundle)
}

/// None of what is no bundle but the configuration's own component.
fn installed(index: &Change, digest: &str) -> Result<Option<InstalledBundle>, InstalledError> {
    if digest == CONFIGURED {
        return Ok(None);
    }
    index.get(&BUNDLES, digest)?.map(Some).ok_or_else(|| InstalledError::Unknown { digest: digest.to_owned() })
}

fn running(index: &Change, plugin: &str) -> Result<Running, InstalledError> {
    index.get(&RUNNING, plugin)?.ok_or_else(|| InstalledError::NotRunning { plugin: plugin.to_owned() })
}

fn taken(index: &Change, plugin: &str) -> Result<Intent, InstalledError> {
    index.remove(&INTENTS, plugin)?.ok_or_else(|| InstalledError::NoIntent { plugin: plugin.to_owned() })
}

/// It rises only.
fn raise_floor(index: &Change, bundle: Option<&InstalledBundle>) -> Result<(), IndexError> {
    let Some(bundle) = bundle else { return Ok(()) };
    let version = Version::parse(&bundle.version)
        .map_err(|error| IndexError::Damaged { what: format!("the version of {}: {error}", bundle.digest) })?;
    match index.get(&FLOORS, &bundle.name)? {
        Some(floor) if is_older(&version, &floor) => Ok(()),
        _ => index.put(&FLOORS, &bundle.name, &bundle.version),
    }
}

fn check_name(plugin: &str) -> Result<(), InstalledError> {
    if (1..=MAX_TEXT_BYTES).contains(&plugin.len()) && !plugin.contains(char::is_control) {
        return Ok(());
    }
    Err(InstalledError::Limit { what: "a plugin's name", limit: format!("1 to {MAX_TEXT_BYTES} printable bytes") })
}

fn check_capabilities(capabilities: &[String]) -> Result<(), InstalledError> {
    let short = capabilities.iter().all(|text| text.len() <= MAX_TEXT_BYTES);
    if short && capabilities.len() <= MAX_CAPABILITIES {
        return Ok(());
    }
    let limit = format!("at most {MAX_CAPABILITIES}, each of at most {MAX_TEXT_BYTES} bytes");
    Err(InstalledError::Limit { what: "a list of capabilities", limit })
}

fn check_parameters(parameters: &BTreeMap<String, serde_json::Value>) -> Result<(), InstalledError> {
    let bytes = serde_json::to_vec(parameters).map_err(IndexError::Encode)?.len();
    if bytes <= MAX_PARAMETERS_BYTES {
        return Ok(());
    }
    Err(InstalledError::Limit { what: "a set of parameters", limit: format!("at most {MAX_PARAMETERS_BYTES} bytes") })
}
