//! Models that mean harm, in reduced numbers: mutants, known crashers, data in other files, slow ones, ones that give no
//! number. `cargo xtask prove 12 13 14` runs them in full.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_core::inference::{InferenceError, Model, Tensor};
use dinrail_inference::{Catalog, LoadError};
use dinrail_tests::advice::advised;
use dinrail_tests::controller::{Site, summary};
use dinrail_tests::environment;
use dinrail_tests::hostile_models::{self as hostile, Chance, Fate};
use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn mutants_are_refused_or_work() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = hostile::catalog();
    for (seed, bytes) in hostile::seeds().unwrap().iter().enumerate() {
        let path = hostile::write(directory.path(), "seed", bytes).unwrap();
        assert_eq!(hostile::fate(&catalog, &path).unwrap(), Fate::Works, "seed {seed}");
        for number in 0..12 {
            let mutant = hostile::mutant(bytes, &mut Chance::new(1_000 * seed as u64 + number));
            let path = hostile::write(directory.path(), "mutant", &mutant).unwrap();
            let fate = hostile::fate(&catalog, &path);
            assert!(fate.is_ok(), "seed {seed}, mutant {number}: {fate:?}");
        }
    }
}

#[test]
fn known_crashers_are_refused_in_the_child() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = hostile::catalog();
    let path = hostile::write(directory.path(), "sound", &hostile::sound_tree()).unwrap();
    // It has one more output than it declares, which is no fault.
    assert_eq!(hostile::fate(&catalog, &path).unwrap(), Fate::Works);
    for (name, bytes) in hostile::crashers() {
        let path = hostile::write(directory.path(), "crasher", &bytes).unwrap();
        let fate = hostile::fate(&catalog, &path).unwrap();
        assert_ne!(fate, Fate::Works, "{name}");
        assert!(fate == Fate::Refused || name.contains("folded"), "{name}: {fate:?}");
    }
}

#[test]
fn broken_trees_are_refused_by_typed_errors() {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in hostile::crashers().into_iter().filter(|(name, _)| !name.contains("folded")) {
        let path = hostile::write(directory.path(), "tree", &bytes).unwrap();
        let error = Catalog::new().load(&path).unwrap_err();
        assert!(matches!(error, LoadError::Refused { .. }), "{name}: {error}");
    }
}

#[test]
fn data_in_other_files_is_refused_however_it_is_reached() {
    let directory = tempfile::tempdir().unwrap();
    let (inside, outside) = (directory.path().join("models"), directory.path().join("secret.bin"));
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(&outside, 2.0_f32.to_le_bytes()).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&outside, inside.join("link.bin")).unwrap();
    std::fs::hard_link(&outside, inside.join("hard.bin")).unwrap();
    let absolute = outside.to_str().unwrap();
    for location in ["../secret.bin", absolute, "link.bin", "hard.bin"] {
        let path = hostile::write(Path::new(&inside), "model", &hostile::external(location)).unwrap();
        let error = Catalog::new().load(&path).unwrap_err().to_string();
        assert!(error.contains("tensor `w` lies in another file"), "{location}: {error}");
    }
}

#[test]
fn a_slow_model_is_cut_and_one_that_gives_no_number_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let run = |bytes: &[u8], deadline: Duration| {
        let path = hostile::write(directory.path(), "model", bytes).unwrap();
        let model = Catalog::new().load(&path).unwrap();
        let width = model.inputs()[0].shape[1].unwrap();
        let input = Tensor::new(vec![1, width], vec![1.0; width as usize].into()).unwrap();
        model.session().run(&[input], Some(Instant::now() + deadline))
    };
    assert_eq!(run(&hostile::slow(40, 100_000), Duration::from_millis(1)), Err(InferenceError::Deadline));
    let long = Duration::from_secs(30);
    assert_eq!(run(&hostile::not_a_number(), long), Err(InferenceError::NotFinite("y".into())));
}

#[test]
fn advice_that_is_no_number_never_acts() {
    let good = advised(&hostile::constant(85.0), false).unwrap();
    assert!(good.unanswered == 0 && good.commands > 0, "{good:?}");
    let none = advised(&hostile::not_a_number(), false).unwrap();
    assert_eq!((none.calls, none.unanswered, none.commands), (good.calls, good.calls, 0));
}

/// A plugin whose model's `model.toml` says what its training data were.
const DRIFT: &str = r#"
[scan]
period = "1s"
speed = "max"

[sources.rows]
kind = "csv"
path = "rows.csv"
time = { period = "1s" }

[tags.x]
source = "rows"

[plugins.watch]
component = "inference.wasm"
inputs = { signals = ["x"] }
models = { model = "known" }

[sinks.results]
kind = "jsonl"
path = "results.jsonl"
"#;

/// `model.toml` of a model of four inputs, trained on numbers from 0 to 1.
fn described(sha256: &str) -> String {
    let tensor = "shape = [1, 4]\nunit = \"1\"\n";
    format!(
        "name = \"known\"\nsummary = \"Always a half\"\nfile = \"model.onnx\"\nsha256 = \"{sha256}\"\nlicence = \"MIT\"\n\n\
         [[inputs]]\nname = \"x\"\n{tensor}statistics = {{ low = [0, 0, 0, 0], high = [1, 1, 1, 1] }}\n\n\
         [[outputs]]\nname = \"y\"\n{tensor}"
    )
}

#[test]
fn answers_to_inputs_unlike_the_training_data_are_uncertain() {
    let site = Site::new(DRIFT);
    std::fs::copy(environment::guest("inference"), site.path("inference.wasm")).unwrap();
    std::fs::create_dir(site.path("known")).unwrap();
    let onnx = hostile::write(&site.path("known"), "model", &hostile::constant(0.5)).unwrap();
    let digest = Catalog::new().load(&onnx).unwrap().sha256().to_owned();
    std::fs::write(site.path("known/model.toml"), described(&digest)).unwrap();
    // At both ends, just past them, and back.
    let rows = [("0", "good"), ("1", "good"), ("1.001", "uncertain"), ("-0.001", "uncertain"), ("0.5", "good")];
    let text: String = rows.iter().map(|(value, _)| format!("{value}\n")).collect();
    std::fs::write(site.path("rows.csv"), format!("x\n{text}")).unwrap();
    let output = site.output("run", &["--json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let qualities: Vec<String> =
        site.lines("results.jsonl").iter().map(|line| line["quality"].as_str().unwrap().to_owned()).collect();
    assert_eq!(qualities, rows.map(|(_, quality)| quality), "{said}");
    let summary = summary(&output);
    assert_eq!((&summary["plugins"][0]["drifted"], &summary["plugins"][0]["calls"]), (&2.into(), &5.into()));
    assert_eq!(said.matches("sees inputs unlike its training data").count(), 1, "{said}");
    assert_eq!(said.matches("sees usual inputs again").count(), 1, "{said}");
}
