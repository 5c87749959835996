//! The consumer instances of this proxy, and the groups behind them.

use super::format::Embedded;
use super::groups::{Committed, Group, GroupView, TopicPartition};
use super::instance::{Instance, Reset, Settings};
use super::{ok, read_json};
use crate::core::Core;
use crate::http::{Call, Reply, RequestBody, RestError, no_content};
use crate::json::Fields;
use crate::options::Version;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

type InstanceKey = (String, String);

#[derive(Debug, Default)]
pub(crate) struct Consumers {
    instances: Mutex<HashMap<InstanceKey, Arc<Instance>>>,
    groups: Mutex<BTreeMap<String, Group>>,
    names: AtomicU64,
}

impl Consumers {
    /// The instance that a call names. Every call renews its life.
    pub(super) fn find(&self, core: &Core, call: &Call) -> Result<Arc<Instance>, RestError> {
        self.sweep(core);
        let key = (call.segments[1].clone(), call.segments[3].clone());
        let instance = self.instances.lock().get(&key).cloned().ok_or_else(not_found)?;
        instance.state.lock().last_used = Instant::now();
        Ok(instance)
    }

    /// Ends instances that were not used for too long.
    fn sweep(&self, core: &Core) {
        let timeout = core.options.consumer_instance_timeout;
        let mut instances = self.instances.lock();
        let expired: Vec<InstanceKey> = instances
            .iter()
            .filter(|(_, instance)| instance.state.lock().last_used.elapsed() >= timeout)
            .map(|(key, _)| key.clone())
            .collect();
        let expired: Vec<Arc<Instance>> =
            expired.iter().filter_map(|key| instances.remove(key)).collect();
        drop(instances);
        for instance in expired {
            close(core, &instance);
        }
    }

    pub(super) fn with_group<T>(&self, id: &str, act: impl FnOnce(&mut Group) -> T) -> T {
        let mut groups = self.groups.lock();
        if !groups.contains_key(id) {
            groups.insert(id.to_owned(), Group::default());
        }
        // Present: it was put in just above.
        act(groups.entry(id.to_owned()).or_default())
    }

    pub(super) fn commit(
        &self,
        group: &str,
        offsets: impl Iterator<Item = (TopicPartition, i64, String)>,
    ) {
        self.with_group(group, |group| {
            for (place, offset, metadata) in offsets {
                group.committed.insert(place, Committed { offset, metadata });
            }
        });
    }

    /// All groups that Kafka would know of.
    pub(crate) fn groups(&self) -> Vec<GroupView> {
        let groups = self.groups.lock();
        groups.iter().filter(|(_, g)| g.exists()).map(|(id, g)| g.view(id)).collect()
    }

    pub(crate) fn group(&self, id: &str) -> Option<GroupView> {
        self.groups.lock().get(id).filter(|g| g.exists()).map(|g| g.view(id))
    }
}

fn not_found() -> RestError {
    RestError::new(404, 40403, "Consumer instance not found.")
}

fn close(core: &Core, instance: &Instance) {
    let mut state = instance.state.lock();
    instance.deselect(core, &mut state);
    state.closed = true;
    drop(state);
    instance.readers.notify();
}

pub(super) fn delete(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let instance = core.consumers.find(core, call)?;
    let key = (instance.group.clone(), instance.id.clone());
    core.consumers.instances.lock().remove(&key);
    close(core, &instance);
    Ok(no_content())
}

#[derive(Serialize)]
struct Created {
    instance_id: String,
    base_uri: String,
}

pub(super) async fn create(
    core: &Core,
    call: &Call,
    body: RequestBody,
) -> Result<Reply, RestError> {
    let known = [
        "id",
        "name",
        "format",
        "auto.offset.reset",
        "auto.commit.enable",
        "fetch.min.bytes",
        "responseMinBytes",
        "consumer.request.timeout.ms",
        "requestWaitMs",
    ];
    let json = read_json(body).await?;
    let mut fields = Fields::new(json, "CreateConsumerInstanceRequest", &known)?;
    let name = fields.text("name")?;
    let name = fields.text("id")?.or(name);
    let settings = read_settings(&mut fields, core.options.version)?;
    let id = name.unwrap_or_else(|| core.consumers.new_name());
    if id.is_empty() {
        let text = "createGroup.<return value>.instanceId must not be blank (was )";
        return Err(RestError::new(422, 422, text));
    }
    core.consumers.sweep(core);
    let group = &call.segments[1];
    let mut instances = core.consumers.instances.lock();
    let key = (group.clone(), id.clone());
    if instances.contains_key(&key) {
        let text =
            "Consumer with specified consumer ID already exists in the specified consumer group.";
        return Err(RestError::new(409, 40902, text));
    }
    instances.insert(key, Arc::new(Instance::new(group.clone(), id.clone(), settings)));
    drop(instances);
    // Not percent-encoded, whatever the names hold.
    let base_uri = format!("{}/consumers/{group}/instances/{id}", call.origin);
    Ok(ok(&Created { instance_id: id, base_uri }))
}

impl Consumers {
    /// A name that looks like the proxy's random ones.
    fn new_name(&self) -> String {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        format!("rest-consumer-00000000-0000-4000-8000-{number:012x}")
    }
}

fn read_settings(fields: &mut Fields, version: Version) -> Result<Settings, RestError> {
    let format = Embedded::of_name(fields.text("format")?.as_deref().unwrap_or("binary"))?;
    let min_bytes = fields.integer("responseMinBytes")?;
    let fetch_min_bytes = fields.integer("fetch.min.bytes")?.or(min_bytes).unwrap_or(-1);
    let range = |rule: &str| {
        RestError::new(
            422,
            40001,
            format!(
                "Invalid consumer configuration. It does not abide by the constraints: Invalid value {fetch_min_bytes} for configuration fetch.min.bytes: {rule}"
            ),
        )
    };
    if fetch_min_bytes < -1 {
        return Err(range("Value must be at least -1"));
    }
    if fetch_min_bytes > 10_000_000 {
        return Err(range("Value must be no more than 10000000"));
    }
    let wait = fields.integer("requestWaitMs")?;
    let wait = fields.integer("consumer.request.timeout.ms")?.or(wait);
    Ok(Settings {
        format,
        reset: read_reset(fields.text("auto.offset.reset")?.as_deref(), version)?,
        auto_commit: read_auto_commit(fields.text("auto.commit.enable")?.as_deref())?,
        fetch_min_bytes,
        wait: wait
            .and_then(|ms| u64::try_from(ms).ok())
            .filter(|ms| *ms > 0)
            .map(Duration::from_millis),
    })
}

fn invalid_config(name: &str, value: &str, rule: &str) -> RestError {
    RestError::new(
        422,
        42204,
        format!(
            "Invalid consumer configuration: Invalid value {value} for configuration {name}: {rule}"
        ),
    )
}

fn read_reset(value: Option<&str>, version: Version) -> Result<Reset, RestError> {
    let rule = |value: &str| match version {
        Version::V7_9_9 => "String must be one of: latest, earliest, none".to_owned(),
        Version::V8_3_1 => format!(
            "Invalid value `{value}` for configuration auto.offset.reset. The value must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'."
        ),
    };
    match value {
        None | Some("latest") => Ok(Reset::Latest),
        Some("earliest") => Ok(Reset::Earliest),
        Some("none") => Ok(Reset::None),
        Some(other) => Err(invalid_config("auto.offset.reset", other, &rule(other))),
    }
}

fn read_auto_commit(value: Option<&str>) -> Result<bool, RestError> {
    match value {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(invalid_config(
            "enable.auto.commit",
            other,
            "Expected value to be either true or false",
        )),
    }
}
