//! What the parts of the service share.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::allowance::Reservations;
use super::background::Background;
use super::breaker::Hold;
use super::delivery_state::DeliveryState;
use super::job::{Job, Kind};
use super::overdue::Pieces;
use super::pages::Pages;
use super::registry::{Registry, Turn};
use super::subscription::Subscription;
use super::token::Tokens;
use super::topics::LogTopics;
use crate::config::DeliveriesConfig;
use crate::error::Error;
use crate::host::{Host, Limit};
use crate::rate::Rate;
use crate::secrets::SecretKeys;
use crate::services::beyond_end::Reported;
use crate::sorted::SortedMap;
use crate::state::keys::LaneName;
use crate::state::lane::{Lane, Params};

/// The most subscriptions whose rates and holds an instance remembers.
const MAX_REMEMBERED: usize = 1_000;

pub(super) struct DeliveryContext<H: Host, L> {
    pub(super) host: H,
    pub(super) log: Rc<L>,
    pub(super) config: DeliveriesConfig,
    pub(super) keys: SecretKeys,
    params: Params,
    pub(super) registry: Registry<H>,
    pub(super) topics: LogTopics,
    /// Where the next round over all topics goes on.
    pub(super) turn: RefCell<Option<Turn>>,
    pub(super) background: Background,
    pub(super) beyond: Reported,
    pub(super) pages: Pages<H>,
    pub(super) pieces: Pieces,
    pub(super) tokens: Tokens,
    /// Of attempts, and of what else has to be done.
    pub(super) reservations: Reservations,
    pub(super) reads: Reservations,
    /// When the instance began, by the monotonic clock.
    pub(super) begun: Duration,
    /// Held by each turn of this instance.
    pub(super) turns: Rc<()>,
    holds: RefCell<SortedMap<Rc<str>, Hold>>,
    rates: RefCell<SortedMap<String, Rate>>,
}

impl<H: Host, L> fmt::Debug for DeliveryContext<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryContext").field("registry", &self.registry).finish_non_exhaustive()
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
            turn: RefCell::default(),
            background: Background::default(),
            beyond: Reported::default(),
            pages: Pages::default(),
            pieces: Pieces::default(),
            tokens: Tokens::default(),
            reservations: Reservations::default(),
            reads: Reservations::default(),
            begun: host.monotonic(),
            turns: Rc::default(),
            holds: RefCell::default(),
            rates: RefCell::default(),
            host,
            log,
            config,
            keys,
            params,
        }
    }

    /// How long an execution may take, by what the host states and by what is configured.
    pub(super) fn wall_time(&self) -> Option<Duration> {
        let stated = match self.host.capabilities().wall_time {
            Limit::None => None,
            Limit::AtMost(time) => Some(time),
        };
        let configured = Some(self.config.wall_time).filter(|time| !time.is_zero());
        stated.into_iter().chain(configured).min()
    }

    /// The lane of a subscription in a partition, for whoever moves or removes the
    /// subscription.
    pub(super) fn lane(
        &self,
        id: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Lane<H, DeliveryState>, Error> {
        let params = self.params.with_longer_lease(self.config.timeout);
        Ok(Lane::new(self.host.clone(), LaneName::subscription(id, topic, partition)?, params))
    }

    /// The lane of a job. A deliverer leaves the lane to another one, and does not ask it to
    /// let go.
    pub(super) fn lane_of(&self, job: &Job) -> Result<Lane<H, DeliveryState>, Error> {
        let params = self.params.passing_by();
        let name = match &job.kind {
            Kind::Live => LaneName::subscription(&job.id, &job.topic, job.partition)?,
            Kind::Run(part) => LaneName::run(&job.id, &part.run, job.partition)?,
        };
        Ok(Lane::new(self.host.clone(), name, params))
    }

    /// What this instance knows of a subscription's callback.
    pub(super) fn hold(&self, id: &str) -> Option<Hold> {
        self.holds.borrow().get(id).copied()
    }

    pub(super) fn hold_back(&self, id: &Rc<str>, hold: Hold) {
        let mut holds = self.holds.borrow_mut();
        if holds.len() >= MAX_REMEMBERED {
            holds.clear();
        }
        let known = holds.get(id).map_or(hold, |known| known.and(hold));
        holds.insert(id.clone(), known);
    }

    /// A callback works; returns whether it was held back.
    pub(super) fn free(&self, id: &str) -> bool {
        self.holds.borrow_mut().remove(id).is_some()
    }

    /// Whether another request may be sent now, by the rate that the owner has set and by
    /// the one that the callback has granted; else how long to wait.
    pub(super) fn take_of_rate(&self, subscription: &Subscription) -> Result<(), Duration> {
        let Subscription { id, settings, granted, .. } = subscription;
        let set = settings.rate.map(|rate| Duration::from_secs(1) / rate.max(1));
        let granted = granted.map(|granted| Duration::from_secs(60) / granted.max(1));
        let Some(interval) = set.into_iter().chain(granted).max() else { return Ok(()) };
        let mut rates = self.rates.borrow_mut();
        if rates.len() >= MAX_REMEMBERED {
            rates.clear();
        }
        rates.get_or_default(id.clone()).take_every(interval, self.host.monotonic())
    }
}
