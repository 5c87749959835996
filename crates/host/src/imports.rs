//! What the component imports, one file for each interface.

#![allow(
    unreachable_pub,
    reason = "generated code re-exports the types that stand behind its resources"
)]

mod bindings;
mod config;
mod http_client;
mod key_value;
mod keyvalue;
mod keyvalue_draft;
mod listing;
mod redis;
mod sleep;
mod variables;
mod wasmcloud;

pub(crate) use listing::Unread;

use crate::state::State;
use wasmtime::Engine;
use wasmtime::component::Linker;

/// A linker with everything that this host offers.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    // Rust's standard library reaches for WASI 0.2 on this target, whatever
    // the component itself imports.
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    // Two calls of WASI that go on to wasmtime's own after their faults.
    linker.allow_shadowing(true);
    http_client::add_to_linker(&mut linker)?;
    sleep::add_to_linker(&mut linker)?;
    linker.allow_shadowing(false);
    key_value::add_to_linker(&mut linker)?;
    keyvalue::add_to_linker(&mut linker)?;
    keyvalue_draft::add_to_linker(&mut linker)?;
    wasmcloud::add_to_linker(&mut linker)?;
    config::add_to_linker(&mut linker)?;
    redis::add_to_linker(&mut linker)?;
    variables::add_to_linker(&mut linker)?;
    Ok(linker)
}
