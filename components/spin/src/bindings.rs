//! Bindings generated from `wit/`. The types of WASI are those of the `wasip3`
//! bindings.

#![allow(unsafe_code, reason = "what is made from WIT crosses the canonical ABI")]

use super::Component;

spin_sdk::wit_bindgen::generate!({
    path: "../../wit",
    world: "kafka-edge",
    runtime_path: "spin_sdk::wit_bindgen::rt",
    with: {
        "wasi:http/types@0.3.0": spin_sdk::wasip3::http::types,
        "wasi:clocks/types@0.3.0": spin_sdk::wasip3::clocks::types,
    },
    generate_all,
});

export!(Component);
