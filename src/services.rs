//! What kafka-edge does, independent of the API and of the host.
//!
//! The HTTP API and the WIT exports call only these services.

#[cfg(feature = "actions")]
pub mod actions;
pub mod beyond_end;
pub mod condition;
#[cfg(feature = "configuration")]
pub mod configuration;
pub mod consume;
pub mod credentials;
#[cfg(feature = "destinations")]
pub mod destinations;
pub mod ends;
pub mod group_list;
pub mod group_settings;
pub mod groups;
pub mod instances;
pub mod produce;
pub mod read;
pub mod rewrap;
pub mod schema_registry;
pub mod seek;
pub mod seen;
#[cfg(feature = "sources")]
pub mod sources;
pub mod stream;
pub mod subscriptions;
pub mod topics;

use std::rc::Rc;

#[cfg(feature = "actions")]
use self::actions::Actions;
use self::consume::Consume;
#[cfg(feature = "destinations")]
use self::destinations::Destinations;
use self::ends::Ends;
use self::group_list::GroupList;
use self::groups::Groups;
use self::instances::Instances;
use self::produce::Producer;
use self::read::ReadAt;
use self::schema_registry::SchemaRegistry;
use self::seen::Seen;
#[cfg(feature = "sources")]
use self::sources::Sources;
use self::stream::Streams;
use self::subscriptions::Subscriptions;
use self::topics::Topics;
use crate::config::{self, Config, KafkaConfig};
use crate::host::Host;
use crate::kafka::Log;
use crate::secrets::SecretKeys;
use crate::state::lane::Params;

/// All services of one instance over one log. They share its caches and its calls
/// in progress; correctness does not depend on that sharing.
#[derive(Debug)]
pub struct Services<H: Host, L> {
    #[cfg(feature = "actions")]
    pub actions: Actions<H, L>,
    pub consume: Rc<Consume<H, L>>,
    #[cfg(feature = "destinations")]
    pub destinations: Rc<Destinations<H, L>>,
    pub groups: Rc<Groups<H, L>>,
    pub instances: Instances<H, L>,
    pub producer: Rc<Producer<H, L>>,
    pub read: ReadAt<L>,
    pub schema_registry: Rc<SchemaRegistry<H>>,
    pub secret_keys: SecretKeys,
    #[cfg(feature = "sources")]
    pub sources: Sources<H, L>,
    pub streams: Streams<H, L>,
    pub subscriptions: Rc<Subscriptions<H, L>>,
    pub topics: Topics<H, L>,
}

/// Whether what is produced is delivered to subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivering {
    Yes,
    /// The log is reached with the key of a caller, which no delivery may use.
    No,
}

impl<H: Host, L: Log> Services<H, L> {
    pub fn new(
        host: H,
        connect: Rc<dyn Fn(&KafkaConfig) -> L>,
        config: Config,
        public_url: Option<&str>,
        delivering: Delivering,
    ) -> Self {
        let log = Rc::new(connect(&config.kafka));
        let Config { kafka, actions, consuming, deliveries, schema_registry, secrets, store } =
            config;
        #[cfg(not(feature = "actions"))]
        let _ = actions;
        let params = Params::default().with_stale_bound(store.staleness);
        let list = GroupList::new(host.clone(), params);
        let groups = Rc::new(Groups::new(host.clone(), log.clone(), list.clone(), params));
        let ends = Rc::new(Ends::new(host.clone(), log.clone()));
        let (allow_private, keys) = (deliveries.allow_private, secrets.clone());
        let origin = public_url.and_then(|url| url.parse::<http::Uri>().ok());
        let origin = origin.and_then(|url| url.host().map(str::to_owned));
        let deliveries = config::DeliveriesConfig { origin, ..deliveries };
        let subscriptions =
            Subscriptions::new(host.clone(), log.clone(), deliveries, secrets, params);
        let subscriptions = Rc::new(subscriptions);
        let delivered_to = (delivering == Delivering::Yes).then(|| subscriptions.clone());
        let seen = Rc::new(Seen::new(host.clone(), store.staleness).exact(store.creates));
        let producer =
            Producer::new(host.clone(), log.clone(), ends.clone(), seen.clone(), delivered_to);
        let producer = Rc::new(producer);
        let waiting = ends.clone();
        let consume = Consume::new(host.clone(), log.clone(), ends, list, producer.clone(), params);
        let consume = Rc::new(consume.opening(consuming.open_partitions));
        let reading = consume.clone();
        let has_schema_registry = schema_registry.is_some();
        let schema_registry = Rc::new(SchemaRegistry::new(host.clone(), schema_registry));
        #[cfg(feature = "actions")]
        let actions = Actions::new(host.clone(), actions, producer.clone(), seen.clone(), params);
        #[cfg(feature = "destinations")]
        let destinations = {
            let KafkaConfig { connect_timeout, request_timeout, .. } = kafka;
            let parts = destinations::Parts {
                keys: keys.clone(),
                allow_private,
                connect_timeout,
                request_timeout,
                connect,
            };
            Rc::new(Destinations::new(host.clone(), parts, params))
        };
        #[cfg(not(feature = "destinations"))]
        let _ = kafka;
        #[cfg(feature = "sources")]
        let sources = {
            let public_url = public_url.map(str::to_owned);
            let (producer, seen) = (producer.clone(), seen.clone());
            let schema_registry = schema_registry.clone();
            let parts = sources::Parts {
                keys: keys.clone(),
                allow_private,
                public_url,
                has_schema_registry,
                seen,
                producer,
                schema_registry,
                #[cfg(feature = "destinations")]
                destinations: destinations.clone(),
            };
            Sources::new(host.clone(), parts, params)
        };
        #[cfg(not(feature = "sources"))]
        let _ = (allow_private, has_schema_registry);
        Self {
            #[cfg(feature = "actions")]
            actions,
            #[cfg(feature = "destinations")]
            destinations,
            instances: Instances::new(host.clone(), consume.clone(), groups.clone(), params),
            producer,
            read: ReadAt::new(log.clone(), host.capabilities().readable_bytes()),
            schema_registry,
            secret_keys: keys,
            #[cfg(feature = "sources")]
            sources,
            streams: Streams::new(host.clone(), log.clone(), waiting, reading),
            topics: Topics::new(host, log),
            consume,
            groups,
            subscriptions,
        }
    }
}
