//! The export of `kafka-edge:api/webhook`.

use super::consumer::{groups::seek_to, partition_offsets};
use super::{answering, grant, topic};
use crate::bindings::exports::kafka_edge::api::webhook::{
    Delivery, Error, Guest, Milliseconds, PartitionOffset, Progress, Registration, SeekTarget,
    Start, Topic, Webhook,
};
use crate::exports::convert::time;
use crate::{Component, services};
use kafka_edge::limits;
use kafka_edge::services::subscriptions as service;

impl Guest for Component {
    async fn register(
        topic: Topic,
        callback_url: String,
        start: Start,
    ) -> Result<Registration, Error> {
        answering(async move {
            let topic = self::topic(topic)?;
            let webhooks = &services().await?.subscriptions;
            Ok(webhooks.register(&topic, &callback_url, start.into()).await?.into())
        })
        .await
    }

    async fn list() -> Result<Vec<Webhook>, Error> {
        answering(async move {
            let webhooks = services().await?.subscriptions.list(&grant()).await?;
            Ok(webhooks.into_iter().map(Into::into).collect())
        })
        .await
    }

    async fn get(id: String) -> Result<(Webhook, Vec<Progress>), Error> {
        answering(async move {
            let (webhook, progress) = services().await?.subscriptions.get(&id, &grant()).await?;
            Ok((webhook.into(), progress.into_iter().map(Into::into).collect()))
        })
        .await
    }

    async fn seek(id: String, to: SeekTarget) -> Result<Vec<PartitionOffset>, Error> {
        answering(async move {
            let to = seek_to(to)?;
            let moved = services().await?.subscriptions.seek(&id, None, to, &grant()).await?;
            let offsets = moved.into_iter().next().map(|(_, offsets)| offsets);
            Ok(partition_offsets(offsets.unwrap_or_default()))
        })
        .await
    }

    async fn delete(id: String) -> Result<(), Error> {
        answering(async move {
            Ok(services()
                .await?
                .subscriptions
                .delete(&id, service::Condition::None, &grant())
                .await?)
        })
        .await
    }

    async fn deliver(budget: Milliseconds) -> Result<Vec<Delivery>, Error> {
        answering(async move {
            let budget = limits::check_time("budget", time(budget), limits::BUDGET)?;
            let deliveries = services().await?.subscriptions.deliver(budget, &grant()).await?;
            Ok(deliveries.into_iter().map(Into::into).collect())
        })
        .await
    }
}

impl From<service::SubscriptionSummary> for Webhook {
    fn from(subscription: service::SubscriptionSummary) -> Self {
        Self {
            id: subscription.id,
            topic: subscription.topic,
            callback_url: subscription.callback_url,
            created: subscription.created,
        }
    }
}

impl From<service::Registered> for Registration {
    fn from(registered: service::Registered) -> Self {
        Self { webhook: registered.subscription.into(), secret: registered.secret }
    }
}

impl From<service::Progress> for Progress {
    fn from(progress: service::Progress) -> Self {
        Self {
            partition: progress.partition,
            position: progress.position,
            failures: progress.failures,
            next_attempt: progress.next_attempt,
            last_error: progress.last_error,
            beyond_end: progress.beyond_end,
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
