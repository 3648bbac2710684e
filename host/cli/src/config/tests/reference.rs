//! The examples of the reference and of the README are configurations that resolve.
//!
//! A block that begins with ` ```toml ` is a whole configuration. One that begins with
//! ` ```toml fragment ` is put into a frame of what its text speaks of: every table of the frame that
//! the fragment does not have itself.

use super::Folder;
use std::collections::HashSet;

const REFERENCE: &str = include_str!("../../../CONFIGURATION.md");

/// What fragments refer to.
const FRAME: &str = include_str!("frame.toml");

/// First line, whether it is a fragment, text.
fn blocks(page: &str) -> Vec<(usize, bool, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, bool, String)> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.trim_end()) {
            (Some(_), "```") => blocks.extend(open.take()),
            (Some((_, _, text)), line) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, "```toml") => open = Some((number + 2, false, String::new())),
            (None, "```toml fragment") => open = Some((number + 2, true, String::new())),
            (None, _) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// The fragment, and the tables of the frame that it does not have.
fn framed(fragment: &str) -> String {
    let header = |line: &str| line.starts_with('[').then(|| line.trim_end().to_owned());
    let own: HashSet<String> = fragment.lines().filter_map(header).collect();
    let mut text = fragment.to_owned();
    let mut takes = false;
    for line in FRAME.lines() {
        if let Some(header) = header(line) {
            takes = !own.contains(&header);
        }
        if takes {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("rig.csv", "datetime;current;flow\n2026-03-01 06:00:00;1.5;80\n");
    folder.write("lab.csv", "datetime;Density (kg/m3)\n2026-03-01 06:00:00;998.2\n");
    folder.pack("lab.csv");
    folder.write("engines.txt", "1 1 0.002 -0.0004 100.0 518.67 641.82 1589.7 \n");
    folder.write("samples.csv", "1.5,2\n");
    folder.write("installed/high-limit.wasm", "");
    folder
}

fn check_page(name: &str, page: &str) -> usize {
    let folder = folder();
    let blocks = blocks(page);
    for (line, is_fragment, text) in &blocks {
        let text = if *is_fragment { framed(text) } else { text.clone() };
        if let Err(errors) = folder.parse(&text) {
            panic!("the example at {name}:{line} is refused:\n{errors}\n{text}");
        }
    }
    blocks.len()
}

#[test]
fn every_example_of_the_reference_resolves() {
    assert!(check_page("CONFIGURATION.md", REFERENCE) >= 9, "examples are missing");
}

#[test]
fn every_example_of_the_readme_resolves() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let page = std::fs::read_to_string(path).unwrap();
    assert_eq!(check_page("README.md", &page), 2, "a site of one's own, and the first plugin's");
}

/// The SDK's own example, which is compiled and run as its documentation's test.
#[test]
fn the_first_plugin_of_the_readme_is_the_sdks_example() {
    let read = |path: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
        std::fs::read_to_string(path).unwrap()
    };
    let (readme, sdk) = (read("README.md"), read("plugins/sdk/src/lib.rs"));
    let shown = readme.split("   ```rust\n").nth(1).unwrap().split("   ```").next().unwrap();
    let shown: Vec<&str> = shown.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let tested: Vec<&str> = sdk.lines().map(|line| line.trim_start_matches("//!").trim()).collect();
    let tested: Vec<&str> = tested.into_iter().filter(|line| !line.is_empty()).collect();
    assert!(shown.len() > 20);
    assert!(tested.windows(shown.len()).any(|lines| lines == shown), "the README's first plugin is not the SDK's");
}

#[test]
fn the_demo_resolves() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scenarios/demo/dinrail.toml");
    folder().good(&std::fs::read_to_string(path).unwrap());
}

#[test]
fn the_frame_itself_resolves() {
    folder().good(FRAME);
}

#[test]
fn every_key_that_is_read_is_in_the_reference() {
    let sources = [
        include_str!("../resolve/site.rs"),
        include_str!("../resolve/sources.rs"),
        include_str!("../resolve/tags.rs"),
        include_str!("../resolve/outputs.rs"),
        include_str!("../resolve/plugins.rs"),
        include_str!("../resolve/sinks.rs"),
    ];
    let readers = [
        ".text(\"",
        ".required_text(\"",
        ".number(\"",
        ".whole(\"",
        ".boolean(\"",
        ".duration(\"",
        ".choice(\"",
        ".parsed(\"",
        ".section(\"",
        ".entries(\"",
        ".value(\"",
        ".duration(\n",
    ];
    let mut keys = HashSet::new();
    for source in sources {
        for reader in readers {
            for rest in source.split(reader).skip(1) {
                keys.insert(rest.split('"').next().unwrap().to_owned());
            }
        }
    }
    assert!(keys.len() > 40, "{keys:?}");
    for key in keys {
        let known =
            [format!("`{key}`"), format!("[{key}]"), format!("[{key}."), format!("{key} = "), format!("{{ {key}")];
        assert!(known.iter().any(|known| REFERENCE.contains(known.as_str())), "`{key}` is not in the reference");
    }
}
