//! Runs the component: a WASI 0.3 HTTP host on wasmtime.
//!
//! This is a library. It compiles a component once, hands requests to its
//! instances, from a socket ([`Host::serve`]) or without one
//! ([`Host::handle`]), and gives it what Spin gives: outgoing HTTP, key-value
//! stores, variables. It is made for development and tests on one machine, and
//! not for untrusted components: there are no limits on what a component may
//! compute.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use kafka_edge_host::{Host, Program, body};
//!
//! let program = Program::load("component.wasm", None)?;
//! let host = Host::builder(&program).variable("open_access", "true").build()?;
//! let request = http::Request::get("/healthz").body(body::empty())?;
//! let response = host.handle(request).await?;
//! # Ok(())
//! # }
//! ```
//!
//! For tests every side of it can be replaced or made to fail: the stores by
//! ones with the [`kv::quirks`] of real hosts, the network by an
//! [`upstream::Upstream`] of one's own, the wall clock by one that is wrong,
//! and any host call of a guest by [`faults`].

mod arriving;
pub mod body;
pub mod build;
mod builder;
mod clock;
mod export;
pub mod faults;
mod host;
mod imports;
mod instances;
pub mod kv;
mod memory;
mod outbound;
mod output;
mod program;
pub mod redis;
mod response;
mod serve;
mod state;
mod stats;
pub mod upstream;

pub use body::Body;
pub use builder::HostBuilder;
pub use clock::WallClock;
pub use export::Export;
pub use host::{Host, HostError};
pub use instances::InstanceOptions;
pub use outbound::OutboundHosts;
pub use output::{Channel, GuestLine, Output, to_stderr};
pub use program::{LoadError, MAX_INSTANCES, Program};
pub use state::State;
pub use stats::Stats;
pub use wasmtime;
