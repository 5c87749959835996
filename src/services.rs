//! What kafka-edge does, independent of the API and of the host.
//!
//! The HTTP API and the WIT exports call only these services.

pub mod consume;
pub mod credentials;
pub mod ends;
pub mod groups;
pub mod instances;
pub mod produce;
pub mod read;
pub mod schema_registry;
pub mod stream;
pub mod subscriptions;
pub mod topics;

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use crate::access::AllowedTopic;
use crate::config::Config;
use crate::deadline::within;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::record::{NewRecord, RecordMetadata};
use crate::state::lane::Params;

/// All services of one instance. They share its log, its caches and its calls
/// in progress; correctness does not depend on that sharing.
#[derive(Debug)]
pub struct Services<H: Host, L> {
    host: H,
    log: Rc<L>,
    ends: Rc<ends::Ends<H, L>>,
    pub produce: produce::Produce<H, L>,
    pub consume: Rc<consume::Consume<H, L>>,
    pub groups: Rc<groups::Groups<H, L>>,
    pub instances: instances::Instances<H, L>,
    pub read: read::ReadAt<L>,
    pub schema_registry: schema_registry::SchemaRegistry<H>,
    pub subscriptions: subscriptions::Subscriptions<H, L>,
    pub topics: topics::Topics<H, L>,
    delivers: bool,
}

impl<H: Host, L: Log> Services<H, L> {
    pub fn new(host: H, log: L, config: Rc<Config>) -> Self {
        let log = Rc::new(log);
        let params = Params::default().with_stale_bound(config.store_staleness);
        let groups = Rc::new(groups::Groups::new(host.clone(), log.clone(), params));
        let ends = Rc::new(ends::Ends::new(host.clone(), log.clone()));
        let (waiting, known) = (ends.clone(), groups.clone());
        let consume = consume::Consume::new(host.clone(), log.clone(), waiting, known, params);
        let consume = Rc::new(consume);
        Self {
            host: host.clone(),
            log: log.clone(),
            ends,
            produce: produce::Produce::new(host.clone(), log.clone()),
            consume: consume.clone(),
            groups: groups.clone(),
            instances: instances::Instances::new(host.clone(), consume, groups, params),
            read: read::ReadAt::new(log.clone()),
            schema_registry: schema_registry::SchemaRegistry::new(host.clone(), config.clone()),
            subscriptions: subscriptions::Subscriptions::new(host.clone(), log.clone(), config),
            topics: topics::Topics::new(host, log),
            delivers: true,
        }
    }

    /// For a log that uses the key of a caller: deliveries must not use that
    /// key.
    #[must_use]
    pub fn without_deliveries(self) -> Self {
        Self { delivers: false, ..self }
    }

    /// Runs read-only work; fails with [`Error::Timeout`] after `limit`.
    pub async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        within(&self.host, limit, work).await.unwrap_or(Err(Error::Timeout))
    }

    /// Produces records to a topic, with a report on each in the order given,
    /// tells those who wait for one, and has them delivered to the topic's
    /// subscriptions beyond the answer.
    pub async fn write(
        &self,
        topic: &AllowedTopic,
        records: Vec<NewRecord>,
    ) -> Vec<Result<RecordMetadata>> {
        let reports = self.produce.send(topic, records).await;
        let perhaps = |report: &Result<RecordMetadata>| {
            matches!(report, Ok(_) | Err(Error::OutcomeUnknown { .. }))
        };
        if reports.iter().any(perhaps) {
            self.ends.written(topic);
            if self.delivers {
                self.subscriptions.deliver_in_background(topic);
            }
        }
        reports
    }
}
