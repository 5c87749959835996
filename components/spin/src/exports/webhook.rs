//! The export of `kafka-edge:api/webhook`.

use std::time::Duration;

use crate::bindings::exports::kafka_edge::api::webhook::{
    Delivery, Error, Guest, Milliseconds, Progress, Registration, Start, Topic, Webhook,
};
use crate::host::starting_tasks;
use crate::{Component, services};
use kafka_edge::services::subscriptions as service;
use kafka_edge::{limits, names};

impl Guest for Component {
    async fn register(
        topic: Topic,
        callback_url: String,
        start: Start,
    ) -> Result<Registration, Error> {
        starting_tasks(async move {
            names::check_topic(&topic)?;
            let subscriptions = &services().await?.subscriptions;
            Ok(subscriptions.register(&topic, &callback_url, start.into()).await?.into())
        })
        .await
    }

    async fn list() -> Result<Vec<Webhook>, Error> {
        starting_tasks(async move {
            let subscriptions = services().await?.subscriptions.list().await?;
            Ok(subscriptions.into_iter().map(Into::into).collect())
        })
        .await
    }

    async fn get(id: String) -> Result<(Webhook, Vec<Progress>), Error> {
        starting_tasks(async move {
            let (subscription, progress) = services().await?.subscriptions.get(&id).await?;
            Ok((subscription.into(), progress.into_iter().map(Into::into).collect()))
        })
        .await
    }

    async fn delete(id: String) -> Result<(), Error> {
        starting_tasks(async move { Ok(services().await?.subscriptions.delete(&id).await?) }).await
    }

    async fn deliver(budget: Milliseconds) -> Result<Vec<Delivery>, Error> {
        starting_tasks(async move {
            let budget = Duration::from_millis(budget.into());
            let budget = limits::check_time("budget", budget, limits::BUDGET)?;
            let deliveries = services().await?.subscriptions.deliver(budget).await?;
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
