//! Kafka over HTTP, at the edge, as one WebAssembly component.
//!
//! This crate is the core: a library that names no platform. A platform is a
//! crate under `components/`, which implements [`Host`](host::Host) and passes
//! requests on.
//!
//! A request takes this path: [`http`] (or a component's exports of `wit/`)
//! translates it into a call of one of the [`services`]. A service uses
//! [`state`] (documents in the host's key-value store) and talks to Kafka
//! through [`kafka`]. All input and output goes through the
//! [`Host`](host::Host) trait. Each of these layers calls only the layers after
//! it.

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod access;
pub mod api_key;
pub mod app;
pub mod calendar;
mod callers_url;
pub mod concurrent;
pub mod config;
mod dead_letter;
pub mod deadline;
pub mod error;
pub mod host;
pub mod http;
mod json_text;
pub mod kafka;
pub mod limits;
#[cfg(feature = "mcp")]
mod mcp;
mod merge_patch;
pub mod names;
mod random;
mod rate;
pub mod record;
mod record_headers;
pub mod render;
mod retry_after;
pub mod secrets;
pub mod services;
pub mod sorted;
pub mod state;
pub mod telemetry;
mod upstream;
