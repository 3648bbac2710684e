//! The store's folder, before anything is written elsewhere.

use crate::config::Config;
use crate::controller::alarms::Losses;
use crate::controller::audit::{Store, StoreError};
use std::sync::Arc;

/// None where the configuration names none. A controller that can't have its store does not start.
pub(super) fn open(config: &Config, losses: &Arc<Losses>) -> Result<Option<Store>, StoreError> {
    let Some(path) = &config.site.store else { return Ok(None) };
    let holder = super::control::holder(config);
    Store::open(path, &config.site.name, &holder, Arc::clone(losses)).map(Some)
}
