//! How far subscriptions are, for metrics: from their documents and those of their positions,
//! for a number of partitions that has an end.

use std::rc::Rc;
use std::time::Duration;

use super::delivery_state::{DeliveryState, Totals};
use super::reports::named_totals;
use super::subscription::Subscription;
use super::{Status, Subscriptions, dated, may_see, removal, topics};
use crate::access::Grant;
use crate::concurrent::{join_bounded, try_join_bounded};
use crate::error::{Error, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::sorted::SortedMap;

/// A subscription, and how far it is on each of its topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionFigures {
    pub id: String,
    /// `active`, `paused` or `disabled`.
    pub state: &'static str,
    pub topics: Vec<TopicFigures>,
}

/// All partitions of a topic together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicFigures {
    pub topic: String,
    /// Offsets between the positions and the ends; `None` where the server gives no end.
    pub lag: Option<i64>,
    /// For how long the oldest record has waited; `None` while nobody has looked at it and
    /// the log reads no times.
    pub waits: Option<Millis>,
    /// How often what happened, by name.
    pub totals: [(&'static str, u64); 6],
    /// The breaker is open, or half open.
    pub is_held: bool,
    /// On how many partitions nothing is delivered until the subscription is moved.
    pub beyond_end: u64,
}

/// What was looked at, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllSubscriptions {
    pub subscriptions: Vec<SubscriptionFigures>,
    /// Partitions of subscriptions that were looked at.
    pub lanes: usize,
    /// Subscriptions, and subscriptions on topics, that were not, because there are too many.
    pub left_out: usize,
    /// Those that could not be read.
    pub failed: usize,
}

type States = Vec<(i32, DeliveryState)>;

impl<H: Host, L: Log> Subscriptions<H, L> {
    /// The figures of the caller's subscriptions whose id is chosen, on the topics that are
    /// chosen, of at most so many documents and so many partitions.
    pub async fn figures(
        &self,
        grant: &Grant,
        is_chosen: &dyn Fn(&str) -> bool,
        is_topic: &dyn Fn(&str) -> bool,
        most: usize,
    ) -> Result<AllSubscriptions> {
        let (context, registry) = (&*self.context, &self.context.registry);
        let mut ids = Vec::new();
        for page in 0..registry.pages(Duration::ZERO).await? {
            let page = registry.page(page).await?;
            ids.extend(page.names().filter(|id| is_chosen(id)).cloned());
        }
        let mut all = AllSubscriptions::default();
        all.left_out += ids.len().saturating_sub(most);
        let found = ids.iter().take(most).map(|id| registry.find(id, Duration::ZERO));
        let mut looked_at = Vec::new();
        for found in join_bounded(found).await {
            let found: Option<Rc<Subscription>> = match found {
                Ok(found) => found,
                Err(_) => {
                    all.failed += 1;
                    continue;
                }
            };
            let live = found.filter(|one| one.is_live() && may_see(one, grant).is_ok());
            let Some(subscription) = live else { continue };
            let topics = topics::of(context, &subscription).await;
            let chosen: Vec<_> = topics.into_iter().filter(|topic| is_topic(topic)).collect();
            if chosen.is_empty() {
                continue;
            }
            let state = Status::from(&subscription.state).state;
            let (id, topics) = (subscription.id.clone(), Vec::new());
            all.subscriptions.push(SubscriptionFigures { id, state, topics });
            for topic in chosen {
                let partitions = removal::partitions(context, &subscription, &topic).await;
                if all.lanes + partitions.len() > most {
                    all.left_out += 1;
                    continue;
                }
                all.lanes += partitions.len();
                let place = all.subscriptions.len() - 1;
                looked_at.push((place, subscription.clone(), topic, partitions));
            }
        }
        let states = looked_at.iter().map(async |(_, subscription, topic, partitions)| {
            let states = partitions.iter().map(|at| self.state(subscription, topic, *at));
            try_join_bounded(states).await
        });
        let mut states = join_bounded(states).await;
        let ends = self.ends(looked_at.iter().map(|(_, _, topic, _)| topic)).await;
        let mut lanes = Vec::new();
        for ((_, _, topic, _), states) in looked_at.iter().zip(&mut states) {
            let states: &mut [_] = states.as_deref_mut().unwrap_or_default();
            let of_topic = ends.get(topic);
            lanes.extend(states.iter_mut().map(|(partition, state)| {
                let end = of_topic.and_then(|ends| ends.get(partition)).copied();
                (&**topic, *partition, end, state)
            }));
        }
        let undated =
            lanes.iter_mut().map(|(topic, at, end, state)| (*topic, *at, end, &mut **state));
        dated::date(context, undated.collect()).await;
        for ((place, _, topic, _), states) in looked_at.into_iter().zip(states) {
            match states {
                Ok(states) => {
                    let ends = ends.get(&topic);
                    let figures = figures_of(topic, &states, ends, context.host.now());
                    all.subscriptions[place].topics.push(figures);
                }
                Err(_) => all.failed += 1,
            }
        }
        Ok(all)
    }

    async fn state(
        &self,
        subscription: &Subscription,
        topic: &str,
        partition: i32,
    ) -> Result<(i32, DeliveryState)> {
        let latest = self.context.lane(&subscription.id, topic, partition)?.peek().await?;
        let state = latest.and_then(|(_, document)| document.payload);
        let start = || DeliveryState::at(subscription.start(topic, partition).unwrap_or(0));
        Ok((partition, state.unwrap_or_else(start)))
    }

    /// Where topics end, each asked for once; nothing of those that do not tell.
    pub(super) async fn ends(
        &self,
        topics: impl Iterator<Item = &String>,
    ) -> SortedMap<String, SortedMap<i32, i64>> {
        let topics: crate::sorted::SortedSet<String> = topics.cloned().collect();
        let ends = topics.into_iter().map(async |topic| {
            let ends = self.context.log.ends(&topic).await?;
            Ok::<_, Error>((topic, ends.into_iter().collect()))
        });
        join_bounded(ends).await.into_iter().flatten().collect()
    }
}

fn figures_of(
    topic: String,
    states: &States,
    ends: Option<&SortedMap<i32, i64>>,
    now: Millis,
) -> TopicFigures {
    let (mut totals, mut lag, mut beyond_end, mut oldest) = (Totals::default(), None, 0, None);
    for (partition, state) in states {
        totals.add(&state.totals);
        let end = ends.and_then(|ends| ends.get(partition)).copied();
        if let Some(end) = end {
            *lag.get_or_insert(0) += (end - state.position()).max(0);
            beyond_end += u64::from(state.position() > end);
        }
        // What was waiting when somebody last looked may be done with.
        oldest = [oldest, state.oldest.filter(|_| !state.is_at(end))].into_iter().flatten().min();
    }
    TopicFigures {
        topic,
        lag,
        waits: match lag {
            Some(0) => Some(0),
            _ => oldest.map(|since: Millis| now.saturating_sub(since).max(0)),
        },
        totals: named_totals(&totals),
        is_held: states.iter().any(|(_, state)| state.hold.is_some_and(|hold| hold.is_open)),
        beyond_end,
    }
}

#[cfg(test)]
mod tests {
    use super::super::breaker::Hold;
    use super::super::delivery_state::Total;
    use super::*;

    fn state(position: i64, oldest: Option<Millis>) -> DeliveryState {
        let mut state = DeliveryState::at(position);
        state.oldest = oldest;
        state.totals.count(Total::Delivered, 2);
        state
    }

    #[test]
    fn partitions_are_added_up_and_the_oldest_record_counts() {
        let ends = [(0, 10), (1, 10), (2, 10)].into_iter().collect();
        let mut held = state(8, Some(5_000));
        held.hold = Some(Hold { until: 1, is_open: true });
        let states = vec![(0, state(4, Some(7_000))), (1, held), (2, state(12, None))];
        let figures = figures_of("t".into(), &states, Some(&ends), 9_000);
        assert_eq!((figures.lag, figures.waits, figures.beyond_end), (Some(8), Some(4_000), 1));
        assert_eq!((figures.totals[0], figures.is_held), (("delivered", 6), true));
    }

    #[test]
    fn nothing_waits_where_nothing_is_left_and_what_nobody_saw_is_not_known() {
        let ends: SortedMap<i32, i64> = [(0, 10)].into_iter().collect();
        let done = figures_of("t".into(), &vec![(0, state(10, Some(1)))], Some(&ends), 9_000);
        assert_eq!((done.lag, done.waits), (Some(0), Some(0)));
        let unseen = figures_of("t".into(), &vec![(0, state(9, None))], Some(&ends), 9_000);
        assert_eq!((unseen.lag, unseen.waits), (Some(1), None));
        let endless = figures_of("t".into(), &vec![(0, state(9, Some(1_000)))], None, 9_000);
        assert_eq!((endless.lag, endless.waits), (None, Some(8_000)));
    }
}
