//! Bundles of the tests, those of what is installed included.

use super::described::Described;
use super::pack::Content;
use super::{Manifest, PartKind};

/// A manifest without parts.
pub(crate) fn manifest() -> Manifest {
    Manifest {
        name: "pump-watch".into(),
        version: "1.2.0".into(),
        world: "anomaly-detection".into(),
        wit: "dinrail:plugin@0.1.0".into(),
        minimum_dinrail: "0.1.0".into(),
        expires: None,
        changes: "first".into(),
        limits: "compiled".into(),
        capabilities: vec!["inference:channel".into(), "log".into()],
        description: Described {
            summary: "Watches a pump.".into(),
            inputs: vec![],
            outputs: vec![],
            parameters: vec![],
            models: vec![],
            outlook: vec![],
            results: vec![],
            period_ns: 0,
            budget_ns: 0,
            horizon_ns: 0,
            quantiles: vec![0.1, 0.5],
            state_version: 1,
        },
        parts: vec![],
    }
}

/// A part as it is.
pub(crate) fn content(kind: PartKind, name: &str, bytes: &[u8]) -> Content {
    Content { kind, name: name.into(), sealed_to: None, bytes: bytes.into() }
}
