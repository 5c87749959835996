//! The list of named consumers, which all instances of the gateway share.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Result};
use crate::host::Millis;
use crate::limits;
use crate::services::consume::Share;
use crate::sorted::{SortedMap, SortedSet};
use crate::state::stored::stored;

/// The maximum number of named consumers.
pub const MAX_INSTANCES: usize = 500;

/// The maximum number of topics that a consumer reads, over all of its calls.
pub const MAX_TOPICS_PER_INSTANCE: usize = limits::TOPICS;

/// The settings of a consumer, given when it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Whether records are done once the caller has them.
    #[serde(rename = "c")]
    pub auto_commit: bool,
    #[serde(rename = "r")]
    pub reset: Reset,
    /// The session in milliseconds. After this time without a call the consumer
    /// is removed, and records that it has not committed are handed out again.
    #[serde(rename = "s")]
    pub session: u32,
}

impl Settings {
    pub fn session(&self) -> Duration {
        Duration::from_millis(self.session.into())
    }
}

/// Where to start on a topic without a position of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reset {
    #[serde(rename = "e")]
    Earliest,
    #[serde(rename = "l")]
    Latest,
    /// Do not start: a missing position is an error.
    #[serde(rename = "n")]
    None,
}

/// A named consumer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedConsumer {
    #[serde(rename = "t")]
    pub topics: SortedSet<String>,
    #[serde(flatten)]
    pub settings: Settings,
    /// The time of its last call, accurate to a quarter of its session.
    #[serde(rename = "u")]
    pub seen: Millis,
}

impl NamedConsumer {
    fn is_alive(&self, now: Millis) -> bool {
        now < self.seen.saturating_add(self.settings.session.into())
    }

    /// Whether the time of its last call should be written.
    fn is_due(&self, now: Millis) -> bool {
        now >= self.seen.saturating_add(i64::from(self.settings.session / 4))
    }
}

/// By group, then by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, remote = "Self")]
pub(super) struct InstanceList(SortedMap<String, SortedMap<String, NamedConsumer>>);

stored!(InstanceList, "the list of named consumers");

impl InstanceList {
    pub(super) fn get(&self, group: &str, name: &str, now: Millis) -> Option<&NamedConsumer> {
        self.0.get(group)?.get(name).filter(|instance| instance.is_alive(now))
    }

    /// The instance as listed, if its call on these topics changes nothing on
    /// the list.
    pub(super) fn settled(
        &self,
        group: &str,
        name: &str,
        topics: &[String],
        now: Millis,
    ) -> Option<&NamedConsumer> {
        self.get(group, name, now).filter(|instance| {
            !instance.is_due(now) && topics.iter().all(|topic| instance.topics.contains(topic))
        })
    }

    /// Notes a call of an instance. The settings apply only to a new one.
    pub(super) fn enter(
        &mut self,
        group: &str,
        name: &str,
        topics: &[String],
        settings: Settings,
        now: Millis,
    ) -> Result<()> {
        self.sweep(now);
        let known = self.get(group, name, now);
        if known.is_none() && self.len() >= MAX_INSTANCES {
            return Err(ErrorKind::LimitReached(format!(
                "There are {MAX_INSTANCES} consumer instances already; delete one first"
            ))
            .into());
        }
        let new = || NamedConsumer { topics: SortedSet::new(), settings, seen: now };
        let mut instance = known.cloned().unwrap_or_else(new);
        instance.seen = now;
        instance.topics.extend(topics.iter().cloned());
        if instance.topics.len() > MAX_TOPICS_PER_INSTANCE {
            return Err(ErrorKind::LimitReached(format!(
                "A consumer instance reads {MAX_TOPICS_PER_INSTANCE} topics at most"
            ))
            .into());
        }
        self.0.get_or_default(group.to_owned()).insert(name.to_owned(), instance);
        Ok(())
    }

    pub(super) fn remove(&mut self, group: &str, name: &str, now: Millis) -> Option<NamedConsumer> {
        self.sweep(now);
        let instance = self.0.get_mut(group)?.remove(name);
        self.sweep(now);
        instance
    }

    /// The shares of an instance in its topics, among the instances whose
    /// sessions have not ended.
    pub(super) fn shares(
        &self,
        group: &str,
        name: &str,
        topics: &[String],
        now: Millis,
    ) -> SortedMap<String, Share> {
        let share = |topic: &String| {
            let readers =
                self.0.get(group)?.iter().filter(|(_, instance)| {
                    instance.is_alive(now) && instance.topics.contains(topic)
                });
            let names: Vec<_> = readers.map(|(name, _)| name).collect();
            let place = names.iter().position(|known| *known == name)?;
            Some((topic.clone(), Share { place, of: names.len() }))
        };
        topics.iter().filter_map(share).collect()
    }

    /// All instances whose sessions have not ended.
    pub(super) fn alive(&self, now: Millis) -> SortedMap<String, SortedMap<String, NamedConsumer>> {
        let mut alive = self.clone();
        alive.sweep(now);
        alive.0
    }

    fn len(&self) -> usize {
        self.0.values().map(SortedMap::len).sum()
    }

    fn sweep(&mut self, now: Millis) {
        for instances in self.0.values_mut() {
            instances.retain(|_, instance| instance.is_alive(now));
        }
        self.0.retain(|_, instances| !instances.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings { auto_commit: true, reset: Reset::Latest, session: 1000 };

    fn topics(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_first_call_decides_until_the_session_is_over() {
        let mut list = InstanceList::default();
        let other = Settings { auto_commit: false, ..SETTINGS };
        let t = topics(&["t"]);
        list.enter("g", "a", &t, SETTINGS, 0).unwrap();
        list.enter("g", "a", &topics(&["u"]), other, 900).unwrap();
        let instance = list.get("g", "a", 1800).unwrap();
        assert!(instance.settings.auto_commit);
        assert_eq!(instance.topics.len(), 2);
        assert!(list.settled("g", "a", &t, 1149).is_some());
        assert!(list.settled("g", "a", &t, 1150).is_none(), "a quarter of the session is over");
        assert!(list.settled("g", "a", &topics(&["new"]), 1000).is_none());
        assert!(list.get("g", "a", 1900).is_none() && list.alive(1900).is_empty());
        list.enter("g", "a", &t, other, 1900).unwrap();
        assert!(!list.get("g", "a", 1900).unwrap().settings.auto_commit);
    }

    #[test]
    fn who_reads_the_same_topic_shares_it() {
        let mut list = InstanceList::default();
        for (name, names) in [("a", &["t"][..]), ("b", &["t", "u"]), ("c", &["t"])] {
            list.enter("g", name, &topics(names), SETTINGS, 0).unwrap();
        }
        list.enter("other", "a", &topics(&["t"]), SETTINGS, 0).unwrap();
        let shares = list.shares("g", "b", &topics(&["t", "u"]), 0);
        assert_eq!(shares["t"], Share { place: 1, of: 3 });
        assert_eq!(shares["u"], Share { place: 0, of: 1 });
        assert!(list.remove("g", "a", 0).is_some() && list.remove("g", "a", 0).is_none());
        assert_eq!(list.shares("g", "b", &topics(&["t"]), 0)["t"], Share { place: 0, of: 2 });
    }

    #[test]
    fn there_are_not_more_than_may_be() {
        let mut list = InstanceList::default();
        let t = topics(&["t"]);
        for n in 0..MAX_INSTANCES {
            list.enter("g", &n.to_string(), &t, SETTINGS, 0).unwrap();
        }
        assert!(list.enter("g", "more", &t, SETTINGS, 1).is_err());
        list.enter("g", "0", &t, SETTINGS, 1).unwrap();
        list.enter("g", "more", &t, SETTINGS, 1000).unwrap();
        let many: Vec<_> = (0..=MAX_TOPICS_PER_INSTANCE).map(|n| format!("t{n}")).collect();
        assert!(list.enter("g", "0", &many, SETTINGS, 1).is_err());
    }

    #[test]
    fn it_is_short_in_the_store() {
        let mut list = InstanceList::default();
        list.enter("g", "a", &topics(&["t"]), SETTINGS, 7).unwrap();
        let text = serde_json::to_string(&list).unwrap();
        assert_eq!(text, r#"{"g":{"a":{"t":["t"],"c":true,"r":"l","s":1000,"u":7}}}"#);
        assert_eq!(serde_json::from_str::<InstanceList>(&text).unwrap(), list);
    }
}
