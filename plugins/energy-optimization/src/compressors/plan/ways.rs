//! What the machines that run can do in a stage: which are loaded, which one is modulated, and where the pressure goes.
//!
//! One machine at most is modulated: the variable one by its speed or, while it stands or is at its least, a fixed one by
//! loading and unloading it in turns.

use crate::compressors::model::Model;
use crate::compressors::plate::Plate;

/// Some machines of one speed loaded, and one machine modulated. Flows are means over the stage, in m³/min.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Way {
    /// A bit for each machine of one speed that is loaded.
    pub(super) loaded: u8,
    /// Of the loaded ones.
    pub(super) flow: f64,
    loaded_kw: f64,
    idle_kw: f64,
    /// The one that is modulated, if one is.
    pub(super) by: Option<usize>,
    /// What that one can give.
    pub(super) range: (f64, f64),
    /// Of a fixed machine that is modulated; 0: the variable one's curve holds.
    kw_a_flow: f64,
    /// Of the stage in which the variable machine delivers.
    share: f64,
}

impl Way {
    /// Power that grows with the pressure, and power that does not, in kW, where the modulated machine gives this flow.
    pub(super) fn power_kw(&self, model: &Model, flow: f64) -> (f64, f64) {
        let modulated_kw = match self.by {
            None => 0.0,
            Some(_) if self.kw_a_flow > 0.0 => self.kw_a_flow * flow,
            Some(_) => self.share * model.variable.power_kw(flow / self.share),
        };
        (self.loaded_kw + modulated_kw, self.idle_kw)
    }
}

/// All ways of the machines that run (a bit for each, the variable one last) through a stage of this length; `late_s` tells for
/// each machine after how many seconds it delivers.
pub(super) fn ways(model: &Model, plates: &[Plate], on: u8, late_s: &[f64], step_s: f64) -> Vec<Way> {
    let fixed = plates.len().saturating_sub(1);
    let share = |which: usize| (1.0 - late_s.get(which).copied().unwrap_or(0.0) / step_s).clamp(0.0, 1.0);
    let nothing = Way {
        loaded: 0,
        flow: 0.0,
        loaded_kw: 0.0,
        idle_kw: 0.0,
        by: None,
        range: (0.0, 0.0),
        kw_a_flow: 0.0,
        share: 1.0,
    };
    let mut bases = vec![nothing];
    for (which, machine) in model.fixed.iter().enumerate().take(fixed).filter(|(which, _)| on & (1 << which) != 0) {
        let with = |base: &Way, loaded: bool| {
            let share = if loaded { share(which) } else { 0.0 };
            Way {
                flow: base.flow + machine.flow() * share,
                loaded_kw: base.loaded_kw + machine.power_kw * share,
                idle_kw: base.idle_kw + machine.idle_kw * (1.0 - share),
                loaded: base.loaded | u8::from(loaded) << which,
                ..*base
            }
        };
        bases = bases.iter().flat_map(|base| [with(base, false), with(base, true)]).collect();
    }
    let in_turns = |base: &Way| {
        let base = *base;
        let idles = move |which: &usize| on & !base.loaded & (1 << which) != 0;
        let modulate = move |which: usize| {
            let machine = model.fixed.get(which)?;
            // Loading takes its idle power away; the difference counts at rated pressure, a percent at most.
            let kw_a_flow = (machine.power_kw - machine.idle_kw) / machine.flow();
            Some(Way { by: Some(which), range: (0.0, machine.flow() * share(which)), kw_a_flow, ..base })
        };
        (0..fixed).filter(idles).filter_map(modulate).collect::<Vec<_>>()
    };
    if on & (1 << fixed) == 0 || share(fixed) <= 0.0 {
        let turns: Vec<Way> = bases.iter().flat_map(in_turns).collect();
        return bases.into_iter().chain(turns).collect();
    }
    let (share, (least, most)) = (share(fixed), model.variable.flows());
    let plate_idle_kw = plates.last().map_or(0.0, |plate| plate.idle_share * plate.power_kw);
    for base in &mut bases {
        base.idle_kw += (1.0 - share) * plate_idle_kw;
    }
    // What a loaded machine makes more of is cheaper than what the variable one does, so that one is at its least.
    let at_least = |base: &Way| Way {
        flow: base.flow + share * least,
        loaded_kw: base.loaded_kw + share * model.variable.power_kw(least),
        ..*base
    };
    let turns: Vec<Way> = bases.iter().map(at_least).flat_map(|base| in_turns(&base)).collect();
    let speeds =
        bases.into_iter().map(|base| Way { by: Some(fixed), range: (least * share, most * share), share, ..base });
    speeds.chain(turns).collect()
}
