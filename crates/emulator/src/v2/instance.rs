//! A consumer instance: the proxy's own buffer in front of a Kafka consumer.

use super::format::Embedded;
use super::groups::{Membership, TopicPartition};
use crate::core::Core;
use crate::http::RestError;
use crate::log::{Partition, Record, Topic, valid_topic_name};
use crate::options::Version;
use crate::waiters::Waiters;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Where to start without a valid position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reset {
    Earliest,
    Latest,
    None,
}

/// What an instance was created with.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) format: Embedded,
    pub(super) reset: Reset,
    pub(super) auto_commit: bool,
    /// Bytes after which a read returns; negative means none.
    pub(super) fetch_min_bytes: i64,
    pub(super) wait: Option<Duration>,
}

/// A record on its way to a reader.
#[derive(Debug, Clone)]
pub(super) struct Delivered {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) record: Arc<Record>,
}

/// What the instance reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Selection {
    #[default]
    Nothing,
    Topics(Vec<String>),
    Pattern(String),
    Assigned,
}

/// Where a partition is read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// At the group's commit, or where the reset rule says.
    Unset,
    Offset(i64),
    Beginning,
    End,
}

/// When records can come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fetch {
    /// Nothing was fetched yet; the first read starts it.
    Fresh,
    NotBefore(Instant),
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) selection: Selection,
    pub(super) assignment: Vec<TopicPartition>,
    pub(super) positions: HashMap<TopicPartition, Position>,
    /// Records that Kafka's consumer has handed over and no reader has got.
    /// Neither a seek nor an assignment clears it.
    pub(super) queue: VecDeque<Delivered>,
    pub(super) closed: bool,
    pub(super) last_used: Instant,
    generation: u64,
    fetch: Fetch,
    last_auto_commit: Instant,
}

#[derive(Debug)]
pub(super) struct Instance {
    pub(super) group: String,
    pub(super) id: String,
    pub(super) settings: Settings,
    pub(super) state: Mutex<State>,
    /// Readers, woken when the instance goes.
    pub(super) readers: Waiters,
}

/// What a poll brought.
#[derive(Debug, Default)]
pub(super) struct Polled {
    /// When another poll may bring more, though no record arrived.
    pub(super) again_at: Option<Instant>,
}

const AUTO_COMMIT_INTERVAL: Duration = Duration::from_secs(5);

impl Instance {
    pub(super) fn new(group: String, id: String, settings: Settings) -> Instance {
        let now = Instant::now();
        Instance {
            group,
            id,
            settings,
            state: Mutex::new(State {
                selection: Selection::Nothing,
                assignment: Vec::new(),
                positions: HashMap::new(),
                queue: VecDeque::new(),
                closed: false,
                last_used: now,
                generation: 0,
                fetch: Fetch::Fresh,
                last_auto_commit: now,
            }),
            readers: Waiters::default(),
        }
    }

    /// Lets Kafka's consumer fetch into the queue, and registers `reader` for
    /// news of the topics.
    pub(super) fn poll(
        &self,
        core: &Core,
        state: &mut State,
        reader: &Arc<Notify>,
    ) -> Result<Polled, RestError> {
        if let Some(until) = self.follow_group(core, state)? {
            return Ok(Polled { again_at: Some(until) });
        }
        if self.settings.auto_commit && state.last_auto_commit.elapsed() >= AUTO_COMMIT_INTERVAL {
            self.commit_positions(core, state);
            state.last_auto_commit = Instant::now();
        }
        let now = Instant::now();
        let not_before = match state.fetch {
            Fetch::Fresh => now + core.options.first_fetch.new_instance,
            Fetch::NotBefore(then) => then,
        };
        state.fetch = Fetch::NotBefore(not_before);
        if now < not_before {
            return Ok(Polled { again_at: Some(not_before) });
        }
        let mut room = core.options.max_poll_records;
        let mut served = 0;
        for at in 0..state.assignment.len() {
            let (name, id) = state.assignment[at].clone();
            let Some((topic, partition)) = find(core, &name, id) else { continue };
            topic.arrived.add(reader);
            if room == 0 {
                break;
            }
            let Some(offset) = self.resolve(core, state, &(name.clone(), id), &partition)? else {
                continue;
            };
            let records = partition.read(offset, room);
            room -= records.len();
            let next = records.last().map_or(offset, |r| r.offset + 1);
            state.positions.insert((name.clone(), id), Position::Offset(next));
            let topic: Arc<str> = name.into();
            state.queue.extend(records.into_iter().map(|record| Delivered {
                topic: topic.clone(),
                partition: id,
                record,
            }));
            served = at + 1;
        }
        // Partitions that were not read come first the next time.
        if room == 0 && served < state.assignment.len() {
            state.assignment.rotate_left(served);
        }
        Ok(Polled::default())
    }

    /// For a subscription: takes part in the group. Returns the time until
    /// which there is nothing to read.
    fn follow_group(&self, core: &Core, state: &mut State) -> Result<Option<Instant>, RestError> {
        let topics = match &state.selection {
            Selection::Nothing => return Err(RestError::internal()),
            Selection::Assigned => return Ok(None),
            Selection::Topics(topics) => topics.clone(),
            Selection::Pattern(pattern) => matching_topics(core, pattern),
        };
        if let Some(name) = topics.iter().find(|name| !valid_topic_name(name)) {
            return Err(RestError::kafka(format!("Invalid topics: [{name}]")));
        }
        for topic in &topics {
            core.log.create_if_automatic(&core.options, topic);
        }
        let delay = core.options.rebalance_delay;
        let membership = core
            .consumers
            .with_group(&self.group, |group| group.poll(&core.log, &self.id, &topics, delay));
        match membership {
            Membership::Waiting { not_before } => {
                state.assignment.clear();
                // It may take a read of another member; look again from time to
                // time.
                let soon = Instant::now() + Duration::from_millis(50);
                Ok(Some(not_before.max(soon)))
            }
            Membership::Assigned { generation, partitions } => {
                if state.generation != generation || state.assignment.is_empty() {
                    if state.generation != generation {
                        state.positions.clear();
                        state.fetch_elsewhere(core);
                    }
                    state.generation = generation;
                    state.assignment = partitions;
                }
                Ok(None)
            }
        }
    }

    /// The offset to read a partition from; none if nothing can be read yet.
    fn resolve(
        &self,
        core: &Core,
        state: &mut State,
        place: &TopicPartition,
        partition: &Partition,
    ) -> Result<Option<i64>, RestError> {
        let (first, end) = (partition.first_offset(), partition.end_offset());
        let position = state.positions.get(place).copied().unwrap_or(Position::Unset);
        let wanted = match position {
            Position::Offset(offset) => Some(offset),
            Position::Beginning => Some(first),
            Position::End => Some(end),
            Position::Unset => core.consumers.with_group(&self.group, |group| {
                group.committed.get(place).map(|committed| committed.offset)
            }),
        };
        let offset = match wanted {
            Some(offset) if (first..=end).contains(&offset) => offset,
            lost => match (self.settings.reset, lost) {
                (Reset::Earliest, _) => first,
                (Reset::Latest, _) => end,
                (Reset::None, None) => return Err(no_offset(place)),
                (Reset::None, Some(offset)) => {
                    return Err(out_of_range(place, offset, core.options.version));
                }
            },
        };
        state.positions.insert(place.clone(), Position::Offset(offset));
        Ok(Some(offset))
    }

    /// Commits where Kafka's consumer is, which may be ahead of the readers.
    pub(super) fn commit_positions(&self, core: &Core, state: &State) {
        let positions: Vec<(TopicPartition, i64)> = state
            .assignment
            .iter()
            .filter_map(|place| match state.positions.get(place) {
                Some(Position::Offset(offset)) => Some((place.clone(), *offset)),
                _ => None,
            })
            .collect();
        core.consumers.commit(&self.group, positions.into_iter().map(|(p, o)| (p, o, "".into())));
    }

    /// Leaves the group and forgets what was selected.
    pub(super) fn deselect(&self, core: &Core, state: &mut State) {
        if self.settings.auto_commit {
            self.commit_positions(core, state);
        }
        if matches!(state.selection, Selection::Topics(_) | Selection::Pattern(_)) {
            let notice_after = core.options.heartbeat_interval;
            core.consumers.with_group(&self.group, |group| group.leave(&self.id, notice_after));
        }
        state.selection = Selection::Nothing;
        state.assignment.clear();
        state.positions.clear();
        state.generation = 0;
    }
}

impl State {
    /// The fetch under way is for another place: its answer has to come back
    /// before the new place is fetched.
    pub(super) fn fetch_elsewhere(&mut self, core: &Core) {
        if let Fetch::NotBefore(then) = self.fetch {
            let back = Instant::now() + core.options.first_fetch.after_seek;
            self.fetch = Fetch::NotBefore(then.max(back));
        }
    }
}

/// The topics that a pattern stands for now.
pub(super) fn matching_topics(core: &Core, pattern: &str) -> Vec<String> {
    let Ok(regex) = regex_lite::Regex::new(&format!("^(?:{pattern})$")) else {
        return Vec::new();
    };
    let topics = core.log.topics();
    topics.iter().map(|t| t.name()).filter(|n| regex.is_match(n)).map(str::to_owned).collect()
}

fn find(core: &Core, name: &str, id: i32) -> Option<(Arc<Topic>, Arc<Partition>)> {
    core.log.create_if_automatic(&core.options, name);
    let topic = core.log.topic(name)?;
    let partition = topic.partition(id)?;
    Some((topic, partition))
}

fn no_offset((topic, partition): &TopicPartition) -> RestError {
    RestError::new(
        500,
        50002,
        format!("Undefined offset with no reset policy for partitions: [{topic}-{partition}]"),
    )
}

fn out_of_range((topic, partition): &TopicPartition, offset: i64, version: Version) -> RestError {
    let fenced = match version {
        Version::V7_9_9 => "",
        Version::V8_3_1 => " isFenced: false",
    };
    RestError::new(
        500,
        50002,
        format!(
            "Fetch position FetchPosition{{offset={offset}, offsetEpoch=Optional.empty, currentLeader=LeaderAndEpoch{{leader=Optional[127.0.0.1:19092 (id: 1 rack: null{fenced})], epoch=0}}}} is out of range for partition {topic}-{partition}"
        ),
    )
}
