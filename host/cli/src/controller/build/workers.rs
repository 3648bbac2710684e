//! Which thread serves which plugin.

use crate::config::Config;

/// Threads for cyclic plugins where the configuration names no number: one each, so that one that loops holds
/// nobody else up, and not more than these.
const MAX_CYCLIC_WORKERS: usize = 16;

impl Config {
    /// Threads for cyclic plugins.
    fn cyclic_workers(&self) -> usize {
        let cyclic = self.plugins.iter().filter(|plugin| !plugin.background).count();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let assets = self.plugins.iter().any(|plugin| plugin.asset_key.is_some());
        let wanted = if assets { cyclic.max(cores.saturating_sub(1)) } else { cyclic };
        self.scan.workers.unwrap_or(wanted.clamp(1, MAX_CYCLIC_WORKERS))
    }

    /// All threads: those of the cyclic plugins, then one for each plugin that runs beside the scan.
    pub(super) fn worker_threads(&self) -> usize {
        self.cyclic_workers() + self.plugins.iter().filter(|plugin| plugin.background).count()
    }

    /// The threads of a plugin's instances. A cyclic plugin never shares one with a background plugin.
    pub(super) fn workers_of(&self, plugin: usize) -> std::ops::Range<usize> {
        let cyclic = self.cyclic_workers();
        let earlier =
            |background: bool| self.plugins.iter().take(plugin).filter(|other| other.background == background).count();
        let this = &self.plugins[plugin];
        if this.background {
            let own = cyclic + earlier(true);
            own..own + 1
        } else if this.asset_key.is_some() {
            0..cyclic
        } else {
            let own = earlier(false) % cyclic;
            own..own + 1
        }
    }
}
