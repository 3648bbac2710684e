//! What the task `storage` reads, writes and is told.

use dinrail_sdk::{Description, Input, Output, Parameter, SeriesSlot};

/// Of a price: any currency for a kWh.
const PRICE: &str = "{money}/kW/h";

/// Adds what the task reads, writes and is told.
pub(in crate::plugin) fn describe(description: Description) -> Description {
    let kwh = |name: &str, about: &str| Output::one(name).optional().unit("kW.h").about(about);
    description
        .input(Input::one("load").optional().unit("kW").about("storage: power that the site uses, without the battery's"))
        .input(Input::one("pv").optional().unit("kW").about("storage: power that the site generates"))
        .input(Input::one("charge").optional().unit("kW.h").about("storage: what the battery holds; needed"))
        .input(Input::one("grid").optional().unit("kW").about("storage: imported power, for `demand_charge`"))
        .input(Input::one("price").optional().unit(PRICE).about("storage: price of a kWh now, where no series `price` is known ahead"))
        .input(Input::one("period").optional().about("storage: changes where a billing period begins"))
        .input(Input::one("due").optional().unit("kW.h").about("storage: energy still due of a load that can wait"))
        .input(Input::one("due_time").optional().unit("h").about("storage: time until that has to be done"))
        .input(Input::one("load_next").optional().unit("kW").about(
            "storage: power that the step which begins will use, where somebody knows better, such as a forecast; not with \
             `readings = \"present\"`. Until a day is known the load is expected to stay so and the sun not to shine",
        ))
        .series(SeriesSlot::new("price").optional().unit(PRICE).about("storage: what a kWh costs; this or the input `price` is needed"))
        .series(SeriesSlot::new("export_price").optional().unit(PRICE).about("storage: what an exported kWh earns"))
        .output(kwh("charge_to", "storage: the inverter imports up to this charge"))
        .output(kwh("discharge_to", "storage: the inverter serves the site down to this charge"))
        .output(kwh("surplus_to", "storage: the inverter stores surplus up to this charge; unbound: all of it"))
        .output(Output::one("import_limit").optional().unit("kW").about(
            "storage: above this import the inverter serves the site below `discharge_to` too, and stores nothing of it",
        ))
        .output(Output::one("shiftable_power").optional().unit("kW").about("storage: power of the load that can wait"))
        .parameter(Parameter::number("capacity", 10.0).unit("kW.h").range(0.0, 1e9).about("storage: what the battery holds"))
        .parameter(Parameter::number("power", 5.0).unit("kW").range(0.0, 1e9).about("storage: at its terminals, at most"))
        .parameter(Parameter::number("efficiency", 0.95).range(0.05, 1.0).about("storage: one way"))
        .parameter(Parameter::number("step", 3600.0).unit("s").range(60.0, 86400.0).about(
            "storage: how long a decision stands; a day is a whole number of them",
        ))
        .parameter(Parameter::choice("readings", "past", &["past", "present"]).about(
            "storage: whether a row's load and generation are of the time before it, or of the step that begins with it",
        ))
        .parameter(Parameter::number("wear", 0.0).range(0.0, 1e6).about("storage: money for each kWh through the battery"))
        .parameter(Parameter::number("demand_charge", 0.0).range(0.0, 1e6).about(
            "storage: money for each kW of the highest import of a billing period",
        ))
        .parameter(Parameter::number("export_price", 0.0).range(0.0, 1e6).about("storage: what an exported kWh earns"))
        .parameter(Parameter::number("export_limit", 0.0).unit("kW").range(0.0, 1e9).about("storage: paid exports; 0: any"))
        .parameter(Parameter::number("shiftable_limit", 0.0).unit("kW").range(0.0, 1e9).about(
            "storage: highest power of the load that can wait; 0: there is none",
        ))
}
