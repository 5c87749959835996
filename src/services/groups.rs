//! Consumer groups: which there are, where they stand, and moving them.
//!
//! A group has no members here. It is a name, and a position on each partition
//! that somebody has read in that name.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::concurrent::try_join_bounded;
use crate::error::{Error, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::services::consume::Position;
use crate::services::group_list::GroupList;
use crate::sorted::{SortedMap, SortedSet};
use crate::state::keys::LaneName;
use crate::state::lane::{Lane, Params, Take, Written};
use crate::state::marks;

/// How long a seek or a delete waits for whoever reads the partition.
const MAX_WAIT: Duration = Duration::from_secs(15);

/// Where a group stands on a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPosition {
    pub partition: i32,
    /// Everything below is done with; `None` where the group has no position.
    pub committed: Option<i64>,
    /// Records that callers have and have not acknowledged yet.
    pub claimed: usize,
    /// Offset of the next record to be written, where the server tells.
    pub end: Option<i64>,
    /// Records that are not done with, where that can be told.
    pub lag: Option<i64>,
}

/// A group and where it stands on each partition, by topic. One that does not
/// exist any more has no partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub topics: SortedMap<String, Vec<GroupPosition>>,
}

/// Where to move a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeekTo {
    /// The first record that is there, or the end, on every partition.
    Earliest,
    Latest,
    /// The given partitions, to the given offsets.
    Offsets(SortedMap<i32, i64>),
    /// The first record at or after a time, on every partition.
    Time(Millis),
}

pub struct Groups<H, L> {
    host: H,
    log: Rc<L>,
    params: Params,
    list: Rc<GroupList<H>>,
}

impl<H: Host, L: Log> Groups<H, L> {
    pub fn new(host: H, log: Rc<L>, list: Rc<GroupList<H>>, params: Params) -> Self {
        Self { host, log, params, list }
    }

    /// All groups, by name, each with its topics.
    pub async fn list(&self) -> Result<SortedMap<String, SortedSet<String>>> {
        self.list.all().await
    }

    /// One group, and where it stands on those of its topics that the caller
    /// may see. Of none of them, it is as unknown as one that does not exist.
    pub async fn get(&self, group: &str, is_of_caller: impl Fn(&str) -> bool) -> Result<Group> {
        let mut topics = self.topics(group).await?;
        topics.retain(|topic| is_of_caller(topic));
        if topics.is_empty() {
            return Err(Error::UnknownGroup(group.to_owned()));
        }
        let standings = topics.iter().map(|topic| self.standings(group, topic));
        let standings = try_join_bounded(standings).await?;
        let topics = topics.iter().cloned().zip(standings).collect();
        Ok(Group { name: group.to_owned(), topics })
    }

    async fn topics(&self, group: &str) -> Result<SortedSet<String>> {
        let topics = self.list.topics(group).await?;
        topics.ok_or_else(|| Error::UnknownGroup(group.to_owned()))
    }

    async fn standings(&self, group: &str, topic: &str) -> Result<Vec<GroupPosition>> {
        let positions = self.positions(group, topic).await?;
        // Where the server does not tell, the positions are all there is.
        let ends = self.log.ends(topic).await.unwrap_or_default();
        // A group that has begun with a topic begins with what is left of it at
        // the first record. Before that its next caller decides.
        let begun = positions.iter().any(Option::is_some);
        let starts = match begun && positions.iter().any(Option::is_none) {
            true => self.bounds(topic, |bounds| bounds.first).await.unwrap_or_default(),
            false => SortedMap::new(),
        };
        let standings = (0..).zip(positions).map(|(partition, position)| {
            let committed = position.as_ref().map(Position::committed);
            let next = committed.or_else(|| starts.get(&partition).copied());
            let end = ends.get(&partition).copied();
            GroupPosition {
                partition,
                committed,
                claimed: position.map_or(0, |position| position.claimed()),
                end,
                lag: next.zip(end).map(|(next, end)| (end - next).max(0)),
            }
        });
        Ok(standings.collect())
    }

    /// What a group has done with on a topic, by partition: nothing where it
    /// has no position, nor if either does not exist. The log is not asked.
    pub async fn committed(&self, group: &str, topic: &str) -> Result<SortedMap<i32, i64>> {
        let positions = (0..).zip(self.positions(group, topic).await?);
        let committed =
            |(partition, position): (_, Option<Position>)| Some((partition, position?.committed()));
        Ok(positions.filter_map(committed).collect())
    }

    /// The position on each partition, where there is one.
    async fn positions(&self, group: &str, topic: &str) -> Result<Vec<Option<Position>>> {
        let lanes = match self.lanes(group, topic).await {
            Ok(lanes) => lanes,
            // It was deleted, and the group's positions with it.
            Err(Error::UnknownTopic(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let latest = try_join_bounded(lanes.iter().map(Lane::peek)).await?;
        Ok(latest.into_iter().map(|latest| latest?.1.payload).collect())
    }

    /// One lane for each partition.
    async fn lanes(&self, group: &str, topic: &str) -> Result<Vec<Lane<H, Position>>> {
        let partitions = self.log.topic(topic).await?.partitions;
        (0..partitions)
            .map(|partition| {
                let name = LaneName::group(group, topic, partition)?;
                Ok(Lane::new(self.host.clone(), name, self.params))
            })
            .collect()
    }

    /// Moves a group on a topic. Claims from before are void. A group that
    /// does not exist comes to be.
    pub async fn seek(&self, group: &str, topic: &str, to: SeekTo) -> Result<SortedMap<i32, i64>> {
        let lanes = self.lanes(group, topic).await?;
        let offsets: SortedMap<i32, i64> = match to {
            SeekTo::Earliest => self.bounds(topic, |bounds| bounds.first).await?,
            SeekTo::Latest => self.log.ends(topic).await?,
            SeekTo::Time(time) => self.log.offset_at(topic, time).await?,
            SeekTo::Offsets(offsets) => offsets,
        };
        for (partition, offset) in &offsets {
            if *partition < 0 || *partition as usize >= lanes.len() {
                return Err(Error::invalid("offsets", "The topic has no such partition"));
            }
            if *offset < 0 {
                return Err(Error::invalid("offsets", "An offset below zero"));
            }
        }
        self.list.enlist(group, &[topic]).await?;
        let seeks = offsets.iter().map(|(partition, offset)| {
            self.last_word(&lanes[*partition as usize], Some(Position::at(*offset)))
        });
        if try_join_bounded(seeks).await?.contains(&true) {
            self.list.begun(group, topic);
        }
        Ok(offsets)
    }

    async fn bounds(
        &self,
        topic: &str,
        pick: impl Fn(&crate::kafka::Offsets) -> i64,
    ) -> Result<SortedMap<i32, i64>> {
        let offsets = self.log.offsets(topic).await?;
        Ok(offsets.iter().map(|(partition, bounds)| (*partition, pick(bounds))).collect())
    }

    /// Forgets a group. Its name can be used again, and starts anew.
    pub async fn delete(&self, group: &str) -> Result<()> {
        let mut all_lanes = Vec::new();
        for topic in self.topics(group).await? {
            let lanes = match self.lanes(group, &topic).await {
                Ok(lanes) => lanes,
                Err(Error::UnknownTopic(_)) => continue,
                Err(error) => return Err(error),
            };
            try_join_bounded(lanes.iter().map(|lane| self.forget(lane))).await?;
            all_lanes.push((topic, lanes));
        }
        self.list.remove(group).await?;
        // Whoever has begun anew meanwhile may have looked when the group was
        // still listed. Whoever begins from now on finds that it is not.
        for (topic, lanes) in all_lanes {
            let latest = try_join_bounded(lanes.iter().map(Lane::peek)).await?;
            if latest.iter().flatten().any(|(_, document)| document.payload.is_some()) {
                self.list.begun(group, &topic);
            }
        }
        Ok(())
    }

    async fn forget(&self, lane: &Lane<H, Position>) -> Result<()> {
        // Where nobody ever read there is nothing to forget.
        if lane.peek().await?.is_some() {
            self.last_word(lane, None).await?;
        }
        Ok(())
    }

    /// Waits for a lane and sets, or deletes, what it holds. Answers whether
    /// it held nothing before.
    async fn last_word(
        &self,
        lane: &Lane<H, Position>,
        position: Option<Position>,
    ) -> Result<bool> {
        let give_up = self.host.monotonic() + MAX_WAIT;
        loop {
            let start = position.clone().unwrap_or_else(|| Position::at(0));
            let pause = match lane.try_take(async |_| Ok(start)).await? {
                Take::Busy { retry_in } => retry_in,
                Take::Held(held) => {
                    let begins = held.begins();
                    let marked = held.payload().marked();
                    let written = match position.clone() {
                        Some(position) => held.seek(position).await?,
                        None => held.delete().await?,
                    };
                    if written == Written::Kept {
                        marks::delete(&self.host, lane.name(), &marked).await;
                        return Ok(begins);
                    }
                    Duration::ZERO
                }
            };
            if self.host.monotonic() + pause >= give_up {
                return Err(Error::Busy("The consumer group is being read; try again".into()));
            }
            self.host.sleep(pause).await;
        }
    }
}

impl<H, L> fmt::Debug for Groups<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").finish_non_exhaustive()
    }
}
