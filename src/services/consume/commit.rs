//! Acknowledges records by offset, on behalf of an owner.

use std::time::Duration;

use super::Consume;
use super::advice::{Advice, Advised};
use super::owner::Owner;
use super::position::Position;
use crate::concurrent::{join_bounded, successes, try_join_bounded};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::sorted::SortedMap;
use crate::state::keys::LaneName;
use crate::state::lane::{Lane, Take, Written};

/// How long a change waits for the instance that reads the partition.
const MAX_COMMIT_WAIT: Duration = Duration::from_secs(10);

/// How a position is changed.
enum PositionChange {
    Keep(Position),
    /// Earlier claims become void.
    Move(Position),
    Nothing,
}

/// What has become of a position that was changed.
struct Changed {
    /// There was none before.
    begins: bool,
    /// What others should know of it.
    advised: Advised,
}

impl<H: Host, L: Log> Consume<H, L> {
    /// Commits offsets of a topic: all records of the group below them are
    /// done. The records between an offset and the next record to be read stay
    /// claimed by the owner for a lease; after that they are handed out again.
    pub async fn commit(
        &self,
        group: &str,
        owner: &Owner,
        topic: &str,
        offsets: &SortedMap<i32, i64>,
        lease: Duration,
    ) -> Result<()> {
        let partitions = self.log.topic(topic).await?.partitions;
        for (partition, offset) in offsets {
            if !(0..partitions).contains(partition) {
                return Err(Error::invalid("partition", "The topic has no such partition"));
            }
            if *offset < 0 {
                return Err(Error::invalid("offset", "An offset below zero"));
            }
        }
        self.groups.enlist(group, &[topic]).await?;
        let commits = offsets.iter().map(async |(partition, offset)| {
            let lane = self.lane(group, topic, *partition)?;
            let commit = |mut position: Position| {
                let now = self.host.now();
                if position.claims.held_by_others(owner, now, self.margin()) {
                    return Err(ErrorKind::Busy(
                        "Another consumer of the group has uncommitted records of this partition"
                            .into(),
                    )
                    .into());
                }
                Ok(match position.commit(owner, *offset, now.saturating_add(millis(lease))) {
                    true => PositionChange::Keep(position),
                    false => PositionChange::Move(position.moved_to(*offset)),
                })
            };
            let changed = self.change(&lane, &commit);
            Ok(changed.await?.map(|changed| (*partition, changed)))
        });
        self.changed(group, topic, join_bounded(commits).await).await
    }

    /// Marks all records of the owner as done.
    pub async fn commit_all(&self, group: &str, owner: &Owner, topics: &[String]) -> Result<()> {
        let remove = |position: &mut Position| position.claims.remove_of(owner);
        self.change_claims(group, owner, topics, &remove).await
    }

    /// Extends the owner's claims by another lease.
    pub async fn extend(
        &self,
        group: &str,
        owner: &Owner,
        topics: &[String],
        lease: Duration,
    ) -> Result<()> {
        let until = || self.host.now().saturating_add(millis(lease));
        let extend = |position: &mut Position| position.claims.extend_of(owner, until());
        self.change_claims(group, owner, topics, &extend).await
    }

    /// Gives back the owner's records, so that they are handed out again.
    pub async fn give_back(&self, group: &str, owner: &Owner, topics: &[String]) -> Result<()> {
        let give_back =
            |position: &mut Position| position.claims.give_back_of(owner, self.host.now());
        self.change_claims(group, owner, topics, &give_back).await
    }

    async fn change_claims(
        &self,
        group: &str,
        owner: &Owner,
        topics: &[String],
        edit: &dyn Fn(&mut Position),
    ) -> Result<()> {
        let topics = topics.iter().map(async |topic| {
            let partitions = match self.log.topic(topic).await {
                Ok(topic) => topic.partitions,
                // The topic was deleted, and so were the claims.
                Err(error) if matches!(*error, ErrorKind::UnknownTopic(_)) => 0,
                Err(error) => return Err(error),
            };
            let lanes = (0..partitions).map(async |partition| {
                let lane = self.lane(group, topic, partition)?;
                let latest = lane.peek().await?.and_then(|(_, document)| document.payload);
                if !latest.is_some_and(|position| position.claims.has_of(owner)) {
                    return Ok(None);
                }
                let edited = |mut position: Position| {
                    Ok(if position.claims.has_of(owner) {
                        edit(&mut position);
                        PositionChange::Keep(position)
                    } else {
                        PositionChange::Nothing
                    })
                };
                let changed = self.change(&lane, &edited);
                Ok(changed.await?.map(|changed| (partition, changed)))
            });
            self.changed(group, topic, join_bounded(lanes).await).await
        });
        try_join_bounded(topics).await?;
        Ok(())
    }

    /// Tells others of what was changed on a topic, also where something else failed.
    async fn changed(
        &self,
        group: &str,
        topic: &str,
        changes: Vec<Result<Option<(i32, Changed)>>>,
    ) -> Result<()> {
        let (changes, outcome) = successes(changes);
        let changed: Vec<_> = changes.into_iter().flatten().collect();
        let places = changed.iter().map(|(partition, changed)| (*partition, changed.advised));
        Advice::lower(&self.host, group, topic, places).await;
        if changed.iter().any(|(_, changed)| changed.begins) {
            self.groups.begun(group, topic);
        }
        outcome
    }

    fn lane(&self, group: &str, topic: &str, partition: i32) -> Result<Lane<H, Position>> {
        let name = LaneName::group(group, topic, partition)?;
        Ok(Lane::new(self.host.clone(), name, self.params))
    }

    /// The allowance for differing clocks and stale reads.
    fn margin(&self) -> Millis {
        millis(self.params.margin())
    }

    /// Waits for a lane and changes its position. `None` if nothing was changed.
    async fn change(
        &self,
        lane: &Lane<H, Position>,
        edit: &dyn Fn(Position) -> Result<PositionChange>,
    ) -> Result<Option<Changed>> {
        let give_up = self.host.monotonic() + MAX_COMMIT_WAIT;
        loop {
            let pause = match lane.try_take(async |_| Ok(Position::at(0))).await? {
                Take::Busy { retry_in } => retry_in,
                Take::Unworthy(_) => Duration::ZERO,
                Take::Held(held) => {
                    let (before, begins) = (held.payload().clone(), held.begins());
                    let margin = self.margin();
                    let advised = |position: &Position| {
                        Advised(position.next, position.claims.next_free(margin))
                    };
                    let left;
                    let (written, advised) = match edit(before.clone()) {
                        Ok(PositionChange::Keep(position)) => {
                            let advised = advised(&position);
                            left = before.into_place().filter(|_| position.ahead.is_none());
                            (held.release(position).await?, advised)
                        }
                        Ok(PositionChange::Move(position)) => {
                            let advised = advised(&position);
                            left = before.into_place();
                            (held.seek(position).await?, advised)
                        }
                        unchanged => {
                            // A deleted group stays deleted.
                            if begins {
                                held.delete().await?;
                            } else {
                                held.release(before).await?;
                            }
                            return unchanged.map(|_| None);
                        }
                    };
                    if written == Written::Kept {
                        // The server would keep it for minutes.
                        if let Some(place) = left {
                            self.log.close(place).await;
                        }
                        return Ok(Some(Changed { begins, advised }));
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

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}
