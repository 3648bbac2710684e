//! The battery, what costs, and what an inverter does with its orders.

/// A battery in steps of fixed length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Battery {
    /// What it holds, in kWh.
    pub capacity: f64,
    /// What passes its terminals in a step at most, in kWh.
    pub flow: f64,
    /// Share of the energy that arrives, in each direction.
    pub efficiency: f64,
}

/// What costs beside the energy.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Costs {
    /// Money for each kWh through the battery's terminals.
    pub wear: f64,
    /// What an exported kWh earns.
    pub export_price: f64,
    /// Money for each kWh that is imported above the limit of the orders.
    pub excess: f64,
    /// The most that is paid for exports, in kWh a step.
    pub export_limit: Option<f64>,
}

/// What the inverter is told, in kWh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Orders {
    /// Imports are stored up to this charge.
    pub charge_to: f64,
    /// The site is served down to this charge.
    pub discharge_to: f64,
    /// Surplus is stored up to this charge.
    pub surplus_to: f64,
    /// Above this import of a step the battery serves whatever it holds, and nothing is bought to be stored.
    pub import_limit: f64,
}

impl Orders {
    /// Surplus is stored and served again, nothing is bought: what an inverter without a plan does.
    pub fn self_consumption(battery: &Battery) -> Self {
        Orders { charge_to: 0.0, discharge_to: 0.0, surplus_to: battery.capacity, import_limit: f64::INFINITY }
    }
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flow {
    /// Charge at its end, in kWh.
    pub held: f64,
    /// Energy at the meter, in kWh; below zero: surplus.
    pub meter: f64,
    /// Energy through the battery's terminals, in kWh.
    pub through: f64,
}

/// What the inverter does in a step of the net load `net`, in kWh, from the charge `held`.
#[inline]
pub fn settle(battery: &Battery, orders: &Orders, held: f64, net: f64) -> Flow {
    let Battery { flow, efficiency, .. } = *battery;
    let (mut charge, mut discharge) = (0.0, 0.0);
    if net < 0.0 {
        charge = (-net).min(flow).min((orders.surplus_to - held).max(0.0) / efficiency);
    } else {
        discharge = net.min(flow).min((held - orders.discharge_to).max(0.0) * efficiency);
        let excess = net - discharge - orders.import_limit;
        if excess > 0.0 {
            discharge += excess.min(flow - discharge).min((held * efficiency - discharge).max(0.0));
        }
    }
    if discharge == 0.0 {
        let room = (orders.charge_to - held - charge * efficiency).max(0.0) / efficiency;
        let allowed = (orders.import_limit - net - charge).max(0.0);
        charge += room.min(flow - charge).min(allowed);
    }
    Flow {
        held: (held + charge * efficiency - discharge / efficiency).clamp(0.0, battery.capacity),
        meter: net + charge - discharge,
        through: charge + discharge,
    }
}

impl Costs {
    /// What a step costs.
    #[inline]
    pub fn of(&self, price: f64, flow: &Flow, import_limit: f64) -> f64 {
        let import = flow.meter.max(0.0);
        let export = (-flow.meter).max(0.0).min(self.export_limit.unwrap_or(f64::INFINITY));
        let excess = if self.excess > 0.0 { self.excess * (import - import_limit).max(0.0) } else { 0.0 };
        price * import + excess - self.export_price * export + self.wear * flow.through
    }
}
