//! The traits that a plugin implements, one for each world of `wit/worlds.wit`.

use crate::{
    Anomaly, Bindings, DemandForecast, Description, EnergyPlan, Fault, Frame, Health, Inspection, Item, Order, Outlook,
    OutputState, Parameters, Proposal,
};

/// Every world has the same lifecycle, so that one trait is all an author implements.
macro_rules! world {
    ($(#[$doc:meta])* $name:ident { $($methods:tt)* }) => {
        $(#[$doc])*
        pub trait $name: Sized + 'static {
            /// What the plugin is and needs. The answer never changes.
            fn describe() -> Description;

            /// Makes the instance, before its first frame. The host has checked names, units, types and bounds
            /// against the description and added the defaults.
            ///
            /// # Errors
            /// [`Fault::Configuration`] where the plugin cannot work with what it was given; [`Fault::Model`] where
            /// a model cannot be opened.
            fn configure(bindings: Bindings, parameters: Parameters) -> Result<Self, Fault>;

            $($methods)*

            /// Everything that a later [`restore`](Self::restore) needs to go on as if nothing had happened, at most
            /// 1 MiB. Without state: nothing.
            ///
            /// # Errors
            /// Where the state cannot be saved now.
            fn save(&self) -> Result<Vec<u8>, Fault> {
                Ok(Vec::new())
            }

            /// Takes over what `save` of this or an earlier version gave; `version` is the description's
            /// `state_version` of that time. Called after `configure`, before the first frame.
            ///
            /// # Errors
            /// [`Fault::Configuration`] where the state is not one this version can read. Without state, anything
            /// but nothing is refused.
            fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), Fault> {
                if state.is_empty() {
                    return Ok(());
                }
                let length = state.len();
                Err(Fault::Configuration(format!("keeps no state, but was given {length} bytes of version {version}")))
            }
        }
    };
}

world! {
    /// Finds what is unusual. It cannot propose a setpoint.
    AnomalyDetection {
        /// One anomaly for each new row, in their order: see [`Frame::new_rows`].
        ///
        /// # Errors
        /// [`Fault::Input`] where the frame is of no use; the instance stays. [`Fault::Internal`] discards it.
        fn detect(&mut self, frame: &Frame) -> Result<Vec<Anomaly>, Fault>;
    }
}

world! {
    /// Tells a machine's health and remaining life. It cannot propose a setpoint.
    PredictiveMaintenance {
        /// At most one health for each new row, rows rising.
        ///
        /// # Errors
        /// As for [`AnomalyDetection::detect`].
        fn assess(&mut self, frame: &Frame) -> Result<Vec<Health>, Fault>;
    }
}

world! {
    /// Judges items on a line. The host shifts a verdict to the gate by encoder position.
    QualityControl {
        /// A verdict for each item, and points on control charts. Pictures are held by the host until dropped.
        ///
        /// # Errors
        /// As for [`AnomalyDetection::detect`].
        fn inspect(&mut self, frame: &Frame, items: Vec<Item>) -> Result<Inspection, Fault>;
    }
}

world! {
    /// Proposes setpoints. The host's guard judges each one.
    ProcessOptimization {
        /// At most one proposal an output. `outputs` stand in the order of the bindings' output indexes and say what
        /// became of the last proposals; on `initialise`, propose `applied`.
        ///
        /// # Errors
        /// As for [`AnomalyDetection::detect`].
        fn optimize(&mut self, frame: &Frame, outputs: &[OutputState]) -> Result<Vec<Proposal>, Fault>;
    }
}

world! {
    /// Plans over a horizon with what is known ahead, and proposes setpoints for now.
    EnergyOptimization {
        /// Proposals for now, the schedule over the horizon, and its expected cost.
        ///
        /// # Errors
        /// As for [`AnomalyDetection::detect`].
        fn plan(&mut self, frame: &Frame, outputs: &[OutputState], outlook: &Outlook) -> Result<EnergyPlan, Fault>;
    }
}

world! {
    /// Forecasts demand and proposes orders.
    SupplyChain {
        /// The forecast of each column and step, with the description's quantiles.
        ///
        /// # Errors
        /// As for [`AnomalyDetection::detect`].
        fn forecast(&mut self, frame: &Frame, outlook: &Outlook) -> Result<Vec<DemandForecast>, Fault>;

        /// Orders; a quantity is judged as its output's setpoint.
        ///
        /// # Errors
        /// As for [`AnomalyDetection::detect`].
        fn replenish(&mut self, frame: &Frame, outputs: &[OutputState], outlook: &Outlook)
            -> Result<Vec<Order>, Fault>;
    }
}
