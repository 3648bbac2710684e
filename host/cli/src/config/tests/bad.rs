//! Every mistake, with its place and its words.
//!
//! A case changes the good configuration: `from` becomes `to`, in which `§` marks where the complaint
//! has to point. All complaints are listed, so that one mistake is seen not to cause others.

use super::{Folder, GOOD};

/// (from, to, what is said, part of what helps)
type Case = (&'static str, &'static str, &'static str, &'static str);

/// The good configuration, changed.
fn changed((from, to, ..): Case) -> String {
    assert!(GOOD.contains(from), "the case's `{from}` is not in the good configuration");
    GOOD.replacen(from, to, 1)
}

/// Parses a text without its mark, and compares the only complaint. What differs, if anything.
fn differs(folder: &Folder, marked: &str, message: &str, help: &str) -> Option<String> {
    let line = marked.lines().find(|line| line.contains('§')).unwrap_or_else(|| panic!("no mark for {message}"));
    let at = marked.find('§').unwrap();
    let text = marked.replacen('§', "", 1);
    let before = &text[..at];
    let expected = (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
    let Err(errors) = folder.parse(&text) else { return Some(format!("{line}\nresolves")) };
    let error = errors.iter().next().unwrap();
    let fits = errors.count() == 1
        && error.line_column() == expected
        && error.message().contains(message)
        && error.help_text().contains(help)
        && !error.help_text().is_empty();
    (!fits).then(|| format!("{line}\nwanted {expected:?} `{message}` `{help}`\n{errors}"))
}

fn nothing_differs(differences: Vec<String>) {
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn check_all(cases: &[Case]) {
    let folder = Folder::new();
    let all = cases.iter().filter_map(|case| differs(&folder, &changed(*case), case.2, case.3));
    nothing_differs(all.collect());
}

#[test]
fn syntax() {
    check_all(&[
        ("name = \"line-3\"", "name = §line-3", "", "not TOML"),
        ("[scan]", "[scan§", "unclosed", "not TOML"),
        ("seed = 7", "seed = 7\n§seed = 8", "duplicate key", "a key stands once"),
    ]);
}

/// A bracket that is not closed made dozens of complaints, each about a line that was right.
#[test]
fn a_bracket_that_is_missing_is_one_mistake() {
    let folder = Folder::new();
    for (from, to, says) in [
        ("inputs = { signals = [", "inputs = { signals = [\n\"a\"\n}\nx = [", "the `[` of line"),
        ("[tags.flow]", "[tags.flow", "the `[` of line"),
        ("range = [0, 40]", "range = [0, 40", "the `[` of line"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let errors = folder.parse(&GOOD.replacen(from, to, 1)).unwrap_err();
        assert_eq!(errors.count(), 1, "{from}:\n{errors}");
        let help = errors.iter().next().unwrap().help_text().to_owned();
        assert!(help.contains(says) && help.contains("once this is mended"), "{help}");
    }
}

#[test]
fn unknown_keys_and_wrong_types() {
    check_all(&[
        ("[site]", "§speed = 1\n[site]", "unknown key `speed` in the configuration", "`sinks`"),
        ("[tags.flow]", "[§tag.flow]", "unknown key `tag` in the configuration", "did you mean `tags`?"),
        ("workers = 2", "§worker = 2", "unknown key `worker` in [scan]", "did you mean `workers`?"),
        ("keep_alive", "§keepalive", "unknown key `keepalive` in [sources.plc1]", "did you mean `keep_alive`?"),
        ("seed = 7", "§delimiter = \";\"", "unknown key `delimiter` in [sources.plant]", "`seed`"),
        ("pointer = \"/current\"", "§column = 3", "unknown key `column` in [tags.\"pump1.current\"]", "`pointer`"),
        ("deadband", "§dead_band", "unknown key `dead_band`", "did you mean `deadband`?"),
        ("window = 32", "§windows = 32", "unknown key `windows` in [plugins.pump-watch]", "did you mean `window`?"),
        ("append = true", "§truncate = true", "unknown key `truncate` in [sinks.events]", "`append`"),
        ("format = \"unix_ms\"", "format = \"unix_ms\", §zone = 1", "unknown key `zone` in `time` of", "`pointer`"),
        ("period = \"100ms\"", "period = §100", "`period` should be a duration", "write a duration"),
        ("workers = 2", "workers = §2.5", "a whole number from 1 to 256", ""),
        ("workers = 2", "workers = §0", "from 1 to 256, is 0", ""),
        ("append = true", "append = §1", "`append` should be true or false, is a number", ""),
        ("append = true", "append = §\"yes\"", "should be true or false, is a text", ""),
        ("url = \"mqtt://127.0.0.1:1883\"", "url = §1883", "`url` should be a text", ""),
        ("[sinks.lines]\nkind = \"jsonl\"\npath = \"-\"", "[sinks]\n§lines = 1", "should be a table, is a number", ""),
    ]);
}

#[test]
fn site_and_scan() {
    check_all(&[
        ("\"Europe/Berlin\"", "§\"Europe/Berln\"", "no time zone `Europe/Berln`", "did you mean `Europe/Berlin`?"),
        ("\"Europe/Berlin\"", "§\"CEST summer\"", "no time zone", "IANA"),
        ("name = \"line-3\"", "name = §\"line 3/a\"", "can't be the name of a site", "letters, digits"),
        ("budget = \"40ms\"", "budget = §\"100ms\"", "shorter than `period`", "half"),
        ("period = \"100ms\"", "period = §\"100m\"", "`m` could be minutes or milliseconds", "\"100ms\""),
        ("period = \"100ms\"", "period = §\"1 fortnight\"", "is not a duration", "ns, us, ms, s, min, h, d"),
        ("period = \"100ms\"", "period = §\"0s\"", "out of bounds", "from 1ms to 1h"),
        ("workers = 2", "speed = §0", "`speed` should be a number from", "\"max\""),
        ("workers = 2", "speed = §\"fast\"", "or \"max\"", ""),
        ("workers = 2", "speed = §60", "the source `plc1` is live", "leave `speed` out"),
    ]);
}

#[test]
fn sources() {
    check_all(&[
        ("[sources.plc1]\nkind = \"mqtt\"", "[sources.§plc1]", "[sources.plc1] needs `kind`", "kind = \"mqtt\""),
        ("kind = \"sim\"", "kind = §\"simulator\"", "`kind` can't be `simulator`", "`csv`, `images`, `mqtt`, `sim`"),
        ("plant = \"demo\"", "plant = §\"boiler\"", "no plant is called `boiler`", "`reactor`"),
        ("faults = \"demo\"", "faults = §\"dmo\"", "no fault script `dmo`", "did you mean `demo`?"),
        ("\"mqtt://127.0.0.1:1883\"", "§\"mqtts://127.0.0.1\"", "without TLS only", ""),
        ("url = \"mqtt://127.0.0.1:1883\"", "url = §\"http://127.0.0.1:1883\"", "should be mqtt://HOST", "mqtt://HOST"),
        (
            "url = \"mqtt://127.0.0.1:1883\"",
            "url = §\"mqtt://a:b@host\"",
            "has a user or a password",
            "keys of their own",
        ),
        ("url = \"mqtt://127.0.0.1:1883\"", "url = §\"mqtt://host:70000\"", "1 to 65535", ""),
        ("\"broker.password\"", "§\"missing.password\"", "can't be read", "into that file"),
        ("path = \"lab.csv\"", "path = §\"lob.csv\"", "can't be read", "relative paths count"),
        ("path = \"lab.csv\"", "path = §\"models\"", "it is no file", ""),
        ("delimiter = \";\"", "delimiter = §\"tabs\"", "the delimiter `tabs`", "one character"),
        ("delimiter = \";\"", "§delimiter = \";\"\nwhitespace = true", "exclude each other", ""),
        ("[\"unit\", \"cycle\", ", "§[\"cycle\", ", "names 5 columns, the file's first line has 6", "delimiter"),
        (
            "[\"unit\", \"cycle\", \"setting1\"",
            "§[\"unit\", \"cycle\", \"s1\"",
            "two columns are called `s1`",
            "a name of its own",
        ),
        ("key = \"unit\"\n\n[sources.plant]", "key = §\"units\"\n\n[sources.plant]", "no column `units`", "`unit`"),
        ("key = \"unit\"\n\n[sources.plant]", "key = §7\n\n[sources.plant]", "no column 7", "from 1 to 6"),
        ("column = \"datetime\"", "column = §\"date\"", "no column `date`", "`datetime`"),
        (
            "\"%Y-%m-%d %H:%M:%S\"",
            "§\"%d.%m.%Y %H:%M:%S\"",
            "does not fit the first record's time, `2026-03-01",
            "strptime",
        ),
        ("time = { column = \"cycle\", period", "time = { column = \"cycle\", start = §\"soon\", period", "", "2026"),
        ("time = { column = \"cycle\", period = \"1h\" }", "§time = { column = \"cycle\" }", "`time` should have", ""),
    ]);
}

#[test]
fn tags() {
    check_all(&[
        ("[tags.flow]\nsource = \"lab\"", "[tags.flow]\nsource = §\"lob\"", "no source `lob`", "did you mean `lab`?"),
        ("[tags.flow]\nsource = \"lab\"", "[tags.§flow]", "[tags.flow] needs `source`", "source = \"plc1\""),
        ("[tags.flow]", "[tags.§flaw]", "the table has no column `flaw`", "did you mean `flow`?"),
        ("unit = \"m3/h\"", "unit = §\"m3/hour\"", "`m3/hour` is not a UCUM unit", "UCUM"),
        ("unit = \"bar\"", "unit = §\"B[V]\"", "non-linear", ""),
        ("unit = \"K\"", "unit = §\"bar\"", "`reactor.temp`: `Cel` can't be converted to `bar`", "`Cel`"),
        ("range = [0, 40]", "range = §[40, 0]", "two rising numbers", "lowest first"),
        ("range = [0, 40]", "range = §[0, nan]", "two rising numbers", ""),
        ("range = [0, 40]", "range = §[0]", "two rising numbers", ""),
        ("scale = 0.1", "scale = §0", "`scale` can't be 0", ""),
        ("scale = 0.1", "scale = §inf", "a finite number", ""),
        ("steel = 1, brass = 2", "steel = §\"one\"", "`steel` should stand for a number", ""),
        ("column = \"Temp C\"", "column = §\"Temp F\"", "no column `Temp F`", "did you mean `Temp C`?"),
        ("column = 4", "column = §0", "no column 0", "count from 1"),
        ("[tags.\"rig.*\"]", "[tags.§\"rag.*\"]", "finds nothing", "any text"),
        ("[tags.\"setting*\"]", "[tags.§\"s*1\"]", "the tag `s1` is defined twice", "narrower"),
        ("unit = \"K\"", "unit = \"K\"\nsignal = §\"reactor.heat\"", "no signal `reactor.heat`", "`reactor."),
        ("[tags.\"line.material\"]", "[tags.§\"line.*\"]", "a broker does not say", "a tag of its own"),
        ("topic = \"plant/recipe\"", "topic = §\"plant/#\"", "can't be a topic", "wildcards"),
        ("pointer = \"/current\"", "pointer = §\"current\"", "the JSON pointer `current` should", "RFC 6901"),
        ("format = \"unix_ms\"", "format = §\"iso\"", "`format` can't be `iso`", "`rfc3339`"),
        (
            "[tags.flow]",
            "[tags.§\"a{b}\"]\nsource = \"lab\"\ncolumn = 2\n[tags.flow]",
            "can't be the name of a tag",
            "",
        ),
        ("column = 4", "column = 4\nkind = §\"waveform\"", "a table has no waveforms", "leave `kind` out"),
    ]);
}

#[test]
fn outputs() {
    check_all(&[
        ("on_stop = \"hold\"", "on_stop = §\"keep\"", "none of its three", "release"),
        ("on_stop = { value = 0 }", "on_stop = §{ value = 2 }", "`on_stop` is 2", "change `on_stop`"),
        ("\"0.5 Cel/min\"", "§\"0.5 Cel\"", "should be a rate", "0.5 Cel/min"),
        ("\"0.5 Cel/min\"", "§\"0.5 bar/min\"", "measure different things", ""),
        ("\"0.5 Cel/min\"", "§\"-1 Cel/min\"", "above 0", ""),
        ("slew = \"0.5 Cel/min\"", "slew = §0.5", "`slew` should be a text", ""),
        ("deadband = 0.1", "deadband = §-0.1", "not below 0", ""),
        ("range = [70, 100]", "range = §[70, 101]", "past the actuator's, 70 to 100 Cel", "within"),
        ("fail_safe = \"353.15 K\"", "fail_safe = §110", "`fail_safe` is 110", ""),
        ("fail_safe = \"353.15 K\"", "fail_safe = §\"6 bar\"", "`bar` can't be converted to `Cel`", "353 K"),
        ("lease = \"5min\"", "lease = §\"0s\"", "out of bounds", ""),
        ("mode = \"auto\"", "mode = §\"automatic\"", "`mode` can't be `automatic`", "`auto`"),
        (
            "not reactor.permit",
            "not §reactor.permt",
            "there is no tag `reactor.permt`",
            "did you mean `reactor.permit`?",
        ),
        ("reactor.pressure > 6 bar for 2s", "reactor.pressure > §6 Cel for 2s", "can't be converted", ""),
        ("reactor.pressure > 6 bar for 2s", "§reactor.pressure", "is neither true nor false", ""),
        ("[outputs.valve]", "reduced = §7\n[outputs.valve]", "`reduced` should be a table", "when = "),
        ("[outputs.valve]", "reduced = §{ range = [70, 80] }\n[outputs.valve]", "`reduced` needs `when`", "when = "),
        (
            "[outputs.valve]",
            "reduced = §{ when = \"flow < 1\" }\n[outputs.valve]",
            "`reduced` needs `range`",
            "range = ",
        ),
        (
            "[outputs.valve]",
            "reduced = { when = \"flow < 1\", range = §[60, 80] }\n[outputs.valve]",
            "reduced range from 60 to 80 is none within its range from 70 to 100",
            "change `reduced`",
        ),
        (
            "[outputs.valve]",
            "reduced = { when = \"flow < 1\", range = §[80, 75] }\n[outputs.valve]",
            "two numbers, the lower first",
            "[0, 40]",
        ),
        (
            "[outputs.valve]",
            "reduced = { when = \"flow < 1\", range = [§\"1 bar\", 80] }\n[outputs.valve]",
            "`range`: ",
            "[0, 40]",
        ),
        (
            "[outputs.valve]",
            "reduced = { when = \"flow < §1 bar\", range = [70, 80] }\n[outputs.valve]",
            "`when`: ",
            "",
        ),
        (
            "[outputs.valve]",
            "reduced = §{ when = \"line.material == 1\", range = [70, 80] }\n[outputs.valve]",
            "`reduced` looks at `line.material`, which never goes stale",
            "stale_after",
        ),
        (
            "[outputs.valve]",
            "reduced = { §whem = 1, when = \"flow < 1\", range = [70, 80] }\n[outputs.valve]",
            "unknown key `whem` in `reduced`",
            "did you mean `when`?",
        ),
        (
            "kind = \"discrete\"\nrange = [0, 1]",
            "kind = \"discrete\"\nrange = [0, 1]\nreduced = { when = \"flow < 1\", range = §[0, 0.5] }",
            "is none within its range",
            "",
        ),
        ("readback = \"reactor.temp\"", "readback = §\"reactor.tmp\"", "no tag `reactor.tmp`", "did you mean"),
        ("readback = \"reactor.temp\"", "readback = §\"flow\"", "`m3/h` can't be converted to `Cel`", "unit"),
        ("readback = \"reactor.temp\"", "readback = §\"rig.vibration_wave\"", "is a waveform", ""),
        ("[outputs.valve]\nsource = \"plc1\"", "[outputs.§valve]\nsource = \"lab\"", "takes no commands", ""),
    ]);
}

#[test]
fn plugins() {
    check_all(&[
        ("component = \"watch.wasm\"", "component = §\"wotch.wasm\"", "no component `wotch.wasm`", "installed"),
        (
            "\"rig.*\", \"pump1.current\"",
            "§\"rog.*\", \"pump1.current\"",
            "the pattern `rog.*` finds no tag",
            "any text",
        ),
        ("\"pump1.current\"], ", "§\"pump1.curent\"], ", "no tag `pump1.curent`", "did you mean `pump1.current`?"),
        ("\"pump1.current\"], ", "\"pump1.current\", §\"pump1.current\"], ", "stands twice", "leave one"),
        ("\"pump1.current\"], ", "§7], ", "a name or a list of names", ""),
        ("phase = \"line.material\"", "phase = §\"s1\"", "split into assets by `unit`", "assets = { key = \"unit\" }"),
        ("sensors = \"s?\"", "sensors = [\"s?\", §\"flow\"]", "does not belong to assets", "`key`"),
        ("assets = { key = \"unit\" }", "assets = { §kee = \"unit\", key = \"unit\" }", "unknown key `kee`", "`key`"),
        ("warmup = 400", "warmup = §[1]", "the parameter `warmup` can't be a list", ""),
        ("gain = 0.5", "gain = §nan", "the parameter `gain` can't be", "finite"),
        ("\"models/channel-autoencoder\"", "§\"models/other\"", "no model `models/other` for `channel`", "model.onnx"),
        ("\"spare.onnx\"", "§\"spares.onnx\"", "no model `spares.onnx`", "looked for"),
        ("tables = \"tables\"", "tables = §\"watch.wasm\"", "no folder `watch.wasm`", "beside the model"),
        ("window = 32", "window = §0", "from 1 to 65536", ""),
        ("deadline = \"20ms\"", "deadline = §\"60ms\"", "longer than the scan's budget of 40ms", "background"),
        ("limits = \"interpreted\"", "limits = §\"none\"", "`limits` can't be `none`", "`compiled`"),
        ("mode = \"advise\"", "mode = §\"on\"", "`mode` can't be `on`", "`auto`"),
        ("valve = \"valve\"", "valve = §\"valves\"", "no output `valves`", "did you mean `valve`?"),
        ("valve = \"valve\"", "valve = §\"reactor.temp_sp\"", "is bound twice", "one owner"),
        ("[plugins.climb]", "[plugins.§\"climb up\"]", "can't be the name of a plugin", "letters"),
    ]);
}

#[test]
fn sinks() {
    check_all(&[
        ("path = \"events.jsonl\"", "path = §\"nowhere/events.jsonl\"", "its folder is missing", "make the folder"),
        (
            "kind = \"mqtt\"\nsource = \"plc1\"",
            "kind = \"mqtt\"\nsource = §\"lab\"",
            "no link to a broker",
            "kind `mqtt`",
        ),
        ("\"dinrail/{site}/{plugin}/{kind}\"", "§\"dinrail/{site}/{plug}/{kind}\"", "{plug}", "dinrail/"),
        (
            "[sinks.events]\nkind = \"jsonl\"",
            "[sinks.events]\nkind = §\"json\"",
            "`kind` can't be `json`",
            "did you mean `jsonl`?",
        ),
    ]);
}

#[test]
fn what_is_missing_is_reported_at_its_table() {
    let output = ("[outputs.\"reactor", "[outputs.§\"reactor");
    let cases = [
        ("on_stop = \"hold\"\n", output, "needs `on_stop`", "`on_stop = \"hold\"`"),
        ("slew = \"0.5 Cel/min\"\n", output, "needs a slew limit", "change `slew`"),
        ("range = [70, 100]\n", output, "needs `range`", "range = ["),
        ("password_file = \"broker.password\"\n", ("user = ", "§user = "), "go together", "leave both out"),
        ("topic = \"plant/recipe\"\n", ("[tags.\"line", "[tags.§\"line"), "needs `topic`", "topic = "),
        ("component = \"watch.wasm\"\n", ("pump-watch]", "§pump-watch]"), "needs `component`", "component = "),
        ("deadline = \"2s\"\n", ("[plugins.engines", "[plugins.§engines"), "needs `deadline`", "deadline = "),
        ("path = \"-\"\n", ("[sinks.lines", "[sinks.§lines"), "needs `path`", "path = "),
        ("plant = \"demo\"\n", ("[sources.plant", "[sources.§plant"), "needs `plant`", "plant = "),
        ("fail_safe = \"353.15 K\"\n", ("\"reactor.pressure > ", "§\"reactor.pressure > "), "", "change `trip`"),
    ];
    let folder = Folder::new();
    let mut differences = Vec::new();
    for (line, (from, to), message, help) in cases {
        assert!(GOOD.contains(line) && GOOD.contains(from), "{line} {from}");
        // An output in auto with nothing to fall back to is the next case's.
        let text = GOOD.replacen(line, "", 1).replacen("mode = \"auto\"", "mode = \"auto\"\ndefault = 80", 1);
        differences.extend(differs(&folder, &text.replacen(from, to, 1), message, help));
    }
    nothing_differs(differences);
}

#[test]
fn mistakes_that_take_two_places() {
    /// (what is changed, what is said, part of what helps)
    type Case = (&'static [(&'static str, &'static str)], &'static str, &'static str);
    let cases: [Case; 6] = [
        (
            &[
                ("fail_safe = \"353.15 K\"\n", ""),
                ("trip = \"reactor.pressure > 6 bar for 2s\"\n", ""),
                ("s.\"reactor.temp_sp", "s.§\"reactor.temp_sp"),
            ],
            "neither `default` nor `fail_safe`",
            "falls silent",
        ),
        (
            &[("permit\"\nstale_after = \"5s\"", "permit\""), ("\"not reactor.permit", "§\"not reactor.permit")],
            "`inhibit` looks at `reactor.permit`, which never goes stale",
            "stale_after",
        ),
        (
            &[
                ("[tags.\"line.material\"]", "[tags.§\"line.material\"]"),
                (
                    "topic = \"plant/recipe\"",
                    "topic = \"plant/pump1\"\ntime = { pointer = \"/at\", format = \"unix\" }",
                ),
            ],
            "disagree on its `time`",
            "the same way",
        ),
        (
            &[
                ("mode = \"advise\"", "mode = \"advise\"\nperiod = \"5min\"\ndeadline = \"10ms\""),
                ("[outputs.valve]", "[outputs.valve]\nlease = \"1h\""),
                ("lease = \"5min\"", "lease = §\"5min\""),
            ],
            "its lease of 300000 ms is shorter",
            "make `lease` of the output longer",
        ),
        (
            &[
                ("phase = \"line.material\" }", "phase = \"line.material\" }\noutputs = { gate = \"valve\" }"),
                ("valve = \"valve\"", "valve = §\"valve\""),
            ],
            "is written by `pump-watch` already",
            "one owner",
        ),
        (
            &[
                ("path = \"events.jsonl\"", "path = \"-\""),
                ("[sinks.lines]\nkind = \"jsonl\"\npath = ", "[sinks.lines]\nkind = \"jsonl\"\npath = §"),
            ],
            "another sink writes to `-` already",
            "of its own",
        ),
    ];
    let folder = Folder::new();
    let mut differences = Vec::new();
    for (edits, message, help) in cases {
        let text = edits.iter().fold(GOOD.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
        differences.extend(differs(&folder, &text, message, help));
    }
    nothing_differs(differences);
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let folder = Folder::new();
    let text = "[scan]\nperiod = \"soon\"\n\n[sources.a]\nkind = \"sim\"\nplant = \"rigg\"\n\n\
                [tags.x]\nsource = \"b\"\nunits = \"bar\"\n\n[plugins.p]\ninputs = { i = \"y\" }\n";
    let errors = folder.parse(text).unwrap_err();
    let plain = errors.to_string().replace(&folder.path().display().to_string(), "FOLDER");
    let expected = "\
FOLDER/site.toml:2:10: `period`: `soon` is not a duration
  help: write a number and one of ns, us, ms, s, min, h, d: \"100ms\", \"2s\", \"5min\", \"1.5h\"
FOLDER/site.toml:6:9: no plant is called `rigg`; there are PLANTS
  help: did you mean `rig`?
FOLDER/site.toml:9:10: there is no source `b`
  help: did you mean `a`?
FOLDER/site.toml:10:1: unknown key `units` in [tags.x]
  help: did you mean `unit`?
FOLDER/site.toml:12:10: [plugins.p] needs `component`
  help: add a line such as `component = \"anomaly-detection.wasm\"`
FOLDER/site.toml:13:16: there is no tag `y`
  help: there is none to choose from
";
    assert_eq!(plain, expected.replace("PLANTS", &dinrail_sim::PLANTS.join(", ")));
    let drawn = errors.drawn();
    assert!(drawn.contains("period = \"soon\"") && drawn.contains("is not a duration"), "{drawn}");
}

#[test]
fn a_file_that_is_missing_or_empty_says_so() {
    let folder = Folder::new();
    let errors = crate::config::load(&folder.path().join("none.toml"), &Default::default()).unwrap_err();
    assert!(errors.to_string().contains("none.toml:1:1: the configuration can't be read"), "{errors}");
    let errors = folder.parse("").unwrap_err();
    assert!(errors.to_string().contains("neither source nor plugin"), "{errors}");
}

#[test]
fn one_mistake_of_an_output_does_not_hide_another() {
    let folder = Folder::new();
    let text = GOOD.replacen("on_stop = \"hold\"\n", "", 1).replacen("slew = \"0.5 Cel/min\"\n", "", 1);
    let errors = folder.parse(&text).unwrap_err().to_string();
    assert!(errors.contains("needs `on_stop`") && errors.contains("needs a slew limit"), "{errors}");
}

#[test]
fn a_live_output_is_not_hurried_either() {
    let text = "[scan]\nspeed = 60\n[sources.b]\nkind = \"mqtt\"\nurl = \"mqtt://host\"\n";
    let output = "[outputs.o]\nsource = \"b\"\ntopic = \"o\"\nrange = [0, 1]\non_stop = \"hold\"\n";
    let folder = Folder::new();
    folder.good(text);
    let errors = folder.parse(&format!("{text}{output}")).unwrap_err();
    assert_eq!(errors.count(), 1, "{errors}");
    assert_eq!(errors.iter().next().unwrap().line_column(), (2, 9), "{errors}");
}

#[test]
fn an_analogue_output_in_auto_says_where_it_is_read_back_or_that_it_is_not() {
    let folder = Folder::new();
    let without = GOOD.replacen("readback = \"reactor.temp\"\n", "", 1);
    let Err(errors) = folder.parse(&without) else { panic!("it resolves") };
    let error = errors.iter().next().unwrap();
    assert_eq!(errors.count(), 1, "{errors}");
    assert!(
        error.message().contains("has no `readback`") && error.help_text().contains("readback = false"),
        "{errors}"
    );
    let waived = GOOD.replacen("readback = \"reactor.temp\"", "readback = false", 1);
    assert!(folder.parse(&waived).is_ok());
}

#[test]
fn recorder() {
    check_all(&[
        ("[scan]", "[recorder]\nkeep = §\"0s\"\n\n[scan]", "`keep` is 0s, out of bounds", "from 1s to 7d"),
        ("[scan]", "[recorder]\nmemory = §\"64\"\n\n[scan]", "`64` is no number of bytes", "64 MiB"),
        ("[scan]", "[recorder]\nmemory = §\"1 B\"\n\n[scan]", "`memory` is out of bounds", "256 KiB"),
        ("[scan]", "[recorder]\non = [\"trap\", §\"alarm:loud\"]\n\n[scan]", "can't hold `alarm:loud`", "alarm:high"),
        (
            "[scan]",
            "[recorder]\nredact = §\"recipe.*\"\n\n[scan]",
            "no tag and no output is called `recipe.*`",
            "any text",
        ),
        ("[scan]", "[recorder]\n§keeps = \"1h\"\n\n[scan]", "unknown key `keeps` in [recorder]", "did you mean `keep`"),
        ("[scan]", "[recorder]\nkeep_incidents = { §days = 3 }\n\n[scan]", "unknown key `days`", "`age`"),
    ]);
}
