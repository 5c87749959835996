//! Topics: list, get, create, delete, grow.

use super::links::{Links, Metadata, Related, list as list_reply, ok};
use crate::core::Core;
use crate::http::{
    Call, JSON, Reply, RequestBody, RestError, collect, json, no_content, require_content_type,
};
use crate::json::{Fields, Json, read_document};
use crate::log::{Topic, TopicError, valid_topic_name};
use crate::options::Version;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Serialize)]
struct TopicBody {
    kind: &'static str,
    metadata: Metadata,
    cluster_id: String,
    topic_name: String,
    is_internal: bool,
    replication_factor: i32,
    partitions_count: i32,
    partitions: Related,
    configs: Related,
    partition_reassignments: Related,
    authorized_operations: &'static [&'static str],
}

/// What may be done to a topic, in the order of a Java set.
fn operations(version: Version) -> &'static [&'static str] {
    match version {
        Version::V7_9_9 => &[
            "ALTER",
            "ALTER_CONFIGS",
            "DELETE",
            "CREATE",
            "DESCRIBE_CONFIGS",
            "READ",
            "DESCRIBE",
            "WRITE",
        ],
        Version::V8_3_1 => &[
            "ALTER",
            "DESCRIBE",
            "ALTER_CONFIGS",
            "WRITE",
            "DELETE",
            "DESCRIBE_CONFIGS",
            "READ",
            "CREATE",
        ],
    }
}

impl TopicBody {
    fn new(links: &Links, name: &str, partitions: i32) -> TopicBody {
        let path = format!("/topics/{name}");
        TopicBody {
            kind: "KafkaTopic",
            metadata: links.metadata(&path, &format!("/topic={name}")),
            cluster_id: links.cluster_id().to_owned(),
            topic_name: name.to_owned(),
            is_internal: false,
            replication_factor: 1,
            partitions_count: partitions,
            partitions: links.related(&format!("{path}/partitions")),
            configs: links.related(&format!("{path}/configs")),
            partition_reassignments: links.related(&format!("{path}/partitions/-/reassignment")),
            authorized_operations: &[],
        }
    }
}

impl TopicBody {
    fn with_operations(self, version: Version) -> TopicBody {
        TopicBody { authorized_operations: operations(version), ..self }
    }
}

/// The topic that a v3 call names.
pub(super) fn named(core: &Core, call: &Call) -> Result<Arc<Topic>, RestError> {
    let name = &call.segments[3];
    if !valid_topic_name(name) {
        return Err(RestError::kafka(
            "The request attempted to perform an operation on an invalid topic.",
        ));
    }
    core.log.topic(name).ok_or_else(RestError::unknown_topic)
}

pub(super) fn list(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = Links::new(core, call)?;
    let with_operations = call.query("includeAuthorizedOperations") == Some("true");
    let data = core
        .log
        .topics()
        .iter()
        .map(|t| {
            let body = TopicBody::new(&links, t.name(), t.partition_count());
            if with_operations { body.with_operations(core.options.version) } else { body }
        })
        .collect();
    Ok(list_reply("KafkaTopicList", links.url("/topics"), data))
}

pub(super) fn get(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = Links::new(core, call)?;
    let topic = named(core, call)?;
    let with_operations = call.query("include_authorized_operations") == Some("true");
    let body = TopicBody::new(&links, topic.name(), topic.partition_count());
    Ok(ok(&if with_operations { body.with_operations(core.options.version) } else { body }))
}

pub(super) fn delete(core: &Core, call: &Call) -> Result<Reply, RestError> {
    Links::new(core, call)?;
    let topic = named(core, call)?;
    core.log.delete(topic.name())?;
    Ok(no_content())
}

pub(super) async fn create(
    core: &Core,
    call: &Call,
    body: RequestBody,
) -> Result<Reply, RestError> {
    require_content_type(call.header(header::CONTENT_TYPE), &[JSON])?;
    let wanted = Creation::read(read_document(&collect(body).await?)?)?;
    let links = Links::new(core, call)?;
    if !valid_topic_name(&wanted.name) {
        return Err(RestError::new(422, 42206, "Payload error. Invalid topic name."));
    }
    core.log.check_new(&wanted.name, wanted.partitions, &wanted.configs)?;
    if wanted.replication_factor > 1 {
        let factor = wanted.replication_factor;
        let or_else = match core.options.version {
            Version::V7_9_9 => "",
            Version::V8_3_1 => " or some brokers have all their log directories cordoned",
        };
        return Err(RestError::kafka(format!(
            "Unable to replicate the partition {factor} time(s): The target replication factor of {factor} cannot be reached because only 1 broker(s) are registered{or_else}."
        )));
    }
    let status = if wanted.validate_only {
        StatusCode::OK
    } else {
        core.log.create(&wanted.name, wanted.partitions, wanted.configs)?;
        StatusCode::CREATED
    };
    let body = TopicBody::new(&links, &wanted.name, wanted.partitions);
    let mut reply = json(status, Some(JSON), &body);
    if let Ok(location) = HeaderValue::from_str(&body.metadata.this) {
        reply.headers_mut().insert(header::LOCATION, location);
    }
    Ok(reply)
}

struct Creation {
    name: String,
    partitions: i32,
    replication_factor: i64,
    configs: BTreeMap<String, String>,
    validate_only: bool,
}

impl Creation {
    fn read(json: Json) -> Result<Creation, RestError> {
        if json.is_null() {
            return Err(RestError::empty_payload());
        }
        let known = [
            "topic_name",
            "partitions_count",
            "replication_factor",
            "replicas_assignments",
            "configs",
            "validate_only",
        ];
        let mut fields = Fields::new(json, "CreateTopicRequest", &known)?;
        let Some(name) = fields.text("topic_name")? else {
            return Err(RestError::bad_request(
                "Cannot construct instance of `CreateTopicRequest`, problem: Null topicName",
            ));
        };
        let mut configs = BTreeMap::new();
        for config in fields.list("configs")?.unwrap_or_default() {
            let mut config = Fields::new(config, "ConfigEntry", &["name", "value"])?;
            if let Some(name) = config.text("name")? {
                configs.insert(name, config.text("value")?.unwrap_or_default());
            }
        }
        let assigned = match fields.take("replicas_assignments") {
            Some(Json::Object(assignments)) => Some(assignments.len() as i64),
            _ => None,
        };
        let partitions = fields.integer("partitions_count")?.or(assigned).unwrap_or(1);
        Ok(Creation {
            name,
            partitions: i32::try_from(partitions).unwrap_or(i32::MAX),
            replication_factor: fields.integer("replication_factor")?.unwrap_or(1),
            configs,
            validate_only: fields.boolean("validate_only")?.unwrap_or(false),
        })
    }
}

pub(super) async fn patch(core: &Core, call: &Call, body: RequestBody) -> Result<Reply, RestError> {
    require_content_type(call.header(header::CONTENT_TYPE), &[JSON])?;
    let json = read_document(&collect(body).await?)?;
    if json.is_null() {
        return Err(RestError::empty_payload());
    }
    let mut fields = Fields::new(json, "UpdatePartitionCountRequest", &["partitions_count"])?;
    let links = Links::new(core, call)?;
    let topic = named(core, call)?;
    let wanted = fields.integer("partitions_count")?.unwrap_or(0);
    let topic = core.log.grow(topic.name(), i32::try_from(wanted).unwrap_or(i32::MAX))?;
    Ok(ok(&TopicBody::new(&links, topic.name(), topic.partition_count())))
}

impl From<TopicError> for RestError {
    fn from(error: TopicError) -> RestError {
        match error {
            TopicError::Unknown => RestError::unknown_topic(),
            other => RestError::kafka(other.to_string()),
        }
    }
}
