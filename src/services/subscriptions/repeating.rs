//! Has records sent once more, beside the live position: a replay, or the dead letters.

use std::time::Duration;

use serde::Deserialize;

use super::administration::live;
use super::check::refused;
use super::reports::topic_of;
use super::runs::RunProgress;
use super::settings::{Exhausted, Start};
use super::subscription::{MAX_RUNS, SideRun, Subscription};
use super::{Subscriptions, due, may_see, topics};
use crate::access::{AccessError, Grant, Permission};
use crate::calendar;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::{Log, Offsets};
use crate::random;
use crate::sorted::SortedMap;

/// What is to be sent once more.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// It may be left out where the subscription has one.
    topic: Option<String>,
    /// All of them, if it is left out.
    partition: Option<i32>,
    #[serde(default = "earliest")]
    from: Start,
    /// The first offset or time that is not sent any more; the end of now, if it is left
    /// out.
    #[serde(default)]
    to: Start,
}

fn earliest() -> Start {
    Start::Earliest
}

/// Records that are sent once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: String,
    pub topic: String,
    /// They are dead letters.
    pub redrive: bool,
    pub parts: Vec<RunPart>,
}

/// A run in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPart {
    pub partition: i32,
    pub from: i64,
    /// The first offset that is not sent.
    pub to: i64,
    /// The offset of the next record that is sent.
    pub position: i64,
    /// Records that the callback accepted.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
}

impl Run {
    pub(super) fn of(run: &SideRun, progress: &[RunProgress]) -> Self {
        let part = |(partition, (from, to)): (&i32, &(i64, i64))| {
            let known = progress.iter().find(|known| known.partition == *partition);
            RunPart {
                partition: *partition,
                from: *from,
                to: *to,
                position: known.map_or(*from, |known| known.position),
                delivered: known.map_or(0, |known| known.delivered),
                failed: known.map_or(0, |known| known.failed),
            }
        };
        let parts = run.parts.iter().map(part).collect();
        Self { id: run.id.clone(), topic: run.topic.clone(), redrive: run.redrive, parts }
    }
}

impl<H: Host, L: Log> Subscriptions<H, L> {
    /// Sends records of a topic once more, beside the live position.
    pub async fn replay(&self, id: &str, json: &[u8], grant: &Grant) -> Result<Run, AccessError> {
        let context = &*self.context;
        let wanted: Wanted =
            kafka_edge_json::from_slice(json).map_err(|error| Error::of_json(&error, "body"))?;
        let subscription = context.registry.get(id, Duration::ZERO).await?;
        may_see(&subscription, grant)?;
        let topic = match (&wanted.topic, &subscription.settings.topics[..]) {
            (Some(topic), _) => topic_of(&subscription, topic)?,
            (None, [topic]) if !topic.ends_with('*') => topic.clone(),
            (None, _) => {
                let sentence = "The subscription has several topics: name one";
                return Err(refused("topic", sentence).into());
            }
        };
        let bounds: SortedMap<i32, Offsets> =
            context.log.offsets(&topic).await?.into_iter().collect();
        if wanted.partition.is_some_and(|wanted| bounds.get(&wanted).is_none()) {
            return Err(refused("partition", "The topic has no such partition").into());
        }
        let from = self.places("from", &topic, &wanted.from, &bounds).await?;
        let to = self.places("to", &topic, &wanted.to, &bounds).await?;
        let parts = bounds.iter().filter_map(|(partition, bounds)| {
            let from = from.get(partition)?.max(&bounds.first);
            let to = to.get(partition)?.min(&bounds.end);
            let is_wanted = wanted.partition.is_none_or(|wanted| wanted == *partition);
            (is_wanted && from < to).then_some((*partition, (*from, *to)))
        });
        let parts: SortedMap<_, _> = parts.collect();
        if parts.is_empty() {
            return Err(refused("from", "There is no record between from and to").into());
        }
        self.begin(&subscription, topic, parts, None).await
    }

    /// Sends again what was given up and lies in the dead-letter topic, up to its ends of
    /// now.
    pub async fn redrive(&self, id: &str, grant: &Grant) -> Result<Run, AccessError> {
        let context = &*self.context;
        let subscription = context.registry.get(id, Duration::ZERO).await?;
        may_see(&subscription, grant)?;
        let Exhausted::DeadLetter(topic) = &subscription.settings.exhausted else {
            let sentence = "The subscription has no dead-letter topic";
            return Err(refused("exhausted.dead_letter", sentence).into());
        };
        // What lies there is sent to the callback.
        grant.permits(Permission::Consume)?;
        grant.permits_topic(topic)?;
        let bounds = context.log.offsets(topic).await?;
        let part = |(partition, Offsets { first, end }): (i32, Offsets)| {
            let from = subscription.redriven.get(&partition).map_or(first, |from| first.max(*from));
            (from < end).then_some((partition, (from, end)))
        };
        let parts: SortedMap<_, _> = bounds.iter().copied().filter_map(part).collect();
        if parts.is_empty() {
            return Err(refused(
                "exhausted.dead_letter",
                "The dead-letter topic holds nothing new",
            )
            .into());
        }
        let ends = bounds.into_iter().map(|(partition, bounds)| (partition, bounds.end));
        self.begin(&subscription, topic.clone(), parts, Some(ends.collect())).await
    }

    async fn begin(
        &self,
        subscription: &Subscription,
        topic: String,
        parts: SortedMap<i32, (i64, i64)>,
        redriven: Option<SortedMap<i32, i64>>,
    ) -> Result<Run, AccessError> {
        let host = &self.context.host;
        let run = SideRun {
            id: format!("run_{}", random::hex_id::<8>(host)),
            topic,
            created: host.now(),
            parts,
            redrive: redriven.is_some(),
        };
        let begin = |subscription: &mut Subscription| {
            live(subscription)?;
            if subscription.runs.contains(&run) {
                return Ok(());
            }
            if subscription.runs.len() >= MAX_RUNS {
                let sentence = format!("{MAX_RUNS} replays of this subscription are under way");
                return Err(ErrorKind::LimitReached(sentence).into());
            }
            subscription.runs.push(run.clone());
            if let Some(redriven) = &redriven {
                subscription.redriven.clone_from(redriven);
            }
            Ok(())
        };
        let begun = self.context.registry.change(&subscription.id, &begin).await?;
        begun.report(Some(subscription), host);
        // The next round looks at the subscription, and so finds the run.
        for topic in topics::of(&self.context, subscription).await {
            due::forget(host, &topic).await;
        }
        Ok(Run::of(&run, &[]))
    }

    /// A place by partition.
    async fn places(
        &self,
        field: &str,
        topic: &str,
        at: &Start,
        bounds: &SortedMap<i32, Offsets>,
    ) -> Result<SortedMap<i32, i64>> {
        let of = |place: &dyn Fn(&Offsets) -> i64| {
            bounds.iter().map(|(partition, bounds)| (*partition, place(bounds))).collect()
        };
        Ok(match at {
            Start::Earliest => of(&|bounds| bounds.first),
            Start::Latest => of(&|bounds| bounds.end),
            Start::Offset(offset) if *offset < 0 => {
                return Err(refused(format!("{field}.offset"), "An offset below zero"));
            }
            Start::Offset(offset) => of(&|_| *offset),
            Start::Time(time) => {
                let time = calendar::parse(time).ok_or_else(|| {
                    let sentence = "Neither a time in RFC 3339 nor milliseconds since 1970";
                    refused(format!("{field}.time"), sentence)
                })?;
                self.context.log.offset_at(topic, time).await?.into_iter().collect()
            }
        })
    }
}
