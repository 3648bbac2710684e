//! From a component's bytes to something that can be instantiated: which world it has, what it
//! imports, and why it is refused.

use crate::engine::{EngineFailure, Inner};
use crate::grants::Grants;
use crate::host::HostState;
use crate::instance::{DescribeError, Instance};
use crate::settings::{Limits, MAX_COMPONENT_BYTES};
use crate::wire::exports::dinrail::plugin::{anomaly, energy, health, lifecycle, optimization, quality, supply};
use dinrail_core::description::{Description, World};
use dinrail_core::outcome::Fault;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre};

/// The package whose interfaces cross the boundary.
const PACKAGE: &str = "dinrail:plugin/";
/// Its version.
const VERSION: &str = "@0.1.0";

/// Why a component is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Larger than is compiled.
    #[error("the component has {bytes} bytes, {limit} are the limit")]
    TooLarge {
        /// How many.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A core module, which a compiler gives before it is made a component.
    #[error(
        "this is a core wasm module and no component; make it one with `cargo xtask plugins`, or with \
         `wasm-tools component new MODULE.wasm -o COMPONENT.wasm`"
    )]
    CoreModule,
    /// Not wasm at all.
    #[error("this is no wasm component")]
    NotAComponent,
    /// Malformed, or uses what the engine has switched off.
    #[error("the component can't be compiled: {0}")]
    Compile(#[source] EngineFailure),
    /// No world's interface among its exports.
    #[error("the component exports none of dinrail's worlds; its exports are {exports:?}")]
    NoWorld {
        /// What it exports.
        exports: Vec<String>,
    },
    /// More than one.
    #[error("the component exports the worlds {0} and {1}; a plugin has one", first.name(), second.name())]
    SeveralWorlds {
        /// One.
        first: World,
        /// Another.
        second: World,
    },
    /// `lifecycle` is not among its exports.
    #[error("the component doesn't export `dinrail:plugin/lifecycle@0.1.0`")]
    NoLifecycle,
    /// Another version of dinrail's interfaces.
    #[error("the component has the interface `{interface}`, and this host knows version 0.1.0 only")]
    Version {
        /// As the component calls it.
        interface: String,
    },
    /// An import of WASI.
    #[error(
        "the component imports `{import}`, and plugins get nothing of WASI. Build it without: Rust for \
         wasm32-unknown-unknown, C as a reactor without libc input and output, JavaScript with \
         `--backend-qjs-stub-wasi`, Python with `componentize-py … -s`"
    )]
    Wasi {
        /// Its name.
        import: String,
    },
    /// An import of wasi:nn.
    #[error(
        "the component imports `{import}`, which this version does not have yet; use `dinrail:plugin/inference@0.1.0`"
    )]
    WasiNn {
        /// Its name.
        import: String,
    },
    /// Any other import.
    #[error(
        "the component imports `{import}`; a plugin may import the interfaces inference, assets, log and \
         metrics of `dinrail:plugin@0.1.0` and nothing else"
    )]
    UnknownImport {
        /// Its name.
        import: String,
    },
    /// An import that the configuration does not grant.
    #[error("the component imports `{import}`, which is not granted; grant it with `{key}` of the plugin")]
    NotGranted {
        /// Its name.
        import: &'static str,
        /// The configuration's key.
        key: &'static str,
    },
    /// An interface with the right name and other functions or types.
    #[error("the component's interfaces are not those of dinrail:plugin@0.1.0: {0}")]
    Interface(#[source] EngineFailure),
    /// Past a limit or a trap while it was instantiated.
    #[error("the component can't be instantiated: {0}")]
    Instantiate(#[source] Fault),
}

/// A compiled plugin. Cloning shares it.
#[derive(Clone)]
pub struct PluginComponent {
    inner: Arc<Compiled>,
}

struct Compiled {
    engine: Arc<Inner>,
    pre: InstancePre<HostState>,
    exports: Exports,
    world: World,
    digest: String,
    imports: Vec<String>,
    needs_models: bool,
    needs_assets: bool,
}

/// Where a component has its exports.
pub(crate) struct Exports {
    pub(crate) lifecycle: lifecycle::GuestIndices,
    pub(crate) world: WorldExports,
}

/// See [`Exports`].
pub(crate) enum WorldExports {
    AnomalyDetection(anomaly::GuestIndices),
    PredictiveMaintenance(health::GuestIndices),
    QualityControl(quality::GuestIndices),
    ProcessOptimization(optimization::GuestIndices),
    EnergyOptimization(energy::GuestIndices),
    SupplyChain(supply::GuestIndices),
}

impl std::fmt::Debug for PluginComponent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginComponent")
            .field("world", &self.inner.world.name())
            .field("digest", &self.inner.digest)
            .finish_non_exhaustive()
    }
}

impl PluginComponent {
    pub(crate) fn compile(engine: &Arc<Inner>, wasm: &[u8]) -> Result<PluginComponent, LoadError> {
        check_header(wasm)?;
        let component =
            Component::from_binary(&engine.wasm, wasm).map_err(|error| LoadError::Compile(EngineFailure(error)))?;
        let ty = component.component_type();
        let exports: Vec<&str> = ty.exports(&engine.wasm).map(|(name, _)| name).collect();
        let world = find_world(&exports)?;
        let mut imports = Vec::new();
        let (mut needs_models, mut needs_assets) = (false, false);
        for (name, item) in ty.imports(&engine.wasm) {
            check_import(name)?;
            let ComponentItem::ComponentInstance(instance) = &item.ty else {
                return Err(LoadError::UnknownImport { import: name.to_owned() });
            };
            let mut functions = instance.exports(&engine.wasm).map(|(function, _)| function);
            match interface(name) {
                Some("inference") => needs_models = functions.any(|function| function == "[static]model.open"),
                Some("assets") => needs_assets = functions.any(|function| function == "load"),
                Some(_) | None => {}
            }
            imports.push(name.to_owned());
        }
        let interface = |error| LoadError::Interface(EngineFailure(error));
        let pre = engine.linker.instantiate_pre(&component).map_err(interface)?;
        let exports = Exports::find(&pre, world).map_err(interface)?;
        let digest = hex(&Sha256::digest(wasm));
        let engine = Arc::clone(engine);
        let inner = Compiled { engine, pre, exports, world, digest, imports, needs_models, needs_assets };
        Ok(PluginComponent { inner: Arc::new(inner) })
    }

    /// Its world, found from its exports.
    #[must_use]
    pub fn world(&self) -> World {
        self.inner.world
    }

    /// SHA-256 of its bytes, 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// The interfaces it imports, as WIT names them.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.inner.imports
    }

    /// Whether it opens models.
    #[must_use]
    pub fn needs_models(&self) -> bool {
        self.inner.needs_models
    }

    /// Whether it loads tables.
    #[must_use]
    pub fn needs_assets(&self) -> bool {
        self.inner.needs_assets
    }

    /// Asks a throw-away instance, which is granted nothing, what the plugin is and needs.
    pub fn describe(&self, limits: &Limits) -> Result<Description, DescribeError> {
        self.start(Grants::default(), limits).map_err(DescribeError::Fault)?.describe()
    }

    /// Makes an instance with a store of its own. Takes some ten microseconds for a compiled plugin,
    /// up to a millisecond for an interpreted one.
    pub fn instantiate(&self, grants: Grants, limits: &Limits) -> Result<Instance, LoadError> {
        if self.inner.needs_models && grants.models.is_empty() && !grants.models_optional {
            return Err(LoadError::NotGranted { import: crate::inference::INTERFACE, key: "models" });
        }
        if self.inner.needs_assets && grants.assets.is_none() && !grants.assets_optional {
            return Err(LoadError::NotGranted { import: "dinrail:plugin/assets@0.1.0", key: "tables" });
        }
        self.start(grants, limits).map_err(LoadError::Instantiate)
    }

    fn start(&self, grants: Grants, limits: &Limits) -> Result<Instance, Fault> {
        let Compiled { engine, pre, exports, world, digest, .. } = &*self.inner;
        Instance::start(engine, pre, exports, *world, digest, grants, limits)
    }
}

impl Exports {
    fn find(pre: &InstancePre<HostState>, world: World) -> wasmtime::Result<Exports> {
        let lifecycle = lifecycle::GuestIndices::new(pre)?;
        let world = match world {
            World::AnomalyDetection => WorldExports::AnomalyDetection(anomaly::GuestIndices::new(pre)?),
            World::PredictiveMaintenance => WorldExports::PredictiveMaintenance(health::GuestIndices::new(pre)?),
            World::QualityControl => WorldExports::QualityControl(quality::GuestIndices::new(pre)?),
            World::ProcessOptimization => WorldExports::ProcessOptimization(optimization::GuestIndices::new(pre)?),
            World::EnergyOptimization => WorldExports::EnergyOptimization(energy::GuestIndices::new(pre)?),
            World::SupplyChain => WorldExports::SupplyChain(supply::GuestIndices::new(pre)?),
        };
        Ok(Exports { lifecycle, world })
    }
}

fn check_header(wasm: &[u8]) -> Result<(), LoadError> {
    if wasm.len() > MAX_COMPONENT_BYTES {
        return Err(LoadError::TooLarge { bytes: wasm.len(), limit: MAX_COMPONENT_BYTES });
    }
    // Magic, version, layer: https://github.com/WebAssembly/component-model, Binary.md.
    match wasm.get(..8) {
        Some([0, b'a', b's', b'm', _, _, 1, 0]) => Ok(()),
        Some([0, b'a', b's', b'm', _, _, 0, 0]) => Err(LoadError::CoreModule),
        _ => Err(LoadError::NotAComponent),
    }
}

/// The interface's name where it is one of dinrail's in the version this host knows.
fn interface(name: &str) -> Option<&str> {
    name.strip_prefix(PACKAGE)?.strip_suffix(VERSION)
}

/// The world that an export makes.
fn world_of(interface: &str) -> Option<World> {
    match interface {
        "anomaly" => Some(World::AnomalyDetection),
        "health" => Some(World::PredictiveMaintenance),
        "quality" => Some(World::QualityControl),
        "optimization" => Some(World::ProcessOptimization),
        "energy" => Some(World::EnergyOptimization),
        "supply" => Some(World::SupplyChain),
        _ => None,
    }
}

/// Finds the one world. Exports that are not dinrail's are the language's own and ignored.
fn find_world(exports: &[&str]) -> Result<World, LoadError> {
    let mut found = None;
    let mut lifecycle = false;
    for export in exports {
        let Some(name) = interface(export) else {
            if export.starts_with(PACKAGE) {
                return Err(LoadError::Version { interface: (*export).to_owned() });
            }
            continue;
        };
        lifecycle |= name == "lifecycle";
        match (world_of(name), found) {
            (Some(second), Some(first)) => return Err(LoadError::SeveralWorlds { first, second }),
            (Some(world), None) => found = Some(world),
            (None, _) => {}
        }
    }
    let world =
        found.ok_or_else(|| LoadError::NoWorld { exports: exports.iter().map(|name| (*name).to_owned()).collect() })?;
    if lifecycle { Ok(world) } else { Err(LoadError::NoLifecycle) }
}

fn check_import(name: &str) -> Result<(), LoadError> {
    let import = name.to_owned();
    if name.starts_with("wasi:nn/") {
        return Err(LoadError::WasiNn { import });
    }
    if name.starts_with("wasi:") || name.starts_with("wasi_") {
        return Err(LoadError::Wasi { import });
    }
    match interface(name) {
        Some("types" | "inference" | "assets" | "log" | "metrics") => Ok(()),
        None if name.starts_with(PACKAGE) => Err(LoadError::Version { interface: import }),
        Some(_) | None => Err(LoadError::UnknownImport { import }),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string can't fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFECYCLE: &str = "dinrail:plugin/lifecycle@0.1.0";

    #[test]
    fn the_world_is_found_from_the_exports() {
        let found = find_world(&["init", LIFECYCLE, "dinrail:plugin/supply@0.1.0", "exports"]);
        assert!(matches!(found, Ok(World::SupplyChain)), "{found:?}");
        assert!(matches!(find_world(&[LIFECYCLE]), Err(LoadError::NoWorld { .. })));
        assert!(matches!(find_world(&["dinrail:plugin/health@0.1.0"]), Err(LoadError::NoLifecycle)));
        let two = find_world(&[LIFECYCLE, "dinrail:plugin/health@0.1.0", "dinrail:plugin/energy@0.1.0"]);
        assert!(matches!(two, Err(LoadError::SeveralWorlds { .. })));
        let newer = find_world(&[LIFECYCLE, "dinrail:plugin/health@0.2.0"]);
        assert!(matches!(newer, Err(LoadError::Version { .. })));
    }

    #[test]
    fn imports_are_refused_by_name() {
        for name in ["types", "inference", "assets", "log", "metrics"] {
            assert!(check_import(&format!("dinrail:plugin/{name}@0.1.0")).is_ok(), "{name}");
        }
        let refused = |name: &str| check_import(name).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused("wasi:clocks/monotonic-clock@0.2.6").contains("wasi:clocks/monotonic-clock@0.2.6"));
        assert!(refused("wasi:clocks/monotonic-clock@0.2.6").contains("Build it without"));
        assert!(refused("wasi:nn/graph@0.2.0-rc-2024-10-28").contains("dinrail:plugin/inference"));
        assert!(refused("dinrail:plugin/lifecycle@0.1.0").contains("nothing else"));
        assert!(refused("dinrail:plugin/log@0.2.0").contains("0.1.0 only"));
        assert!(refused("acme:sneaky/net").contains("acme:sneaky/net"));
    }

    #[test]
    fn only_components_of_bounded_size_are_compiled() {
        assert!(matches!(check_header(b"\0asm\x01\0\0\0"), Err(LoadError::CoreModule)));
        assert!(matches!(check_header(b"\0asm\x0d\0\x01\0"), Ok(())));
        assert!(matches!(check_header(b"\0as"), Err(LoadError::NotAComponent)));
        assert!(matches!(check_header(b"(component)"), Err(LoadError::NotAComponent)));
        let large = vec![0; MAX_COMPONENT_BYTES + 1];
        assert!(matches!(check_header(&large), Err(LoadError::TooLarge { .. })));
    }

    #[test]
    fn a_digest_is_shown_in_hexadecimal() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
