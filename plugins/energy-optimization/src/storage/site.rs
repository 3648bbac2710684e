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
    /// The most that is exported, in kWh a step; what is beyond it is curtailed.
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
    /// What is stored of a surplus that can't be exported; a planner's word, which `surplus_to` carries to the inverter.
    pub spill: Option<Spill>,
}

/// A surplus that can't be exported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spill {
    /// The export of a step that it is above, in kWh.
    pub above: f64,
    /// It is stored up to this charge, in kWh.
    pub to: f64,
}

impl Orders {
    /// Surplus is stored and served again, nothing is bought: what an inverter without a plan does.
    pub fn self_consumption(battery: &Battery) -> Self {
        Orders {
            charge_to: 0.0,
            discharge_to: 0.0,
            surplus_to: battery.capacity,
            import_limit: f64::INFINITY,
            spill: None,
        }
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
    // Of a step's many charges one division serves all.
    let taken = 1.0 / efficiency;
    let room_to = |level: f64| (level - held).max(0.0) * taken;
    let above = |level: f64| (held - level).max(0.0) * efficiency;
    let (mut charge, mut discharge) = (0.0, 0.0);
    if net < 0.0 {
        charge = (-net).min(flow).min(room_to(orders.surplus_to));
        if let Some(Spill { above, to }) = orders.spill {
            charge = charge.max((-net - above).min(flow).min(room_to(to)));
        }
    } else {
        let served = net.min(flow).min(above(orders.discharge_to));
        let excess = (net - served - orders.import_limit).max(0.0);
        discharge = (served + excess).min(flow).min(above(0.0)).max(served);
    }
    let allowed = (orders.import_limit - net - charge).max(0.0);
    let bought = (room_to(orders.charge_to) - charge).max(0.0).min(flow - charge).min(allowed);
    charge += if discharge == 0.0 { bought } else { 0.0 };
    Flow {
        held: (held + charge * efficiency - discharge * taken).clamp(0.0, battery.capacity),
        meter: net + charge - discharge,
        through: charge + discharge,
    }
}

impl Costs {
    /// What a step costs.
    #[inline]
    pub fn of(&self, price: f64, flow: &Flow) -> f64 {
        let import = flow.meter.max(0.0);
        let export = (-flow.meter).max(0.0).min(self.export_limit.unwrap_or(f64::INFINITY));
        price * import - self.export_price * export + self.wear * flow.through
    }
}
