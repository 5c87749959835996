//! The export of `kafka-edge:api/credentials`.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Answer, answering};
use crate::bindings::exports::kafka_edge::api::credentials::{
    Credential, Error, Guest, NewCredential, Permissions,
};
use crate::bindings::exports::kafka_edge::api::types::InvalidArgument;
use crate::{Component, app};
use kafka_edge::access::Permission;
use kafka_edge::services::credentials::{Created, CredentialError, Listed, Wish};

impl Guest for Component {
    fn create(
        name: String,
        allow: Permissions,
        topics: Vec<String>,
        expires: Option<i64>,
    ) -> Answer<NewCredential> {
        answering(async move {
            let wish = Wish { name, allow: names_of(allow), topics, expires, rate: None };
            Ok(app().credentials().await?.create(wish).await?.into())
        })
    }

    fn list() -> Answer<Vec<Credential>> {
        answering(async move {
            let credentials = app().credentials().await?.list().await?;
            Ok(credentials.into_iter().map(Into::into).collect())
        })
    }

    fn set_expiry(name: String, expires: Option<i64>) -> Answer<Credential> {
        answering(
            async move { Ok(app().credentials().await?.expire(&name, expires).await?.into()) },
        )
    }

    fn set_rate(name: String, rate: Option<u32>) -> Answer<Credential> {
        answering(async move {
            let rate = rate.map(|rate| {
                NonZeroU32::new(rate).ok_or_else(|| {
                    kafka_edge::error::Error::invalid("rate", "Not a number from 1 on")
                })
            });
            Ok(app().credentials().await?.set_rate(&name, rate.transpose()?).await?.into())
        })
    }

    fn rotate(name: String, overlap: u32) -> Answer<NewCredential> {
        answering(async move {
            let overlap = Duration::from_millis(overlap.into());
            Ok(app().credentials().await?.rotate(&name, overlap).await?.into())
        })
    }

    fn delete(name: String) -> Answer<()> {
        answering(async move { Ok(app().credentials().await?.delete(&name).await?) })
    }
}

fn flag(permission: Permission) -> Permissions {
    match permission {
        Permission::Produce => Permissions::PRODUCE,
        Permission::Consume => Permissions::CONSUME,
        Permission::Webhooks => Permissions::WEBHOOKS,
        Permission::Admin => Permissions::ADMIN,
        Permission::Metrics => Permissions::METRICS,
    }
}

fn names_of(flags: Permissions) -> Vec<String> {
    let allowed = Permission::ALL.into_iter().filter(|one| flags.contains(flag(*one)));
    allowed.map(|permission| permission.name().to_owned()).collect()
}

impl From<Listed> for Credential {
    fn from(listed: Listed) -> Self {
        Self {
            name: listed.name.into(),
            allow: listed.allow.iter().map(flag).fold(Permissions::empty(), |all, one| all | one),
            topics: listed.topics.into(),
            created: listed.created,
            expires: listed.expires,
            rate: listed.rate.map(NonZeroU32::get),
            has_previous_secret: listed.has_previous_secret,
            previous_secret_expires: listed.previous_secret_expires,
            last_used: listed.last_used.map(|day| day.to_string()),
        }
    }
}

impl From<Created> for NewCredential {
    fn from(created: Created) -> Self {
        let secret = created.secret.reveal().to_owned();
        Self { credential: created.credential.into(), secret }
    }
}

impl From<CredentialError> for Error {
    fn from(error: CredentialError) -> Self {
        let text = error.to_string();
        match error {
            CredentialError::Invalid(flaw) => {
                Self::Invalid(InvalidArgument { field: flaw.field.into(), message: text })
            }
            CredentialError::Unknown => Self::UnknownCredential,
            CredentialError::NameTaken | CredentialError::Configured => Self::Conflict(text),
            CredentialError::TooMany => Self::LimitReached(text),
            CredentialError::Failed(error) => error.into(),
        }
    }
}
