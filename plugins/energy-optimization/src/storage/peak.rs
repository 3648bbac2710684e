//! An import that can be kept to, for demand charges: the least that the last weeks could have been served with.

use super::history::History;
use super::site::Battery;

/// Halvings of the interval in which the limit is searched: a thousandth of the highest load.
const HALVINGS: usize = 12;

/// The lowest import limit, in kWh a step, with which the battery would have served every remembered step, charging
/// whenever the limit left room. None before a whole day is known.
pub fn lowest_limit(history: &History, battery: &Battery) -> Option<f64> {
    if history.len() < history.per_day() {
        return None;
    }
    let highest = history.iter().map(|step| step.net()).fold(0.0, f64::max);
    let (mut low, mut high) = (0.0, highest);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        match is_kept(history, battery, middle) {
            true => high = middle,
            false => low = middle,
        }
    }
    Some(high)
}

fn is_kept(history: &History, battery: &Battery, limit: f64) -> bool {
    let mut held = battery.capacity;
    for step in history.iter() {
        let excess = step.net() - limit;
        if excess > 0.0 {
            held -= excess / battery.efficiency;
            if excess > battery.flow || held < 0.0 {
                return false;
            }
        } else {
            held = (held + (-excess).min(battery.flow) * battery.efficiency).min(battery.capacity);
        }
    }
    true
}
