//! Builds every key of the store, typed by the value that it holds.
//!
//! A store may be shared with other applications, so all keys begin with
//! `kafka-edge/` and the version of their layout. Names that callers choose are
//! percent-encoded, so that they cannot form the keys of other names. With the
//! limits below no key is longer than [`MAX_KEY_BYTES`], the lowest limit of
//! the intended hosts.
//!
//! | key | |
//! |---|---|
//! | `kafka-edge/2/group/{group}/{topic}/{partition}/…` | a consumer group's lane |
//! | `kafka-edge/2/group/{group}/{topic}/start/…` | the lane of where the group begins there |
//! | `kafka-edge/2/group/{group}/{topic}/g` | advice on where the group's records are |
//! | `kafka-edge/2/settings/{group}/…` | the lane of what a group is set to |
//! | `kafka-edge/2/hook/{subscription id}/{topic}/{partition}/…` | a subscription's lane |
//! | `kafka-edge/2/hook/{subscription id}/~run/{run}/{partition}/…` | the lane of records that are sent once more |
//! | `kafka-edge/2/hook/{subscription id}/~/…` | the lane of a subscription's document |
//! | `kafka-edge/2/due/{topic}` | advice on which deliveries of a topic are due |
//! | `kafka-edge/2/overdue` | when somebody is to look again for what is overdue |
//! | `kafka-edge/2/seen/{scope}/{slot}` | the ids of events that have come, and idempotency keys |
//! | `kafka-edge/2/seen/{scope}/{id}` | one of them, where the store can create keys |
//! | `kafka-edge/2/seen/{scope}/{id}/{time}` | what was written of it in part is being completed |
//! | `kafka-edge/2/groups/…` | the lane of the document that lists the groups |
//! | `kafka-edge/2/instances/…` | the lane of the document that lists the named consumers |
//! | `kafka-edge/2/registry/directory/…` | the lane of what leads to all subscriptions |
//! | `kafka-edge/2/registry/ids/{page}/…` | the lane of a page of their ids |
//! | `kafka-edge/2/registry/topic/{topic}/…` | the lane of the ids of those to a topic |
//! | `kafka-edge/2/registry/topics/{part}/…` | the lane of topics that have some |
//! | `kafka-edge/2/sources/…` | the lane of the document that lists the sources |
//! | `kafka-edge/2/source/{source}/statistics` | what came to a source |
//! | `kafka-edge/2/actions/…` | the lane of the document that lists the actions |
//! | `kafka-edge/2/runs/{action}/t` | the counter of an action's runs |
//! | `kafka-edge/2/runs/{action}/{place}/run` | a run of an action |
//! | `kafka-edge/2/runs/{action}/{place}/report/…` | the lane of what was reported on it |
//! | `kafka-edge/2/destinations/…` | the lane of the document that lists the destinations |
//! | `kafka-edge/2/credentials/…` | the lane of the document that lists the credentials |
//! | `…/t` | the counter of the lane's tickets |
//! | `…/d/{era}` | document |
//! | `…/w` | watch |
//! | `…/k` | knock |
//! | `kafka-edge/2/probe` | written and read to see whether the store works |

use std::fmt;
use std::marker::PhantomData;

use crate::error::{Error, Result};
use crate::state::lane::{Document, Era, Knock, Watch};

/// The lowest limit for keys among the hosts (`reference/hosts.md`).
pub const MAX_KEY_BYTES: usize = 1024;
/// Kafka's own limit for a topic's name.
pub const MAX_TOPIC_BYTES: usize = 249;
/// The maximum length of a consumer group's name in UTF-8. Each byte may need
/// three in a key.
pub const MAX_GROUP_BYTES: usize = 200;
/// The maximum length of a subscription's id, which we generate.
pub const MAX_SUBSCRIPTION_ID_BYTES: usize = 100;

/// The maximum length of a run's name, which we generate.
const MAX_RUN_BYTES: usize = 100;

/// The maximum length of whose ids are remembered: a topic's name, or a shorter one.
const MAX_SCOPE_BYTES: usize = MAX_TOPIC_BYTES + 7;

const ROOT: &str = "kafka-edge/2";

/// The key that a readiness check writes.
pub const PROBE: &str = "kafka-edge/2/probe";

/// The key of a value of type `V`.
pub struct Key<V> {
    name: String,
    value: PhantomData<fn() -> V>,
}

impl<V> Key<V> {
    fn new(name: String) -> Self {
        Self { name, value: PhantomData }
    }

    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// A key for the same kind of value, with a number behind this one.
    pub fn behind(&self, number: i64) -> Self {
        Self::new(format!("{}/{number}", self.name))
    }

    /// The number that it ends with.
    pub fn last(&self) -> Option<i64> {
        self.name.rsplit('/').next()?.parse().ok()
    }
}

impl<V> fmt::Debug for Key<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A counter's key. It is a separate type because it must never be `set`, nor read
/// as a value (`reference/hosts.md`, "Key-value").
#[derive(Debug)]
pub struct CounterKey(String);

impl CounterKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The common prefix of the keys of several lanes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// All lanes of a subscription.
    pub fn subscription(id: &str) -> Result<Self> {
        let id = capped("webhook_id", id, MAX_SUBSCRIPTION_ID_BYTES)?;
        Ok(Self(format!("{ROOT}/hook/{id}/")))
    }

    /// All lanes of one of its runs.
    pub fn run(id: &str, run: &str) -> Result<Self> {
        let Self(lanes) = Self::subscription(id)?;
        Ok(Self(format!("{lanes}~run/{}/", capped("run", run, MAX_RUN_BYTES)?)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a lane: the prefix of its keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LaneName(String);

impl LaneName {
    /// The lane of a consumer group in a partition.
    pub fn group(group: &str, topic: &str, partition: i32) -> Result<Self> {
        let group = capped("group", group, MAX_GROUP_BYTES)?;
        let topic = encode(topic);
        // Valid names need no encoding, so this refuses none of them.
        if topic.is_empty() || topic.len() > MAX_TOPIC_BYTES {
            return Err(Error::invalid("topic", "Not the name of a topic"));
        }
        Ok(Self(format!("{ROOT}/group/{group}/{topic}/{partition}")))
    }

    /// The lane of where a consumer group begins on a topic.
    pub fn start(group: &str, topic: &str) -> Result<Self> {
        let Self(first) = Self::group(group, topic, 0)?;
        Ok(Self(format!("{}/start", first.trim_end_matches("/0"))))
    }

    /// The lane of what a consumer group is set to.
    pub fn settings(group: &str) -> Result<Self> {
        Ok(Self(format!("{ROOT}/settings/{}", capped("group", group, MAX_GROUP_BYTES)?)))
    }

    /// The lane of a subscription in a partition.
    pub fn subscription(id: &str, topic: &str, partition: i32) -> Result<Self> {
        let Prefix(lanes) = Prefix::subscription(id)?;
        // Valid names need no encoding, so this refuses none of them.
        let topic = capped("topic", topic, MAX_TOPIC_BYTES)?;
        Ok(Self(format!("{lanes}{topic}/{partition}")))
    }

    /// The lane of a subscription's run in a partition. No topic has this name.
    pub fn run(id: &str, run: &str, partition: i32) -> Result<Self> {
        let Prefix(lanes) = Prefix::run(id, run)?;
        Ok(Self(format!("{lanes}{partition}")))
    }

    /// The lane of a subscription's document. No topic has this name.
    pub fn subscription_document(id: &str) -> Result<Self> {
        let Prefix(lanes) = Prefix::subscription(id)?;
        Ok(Self(format!("{lanes}~")))
    }

    /// The list of all consumer groups.
    pub fn groups() -> Self {
        Self(format!("{ROOT}/groups"))
    }

    /// The list of all named consumers.
    pub fn instances() -> Self {
        Self(format!("{ROOT}/instances"))
    }

    /// What leads to all subscriptions.
    pub fn directory() -> Self {
        Self(format!("{ROOT}/registry/directory"))
    }

    /// A page of the ids of all subscriptions.
    pub fn subscription_ids(page: u32) -> Self {
        Self(format!("{ROOT}/registry/ids/{page}"))
    }

    /// The ids of the subscriptions that name a topic.
    pub fn subscriptions_of(topic: &str) -> Result<Self> {
        Ok(Self(format!("{ROOT}/registry/topic/{}", capped("topic", topic, MAX_TOPIC_BYTES)?)))
    }

    /// A part of the topics that subscriptions name.
    pub fn subscribed_topics(part: u8) -> Self {
        Self(format!("{ROOT}/registry/topics/{part}"))
    }

    /// The list of all sources.
    pub fn sources() -> Self {
        Self(format!("{ROOT}/sources"))
    }

    /// The list of all destinations.
    #[cfg(feature = "destinations")]
    pub fn destinations() -> Self {
        Self(format!("{ROOT}/destinations"))
    }

    /// The list of all actions.
    #[cfg(feature = "actions")]
    pub fn actions() -> Self {
        Self(format!("{ROOT}/actions"))
    }

    /// What was reported on the run in this place of an action.
    #[cfg(feature = "actions")]
    pub fn report(action: &str, place: u64) -> Self {
        Self(format!("{ROOT}/runs/{}/{place}/report", encode(action)))
    }

    /// The list of all credentials that were created at run time.
    pub fn credentials() -> Self {
        Self(format!("{ROOT}/credentials"))
    }

    /// The prefix of its keys.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The counter of the lane's tickets.
    pub fn counter(&self) -> CounterKey {
        CounterKey(format!("{}/t", self.0))
    }

    pub fn document<T>(&self, era: Era) -> Key<Document<T>> {
        Key::new(format!("{}/d/{era}", self.0))
    }

    pub fn watch(&self) -> Key<Watch> {
        Key::new(format!("{}/w", self.0))
    }

    pub fn knock(&self) -> Key<Knock> {
        Key::new(format!("{}/k", self.0))
    }
}

/// Advice on where a consumer group's records are. It belongs to no lane.
pub fn group_advice<V>(group: &str, topic: &str) -> Result<Key<V>> {
    let LaneName(first) = LaneName::group(group, topic, 0)?;
    Ok(Key::new(format!("{}/g", first.trim_end_matches("/0"))))
}

/// Advice on which deliveries of a topic are due. It belongs to no lane.
pub fn topic_advice<V>(topic: &str) -> Result<Key<V>> {
    // Valid names need no encoding, so this refuses none of them.
    Ok(Key::new(format!("{ROOT}/due/{}", capped("topic", topic, MAX_TOPIC_BYTES)?)))
}

/// When an instance is to look again for deliveries that are overdue. It belongs to no lane.
pub fn next_look<V>() -> Key<V> {
    Key::new(format!("{ROOT}/overdue"))
}

/// What came to a source. It belongs to no lane.
pub fn source_statistics<V>(source: &str) -> Result<Key<V>> {
    Ok(Key::new(format!("{ROOT}/source/{}/statistics", capped("name", source, MAX_SCOPE_BYTES)?)))
}

/// The counter of an action's runs. It belongs to no lane.
#[cfg(feature = "actions")]
pub fn runs(action: &str) -> CounterKey {
    CounterKey(format!("{ROOT}/runs/{}/t", encode(action)))
}

/// The run in this place of an action. It belongs to no lane.
#[cfg(feature = "actions")]
pub fn run<V>(action: &str, place: u64) -> Key<V> {
    Key::new(format!("{ROOT}/runs/{}/{place}/run", encode(action)))
}

/// The keys of the memory of repeats in a scope: what all of them begin with. They belong to
/// no lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenKeys(String);

impl SeenKeys {
    pub fn of(scope: &str) -> Result<Self> {
        let scope = capped("scope", scope, MAX_SCOPE_BYTES)?;
        Ok(Self([ROOT, "/seen/", &scope, "/"].concat()))
    }

    /// A slot, or an id.
    pub fn key<V>(&self, part: &str) -> Key<V> {
        Key::new([&self.0, part].concat())
    }
}

fn capped(field: &'static str, name: &str, cap: usize) -> Result<String> {
    if name.is_empty() {
        return Err(Error::invalid(field, "A name is needed"));
    }
    if name.len() > cap {
        return Err(Error::invalid(field, format!("The name is longer than {cap} bytes")));
    }
    Ok(encode(name))
}

/// Percent-encodes all characters that need it in a URL.
fn encode(name: &str) -> String {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let digit = |nibble: u8| b"0123456789ABCDEF"[usize::from(nibble)];
    // A string would encode each character that is pushed.
    let mut out = Vec::with_capacity(name.len() + 2);
    for byte in name.bytes() {
        if is_plain(byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn names_cannot_reach_into_each_other() {
        let a = LaneName::group("a/b", "c", 1).unwrap();
        let b = LaneName::group("a", "b/c", 1).unwrap();
        let c = LaneName::group("a%2Fb", "c", 1).unwrap();
        assert_eq!(a.as_str(), "kafka-edge/2/group/a%2Fb/c/1");
        assert_ne!(a, b);
        assert_ne!(a, c);
        let tricky = LaneName::group("g", "t/0/d", 0).unwrap().document::<u8>(0);
        let plain = LaneName::group("g", "t", 0).unwrap().document::<u8>(0);
        assert_ne!(tricky.as_str(), plain.as_str());
    }

    #[test]
    fn the_longest_key_fits_every_store() {
        let group = "\u{1}".repeat(MAX_GROUP_BYTES);
        let lane = LaneName::group(&group, &"t".repeat(MAX_TOPIC_BYTES), i32::MAX).unwrap();
        let key = lane.document::<u8>(u32::MAX);
        assert!(key.as_str().len() <= MAX_KEY_BYTES, "{}", key.as_str().len());
        let hook = "\u{1}".repeat(MAX_SUBSCRIPTION_ID_BYTES);
        let key = LaneName::subscription(&hook, &"t".repeat(MAX_TOPIC_BYTES), i32::MAX)
            .unwrap()
            .document::<u8>(u32::MAX);
        assert!(key.as_str().len() <= MAX_KEY_BYTES);
    }

    #[test]
    fn what_is_too_long_or_empty_is_refused_by_name() {
        let refused = |result: Result<LaneName>| match result.map_err(Error::into_kind) {
            Err(ErrorKind::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(LaneName::group("", "t", 0)), "group");
        assert_eq!(refused(LaneName::group(&"g".repeat(201), "t", 0)), "group");
        assert_eq!(refused(LaneName::group("g", "", 0)), "topic");
        assert_eq!(refused(LaneName::group("g", &"é".repeat(42), 0)), "topic");
        assert_eq!(refused(LaneName::subscription("", "t", 0)), "webhook_id");
    }
}
