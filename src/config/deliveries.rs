//! How records are delivered to callbacks.

use std::time::Duration;

use super::variables::Variables;
use crate::error::Result;

pub(super) const VARIABLES: [&str; 2] = ["webhook_timeout", "webhook_allow_private"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveriesConfig {
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for a callback's answer.
    pub timeout: Duration,
    /// Whether callbacks may be at loopback and private addresses.
    pub allow_private: bool,
}

impl DeliveriesConfig {
    pub(super) fn of(variables: &Variables<'_>, connect_timeout: Duration) -> Result<Self> {
        Ok(Self {
            connect_timeout,
            timeout: variables.duration("webhook_timeout", Duration::from_secs(15))?,
            allow_private: variables.switch("webhook_allow_private")?,
        })
    }
}
