//! Consumer groups: committed offsets, members, and their partitions.

use crate::java_order::{partition_hash, sort_as_hash_map};
use crate::log::Log;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// A topic and a partition of it.
pub(crate) type TopicPartition = (String, i32);

/// A committed offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) offset: i64,
    pub(crate) metadata: String,
}

#[derive(Debug)]
struct Member {
    id: String,
    topics: Vec<String>,
    /// Whether it takes part in the rebalance under way. A member can only do
    /// so when it reads.
    joined: bool,
    partitions: Vec<TopicPartition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Empty,
    /// Partitions are assigned at this time, once all members have joined, but
    /// not earlier.
    Rebalancing {
        not_before: Instant,
    },
    Stable,
}

#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) committed: BTreeMap<TopicPartition, Committed>,
    members: Vec<Member>,
    phase: Phase,
    generation: u64,
}

/// The answer of a group to a member that reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Membership {
    Assigned {
        generation: u64,
        partitions: Vec<TopicPartition>,
    },
    /// A rebalance is under way, at least until then.
    Waiting {
        not_before: Instant,
    },
}

impl Group {
    /// A member reads: it joins if it has to, and gets its partitions.
    pub(super) fn poll(
        &mut self,
        log: &Log,
        member: &str,
        topics: &[String],
        first_delay: Duration,
    ) -> Membership {
        let now = Instant::now();
        let at = match self.members.iter().position(|m| m.id == member) {
            Some(at) => at,
            None => {
                let delay = if self.members.is_empty() { first_delay } else { Duration::ZERO };
                self.rebalance(now + delay);
                self.members.push(Member {
                    id: member.to_owned(),
                    topics: topics.to_vec(),
                    joined: false,
                    partitions: Vec::new(),
                });
                self.members.len() - 1
            }
        };
        if self.members[at].topics != topics {
            self.members[at].topics = topics.to_vec();
            self.rebalance(now);
        }
        if let Phase::Rebalancing { not_before } = self.phase {
            self.members[at].joined = true;
            if now <= not_before || !self.members.iter().all(|m| m.joined) {
                return Membership::Waiting { not_before };
            }
            self.hand_out(log);
        }
        Membership::Assigned {
            generation: self.generation,
            partitions: self.members[at].partitions.clone(),
        }
    }

    pub(super) fn leave(&mut self, member: &str, notice_after: Duration) {
        let before = self.members.len();
        self.members.retain(|m| m.id != member);
        if self.members.is_empty() {
            self.phase = Phase::Empty;
        } else if self.members.len() < before {
            self.rebalance(Instant::now() + notice_after);
        }
    }

    fn rebalance(&mut self, not_before: Instant) {
        self.phase = Phase::Rebalancing { not_before };
        for member in &mut self.members {
            member.joined = false;
        }
    }

    /// Kafka's range assignor: of each topic, a run of partitions for each
    /// member, the first members get one more if it does not come out even.
    fn hand_out(&mut self, log: &Log) {
        self.phase = Phase::Stable;
        self.generation += 1;
        for member in &mut self.members {
            member.partitions.clear();
        }
        let mut order: Vec<usize> = (0..self.members.len()).collect();
        order.sort_by(|a, b| self.members[*a].id.cmp(&self.members[*b].id));
        let mut topics: Vec<String> =
            self.members.iter().flat_map(|m| m.topics.iter().cloned()).collect();
        topics.sort();
        topics.dedup();
        for topic in topics {
            let count = log.topic(&topic).map_or(0, |t| t.partition_count());
            let readers: Vec<usize> = order
                .iter()
                .copied()
                .filter(|m| self.members[*m].topics.contains(&topic))
                .collect();
            let (each, extra) = (count / readers.len() as i32, count % readers.len() as i32);
            let mut next = 0;
            for (i, reader) in readers.into_iter().enumerate() {
                let take = each + i32::from((i as i32) < extra);
                let range = (next..next + take).map(|p| (topic.clone(), p));
                self.members[reader].partitions.extend(range);
                next += take;
            }
        }
        for member in &mut self.members {
            sort_as_hash_map(&mut member.partitions, |(t, p)| partition_hash(t, *p));
        }
    }

    pub(super) fn view(&self, id: &str) -> GroupView {
        GroupView {
            id: id.to_owned(),
            state: match self.phase {
                Phase::Empty if self.generation == 0 => GroupState::Simple,
                Phase::Empty => GroupState::Empty,
                Phase::Rebalancing { .. } => GroupState::Rebalancing,
                Phase::Stable => GroupState::Stable,
            },
            committed: self.committed.clone(),
            members: self
                .members
                .iter()
                .map(|m| MemberView { id: m.id.clone(), partitions: m.partitions.clone() })
                .collect(),
        }
    }

    /// Whether Kafka would know of this group.
    pub(super) fn exists(&self) -> bool {
        !self.committed.is_empty() || !self.members.is_empty() || self.generation > 0
    }
}

/// The state of a group as v3 shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupState {
    /// Only ever committed to, never joined.
    Simple,
    Empty,
    Rebalancing,
    Stable,
}

/// A group as v3 shows it.
#[derive(Debug, Clone)]
pub(crate) struct GroupView {
    pub(crate) id: String,
    pub(crate) state: GroupState,
    pub(crate) committed: BTreeMap<TopicPartition, Committed>,
    pub(crate) members: Vec<MemberView>,
}

/// A member as v3 shows it.
#[derive(Debug, Clone)]
pub(crate) struct MemberView {
    id: String,
    partitions: Vec<TopicPartition>,
}

impl MemberView {
    pub(crate) fn owns(&self, topic: &str, partition: i32) -> bool {
        self.partitions.iter().any(|(t, p)| t == topic && *p == partition)
    }

    pub(crate) fn client_id(&self) -> String {
        format!("consumer-{}", self.id)
    }

    pub(crate) fn consumer_id(&self) -> String {
        format!("consumer-{}-1", self.id)
    }
}
