//! Bindings generated from `wit/`, and the export of the HTTP handler.

#![allow(unsafe_code, reason = "what is made from WIT crosses the canonical ABI")]

use super::Component;

#[cfg(not(feature = "spin"))]
wit_bindgen::generate!({ path: "wit/wasmtime", world: "host", generate_all });
#[cfg(feature = "spin")]
wit_bindgen::generate!({ path: "wit/spin", world: "host", generate_all });

wasip2::http::proxy::export!(Component);
