//! The examples of the reference and of the README are configurations that resolve.
//!
//! A block that begins with ` ```toml ` is a whole configuration, one that begins with ` ```toml scenario ` a
//! `scenario.toml`. One that begins with ` ```toml fragment ` is put into a frame of what its text speaks of: every table
//! of the frame that the fragment does not have itself.

use super::Folder;
use crate::score::scenario::ScenarioFile;
use std::collections::HashSet;

const REFERENCE: &str = include_str!("../../../CONFIGURATION.md");

/// What fragments refer to.
const FRAME: &str = include_str!("frame.toml");

/// What a block of TOML is.
#[derive(Clone, Copy)]
enum Kind {
    Whole,
    Fragment,
    Scenario,
}

/// First line, what it is, text.
fn blocks(page: &str) -> Vec<(usize, Kind, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, Kind, String)> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.trim_end()) {
            (Some(_), "```") => blocks.extend(open.take()),
            (Some((_, _, text)), line) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, "```toml") => open = Some((number + 2, Kind::Whole, String::new())),
            (None, "```toml scenario") => open = Some((number + 2, Kind::Scenario, String::new())),
            (None, "```toml fragment") => open = Some((number + 2, Kind::Fragment, String::new())),
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
    folder.write("plant.csv", "time,rig.flow\n2026-01-01T00:00:00.000Z,80.5\n");
    folder.write("lab.csv", "datetime;Density (kg/m3)\n2026-03-01 06:00:00;998.2\n");
    folder.pack("lab.csv");
    folder.write("engines.txt", "1 1 0.002 -0.0004 100.0 518.67 641.82 1589.7 \n");
    folder.write("samples.csv", "1.5,2\n");
    folder.write("demand.csv", "article,1,2,3\nA17,10,12,9\n");
    folder.write("test_FD001.txt", &format!("1 1{} \n", " 0.5".repeat(24)));
    folder.write("models/turbofan-life/model.onnx", "");
    folder.write("models/turbofan-life/tables/regimes.csv", "setting1\n0\n");
    folder.write("installed/high-limit.wasm", "");
    folder.write("installed/quality-control.wasm", "");
    folder.write("installed/supply-chain.wasm", "");
    folder.write("pictures/good/1.png", "");
    folder
}

fn check_page(name: &str, page: &str) -> usize {
    let folder = folder();
    let blocks = blocks(page);
    for (line, kind, text) in &blocks {
        let text = match kind {
            Kind::Whole => text.clone(),
            Kind::Fragment => framed(text),
            Kind::Scenario => {
                if let Err(error) = toml::from_str::<ScenarioFile>(text) {
                    panic!("the scenario at {name}:{line} is none: {error}");
                }
                continue;
            }
        };
        if let Err(errors) = folder.parse(&text) {
            panic!("the example at {name}:{line} is refused:\n{errors}\n{text}");
        }
    }
    blocks.len()
}

#[test]
fn every_example_of_the_reference_resolves() {
    assert!(check_page("CONFIGURATION.md", REFERENCE) >= 14, "examples are missing");
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
        include_str!("../resolve/results.rs"),
        include_str!("../resolve/outputs.rs"),
        include_str!("../resolve/reduced.rs"),
        include_str!("../resolve/context.rs"),
        include_str!("../resolve/rules.rs"),
        include_str!("../resolve/plugins.rs"),
        include_str!("../resolve/alarms.rs"),
        include_str!("../resolve/sinks.rs"),
        include_str!("../resolve/recorder.rs"),
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
        "said(rule, \"",
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

/// What a `scenario.toml` may hold, by the types that read it, and what judges measure.
#[test]
fn every_key_and_metric_of_scenarios_is_in_the_reference() {
    let section = REFERENCE.split("## Scenarios").nth(1).unwrap();
    let types = include_str!("../../score/scenario.rs").split("/// Why scenarios can't be read.").next().unwrap();
    let types = types.split("pub struct ScenarioFile").nth(1).unwrap();
    let field = |line: &str| {
        let line = line.trim().trim_start_matches("pub ");
        let name = line.split_once(": ").map(|(name, _)| name.to_owned());
        name.filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !name.is_empty())
    };
    let keys: HashSet<String> = types.lines().filter_map(field).collect();
    assert!(keys.len() > 15, "{keys:?}");
    let judges = [
        include_str!("../../score/mod.rs"),
        include_str!("../../score/judging/faults.rs"),
        include_str!("../../score/judging/life.rs"),
        include_str!("../../score/judging/series.rs"),
        include_str!("../../score/judging/wear.rs"),
    ];
    let mut named = keys;
    for judge in judges {
        for start in ["Metric::new(\"", "Metric::coverage(\""] {
            named.extend(judge.split(start).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
    }
    assert!(named.contains("f1") && named.contains("coverage_80_pooled"), "{named:?}");
    for name in named {
        let known = section.contains(&format!("`{name}`"))
            || section.contains(&format!("{name} = "))
            || ["{ ", ", "].iter().any(|before| section.contains(&format!("{before}{name}")));
        assert!(known, "`{name}` is not in the reference");
    }
}
