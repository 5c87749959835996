//! Instances over one store and one log.

use std::rc::Rc;
use std::time::Duration;

use kafka_edge::access::{AccessError, AllowedTopic, Grant};
use kafka_edge::error::Result;
use kafka_edge::services::condition::Condition;
use kafka_edge::services::consume::{
    Ack, Acknowledged, Consume, Disposal, Handed, Next, StartFrom,
};
use kafka_edge::services::ends::Ends;
use kafka_edge::services::group_list::GroupList;
use kafka_edge::services::groups::{Group, Groups};
use kafka_edge::services::produce::Producer;
use kafka_edge::services::seen::Seen;
use kafka_edge::state::lane::Params;
use kafka_edge_sim::{SimHost, SimLog, World};

pub(crate) const GROUP: &str = "g";
pub(crate) const TOPIC: &str = "orders";
pub(crate) const DEAD: &str = "orders.dead";

/// One instance and its services.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) host: SimHost,
    consume: Rc<Consume<SimHost, SimLog>>,
    groups: Rc<Groups<SimHost, SimLog>>,
}

impl Instance {
    pub(crate) fn new(world: &World, log: &SimLog) -> Self {
        let (host, params) = (world.instance(), Params::default());
        let log = Rc::new(log.clone());
        let list = GroupList::new(host.clone(), params);
        let groups = Rc::new(Groups::new(host.clone(), log.clone(), list.clone(), params));
        let ends = Rc::new(Ends::new(host.clone(), log.clone()));
        let seen = Rc::new(Seen::new(host.clone(), Duration::ZERO));
        let producer = Producer::new(host.clone(), log.clone(), ends.clone(), seen, None);
        let consume = Consume::new(host.clone(), log, ends, list, Rc::new(producer), params);
        Self { host, consume: Rc::new(consume), groups }
    }

    pub(crate) async fn set(&self, json: String) {
        let groups = self.groups.clone();
        let set = self.host.run(async move {
            groups.set(GROUP, json.as_bytes(), false, Condition::None, &Grant::open()).await
        });
        match set.await.expect("it lives") {
            Ok(_) => {}
            Err(AccessError::Failed(error)) => panic!("{error}"),
            Err(AccessError::Denied(denial)) => panic!("everything is allowed, but: {denial}"),
        }
    }

    /// Asks for records. `None`: the instance died.
    pub(crate) async fn claim(
        &self,
        max: usize,
        lease: Duration,
        wait: Duration,
    ) -> Option<Result<Handed>> {
        let next = Next {
            group: GROUP.into(),
            topics: vec![AllowedTopic::trusted(TOPIC)],
            from: StartFrom::Earliest,
            wait,
            max,
            max_bytes: usize::MAX,
            ack: Ack::Manual { lease },
        };
        let consume = self.consume.clone();
        self.host.run(async move { consume.next(next).await }).await
    }

    pub(crate) async fn dispose(
        &self,
        receipts: Vec<(String, Disposal)>,
    ) -> Option<Result<Vec<Acknowledged>>> {
        let consume = self.consume.clone();
        let disposing = async move {
            let receipts: Vec<_> =
                receipts.iter().map(|(text, disposal)| (text.as_str(), *disposal)).collect();
            consume.dispose(GROUP, &|_| true, &receipts).await
        };
        self.host.run(disposing).await
    }

    pub(crate) async fn group(&self) -> Option<Result<Group>> {
        let groups = self.groups.clone();
        self.host.run(async move { groups.get(GROUP, &Grant::open()).await }).await
    }
}
