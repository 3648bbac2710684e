//! What is known ahead reaches a plugin as far as it was known at the time, through the built controller.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dinrail_tests::controller::Site;
use dinrail_tests::environment;
use serde_json::Value;

/// A day of a plan an hour. The price of each hour is published two hours before; at 11:15 the one of 13:00 changes.
fn site(context: &str) -> Site {
    let configuration = format!(
        r#"
[site]
time_zone = "Europe/Berlin"

[scan]
period = "1h"
budget = "10min"
speed = "max"

[sources.prices]
kind = "csv"
path = "prices.csv"
time = {{ column = "from", format = "rfc3339" }}

[sources.load]
kind = "csv"
path = "load.csv"
time = {{ column = "at", format = "rfc3339" }}

[tags.load]
source = "load"

[sources.plant]
kind = "sim"
plant = "reactor"

[tags."reactor.temp_sp_readback"]
source = "plant"

[outputs."sp"]
source = "plant"
actuator = "reactor.temp_sp"
range = [70, 100]
lease = "3h"
on_stop = "hold"

{context}

[plugins.plan]
component = "planner.wasm"
inputs = {{ signals = ["load"] }}
outputs = {{ setpoint = "sp" }}
outlook = {{ ahead = "price" }}

[sinks.lines]
kind = "jsonl"
path = "lines.jsonl"
"#
    );
    let site = Site::new(&configuration);
    std::fs::copy(environment::guest("planner"), site.path("planner.wasm")).unwrap();
    let mut prices = "from,price,published\n".to_owned();
    let mut load = "at,load\n".to_owned();
    for hour in 0..24 {
        let published =
            if hour < 2 { "2026-03-01T22:00:00Z".into() } else { format!("2026-03-02T{:02}:00:00Z", hour - 2) };
        prices.push_str(&format!("2026-03-02T{hour:02}:00:00Z,{hour},{published}\n"));
        load.push_str(&format!("2026-03-02T{hour:02}:00:00Z,1\n"));
    }
    prices.push_str("2026-03-02T13:00:00Z,99,2026-03-02T11:15:00Z\n");
    std::fs::write(site.path("prices.csv"), prices).unwrap();
    std::fs::write(site.path("load.csv"), load).unwrap();
    site
}

/// A day; the simulated plant would go on for ever.
fn run(site: &Site) {
    let output = site.output("run", &["--json", "--quiet", "--run-time", "23h"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// By hour: the setpoints of the plan that was made then.
fn plans(site: &Site) -> Vec<Vec<f64>> {
    let lines = site.lines("lines.jsonl");
    let plans = lines.iter().filter(|line| line["kind"] == "plan");
    let setpoints = |plan: &Value| {
        let steps = plan["schedule"].as_array().unwrap();
        steps.iter().map(|step| step["setpoint"].as_f64().unwrap()).collect()
    };
    plans.map(setpoints).collect()
}

#[test]
fn a_plan_knows_what_was_published_and_not_what_will_be() {
    let published = r#"
[context.price]
source = "prices"
column = "price"
known_at = { column = "published", format = "rfc3339" }
unit = "EUR"
"#;
    let site = site(&published.replace("EUR", "1"));
    run(&site);
    let plans = plans(&site);
    assert_eq!(plans.len(), 24, "{plans:?}");
    assert_eq!(plans[0], [0.0, 1.0, 2.0]);
    assert_eq!(plans[11], [11.0, 12.0, 13.0], "the change is not published yet");
    assert_eq!(plans[12], [12.0, 99.0, 14.0]);
    assert_eq!(plans[13], [99.0, 14.0, 15.0]);
    assert_eq!(plans[23], [23.0]);
}

#[test]
fn a_schedule_that_is_known_for_long_is_told_whole() {
    let always = "[context.price]\nsource = \"prices\"\ncolumn = \"price\"\nknown_at = \"always\"\nhorizon = \"4h\"\n";
    let site = site(always);
    run(&site);
    // Of two versions of one hour that were both known always, the later line counts.
    assert_eq!(plans(&site)[11], [11.0, 12.0, 99.0, 14.0]);
}

#[test]
fn a_tariff_by_the_calendar_keeps_local_hours() {
    let tariff = r#"
[context.price]
value = 20
horizon = "24h"
rules = [{ from = "07:00", to = "21:00", value = 30 }, { since = "2026-03-03", known_at = "2026-03-02T12:00:00Z", value = 40 }]
"#;
    let site = site(tariff);
    run(&site);
    let plans = plans(&site);
    // Midnight UTC is one o'clock in Berlin: six hours of night, fourteen of day, four of evening.
    assert_eq!(plans[0], [vec![20.0; 6], vec![30.0; 14], vec![20.0; 4]].concat());
    assert_eq!(plans[11].iter().filter(|price| **price == 40.0).count(), 0);
    // Known from 12:00 UTC; in force from local midnight, which is 23:00 UTC.
    assert_eq!(plans[12][10..12], [20.0, 40.0]);
}

#[test]
fn mistakes_are_refused_with_their_place() {
    for (context, expected) in [
        ("[context.price]\nsource = \"prices\"\ncolumn = \"price\"\n", "needs `known_at`"),
        ("[context.price]\nsource = \"prices\"\ncolumn = \"prise\"\nknown_at = \"always\"\n", "did you mean `price`?"),
        ("[context.price]\nsource = \"plant\"\n", "needs `schedule`"),
        ("[context.price]\nsource = \"plant\"\nschedule = \"x\"\n", "knows nothing ahead of `x`"),
        ("[context.price]\nvalue = 3\nrules = [{ from = \"7\", value = 1 }]\n", "`from`"),
        ("[context.other]\nvalue = 3\n", "there is no context `price` for `ahead`"),
        (
            "[context.price]\nsource = \"prices\"\ncolumn = \"price\"\nknown_at = { column = \"price\", format = \"rfc3339\" }\n",
            "is not a time of the format of `known_at`",
        ),
    ] {
        let output = site(context).output("check", &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(expected), "{context}: {said}");
    }
}
