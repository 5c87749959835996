//! The keys that sign a subscription's requests, as they are stored.

use serde::{Deserialize, Serialize};

use super::signature::SigningSecret;
use crate::error::{Error, Result};
use crate::host::{Clock, Millis};
use crate::secrets::{SecretGone, SecretKeys, StoredSecret};

/// All encrypted for [`owner`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Keys {
    /// Of `v1`: a [`SigningSecret`].
    secret: StoredSecret,
    /// The one before, which signs, too, until a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<(StoredSecret, Millis)>,
}

/// To whom the encrypted secrets of a subscription belong.
pub(super) fn owner(id: &str) -> String {
    format!("webhook/{id}")
}

impl Keys {
    pub(super) fn of(secret: StoredSecret) -> Self {
        Self { secret, previous: None }
    }

    /// New ones, and the secret of `v1` to be told.
    pub(super) fn generate(
        id: &str,
        clock: &impl Clock,
        keys: &SecretKeys,
    ) -> Result<(Self, SigningSecret)> {
        let secret = SigningSecret::generate(clock);
        let sealed = keys.seal(clock, &owner(id), &secret.reveal())?;
        Ok((Self::of(sealed), secret))
    }

    /// The secrets that sign by `v1` at this time, the newest first.
    pub(super) fn v1(
        &self,
        id: &str,
        keys: &SecretKeys,
        now: Millis,
    ) -> Result<Vec<SigningSecret>> {
        let previous = self.previous.as_ref().filter(|(_, until)| now < *until);
        let all = std::iter::once(&self.secret).chain(previous.map(|(secret, _)| secret));
        all.map(|secret| {
            let secret = keys.open(&owner(id), secret)?;
            let malformed =
                || Error::Store { detail: "the secret of a webhook is malformed".into() };
            SigningSecret::parse(&secret).ok_or_else(malformed)
        })
        .collect()
    }

    /// All encrypted secrets.
    pub(super) fn secrets_mut(&mut self) -> impl Iterator<Item = &mut StoredSecret> {
        std::iter::once(&mut self.secret)
            .chain(self.previous.as_mut().map(|(secret, _)| secret))
    }
}

/// Encrypts secrets under the first key that are not; whether there was one.
pub(super) fn renew<'a>(
    secrets: impl Iterator<Item = &'a mut StoredSecret>,
    id: &str,
    clock: &impl Clock,
    keys: &SecretKeys,
) -> Result<bool, SecretGone> {
    let mut changed = false;
    for secret in secrets {
        if let Some(renewed) = keys.renewed(clock, &owner(id), secret)? {
            *secret = renewed;
            changed = true;
        }
    }
    Ok(changed)
}
