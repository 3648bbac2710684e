//! What a good configuration becomes.

use super::{Folder, GOOD};
use crate::config::types::{
    CsvTime, Delimiter, JsonlTarget, LimitProfile, OutputAddress, SinkKind, SourceKind, Speed, TagAddress,
};
use dinrail_core::description::ParameterValue;
use dinrail_core::guard::{Mode, OnStop, OutputKind};
use dinrail_core::tag::TagKind;
use dinrail_field::source::csv::{Before, Layout};

#[test]
fn the_site_and_the_scan_are_as_written() {
    let config = Folder::new().good(GOOD);
    assert_eq!((config.site.name.as_str(), config.site.time_zone.iana_name()), ("line-3", Some("Europe/Berlin")));
    assert_eq!((config.scan.period_ns, config.scan.budget_ns), (100_000_000, 40_000_000));
    assert_eq!((config.scan.speed, config.scan.workers), (Speed::Ratio(1.0), Some(2)));
}

#[test]
fn the_shortest_configuration_is_the_safe_one() {
    let text = "[sources.plant]\nkind = \"sim\"\nplant = \"reactor\"\n\
                [outputs.\"reactor.temp_sp\"]\nsource = \"plant\"\nrange = [70, 100]\non_stop = \"release\"\n\
                [plugins.climb]\ncomponent = \"process-optimization.wasm\"\n";
    let config = Folder::new().good(text);
    assert_eq!(config.site.name, "site");
    assert_eq!((config.scan.period_ns, config.scan.budget_ns), (100_000_000, 50_000_000));
    let output = &config.outputs[0];
    assert_eq!((output.spec.mode, output.spec.owner_mode, output.owner), (Mode::Shadow, Mode::Shadow, None));
    assert_eq!(output.spec.unit.code(), "Cel", "the actuator's");
    let plugin = &config.plugins[0];
    assert_eq!((plugin.mode, plugin.limits, plugin.window), (Mode::Shadow, LimitProfile::Compiled, 1));
    assert!(plugin.tables.is_none() && plugin.models.is_empty() && !plugin.background);
}

#[test]
fn sources_know_their_columns_and_times() {
    let folder = Folder::new();
    let config = folder.good(GOOD);
    let SourceKind::Csv(lab) = &config.sources[1].kind else { panic!() };
    assert_eq!(lab.columns, ["datetime", "flow", "Temp C", "material"]);
    assert_eq!((lab.delimiter, lab.header, lab.key), (Delimiter::Byte(b';'), true, None));
    assert!(matches!(&lab.time, CsvTime::Format { column: 0, .. }));
    let SourceKind::Csv(engines) = &config.sources[2].kind else { panic!() };
    assert_eq!((engines.delimiter, engines.header, engines.key), (Delimiter::Whitespace, false, Some(0)));
    assert_eq!(engines.time, CsvTime::Count { column: 1, period_ns: 3_600_000_000_000, start_ns: 0 });
    let SourceKind::Mqtt(plc) = &config.sources[0].kind else { panic!() };
    assert_eq!(plc.client_id, "dinrail-line-3-plc1");
    assert_eq!(plc.login.as_ref().map(|login| login.password.as_str()), Some("secret"));
    assert!(!format!("{config:?}").contains("secret"), "a password must not reach a log");
    let SourceKind::Sim(plant) = &config.sources[3].kind else { panic!() };
    assert_eq!((plant.plant.as_str(), plant.options.seed, plant.options.faults.episodes.len()), ("demo", 7, 4));
}

#[test]
fn start_is_local_time_of_the_site() {
    let text = "[site]\ntime_zone = \"Europe/Berlin\"\n[sources.a]\nkind = \"csv\"\npath = \"counts.csv\"\n\
                time = { period = \"5min\", start = 2026-03-01T06:00:00 }\n";
    let config = Folder::new().good(text);
    let SourceKind::Csv(table) = &config.sources[0].kind else { panic!() };
    let start: jiff::Timestamp = "2026-03-01T05:00:00Z".parse().unwrap();
    let start_ns = i64::try_from(start.as_nanosecond()).unwrap();
    assert_eq!(table.time, CsvTime::Period { period_ns: 300_000_000_000, start_ns });
}

#[test]
fn packed_tables_are_read_like_others() {
    let text = "[sources.a]\nkind = \"csv\"\npath = \"lab.csv.gz\"\ndelimiter = \";\"\n\
                time = { column = 1, format = \"%Y-%m-%d %H:%M:%S\" }\n[tags.\"f*\"]\nsource = \"a\"\n[tags.\"d*\"]\nsource = \"a\"\n";
    let folder = Folder::new();
    folder.pack("lab.csv");
    let errors = folder.parse(text).unwrap_err();
    assert!(errors.to_string().contains("the pattern `d*` finds nothing"), "a pattern passes over the time");
    let config = folder.good(&text.replace("d*", "mat*"));
    let names: Vec<&str> = config.tags.iter().map(|(_, tag)| tag.name.as_str()).collect();
    assert_eq!(names, ["flow", "material"]);
}

#[test]
fn tags_come_from_columns_signals_and_topics() {
    let config = Folder::new().good(GOOD);
    let origin = |name: &str| &config.tag_origins[config.tags.find(name).unwrap().index()];
    assert!(
        matches!(&origin("pump1.current").address, TagAddress::Topic { pointer: Some(p), time: Some(_), .. } if p == "/current")
    );
    assert_eq!(origin("flow").address, TagAddress::Column(1));
    assert_eq!(origin("lab.temp").address, TagAddress::Column(2));
    assert_eq!(origin("lab.fourth").address, TagAddress::Column(3));
    assert_eq!(origin("s1").address, TagAddress::Column(4));
    assert!(config.tags.find("unit").is_none() && config.tags.find("cycle").is_none());
    let tag = |name: &str| config.tags.get(config.tags.find(name).unwrap());
    assert_eq!(tag("s2").unit.code(), "[degR]", "a name goes before a pattern");
    assert_eq!(tag("rig.vibration_wave").kind, TagKind::Waveform);
    assert_eq!((tag("rig.flow").unit.code(), tag("rig.flow").range), ("m3/h", Some((0.0, 150.0))));
    let kelvin = tag("reactor.temp");
    assert!((kelvin.offset - 273.15).abs() < 1e-9 && kelvin.range.unwrap().0 > 200.0, "{kelvin:?}");
    assert_eq!(tag("line.material").map["brass"], 2.0);
}

#[test]
fn outputs_are_ready_for_the_guard() {
    let config = Folder::new().good(GOOD);
    let output = &config.outputs[0];
    let spec = &output.spec;
    assert!(matches!(output.address, OutputAddress::Actuator { conversion, .. } if conversion.is_identity()));
    assert!((spec.slew_per_s.unwrap() - 0.5 / 60.0).abs() < 1e-12);
    assert!((spec.fail_safe.unwrap() - 80.0).abs() < 1e-9);
    assert_eq!((spec.lease_ns, spec.on_stop), (300_000_000_000, OnStop::Hold));
    assert_eq!((spec.mode, spec.owner_mode, output.owner), (Mode::Auto, Mode::Advise, Some(2)));
    let readback = spec.readback.unwrap();
    assert!((readback.conversion.apply(373.15) - 100.0).abs() < 1e-9);
    let valve = &config.outputs[1];
    assert_eq!(valve.address, OutputAddress::Topic("plant/valve/set".to_owned()));
    assert_eq!((valve.spec.kind, valve.spec.on_stop), (OutputKind::Discrete, OnStop::Value(0.0)));
}

#[test]
fn plugins_have_their_tags_by_name() {
    let folder = Folder::new();
    let config = folder.good(GOOD);
    let names = |plugin: usize, input: usize| -> Vec<&str> {
        let tags = &config.plugins[plugin].inputs[input].tags;
        tags.iter().map(|bound| config.tags.get(bound.tag).name.as_str()).collect()
    };
    let signals = names(0, 0);
    assert_eq!((signals[0], signals.len()), ("rig.ambient_temp", 16));
    assert_eq!(signals.last(), Some(&"pump1.current"));
    let watch = &config.plugins[0];
    assert!(watch.inputs[0].many && !watch.inputs[1].many);
    assert_eq!(watch.parameters[0].value, ParameterValue::Integer(400));
    assert_eq!(watch.parameters[1].value, ParameterValue::Number(0.5));
    assert_eq!(watch.component, folder.path().join("watch.wasm"));
    assert_eq!((watch.period_ns, watch.window, watch.deadline_ns), (Some(1_000_000_000), 32, Some(20_000_000)));
    let engines = &config.plugins[1];
    assert_eq!((names(1, 0), names(1, 1)), (vec!["s1", "s2"], vec!["setting1", "setting2"]));
    assert_eq!((engines.asset_key.as_deref(), engines.limits), (Some("unit"), LimitProfile::Interpreted));
    assert_eq!(engines.component, folder.path().join("installed/predictive-maintenance.wasm"));
}

#[test]
fn sinks_know_their_targets() {
    let folder = Folder::new();
    let config = folder.good(GOOD);
    let kinds: Vec<&SinkKind> = config.sinks.iter().map(|sink| &sink.kind).collect();
    let file = JsonlTarget::File(folder.path().join("events.jsonl"));
    assert_eq!(kinds[0], &SinkKind::Jsonl { target: file, append: true });
    assert_eq!(kinds[1], &SinkKind::Jsonl { target: JsonlTarget::Stdout, append: false });
    assert!(matches!(kinds[2], SinkKind::Mqtt { source, .. } if source.0 == 0));
}

#[test]
fn tables_side_by_side_and_tables_of_series() {
    let folder = Folder::new();
    folder.write("weather.csv", "hour;outside\n0;5.5\n");
    folder.write("wide.csv", "V1,V2,V3\nH1,10,11\nH2,20,\n");
    let config = folder.good(
        "[sources.a]\nkind = \"csv\"\npath = \"lab.csv\"\njoin = [\"weather.csv\"]\ndelimiter = \";\"\n\
         time = { column = \"datetime\", format = \"%Y-%m-%d %H:%M:%S\" }\n\
         [sources.b]\nkind = \"csv\"\npath = \"wide.csv\"\nlayout = \"series\"\n\
         time = { column = \"step\", period = \"1h\" }\nkey = \"series\"\n\
         [tags.outside]\nsource = \"a\"\n[tags.value]\nsource = \"b\"\n",
    );
    let table = |index: usize| match &config.sources[index].kind {
        SourceKind::Csv(table) => table.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(table(0).columns, ["datetime", "flow", "Temp C", "material", "hour", "outside"]);
    assert_eq!(table(0).join, [folder.path().join("weather.csv")]);
    let columns = ["series", "step", "value", "last"].map(str::to_owned).to_vec();
    assert_eq!((table(1).columns, table(1).key), (columns, Some(0)));
    assert_eq!(table(1).layout, Layout::Series);
    let both = "[sources.a]\nkind = \"csv\"\npath = \"wide.csv\"\njoin = [\"lab.csv\"]\nlayout = \"series\"\n\
                time = { column = \"step\", period = \"1h\" }\n[tags.value]\nsource = \"a\"\n";
    let errors = folder.parse(both).unwrap_err().to_string();
    assert!(errors.contains("exclude each other"), "{errors}");
    let missing = both.replacen("\"lab.csv\"", "\"none.csv\"", 1).replacen("layout = \"series\"\n", "", 1);
    let errors = folder.parse(&missing).unwrap_err().to_string();
    assert!(errors.contains("none.csv` can't be read"), "{errors}");
}

#[test]
fn tables_one_after_the_other() {
    let folder = Folder::new();
    folder.write("january.csv", "1 10\n2 20\n");
    folder.write("columns.csv", "1 2 3\n10 20 30\n");
    let text = "[sources.a]\nkind = \"csv\"\npath = \"january.csv\"\nwhitespace = true\nheader = false\n\
                after = [{ path = \"columns.csv\", transposed = true, gap = \"1min\" }]\ntime = { period = \"1s\" }\n\
                [tags.\"1\"]\nsource = \"a\"\n";
    let config = folder.good(text);
    let SourceKind::Csv(table) = &config.sources[0].kind else { panic!("{:?}", config.sources[0].kind) };
    let before = Before { path: folder.path().join("columns.csv"), transposed: true, gap_ns: 60_000_000_000 };
    assert_eq!(table.after, [before]);
    let missing = folder.parse(&text.replace("columns.csv", "none.csv")).unwrap_err().to_string();
    assert!(missing.contains("site.toml:6:19: there is no table") && missing.contains("none.csv"), "{missing}");
    let joined = folder.parse(&text.replace("after", "join = [\"january.csv\"]\nafter")).unwrap_err().to_string();
    assert!(joined.contains("`after` excludes `join`"), "{joined}");
}
