//! How records are delivered to callbacks.

use std::time::Duration;

use super::value;
use super::variables::Variables;
use crate::error::{ErrorKind, Result};
use crate::names::check_topic;

pub(super) const VARIABLES: [&str; 5] = [
    "webhook_timeout",
    "webhook_allow_private",
    "webhook_allowed_hosts",
    "operations_topic",
    WALL_TIME,
];
const WALL_TIME: &str = "wall_time";

/// The longest timeout that a subscription may set, unless the gateway's own is longer.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveriesConfig {
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for a callback's answer.
    pub timeout: Duration,
    /// The longest that a subscription may set.
    pub longest_timeout: Duration,
    /// How long the host lets an execution take, if it does not say so itself; zero: any time.
    pub wall_time: Duration,
    /// Whether callbacks may be at loopback and private addresses.
    pub allow_private: bool,
    /// Where it is told what happens to subscriptions, if anywhere.
    pub operations_topic: Option<String>,
    /// Hosts, in lower case, and domains as `*.example.com`. None: any host.
    pub allowed_hosts: Vec<String>,
    /// Who the gateway is, for callbacks that are asked for their consent: the host of its
    /// own address, if that is configured.
    pub origin: Option<String>,
}

impl DeliveriesConfig {
    pub(super) fn of(variables: &Variables<'_>, connect_timeout: Duration) -> Result<Self> {
        let timeout = variables.duration("webhook_timeout", Duration::from_secs(15))?;
        let operations_topic = variables.text("operations_topic");
        if operations_topic.as_deref().is_some_and(|topic| check_topic(topic).is_err()) {
            return Err(ErrorKind::Unconfigured(
                "operations_topic is not the name of a topic".into(),
            )
            .into());
        }
        Ok(Self {
            connect_timeout,
            timeout,
            longest_timeout: timeout.max(LONGEST_TIMEOUT),
            wall_time: value::age(WALL_TIME, variables.text(WALL_TIME).as_deref())?,
            allow_private: variables.switch("webhook_allow_private")?,
            operations_topic,
            allowed_hosts: hosts(&variables.text("webhook_allowed_hosts").unwrap_or_default()),
            origin: None,
        })
    }
}

/// A list with commas between its items.
fn hosts(list: &str) -> Vec<String> {
    let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(|item| item.trim_end_matches('.').to_ascii_lowercase()).collect()
}
