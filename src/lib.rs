//! Kafka over HTTP, at the edge, as one WebAssembly component.
//!
//! This crate is the core: a library that names no platform. A platform is a
//! crate under `components/`, which implements [`Host`](host::Host) and passes
//! requests on.
//!
//! The way of a request: [`http`] (or a component's exports of `wit/`)
//! translates it into a call of one of the [`services`]; a service decides
//! with the help of [`state`] (documents in the host's key-value store) and
//! talks to Kafka through [`kafka`]; everything that touches the world goes
//! through the [`Host`](host::Host) trait. Calls go down that list only.

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod access;
pub mod api_key;
pub mod app;
pub mod calendar;
pub mod concurrent;
pub mod config;
pub mod deadline;
pub mod error;
pub mod host;
pub mod http;
pub mod kafka;
pub mod limits;
pub mod names;
mod random;
pub mod record;
pub mod render;
pub mod services;
pub mod sorted;
pub mod state;
pub mod telemetry;
mod upstream;
