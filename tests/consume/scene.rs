//! Simulated instances that consume from a simulated log.

use std::rc::Rc;
use std::time::Duration;

use kafka_edge::access::{AllowedTopic, Grant};
use kafka_edge::error::{ErrorKind, Result};
use kafka_edge::services::consume::{
    Ack, Acknowledged, Acquired, Consume, Consumed, Disposal, Next, StartFrom,
};
use kafka_edge::services::ends::Ends;
use kafka_edge::services::group_list::GroupList;
use kafka_edge::services::groups::Groups;
use kafka_edge::services::produce::Producer;
use kafka_edge::services::seen::Seen;
use kafka_edge::state::lane::Params;
use kafka_edge_sim::{SimHost, SimLog, World};

pub(crate) const TOPIC: &str = "orders";

/// One instance and its consumer.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) host: SimHost,
    pub(crate) ends: Rc<Ends<SimHost, SimLog>>,
    pub(crate) consume: Rc<Consume<SimHost, SimLog>>,
    pub(crate) groups: Rc<Groups<SimHost, SimLog>>,
    pub(crate) list: Rc<GroupList<SimHost>>,
}

pub(crate) struct Cluster {
    pub(crate) world: World,
    pub(crate) log: SimLog,
}

impl Cluster {
    pub(crate) fn new(seed: u64, partitions: usize) -> Self {
        let (world, log) = (World::new(seed), SimLog::new());
        log.create_topic(TOPIC, partitions);
        Self { world, log }
    }

    pub(crate) fn instance(&self) -> Instance {
        self.instance_with(Params::default())
    }

    pub(crate) fn instance_with(&self, params: Params) -> Instance {
        let host = self.world.instance();
        let log = Rc::new(self.log.clone());
        let list = GroupList::new(host.clone(), params);
        let groups = Rc::new(Groups::new(host.clone(), log.clone(), list.clone(), params));
        let ends = Rc::new(Ends::new(host.clone(), log.clone()));
        let seen = Rc::new(Seen::new(host.clone(), Duration::ZERO));
        let producer = Producer::new(host.clone(), log.clone(), ends.clone(), seen, None);
        let producer = Rc::new(producer);
        let consume = Consume::new(host.clone(), log, ends.clone(), list.clone(), producer, params);
        let consume = Rc::new(consume);
        Instance { host, ends, consume, groups, list }
    }

    /// Spreads records over the partitions; their values are their numbers.
    pub(crate) fn append(&self, numbers: std::ops::Range<usize>, partitions: usize) {
        for number in numbers {
            self.log.append(TOPIC, number % partitions, number.to_string());
        }
    }
}

pub(crate) fn next(wait: u64) -> Next {
    Next {
        group: "g".into(),
        topics: vec![AllowedTopic::trusted(TOPIC)],
        from: StartFrom::Earliest,
        wait: Duration::from_secs(wait),
        max: 1,
        max_bytes: usize::MAX,
        ack: Ack::Auto,
    }
}

pub(crate) fn number(consumed: &Consumed) -> usize {
    std::str::from_utf8(consumed.record.value.as_deref().unwrap()).unwrap().parse().unwrap()
}

impl Instance {
    /// Asks as a caller does and takes what comes. `None`: the instance died.
    pub(crate) async fn ask(&self, next: Next) -> Option<Result<Option<usize>>> {
        let consume = self.consume.clone();
        self.host
            .run(async move {
                let handed = consume.next(next).await?;
                let number = handed.records.first().map(number);
                handed.delivered();
                Ok(number)
            })
            .await
    }

    pub(crate) async fn get(&self, wait: u64) -> Option<usize> {
        self.ask(next(wait)).await.expect("the instance lives").expect("no error")
    }
}

/// Asks for a page and takes it.
pub(crate) async fn page(instance: &Instance, next: Next) -> Vec<Consumed> {
    let consume = instance.consume.clone();
    let taken = instance.host.run(async move {
        let handed = match consume.next(next).await {
            // Others hold what there is.
            Err(error) if matches!(*error, ErrorKind::Busy(_)) => return Vec::new(),
            handed => handed.unwrap(),
        };
        let records = handed.records.clone();
        handed.delivered();
        records
    });
    taken.await.unwrap()
}

pub(crate) fn claiming(max: usize, lease: u64) -> Next {
    Next { max, ack: Ack::Manual { lease: Duration::from_secs(lease) }, ..next(2) }
}

pub(crate) fn receipts(claimed: &[Consumed]) -> Vec<String> {
    claimed.iter().map(|consumed| claim(consumed).receipt).collect()
}

pub(crate) fn claim(consumed: &Consumed) -> Acquired {
    consumed.acquired.clone().expect("it was claimed")
}

pub(crate) const ACK: Disposal = Disposal::Ack;

impl Instance {
    pub(crate) async fn acknowledge(
        &self,
        receipts: &[String],
        disposal: Disposal,
    ) -> Vec<Acknowledged> {
        self.try_acknowledge(receipts, disposal).await.unwrap()
    }

    pub(crate) async fn try_acknowledge(
        &self,
        receipts: &[String],
        disposal: Disposal,
    ) -> Result<Vec<Acknowledged>> {
        let scope = &[AllowedTopic::trusted(TOPIC)][..];
        self.consume.acknowledge("g", scope, receipts, disposal).await
    }

    /// Committed and claimed on partition 0.
    pub(crate) async fn standing(&self) -> (i64, usize) {
        self.host.idle().await;
        let group = self.groups.get("g", &Grant::open()).await.unwrap();
        let standing = &group.topics[TOPIC][0];
        (standing.committed.unwrap(), standing.claimed)
    }
}
