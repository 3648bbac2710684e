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

/// A day, which the table ends: the simulated plant beside it would go on for ever.
fn run(site: &Site) {
    let output = site.output("run", &["--json", "--quiet"]);
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

/// 23 and 25 local hours: the tariff keeps its hours, as the plans say.
#[test]
fn a_tariff_keeps_its_local_hours_over_days_of_23_and_25() {
    let tariff = r#"
[context.price]
value = 20
horizon = "36h"
rules = [{ from = "07:00", to = "21:00", value = 30 }]
"#;
    // Each begins at local midnight: of 29 March, which has 23 hours, and of 25 October, which has 25.
    for (midnight, dear_from, dear_to, hours) in [("2026-03-28T23", 6, 20, 23), ("2026-10-24T22", 8, 22, 25)] {
        let site = site(tariff);
        std::fs::write(site.path("load.csv"), format!("at,load\n{midnight}:00:00Z,1\n")).unwrap();
        std::fs::write(site.path("prices.csv"), format!("from,price\n{midnight}:00:00Z,1\n")).unwrap();
        run(&site);
        let plan = plans(&site).remove(0);
        let dear: Vec<usize> = (0..hours).filter(|hour| plan[*hour] == 30.0).collect();
        assert_eq!(dear, (dear_from..dear_to).collect::<Vec<_>>(), "{midnight}");
        assert_eq!(plan[hours..][7], 30.0, "the next day's seven o'clock");
    }
}

#[test]
fn a_holidays_tariff_is_that_of_the_local_day() {
    let tariff = "[context.price]\nvalue = 20\nhorizon = \"36h\"\nrules = [{ holidays = true, value = 10 }]\n";
    let site = site(tariff);
    let text = std::fs::read_to_string(site.path("dinrail.toml")).unwrap();
    let with = text.replace("time_zone = \"Europe/Berlin\"", "time_zone = \"Europe/Berlin\"\nholidays = [2026-03-03]");
    std::fs::write(site.path("dinrail.toml"), with).unwrap();
    run(&site);
    // From midnight UTC, one o'clock in Berlin: 23 hours of 2 March, then 13 of the holiday.
    assert_eq!(plans(&site)[0], [vec![20.0; 23], vec![10.0; 13]].concat());
}

/// What a plugin's plan is told, where a table's values are half as far apart as the context's usual step.
#[test]
fn a_table_that_is_finer_than_the_step_is_refused_until_the_step_says_so() {
    let context = "[context.price]\nsource = \"prices\"\ncolumn = \"price\"\nknown_at = \"always\"\nhorizon = \"2h\"\n";
    let fine =
        "from,price\n2026-03-02T00:00:00Z,1\n2026-03-02T00:30:00Z,2\n2026-03-02T01:00:00Z,3\n2026-03-02T01:30:00Z,4\n";
    let refused = site(context);
    std::fs::write(refused.path("prices.csv"), fine).unwrap();
    let output = refused.output("check", &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("write `step = \"30min\"`"), "{said}");
    for (step, expected) in [("30min", &[1.0, 2.0, 3.0, 4.0][..]), ("15min", &[1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0])]
    {
        let site = site(&format!("{context}step = \"{step}\"\n"));
        std::fs::write(site.path("prices.csv"), fine).unwrap();
        std::fs::write(site.path("load.csv"), "at,load\n2026-03-02T00:00:00Z,1\n").unwrap();
        run(&site);
        assert_eq!(plans(&site)[0], expected, "{step}");
    }
}

/// The reference's example of a battery, as it stands there.
fn battery() -> String {
    let page = include_str!("../../host/cli/CONFIGURATION.md");
    let section = page.split("## A battery under a tariff").nth(1).unwrap();
    section.split("```toml\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

#[test]
fn the_battery_of_the_reference_runs_and_stores_what_is_cheap() {
    let site = Site::new(&battery());
    let output = site.output("run", &["--json", "--quiet", "--run-time", "40d"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = site.lines("battery.jsonl");
    let plans: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "plan").collect();
    assert_eq!(plans.len(), 961, "one an hour, the first and the last one included");
    assert!(plans.iter().all(|plan| plan["quality"] == "good"));
    // The night that was announced in January is bought at in February: commands of charge_to above nothing.
    let bought = lines.iter().filter(|line| {
        line["kind"] == "command" && line["output"] == "home.charge_to" && line["value"].as_f64() > Some(0.5)
    });
    let nights: Vec<&str> = bought.filter_map(|line| line["time"].as_str()).collect();
    let in_february = nights.iter().filter(|time| time.starts_with("2026-02")).count();
    assert!(in_february >= 5, "{nights:?}");
}

#[test]
fn a_battery_without_a_price_or_with_another_kind_of_price_is_refused() {
    for (from, to, expected) in [
        ("outlook = { price = \"tariff\" }\n", "", "no price is bound"),
        ("\"{EUR}/kW/h\"", "\"kW\"", "`kW` can't be converted to `{money}/kW/h`"),
        ("\"{EUR}/kW/h\"", "\"{EUR}/kW\"", "for instance `{EUR}/kW/h`"),
    ] {
        let site = Site::new(&battery().replace(from, to));
        let output = site.output("check", &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(expected), "{to}: {said}");
    }
}

/// A table of prices that ends after three days: said once, and each plan from then on is uncertain.
#[test]
fn a_price_that_ends_in_the_middle_of_a_run_is_said() {
    let text = battery();
    let (before, rest) = text.split_once("[context.tariff]").unwrap();
    let after = rest.split_once("[outputs.").unwrap().1;
    let table = "[sources.prices]\nkind = \"csv\"\npath = \"prices.csv\"\ntime = { column = 1, format = \"rfc3339\" }\n\n\
                 [context.tariff]\nsource = \"prices\"\ncolumn = \"price\"\nunit = \"{EUR}/MW/h\"\nknown_at = { before = \"24h\" }\n\n";
    let site = Site::new(&format!("{before}{table}[outputs.{after}"));
    let mut prices = "from,price\n".to_owned();
    for hour in 0..72 {
        let (day, hour) = (hour / 24 + 1, hour % 24);
        prices.push_str(&format!("2026-01-{day:02}T{hour:02}:00:00Z,{}\n", if hour < 6 { 150 } else { 300 }));
    }
    std::fs::write(site.path("prices.csv"), prices).unwrap();
    let output = site.output("run", &["--json", "--run-time", "5d"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("nothing is known of it now").count(), 1, "{said}");
    assert_eq!(said.matches("battery says: no price is known").count(), 1, "{said}");
    let lines = site.lines("battery.jsonl");
    let quality = |line: &Value| line["quality"].as_str().unwrap().to_owned();
    let plans: Vec<String> = lines.iter().filter(|line| line["kind"] == "plan").map(quality).collect();
    let good = plans.iter().take_while(|quality| *quality == "good").count();
    assert_eq!(good, 72, "{plans:?}");
    assert!(plans[72..].iter().all(|quality| quality == "uncertain"), "{plans:?}");
}

/// Beside an endless simulated plant a table ends the run; the last rows reach the plugin.
#[test]
fn a_table_ends_a_run_that_has_a_simulated_plant_too() {
    let site = site("[context.price]\nvalue = 3\n");
    run(&site);
    assert_eq!(plans(&site).len(), 24, "every row of the table, and nothing after it");
}
