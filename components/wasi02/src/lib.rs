//! kafka-edge on hosts without WASI 0.3: a WASI 0.2 component.
//!
//! `host` implements the interfaces that the core needs, `handler` passes HTTP requests to
//! it, and `executor` runs what they wait for. This crate makes no decisions.
//!
//! The handler of WASI 0.2 is a function that blocks, so a request has the instance for
//! itself, and nothing is kept for the next one.

#![cfg(all(target_os = "wasi", target_env = "p2"))]

mod bindings;
mod contents;
mod executor;
mod handler;
mod host;
mod outgoing_body;
mod wasi;

/// The type that has all exports.
struct Component;
