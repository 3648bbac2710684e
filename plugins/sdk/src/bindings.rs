//! What `wit-bindgen` generates from `wit/`: one module for the lifecycle and the imports, one for each typed export.
//!
//! Every world of `wit/worlds.wit` is `lifecycle` plus one export, so a plugin is put together from two of these
//! modules. Generating the six worlds whole would define `lifecycle` six times in this crate.
//! Nothing here exports anything by itself: only [`crate::export!`] does, in the plugin's own crate.

/// The lifecycle, the types and everything that a plugin may import.
pub mod lifecycle {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package dinrail:sdk-lifecycle;
            world lifecycle {
                import dinrail:plugin/inference@0.1.0;
                import dinrail:plugin/assets@0.1.0;
                import dinrail:plugin/log@0.1.0;
                import dinrail:plugin/metrics@0.1.0;
                export dinrail:plugin/lifecycle@0.1.0;
            }
        ",
        world: "dinrail:sdk-lifecycle/lifecycle",
        generate_all,
        generate_unused_types: true,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "dinrail_sdk::bindings::lifecycle",
    });
}

macro_rules! typed_export {
    ($module:ident, $inline:tt, $world:tt, imports: [$($import:tt = $path:ident),*]) => {
        #[doc = concat!("The typed export of the world `", stringify!($module), "`.")]
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit",
                inline: $inline,
                world: $world,
                with: { $($import: crate::bindings::lifecycle::dinrail::plugin::$path),* },
                generate_unused_types: true,
                additional_derives: [PartialEq],
                additional_derives_ignore: ["item"],
                pub_export_macro: true,
            });
        }
    };
}

typed_export!(
    anomaly_detection,
    "package dinrail:sdk-anomaly-detection; world anomaly-detection { export dinrail:plugin/anomaly@0.1.0; }",
    "dinrail:sdk-anomaly-detection/anomaly-detection",
    imports: ["dinrail:plugin/types@0.1.0" = types]
);
typed_export!(
    predictive_maintenance,
    "package dinrail:sdk-predictive-maintenance; world predictive-maintenance { export dinrail:plugin/health@0.1.0; }",
    "dinrail:sdk-predictive-maintenance/predictive-maintenance",
    imports: ["dinrail:plugin/types@0.1.0" = types]
);
typed_export!(
    quality_control,
    "package dinrail:sdk-quality-control; world quality-control { export dinrail:plugin/quality@0.1.0; }",
    "dinrail:sdk-quality-control/quality-control",
    imports: ["dinrail:plugin/types@0.1.0" = types, "dinrail:plugin/inference@0.1.0" = inference]
);
typed_export!(
    process_optimization,
    "package dinrail:sdk-process-optimization; world process-optimization { export dinrail:plugin/optimization@0.1.0; }",
    "dinrail:sdk-process-optimization/process-optimization",
    imports: ["dinrail:plugin/types@0.1.0" = types]
);
typed_export!(
    energy_optimization,
    "package dinrail:sdk-energy-optimization; world energy-optimization { export dinrail:plugin/energy@0.1.0; }",
    "dinrail:sdk-energy-optimization/energy-optimization",
    imports: ["dinrail:plugin/types@0.1.0" = types]
);
typed_export!(
    supply_chain,
    "package dinrail:sdk-supply-chain; world supply-chain { export dinrail:plugin/supply@0.1.0; }",
    "dinrail:sdk-supply-chain/supply-chain",
    imports: ["dinrail:plugin/types@0.1.0" = types]
);
