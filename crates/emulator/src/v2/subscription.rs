//! Subscriptions: topics by name or pattern, shared by a group.

use super::instance::{Selection, matching_topics};
use super::{ok, require_json};
use crate::core::Core;
use crate::http::{Call, Reply, RequestBody, RestError, no_content};
use crate::json::{Fields, Json};
use serde::Serialize;

#[derive(Serialize)]
struct Subscription {
    topics: Vec<String>,
}

pub(super) fn get(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let instance = core.consumers.find(core, call)?;
    let topics = match &instance.state.lock().selection {
        Selection::Topics(topics) => topics.clone(),
        Selection::Pattern(pattern) => matching_topics(core, pattern),
        Selection::Nothing | Selection::Assigned => Vec::new(),
    };
    Ok(ok(&Subscription { topics }))
}

/// Kafka's consumer can be subscribed to names, to a pattern or be assigned,
/// but only one of them until it is unsubscribed.
pub(super) fn mutually_exclusive() -> RestError {
    let text =
        "Illegal state: Subscription to topics, partitions and pattern are mutually exclusive";
    RestError::new(409, 40903, text)
}

pub(super) async fn subscribe(
    core: &Core,
    call: &Call,
    body: RequestBody,
) -> Result<Reply, RestError> {
    let json = require_json(body, "subscribe.subscription").await?;
    let known = ["topics", "topic_pattern"];
    let mut fields = Fields::new(json, "ConsumerSubscriptionRecord", &known)?;
    let topics = fields.list("topics")?;
    let pattern = fields.text("topic_pattern")?;
    let instance = core.consumers.find(core, call)?;
    let mut state = instance.state.lock();
    match (topics, pattern) {
        (Some(topics), _) if topics.is_empty() => instance.deselect(core, &mut state),
        (Some(topics), _) => {
            if !matches!(state.selection, Selection::Nothing | Selection::Topics(_)) {
                return Err(mutually_exclusive());
            }
            let names = topics.into_iter().map(|topic| match topic {
                Json::String(name) => name,
                other => other.to_string(),
            });
            state.selection = Selection::Topics(names.collect());
        }
        (None, Some(pattern)) => {
            regex_lite::Regex::new(&pattern).map_err(|_| RestError::internal())?;
            if !matches!(state.selection, Selection::Nothing | Selection::Pattern(_)) {
                return Err(mutually_exclusive());
            }
            state.selection = Selection::Pattern(pattern);
        }
        (None, None) => {}
    }
    Ok(no_content())
}

pub(super) fn unsubscribe(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let instance = core.consumers.find(core, call)?;
    let mut state = instance.state.lock();
    instance.deselect(core, &mut state);
    Ok(no_content())
}
