//! The configuration of the key-value store.

use std::time::Duration;

use super::value;
use super::variables::Variables;
use crate::error::{ErrorKind, Result};
use crate::host::Host;

/// [`Access`](super::Access) reads this too, because the store holds credentials.
pub(super) const STALENESS: &str = "store_staleness";

pub(super) const VARIABLES: [&str; 1] = [STALENESS];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreConfig {
    /// How old a read of the store may be.
    pub staleness: Duration,
    /// Whether keys can be created if there are none, each with an end.
    pub creates: bool,
}

impl StoreConfig {
    pub(super) fn of(variables: &Variables<'_>) -> Result<Self> {
        let staleness = value::age(STALENESS, variables.text(STALENESS).as_deref())?;
        Ok(Self { staleness, creates: false })
    }

    /// Like [`of`](Self::of), but if the operator sets nothing, the host's own
    /// statement counts.
    pub(super) fn on(host: &impl Host, variables: &Variables<'_>) -> Result<Self> {
        if variables.text(STALENESS).is_none() {
            let staleness = host.capabilities().store_staleness;
            return Ok(Self { staleness, creates: false });
        }
        Self::of(variables)
    }

    /// The same with what the host says of its store.
    pub(super) async fn with_capabilities(self, host: &impl Host) -> Result<Self> {
        let stated = host.store_capabilities().await;
        let stated = stated.map_err(|error| ErrorKind::Unconfigured(error.detail))?;
        Ok(Self { creates: stated.creates, ..self })
    }
}
