//! Made from `wit/` and from WASI's definitions beside the interface that kafka-edge
//! publishes.

#![allow(unsafe_code, reason = "what is made from WIT crosses the canonical ABI")]
#![allow(missing_debug_implementations, unreachable_pub, reason = "it is not ours to change")]
#![allow(clippy::too_many_arguments, reason = "it is not ours to change")]

use crate::Front;

wit_bindgen::generate!({
    path: ["../../wit", "wit"],
    world: "example:front/front",
    generate_all,
});

export!(Front);
