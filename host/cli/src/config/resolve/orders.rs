//! What is said of an output of kind `order`: its pack and its budget.

use crate::config::amounts::CENTURY_NS;
use crate::config::document::Section;
use dinrail_core::guard::{Budget, OrderTerms, OutputKind};
use dinrail_core::unit::{Unit, parse_quantity};

/// How long an order waits at most where nothing is said: until tomorrow.
pub(super) const DEFAULT_LEASE_NS: u64 = 86_400_000_000_000;

const BUDGET_HELP: &str = "write `budget = { quantity = 500, per = \"7d\" }`, or with what a unit costs \
                           `budget = { money = 2000, price = 3.5, per = \"30d\" }`";

/// Pack and budget. Both are refused on other kinds.
pub(super) fn terms(section: &Section<'_>, kind: OutputKind, unit: &Unit) -> OrderTerms {
    let pack = super::outputs::quantity(section, "pack", unit, false);
    let budget = budget(section, unit);
    if kind != OutputKind::Order {
        for key in ["pack", "budget"] {
            if let Some(found) = section.value(key) {
                let message = format!("{} has a `{key}`, and is no order", section.title());
                section.findings().add(found.span, message, "", "add `kind = \"order\"`, or leave it out");
            }
        }
    } else if let Some(found) = section.value("on_stop") {
        let message = "an order has no `on_stop`: it is placed once, and nothing holds".to_owned();
        section.findings().add(found.span, message, "", "leave it out");
    }
    OrderTerms { pack: pack.unwrap_or(0.0), budget }
}

fn budget(section: &Section<'_>, unit: &Unit) -> Option<Budget> {
    let found = section.value("budget")?;
    let refuse = |message: &str| section.findings().add(found.span.clone(), message.to_owned(), "", BUDGET_HELP);
    let Some(table) = found.value.0.as_table() else {
        refuse("`budget` should be a table");
        return None;
    };
    let inner = Section::new(section.findings(), "`budget`", "budget", found.span.clone(), table);
    let window = inner.duration("per", 1, CENTURY_NS);
    if !inner.has("per") {
        inner.missing("per", "per = \"7d\"");
    }
    let amount = ["quantity", "money", "price"].map(|key| inner.has(key));
    let quantity = match amount {
        [true, false, false] => said_quantity(&inner, unit),
        [false, true, true] => money(&inner),
        _ => {
            refuse("`budget` is either a `quantity`, or `money` and a unit's `price`");
            None
        }
    };
    inner.finish();
    Some(Budget { quantity: quantity?, window_ns: window?.value })
}

fn said_quantity(inner: &Section<'_>, unit: &Unit) -> Option<f64> {
    let found = inner.value("quantity")?;
    let text = found.value.0.as_str();
    let parsed = found.value.number().or_else(|| parse_quantity(text?, unit).ok());
    if parsed.is_none() {
        let help = "write a number in the output's unit, or a text with another unit of its dimension";
        inner.findings().add(found.span, "`quantity` is no quantity".to_owned(), "", help);
    }
    parsed
}

fn money(inner: &Section<'_>) -> Option<f64> {
    let (money, price) = (inner.number("money")?, inner.number("price")?);
    if price.value.is_finite() && price.value > 0.0 {
        return Some(money.value / price.value);
    }
    inner.findings().add(price.span, "`price` must be above 0".to_owned(), "", "write what a unit costs");
    None
}
