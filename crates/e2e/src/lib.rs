//! The HTTP API over TCP: scenarios for a gateway at any address.
//!
//! The gateway may run on any host, in front of any Kafka. Its topics
//! `PREFIX1` (one partition) and `PREFIX3` (three) must be there; everything
//! else that a scenario needs it makes under names of its own, and removes.
//! What the host or the log behind the gateway cannot do is said beforehand
//! ([`Options::without`]), and the scenarios that need it are skipped with that
//! reason.
//!
//! ```console
//! $ cargo run -p kafka-edge-e2e -- --url http://127.0.0.1:3000
//! ```

mod ability;
mod client;
mod consumers;
mod context;
mod receiver;
mod run;
mod scenarios;

pub use ability::Ability;
pub use client::Client;
pub use consumers::{Consumed, consume_together};
pub use run::{Outcome, Report, run};

use std::net::SocketAddr;

/// What to run, and against what.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the gateway is, with the path that it is below if there is one.
    pub url: String,
    /// The secret of a credential that is allowed everything. With none the
    /// gateway is expected to be open to everybody.
    pub token: Option<String>,
    /// What the names of the topics begin with.
    pub prefix: String,
    /// What this gateway cannot do.
    pub without: Vec<Ability>,
    /// Scenarios to run: those whose names contain one of these. None: all.
    pub only: Vec<String>,
    /// Where callbacks are received.
    pub listen: SocketAddr,
    /// How the gateway reaches that, if not under the same address.
    pub callback_url: Option<String>,
}

impl Options {
    /// Everything, against a gateway that is open to everybody.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: None,
            prefix: "e2e-".into(),
            without: Vec::new(),
            only: Vec::new(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            callback_url: None,
        }
    }
}
