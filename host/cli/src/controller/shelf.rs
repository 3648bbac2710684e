//! The controller's bundles: what is installed, what runs of it, and what an operator asks of both. All of it happens on a
//! thread of its own: verifying, unpacking, compiling and syncing take as long as they take, and the scan goes on.

use super::build::{Change, Preparer};
use super::slots::Plugin;
use super::swap::fit::fits;
use crate::bundle::capabilities::capabilities;
use crate::config::types::LimitProfile;
use crate::control::{Answer, BundleLine, Letter};
use crossbeam_channel::{Receiver, Sender};
use dinrail_core::description::ParameterValue;
use dinrail_core::swap::Criteria;
use dinrail_store::bundle::Trust;
use dinrail_store::installed::{CONFIGURED, InstallRules, Installed, InstalledError, Intent, Running};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Requests that wait for the thread.
const MAX_WAITING: usize = 16;
/// A guest's stack stands on its thread's.
const STACK_BYTES: usize = 4 * 1024 * 1024;

/// A version of a plugin that is to be swapped in.
pub struct Prepared {
    /// Index of the plugin.
    pub plugin: usize,
    /// It.
    pub candidate: Arc<Plugin>,
    /// What people call it.
    pub title: String,
    /// What becomes durable with it; none: nothing does.
    pub intent: Option<Intent>,
    /// What is asked of it.
    pub criteria: Criteria,
    /// Whether it may begin without the incumbent's state.
    pub cold: bool,
}

/// What came of a request.
pub enum Came {
    /// It is answered.
    Answer(Answer),
    /// A candidate is ready for its swap.
    Candidate(Box<Prepared>),
}

/// A request whose answer comes later.
pub struct Pending {
    /// What, and by whom.
    pub letter: Letter,
    /// Where the answer goes.
    pub reply: Sender<Answer>,
    /// How it stood before.
    pub before: String,
}

/// What the thread is to do.
pub type Task = Box<dyn FnOnce(&Keeping) -> Came + Send>;

/// What the thread works with.
pub struct Keeping {
    /// None without a store.
    pub installed: Option<Arc<Installed>>,
    /// Whose bundles are taken.
    pub trust: Trust,
    /// Makes candidates.
    pub preparer: Preparer,
}

/// The end that the scan has.
pub struct Shelf {
    tasks: Sender<(Pending, Task)>,
    ended: Receiver<(Pending, Came)>,
}

impl Shelf {
    /// Starts the thread.
    pub fn start(keeping: Keeping) -> std::io::Result<Shelf> {
        let (tasks, queue) = crossbeam_channel::bounded::<(Pending, Task)>(MAX_WAITING);
        let (end, ended) = crossbeam_channel::unbounded();
        std::thread::Builder::new().name("shelf".into()).stack_size(STACK_BYTES).spawn(move || {
            for (pending, task) in queue {
                // Nobody listens any more only when the controller is gone.
                let _ = end.send((pending, task(&keeping)));
            }
        })?;
        Ok(Shelf { tasks, ended })
    }

    /// Has a request carried out; gives it back where too many wait.
    pub fn ask(&self, pending: Pending, task: Task) -> Result<(), Box<Pending>> {
        self.tasks.try_send((pending, task)).map_err(|error| Box::new(error.into_inner().0))
    }

    /// Those that ended.
    pub fn ended(&self) -> Vec<(Pending, Came)> {
        self.ended.try_iter().collect()
    }
}

/// A word about a plugin's version, as it was asked for.
#[derive(Clone)]
pub struct Wanted {
    /// Index of the plugin.
    pub plugin: usize,
    /// The version that runs.
    pub incumbent: Arc<Plugin>,
    /// What is asked of the candidate.
    pub criteria: Criteria,
    /// Whether it may begin without the incumbent's state.
    pub cold: bool,
    /// Grants what it asks for beyond what the one before was granted.
    pub grant: bool,
    /// Takes a bar away that two failed swaps have left.
    pub again: bool,
    /// Only says what would change.
    pub dry_run: bool,
}

impl Keeping {
    fn store(&self) -> Result<&Installed, String> {
        let none = || "this controller has no store; name its folder by `store = \"DIR\"` in [site]".to_owned();
        self.installed.as_deref().ok_or_else(none)
    }

    /// Installs a bundle's file.
    pub fn install(&self, path: &Path, by: &str, downgrade: bool, dry_run: bool) -> Came {
        Came::Answer(match self.installed_from(path, by, downgrade, dry_run) {
            Ok(text) => Answer::Done { text },
            Err(why) => Answer::Refused { why: format!("`{}` is not installed: {why}", path.display()) },
        })
    }

    fn installed_from(&self, path: &Path, by: &str, downgrade: bool, dry_run: bool) -> Result<String, String> {
        let store = self.store()?;
        // Whatever else it may be, this thread would wait for it.
        let is_file = std::fs::metadata(path).map_err(|error| error.to_string())?.is_file();
        if !is_file {
            return Err("it is no file".to_owned());
        }
        let open = || std::fs::File::open(path).map(std::io::BufReader::new).map_err(|error| error.to_string());
        if dry_run {
            use dinrail_store::bundle::Bundle;
            let bundle = Bundle::read(&mut open()?, &self.trust).map_err(|error| error.to_string())?;
            let manifest = bundle.manifest();
            let asks = manifest.capabilities.join(", ");
            return Ok(format!(
                "{} {} would be installed ({}), digest {}; it asks for: {asks}",
                manifest.name,
                manifest.version,
                if bundle.signer().is_some() { "signed" } else { "unsigned" },
                bundle.digest()
            ));
        }
        let now = jiff::Timestamp::now();
        let rules = InstallRules {
            today: now.strftime("%Y-%m-%d").to_string(),
            now: now.to_string(),
            by: by.to_owned(),
            dinrail: env!("CARGO_PKG_VERSION").to_owned(),
            downgrade,
        };
        let installed = store.install(&mut open()?, &self.trust, &rules).map_err(|error| error.to_string())?;
        let unsigned = if installed.signer.is_none() { ", UNSIGNED" } else { "" };
        Ok(format!(
            "installed {} {}{unsigned}, digest {}; `dinrail swap PLUGIN {}@{}` puts it in shadow",
            installed.name, installed.version, installed.digest, installed.name, installed.version
        ))
    }

    /// What is installed.
    pub fn bundles(&self) -> Came {
        let list = || -> Result<Vec<BundleLine>, String> {
            let store = self.store()?;
            let text = |error: InstalledError| error.to_string();
            let running = store.all_running().map_err(text)?;
            let line = |bundle: dinrail_store::installed::InstalledBundle| {
                let runs =
                    running.iter().filter(|(_, runs)| runs.digest == bundle.digest).map(|(name, _)| name.clone());
                BundleLine {
                    name: bundle.name.clone(),
                    version: bundle.version.clone(),
                    runs_as: runs.collect(),
                    signer: bundle.signer.clone(),
                    installed_at: bundle.installed_at.clone(),
                    installed_by: bundle.installed_by.clone(),
                    digest: bundle.digest,
                }
            };
            Ok(store.bundles().map_err(text)?.into_values().map(line).collect())
        };
        Came::Answer(match list() {
            Ok(bundles) => Answer::Bundles { bundles },
            Err(why) => Answer::Refused { why },
        })
    }

    /// Prepares an installed bundle for a plugin.
    pub fn swap(&self, wanted: &Wanted, selector: &str) -> Came {
        candidate(self.prepared_bundle(wanted, selector), wanted)
    }

    fn prepared_bundle(&self, wanted: &Wanted, selector: &str) -> Result<Prepared, String> {
        let text = |error: InstalledError| error.to_string();
        let store = self.store()?;
        let found = store.find(selector).map_err(text)?;
        let found = found.ok_or_else(|| {
            format!("no bundle `{selector}` is installed; `dinrail install FILE.rail` installs one, `dinrail plugins` shows them")
        })?;
        let name = &wanted.incumbent.config.name;
        if wanted.again && !wanted.dry_run {
            store.unbar(name, &found.digest).map_err(text)?;
        } else if store.is_barred(name, &found.digest).map_err(text)? {
            return Err(format!(
                "{} {} failed twice as {name} and is barred; `--again` takes the bar away",
                found.name, found.version
            ));
        }
        let bundle = store.bundle(&found.digest).map_err(text)?;
        crate::plan_child::try_component(bundle.component())?;
        let running = self.running(wanted)?;
        let parameters = running.parameters.clone();
        self.prepared(wanted, &running, found.digest, parameters)
    }

    /// Prepares the version that runs with another parameter.
    pub fn set(&self, wanted: &Wanted, name: &str, value: &ParameterValue) -> Came {
        let prepared = || -> Result<Prepared, String> {
            let running = self.running(wanted)?;
            let mut parameters = running.parameters.clone();
            parameters.insert(name.to_owned(), to_json(value));
            let prepared = self.prepared(wanted, &running, running.digest.clone(), parameters)?;
            if prepared.candidate.component.digest() != wanted.incumbent.component.digest() {
                return Err("the component's file is another one than when the controller started; restart it, or \
                            install a bundle and swap that in"
                    .to_owned());
            }
            Ok(prepared)
        };
        candidate(prepared(), wanted)
    }

    /// Prepares what ran before what runs.
    pub fn roll_back(&self, wanted: &Wanted) -> Came {
        let prepared = || -> Result<Prepared, String> {
            let running = self.running(wanted)?;
            let name = &wanted.incumbent.config.name;
            let Some(previous) = running.previous.clone() else {
                return Err(format!("nothing ran as {name} before what runs: there is nothing to go back to"));
            };
            self.prepared(wanted, &running, previous.digest.clone(), previous.parameters.clone())
        };
        candidate(prepared(), wanted)
    }

    /// What runs as the plugin by the store, or as the configuration says.
    fn running(&self, wanted: &Wanted) -> Result<Running, String> {
        let name = &wanted.incumbent.config.name;
        let asked = capabilities(&wanted.incumbent.component, &wanted.incumbent.description);
        let Some(store) = &self.installed else {
            return Ok(Running {
                digest: CONFIGURED.to_owned(),
                previous: None,
                parameters: BTreeMap::new(),
                generation: 1,
                capabilities: asked,
            });
        };
        let text = |error: InstalledError| error.to_string();
        match store.running(name).map_err(text)? {
            Some(running) => Ok(running),
            None if wanted.dry_run => Ok(Running {
                digest: CONFIGURED.to_owned(),
                previous: None,
                parameters: BTreeMap::new(),
                generation: 1,
                capabilities: asked,
            }),
            // Who writes a component into the configuration grants what it asks for.
            None => store.adopt(name, CONFIGURED, asked).map_err(text),
        }
    }

    fn prepared(
        &self,
        wanted: &Wanted,
        running: &Running,
        digest: String,
        parameters: BTreeMap<String, serde_json::Value>,
    ) -> Result<Prepared, String> {
        let (change, title) = self.change(wanted, &digest, &parameters)?;
        let candidate = self.preparer.candidate(wanted.plugin, &change).map_err(|errors| errors.to_string())?;
        fits(&wanted.incumbent, &candidate).map_err(|misfit| format!("{title}: {misfit}"))?;
        let asked = capabilities(&candidate.component, &candidate.description);
        let new: Vec<&String> = asked.iter().filter(|name| !running.capabilities.contains(name)).collect();
        if !new.is_empty() && !wanted.grant && !wanted.dry_run {
            let new: Vec<&str> = new.iter().map(|name| name.as_str()).collect();
            return Err(format!(
                "{title} asks for what the version that runs was not granted: {}. Say `--grant` if it shall have it",
                new.join(", ")
            ));
        }
        let intent = self.installed.as_ref().map(|_| Intent {
            digest,
            parameters,
            from_generation: running.generation,
            capabilities: asked.clone(),
        });
        let (plugin, criteria, cold) = (wanted.plugin, wanted.criteria, wanted.cold);
        Ok(Prepared { plugin, candidate: Arc::new(candidate), title, intent, criteria, cold })
    }

    /// What is other than the configuration says, and what it is called.
    fn change(
        &self,
        wanted: &Wanted,
        digest: &str,
        parameters: &BTreeMap<String, serde_json::Value>,
    ) -> Result<(Change, String), String> {
        change(self.installed.as_deref(), &wanted.incumbent.config.name, digest, parameters)
    }
}

/// What a version of a plugin changes in its configuration, and what it is called.
pub fn change(
    installed: Option<&Installed>,
    plugin: &str,
    digest: &str,
    parameters: &BTreeMap<String, serde_json::Value>,
) -> Result<(Change, String), String> {
    let text = |error: InstalledError| error.to_string();
    let mut change = Change::default();
    for (name, value) in parameters {
        change
            .parameters
            .push((name.clone(), from_json(value).ok_or_else(|| format!("the parameter `{name}` is {value}"))?));
    }
    let mut title = format!("{plugin} as the configuration has it");
    if let (Some(store), true) = (installed, digest != CONFIGURED) {
        let bundle = store.bundle(digest).map_err(text)?;
        let files = store.files(digest).map_err(text)?;
        let manifest = bundle.manifest();
        title = format!("{} {}", manifest.name, manifest.version);
        change.component = Some((format!("{title}, {digest}").into(), bundle.component().to_vec()));
        change.limits =
            Some(if manifest.limits == "interpreted" { LimitProfile::Interpreted } else { LimitProfile::Compiled });
        change.models = files.models.into_iter().collect();
        change.tables = files.assets;
    }
    if !parameters.is_empty() {
        let set: Vec<String> = parameters.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        title = format!("{title} with {}", set.join(", "));
    }
    Ok((change, title))
}

/// A candidate, what it would change, or why there is none.
fn candidate(prepared: Result<Prepared, String>, wanted: &Wanted) -> Came {
    match prepared {
        Err(why) => Came::Answer(Answer::Refused { why }),
        Ok(prepared) if wanted.dry_run => Came::Answer(Answer::Done { text: would(&prepared, &wanted.incumbent) }),
        Ok(prepared) => Came::Candidate(Box::new(prepared)),
    }
}

/// What a swap would change.
fn would(prepared: &Prepared, incumbent: &Plugin) -> String {
    let (old, new) = (incumbent, &prepared.candidate);
    let name = &old.config.name;
    let mut said = vec![format!("nothing is changed yet. {name} would become {}", prepared.title)];
    if old.component.digest() == new.component.digest() {
        said.push("the component stays the same".to_owned());
    } else {
        let version =
            |plugin: &Plugin| format!("{} ({})", plugin.description.version, &plugin.component.digest()[..12]);
        said.push(format!("version {} → {}", version(old), version(new)));
    }
    for (name, after) in &new.bound.parameters {
        match old.bound.parameters.iter().find(|(known, _)| known == name) {
            Some((_, before)) if before == after => {}
            Some((_, before)) => said.push(format!("{name} {} → {}", to_json(before), to_json(after))),
            None => said.push(format!("{name}, which is new, {}", to_json(after))),
        }
    }
    let before = capabilities(&old.component, &old.description);
    let added = capabilities(&new.component, &new.description).into_iter().filter(|name| !before.contains(name));
    let added: Vec<String> = added.collect();
    if !added.is_empty() {
        said.push(format!("it would get {}, for which it needs `--grant`", added.join(", ")));
    }
    said.join("; ")
}

/// As the store keeps it.
fn to_json(value: &ParameterValue) -> serde_json::Value {
    match value {
        ParameterValue::Boolean(value) => (*value).into(),
        ParameterValue::Integer(value) => (*value).into(),
        ParameterValue::Number(value) => (*value).into(),
        ParameterValue::Text(value) => value.as_str().into(),
    }
}

fn from_json(value: &serde_json::Value) -> Option<ParameterValue> {
    match value {
        serde_json::Value::Bool(value) => Some(ParameterValue::Boolean(*value)),
        serde_json::Value::String(value) => Some(ParameterValue::Text(value.clone())),
        serde_json::Value::Number(value) => {
            let whole = value.as_i64().map(ParameterValue::Integer);
            whole.or_else(|| value.as_f64().map(ParameterValue::Number))
        }
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
    }
}

/// A value as an operator writes it.
#[must_use]
pub fn parameter(text: &str) -> ParameterValue {
    if let Ok(value) = text.parse::<bool>() {
        return ParameterValue::Boolean(value);
    }
    if let Ok(value) = text.parse::<i64>() {
        return ParameterValue::Integer(value);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => ParameterValue::Number(value),
        _ => ParameterValue::Text(text.to_owned()),
    }
}
