//! What a round looks at before it takes a partition: the ends of the log, the advice,
//! and now and then a position itself. And how wrong advice is corrected.

use std::rc::Rc;
use std::time::Duration;

use super::{ServedPartition, Serving};
use crate::concurrent::try_join_bounded;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::Log;
use crate::services::beyond_end::BeyondEnd;
use crate::services::consume::advice::{Advice, Advised};
use crate::services::consume::survey::Known;
use crate::sorted::SortedSet;
use crate::state::keys::LaneName;
use crate::state::lane::Lane;

/// How often the positions are read again while there is nothing to read: another
/// caller may have moved them back. Where an end moves, or a claimed record comes free,
/// the partition itself is looked at.
const POSITIONS_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// While records are read all the time, others may come to partitions that nobody reads.
/// So the ends are asked for again after some reads for each partition, but no more
/// often than this.
const READS_BETWEEN_LOOKS: usize = 25;
const MIN_ENDS_AGE: Duration = Duration::from_secs(1);

/// How long the ends of the log are used while callers queue, because those try
/// to take their partition more often.
const QUEUED_ENDS_CHECK_INTERVAL: Duration = Duration::from_millis(200);

impl<H: Host, L: Log> Serving<H, L> {
    /// Finds out where records are worth looking for: by the ends of the log, if nothing
    /// is known to be there, by the advice, and now and then by a position itself.
    pub(super) async fn look(&mut self) -> Result<()> {
        self.needs_new_ends |= self.desk.borrow_mut().desk.take_arrived();
        let is_new = self.partitions.is_empty();
        if is_new {
            self.random_access = self.log.capabilities().await?.random_access;
            self.look_at_ends().await?;
        }
        let now = self.host.monotonic();
        // What is known from before the desk was left may be old: where it names nothing
        // to read, or nothing is found there, the advice is read again.
        let is_misled = std::mem::take(&mut self.is_misled);
        let may_be_moved = self.was_idle && (is_misled || !self.is_anything_worth_taking());
        let is_due = may_be_moved
            || self.looked.is_none_or(|looked| now - looked >= POSITIONS_CHECK_INTERVAL);
        let looks_at_one = is_due && self.looked.is_some() && !may_be_moved;
        if is_due {
            self.looked = Some(now);
            self.was_idle &= !may_be_moved;
            self.take_advice(may_be_moved).await?;
            self.has_looked_at_one = looks_at_one;
        }
        let asks = match self.is_anything_worth_taking() {
            true => self.ends_are_old() || (self.needs_new_ends && self.found_nothing),
            false => self.needs_new_ends || now >= self.ends_due,
        };
        if asks && !is_new {
            self.look_at_ends().await?;
        }
        if looks_at_one {
            self.look_at_one().await?;
        }
        Ok(())
    }

    /// Whether records may have come to other partitions than those that are read all
    /// the time.
    pub(super) fn ends_are_old(&self) -> bool {
        let partitions = self.partitions.len();
        partitions > 1
            && self.reads_since >= partitions.saturating_mul(READS_BETWEEN_LOOKS)
            && self.host.monotonic().saturating_sub(self.ends_asked) >= MIN_ENDS_AGE
    }

    /// Whether a round is to end because the next one looks at more than it would.
    pub(super) fn looks_are_old(&self) -> bool {
        let is_old = |looked| self.host.monotonic() - looked >= POSITIONS_CHECK_INTERVAL;
        self.ends_are_old() || self.looked.is_none_or(is_old)
    }

    /// Reads for each topic where records are worth looking for. What others have written
    /// since may be older than what this instance knows, which costs a look, and it tells
    /// of a seek.
    /// With `anew`, what is known of partitions that the advice does not name is
    /// forgotten.
    async fn take_advice(&mut self, anew: bool) -> Result<()> {
        let topics = self.topics.clone();
        let reads = topics.iter().map(|topic| Advice::read(&self.host, &self.group, topic));
        for (topic, advice) in topics.iter().zip(try_join_bounded(reads).await?) {
            let Some(advice) = advice else {
                let is_deleted = self.advised.remove(topic).is_some();
                if is_deleted {
                    // Where the group begins now is yet to be written.
                    self.starts.remove(topic);
                }
                if is_deleted || anew {
                    let places: Vec<_> = self.of_topic(topic).map(|(index, _)| index).collect();
                    places.into_iter().for_each(|index| self.survey.forget(index));
                }
                continue;
            };
            let before = self.advised.insert(topic.clone(), advice.clone()).unwrap_or_default();
            let places: Vec<_> =
                self.of_topic(topic).map(|(index, at)| (index, at.number)).collect();
            for (index, number) in places {
                let advised = advice.0.get(&number).copied();
                match advised {
                    // What is known is newer.
                    Some(_) if before.0.get(&number).copied() == advised => {}
                    Some(Advised(next, free_at)) => {
                        let known = Known { next, free_at, full: false };
                        self.survey.set_known(index, Some(known));
                    }
                    None if anew => self.survey.forget(index),
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// Looks at the partitions themselves, another one each time.
    pub(super) async fn look_at_one(&mut self) -> Result<()> {
        let Some(partition) = self.partitions.get(self.next_look % self.partitions.len().max(1))
        else {
            return Ok(());
        };
        let index = self.next_look % self.partitions.len();
        let known = self.known(partition.lane.peek().await?);
        self.next_look = index + 1;
        // The advice may be from before a seek or a delete.
        let (topic, number) = (&partition.topic, partition.number);
        let advised = self.advised.get(topic).and_then(|advice| advice.0.get(&number)).copied();
        let is_wrong = match (advised, known) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(Advised(next, free_at)), Some(known)) => {
                next > known.next || (known.free_at.is_some() && free_at != known.free_at)
            }
        };
        self.survey.set_known(index, known);
        if is_wrong {
            // It hides records, so that it is corrected whatever else is found.
            self.misjudged.insert(index);
            self.correct_advice().await;
        }
        Ok(())
    }

    /// Corrects the advice where it was wrong, and adds what it does not say yet: advice
    /// that nobody has written promises everything.
    pub(super) async fn correct_advice(&mut self) {
        for topic in self.topics.clone() {
            let read = self.advised.get(&topic).cloned().unwrap_or_default();
            let seen = self.of_topic(&topic).filter_map(|(index, partition)| {
                let is_new = !read.0.contains_key(&partition.number);
                let known = self.survey.known(index);
                let advised = known.map(|Known { next, free_at, .. }| Advised(next, free_at));
                let is_wrong = self.misjudged.contains(&index) || (is_new && known.is_some());
                let is_other = advised != read.0.get(&partition.number).copied();
                (is_wrong && is_other).then_some((partition.number, advised))
            });
            let seen: Vec<_> = seen.collect();
            if seen.is_empty() {
                continue;
            }
            // What somebody else has written since is newer: a seek, or a give-back.
            let mut latest = match Advice::read(&self.host, &self.group, &topic).await {
                Ok(Some(latest)) => latest,
                Ok(None) if !self.advised.contains_key(&topic) => Advice::default(),
                // The group was deleted meanwhile.
                Ok(None) | Err(_) => continue,
            };
            for (partition, advised) in seen {
                if latest.0.get(&partition) == read.0.get(&partition) {
                    match advised {
                        Some(advised) => drop(latest.0.insert(partition, advised)),
                        None => drop(latest.0.remove(&partition)),
                    }
                }
            }
            latest.write(&self.host, &self.group, &topic).await;
            self.advised.insert(topic, latest);
        }
        self.misjudged = SortedSet::new();
    }

    async fn look_at_ends(&mut self) -> Result<()> {
        if std::mem::take(&mut self.needs_new_ends) {
            self.poller.renew();
        }
        (self.ends_asked, self.reads_since) = (self.host.monotonic(), 0);
        self.ends_due = self.ends_asked + QUEUED_ENDS_CHECK_INTERVAL;
        for (topic, seen) in self.poller.look().await? {
            self.add_partitions(&topic, seen.partitions)?;
            for (index, partition) in self.partitions.iter().enumerate() {
                if partition.topic == topic {
                    // Without reported ends every partition is tried, which
                    // shows whether it has records.
                    let ends = seen.ends.as_ref();
                    let end = ends.and_then(|ends| ends.get(&partition.number).copied());
                    self.survey.set_end(index, end);
                }
            }
        }
        self.find_beyond();
        Ok(())
    }

    /// Finds the positions beyond the end. Right after a look at the ends, those
    /// are newer than the positions.
    fn find_beyond(&mut self) {
        let beyond = self.partitions.iter().enumerate().filter_map(|(index, partition)| {
            let (position, end) = self.survey.position_and_end(index)?;
            BeyondEnd::check(&partition.topic, partition.number, position, end)
        });
        let beyond: Vec<_> = beyond.collect();
        for position in &beyond {
            self.reported.tell(&self.host, "group", &self.group, position);
        }
        self.desk.borrow_mut().desk.set_beyond(beyond);
    }

    fn add_partitions(&mut self, topic: &Rc<str>, count: i32) -> Result<()> {
        let known = self.partitions.iter().filter(|known| known.topic == *topic).count() as i32;
        for number in known..count {
            let name = LaneName::group(&self.group, topic, number)?;
            let lane = Lane::new(self.host.clone(), name, self.params);
            self.partitions.push(ServedPartition { topic: topic.clone(), number, lane });
        }
        self.survey.set_partitions(self.partitions.len());
        Ok(())
    }
}
