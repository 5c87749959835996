//! Bindings generated from `wit/`. The types of WASI are those of the `wasip3` bindings.

#![allow(unsafe_code, reason = "what is made from WIT crosses the canonical ABI")]

use super::Component;

wit_bindgen::generate!({
    path: ["../../wit/deps/clocks", "../../wit/deps/http", "wit"],
    world: "kafka-edge:wasmcloud/component",
    with: {
        "wasi:http/types@0.3.0": wasip3::http::types,
        "wasi:clocks/types@0.3.0": wasip3::clocks::types,
    },
    generate_all,
});

export!(Component);
