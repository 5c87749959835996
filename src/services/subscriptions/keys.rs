//! The keys that sign a subscription's requests, as they are stored.

use serde::{Deserialize, Serialize};

#[cfg(feature = "sources")]
use super::signature::SigningSeed;
use super::signature::{Signer, SigningSecret};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Clock, Millis};
use crate::secrets::{SecretGone, SecretKeys, StoredSecret};

/// All encrypted for [`owner`]. Of each kind there may be one before, which signs, too,
/// until a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Keys {
    /// Of `v1`: a [`SigningSecret`].
    secret: StoredSecret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<(StoredSecret, Millis)>,
    /// Of `v1a`: a seed, with its public key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<(StoredSecret, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous_seed: Option<(StoredSecret, String, Millis)>,
}

/// To whom the encrypted secrets of a subscription belong.
pub(super) fn owner(id: &str) -> String {
    format!("webhook/{id}")
}

impl Keys {
    pub(super) fn of(secret: StoredSecret) -> Self {
        Self { secret, previous: None, seed: None, previous_seed: None }
    }

    /// New ones, and the secret of `v1` to be told.
    pub(super) fn generate(
        id: &str,
        clock: &impl Clock,
        keys: &SecretKeys,
    ) -> Result<(Self, SigningSecret)> {
        let secret = SigningSecret::generate(clock);
        Ok((Self::of(keys.seal(clock, &owner(id), &secret.reveal())?), secret))
    }

    /// Puts another secret in place of that of `v1`, which signs until a time, too.
    pub(super) fn replace(&mut self, secret: StoredSecret, until: Option<Millis>) {
        let before = std::mem::replace(&mut self.secret, secret);
        self.previous = until.filter(|_| !before.is_missing()).map(|until| (before, until));
    }

    /// Gives a seed to who has none; takes away the one of who needs none.
    pub(super) fn set_seed(&mut self, seed: Option<(StoredSecret, String)>) {
        self.previous_seed = self.previous_seed.take().filter(|_| seed.is_some());
        self.seed = seed;
    }

    /// The secret of `v1` as it is stored.
    pub(super) fn to_text(&self) -> String {
        self.secret.to_text()
    }

    pub(super) fn has_secret(&self, secret: &StoredSecret) -> bool {
        self.secret == *secret
    }

    pub(super) fn has_seed(&self) -> bool {
        self.seed.is_some()
    }

    pub(super) fn replace_seed(&mut self, seed: (StoredSecret, String), until: Millis) {
        let before = self.seed.replace(seed);
        self.previous_seed = before.map(|(seed, public)| (seed, public, until));
    }

    /// The public keys of `v1a`, the current one first.
    pub(super) fn public(&self, now: Millis) -> Vec<&str> {
        let previous = self.previous_seed.as_ref().filter(|(_, _, until)| now < *until);
        let current = self.seed.iter().map(|(_, public)| &**public);
        current.chain(previous.map(|(_, public, _)| &**public)).collect()
    }

    /// Until when a previous secret signs, too.
    pub(super) fn overlap(&self, now: Millis) -> Option<Millis> {
        self.previous.as_ref().map(|(_, until)| *until).filter(|until| now < *until)
    }

    /// All keys that sign at this time.
    pub(super) fn signer(&self, id: &str, keys: &SecretKeys, now: Millis) -> Result<Signer> {
        let owner = owner(id);
        let malformed =
            || Error::from(ErrorKind::Store { detail: "a key of a webhook is malformed".into() });
        let previous = self.previous.as_ref().filter(|(_, until)| now < *until);
        let all = std::iter::once(&self.secret).chain(previous.map(|(secret, _)| secret));
        let secrets = all
            .map(|secret| SigningSecret::parse(&keys.open(&owner, secret)?).ok_or_else(malformed));
        let secrets = secrets.collect::<Result<_>>()?;
        #[cfg(feature = "sources")]
        let seeds = {
            let previous = self.previous_seed.as_ref().filter(|(_, _, until)| now < *until);
            let all = self.seed.iter().map(|(seed, _)| seed);
            let all = all.chain(previous.map(|(seed, _, _)| seed));
            let open = |seed| SigningSeed::parse(&keys.open(&owner, seed)?).ok_or_else(malformed);
            all.map(open).collect::<Result<_>>()?
        };
        Ok(Signer {
            secrets,
            #[cfg(feature = "sources")]
            seeds,
        })
    }

    /// All encrypted secrets.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &StoredSecret> {
        std::iter::once(&self.secret)
            .chain(self.previous.iter().map(|(secret, _)| secret))
            .chain(self.seed.iter().map(|(seed, _)| seed))
            .chain(self.previous_seed.iter().map(|(seed, _, _)| seed))
    }

    pub(super) fn secrets_mut(&mut self) -> impl Iterator<Item = &mut StoredSecret> {
        std::iter::once(&mut self.secret)
            .chain(self.previous.iter_mut().map(|(secret, _)| secret))
            .chain(self.seed.iter_mut().map(|(seed, _)| seed))
            .chain(self.previous_seed.iter_mut().map(|(seed, _, _)| seed))
    }
}

/// A new seed of `v1a`, encrypted, and its public key.
#[cfg(feature = "sources")]
pub(super) fn new_seed(
    id: &str,
    clock: &impl Clock,
    keys: &SecretKeys,
) -> Result<(StoredSecret, String)> {
    let seed = SigningSeed::generate(clock);
    Ok((keys.seal(clock, &owner(id), &seed.reveal())?, seed.public()))
}

#[cfg(not(feature = "sources"))]
pub(super) fn new_seed(_: &str, _: &impl Clock, _: &SecretKeys) -> Result<(StoredSecret, String)> {
    Err(ErrorKind::Unsupported("This gateway was built without Ed25519".into()).into())
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
