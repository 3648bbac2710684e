#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

/// A small fleet: two regimes, two sensors.
fn csv(name: &str) -> &'static str {
    match name {
        "regimes" => "altitude,mach\n0,0\n10,0.25\n",
        "tolerances" => "mach,altitude\n0.02,1\n",
        "means" => "s2,s4\n600,1400\n550,1300\n",
        "deviations" => "s4,s2\n9,0.5\n8,0.4\n",
        "weights" => "s2,s4\n1,0.5\n0.2,1\n",
        "limits" => "s2,s4\n-3,-4\n5,6\n",
        "features" => "rate,baseline,from,to\n0.1,,,\n0.1,20,,\n,,0,0.5\n",
        "modes" => "compressor,fan\n1,0\n0,1\n-0.5,0.5\n",
        "interval" => "prediction,low,high\n10,5,15\n100,80,\n",
        "life" => "cap,least_cycles,clip,spike,spike_after\n125,25,8,4,10\n",
        _ => "",
    }
}

fn parse(text: &str) -> Table {
    let mut lines = text.lines();
    let columns = lines.next().unwrap().split(',').map(str::to_owned).collect();
    let cell = |cell: &str| if cell.is_empty() { f64::NAN } else { cell.parse().unwrap() };
    Table { columns, values: lines.flat_map(|line| line.split(',').map(cell)).collect() }
}

fn read_with(name: &'static str, text: &'static str) -> Result<Tables, TableError> {
    Tables::read(|table| Ok(parse(if table == name { text } else { csv(table) })))
}

#[test]
fn columns_are_found_by_name() {
    let tables = read_with("", "").unwrap();
    assert_eq!(tables.settings, ["altitude", "mach"]);
    assert_eq!(tables.regimes.tolerances, [1.0, 0.02], "in the order of `regimes`");
    assert_eq!(tables.deviations, [[0.5, 9.0], [0.4, 8.0]], "in the order of `means`");
    assert_eq!(tables.features[1], Feature::Drift { rate: 0.1, baseline: 20 });
    assert_eq!(tables.features[2], Feature::Span { from: 0.0, to: 0.5 });
    assert_eq!(tables.modes[1], ("fan".to_owned(), vec![0.0, 1.0], 0.5));
    assert_eq!(tables.interval.around(100.0), (80.0, None));
    assert_eq!(tables.life.least_cycles, 25);
}

#[test]
fn what_is_wrong_is_said_by_table() {
    let check = |table: &'static str, text: &'static str, expected: &str| {
        let message = read_with(table, text).unwrap_err().to_string();
        assert!(message.starts_with(&format!("table `{table}`")) && message.contains(expected), "{message}");
    };
    check("tolerances", "altitude\n1\n", "no column `mach`");
    check("tolerances", "altitude,mach\n1,1\n1,1\n", "2 rows, expected are 1");
    check("means", "s2,s4\n600,1400\n", "1 rows, expected are 2");
    check("means", "s2,s4\n600,\n1,1\n", "a number in every cell");
    check("deviations", "s2,s4\n0,9\n1,8\n", "above zero");
    check("weights", "s2,s4\n0,1\n1,1\n", "above zero");
    check("limits", "s2,s4\n0,9\n", "expected are 2");
    check("features", "rate,baseline,from,to\n,,0,0.5\n", "needs an average");
    check("features", "rate,baseline,from,to\n0.1,,,\n0.1,,0,0.5\n", "row 2");
    check("features", "rate,baseline,from,to\n0.1,,,\n,,0.5,0.5\n", "row 2");
    check("features", "rate,baseline,from\n0.1,,\n", "no column `to`");
    check("modes", "wear-out\n1\n0\n", "expected are 3");
    check("interval", "prediction,low,high\n10,5,15\n10,6,\n", "must rise");
    check("interval", "prediction,low,high\n10,,15\n", "in every row");
    check("life", "cap,least_cycles,clip,spike,spike_after\n0,25,8,4,10\n", "above zero");
}
