//! What the documents say of the tree is so.

use std::path::Path;

/// What the README has its reader make.
const TUTORIAL: &str = "plugins/high-limit";

/// Paths between backticks that begin with one of the top level's folders.
fn named_paths(text: &str) -> Vec<&str> {
    let rooms = ["host/", "plugins/", "wit/", "models/", "tests/", ".ci/"];
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|path| rooms.iter().any(|room| path.starts_with(room)) && !path.contains(['<', '*', ' '])).collect()
}

#[test]
fn every_path_that_a_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut named = 0;
    for document in ["ARCHITECTURE.md", "README.md", "CHANGELOG.md", "wit/README.md", "host/cli/CONFIGURATION.md"] {
        let text = std::fs::read_to_string(root.join(document)).expect("the document is there");
        for path in named_paths(&text).into_iter().filter(|path| !path.starts_with(TUTORIAL)) {
            assert!(root.join(path).exists(), "{document} names `{path}`, which is not there");
            named += 1;
        }
    }
    assert!(named > 10, "the documents name only {named} paths");
}

#[test]
fn only_paths_of_the_tree_are_looked_for() {
    let text = "see `host/core`, `cargo xtask`, `plugins/<use-case>` and `wit/*.wit` or `models/a/b.onnx`";
    assert_eq!(named_paths(text), ["host/core", "models/a/b.onnx"]);
}
