//! Where a group begins on a topic that it has no position on.

use std::ops::ControlFlow;
use std::rc::Rc;

use super::{Round, ServedPartition, Serving};
use crate::concurrent::try_join_bounded;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::Log;
use crate::services::consume::StartFrom;
use crate::services::consume::start::{self, Begun};
use crate::sorted::SortedMap;

impl<H: Host, L: Log> Serving<H, L> {
    /// Finds where the group begins on topics where it has partitions without a
    /// position, and writes it where it is new. This has to be there before a caller
    /// gets an answer: the group must get all records that follow.
    pub(super) async fn begin(&mut self) -> Result<ControlFlow<Round>> {
        let wants_latest = self.desk.borrow().desk.wants_latest();
        let is_to_begin = |topic: &&Rc<str>| {
            // Advice is written by those for whom the group has begun.
            let has_begun = self.starts.contains_key(*topic) || self.advised.contains_key(*topic);
            // A topic without a record is no reason to write anything yet.
            let mut partitions = self.of_topic(topic);
            let has_records = partitions.any(|(index, _)| self.survey.end(index) != Some(0));
            !has_begun && (wants_latest || has_records)
        };
        let new: Vec<_> = self.topics.iter().filter(is_to_begin).cloned().collect();
        if new.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let names: Vec<_> = new.iter().map(|topic| &**topic).collect();
        self.groups.enlist(&self.group, &names).await?;
        for topic in new {
            let end = |(index, partition): (usize, &ServedPartition<H>)| {
                Some((partition.number, self.survey.end(index)?))
            };
            let ends: Option<SortedMap<_, _>> = self.of_topic(&topic).map(end).collect();
            // A group that has a position anywhere has begun, with a seek or a commit.
            let latest = wants_latest && !self.has_any_position(&topic).await?;
            let from = if latest { StartFrom::Latest } else { StartFrom::Earliest };
            if !self.start_lanes.contains_key(&topic) {
                let lane = start::lane(&self.host, &self.group, &topic, self.params)?;
                self.start_lanes.insert(topic.clone(), lane);
            }
            let Some(lane) = self.start_lanes.get(&topic) else { continue };
            match start::begin(lane, from, ends).await? {
                Begun::Busy { retry_in } => {
                    return Ok(ControlFlow::Break(Round::Unbegun { retry_in }));
                }
                Begun::Known(start) => {
                    self.groups.begun(&self.group, &topic);
                    let places: Vec<_> =
                        self.of_topic(&topic).map(|(index, at)| (index, at.number)).collect();
                    for (index, number) in places {
                        self.survey.set_start(index, start.of(number));
                    }
                    self.starts.insert(topic, start);
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn has_any_position(&self, topic: &Rc<str>) -> Result<bool> {
        let peeks = self.of_topic(topic).map(|(_, partition)| partition.lane.peek());
        let latest = try_join_bounded(peeks).await?;
        Ok(latest.into_iter().flatten().any(|(_, document)| document.payload.is_some()))
    }
}
