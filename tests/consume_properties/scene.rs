//! Instances over one store and one log.

use std::rc::Rc;
use std::time::Duration;

use kafka_edge::access::{AccessError, AllowedTopic, Grant};
use kafka_edge::error::Result;
use kafka_edge::services::consume::{
    Ack, Acknowledged, Consume, Disposal, Handed, NamedReader, Next, Owner, StartFrom,
};
use kafka_edge::services::ends::Ends;
use kafka_edge::services::group_list::GroupList;
use kafka_edge::services::groups::{Group, Groups};
use kafka_edge::services::produce::Producer;
use kafka_edge::services::seek::SeekTo;
use kafka_edge::services::seen::Seen;
use kafka_edge::sorted::SortedMap;
use kafka_edge::state::lane::Params;
use kafka_edge_sim::{SimHost, SimLog, World};

use crate::plan::TOPICS;

pub(crate) const GROUP: &str = "g";

/// One instance and its services.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) host: SimHost,
    consume: Rc<Consume<SimHost, SimLog>>,
    groups: Rc<Groups<SimHost, SimLog>>,
}

impl Instance {
    pub(crate) fn new(world: &World, log: &SimLog, params: Params) -> Self {
        let host = world.instance();
        let log = Rc::new(log.clone());
        let list = GroupList::new(host.clone(), params);
        let groups = Rc::new(Groups::new(host.clone(), log.clone(), list.clone(), params));
        let ends = Rc::new(Ends::new(host.clone(), log.clone()));
        let seen = Rc::new(Seen::new(host.clone(), Duration::ZERO));
        let producer = Producer::new(host.clone(), log.clone(), ends.clone(), seen, None);
        let consume = Consume::new(host.clone(), log, ends, list, Rc::new(producer), params);
        let consume = Rc::new(consume);
        Self { host, consume, groups }
    }

    /// Asks for records. `None`: the instance died, or the caller went away.
    pub(crate) async fn next(&self, next: Next, patience: Duration) -> Option<Result<Handed>> {
        let consume = self.consume.clone();
        let asked = self
            .host
            .run(async move { tokio::time::timeout(patience, consume.next(next)).await.ok() });
        asked.await.flatten()
    }

    pub(crate) async fn acknowledge(
        &self,
        receipts: Vec<String>,
        disposal: Disposal,
    ) -> Option<Result<Vec<Acknowledged>>> {
        let consume = self.consume.clone();
        self.host
            .run(async move { consume.acknowledge(GROUP, &Grant::open(), &receipts, disposal).await })
            .await
    }

    /// Asks in somebody's name. `None`: the instance died.
    pub(crate) async fn next_for(&self, reader: NamedReader, next: Next) -> Option<Result<Handed>> {
        let consume = self.consume.clone();
        self.host.run(async move { consume.next_for(reader, next).await }).await
    }

    pub(crate) async fn commit(
        &self,
        owner: &Owner,
        topic: &'static str,
        offsets: SortedMap<i32, i64>,
        lease: Duration,
    ) -> Option<Result<()>> {
        let (consume, owner) = (self.consume.clone(), owner.clone());
        self.host
            .run(async move { consume.commit(GROUP, &owner, topic, &offsets, lease).await })
            .await
    }

    pub(crate) async fn commit_all(&self, owner: &Owner) -> Option<Result<()>> {
        let (consume, owner) = (self.consume.clone(), owner.clone());
        let topics = TOPICS.map(str::to_owned);
        self.host.run(async move { consume.commit_all(GROUP, &owner, &topics).await }).await
    }

    pub(crate) async fn extend(&self, owner: &Owner, lease: Duration) -> Option<Result<()>> {
        let (consume, owner) = (self.consume.clone(), owner.clone());
        let topics = TOPICS.map(str::to_owned);
        self.host.run(async move { consume.extend(GROUP, &owner, &topics, lease).await }).await
    }

    pub(crate) async fn give_back(&self, owner: &Owner) -> Option<Result<()>> {
        let (consume, owner) = (self.consume.clone(), owner.clone());
        let topics = TOPICS.map(str::to_owned);
        self.host.run(async move { consume.give_back(GROUP, &owner, &topics).await }).await
    }

    pub(crate) async fn seek(
        &self,
        topic: &'static str,
        to: SeekTo,
    ) -> Option<Result<SortedMap<i32, i64>>> {
        let groups = self.groups.clone();
        self.host
            .run(async move { groups.seek(GROUP, &AllowedTopic::trusted(topic), to).await })
            .await
    }

    pub(crate) async fn delete(&self) -> Option<Result<()>> {
        let groups = self.groups.clone();
        self.host.run(async move { open(groups.delete(GROUP, &Grant::open()).await) }).await
    }

    pub(crate) async fn group(&self) -> Option<Result<Group>> {
        let groups = self.groups.clone();
        self.host.run(async move { groups.get(GROUP, &Grant::open()).await }).await
    }
}

/// What a caller asks for that takes everything at once.
pub(crate) fn everything(topics: &[&str], wait: Duration) -> Next {
    Next {
        group: GROUP.into(),
        topics: topics.iter().map(|topic| AllowedTopic::trusted(*topic)).collect(),
        from: StartFrom::Earliest,
        wait,
        max: 500,
        max_bytes: usize::MAX,
        ack: Ack::Auto,
    }
}

/// What a call says to a caller that may do everything.
fn open<T>(answer: Result<T, AccessError>) -> Result<T, kafka_edge::error::Error> {
    answer.map_err(|error| match error {
        AccessError::Failed(error) => error,
        AccessError::Denied(denial) => panic!("everything is allowed, but: {denial}"),
    })
}
