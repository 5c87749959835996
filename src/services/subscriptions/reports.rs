//! Where a subscription stands, and moving it.

use std::time::Duration;

use super::delivery_state::{DeliveryState, LastAttempt, Total, Totals};
use super::moving::move_to;
use super::repeating::Run;
use super::subscription::Subscription;
use super::view::SubscriptionView;
use super::{
    KIND, SubscriptionSummary, Subscriptions, check, dated, due, may_see, removal, runs, topics,
};
use crate::access::{AccessError, Grant};
use crate::concurrent::try_join_bounded;
use crate::error::{Error, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::services::seek::SeekTo;
use crate::sorted::{SortedMap, in_order};
use crate::telemetry::Change;

/// The partitions of which progress is shown, at most: each costs a look.
const MAX_SHOWN: usize = 1_000;

/// The last attempts that are shown.
const MAX_ATTEMPTS: usize = 100;

/// The state of a subscription's delivery in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub topic: String,
    pub partition: i32,
    /// The offset of the next record to be delivered.
    pub position: i64,
    /// The end of the partition, where the log tells it.
    pub end: Option<i64>,
    /// Failed attempts at the record at `position`.
    pub failures: u32,
    /// When the next attempt is due, if one has failed.
    pub next_attempt: Option<Millis>,
    /// Why the last attempt failed, if one has.
    pub last_error: Option<String>,
    /// Whether nothing is delivered until the webhook is moved: the topic was made
    /// anew, or has lost records.
    pub beyond_end: bool,
}

impl Progress {
    /// How many offsets lie between the position and the end.
    pub fn lag(&self) -> Option<i64> {
        self.end.map(|end| (end - self.position).max(0))
    }
}

/// A subscription, and how far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub view: SubscriptionView,
    pub progress: Vec<Progress>,
    /// How often what happened, in all partitions, by name.
    pub totals: Vec<(&'static str, u64)>,
    /// Since when the oldest record waits that is not done with, as far as is known.
    pub waiting_since: Option<Millis>,
    /// Since when something is due: at least since now, where nobody has looked at it and the
    /// log reads no times.
    pub overdue_since: Option<Millis>,
    /// How many deliveries are under way, as far as is known: deliverers write it with where
    /// they stand.
    pub in_flight: u64,
    /// What is sent once more.
    pub runs: Vec<Run>,
}

impl Standing {
    /// How many offsets lie between all positions and the ends.
    pub fn lag(&self) -> Option<i64> {
        self.progress.iter().map(Progress::lag).sum()
    }
}

const TOTALS: [(&str, Total); 6] = [
    ("delivered", Total::Delivered),
    ("failed", Total::Failed),
    ("retried", Total::Retried),
    ("dead_lettered", Total::DeadLettered),
    ("skipped", Total::Skipped),
    ("filtered", Total::Filtered),
];

/// All totals by name.
pub(super) fn named_totals(totals: &Totals) -> [(&'static str, u64); 6] {
    TOTALS.map(|(name, total)| (name, totals.of(total)))
}

/// Positions by topic and partition.
pub type Moved = SortedMap<String, SortedMap<i32, i64>>;

/// A topic, a partition, its end where the log tells it, and how far a subscription is there.
type Lane = (String, i32, Option<i64>, DeliveryState);

impl<H: Host, L: Log> Subscriptions<H, L> {
    /// One subscription and where it stands. Kafka is not asked before the
    /// caller is known to be allowed its topic.
    pub async fn get(
        &self,
        id: &str,
        grant: &Grant,
    ) -> Result<(SubscriptionSummary, Vec<Progress>), AccessError> {
        let subscription = self.context.registry.get(id, Duration::ZERO).await?;
        may_see(&subscription, grant)?;
        let lanes = self.lanes(&subscription).await?;
        Ok((subscription.describe(), lanes.iter().map(progress).collect()))
    }

    /// The same with everything that it is set to, and what was counted.
    pub async fn describe(&self, id: &str, grant: &Grant) -> Result<Standing, AccessError> {
        let subscription = self.context.registry.get(id, Duration::ZERO).await?;
        may_see(&subscription, grant)?;
        let mut lanes = self.lanes(&subscription).await?;
        let mut totals = Totals::default();
        lanes.iter().for_each(|(.., state)| totals.add(&state.totals));
        let in_flight = lanes.iter().map(|(.., state)| u64::from(state.in_flight)).sum();
        let progress = lanes.iter().map(progress).collect();
        let runs = subscription.runs.iter().map(async |run| {
            let progress = runs::progress(&self.context, id, run).await?;
            Ok::<_, Error>(Run::of(run, &progress))
        });
        let runs = try_join_bounded(runs).await?;
        let undated = lanes.iter_mut().map(|(topic, at, end, state)| (&**topic, *at, end, state));
        dated::date(&self.context, undated.collect()).await;
        // What was waiting when somebody last looked may be done with.
        let waiting = lanes.iter().filter(|(.., end, state)| !state.is_at(*end));
        let waiting_since = waiting.clone().filter_map(|(.., state)| state.oldest).min();
        let (order, now) = (subscription.settings.order, self.context.host.now());
        let overdue = waiting.filter_map(|(.., end, state)| state.overdue(*end, order, now));
        let overdue_since = overdue.min().filter(|_| subscription.is_active());
        Ok(Standing {
            progress,
            overdue_since,
            totals: named_totals(&totals).into(),
            waiting_since,
            in_flight,
            runs,
            view: self.view(&subscription),
        })
    }

    /// What the lanes of a subscription hold, and where they end. Where the server does not
    /// report ends, only the positions are known.
    async fn lanes(&self, subscription: &Subscription) -> Result<Vec<Lane>> {
        let states = self.states(subscription).await?;
        let ends = self.ends(states.iter().map(|(topic, ..)| topic)).await;
        let lane = |(topic, partition, state)| {
            let end = ends.get(&topic).and_then(|ends| ends.get(&partition)).copied();
            (topic, partition, end, state)
        };
        Ok(states.into_iter().map(lane).collect())
    }

    /// What the lanes of a subscription hold.
    async fn states(
        &self,
        subscription: &Subscription,
    ) -> Result<Vec<(String, i32, DeliveryState)>> {
        let context = &*self.context;
        let mut lanes = Vec::new();
        for topic in topics::of(context, subscription).await {
            for partition in removal::partitions(context, subscription, &topic).await {
                lanes.push((topic.clone(), partition));
            }
        }
        lanes.truncate(MAX_SHOWN);
        let states = lanes.into_iter().map(async |(topic, partition)| {
            let latest = context.lane(&subscription.id, &topic, partition)?.peek().await?;
            let start = subscription.start(&topic, partition).unwrap_or(0);
            let document = latest.map(|(_, document)| document);
            // Whoever holds the lane no more has nothing under way.
            let until = document.as_ref().and_then(|document| document.held);
            let is_held = until.is_some_and(|held| held.until > context.host.now());
            let state = document.and_then(|document| document.payload);
            let mut state = state.unwrap_or_else(|| DeliveryState::at(start));
            if !is_held {
                state.in_flight = 0;
            }
            Ok::<_, Error>((topic, partition, state))
        });
        try_join_bounded(states).await
    }

    /// The last attempts of each partition, the latest first.
    pub async fn attempts(
        &self,
        id: &str,
        grant: &Grant,
    ) -> Result<Vec<AttemptReport>, AccessError> {
        let subscription = self.context.registry.get(id, Duration::ZERO).await?;
        may_see(&subscription, grant)?;
        let mut attempts = Vec::new();
        for (topic, partition, state) in self.states(&subscription).await? {
            for attempt in state.attempts {
                let LastAttempt { at: time, offset, status, millis, error, answer } = attempt;
                let topic = topic.clone();
                attempts.push((
                    time,
                    attempts.len(),
                    AttemptReport { time, topic, partition, offset, status, millis, error, answer },
                ));
            }
        }
        let places = attempts.iter().map(|(time, place, _)| (*time, *place)).collect();
        let mut attempts: Vec<_> = attempts.into_iter().map(|(.., report)| Some(report)).collect();
        let latest = in_order(places).into_iter().rev().take(MAX_ATTEMPTS);
        Ok(latest.filter_map(|(_, place)| attempts[place].take()).collect())
    }

    /// Moves a subscription in one of its topics, or in all, and returns its new
    /// positions. What it failed to deliver is tried at once if it is still ahead.
    pub async fn seek(
        &self,
        id: &str,
        topic: Option<&str>,
        to: SeekTo,
        grant: &Grant,
    ) -> Result<Moved, AccessError> {
        let context = &*self.context;
        let subscription = context.registry.get(id, Duration::ZERO).await?;
        may_see(&subscription, grant)?;
        let all = match topic {
            Some(topic) => vec![topic_of(&subscription, topic)?],
            None => topics::of(context, &subscription).await,
        };
        if all.len() > 1 && matches!(to, SeekTo::Offsets(_)) {
            let sentence = "Offsets are of one topic, and the subscription has several: name it";
            return Err(check::refused("topic", sentence).into());
        }
        let mut moved = Moved::new();
        for topic in all {
            let offsets = to.clone().offsets(&*context.log, &topic).await?;
            let moves = offsets.iter().map(async |(partition, offset)| {
                move_to(context, &subscription, &topic, *partition, *offset).await
            });
            let moves = try_join_bounded(moves).await;
            due::forget(&context.host, &topic).await;
            moves?;
            moved.insert(topic, offsets);
        }
        Change { kind: KIND, name: id, what: "moved", fields: "positions" }.report(&context.host);
        Ok(moved)
    }
}

fn progress((topic, partition, end, state): &Lane) -> Progress {
    let beyond_end = end.is_some_and(|end| state.position() > end);
    Progress { end: *end, beyond_end, ..state.describe(topic.clone(), *partition) }
}

/// A topic that a caller names, if it is the subscription's.
pub(super) fn topic_of(subscription: &Subscription, topic: &str) -> Result<String> {
    match subscription.covers(topic) {
        true => Ok(topic.to_owned()),
        false => Err(check::refused("topic", "It is none of the subscription's topics")),
    }
}

/// One of the last attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptReport {
    pub time: Millis,
    pub topic: String,
    pub partition: i32,
    /// Of the record, or of the first one of a batch.
    pub offset: i64,
    pub status: Option<u16>,
    pub millis: u32,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// How the callback's answer to a failed attempt begins.
    pub answer: Option<String>,
}

/// What became of a sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestReport {
    /// The callback accepted it.
    pub accepted: bool,
    /// The filter or the transform left it out, so that nothing was sent.
    pub filtered: bool,
    pub status: Option<u16>,
    pub millis: u64,
    pub error: Option<String>,
    /// How the callback's answer begins, if it failed.
    pub answer: Option<String>,
}
