//! What a component imports, and what it is granted of that.

use crate::inferences::Sum;
use crate::rig::{self, component, engine, fault, limits, models, outcome};
use dinrail_core::outcome::Fault;
use dinrail_engine::{AssetError, AssetTable, Assets, Grants, LoadError};

#[test]
pub(crate) fn wasi() {
    let refused = engine().compile(&rig::bytes("wasi")).unwrap_err();
    assert!(matches!(&refused, LoadError::Wasi { import } if import == "wasi:clocks/monotonic-clock@0.2.0"));
    assert!(refused.to_string().contains("Build it without"), "{refused}");
}

struct OneTable;

impl Assets for OneTable {
    fn load(&mut self, name: &str) -> Result<AssetTable, AssetError> {
        match name {
            "granted" => Ok(AssetTable { columns: vec!["a".to_owned()], rows: 1, values: vec![1.0] }),
            _ => Err(AssetError::Unknown(name.to_owned())),
        }
    }
}

#[test]
pub(crate) fn ungranted() {
    let component = component("ungranted");
    let refused = |grants: Grants| component.instantiate(grants, &limits()).unwrap_err();
    let key = |error: LoadError| match error {
        LoadError::NotGranted { import, key } => (import, key),
        other => panic!("expected a grant to be missing, got {other}"),
    };
    assert_eq!(key(refused(Grants::default())), ("dinrail:plugin/inference@0.1.0", "models"));
    assert_eq!(key(refused(models(vec![]))), ("dinrail:plugin/assets@0.1.0", "tables"));
    // Where others are granted, these are still unknown.
    let mut grants = models(vec![("granted", Sum::boxed().0)]);
    grants.assets = Some(Box::new(OneTable));
    let mut instance = rig::try_start(&component, grants, &[], &limits()).unwrap();
    let refusal = fault(outcome(&mut instance));
    assert!(matches!(&refusal, Fault::Model(text) if text.contains("secret")), "{refusal:?}");
    assert!(!instance.is_poisoned());
}
