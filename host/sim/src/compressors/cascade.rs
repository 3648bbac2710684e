//! The machines' own pressure switches, staggered: the classic cascade.
//!
//! The variable machine holds its setpoint with a proportional-integral law; a fixed one loads below its lower and unloads
//! above its upper pressure, and stops after some minutes unloaded.

use super::machines::{BAND_BAR, Machines};
use crate::plant::STEP_S;

/// Load below, unload above, in bar: the large machine `a` first, then `b`.
const SWITCHES_BAR: [(f64, f64); 2] = [(6.75, 7.2), (6.85, 7.3)];
/// What the variable machine holds, in bar.
const SETPOINT_BAR: f64 = 7.0;
/// It stops above and starts below.
const SETPOINT_SPREAD_BAR: f64 = 0.25;
/// Share of full flow for each bar, and for each bar and second.
const GAIN: (f64, f64) = (2.0, 0.01);
/// Unloaded for so long, a fixed machine stops.
const RUN_ON_S: f64 = 600.0;

const _: () = assert!(BAND_BAR.0 < SWITCHES_BAR[0].0 && SWITCHES_BAR[1].1 < BAND_BAR.1);

/// The switches' memory.
#[derive(Debug, Clone)]
pub(super) struct Cascade {
    loaded: [bool; 2],
    unloaded_s: [f64; 2],
    running: bool,
    integral: f64,
}

impl Default for Cascade {
    fn default() -> Self {
        Self { loaded: [false; 2], unloaded_s: [RUN_ON_S; 2], running: true, integral: 0.4 }
    }
}

impl Cascade {
    /// The commands of this moment, as the actuators would give them.
    pub(super) fn step(&mut self, bar: f64, machines: &Machines) -> [f64; 3] {
        let mut commands = [0.0; 3];
        for (which, (load, unload)) in SWITCHES_BAR.iter().enumerate() {
            self.loaded[which] = if self.loaded[which] { bar < *unload } else { bar < *load };
            let unloaded_s = &mut self.unloaded_s[which];
            *unloaded_s = if self.loaded[which] { 0.0 } else { *unloaded_s + STEP_S };
            commands[which] = match self.loaded[which] {
                true => 2.0,
                false if *unloaded_s < RUN_ON_S => 1.0,
                false => 0.0,
            };
        }
        let (above, below) = (SETPOINT_BAR + SETPOINT_SPREAD_BAR, SETPOINT_BAR - SETPOINT_SPREAD_BAR / 2.0);
        self.running = if self.running { bar < above } else { bar < below };
        let error = SETPOINT_BAR - bar;
        let least = machines.variable.least_share;
        // Held within what the machine can do, so that it does not wind up.
        self.integral = (self.integral + GAIN.1 * error * STEP_S).clamp(least, 1.0);
        commands[2] = if self.running { (self.integral + GAIN.0 * error).clamp(least, 1.0) } else { 0.0 };
        commands
    }
}
