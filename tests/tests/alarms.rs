//! Alarms through the controller, in virtual time and by an operator's words; what operators did, in the audit log.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::{Site, summary};
use dinrail_tests::environment;
use dinrail_tests::running::Running;
use serde_json::{Value, json};
use std::process::{Command, Output};

/// A tank whose level is a table, a row a second.
const TANK: &str = r#"
[scan]
period = "1s"
speed = "max"

[sources.rows]
kind = "csv"
path = "rows.csv"
time = { column = "second", period = "1s" }

[tags."tank.level"]
source = "rows"
column = "level"
unit = "%"
range = [0, 100]

[sinks.lines]
kind = "jsonl"
path = "lines.jsonl"

[alarms."tank.high"]
priority = "high"
text = "open the drain"
"#;

fn tank(alarm: &str, levels: impl Iterator<Item = f64>) -> (Vec<Value>, Value, String) {
    let site = Site::new(&format!("{TANK}{alarm}\n"));
    let rows = levels.enumerate().map(|(second, level)| format!("{second},{level}\n"));
    std::fs::write(site.path("rows.csv"), format!("second,level\n{}", rows.collect::<String>())).unwrap();
    let output = site.output("run", &["--json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let alarms = site.lines("lines.jsonl").into_iter().filter(|line| line["kind"] == "alarm");
    (alarms.collect(), summary(&output), said)
}

/// Second and event of each.
fn told(alarms: &[Value]) -> Vec<(&str, &str)> {
    alarms.iter().map(|alarm| (&alarm["time"].as_str().unwrap()[11..19], alarm["event"].as_str().unwrap())).collect()
}

#[test]
fn a_level_that_stays_at_its_limit_makes_one_alarm() {
    let crossing = || (0..2_000).map(|second| if second % 2 == 0 { 89.0 } else { 91.0 });
    let calm = "when = \"tank.level > 90 % hysteresis 2 %\"";
    for alarm in [calm, "when = \"tank.level > 90 %\"\noff_delay = \"5s\""] {
        let (alarms, summary, said) = tank(alarm, crossing());
        assert_eq!(told(&alarms), [("00:00:01", "raised")], "{alarm}");
        assert_eq!(summary["alarms"], json!({"raised": 1, "chattering": 0}));
        assert!(said.contains("alarm: tank.high: high raised: tank.level is 91 %; open the drain"), "{said}");
        assert_eq!((&alarms[0]["priority"], &alarms[0]["state"]), (&json!("high"), &json!("unacknowledged-active")));
    }
    let (alarms, summary, _) = tank("when = \"tank.level > 90 %\"", crossing());
    assert_eq!(summary["alarms"], json!({"raised": 1_000, "chattering": 997}));
    assert!(alarms[..6].iter().all(|alarm| alarm["chattering"] == false) && alarms[6]["chattering"] == true);
}

#[test]
fn a_bad_level_holds_the_alarm_and_says_so() {
    let levels = [50.0, 95.0].into_iter().chain([-1.0; 15]).chain([95.0, 50.0]);
    let (alarms, _, said) = tank("when = \"tank.level > 90 %\"", levels);
    let expected = [("00:00:01", "raised"), ("00:00:12", "blind"), ("00:00:17", "sighted"), ("00:00:18", "returned")];
    assert_eq!(told(&alarms), expected);
    assert_eq!(alarms[1]["state"], "unacknowledged-active");
    assert!(said.contains("tank.high: its condition can't be known: tank.level is bad, last 95 %"), "{said}");
}

/// The plugin traps at every call: it is started again and again, and then given up.
#[test]
fn a_plugin_that_faults_raises_the_hosts_own_alarms() {
    let plugin = "\n[plugins.broken]\ncomponent = \"trap.wasm\"\ninputs = { signals = [\"tank.level\"] }\n";
    let site = Site::new(&format!("{TANK}when = \"tank.level > 99 %\"\n{plugin}"));
    std::fs::copy(environment::guest("trap"), site.path("trap.wasm")).unwrap();
    let rows: String = (0..200).map(|second| format!("{second},50\n")).collect();
    std::fs::write(site.path("rows.csv"), format!("second,level\n{rows}")).unwrap();
    let output = site.output("run", &["--json", "--quiet"]);
    assert!(output.status.success(), "{output:?}");
    let alarms: Vec<Value> = site.lines("lines.jsonl").into_iter().filter(|line| line["kind"] == "alarm").collect();
    let told = |name: &str| {
        let of = alarms.iter().filter(|alarm| alarm["alarm"] == name);
        of.map(|alarm| alarm["event"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(told("dinrail.plugin.broken.fault"), ["raised", "returned"]);
    assert_eq!(told("dinrail.plugin.broken.quarantined"), ["raised"]);
    assert_eq!(alarms.len(), 3, "{alarms:?}");
}

/// A reactor that is always warm, with a store.
const WARM: &str = r#"
[site]
name = "warm"
control = "control.sock"
store = "store"

[scan]
period = "20ms"

[sources.plant]
kind = "sim"
plant = "reactor"

[tags."reactor.temp*"]
source = "plant"
unit = "Cel"
stale_after = "10s"

[outputs."sp"]
source = "plant"
actuator = "reactor.temp_sp"
unit = "Cel"
range = [70, 100]
slew = "10 Cel/s"
default = 80
fail_safe = 75
on_stop = "hold"
mode = "shadow"
trip = "reactor.temp > 10 Cel"

[alarms.warm]
when = "reactor.temp > 10 Cel"
priority = "low"
text = "that is as it should be"

[sinks.lines]
kind = "jsonl"
path = "lines.jsonl"
"#;

fn alarm(running: &Running, name: &str) -> Value {
    let alarms = running.json(&["alarms"])["alarms"].clone();
    alarms.as_array().unwrap().iter().find(|alarm| alarm["name"] == name).unwrap().clone()
}

fn audit(site: &Site, arguments: &[&str]) -> Output {
    let mut command = Command::new(environment::dinrail());
    command.arg("audit").args(arguments).arg("--store").arg(site.path("store")).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_operator_answers_alarms_and_every_word_is_in_the_audit_log() {
    let mut running = Running::start(WARM);
    running.until("it is raised", || (alarm(&running, "warm")["state"] == "unacknowledged-active").then_some(()));
    let table = text(&running.say(&["alarms"]).stdout);
    assert!(table.contains("warm") && table.contains("that is as it should be"), "{table}");
    assert_eq!(alarm(&running, "dinrail.output.sp.trip")["priority"], "critical");
    assert!(
        table.find("dinrail.output.sp.trip").unwrap() < table.find("warm").unwrap(),
        "the most urgent first: {table}"
    );
    for (words, code, expected) in [
        (&["alarms", "ack", "warm"][..], 0, "warm: acknowledged, unacknowledged-active → acknowledged-active"),
        (&["alarms", "ack", "warm"], 1, "there is nothing to acknowledge: it is acknowledged-active"),
        (&["alarms", "ack", "wram"], 1, "did you mean `warm`?"),
        (&["alarms", "shelve", "warm", "--for", "13h", "--reason", "summer"], 1, "at most 12 hours"),
        (&["alarms", "shelve", "warm", "--for", "30min", "--reason", " "], 1, "needs its reason"),
        (&["alarms", "shelve", "warm", "--for", "30min", "--reason", "summer"], 0, "warm: shelved for 30min"),
        (&["alarms", "ack", "warm"], 1, "it is shelved"),
        (&["alarms", "unshelve", "warm"], 0, "warm: no longer shelved, it is unacknowledged-active"),
        (&["mode", "sp", "manual"], 0, "mode shadow → manual"),
        (&["reset", "sp"], 1, "still true"),
    ] {
        let said = running.say(words);
        let answer = text(&said.stdout) + &text(&said.stderr);
        assert!(said.status.code() == Some(code) && answer.contains(expected), "{words:?}: {answer}");
    }
    // The log's thread may be an entry behind.
    let entries = running.until("all entries", || {
        let shown: Value = serde_json::from_slice(&audit(&running.site, &["--json"]).stdout).ok()?;
        let entries = shown["entries"].as_array()?.clone();
        (entries.len() == 11).then_some(entries)
    });
    let of = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let told: Vec<_> =
        entries.iter().map(|entry| ["op", "subject", "outcome", "before", "after"].map(|key| of(entry, key))).collect();
    assert_eq!(told[0], ["begin", "warm", "done", "", ""]);
    assert_eq!(told[1], ["acknowledge", "warm", "done", "unacknowledged-active", "acknowledged-active"]);
    assert_eq!(told[3], ["acknowledge", "wram", "refused", "unknown", "unknown"]);
    assert_eq!(told[6], ["shelve", "warm", "done", "acknowledged-active", "shelved"]);
    assert_eq!(told[9], ["mode", "sp", "done", "shadow", "manual"]);
    assert_eq!(told[10], ["reset", "sp", "refused", "tripped", "tripped"]);
    assert!(of(&entries[6], "text").ends_with("summer") && of(&entries[6], "time").ends_with('Z'));

    let second = Site::new(
        &WARM
            .replace("control.sock", "other.sock")
            .replace("store = \"store\"", &format!("store = {:?}", running.site.path("store"))),
    );
    let refused = second.output("run", &["--quiet", "--for", "10s"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(text(&refused.stderr).contains("is another controller's, process"), "{refused:?}");

    running.child.kill().unwrap();
    running.child.wait().unwrap();
    the_log_is_found_changed_and_cut(&running.site);
    running.child = Running::spawn(&running.site);
    running.until("it goes on", || running.say(&["alarms"]).status.success().then_some(()));
    assert!(running.say(&["mode", "sp", "shadow"]).status.success());
    running.until("the next entry", || {
        text(&audit(&running.site, &["verify"]).stdout).contains("12 entries").then_some(())
    });
    let objects = running.site.lines("lines.jsonl");
    assert!(objects.iter().any(|object| object["kind"] == "alarm" && object["alarm"] == "dinrail.output.sp.trip"));
}

/// Changes the log in several ways, each of which `verify` has to name, and leaves it as it was.
fn the_log_is_found_changed_and_cut(site: &Site) {
    let path = site.path("store/audit.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    let verified: Value = serde_json::from_slice(&audit(site, &["verify", "--json"]).stdout).unwrap();
    assert_eq!(
        (&verified["holds"], &verified["entries"], &verified["site"]),
        (&json!(true), &json!(11), &json!("warm"))
    );
    let head = verified["head"].as_str().unwrap().to_owned();
    assert_eq!(audit(site, &["verify", "--head", &head]).status.code(), Some(0));
    assert_eq!(audit(site, &["verify", "--head", "abc"]).status.code(), Some(64));
    let lines: Vec<&str> = whole.lines().collect();
    let without = |left_out: usize| {
        let kept = lines.iter().enumerate().filter(|(index, _)| *index != left_out);
        kept.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    for (changed, arguments, expected) in [
        (whole.replacen("summer", "winter", 1), &["verify"][..], ": entry "),
        (without(4), &["verify"], "audit.jsonl:5: entry 4 should stand here, and entry 5 does"),
        (whole.trim_end().to_owned(), &["verify"], "audit.jsonl:11: the line has no end"),
        (without(10), &["verify", "--head", &head], "the end was cut off"),
    ] {
        std::fs::write(&path, changed).unwrap();
        let said = audit(site, arguments);
        assert!(said.status.code() == Some(2) && text(&said.stderr).contains(expected), "{expected}: {said:?}");
    }
    std::fs::write(&path, without(10)).unwrap();
    let said = audit(site, &["verify"]);
    assert!(said.status.success() && text(&said.stdout).contains("kept elsewhere"), "{said:?}");
    std::fs::write(&path, whole).unwrap();
}

#[test]
fn without_a_store_there_is_no_audit_log() {
    let site = Site::new(&WARM.replace("store = \"store\"\n", ""));
    let mut command = Command::new(environment::dinrail());
    let said = command.args(["audit", "-c"]).arg(site.path("dinrail.toml")).output().unwrap();
    assert_eq!(said.status.code(), Some(1));
    assert!(text(&said.stderr).contains("has no `store` in [site]"), "{said:?}");
    let nowhere =
        Command::new(environment::dinrail()).args(["audit", "--store"]).arg(site.path("none")).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(1), "{nowhere:?}");
}
