//! What is to be known of the key-value store.

use std::time::Duration;

use super::value;
use super::variables::Variables;
use crate::error::Result;
use crate::host::Host;

/// Read with [`Access`](super::Access) too: credentials lie in the store.
pub(super) const STALENESS: &str = "store_staleness";

pub(super) const VARIABLES: [&str; 1] = [STALENESS];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreConfig {
    /// How old a read of the store may be.
    pub staleness: Duration,
}

impl StoreConfig {
    pub(super) fn of(variables: &Variables<'_>) -> Result<Self> {
        Ok(Self { staleness: value::age(STALENESS, variables.text(STALENESS).as_deref())? })
    }

    /// The same on a host: where the operator says nothing, what the host
    /// states counts.
    pub(super) fn on(host: &impl Host, variables: &Variables<'_>) -> Result<Self> {
        if variables.text(STALENESS).is_none() {
            return Ok(Self { staleness: host.capabilities().store_staleness });
        }
        Self::of(variables)
    }
}
