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
//! A credential may end at a time, and may have a second secret for a while: after
//! a rotation both are accepted, so that its users can change over one by one.
//!
//! A failing store never grants access: callers with a credential of the
//! configuration may go on, and all others get the error of the store.

mod last_use;
#[cfg(feature = "configuration")]
mod portable;
mod stored;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

use self::last_use::LastUse;
use self::stored::{CredentialList, Stored};
use crate::access::{
    AccessError, Credential, Denial, Flaw, Grant, Name, Permissions, Presented, Secret,
    TopicPatterns, identify,
};
use crate::calendar::Day;
use crate::config::Access;
use crate::error::{Error, ErrorKind};
use crate::host::{Host, Millis};
use crate::rate::Rate;
use crate::sorted::SortedMap;
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::Shared;
pub use crate::state::shared::{MAX_LIST_AGE, MAX_LIST_AGE_TO_REFUSE};
use crate::telemetry::{Change, report_change};

/// What events call a credential.
const KIND: &str = "credential";

/// The maximum number of credentials created at run time.
pub const MAX_STORED: usize = 100;

/// The longest time for which two secrets are accepted after a rotation.
pub const MAX_OVERLAP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The usual one.
pub const DEFAULT_OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether a call is one of those that the rate of a credential allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    Yes,
    No,
}

/// A credential to be created. Its secret is generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub name: String,
    pub allow: Vec<String>,
    pub topics: Vec<String>,
    pub expires: Option<Millis>,
    /// How many calls in a second its caller may make.
    pub rate: Option<NonZeroU32>,
}

/// A credential as administrators see it, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: Name,
    pub allow: Permissions,
    pub topics: TopicPatterns,
    /// `None` for a credential of the configuration.
    pub created: Option<Millis>,
    pub expires: Option<Millis>,
    pub rate: Option<NonZeroU32>,
    /// Whether the secret before the last rotation is still accepted.
    pub has_previous_secret: bool,
    /// Until when; `None` if there is no end to it.
    pub previous_secret_expires: Option<Millis>,
    /// Never known of a credential of the configuration.
    pub last_used: Option<Day>,
}

/// A new credential, or one with a new secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    pub credential: Listed,
    /// Shown only once.
    pub secret: Secret,
}

/// Why a credential was not made, changed or deleted.
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
    #[error("This credential is in the variable credentials, and can be changed only there")]
    Configured,
    /// 409
    #[error("There are {MAX_STORED} credentials already")]
    TooMany,
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<ErrorKind> for CredentialError {
    fn from(kind: ErrorKind) -> Self {
        Error::from(kind).into()
    }
}

pub struct Credentials<H> {
    host: H,
    configured: Access,
    stored: Rc<Shared<H, CredentialList>>,
    last_use: LastUse<H>,
    /// By name, of those that have one.
    rates: RefCell<SortedMap<String, Rate>>,
}

impl<H: Host> Credentials<H> {
    pub fn new(host: H, configured: Access) -> Self {
        let params = Params::default().with_stale_bound(configured.store.staleness);
        let stored = Rc::new(Shared::new(host.clone(), LaneName::credentials(), params));
        let last_use = LastUse::new(host.clone(), stored.clone());
        Self { host, configured, stored, last_use, rates: RefCell::default() }
    }

    /// Whether callers present a key for Kafka in place of a credential.
    pub fn pass_through(&self) -> bool {
        self.configured.pass_through
    }

    /// Finds out who calls, before anything else is looked at.
    pub fn check(&self, presented: &Presented) -> impl Future<Output = Result<Grant, AccessError>> {
        self.check_call(presented, Counted::Yes)
    }

    /// The same; a call that is not counted is let in at any rate.
    pub async fn check_call(
        &self,
        presented: &Presented,
        counted: Counted,
    ) -> Result<Grant, AccessError> {
        let Access { open, credentials: configured, pass_through, .. } = &self.configured;
        if *pass_through {
            return Ok(Grant::passing(presented)?);
        }
        if *open {
            return Ok(Grant::open());
        }
        let now = self.host.now();
        if let Some(credential) = identify(configured.iter(), presented, now)? {
            self.limit(&credential, counted)?;
            return Ok(Grant::to(credential));
        }
        let denial = Denial::of_unknown(presented);
        if denial != Denial::Unknown && !configured.is_empty() {
            return Err(denial.into());
        }
        let mut list = self.stored.recent(MAX_LIST_AGE).await?;
        let mut found = identify(list.credentials(), presented, now);
        if denial == Denial::Unknown && !matches!(found, Ok(Some(_))) {
            list = self.stored.recent(MAX_LIST_AGE_TO_REFUSE).await?;
            found = identify(list.credentials(), presented, now);
        }
        if let Some(credential) = found? {
            self.limit(&credential, counted)?;
            self.last_use.note(credential.name().as_str(), &list).await;
            return Ok(Grant::to(credential));
        }
        if configured.is_empty() && list.is_empty() {
            return Err(nobody_may().into());
        }
        Err(denial.into())
    }

    /// Takes one call of those that the credential allows in this second. It is counted
    /// in this instance.
    fn limit(&self, credential: &Credential, counted: Counted) -> Result<(), Error> {
        let Some(rate) = credential.rate().filter(|_| counted == Counted::Yes) else {
            return Ok(());
        };
        let mut rates = self.rates.borrow_mut();
        let used = rates.get_or_default(credential.name().as_str().to_owned());
        let taken = used.take(rate.get(), self.host.monotonic());
        taken.map_err(|retry_after| ErrorKind::Throttled { retry_after }.into())
    }

    /// Creates a credential and its secret.
    pub async fn create(&self, wish: Wish) -> Result<Created, CredentialError> {
        let (secret, now) = (Secret::generate(&self.host), self.host.now());
        let credential = Credential::new(
            Name::parse(&wish.name)?,
            secret.hash(),
            Permissions::parse(&wish.allow)?,
            TopicPatterns::parse(&wish.topics)?,
        )?;
        let credential = credential.expiring(self.ahead(wish.expires)?).limited(wish.rate);
        if self.is_configured(credential.name().as_str()) {
            return Err(CredentialError::NameTaken);
        }
        let new = Stored::new(credential, now);
        self.change(&|list| list.add(&new).map(|()| None)).await?;
        self.report(None, &new);
        Ok(Created { credential: Listed::stored(&new, now), secret })
    }

    /// Sets when a credential ends; `None` is never.
    pub async fn expire(
        &self,
        name: &str,
        expires: Option<Millis>,
    ) -> Result<Listed, CredentialError> {
        let expires = self.ahead(expires)?;
        self.update(name, &|credential| credential.expiring(expires)).await
    }

    /// Sets how many calls in a second its caller may make; `None` is any number.
    pub async fn set_rate(
        &self,
        name: &str,
        rate: Option<NonZeroU32>,
    ) -> Result<Listed, CredentialError> {
        self.update(name, &|credential| credential.limited(rate)).await
    }

    /// Gives a credential a new secret. The current one is accepted until the
    /// overlap is over, and one from an earlier rotation no longer.
    pub async fn rotate(&self, name: &str, overlap: Duration) -> Result<Created, CredentialError> {
        if overlap > MAX_OVERLAP {
            return Err(Flaw::new("overlap", "is longer than 30 days").into());
        }
        let secret = Secret::generate(&self.host);
        let hash = secret.hash();
        let until = self.host.now().saturating_add(overlap.as_millis() as Millis);
        let rotate = |credential: Credential| {
            // An earlier try may have been stored.
            if *credential.secret() == hash {
                return credential;
            }
            credential.rotated(hash.clone(), until)
        };
        Ok(Created { credential: self.update(name, &rotate).await?, secret })
    }

    /// The credential as it is.
    pub async fn get(&self, name: &str) -> Result<Listed, CredentialError> {
        let all = self.list().await?;
        let found = all.into_iter().find(|listed| listed.name.as_str() == name);
        found.ok_or(CredentialError::Unknown)
    }

    async fn update(
        &self,
        name: &str,
        update: &dyn Fn(Credential) -> Credential,
    ) -> Result<Listed, CredentialError> {
        let before = RefCell::new(None);
        let updated = self
            .change(&|list| {
                // As it was before the first try: that one may have been stored.
                let mut before = before.borrow_mut();
                *before = before.take().or_else(|| list.get(name).cloned());
                Ok(list.update(name, update).cloned())
            })
            .await?;
        let updated = updated.ok_or_else(|| self.missing(name))?;
        self.report(before.into_inner().as_ref(), &updated);
        Ok(Listed::stored(&updated, self.host.now()))
    }

    /// Every change of the list is made here: what [`Shared::change`] comes to is
    /// there once for each closure that it is given.
    async fn change(
        &self,
        edit: &dyn Fn(&mut CredentialList) -> Result<Option<Stored>, CredentialError>,
    ) -> Result<Option<Stored>, CredentialError> {
        self.stored.change(|list| Ok(edit(list))).await?
    }

    fn missing(&self, name: &str) -> CredentialError {
        match self.is_configured(name) {
            true => CredentialError::Configured,
            false => CredentialError::Unknown,
        }
    }

    fn ahead(&self, expires: Option<Millis>) -> Result<Option<Millis>, Flaw> {
        match expires {
            Some(time) if time <= self.host.now() => {
                Err(Flaw::new("expires", "does not lie ahead"))
            }
            expires => Ok(expires),
        }
    }

    /// All credentials, those of the configuration first.
    pub async fn list(&self) -> Result<Vec<Listed>, Error> {
        let (stored, now) = (self.stored.read().await?, self.host.now());
        let configured = self.configured.credentials.iter();
        let configured = configured.map(|known| Listed::of(known, now));
        Ok(configured.chain(stored.iter().map(|known| Listed::stored(known, now))).collect())
    }

    pub async fn delete(&self, name: &str) -> Result<(), CredentialError> {
        // A first write that seemed to fail may have been stored. Then the
        // repeated one does not find the credential, which is not an error.
        let seen = Cell::new(false);
        self.change(&|list| {
            seen.set(list.remove(name) || seen.get());
            Ok(None)
        })
        .await?;
        if !seen.get() {
            return Err(self.missing(name));
        }
        Change { kind: KIND, name, what: "removed", fields: "" }.report(&self.host);
        Ok(())
    }

    /// Tells the operator what has become of a credential.
    fn report(&self, before: Option<&Stored>, after: &Stored) {
        let json = |stored: &Stored| serde_json::to_string(stored.credential()).unwrap_or_default();
        let (before, name) = (before.map(json), after.credential().name().as_str());
        report_change(&self.host, KIND, name, before.as_deref(), &json(after));
    }

    fn is_configured(&self, name: &str) -> bool {
        self.configured.credentials.iter().any(|known| known.name().as_str() == name)
    }
}

fn nobody_may() -> Error {
    ErrorKind::Unconfigured(
        "Nobody may call this gateway yet: list who may in its variable credentials, or set \
         open_access to true to let in everyone who can reach it"
            .into(),
    )
    .into()
}

impl Listed {
    fn of(credential: &Credential, now: Millis) -> Self {
        Self {
            name: credential.name().clone(),
            allow: credential.allow().clone(),
            topics: credential.topics().clone(),
            created: None,
            expires: credential.expires(),
            rate: credential.rate(),
            has_previous_secret: credential.has_previous(now),
            previous_secret_expires: credential.previous_expires(now),
            last_used: None,
        }
    }

    fn stored(stored: &Stored, now: Millis) -> Self {
        let (created, last_used) = (Some(stored.created()), stored.last_used());
        Self { created, last_used, ..Self::of(stored.credential(), now) }
    }
}

impl<H> fmt::Debug for Credentials<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("stored", &self.stored).finish_non_exhaustive()
    }
}
