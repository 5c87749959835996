//! Destinations: Kafka clusters beside the gateway's own, to which sources write.
//!
//! Their list is one document. A source names those that it writes to, and an instance
//! keeps a client for each as long as what is stored of it is unchanged.

mod change;
mod client;
mod destination;
mod given;
mod in_use;
mod list;
#[cfg(feature = "configuration")]
mod portable;
mod trial;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

pub use self::change::Change;
use self::change::{KIND, Wish, owner, unknown};
use self::client::Clients;
pub use self::client::{Client, MAX_CLIENTS};
use self::destination::Destination;
pub use self::destination::{Dialect, Format};
pub use self::list::MAX_DESTINATIONS;
use self::list::{DestinationList, StoredDestination};
pub use self::trial::{Finding, Trial};
use crate::api_key::ApiKey;
use crate::config::{ConsumeApi, KafkaConfig};
use crate::error::{Fault, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::secrets::{SecretGone, SecretKeys};
pub use crate::services::condition::Condition;
use crate::services::produce::SharedCalls;
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::{MAX_LIST_AGE, MAX_LIST_AGE_TO_REFUSE, Shared};
use crate::telemetry::Change as Reported;

/// A destination as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationView {
    pub id: String,
    pub name: String,
    /// A JSON object with the id; a secret is masked.
    pub settings: String,
    pub created: Millis,
    pub tag: String,
    /// The key of its secret is not there any more.
    pub secret_gone: bool,
}

/// What has become of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// `None`: it is gone.
    pub view: Option<DestinationView>,
    pub is_new: bool,
}

/// A destination to be moved to another deployment.
pub struct Exported {
    pub id: String,
    pub name: String,
    /// A JSON object with the id and without the secret. [`Change::Put`] takes it.
    pub settings: String,
    pub created: Millis,
    /// In plain text, if there is one.
    pub secret: Option<Result<String, SecretGone>>,
}

/// Connects to the log that a configuration names.
pub type Connect<L> = Rc<dyn Fn(&KafkaConfig) -> L>;

/// What destinations need beside the host.
pub struct Parts<L> {
    pub keys: SecretKeys,
    pub allow_private: bool,
    pub connect_timeout: Duration,
    pub request_timeout: Duration,
    pub connect: Connect<L>,
}

/// The destinations as one instance works on them.
pub struct Destinations<H: Host, L> {
    host: H,
    list: Shared<H, DestinationList>,
    parts: Parts<L>,
    clients: RefCell<Clients<H, L>>,
}

impl<H: Host, L: Log> Destinations<H, L> {
    pub fn new(host: H, parts: Parts<L>, params: Params) -> Self {
        let list = Shared::new(host.clone(), LaneName::destinations(), params);
        Self { host, list, parts, clients: RefCell::default() }
    }

    /// Changes the list. `reference` is an id or a name, and empty for
    /// [`Change::Create`]. Whether a source needs what is removed is not looked at:
    /// [`Services::change_destination`](crate::services::Services::change_destination)
    /// does that.
    pub(super) async fn change(
        &self,
        reference: &str,
        change: Change<'_>,
        condition: Condition<'_>,
        dialect: Dialect,
    ) -> Result<Changed> {
        let wish = Wish {
            reference,
            change,
            condition,
            dialect,
            allow_private: self.parts.allow_private,
            may_lack_secret: false,
            keys: &self.parts.keys,
            clock: &self.host,
        };
        // What will be refused takes no turn at the list.
        wish.made(&*self.list.read().await?)?;
        let made = RefCell::new(None);
        self.list.change(|list| wish.carry_out(list, &made)).await?;
        let made = made.into_inner().ok_or_else(|| unknown(reference))?;
        made.report(&self.host);
        let view = made.stored.as_ref().map(|stored| self.view(stored)).transpose()?;
        Ok(Changed { view, is_new: made.is_new })
    }

    /// All destinations, oldest first.
    pub async fn list(&self) -> Result<Vec<DestinationView>> {
        self.list.read().await?.iter().map(|stored| self.view(stored)).collect()
    }

    /// All destinations, oldest first, with their secrets in plain text.
    pub async fn export(&self) -> Result<Vec<Exported>> {
        let list = self.list.read().await?;
        let exported = list.iter().map(|stored| {
            let secret = stored.secret.as_ref();
            Ok(Exported {
                id: stored.id.to_string(),
                name: stored.name.to_string(),
                settings: stored.read()?.to_json(Some(&stored.id), false),
                created: stored.created,
                secret: secret.map(|secret| self.parts.keys.open(&owner(&stored.id), secret)),
            })
        });
        exported.collect()
    }

    /// The id and the name of the destination that a reference means, if there is one now.
    pub(super) async fn find(&self, reference: &str) -> Result<Option<(Rc<str>, Rc<str>)>> {
        let list = self.list.read().await?;
        Ok(list.get(reference).map(|stored| (stored.id.clone(), stored.name.clone())))
    }

    /// The clients of the destinations that these references mean, in their order. `None`:
    /// there is none, or not one that can be used, because of this.
    pub async fn open(&self, references: &[&str]) -> Result<Vec<Result<Rc<Client<H, L>>, Fault>>> {
        let mut list = self.list.recent(MAX_LIST_AGE).await?;
        if references.iter().any(|reference| list.get(reference).is_none()) {
            list = self.list.recent(MAX_LIST_AGE_TO_REFUSE).await?;
        }
        let opened = references.iter().map(|reference| match list.get(reference) {
            Some(stored) => self.client(stored),
            None => Err(Fault::Missing),
        });
        Ok(opened.collect())
    }

    fn client(&self, stored: &StoredDestination) -> Result<Rc<Client<H, L>>, Fault> {
        if let Some(client) = self.clients.borrow_mut().get(stored) {
            return Ok(client);
        }
        let destination = stored.read().map_err(|_| Fault::Failed)?;
        let log = Rc::new((self.parts.connect)(&self.config(stored, &destination)?));
        let Destination { topic, format, header_prefix, enabled, .. } = destination;
        let client = Rc::new(Client {
            host: self.host.clone(),
            id: stored.id.clone(),
            name: stored.name.clone(),
            topic,
            format,
            header_prefix,
            enabled,
            calls: SharedCalls::new(self.host.clone(), log.clone()),
            log,
        });
        self.clients.borrow_mut().put(stored.clone(), client.clone());
        Ok(client)
    }

    fn config(
        &self,
        stored: &StoredDestination,
        destination: &Destination,
    ) -> Result<KafkaConfig, Fault> {
        let Parts { keys, allow_private, connect_timeout, request_timeout, .. } = &self.parts;
        // The rules may have changed since it was made.
        let rest_url = destination.server.base(*allow_private).map_err(|_| Fault::Address)?;
        let secret = stored.secret.as_ref().map(|secret| keys.open(&owner(&stored.id), secret));
        let secret = secret.transpose().map_err(|_| Fault::Secret)?;
        let key = destination.api_key.clone();
        Ok(KafkaConfig {
            rest_url,
            cluster_id: destination.cluster_id.clone(),
            api_key: key.zip(secret).map(|(key, secret)| ApiKey { key, secret }),
            // Nothing is read here.
            consume_api: ConsumeApi::V2,
            json_values: destination.format == Format::Json,
            connect_timeout: *connect_timeout,
            request_timeout: *request_timeout,
        })
    }

    /// Finds out whether a destination could be written to, and writes nothing.
    pub async fn trial(&self, reference: &str) -> Result<Trial> {
        let list = self.list.read().await?;
        let stored = list.get(reference).ok_or_else(|| unknown(reference))?;
        match self.client(stored) {
            Ok(client) => Ok(Trial::of(client.log.write_access(&client.topic).await)),
            Err(fault) => Ok(Trial::impossible(fault)),
        }
    }

    /// Encrypts secrets under the first key that are not; returns how many were changed, and
    /// of how many the key is gone.
    pub async fn rewrap(&self) -> Result<(usize, usize)> {
        let counted = RefCell::new((0, 0));
        self.list
            .change(|list| {
                let (mut changed, mut gone) = (0, 0);
                for stored in list.iter_mut() {
                    let Some(secret) = &mut stored.secret else { continue };
                    match self.parts.keys.renewed(&self.host, &owner(&stored.id), secret) {
                        Ok(Some(new)) => {
                            *secret = new;
                            changed += 1;
                        }
                        Ok(None) => {}
                        Err(_) => gone += 1,
                    }
                }
                *counted.borrow_mut() = (changed, gone);
                Ok(())
            })
            .await?;
        let (rewrapped, gone) = counted.into_inner();
        if rewrapped > 0 {
            let change =
                Reported { kind: KIND, name: "*", what: "rewrapped", fields: "api_secret" };
            change.report(&self.host);
        }
        Ok((rewrapped, gone))
    }

    fn view(&self, stored: &StoredDestination) -> Result<DestinationView> {
        let has_key = |secret| self.parts.keys.has_key_of(secret);
        Ok(DestinationView {
            id: stored.id.to_string(),
            name: stored.name.to_string(),
            settings: stored.shown()?,
            created: stored.created,
            tag: stored.tag(),
            secret_gone: !stored.secret.as_ref().is_none_or(has_key),
        })
    }
}

/// The one of this id or name.
pub fn find(destinations: Vec<DestinationView>, reference: &str) -> Result<DestinationView> {
    let is = |view: &DestinationView| view.id == reference || view.name == reference;
    destinations.into_iter().find(is).ok_or_else(|| unknown(reference))
}

impl<H: Host, L> fmt::Debug for Destinations<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destinations").field("list", &self.list).finish_non_exhaustive()
    }
}

impl<L> fmt::Debug for Parts<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

impl fmt::Debug for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exported").field("id", &self.id).finish_non_exhaustive()
    }
}
