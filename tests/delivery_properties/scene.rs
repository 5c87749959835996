//! Instances over one store and one log.

use std::rc::Rc;
use std::time::Duration;

use kafka_edge::access::Grant;
use kafka_edge::config::Config;
use kafka_edge::services::subscriptions::{RoundReport, Subscriptions};
use kafka_edge::state::lane::Params;
use kafka_edge_sim::{SECRETS_KEY, SimHost, SimLog, World};

/// One instance.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) host: SimHost,
    pub(crate) subscriptions: Rc<Subscriptions<SimHost, SimLog>>,
}

impl Instance {
    pub(crate) fn new(world: &World, log: &SimLog, params: Params) -> Self {
        let host = world.instance();
        let variable = |name| match name {
            "kafka_rest_url" => Some("http://localhost:8082".to_owned()),
            "secrets_key" => Some(SECRETS_KEY.to_owned()),
            _ => None,
        };
        let Config { deliveries, secrets, .. } = Config::parse(variable).expect("a configuration");
        let log = Rc::new(log.clone());
        let subscriptions = Subscriptions::new(host.clone(), log, deliveries, secrets, params);
        Self { host, subscriptions: Rc::new(subscriptions) }
    }

    pub(crate) async fn create(&self, settings: &serde_json::Value) -> String {
        let json = settings.to_string();
        let made = self.subscriptions.create(json.as_bytes(), &Grant::open()).await;
        made.expect("the settings are taken").view.id
    }

    /// One round. `None`: the instance died, or the store failed.
    pub(crate) async fn round(&self, budget: Duration) -> Option<Vec<RoundReport>> {
        let subscriptions = self.subscriptions.clone();
        let round = async move { subscriptions.deliver(budget, &Grant::open()).await };
        self.host.run(round).await?.ok()
    }
}
