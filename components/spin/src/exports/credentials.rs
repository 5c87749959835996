//! The export of `kafka-edge:api/credentials`.

use super::answering;
use crate::bindings::exports::kafka_edge::api::credentials::{
    Credential, Error, Guest, NewCredential, Permissions,
};
use crate::bindings::exports::kafka_edge::api::types::InvalidArgument;
use crate::{Component, app};
use kafka_edge::access::Permission;
use kafka_edge::services::credentials::{CredentialError, Listed, Wish};

impl Guest for Component {
    async fn create(
        name: String,
        allow: Permissions,
        topics: Vec<String>,
    ) -> Result<NewCredential, Error> {
        answering(async move {
            let wish = Wish { name, allow: names_of(allow), topics };
            let created = app().credentials().await?.create(wish).await?;
            let secret = created.secret.reveal().to_owned();
            Ok(NewCredential { credential: created.credential.into(), secret })
        })
        .await
    }

    async fn list() -> Result<Vec<Credential>, Error> {
        answering(async move {
            let credentials = app().credentials().await?.list().await?;
            Ok(credentials.into_iter().map(Into::into).collect())
        })
        .await
    }

    async fn delete(name: String) -> Result<(), Error> {
        answering(async move { Ok(app().credentials().await?.delete(&name).await?) }).await
    }
}

fn flag(permission: Permission) -> Permissions {
    match permission {
        Permission::Produce => Permissions::PRODUCE,
        Permission::Consume => Permissions::CONSUME,
        Permission::Webhooks => Permissions::WEBHOOKS,
        Permission::Admin => Permissions::ADMIN,
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
        }
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
