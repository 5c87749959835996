//! Names and links of resources.

use crate::core::Core;
use crate::http::{Call, JSON, Reply, RestError, json};
use http::StatusCode;
use serde::Serialize;

/// A link to another resource.
#[derive(Debug, Serialize)]
pub(super) struct Related {
    pub(super) related: String,
}

/// What a single resource says about itself.
#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    #[serde(rename = "self")]
    pub(super) this: String,
    pub(super) resource_name: String,
}

#[derive(Debug, Serialize)]
struct ListMetadata {
    #[serde(rename = "self")]
    this: String,
    /// Lists are never paged.
    next: Option<()>,
}

#[derive(Debug, Serialize)]
struct List<T> {
    kind: &'static str,
    metadata: ListMetadata,
    data: Vec<T>,
}

/// Links below the cluster that a call names.
#[derive(Debug)]
pub(super) struct Links {
    clusters: String,
    cluster: String,
}

impl Links {
    /// Refuses a cluster that is not this one. The text differs by resource.
    pub(super) fn new(core: &Core, call: &Call) -> Result<Links, RestError> {
        Links::or_else(core, call, |cluster| format!("Cluster {cluster} cannot be found."))
    }

    pub(super) fn or_else(
        core: &Core,
        call: &Call,
        text: impl FnOnce(&str) -> String,
    ) -> Result<Links, RestError> {
        let cluster = call.segments.get(1).map_or("", String::as_str);
        if cluster != core.options.cluster_id {
            return Err(RestError::new(404, 404, text(cluster)));
        }
        Ok(Links::of_cluster(call, cluster))
    }

    pub(super) fn of_cluster(call: &Call, cluster: &str) -> Links {
        Links {
            clusters: format!("{}{}/clusters", call.origin, call.prefix),
            cluster: cluster.to_owned(),
        }
    }

    pub(super) fn clusters(&self) -> String {
        self.clusters.clone()
    }

    pub(super) fn cluster_id(&self) -> &str {
        &self.cluster
    }

    /// The URL of what lies at `path` below the cluster.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/{}{path}", self.clusters, self.cluster)
    }

    pub(super) fn related(&self, path: &str) -> Related {
        Related { related: self.url(path) }
    }

    /// Metadata of the resource at `path` with the name `crn` below the
    /// cluster's.
    pub(super) fn metadata(&self, path: &str, crn: &str) -> Metadata {
        Metadata {
            this: self.url(path),
            resource_name: format!("crn:///kafka={}{crn}", self.cluster),
        }
    }
}

pub(super) fn ok(body: &impl Serialize) -> Reply {
    json(StatusCode::OK, Some(JSON), body)
}

/// A list of resources.
pub(super) fn list<T: Serialize>(kind: &'static str, url: String, data: Vec<T>) -> Reply {
    ok(&List { kind, metadata: ListMetadata { this: url, next: None }, data })
}
