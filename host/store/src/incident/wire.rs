//! Calls as they are written: postcard, so that every number comes back bit by bit, and equal calls are equal bytes.
//!
//! - `call`: what a call got
//! - `outcome`: what it gave
//! - `binding`: what an instance was configured with

mod binding;
mod call;
mod outcome;

pub use binding::{BindingWire, TableWire};
pub use call::{CallWire, InferenceWire, Redaction, TensorWire};
pub use outcome::{FaultWire, OutcomeWire, ResultsWire};

use super::read::IncidentError;
use dinrail_core::flight::Base;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One of an instance's entries, in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EntryWire {
    /// A fresh instance was configured.
    Start,
    /// The plugin saved its state.
    State {
        /// The description's version of it.
        version: u32,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// What came before is not known.
    Lost,
    /// A call.
    Call(Box<CallWire>),
}

impl From<&Base> for EntryWire {
    fn from(base: &Base) -> EntryWire {
        match base {
            Base::Start => EntryWire::Start,
            Base::State { version, bytes } => EntryWire::State { version: *version, bytes: bytes.to_vec() },
            Base::Lost => EntryWire::Lost,
        }
    }
}

impl EntryWire {
    /// The base that it is; none where it is a call.
    #[must_use]
    pub fn base(&self) -> Option<Base> {
        match self {
            EntryWire::Start => Some(Base::Start),
            EntryWire::State { version, bytes } => {
                Some(Base::State { version: *version, bytes: Arc::from(bytes.as_slice()) })
            }
            EntryWire::Lost => Some(Base::Lost),
            EntryWire::Call(_) => None,
        }
    }
}

/// The bytes of anything that is written.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("what is written has lengths, and goes to memory")
}

/// From bytes that anybody may have made.
pub(super) fn decode<'b, T: Deserialize<'b>>(bytes: &'b [u8], what: &'static str) -> Result<T, IncidentError> {
    let malformed = |source| IncidentError::Malformed { what, source };
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(malformed)?;
    if rest.is_empty() { Ok(value) } else { Err(malformed(postcard::Error::SerdeDeCustom)) }
}
