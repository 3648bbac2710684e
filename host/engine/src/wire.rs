//! The types of `wit/` as Rust types, generated; conversions to the core's types are in `convert`.
#![allow(unsafe_code, reason = "what `bindgen!` generates; nothing here is written by hand")]
#![allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/")]

wasmtime::component::bindgen!({
    // Every interface of all six worlds at once, so that they share one set of record types. No
    // component has this world: exports are looked up one interface at a time.
    inline: "
        package dinrail:host;

        world host {
            import dinrail:plugin/inference@0.1.0;
            import dinrail:plugin/assets@0.1.0;
            import dinrail:plugin/log@0.1.0;
            import dinrail:plugin/metrics@0.1.0;
            export dinrail:plugin/lifecycle@0.1.0;
            export dinrail:plugin/anomaly@0.1.0;
            export dinrail:plugin/health@0.1.0;
            export dinrail:plugin/quality@0.1.0;
            export dinrail:plugin/optimization@0.1.0;
            export dinrail:plugin/energy@0.1.0;
            export dinrail:plugin/supply@0.1.0;
        }
    ",
    path: "../../wit",
    world: "dinrail:host/host",
    ownership: Borrowing { duplicate_if_necessary: true },
    imports: { default: trappable },
    with: {
        "dinrail:plugin/inference.tensor": crate::inference::HostTensor,
        "dinrail:plugin/inference.image": crate::inference::HostImage,
        "dinrail:plugin/inference.model": crate::inference::HostModel,
    },
});
