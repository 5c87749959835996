//! Named consumers, which other APIs call the instances of a group.
//!
//! A group can be read without them. An instance is remembered for three
//! reasons: its settings are given once and not with each call, it can commit
//! the records it has by offset, and the instances of a group share the
//! partitions of a topic. Sharing only determines an order: an instance reads
//! its own share first, and if there is nothing in it during its wait, any
//! other partition. So the partitions of a dead instance are still read. The
//! group's positions and claims prevent two instances from getting the same
//! record.
//!
//! An instance that does not call for the length of its session is removed.

mod list;

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use self::list::InstanceList;
pub use self::list::{MAX_INSTANCES, MAX_TOPICS_PER_INSTANCE, NamedConsumer, Reset, Settings};
use crate::access::{AccessError, AllowedTopic, Grant};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::limits;
use crate::services::consume::{Ack, Consume, Handed, NamedReader, Next, Owner, Share, StartFrom};
use crate::services::groups::Groups;
use crate::sorted::SortedMap;
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::Shared;

/// How old this instance's copy of the list may be.
const MAX_INSTANCE_LIST_AGE: Duration = Duration::from_secs(1);

/// The session of an instance that is not known.
pub const DEFAULT_SESSION: Duration = Duration::from_secs(120);

/// What an instance asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    pub group: String,
    pub instance: String,
    pub topics: Vec<AllowedTopic>,
    pub wait: Duration,
    /// For a new instance only.
    pub settings: Settings,
}

/// An offset in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    pub topic: AllowedTopic,
    pub partition: i32,
    pub offset: i64,
}

pub struct Instances<H: Host, L> {
    host: H,
    consume: Rc<Consume<H, L>>,
    groups: Rc<Groups<H, L>>,
    list: Shared<H, InstanceList>,
}

impl<H: Host, L: Log> Instances<H, L> {
    pub fn new(
        host: H,
        consume: Rc<Consume<H, L>>,
        groups: Rc<Groups<H, L>>,
        params: Params,
    ) -> Self {
        let list = Shared::new(host.clone(), LaneName::instances(), params);
        Self { host, consume, groups, list }
    }

    /// The next records for an instance, which is created by its first call.
    pub async fn next(&self, ask: Ask) -> Result<Handed> {
        let (settings, shares) = self.enter(&ask).await?;
        let from = match settings.reset {
            Reset::Earliest => StartFrom::Earliest,
            Reset::Latest => StartFrom::Latest,
            Reset::None => {
                self.check_positions(&ask).await?;
                StartFrom::Earliest
            }
        };
        let ack = if settings.auto_commit {
            Ack::Auto
        } else {
            Ack::Manual { lease: settings.session() }
        };
        let next = Next {
            group: ask.group,
            topics: ask.topics,
            from,
            wait: ask.wait,
            max: *limits::PAGE_RECORDS.end(),
            max_bytes: *limits::PAGE_BYTES.end(),
            ack,
        };
        let owner = (!settings.auto_commit).then(|| Owner::named(&ask.instance));
        if shares.values().all(|share| share.of == 1) {
            let reader = NamedReader { owner, shares: SortedMap::new() };
            return self.consume.next_for(reader, next).await;
        }
        let anything = Next { wait: Duration::ZERO, ..next.clone() };
        let own = NamedReader { owner: owner.clone(), shares };
        let handed = self.consume.next_for(own, next).await?;
        if !handed.is_empty() {
            return Ok(handed);
        }
        let reader = NamedReader { owner, shares: SortedMap::new() };
        match self.consume.next_for(reader, anything).await {
            // Other instances are reading these partitions.
            Err(error) if matches!(*error, ErrorKind::Busy(_)) => Ok(Handed::default()),
            handed => handed,
        }
    }

    async fn enter(&self, ask: &Ask) -> Result<(Settings, SortedMap<String, Share>)> {
        let Ask { group, instance, topics, settings, .. } = ask;
        let topics: &[String] = &topics.iter().map(|topic| topic.to_string()).collect::<Vec<_>>();
        let (settled, was_known) = {
            let (list, now) = (self.list.recent(MAX_INSTANCE_LIST_AGE).await?, self.host.now());
            let settled = list.settled(group, instance, topics, now).is_some();
            (settled, list.get(group, instance, now).is_some())
        };
        if !settled {
            let now = self.host.now();
            let enter =
                |list: &mut InstanceList| list.enter(group, instance, topics, *settings, now);
            match self.list.change(enter).await {
                // Its next call will show that it is alive.
                Err(error) if matches!(*error, ErrorKind::Busy(_)) && was_known => {}
                entered => entered?,
            }
        }
        let (list, now) = (self.list.recent(MAX_INSTANCE_LIST_AGE).await?, self.host.now());
        let settings = list.get(group, instance, now).map_or(*settings, |known| known.settings);
        if !settled && was_known {
            let owner = Owner::named(instance);
            self.consume.extend(group, &owner, topics, settings.session()).await?;
        }
        Ok((settings, list.shares(group, instance, topics, now)))
    }

    async fn check_positions(&self, ask: &Ask) -> Result<()> {
        for topic in &ask.topics {
            if self.groups.committed(&ask.group, topic).await?.is_empty() {
                return Err(Error::invalid(
                    "kafka-auto-offset-reset",
                    format!("The group has no position on the topic {topic}"),
                ));
            }
        }
        Ok(())
    }

    /// Sets the offsets from which the group goes on. The instance need not be
    /// known: only its group matters.
    pub async fn commit(&self, group: &str, instance: &str, offsets: &[At]) -> Result<()> {
        let known = self.get(group, instance).await?;
        let lease = known.map_or(DEFAULT_SESSION, |known| known.settings.session());
        let mut by_topic = SortedMap::<&str, SortedMap<i32, i64>>::new();
        for At { topic, partition, offset } in offsets {
            by_topic.get_or_default(topic).insert(*partition, *offset);
        }
        let owner = Owner::named(instance);
        for (topic, offsets) in by_topic {
            self.consume.commit(group, &owner, topic, &offsets, lease).await?;
        }
        Ok(())
    }

    /// Everything that the instance has is done with. `false`: it is not
    /// known, and so has nothing.
    pub async fn commit_all(
        &self,
        group: &str,
        instance: &str,
        grant: &Grant,
    ) -> Result<bool, AccessError> {
        let Some(known) = self.get(group, instance).await? else { return Ok(false) };
        let topics: Vec<_> = known.topics.into_iter().collect();
        topics.iter().try_for_each(|topic| grant.permits_topic(topic))?;
        self.consume.commit_all(group, &Owner::named(instance), &topics).await?;
        Ok(true)
    }

    /// One instance, if it lives.
    async fn get(&self, group: &str, instance: &str) -> Result<Option<NamedConsumer>> {
        let list = self.list.read().await?;
        Ok(list.get(group, instance, self.host.now()).cloned())
    }

    /// The instances that live, by group and name, each with those of its
    /// topics that are the caller's. One that has none of them is left out.
    pub async fn list(
        &self,
        grant: &Grant,
    ) -> Result<SortedMap<String, SortedMap<String, Vec<String>>>> {
        let alive = self.list.read().await?.alive(self.host.now());
        let groups = alive.into_iter().filter_map(|(group, instances)| {
            let instances = instances.into_iter().filter_map(|(name, known)| {
                let topics = known.topics.into_iter().filter(|topic| grant.covers(topic));
                let topics: Vec<_> = topics.collect();
                (!topics.is_empty()).then_some((name, topics))
            });
            let instances: SortedMap<_, _> = instances.collect();
            (!instances.is_empty()).then_some((group, instances))
        });
        Ok(groups.collect())
    }

    /// The share of an instance: the partitions of a topic that it reads first.
    pub async fn partitions(
        &self,
        group: &str,
        instance: &str,
        topic: &str,
        count: i32,
    ) -> Result<Vec<i32>> {
        let list = self.list.recent(MAX_INSTANCE_LIST_AGE).await?;
        let shares = list.shares(group, instance, &[topic.to_owned()], self.host.now());
        let share = shares.get(topic);
        Ok((0..count).filter(|n| share.is_some_and(|share| share.covers(*n))).collect())
    }

    /// Forgets an instance, and has what it did not commit handed out again.
    /// `false`: there is none of this name.
    pub async fn delete(
        &self,
        group: &str,
        instance: &str,
        grant: &Grant,
    ) -> Result<bool, AccessError> {
        let Some(known) = self.get(group, instance).await? else { return Ok(false) };
        let topics: Vec<_> = known.topics.into_iter().collect();
        topics.iter().try_for_each(|topic| grant.permits_topic(topic))?;
        let owner = Owner::named(instance);
        self.consume.give_back(group, &owner, &topics).await?;
        let now = self.host.now();
        self.list
            .change(|list| {
                list.remove(group, instance, now);
                Ok(())
            })
            .await?;
        Ok(true)
    }
}

impl<H: Host, L> fmt::Debug for Instances<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instances").finish_non_exhaustive()
    }
}
