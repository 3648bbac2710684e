//! The store's folder, before anything is written elsewhere.

use crate::config::Config;
use crate::controller::alarms::Losses;
use crate::controller::audit::{Store, StoreError};
use dinrail_store::folder::StoreFolder;
use std::sync::Arc;

/// None where the configuration names none. A controller that can't have its store does not start. `folder`: where it was
/// opened already.
pub(super) fn open(
    config: &Config,
    folder: Option<Arc<StoreFolder>>,
    losses: &Arc<Losses>,
) -> Result<Option<Store>, StoreError> {
    let Some(path) = &config.site.store else { return Ok(None) };
    let folder = match folder {
        Some(folder) => folder,
        None => Arc::new(StoreFolder::open(path, &super::control::holder(config))?),
    };
    Store::open(folder, path, &config.site.name, Arc::clone(losses)).map(Some)
}
