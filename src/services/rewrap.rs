//! Everything that is stored encrypted, under a new key.

use super::Services;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::Log;

/// What became of secrets of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrapped {
    /// Encrypted under the first key now, and not before.
    pub rewrapped: usize,
    /// Those whose key is in `secrets_key` no longer; they stay as they are.
    pub key_gone: usize,
}

/// What became of all secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RewrapReport {
    pub webhooks: Rewrapped,
    /// `None` where there can be no sources.
    pub sources: Option<Rewrapped>,
    /// `None` where there can be no destinations.
    pub destinations: Option<Rewrapped>,
}

impl<H: Host, L: Log> Services<H, L> {
    /// Encrypts all stored secrets under the first key.
    pub async fn rewrap_secrets(&self) -> Result<RewrapReport> {
        self.secret_keys.check()?;
        let webhooks = self.subscriptions.rewrap().await?.into();
        #[cfg(feature = "sources")]
        let sources = Some(self.sources.rewrap().await?.into());
        #[cfg(not(feature = "sources"))]
        let sources = None;
        #[cfg(feature = "destinations")]
        let destinations = Some(self.destinations.rewrap().await?.into());
        #[cfg(not(feature = "destinations"))]
        let destinations = None;
        Ok(RewrapReport { webhooks, sources, destinations })
    }
}

impl From<(usize, usize)> for Rewrapped {
    fn from((rewrapped, key_gone): (usize, usize)) -> Self {
        Self { rewrapped, key_gone }
    }
}
