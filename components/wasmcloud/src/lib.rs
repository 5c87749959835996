//! kafka-edge on wasmCloud: a WASI 0.3 component.
//!
//! `host` implements the interfaces that the core needs, and `handler` passes HTTP requests
//! to it. This crate makes no decisions.

#![cfg(all(target_os = "wasi", target_env = "p2"))]

mod bindings;
mod handler;
mod host;

/// The type that has all exports.
struct Component;
