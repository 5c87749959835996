//! Topic settings.

use super::links::{Links, Metadata, list as list_reply, ok};
use super::topics::named;
use crate::core::Core;
use crate::http::{Call, Reply, RestError};
use crate::log::{Setting, Source, effective_settings};
use serde::Serialize;

#[derive(Serialize)]
struct Config {
    kind: &'static str,
    metadata: Metadata,
    cluster_id: String,
    name: &'static str,
    value: String,
    is_read_only: bool,
    is_sensitive: bool,
    source: &'static str,
    synonyms: Vec<Synonym>,
    topic_name: String,
    is_default: bool,
}

/// A place that the value could come from, the one that counts first.
#[derive(Serialize)]
struct Synonym {
    name: &'static str,
    value: String,
    source: &'static str,
}

fn name_of(source: Source) -> &'static str {
    match source {
        Source::Topic => "DYNAMIC_TOPIC_CONFIG",
        Source::Cluster => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        Source::Default => "DEFAULT_CONFIG",
    }
}

impl Config {
    fn new(links: &Links, topic: &str, setting: Setting) -> Config {
        let name = setting.name;
        let synonyms = setting.synonyms.into_iter().map(|(name, value, source)| Synonym {
            name,
            value,
            source: name_of(source),
        });
        Config {
            kind: "KafkaTopicConfig",
            metadata: links.metadata(
                &format!("/topics/{topic}/configs/{name}"),
                &format!("/topic={topic}/config={name}"),
            ),
            cluster_id: links.cluster_id().to_owned(),
            name,
            value: setting.value,
            is_read_only: false,
            is_sensitive: false,
            source: name_of(setting.source),
            synonyms: synonyms.collect(),
            topic_name: topic.to_owned(),
            is_default: setting.source == Source::Default,
        }
    }
}

pub(super) fn list(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = Links::new(core, call)?;
    let topic = named(core, call)?;
    let name = topic.name();
    let settings = effective_settings(topic.configs(), core.options.version);
    let data = settings.into_iter().map(|s| Config::new(&links, name, s)).collect();
    Ok(list_reply("KafkaTopicConfigList", links.url(&format!("/topics/{name}/configs")), data))
}

pub(super) fn get(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = Links::new(core, call)?;
    let topic = named(core, call)?;
    let wanted = &call.segments[5];
    let settings = effective_settings(topic.configs(), core.options.version);
    let setting = settings.into_iter().find(|s| s.name == wanted);
    let setting = setting.ok_or_else(RestError::not_found)?;
    Ok(ok(&Config::new(&links, topic.name(), setting)))
}
