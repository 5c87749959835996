//! Credentials: those of the configuration and those created at run time, and
//! the decision who may call with them.
//!
//! The latter are a list in the store that all instances share. An entry is a
//! name, what it allows, and the hash of a secret that was shown once. A check
//! usually needs no read of the store: credentials of the configuration need
//! none, and each instance keeps a copy of the list for [`MAX_LIST_AGE`]. So a
//! deleted credential works in other instances for at most twice that time. If
//! a credential is not in the copy, and the copy is older than
//! [`MAX_LIST_AGE_TO_REFUSE`], the list is read again. So a new credential
//! works everywhere within half a second, and unknown callers cause only a few
//! reads a second.
//!
//! A failing store never grants access: callers with a credential of the
//! configuration may go on, and all others get the error of the store.

mod stored;

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use self::stored::{CredentialList, Stored};
use crate::access::{
    AccessError, Credential, Denial, Flaw, Grant, Name, Permissions, Presented, Secret,
    TopicPatterns, identify,
};
use crate::config::Access;
use crate::error::Error;
use crate::host::{Host, Millis};
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::Shared;

/// How long an instance uses its copy of the list.
pub const MAX_LIST_AGE: Duration = Duration::from_secs(2);

/// How long the copy is used to refuse a caller whose credential is not in it.
pub const MAX_LIST_AGE_TO_REFUSE: Duration = Duration::from_millis(250);

/// The maximum number of credentials created at run time.
pub const MAX_STORED: usize = 100;

/// A credential to be created. Its secret is generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub name: String,
    pub allow: Vec<String>,
    pub topics: Vec<String>,
}

/// A credential as administrators see it, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: Name,
    pub allow: Permissions,
    pub topics: TopicPatterns,
    /// `None` for a credential of the configuration.
    pub created: Option<Millis>,
}

/// A new credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    pub credential: Listed,
    /// Shown only once.
    pub secret: Secret,
}

/// Why a credential was not made or deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// 400
    #[error(transparent)]
    Invalid(#[from] Flaw),
    /// 404
    #[error("Credential not found")]
    Unknown,
    /// 409
    #[error("There is a credential of this name already")]
    NameTaken,
    /// 409
    #[error("This credential is in the variable credentials, and can be removed only there")]
    Configured,
    /// 409
    #[error("There are {MAX_STORED} credentials already")]
    TooMany,
    #[error(transparent)]
    Failed(#[from] Error),
}

pub struct Credentials<H> {
    host: H,
    configured: Access,
    stored: Shared<H, CredentialList>,
}

impl<H: Host> Credentials<H> {
    pub fn new(host: H, configured: Access) -> Self {
        let params = Params::default().with_stale_bound(configured.store.staleness);
        let stored = Shared::new(host.clone(), LaneName::credentials(), params);
        Self { host, configured, stored }
    }

    /// Whether callers present a key for Kafka in place of a credential.
    pub fn pass_through(&self) -> bool {
        self.configured.pass_through
    }

    /// Finds out who calls, before anything else is looked at.
    pub async fn check(&self, presented: &Presented) -> Result<Grant, AccessError> {
        let Access { open, credentials: configured, pass_through, .. } = &self.configured;
        if *pass_through {
            return Ok(Grant::passing(presented)?);
        }
        if *open {
            return Ok(Grant::open());
        }
        if let Some(credential) = identify(configured.iter(), presented) {
            return Ok(Grant::to(credential));
        }
        let denial = Denial::of_unknown(presented);
        if denial != Denial::Unknown && !configured.is_empty() {
            return Err(denial.into());
        }
        let mut list = self.stored.recent(MAX_LIST_AGE).await?;
        if let Some(credential) = identify(list.credentials(), presented) {
            return Ok(Grant::to(credential));
        }
        if denial == Denial::Unknown {
            list = self.stored.recent(MAX_LIST_AGE_TO_REFUSE).await?;
            if let Some(credential) = identify(list.credentials(), presented) {
                return Ok(Grant::to(credential));
            }
        }
        if configured.is_empty() && list.is_empty() {
            return Err(nobody_may().into());
        }
        Err(denial.into())
    }

    /// Creates a credential and its secret.
    pub async fn create(&self, wish: Wish) -> Result<Created, CredentialError> {
        let secret = Secret::generate(&self.host);
        let credential = Credential::new(
            Name::parse(&wish.name)?,
            secret.hash(),
            Permissions::parse(&wish.allow)?,
            TopicPatterns::parse(&wish.topics)?,
        )?;
        if self.is_configured(credential.name().as_str()) {
            return Err(CredentialError::NameTaken);
        }
        let new = Stored::new(credential, self.host.now());
        self.stored.change(|list| Ok(list.add(&new))).await??;
        Ok(Created { credential: (&new).into(), secret })
    }

    /// All credentials, those of the configuration first.
    pub async fn list(&self) -> Result<Vec<Listed>, Error> {
        let stored = self.stored.read().await?;
        let configured = self.configured.credentials.iter().map(|known| Listed::of(known, None));
        Ok(configured.chain(stored.iter().map(Listed::from)).collect())
    }

    pub async fn delete(&self, name: &str) -> Result<(), CredentialError> {
        // A first write that seemed to fail may have been stored. Then the
        // repeated one does not find the credential, which is not an error.
        let seen = Cell::new(false);
        let removed = self.stored.change(|list| {
            seen.set(list.remove(name) || seen.get());
            Ok(seen.get())
        });
        match removed.await? {
            true => Ok(()),
            false if self.is_configured(name) => Err(CredentialError::Configured),
            false => Err(CredentialError::Unknown),
        }
    }

    fn is_configured(&self, name: &str) -> bool {
        self.configured.credentials.iter().any(|known| known.name().as_str() == name)
    }
}

fn nobody_may() -> Error {
    Error::Unconfigured(
        "Nobody may call this gateway yet: list who may in its variable credentials, or set \
         open_access to true to let in everyone who can reach it"
            .into(),
    )
}

impl Listed {
    fn of(credential: &Credential, created: Option<Millis>) -> Self {
        Self {
            name: credential.name().clone(),
            allow: credential.allow().clone(),
            topics: credential.topics().clone(),
            created,
        }
    }
}

impl From<&Stored> for Listed {
    fn from(stored: &Stored) -> Self {
        Self::of(stored.credential(), Some(stored.created()))
    }
}

impl<H> fmt::Debug for Credentials<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("stored", &self.stored).finish_non_exhaustive()
    }
}
