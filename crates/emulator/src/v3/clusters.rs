//! Clusters: there is one.

use super::links::{Links, Metadata, Related, list as list_reply, ok};
use crate::core::Core;
use crate::http::{Call, Reply, RestError};
use serde::Serialize;

#[derive(Serialize)]
struct Cluster {
    kind: &'static str,
    metadata: Metadata,
    cluster_id: String,
    controller: Related,
    acls: Related,
    brokers: Related,
    broker_configs: Related,
    consumer_groups: Related,
    topics: Related,
    partition_reassignments: Related,
}

impl Cluster {
    fn new(links: &Links) -> Cluster {
        Cluster {
            kind: "KafkaCluster",
            metadata: links.metadata("", ""),
            cluster_id: links.cluster_id().to_owned(),
            controller: links.related("/brokers/1"),
            acls: links.related("/acls"),
            brokers: links.related("/brokers"),
            broker_configs: links.related("/broker-configs"),
            consumer_groups: links.related("/consumer-groups"),
            topics: links.related("/topics"),
            partition_reassignments: links.related("/topics/-/partitions/-/reassignment"),
        }
    }
}

pub(super) fn list(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = Links::of_cluster(call, &core.options.cluster_id);
    Ok(list_reply("KafkaClusterList", links.clusters(), vec![Cluster::new(&links)]))
}

pub(super) fn get(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = Links::or_else(core, call, |_| "HTTP 404 Not Found".into())?;
    Ok(ok(&Cluster::new(&links)))
}
