//! Brokers: there is one, and it has the number 1.

use super::links::{Links, Metadata, Related, list as list_reply, ok};
use crate::core::Core;
use crate::http::{Call, Reply, RestError};
use serde::Serialize;

#[derive(Serialize)]
struct Broker {
    kind: &'static str,
    metadata: Metadata,
    cluster_id: String,
    broker_id: i32,
    host: &'static str,
    port: u16,
    rack: Option<()>,
    configs: Related,
    partition_replicas: Related,
}

impl Broker {
    fn new(links: &Links) -> Broker {
        Broker {
            kind: "KafkaBroker",
            metadata: links.metadata("/brokers/1", "/broker=1"),
            cluster_id: links.cluster_id().to_owned(),
            broker_id: 1,
            host: "127.0.0.1",
            port: 19092,
            rack: None,
            configs: links.related("/brokers/1/configs"),
            partition_replicas: links.related("/brokers/1/partition-replicas"),
        }
    }
}

pub(super) fn list(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = Links::new(core, call)?;
    Ok(list_reply("KafkaBrokerList", links.url("/brokers"), vec![Broker::new(&links)]))
}

pub(super) fn get(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = Links::new(core, call)?;
    if call.segments[3] != "1" {
        return Err(RestError::not_found());
    }
    Ok(ok(&Broker::new(&links)))
}
