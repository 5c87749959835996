//! The exports of `wit/`, over the same services as the HTTP API.

mod consumer;
mod convert;
mod credentials;
mod follower;
mod producer;
mod webhook;

use kafka_edge::access::{AccessError, AllowedTopic, Grant};

/// What the component that is composed with this one may do: everything. Its
/// deployer has trusted it with all topics.
fn grant() -> Grant {
    Grant::open()
}

fn topic(name: String) -> Result<AllowedTopic, AccessError> {
    grant().topic(name)
}

fn topics(names: Vec<String>) -> Result<Vec<AllowedTopic>, AccessError> {
    grant().topics(names)
}
