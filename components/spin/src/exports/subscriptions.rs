//! The export of `kafka-edge:api/subscriptions`.

use super::consumer::{groups::seek_to, partition_offsets};
use super::{Answer, answering, grant, topic};
use crate::bindings::exports::kafka_edge::api::subscriptions::{
    Attempt, Delivery, Guest, Made, Milliseconds, Moved, Page, Progress, Run, RunPartition,
    SeekTarget, Standing, Start, State, Subscription, Topic, Totals, Trial,
};
use crate::exports::convert::time;
use crate::{Component, services};
use kafka_edge::limits;
use kafka_edge::services::subscriptions as service;

impl Guest for Component {
    fn register(topic: Topic, callback_url: String, start: Start) -> Answer<Made> {
        answering(async move {
            let topic = self::topic(topic)?;
            let subscriptions = &services().await?.subscriptions;
            let registered = subscriptions.register(&topic, &callback_url, start.into()).await?;
            let id = &registered.subscription.id;
            let view = subscriptions.settings_of(id, &grant()).await?;
            let is_new = registered.secret.is_some();
            Ok(Made { subscription: view.into(), secret: registered.secret, is_new })
        })
    }

    fn create(settings: String) -> Answer<Made> {
        answering(async move {
            let subscriptions = &services().await?.subscriptions;
            Ok(subscriptions.create(settings.as_bytes(), &grant()).await?.into())
        })
    }

    fn list(cursor: Option<String>) -> Answer<Page> {
        answering(async move {
            let page = services().await?.subscriptions.page(cursor.as_deref(), &grant()).await?;
            let subscriptions = page.subscriptions.into_iter().map(Into::into).collect();
            Ok(Page { subscriptions, next: page.next })
        })
    }

    fn get(id: String) -> Answer<Standing> {
        answering(async move {
            Ok(services().await?.subscriptions.describe(&id, &grant()).await?.into())
        })
    }

    fn put(id: String, settings: String, tag: Option<String>) -> Answer<Made> {
        answering(async move {
            let (settings, tag) = (settings.as_bytes(), condition(tag.as_ref()));
            Ok(services().await?.subscriptions.put(&id, settings, tag, &grant()).await?.into())
        })
    }

    fn patch(id: String, patch: String, tag: Option<String>) -> Answer<Subscription> {
        answering(async move {
            let (patch, tag) = (patch.as_bytes(), condition(tag.as_ref()));
            Ok(services().await?.subscriptions.patch(&id, patch, tag, &grant()).await?.into())
        })
    }

    fn delete(id: String, tag: Option<String>) -> Answer<()> {
        answering(async move {
            let tag = condition(tag.as_ref());
            Ok(services().await?.subscriptions.delete(&id, tag, &grant()).await?)
        })
    }

    fn pause(id: String) -> Answer<Subscription> {
        answering(
            async move { Ok(services().await?.subscriptions.pause(&id, &grant()).await?.into()) },
        )
    }

    fn resume(id: String) -> Answer<Subscription> {
        answering(
            async move { Ok(services().await?.subscriptions.resume(&id, &grant()).await?.into()) },
        )
    }

    fn seek(id: String, topic: Option<Topic>, to: SeekTarget) -> Answer<Vec<Moved>> {
        answering(async move {
            let (to, subscriptions) = (seek_to(to)?, &services().await?.subscriptions);
            let moved = subscriptions.seek(&id, topic.as_deref(), to, &grant()).await?;
            let moved = moved.into_iter();
            let moved =
                moved.map(|(topic, offsets)| Moved { topic, offsets: partition_offsets(offsets) });
            Ok(moved.collect())
        })
    }

    fn rotate(id: String, overlap: Option<u32>, secret: Option<String>) -> Answer<Made> {
        answering(async move {
            let (overlap, secret) = (overlap.map(u64::from), secret.as_deref());
            let subscriptions = &services().await?.subscriptions;
            let rotated = subscriptions.rotate(&id, overlap, secret, &grant()).await?;
            let service::Rotated { view, secret } = rotated;
            Ok(Made { subscription: view.into(), secret, is_new: false })
        })
    }

    fn test(id: String, sample: String) -> Answer<Trial> {
        answering(async move {
            let subscriptions = &services().await?.subscriptions;
            Ok(subscriptions.test(&id, sample.as_bytes(), &grant()).await?.into())
        })
    }

    fn attempts(id: String) -> Answer<Vec<Attempt>> {
        answering(async move {
            let attempts = services().await?.subscriptions.attempts(&id, &grant()).await?;
            Ok(attempts.into_iter().map(Into::into).collect())
        })
    }

    fn replay(id: String, what: String) -> Answer<Run> {
        answering(async move {
            let subscriptions = &services().await?.subscriptions;
            Ok(subscriptions.replay(&id, what.as_bytes(), &grant()).await?.into())
        })
    }

    fn redrive(id: String) -> Answer<Run> {
        answering(async move {
            Ok(services().await?.subscriptions.redrive(&id, &grant()).await?.into())
        })
    }

    fn deliver(budget: Milliseconds) -> Answer<Vec<Delivery>> {
        answering(async move {
            let budget = limits::check_time("budget", time(budget), limits::BUDGET)?;
            let deliveries = services().await?.subscriptions.deliver(budget, &grant()).await?;
            Ok(deliveries.into_iter().map(Into::into).collect())
        })
    }
}

fn condition(tag: Option<&String>) -> service::Condition<'_> {
    tag.map_or(service::Condition::None, |tag| service::Condition::Tags(std::slice::from_ref(tag)))
}

impl From<service::SubscriptionView> for Subscription {
    fn from(view: service::SubscriptionView) -> Self {
        Self {
            settings: view.to_json(),
            id: view.id,
            topics: view.settings.topics,
            callback_url: view.settings.callback_url,
            created: view.created,
            state: match view.status.state {
                "paused" => State::Paused,
                "disabled" => State::Disabled,
                _ => State::Active,
            },
            since: view.status.since,
            why: view.status.why,
            public_keys: view.public_keys,
            tag: view.tag,
            secret_gone: view.secret_gone,
        }
    }
}

impl From<service::Put> for Made {
    fn from(put: service::Put) -> Self {
        Self { subscription: put.view.into(), secret: put.secret, is_new: put.is_new }
    }
}

impl From<service::Standing> for Standing {
    fn from(standing: service::Standing) -> Self {
        let service::Standing {
            view,
            progress,
            totals,
            waiting_since,
            overdue_since,
            in_flight,
            runs,
        } = standing;
        let count = |name: &str| {
            totals.iter().find_map(|(known, count)| (*known == name).then_some(*count)).unwrap_or(0)
        };
        Self {
            subscription: view.into(),
            partitions: progress.into_iter().map(Into::into).collect(),
            waiting_since,
            overdue_since,
            in_flight,
            totals: Totals {
                delivered: count("delivered"),
                failed: count("failed"),
                retried: count("retried"),
                dead_lettered: count("dead_lettered"),
                skipped: count("skipped"),
                filtered: count("filtered"),
            },
            runs: runs.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<service::Progress> for Progress {
    fn from(progress: service::Progress) -> Self {
        Self {
            lag: progress.lag(),
            topic: progress.topic,
            partition: progress.partition,
            position: progress.position,
            failures: progress.failures,
            next_attempt: progress.next_attempt,
            last_error: progress.last_error,
            beyond_end: progress.beyond_end,
        }
    }
}

impl From<service::Run> for Run {
    fn from(run: service::Run) -> Self {
        let part = |part: service::RunPart| {
            let service::RunPart { partition, from, to, position, delivered, failed } = part;
            RunPartition { partition, from, to, position, delivered, failed }
        };
        let partitions = run.parts.into_iter().map(part).collect();
        Self { id: run.id, topic: run.topic, redrive: run.redrive, partitions }
    }
}

impl From<service::AttemptReport> for Attempt {
    fn from(attempt: service::AttemptReport) -> Self {
        Self {
            time: attempt.time,
            topic: attempt.topic,
            partition: attempt.partition,
            offset: attempt.offset,
            status: attempt.status,
            took: attempt.millis,
            error: attempt.error,
            answer: attempt.answer,
        }
    }
}

impl From<service::TestReport> for Trial {
    fn from(report: service::TestReport) -> Self {
        Self {
            accepted: report.accepted,
            filtered: report.filtered,
            status: report.status,
            took: u32::try_from(report.millis).unwrap_or(u32::MAX),
            error: report.error,
            answer: report.answer,
        }
    }
}

impl From<service::RoundReport> for Delivery {
    fn from(delivery: service::RoundReport) -> Self {
        Self {
            webhook_id: delivery.webhook_id,
            topic: delivery.topic,
            delivered: delivery.delivered,
            failed: delivery.failed,
            busy: delivery.busy,
            next_attempt: delivery.next_attempt,
            error: delivery.error,
        }
    }
}
