//! Credentials as entries of a document. Those of the variable are none: they belong to
//! the host's configuration.
//!
//! Of a secret only the hash is kept, and so the hash is what an encrypted document holds.
//! With it a credential goes on working elsewhere; without it there is no secret that its
//! callers could present, until it is rotated.

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::stored::Stored;
use super::{CredentialError, Credentials, KIND, MAX_LIST_AGE};
use crate::access::{Credential, Flaw, SecretHash, read_entry};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::render::timestamp;
use crate::services::configuration::{Entry, Given, Kind, Run, Taken, What};

/// What a credential says of its secrets.
const OF_SECRETS: [&str; 4] = ["name", "secret", "previous_secret", "previous_secret_expires"];

/// What a credential allows, in the form in which callers give it.
fn settings(credential: &Credential) -> String {
    let text = serde_json::to_string(credential).unwrap_or_default();
    let mut json: Value = kafka_edge_json::from_str(&text).unwrap_or_default();
    let Some(members) = json.as_object_mut() else { return text };
    OF_SECRETS.iter().for_each(|name| drop(members.remove(*name)));
    if let Some(expires) = credential.expires() {
        members.insert("expires".into(), timestamp(expires).into());
    }
    json.to_string()
}

fn read(given: &Given) -> Result<Credential> {
    let mut settings = given.value()?;
    let Value::Object(members) = &mut settings else {
        return Err(Error::invalid("settings", "Not a JSON object"));
    };
    if OF_SECRETS.iter().any(|name| members.contains_key(*name)) {
        return Err(Error::invalid("settings", "Neither a name nor a secret belongs here"));
    }
    let hash = match given.secret()? {
        None => String::from(SecretHash::none()),
        Some(hash) if SecretHash::is_written(hash) => hash.to_owned(),
        Some(_) => return Err(Error::invalid("secrets", "Not the hash of a secret")),
    };
    members.insert("name".into(), given.name.clone().into());
    members.insert("secret".into(), hash.into());
    read_entry(&settings).map_err(flawed)
}

fn flawed(flaw: Flaw) -> Error {
    Error::invalid(flaw.field, flaw.to_string())
}

fn failed(error: CredentialError) -> Error {
    match error {
        CredentialError::Failed(error) => error,
        CredentialError::Invalid(flaw) => flawed(flaw),
        CredentialError::TooMany => ErrorKind::LimitReached(error.to_string()).into(),
        _ => ErrorKind::NameTaken(error.to_string()).into(),
    }
}

impl<H: Host> Kind for Credentials<H> {
    fn name(&self) -> &'static str {
        KIND
    }

    fn names(&self) -> LocalBoxFuture<'_, Result<Vec<String>>> {
        Box::pin(async {
            let list = self.stored.read().await?;
            Ok(list.iter().map(|stored| stored.credential().name().to_string()).collect())
        })
    }

    fn get<'a>(&'a self, name: &'a str, _: bool) -> LocalBoxFuture<'a, Result<Option<Entry>>> {
        Box::pin(async move {
            let list = self.stored.recent(MAX_LIST_AGE).await?;
            Ok(list.get(name).map(Stored::credential).map(|credential| {
                let hash = Some(credential.secret()).filter(|hash| !hash.is_none());
                let secrets = hash.map(|hash| vec![String::from(hash.clone())]);
                Entry { settings: settings(credential), secrets }
            }))
        })
    }

    fn take<'a>(&'a self, given: &'a Given, run: Run<'a>) -> LocalBoxFuture<'a, Result<Taken>> {
        Box::pin(async move {
            let wanted = read(given)?;
            if self.is_configured(&given.name) {
                return Err(failed(CredentialError::Configured));
            }
            // It keeps its secret, unless it has none.
            let changed = |known: &Credential| match known.secret().is_none() {
                true => wanted.clone(),
                false => known.clone().allowing_as(&wanted),
            };
            let list = self.stored.recent(MAX_LIST_AGE).await?;
            let before = list.get(&given.name).map(Stored::credential);
            let after = before.map_or(wanted.clone(), changed);
            let what = What::of(before.is_some(), before == Some(&after));
            if let (What::Create, Some(planned)) = (what, run.planned()) {
                list.has_room(planned.new.get()).map_err(failed)?;
            }
            match what {
                What::Create if !run.is_dry() => {
                    let new = Stored::new(wanted.clone(), self.host.now());
                    self.change(&|list| list.add(&new).map(|()| None)).await.map_err(failed)?;
                    self.report(None, &new);
                }
                What::Replace if !run.is_dry() => {
                    let updated = self.update(&given.name, &|known| changed(&known)).await;
                    updated.map_err(failed)?;
                }
                _ => {}
            }
            Ok(Taken { what, needs_secret: after.secret().is_none() })
        })
    }
}
