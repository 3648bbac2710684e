//! Results of plugins as tags: named outright or in a section, and what can't be.

use super::binding::plain;
use super::{Folder, GOOD};
use crate::config::{BoundPlugin, Config, ConfigErrors, TagAddress, bind};
use dinrail_core::derived::Field;
use dinrail_core::description::{Description, Output, ResultField, World};

/// Two detectors over the lab's flow; `first` and `second` go among their inputs, `more` behind all.
fn text(first: &str, second: &str, more: &str) -> String {
    let plugin = |name: &str, inputs: &str| {
        format!("[plugins.{name}]\ncomponent = \"watch.wasm\"\ninputs = {{ signals = [\"flow\"{inputs}] }}\n\n")
    };
    format!("{GOOD}\n{}{}{more}", plugin("a", first), plugin("b", second))
}

fn refused(text: &str) -> String {
    let errors = Folder::new().parse(text).unwrap_err();
    assert_eq!(errors.count(), 1, "{errors}");
    errors.to_string()
}

fn origin<'c>(config: &'c Config, tag: &str) -> &'c TagAddress {
    &config.tag_origins[config.tags.find(tag).unwrap().index()].address
}

#[test]
fn results_are_named_in_inputs_in_expressions_and_in_sections() {
    let sections = "[tags.\"a.alarm\"]\nstale_after = \"10s\"\n\n[tags.doubt]\nplugin = \"b\"\nresult = \"score\"\nunit = \"%\"\n\
                    \n[tags.\"engines[7].rul\"]\n";
    let text = text("", ", \"a.score\", \"a.alarm\", \"engines[3].rul\"", sections)
        .replace("not reactor.permit", "not reactor.permit or a.severity >= 2 or 'engines[7].rul' < 20 h");
    let config = Folder::new().good(&text);
    let plugin = |index: usize| config.plugins[index].name.as_str();
    for (tag, producer, asset, field) in [
        ("a.score", "a", None, "score"),
        ("a.alarm", "a", None, "alarm"),
        ("a.severity", "a", None, "severity"),
        ("doubt", "b", None, "score"),
        ("engines[3].rul", "engines", Some("3"), "rul"),
        ("engines[7].rul", "engines", Some("7"), "rul"),
    ] {
        let TagAddress::Result(result) = origin(&config, tag) else { panic!("{tag} is no result") };
        assert_eq!((plugin(result.plugin), result.asset.as_deref(), result.field.as_str()), (producer, asset, field));
        assert_eq!(result.has_unit, tag == "doubt");
    }
    let alarm = config.tags.get(config.tags.find("a.alarm").unwrap());
    assert_eq!(alarm.stale_after_ns, Some(10_000_000_000));
    let order: Vec<&str> = config.producers_first().into_iter().map(plugin).collect();
    let at = |name| order.iter().position(|known| *known == name).unwrap();
    assert!(at("a") < at("b") && at("engines") < at("b"), "{order:?}");
}

#[test]
fn a_pattern_passes_over_results_and_a_tag_of_a_source_comes_first() {
    let config =
        Folder::new().good(&text("", ", \"a.score\", \"f*\"", "[tags.\"fa\"]\nplugin = \"a\"\nresult = \"score\"\n"));
    let inputs = &config.plugins.last().unwrap().inputs[0].tags;
    let names: Vec<&str> = inputs.iter().map(|bound| config.tags.get(bound.tag).name.as_str()).collect();
    assert_eq!(names, ["flow", "a.score"], "`f*` finds the flow alone");
    let config =
        Folder::new().good(&text("", ", \"a.score\"", "[tags.\"a.score\"]\nsource = \"lab\"\ncolumn = \"flow\"\n"));
    assert_eq!(*origin(&config, "a.score"), TagAddress::Column(1));
}

#[test]
fn what_can_be_told_without_the_plugins_is_refused_at_once() {
    let circle = refused(&text(", \"b.score\"", ", \"a.score\"", ""));
    assert!(circle.contains("plugins feed each other in a circle: `b` → `a` → `b`"), "{circle}");
    let own = refused(&text(", \"a.score\"", "", ""));
    assert!(own.contains("`a` takes its own result"), "{own}");
    for (second, more, message, help) in [
        (", \"c.score\"", "", "there is no tag `c.score`", ""),
        (", \"a[7].score\"", "", "`a` has no asset `7`", "PLUGIN.FIELD"),
        (", \"engines.rul\"", "", "is there for each asset, by `unit`", "`engines[KEY].rul`; or add `assets"),
        ("", "[tags.x]\nplugin = \"c\"\nresult = \"score\"\n", "there is no plugin `c`", "did you mean `a`?"),
        ("", "[tags.x]\nplugin = \"a\"\n", "needs `result`", "result = \"score\""),
        ("", "[tags.x]\nplugin = \"a\"\nresult = \"score\"\nscale = 2\n", "unknown key `scale`", ""),
        ("", "[tags.\"x*\"]\nplugin = \"a\"\nresult = \"score\"\n", "have no patterns", "a tag of its own"),
        (
            "",
            "[tags.x]\nplugin = \"a\"\nsource = \"lab\"\nresult = \"score\"\n",
            "exclude each other",
            "leave the other out",
        ),
        (
            "",
            "[tags.x]\nplugin = \"a\"\nresult = \"score\"\nkind = \"waveform\"\n",
            "has no waveforms",
            "leave `kind` out",
        ),
    ] {
        let said = refused(&text("", second, more));
        assert!(said.contains(message) && said.contains(help), "{message}: {said}");
    }
    let asset = refused(&text("", "", "").replace("not reactor.permit", "engines.rul < 20"));
    assert!(asset.contains("`inhibit` looks at `engines.rul`, which every asset has"), "{asset}");
    let readback = text("", "", "[tags.x]\nplugin = \"a\"\nresult = \"score\"\n");
    let readback = refused(&readback.replace("readback = \"reactor.temp\"", "readback = \"x\""));
    assert!(readback.contains("no word of the device"), "{readback}");
    let rows = "[plugins.c]\ncomponent = \"watch.wasm\"\nassets = { key = \"unit\" }\ninputs = { signals = [\"engines.rul\"] }\n";
    let rows = refused(&text("", "", rows));
    assert!(rows.contains("none of its tags comes from a table"), "{rows}");
}

/// Binds the plugin `climb`, and settles its results.
fn settled(config: &mut Config) -> Result<Vec<Field>, ConfigErrors> {
    let description = Description {
        outputs: vec![Output {
            name: "setpoints".into(),
            summary: String::new(),
            unit: "K".into(),
            group: true,
            required: true,
        }],
        inputs: vec![super::binding::input("temperature", "Cel", false)],
        results: vec![ResultField { name: "expected-cost".into(), summary: String::new(), unit: "kW.h".into() }],
        ..plain("climb")
    };
    let index = config.plugins.iter().position(|plugin| plugin.name == "climb").unwrap();
    let world = World::EnergyOptimization;
    let bound: BoundPlugin = bind(config, &config.plugins[index], &description, world).unwrap();
    let results = config.settle_results(index, world, &description, &bound.bindings)?;
    Ok(results.into_iter().map(|result| result.field).collect())
}

/// The good configuration with one output of `climb`, and `more`.
fn climbing(inhibit: &str, more: &str) -> Config {
    let text = GOOD.replace(", valve = \"valve\"", "");
    Folder::new().good(&format!("{}\n{more}", text.replace("not reactor.permit", inhibit)))
}

#[test]
fn units_come_from_the_description_and_the_outputs() {
    let more = "[tags.\"climb.reactor.temp_sp\"]\nrange = [0, 100]\n\n[tags.cost]\nplugin = \"climb\"\nresult = \"expected-cost\"\nunit = \"J\"\n";
    let mut config = climbing("not reactor.permit or climb.expected-cost > 7.2e6 J", more);
    assert_eq!(settled(&mut config).unwrap().len(), 3);
    let tag = |name: &str| config.tags.get(config.tags.find(name).unwrap()).clone();
    let setpoint = tag("climb.reactor.temp_sp");
    assert_eq!(setpoint.unit.code(), "Cel", "as the output has it");
    assert!((353.15 * setpoint.scale + setpoint.offset - 80.0).abs() < 1e-9, "the plugin proposes in K");
    assert!((tag("cost").scale - 3.6e6).abs() < 1e-3);
    assert_eq!(tag("climb.expected-cost").unit.code(), "kW.h");
    let sketch = config.outputs[0].spec.inhibit.clone();
    config.settle_conditions().unwrap();
    assert_ne!(config.outputs[0].spec.inhibit, sketch, "7.2e6 J are 2 kW.h");
}

#[test]
fn a_reduced_range_may_wait_for_a_result() {
    let reduced = |when: &str| {
        let text = GOOD.replace(", valve = \"valve\"", "");
        let output = format!("reduced = {{ when = \"{when}\", range = [\"348.15 K\", 85] }}\n[outputs.valve]");
        Folder::new().good(&text.replace("[outputs.valve]", &output))
    };
    let mut config = reduced("climb.expected-cost > 7.2e6 J");
    settled(&mut config).unwrap();
    config.settle_conditions().unwrap();
    let settled_when = |config: &Config| config.outputs[0].spec.reduced.clone().unwrap();
    assert_eq!(settled_when(&config).range, (75.0, 85.0));
    let cost = config.tags.find("climb.expected-cost").unwrap();
    assert_eq!(settled_when(&config).when.tags(), [cost]);
    let mut wrong = reduced("climb.expected-cost > 3 bar");
    settled(&mut wrong).unwrap();
    let said = wrong.settle_conditions().unwrap_err().to_string();
    assert!(said.contains("`when`: ") && said.contains("`climb.expected-cost` is in `kW.h`"), "{said}");
}

#[test]
fn units_that_do_not_fit_and_fields_that_are_none_are_refused() {
    let mut config = climbing("climb.expected-cost > 3 bar", "");
    settled(&mut config).unwrap();
    let said = config.settle_conditions().unwrap_err().to_string();
    assert!(said.contains("`inhibit`: ") && said.contains("`climb.expected-cost` is in `kW.h`"), "{said}");
    let mut config = climbing("not reactor.permit", "[tags.\"climb.expected-costs\"]\n");
    let said = settled(&mut config).unwrap_err().to_string();
    assert!(
        said.contains("has no result `expected-costs`") && said.contains("did you mean `expected-cost`?"),
        "{said}"
    );
    let mut config = climbing("not reactor.permit", "[tags.\"climb.expected-cost\"]\nunit = \"K\"\n");
    let said = settled(&mut config).unwrap_err().to_string();
    assert!(said.contains("correct `unit` of [tags.\"climb.expected-cost\"]"), "{said}");
}
