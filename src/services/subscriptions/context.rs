//! What the parts of the service share.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::background::Background;
use super::delivery_state::DeliveryState;
use super::registry::{Registry, Turn};
use super::topics::LogTopics;
use crate::config::DeliveriesConfig;
use crate::error::Result;
use crate::host::Host;
use crate::random;
use crate::secrets::SecretKeys;
use crate::services::beyond_end::Reported;
use crate::state::keys::LaneName;
use crate::state::lane::{Lane, Params};

pub(super) struct DeliveryContext<H, L> {
    pub(super) host: H,
    pub(super) log: Rc<L>,
    pub(super) config: DeliveriesConfig,
    pub(super) keys: SecretKeys,
    params: Params,
    pub(super) registry: Registry<H>,
    pub(super) topics: LogTopics,
    /// Where the next round over all topics goes on.
    pub(super) turn: RefCell<Turn>,
    pub(super) background: Background,
    pub(super) beyond: Reported,
}

impl<H, L> fmt::Debug for DeliveryContext<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryContext")
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}

impl<H: Host, L> DeliveryContext<H, L> {
    pub(super) fn new(
        host: H,
        log: Rc<L>,
        config: DeliveriesConfig,
        keys: SecretKeys,
        params: Params,
    ) -> Self {
        Self {
            registry: Registry::new(host.clone(), params),
            topics: LogTopics::default(),
            // Instances that live for one round each must not all serve the same topics.
            turn: Turn::random(random::number(&host)).into(),
            background: Background::default(),
            beyond: Reported::default(),
            host,
            log,
            config,
            keys,
            params,
        }
    }

    /// The lane of a subscription in a partition, for whoever moves or removes the
    /// subscription.
    pub(super) fn lane(
        &self,
        id: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Lane<H, DeliveryState>> {
        self.lane_with(id, topic, partition, self.params)
    }

    /// The same lane for whoever delivers. A deliverer leaves the lane to another
    /// one, and does not ask it to let go.
    pub(super) fn lane_to_deliver(
        &self,
        id: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Lane<H, DeliveryState>> {
        self.lane_with(id, topic, partition, self.params.passing_by())
    }

    fn lane_with(
        &self,
        id: &str,
        topic: &str,
        partition: i32,
        params: Params,
    ) -> Result<Lane<H, DeliveryState>> {
        // The lease is long enough for an attempt between two writes.
        let params = params.with_longer_lease(self.config.timeout);
        let name = LaneName::subscription(id, topic, partition)?;
        Ok(Lane::new(self.host.clone(), name, params))
    }
}
