//! Outputs of kind `order`: packs, budgets, and who may place them unsaid.

use super::Folder;
use dinrail_core::guard::{Budget, Mode, OutputKind};

const SITE: &str = "[sources.b]\nkind = \"mqtt\"\nurl = \"mqtt://127.0.0.1:1883\"\n\
                    [outputs.bolts]\nsource = \"b\"\ntopic = \"bolts\"\nkind = \"order\"\nrange = [100, 5000]\n";
const DAY_NS: u64 = 86_400_000_000_000;

fn refused(more: &str) -> String {
    Folder::new().parse(&format!("{SITE}{more}\n")).map_or_else(|errors| errors.to_string(), |_| "resolves".to_owned())
}

#[test]
fn an_order_needs_little_and_waits_for_a_yes() {
    let config = Folder::new().good(SITE);
    let spec = &config.outputs[0].spec;
    assert_eq!((spec.kind, spec.mode, spec.lease_ns), (OutputKind::Order, Mode::Advise, DAY_NS));
    assert_eq!((spec.order.pack, spec.order.budget), (0.0, None));
}

#[test]
fn a_budget_is_a_quantity_or_money() {
    let budget = |text: &str| Folder::new().good(&format!("{SITE}pack = 50\nbudget = {text}\n")).outputs[0].spec.order;
    let by_quantity = budget("{ quantity = 9000, per = \"7d\" }");
    assert_eq!(
        (by_quantity.pack, by_quantity.budget),
        (50.0, Some(Budget { quantity: 9000.0, window_ns: 7 * DAY_NS }))
    );
    let by_money = budget("{ money = 500, price = 0.25, per = \"30d\" }");
    assert_eq!(by_money.budget, Some(Budget { quantity: 2000.0, window_ns: 30 * DAY_NS }));
    for (text, says) in [
        ("500", "should be a table"),
        ("{ quantity = 5 }", "per"),
        ("{ quantity = 5, money = 3, price = 1, per = \"1d\" }", "either a `quantity`"),
        ("{ money = 3, per = \"1d\" }", "either a `quantity`"),
        ("{ money = 3, price = 0, per = \"1d\" }", "above 0"),
        ("{ quantity = -5, per = \"1d\" }", "above 0"),
        ("{ quantity = 5, per = \"1d\", colour = 1 }", "colour"),
    ] {
        let errors = refused(&format!("budget = {text}"));
        assert!(errors.contains(says), "{text}: {errors}");
    }
}

#[test]
fn what_holds_a_value_is_refused() {
    for (line, says) in [
        ("slew = \"1 /s\"", "slew"),
        ("deadband = 1", "no `deadband`"),
        ("fail_safe = 100", "no `fail_safe`"),
        ("default = 100", "no `default`"),
        ("on_stop = \"hold\"", "no `on_stop`"),
        ("pack = 6000", "packs of 6000"),
    ] {
        let errors = refused(line);
        assert!(errors.contains(says), "{line}: {errors}");
    }
    let valve = "[sources.b]\nkind = \"mqtt\"\nurl = \"mqtt://127.0.0.1:1883\"\n\
                 [outputs.valve]\nsource = \"b\"\ntopic = \"v\"\nrange = [0, 1]\non_stop = \"hold\"\npack = 1\n";
    let errors = Folder::new().parse(valve).map_or_else(|errors| errors.to_string(), |_| "resolves".to_owned());
    assert!(errors.contains("is no order"), "{errors}");
}
