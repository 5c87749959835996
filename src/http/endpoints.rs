//! What each call does: one file per group of them.

pub(super) mod consumer;
pub(super) mod credentials;
pub(super) mod groups;
pub(super) mod health;
pub(super) mod index;
pub(super) mod producer;
mod record;
pub(super) mod records;
pub(super) mod topics;
pub(super) mod webhooks;

use super::percent;
use crate::error::Result;
use crate::names;

/// The topic that a path names.
pub(super) fn topic(segment: &str) -> Result<String> {
    let topic = percent::decode_text("topic", segment)?;
    names::check_topic(&topic)?;
    Ok(topic)
}

/// The topics that a path names, with commas between them. No name holds one,
/// so that it does not matter whether a client has encoded them.
pub(super) fn topics(segment: &str) -> Result<Vec<String>> {
    let decoded = percent::decode_text("topic", segment)?;
    let topics: Vec<_> = decoded.split(',').map(str::to_owned).collect();
    names::check_topics(&topics)?;
    Ok(topics)
}
