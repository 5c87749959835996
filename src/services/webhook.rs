//! Webhooks out: each new record of a topic is POSTed to a registered URL.

use std::rc::Rc;
use std::time::Duration;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::host::{Host, Millis};
use crate::log::Log;
use crate::services::consume::StartFrom;

/// A subscription as callers see it: everything but its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: String,
    pub topic: String,
    pub callback_url: String,
    pub created: Millis,
}

/// The answer to a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    pub webhook: Webhook,
    /// Shown once, to whoever registers first: `whsec_…`.
    pub secret: Option<String>,
}

/// Where a webhook's delivery stands in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub partition: i32,
    /// The offset of the next record to be delivered.
    pub position: i64,
    /// Failed attempts at the record at `position`.
    pub failures: u32,
    /// When the next attempt is due, if one has failed.
    pub next_attempt: Option<Millis>,
    /// Why the last attempt failed, if one has.
    pub last_error: Option<String>,
}

/// What one round of delivery did for one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub webhook_id: String,
    pub topic: String,
    /// Records whose callback answered 2xx.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// When the next attempt is due, if one has failed.
    pub next_attempt: Option<Millis>,
    /// Why this webhook could not be worked on at all, if so.
    pub error: Option<String>,
}

#[derive(Debug)]
pub struct Webhooks<H, L> {
    _host: H,
    _log: Rc<L>,
    _config: Rc<Config>,
}

impl<H: Host, L: Log> Webhooks<H, L> {
    pub fn new(host: H, log: Rc<L>, config: Rc<Config>) -> Self {
        Self { _host: host, _log: log, _config: config }
    }

    /// Registers a callback for a topic. The same topic and URL again give
    /// the same webhook, without its secret.
    pub async fn register(
        &self,
        topic: &str,
        callback_url: &str,
        from: StartFrom,
    ) -> Result<Registered> {
        let _ = (topic, callback_url, from);
        Err(Error::Unsupported("Not built yet".into()))
    }

    pub async fn list(&self) -> Result<Vec<Webhook>> {
        Err(Error::Unsupported("Not built yet".into()))
    }

    /// One webhook and where it stands.
    pub async fn get(&self, id: &str) -> Result<(Webhook, Vec<Progress>)> {
        Err(Error::UnknownWebhook(id.into()))
    }

    pub async fn delete(&self, id: &str) -> Result<()> {
        Err(Error::UnknownWebhook(id.into()))
    }

    /// Delivers what is due, for at most `budget`. Any number of these may
    /// run at once, anywhere.
    pub async fn deliver(&self, budget: Duration) -> Result<Vec<Delivery>> {
        let _ = budget;
        Err(Error::Unsupported("Not built yet".into()))
    }

    /// Delivers beyond the answer of the current request, if the topic has
    /// webhooks.
    pub fn deliver_soon(&self, topic: &str) {
        let _ = topic;
    }
}
