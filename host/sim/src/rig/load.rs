//! How the rig's load goes over the day.

/// A load profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Load {
    /// The same band of demand at every hour, at a constant room temperature.
    #[default]
    Steps,
    /// Three shifts a day and a quiet weekend, days that are warmer than nights, and a machine that runs the rougher the
    /// further it is from its best point. Run time 0 is midnight before a Monday.
    Shifts,
}

const HOUR_S: f64 = 3600.0;
const DAY_S: f64 = 24.0 * HOUR_S;

impl Load {
    /// The demand's band at that run time, as shares of the valve's stroke.
    pub(super) fn demand(self, time_s: f64) -> (f64, f64) {
        let (weekend, hour) = ((time_s / DAY_S) % 7.0 >= 5.0, time_s % DAY_S / HOUR_S);
        match self {
            Self::Steps => (0.6, 0.9),
            Self::Shifts if weekend => (0.50, 0.65),
            Self::Shifts if (6.0..14.0).contains(&hour) => (0.70, 0.95),
            Self::Shifts if (14.0..22.0).contains(&hour) => (0.60, 0.85),
            Self::Shifts => (0.45, 0.65),
        }
    }

    /// How much warmer than its mean the room is, warmest at three in the afternoon.
    pub(super) fn warmth_cel(self, time_s: f64) -> f64 {
        match self {
            Self::Steps => 0.0,
            Self::Shifts => 4.0 * (std::f64::consts::TAU * (time_s / DAY_S - 15.0 / 24.0)).cos(),
        }
    }
}
