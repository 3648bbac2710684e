//! A good configuration, bad ones with the place and words of every complaint, bindings, mutants, and
//! the examples of the reference.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod alarms;
mod good;
mod items;

mod bad;

mod binding;

mod ahead;

mod derived;

mod mutants;

mod orders;

mod reference;

use super::{Config, ConfigErrors, Places, parse};
use std::io::Write as _;
use std::path::Path;
use tempfile::TempDir;

/// A folder with everything that the configurations of these tests name.
pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new() -> Folder {
        let folder = Folder(TempDir::new().unwrap());
        folder.write("watch.wasm", "");
        folder.write("installed/anomaly-detection.wasm", "");
        folder.write("installed/predictive-maintenance.wasm", "");
        folder.write("installed/process-optimization.wasm", "");
        folder.write("installed/energy-optimization.wasm", "");
        folder.write("models/channel-autoencoder/model.onnx", "");
        folder.write("models/surface-defects/model.onnx", "");
        folder.write("spare.onnx", "");
        folder.write("tables/regimes.csv", "a,b\n1,2\n");
        folder.write("broker.password", "secret\n");
        folder.write("lab.csv", "datetime;flow;Temp C;material\n2026-03-01 06:00:00;1.5;80;steel\n");
        folder.write("counts.csv", "timestamp,value\n2014-02-14 14:30:00,45.8\n");
        folder.write("engines.txt", "1 1 0.002 -0.0004 518.67 641.82 \n1 2 0.002 -0.0003 518.67 642.15 \n");
        folder
    }

    /// Adds `NAME.gz`.
    fn pack(&self, name: &str) {
        let text = std::fs::read(self.path().join(name)).unwrap();
        let file = std::fs::File::create(self.path().join(format!("{name}.gz"))).unwrap();
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        packed.write_all(&text).unwrap();
        packed.finish().unwrap();
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Parses a text as if it stood in this folder.
    pub(super) fn parse(&self, text: &str) -> Result<Config, ConfigErrors> {
        let places = Places { plugins: vec![self.path().join("installed")], models: vec![self.path().join("models")] };
        parse(&self.path().join("site.toml"), text.to_owned(), &places)
    }

    /// Parses a text that is right.
    pub(super) fn good(&self, text: &str) -> Config {
        self.parse(text).unwrap_or_else(|errors| panic!("{errors}"))
    }
}

/// One of everything.
pub(super) const GOOD: &str = include_str!("good.toml");
