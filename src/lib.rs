//! Kafka over HTTP, at the edge, as one WebAssembly component.
//!
//! The way of a request: [`http`] (or, on WASI, the exports of `wit/`)
//! translates it into a call of one of the [`services`]; a service decides
//! with the help of [`state`] (documents in the host's key-value store) and
//! talks to Kafka through [`log`]; whatever touches the world goes through the
//! [`Host`](host::Host) trait. Calls go down that list only.
//!
//! On `wasm32-wasip2` this crate is the component; elsewhere it is the same
//! core without a platform, which is how most of it is tested.

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod access;
pub mod app;
#[cfg(all(target_os = "wasi", target_env = "p2"))]
mod component;
pub mod concurrent;
pub mod config;
mod deadline;
pub mod error;
pub mod host;
pub mod http;
pub mod limits;
pub mod log;
pub mod names;
pub mod record;
pub mod render;
pub mod services;
pub mod sorted;
pub mod state;
