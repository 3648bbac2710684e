//! `[alarms]`: what is said of one, and every mistake with its place.

use super::Folder;
use dinrail_core::alarm::Priority;

const SITE: &str = r#"
[sources.plc1]
kind = "mqtt"
url = "mqtt://127.0.0.1:1883"

[tags."tank.level"]
source = "plc1"
topic = "plant/tank"
unit = "%"
stale_after = "5s"

[tags."tank.forever"]
source = "plc1"
topic = "plant/tank/temp"
"#;

const ALARM: &str =
    "[alarms.\"tank.high\"]\nwhen = \"tank.level > 90 % hysteresis 2 % for 2s\"\ntext = \"open the drain\"\n";

#[test]
fn an_alarm_needs_a_condition_and_a_text() {
    let config = Folder::new().good(&format!("{SITE}{ALARM}"));
    let spec = &config.alarms[0].spec;
    assert_eq!(
        (spec.name.as_str(), spec.priority, spec.text.as_str()),
        ("tank.high", Priority::Medium, "open the drain")
    );
    assert_eq!((spec.delays.on_ns, spec.delays.off_ns), (0, 0));
    let more = "priority = \"critical\"\non_delay = \"2s\"\noff_delay = \"1min\"\n";
    let config = Folder::new().good(&format!("{SITE}{ALARM}{more}"));
    let spec = &config.alarms[0].spec;
    assert_eq!(
        (spec.priority, spec.delays.on_ns, spec.delays.off_ns),
        (Priority::Critical, 2_000_000_000, 60_000_000_000)
    );
}

#[test]
fn every_mistake_has_its_line_and_column() {
    let first = SITE.matches('\n').count() + 1;
    for (from, to, line, column, says, helps) in [
        (
            "when = \"tank.level",
            "when = \"tank.levle",
            1,
            9,
            "there is no tag `tank.levle`",
            "did you mean `tank.level`?",
        ),
        ("90 %", "90 bar", 1, 22, "`when`", "comparisons"),
        ("tank.level > 90 % hysteresis 2 %", "tank.forever > 90", 1, 8, "never goes stale", "stale_after"),
        ("when = ", "# ", 0, 9, "[alarms.\"tank.high\"] needs `when`", "hysteresis"),
        ("text = ", "# ", 0, 9, "[alarms.\"tank.high\"] needs `text`", "open the drain"),
        ("\"open the drain\"", "\" \"", 2, 8, "what the operator should do", "nobody can act on"),
        ("text", "on_delay = \"2d\"\ntext", 2, 12, "`on_delay` is 2d, out of bounds", "to 1d"),
        ("text", "off_delay = 3\ntext", 2, 13, "`off_delay` should be a duration", ""),
        ("text", "priority = \"urgent\"\ntext", 2, 12, "`priority` can't be `urgent`", "`critical`"),
        ("text", "deadband = 2\ntext", 2, 1, "unknown key `deadband` in [alarms.\"tank.high\"]", "`when`"),
        ("tank.high", "dinrail.high", 0, 9, "the host's own begin so", "something else"),
        ("tank.high", "tank.*", 0, 9, "can't be the name of an alarm", "without `*`"),
    ] {
        assert!(ALARM.contains(from), "{from}");
        let errors = Folder::new().parse(&format!("{SITE}{}", ALARM.replacen(from, to, 1))).unwrap_err();
        let error = errors.iter().next().unwrap();
        let fits = errors.count() == 1
            && error.line_column() == (first + line, column)
            && error.message().contains(says)
            && error.help_text().contains(helps);
        assert!(fits, "{to}: wanted {:?} {says}: {errors}", (first + line, column));
    }
}

#[test]
fn there_are_not_more_than_somebody_can_know() {
    let alarms = |count: usize| {
        let one = |index| ALARM.replace("tank.high", &format!("tank.{index}"));
        format!("{SITE}{}", (0..count).map(one).collect::<String>())
    };
    assert_eq!(Folder::new().good(&alarms(500)).alarms.len(), 500);
    let errors = Folder::new().parse(&alarms(501)).unwrap_err().to_string();
    assert!(errors.contains("501 alarms, 500 are the limit"), "{errors}");
}

/// The same way as in inhibits and trips.
#[test]
fn a_result_of_a_plugin_may_be_looked_at() {
    let text = r#"
[sources.plant]
kind = "sim"
plant = "rig"

[tags."rig.*"]
source = "plant"

[plugins.watch]
component = "watch.wasm"
inputs = { signals = ["rig.flow"] }

[alarms.strange]
when = "watch.score > 0.9 for 10s"
text = "look at the pump"
"#;
    let config = Folder::new().good(text);
    let when = config.alarms[0].spec.when.as_ref().unwrap();
    assert_eq!(config.tags.get(when.tags()[0]).name, "watch.score");
}
