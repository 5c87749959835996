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

/// The topics that a path names, with commas between them.
pub(super) fn topics(segment: &str) -> Result<Vec<String>> {
    let decode = |piece| percent::decode_text("topic", piece);
    let topics: Vec<_> = segment.split(',').map(decode).collect::<Result<_>>()?;
    names::check_topics(&topics)?;
    Ok(topics)
}
