//! Topic settings.

use super::links::{Links, Metadata, list as list_reply, ok};
use super::topics::named;
use crate::core::Core;
use crate::http::{Call, Reply, RestError};
use crate::log::{Setting, effective_settings};
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

const OF_TOPIC: &str = "DYNAMIC_TOPIC_CONFIG";
const DEFAULT: &str = "DEFAULT_CONFIG";

impl Config {
    fn new(links: &Links, topic: &str, setting: Setting) -> Config {
        let name = setting.name;
        let mut synonyms = Vec::new();
        if setting.of_topic {
            synonyms.push(Synonym { name, value: setting.value.clone(), source: OF_TOPIC });
        }
        if let Some((name, value)) = setting.broker {
            synonyms.push(Synonym { name, value: value.to_owned(), source: DEFAULT });
        }
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
            source: if setting.of_topic { OF_TOPIC } else { DEFAULT },
            synonyms,
            topic_name: topic.to_owned(),
            is_default: !setting.of_topic,
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
