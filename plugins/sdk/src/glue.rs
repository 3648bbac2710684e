//! Between the generated exports and a plugin's trait: the one instance, and the macro that ties them.

use std::cell::RefCell;

use crate::Fault;

/// The component's one instance. A component has one thread, so a `RefCell` in a thread-local is enough.
pub struct Slot<P>(RefCell<Option<P>>);

impl<P> Slot<P> {
    /// Empty until `configure`.
    #[must_use]
    pub const fn new() -> Self {
        Slot(RefCell::new(None))
    }

    /// Replaces the instance.
    pub fn put(&self, plugin: P) {
        *self.0.borrow_mut() = Some(plugin);
    }

    /// Calls the instance.
    ///
    /// # Errors
    /// What the call gives; [`Fault::Internal`] before `configure`.
    pub fn call<T>(&self, call: impl FnOnce(&mut P) -> Result<T, Fault>) -> Result<T, Fault> {
        match self.0.borrow_mut().as_mut() {
            Some(plugin) => call(plugin),
            None => Err(Fault::Internal("called before `configure`".into())),
        }
    }
}

impl<P> Default for Slot<P> {
    fn default() -> Self {
        Slot::new()
    }
}

/// Lets a panic say its message in the operator's log: the trap that follows carries none.
pub fn report_panics() {
    if cfg!(target_arch = "wasm32") {
        std::panic::set_hook(Box::new(|panic| crate::log::error(&panic.to_string())));
    }
}

/// Makes a component of a type that implements one world's trait: `dinrail_sdk::export!(MyPlugin: AnomalyDetection);`.
///
/// Used once in a crate. Natively it only checks the types: nothing is exported.
#[macro_export]
macro_rules! export {
    ($plugin:ty: AnomalyDetection) => {
        $crate::__component!($plugin: AnomalyDetection, anomaly_detection, anomaly {
            fn detect(frame: $crate::Frame) -> Result<Vec<$crate::Anomaly>, $crate::Fault> {
                PLUGIN.with(|slot| slot.call(|plugin| plugin.detect(&frame)))
            }
        });
    };
    ($plugin:ty: PredictiveMaintenance) => {
        $crate::__component!($plugin: PredictiveMaintenance, predictive_maintenance, health {
            fn assess(frame: $crate::Frame) -> Result<Vec<$crate::Health>, $crate::Fault> {
                PLUGIN.with(|slot| slot.call(|plugin| plugin.assess(&frame)))
            }
        });
    };
    ($plugin:ty: QualityControl) => {
        $crate::__component!($plugin: QualityControl, quality_control, quality {
            fn inspect(
                frame: $crate::Frame,
                items: Vec<$crate::Item>,
            ) -> Result<$crate::Inspection, $crate::Fault> {
                PLUGIN.with(|slot| slot.call(|plugin| plugin.inspect(&frame, items)))
            }
        });
    };
    ($plugin:ty: ProcessOptimization) => {
        $crate::__component!($plugin: ProcessOptimization, process_optimization, optimization {
            fn optimize(
                frame: $crate::Frame,
                outputs: Vec<$crate::OutputState>,
            ) -> Result<Vec<$crate::Proposal>, $crate::Fault> {
                PLUGIN.with(|slot| slot.call(|plugin| plugin.optimize(&frame, &outputs)))
            }
        });
    };
    ($plugin:ty: EnergyOptimization) => {
        $crate::__component!($plugin: EnergyOptimization, energy_optimization, energy {
            fn plan(
                frame: $crate::Frame,
                outputs: Vec<$crate::OutputState>,
                outlook: $crate::Outlook,
            ) -> Result<$crate::EnergyPlan, $crate::Fault> {
                PLUGIN.with(|slot| slot.call(|plugin| plugin.plan(&frame, &outputs, &outlook)))
            }
        });
    };
    ($plugin:ty: SupplyChain) => {
        $crate::__component!($plugin: SupplyChain, supply_chain, supply {
            fn forecast(
                frame: $crate::Frame,
                outlook: $crate::Outlook,
            ) -> Result<Vec<$crate::DemandForecast>, $crate::Fault> {
                PLUGIN.with(|slot| slot.call(|plugin| plugin.forecast(&frame, &outlook)))
            }

            fn replenish(
                frame: $crate::Frame,
                outputs: Vec<$crate::OutputState>,
                outlook: $crate::Outlook,
            ) -> Result<Vec<$crate::Order>, $crate::Fault> {
                PLUGIN.with(|slot| slot.call(|plugin| plugin.replenish(&frame, &outputs, &outlook)))
            }
        });
    };
    ($($other:tt)*) => {
        compile_error!(
            "expected `export!(Plugin: World)`, where World is AnomalyDetection, PredictiveMaintenance, \
             QualityControl, ProcessOptimization, EnergyOptimization or SupplyChain"
        );
    };
}

/// The instance, the lifecycle and one typed export. `export!` is its only caller.
#[doc(hidden)]
#[macro_export]
macro_rules! __component {
    ($plugin:ty: $world:ident, $module:ident, $interface:ident { $($export:tt)* }) => {
        #[allow(dead_code, unsafe_code, reason = "natively nothing calls the exports; on wasm they are generated")]
        const _: () = {
            use $crate::$world as _;

            ::std::thread_local! {
                static PLUGIN: $crate::Slot<$plugin> = const { $crate::Slot::new() };
            }

            struct Component;

            impl $crate::bindings::lifecycle::exports::dinrail::plugin::lifecycle::Guest for Component {
                fn describe() -> $crate::Description {
                    $crate::report_panics();
                    <$plugin as $crate::$world>::describe()
                }

                fn configure(
                    bindings: $crate::Bindings,
                    parameters: Vec<$crate::ParameterValue>,
                ) -> Result<(), $crate::Fault> {
                    $crate::report_panics();
                    let parameters = $crate::Parameters::from(parameters);
                    let plugin = <$plugin as $crate::$world>::configure(bindings, parameters)?;
                    PLUGIN.with(|slot| slot.put(plugin));
                    Ok(())
                }

                fn save() -> Result<Vec<u8>, $crate::Fault> {
                    PLUGIN.with(|slot| slot.call(|plugin| plugin.save()))
                }

                fn restore(version: u32, state: Vec<u8>) -> Result<(), $crate::Fault> {
                    PLUGIN.with(|slot| slot.call(|plugin| plugin.restore(version, &state)))
                }
            }

            impl $crate::bindings::$module::exports::dinrail::plugin::$interface::Guest for Component {
                $($export)*
            }

            #[cfg(target_arch = "wasm32")]
            $crate::bindings::lifecycle::export!(Component with_types_in $crate::bindings::lifecycle);
            #[cfg(target_arch = "wasm32")]
            $crate::bindings::$module::export!(Component with_types_in $crate::bindings::$module);
        };
    };
}
