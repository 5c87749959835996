//! What each call does: one file per group of them.

pub(super) mod consumer;
pub(super) mod health;
pub(super) mod index;
pub(super) mod producer;
pub(super) mod topics;
pub(super) mod webhooks;

use super::{limits, percent};
use crate::error::{Error, Result};
use crate::names;

/// The topic that a path names.
fn topic(segment: &str) -> Result<String> {
    let topic = percent::decode_text("topic", segment)?;
    names::check_topic(&topic)?;
    Ok(topic)
}

/// The topics that a path names, with commas between them.
fn topics(segment: &str) -> Result<Vec<String>> {
    let topics: Vec<_> = segment.split(',').map(topic).collect::<Result<_>>()?;
    if topics.len() > limits::TOPICS {
        let most = limits::TOPICS;
        return Err(Error::invalid("topic", format!("More than {most} topics in one call")));
    }
    Ok(topics)
}
