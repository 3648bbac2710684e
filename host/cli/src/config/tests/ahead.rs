//! What is known ahead: every mistake once, with its place.

use super::Folder;

const BASE: &str = r#"
[site]
time_zone = "Europe/Berlin"

[sources.prices]
kind = "csv"
path = "lab.csv"
delimiter = ";"
time = { column = "datetime", format = "%Y-%m-%d %H:%M:%S" }

[sources.plant]
kind = "sim"
plant = "home"

[tags."home.load"]
source = "plant"

[plugins.battery]
component = "energy-optimization.wasm"
inputs = { load = "home.load" }
outlook = { price = "tariff" }
"#;

/// The only complaint about a context `tariff`; `§` marks where it points.
fn complaint(folder: &Folder, zone: &str, context: &str) -> Result<(String, String), String> {
    let marked = format!("{BASE}\n[context.tariff]\n{context}\n").replace("Europe/Berlin", zone);
    let at = marked.find('§').ok_or("no mark")?;
    let text = marked.replacen('§', "", 1);
    let before = &marked[..at];
    let place = (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
    let Err(errors) = folder.parse(&text) else { return Err("resolves".into()) };
    let first = errors.iter().next().ok_or("no complaint")?;
    match errors.count() == 1 && first.line_column() == place {
        true => Ok((first.message().to_owned(), first.help_text().to_owned())),
        false => Err(format!("wanted {place:?} alone\n{errors}")),
    }
}

#[test]
fn one_mistake_is_one_complaint() {
    let folder = Folder::new();
    for (context, message, help) in [
        (
            "source = §\"price\"\ncolumn = \"flow\"\nknown_at = \"always\"",
            "no source `price`",
            "did you mean `prices`?",
        ),
        ("source = \"prices\"\ncolumn = §\"flaw\"\nknown_at = \"always\"", "no column `flaw`", "did you mean `flow`?"),
        ("source = \"prices\"\ncolumn = \"flow\"\nknown_at = §\"never\"", "when a value became known", "always"),
        (
            "source = \"prices\"\ncolumn = \"flow\"\nknown_at = { column = §\"x\", format = \"unix\" }",
            "no column `x`",
            "`flow`",
        ),
        (
            "source = \"prices\"\ncolumn = \"flow\"\nknown_at = \"always\"\n§rules = []",
            "unknown key `rules`",
            "`known_at`",
        ),
        ("value = 1\nunit = §\"EUR/kWh\"", "is not a UCUM unit", "braces"),
        ("value = 1\nstep = §\"half an hour\"", "`step`", "write a number and one of"),
        ("value = §\"cheap\"\nrules = [{ value = 2 }]", "`value` should be a finite number", ""),
        (
            "value = 1\nrules = [{ value = 2, days = §[\"Monday\"], months = [1], known_at = \"2026-01-01\" }]",
            "`days`",
            "monday",
        ),
        ("value = 1\nrules = [{ value = 2, days = §[], months = [1] }]", "`days`", "monday"),
        ("value = 1\nrules = [{ value = 2, months = §[13] }]", "`months`", "[11, 12, 1, 2]"),
        ("value = 1\nrules = [{ value = 2, from = \"06:00\", to = §\"06:00\" }]", "the same time", "whole day"),
        ("value = 1\nrules = [{ value = 2, since = \"2026-05-01\", until = §\"2026-05-01\" }]", "never holds", ""),
        ("value = 1\nrules = [§{ value = 2, holidays = true }]", "[site] has none", "holidays = ["),
        ("value = 1\nrules = [{ value = 2, known_at = §\"soon\" }]", "not a date and time", "local time"),
        (
            "source = \"plant\"\nschedule = \"home.price\"\n§unit = \"{EUR}/kW/h\"",
            "is the plant's own, {money}/kW/h",
            "leave `unit` out",
        ),
        (
            "source = \"plant\"\nschedule = \"home.price\"\n§step = \"15min\"",
            "is the plant's own, 1h",
            "leave `step` out",
        ),
        ("source = \"plant\"\nschedule = §\"price\"", "knows nothing ahead of `price`", "`home.price`"),
    ] {
        let (said, helped) =
            complaint(&folder, "Europe/Berlin", context).unwrap_or_else(|why| panic!("{context}: {why}"));
        assert!(said.contains(message), "{context}: {said}");
        assert!(helped.contains(help), "{context}: {helped}");
    }
}

/// A value that changes within a step would be told late, or an hour late in one half of the year.
#[test]
fn a_rules_edges_lie_on_steps_of_the_context() {
    let folder = Folder::new();
    for (zone, context, help) in [
        ("Europe/Berlin", "value = 1\nrules = [{ value = 2, from = §\"06:30\", to = \"22:00\" }]", Some("30min")),
        ("Europe/Berlin", "value = 1\nrules = [{ value = 2, from = \"06:00\", to = §\"21:45\" }]", Some("15min")),
        ("Europe/Berlin", "value = 1\nstep = \"30min\"\nrules = [{ value = 2, from = \"06:30\" }]", None),
        ("Asia/Kolkata", "value = 1\nrules = [{ value = 2, from = §\"06:00\", to = \"22:00\" }]", Some("30min")),
        ("Asia/Kathmandu", "value = 1\nstep = \"15min\"\nrules = [{ value = 2, from = \"06:00\" }]", None),
        (
            "Europe/Berlin",
            "value = 1\nstep = \"2h\"\nrules = [{ value = 2, from = §\"06:00\", to = \"08:00\" }]",
            Some("1h"),
        ),
        ("Europe/Berlin", "value = 1\nstep = \"1d\"\nrules = [§{ value = 2, days = [\"sunday\"] }]", Some("1h")),
        ("UTC", "value = 1\nstep = \"1d\"\nrules = [{ value = 2, days = [\"sunday\"] }]", None),
        ("UTC", "value = 1\nstep = \"7h\"\nrules = [{ value = 2, from = §\"07:00\", to = \"14:00\" }]", Some("1h")),
        (
            "Europe/Berlin",
            "value = 1\nrules = [{ value = 2, from = 06:00:00, to = \"24:00\", since = 2026-07-01 }]",
            None,
        ),
    ] {
        match (complaint(&folder, zone, context), help) {
            (Ok((said, helped)), Some(step)) => {
                assert!(said.contains("no step of"), "{context}: {said}");
                assert!(helped.contains(&format!("`step = \"{step}\"`")), "{context}: {helped}");
            }
            (Err(why), None) if why == "no mark" => {
                folder.good(&format!("{BASE}\n[context.tariff]\n{context}\n").replace("Europe/Berlin", zone));
            }
            (other, _) => panic!("{context}: {other:?}"),
        }
    }
}

#[test]
fn a_series_is_bound_to_the_name_of_a_context() {
    let text = format!("{BASE}\n[context.tariff]\nvalue = 1\n");
    let folder = Folder::new();
    for (from, to, message) in [
        ("price = \"tariff\"", "price = 0.3", "`price` should be the name of a context, is a number"),
        ("price = \"tariff\"", "price = \"tarif\"", "there is no context `tarif` for `price`"),
    ] {
        let errors = folder.parse(&text.replace(from, to)).unwrap_err();
        assert!(errors.count() == 1 && errors.to_string().contains(message), "{errors}");
    }
}
