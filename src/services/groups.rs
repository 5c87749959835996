//! Consumer groups: listing them, reading their positions and moving them, and what they
//! are set to ([`set`]).
//!
//! A group has no members here. It is a name, with a position on each partition
//! that was read under that name.

mod figures;
#[cfg(feature = "configuration")]
mod portable;
mod set;

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::try_join;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::figures::{AllFigures, GroupFigures};
#[cfg(feature = "configuration")]
pub use self::portable::Positions;
pub use self::set::SetGroup;
use crate::access::{AccessError, AllowedTopic, Grant};
use crate::concurrent::{join_bounded, successes, try_join_bounded};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::services::consume::advice::{Advice, Advised};
use crate::services::consume::{Position, Tally, start};
use crate::services::group_list::GroupList;
use crate::services::group_settings::Settings;
use crate::services::seek::{SeekTo, first_offsets};
use crate::sorted::{SortedMap, SortedSet};
use crate::state::keys::LaneName;
use crate::state::lane::{Lane, Params, Take, Written};
use crate::telemetry::Change;

/// What events call a group.
const KIND: &str = "group";
/// And where it stands on a topic.
const POSITION: &str = "position";

/// How long a seek or a delete waits for the instance that reads the partition.
const MAX_LANE_WAIT: Duration = Duration::from_secs(15);

/// The position of a group on a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPosition {
    pub partition: i32,
    /// All records below it are done; `None` if the group has no position.
    pub committed: Option<i64>,
    /// The number of records that callers have claimed and not yet
    /// acknowledged.
    pub claimed: usize,
    /// What callers have of it, and what was given up.
    pub tally: Tally,
    /// The number of records that wait to be handed out, if the server reports the end.
    pub available: Option<i64>,
    /// The offset of the next record to be written, if the server reports it.
    pub end: Option<i64>,
    /// The number of records that are not done yet, if it is known.
    pub lag: Option<i64>,
    /// Whether the group gets nothing until it is moved: the topic was made anew,
    /// or has lost records.
    pub beyond_end: bool,
}

/// A group with its position on each partition, by topic. A topic that no
/// longer exists has no partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    /// Without a dead-letter topic that is not the caller's.
    pub settings: Settings,
    /// The version of the settings.
    pub tag: String,
    pub topics: SortedMap<String, Vec<GroupPosition>>,
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

    /// The groups that read the caller's topics, by name, each with those topics.
    pub async fn list(&self, grant: &Grant) -> Result<SortedMap<String, SortedSet<String>>> {
        let groups = self.list.all().await?.into_iter().filter_map(|(group, topics)| {
            // One that was set to something and has not read yet has none.
            let is_new = topics.is_empty();
            let topics: SortedSet<_> =
                topics.into_iter().filter(|topic| grant.covers(topic)).collect();
            (is_new || !topics.is_empty()).then_some((group, topics))
        });
        Ok(groups.collect())
    }

    /// One group, and where it stands on those of its topics that the caller
    /// may see. A group whose topics the caller may not see is reported as
    /// unknown.
    pub async fn get(&self, group: &str, grant: &Grant) -> Result<Group> {
        let mut topics = self.topics(group).await?;
        let is_new = topics.is_empty();
        topics.retain(|topic| grant.covers(topic));
        if topics.is_empty() && !is_new {
            return Err(ErrorKind::UnknownGroup(group.to_owned()).into());
        }
        let standings = topics.iter().map(|topic| self.standings(group, topic));
        let standings = try_join_bounded(standings);
        let settings = self.list.settings().read(group);
        let (settings, standings) = try_join(settings, standings).await?;
        let (mut settings, tag) = (Settings::clone(&settings), settings.tag());
        settings.dead_letter = settings.dead_letter.filter(|topic| grant.covers(topic));
        let topics = topics.iter().cloned().zip(standings).collect();
        Ok(Group { name: group.to_owned(), settings, tag, topics })
    }

    /// What a group is set to, and the tag of that.
    pub async fn settings(&self, group: &str) -> Result<(Settings, String)> {
        self.topics(group).await?;
        let settings = self.list.settings().read(group).await?;
        Ok((Settings::clone(&settings), settings.tag()))
    }

    async fn topics(&self, group: &str) -> Result<SortedSet<String>> {
        let topics = self.list.topics(group).await?;
        topics.ok_or_else(|| ErrorKind::UnknownGroup(group.to_owned()).into())
    }

    async fn standings(&self, group: &str, topic: &str) -> Result<Vec<GroupPosition>> {
        let positions = self.positions(group, topic).await?;
        let start = start::lane(&self.host, group, topic, self.params)?.peek().await?;
        let start = start.and_then(|(_, document)| document.payload);
        // Where the server does not report ends, only the positions are known.
        let ends: SortedMap<_, _> =
            self.log.ends(topic).await.unwrap_or_default().into_iter().collect();
        // A group that has begun with a topic begins with what is left of it at
        // the first record. Before that its next caller decides. Records that the
        // log has deleted are not read by any caller, so they are no lag.
        let firsts = if start.is_some() || positions.iter().any(Option::is_some) {
            first_offsets(&*self.log, topic).await.unwrap_or_default()
        } else {
            SortedMap::new()
        };
        let standings = (0..).zip(positions).map(|(partition, position)| {
            let chosen = start.as_ref().and_then(|start| start.chosen(partition));
            let committed = position.as_ref().map(Position::committed).or(chosen);
            let next = committed.max(firsts.get(&partition).copied());
            let end = ends.get(&partition).copied();
            // The ends were looked up after the positions.
            let reads_at = position.as_ref().map(Position::next).or(chosen);
            let beyond_end = reads_at.zip(end).is_some_and(|(next, end)| next > end);
            let first = firsts.get(&partition).copied().unwrap_or(0);
            let lag = match &position {
                Some(position) => end.map(|end| position.lag(first, end)),
                None => next.zip(end).map(|(next, end)| (end - next).max(0)),
            };
            let now = self.host.now();
            let tally = position.as_ref().map(|position| position.tally(now));
            let tally = tally.unwrap_or_default();
            let untaken = match &position {
                Some(position) => end.map(|end| position.untaken(first, end)),
                None => lag,
            };
            let available = untaken.map(|untaken| untaken + tally.returned as i64);
            GroupPosition {
                partition,
                committed,
                claimed: position.map_or(0, |position| position.claimed()),
                tally,
                available: available.filter(|_| !beyond_end),
                end,
                lag: lag.filter(|_| !beyond_end),
                beyond_end,
            }
        });
        Ok(standings.collect())
    }

    /// The committed offset of each partition where the group has a position;
    /// empty if the group or the topic does not exist.
    pub async fn committed(
        &self,
        group: &str,
        topic: &AllowedTopic,
    ) -> Result<SortedMap<i32, i64>> {
        let positions = (0..).zip(self.positions(group, topic).await?);
        let committed =
            |(partition, position): (_, Option<Position>)| Some((partition, position?.committed()));
        Ok(positions.filter_map(committed).collect())
    }

    /// The position on each partition, if there is one.
    async fn positions(&self, group: &str, topic: &str) -> Result<Vec<Option<Position>>> {
        let lanes = match self.lanes(group, topic).await {
            Ok(lanes) => lanes,
            // The topic was deleted, and so the group's positions mean nothing.
            Err(error) if matches!(*error, ErrorKind::UnknownTopic(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let latest = try_join_bounded(lanes.iter().map(Lane::peek)).await?;
        Ok(latest.into_iter().map(|latest| latest?.1.payload).collect())
    }

    /// One lane for each partition.
    async fn lanes(&self, group: &str, topic: &str) -> Result<Vec<Lane<H, Position>>> {
        let partitions = self.log.topic(topic).await?.partitions;
        (0..partitions).map(|partition| self.lane(group, topic, partition)).collect()
    }

    fn lane(&self, group: &str, topic: &str, partition: i32) -> Result<Lane<H, Position>> {
        let name = LaneName::group(group, topic, partition)?;
        Ok(Lane::new(self.host.clone(), name, self.params))
    }

    /// Moves a group on a topic. Claims from before are void. A group that
    /// does not exist comes to be.
    pub async fn seek(
        &self,
        group: &str,
        topic: &AllowedTopic,
        to: SeekTo,
    ) -> Result<SortedMap<i32, i64>> {
        let offsets = to.offsets(&*self.log, topic).await?;
        self.list.enlist(group, &[&**topic]).await?;
        let seeks = offsets.iter().map(async |(partition, offset)| {
            let lane = self.lane(group, topic, *partition)?;
            let before = self
                .last_word(&lane, &|before| {
                    Some(before.map_or(Position::at(*offset), |before| before.moved_to(*offset)))
                })
                .await?;
            let begins = before.is_none();
            self.leave(before);
            Ok::<_, Error>((*partition, Advised(*offset, None), begins))
        });
        let (sought, outcome) = successes(join_bounded(seeks).await);
        if sought.iter().any(|(.., begins)| *begins) {
            self.list.begun(group, topic);
        }
        // Only now, so that it tells of no position that was never written.
        if !sought.is_empty() {
            let name = format!("{group}/{}", &**topic);
            let moved = Change { kind: POSITION, name: &name, what: "moved", fields: "offsets" };
            moved.report(&self.host);
            let places = sought.into_iter().map(|(partition, advised, _)| (partition, advised));
            Advice::correct(&self.host, group, topic, places).await?;
        }
        outcome.map(|()| offsets)
    }

    /// Forgets a group. Its name can be used again, and starts anew. A group is
    /// deleted as a whole, so all of its topics have to be the caller's.
    pub async fn delete(&self, group: &str, grant: &Grant) -> Result<(), AccessError> {
        let topics = self.topics(group).await?;
        topics.iter().try_for_each(|topic| grant.permits_topic(topic))?;
        self.delete_all(group, topics).await?;
        Change { kind: KIND, name: group, what: "removed", fields: "" }.report(&self.host);
        Ok(())
    }

    async fn delete_all(&self, group: &str, topics: SortedSet<String>) -> Result<()> {
        let mut all_lanes = Vec::new();
        for topic in &topics {
            // Whoever consumes meanwhile begins the group anew.
            _ = self.forget(&start::lane(&self.host, group, topic, self.params)?).await?;
            let lanes = match self.lanes(group, topic).await {
                Ok(lanes) => lanes,
                Err(error) if matches!(*error, ErrorKind::UnknownTopic(_)) => continue,
                Err(error) => return Err(error),
            };
            let forgotten = lanes.iter().map(async |lane| {
                self.leave(self.forget(lane).await?);
                Ok::<_, Error>(())
            });
            try_join_bounded(forgotten).await?;
            all_lanes.push((topic, lanes));
        }
        self.list.settings().forget(group).await?;
        self.list.remove(group).await?;
        for topic in &topics {
            Advice::delete(&self.host, group, topic).await?;
        }
        // A caller that has started the group again in the meantime may have
        // read the list while the group was still on it. Callers that start it
        // from now on will find that it is not.
        for (topic, lanes) in all_lanes {
            let latest = try_join_bounded(lanes.iter().map(Lane::peek)).await?;
            if latest.iter().flatten().any(|(_, document)| document.payload.is_some()) {
                self.list.begun(group, topic);
            }
        }
        Ok(())
    }

    /// Gives up the server's place that belonged to a position, beside whatever else is
    /// done: the server would keep it for minutes.
    fn leave(&self, position: Option<Position>) {
        if let Some(place) = position.and_then(Position::into_place) {
            let log = self.log.clone();
            self.host.spawn(async move { log.close(place).await });
        }
    }

    async fn forget<T: Serialize + DeserializeOwned + Clone + Default>(
        &self,
        lane: &Lane<H, T>,
    ) -> Result<Option<T>> {
        // A partition that was never read has nothing to delete.
        match lane.peek().await?.is_some_and(|(_, document)| document.payload.is_some()) {
            true => self.last_word(lane, &|_| None).await,
            false => Ok(None),
        }
    }

    /// Waits for a lane, and sets or deletes its state. Returns what it was before.
    async fn last_word<T: Serialize + DeserializeOwned + Clone + Default>(
        &self,
        lane: &Lane<H, T>,
        next: &dyn Fn(Option<&T>) -> Option<T>,
    ) -> Result<Option<T>> {
        let give_up = self.host.monotonic() + MAX_LANE_WAIT;
        loop {
            let pause = match lane.try_take(async |_| Ok(T::default())).await? {
                Take::Busy { retry_in } => retry_in,
                Take::Unworthy(_) => Duration::ZERO,
                Take::Held(held) => {
                    let before = (!held.begins()).then(|| held.payload().clone());
                    let written = match next(before.as_ref()) {
                        Some(position) => held.seek(position).await?,
                        None => held.delete().await?,
                    };
                    if written == Written::Kept {
                        return Ok(before);
                    }
                    Duration::ZERO
                }
            };
            if self.host.monotonic() + pause >= give_up {
                return Err(
                    ErrorKind::Busy("The consumer group is being read; try again".into()).into()
                );
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
