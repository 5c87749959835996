//! The configuration of the key-value store.

use std::time::Duration;

use super::value;
use super::variables::Variables;
use crate::error::Result;
use crate::host::Host;

/// [`Access`](super::Access) reads this too, because the store holds credentials.
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

    /// Like [`of`](Self::of), but if the operator sets nothing, the host's own
    /// statement counts.
    pub(super) fn on(host: &impl Host, variables: &Variables<'_>) -> Result<Self> {
        if variables.text(STALENESS).is_none() {
            return Ok(Self { staleness: host.capabilities().store_staleness });
        }
        Self::of(variables)
    }
}
