//! The export of `kafka-edge:api/destinations`.

use super::{Answer, answering};
use crate::bindings::exports::kafka_edge::api::destinations::{
    Destination, Error, Finding, Guest, Obstacle, PutDestination, Trial,
};
use crate::{Component, services};
use kafka_edge::services::destinations as service;

/// The functions that do the same to the services are one function here, to be there
/// once.
#[derive(Clone, Copy)]
enum Verb {
    Create,
    Put,
    Patch,
    Delete,
}

fn change(verb: Verb, id: String, text: String, tag: Option<String>) -> Answer<service::Changed> {
    let changing = async move {
        let condition = match &tag {
            None => service::Condition::None,
            Some(tag) => service::Condition::Tags(std::slice::from_ref(tag)),
        };
        let text = text.as_bytes();
        let change = match verb {
            Verb::Create => service::Change::Create(text),
            Verb::Put => service::Change::Put(text),
            Verb::Patch => service::Change::Patch(text),
            Verb::Delete => service::Change::Delete,
        };
        let dialect = service::Dialect::Gateway;
        Ok(services().await?.change_destination(&id, change, condition, dialect).await?)
    };
    answering(changing)
}

fn made(changed: service::Changed) -> Result<Destination, Error> {
    changed.view.map(Into::into).ok_or(Error::UnknownDestination)
}

fn all() -> Answer<Vec<service::DestinationView>> {
    answering(async move { Ok(services().await?.destinations.list().await?) })
}

impl Guest for Component {
    async fn create(settings: String) -> Result<Destination, Error> {
        made(change(Verb::Create, String::new(), settings, None).await?)
    }

    async fn list() -> Result<Vec<Destination>, Error> {
        Ok(all().await?.into_iter().map(Into::into).collect())
    }

    async fn get(id: String) -> Result<Destination, Error> {
        Ok(service::find(all().await?, &id)?.into())
    }

    async fn put(
        id: String,
        settings: String,
        tag: Option<String>,
    ) -> Result<PutDestination, Error> {
        let changed = change(Verb::Put, id, settings, tag).await?;
        Ok(PutDestination { is_new: changed.is_new, destination: made(changed)? })
    }

    async fn patch(id: String, patch: String, tag: Option<String>) -> Result<Destination, Error> {
        made(change(Verb::Patch, id, patch, tag).await?)
    }

    async fn delete(id: String, tag: Option<String>) -> Result<(), Error> {
        change(Verb::Delete, id, String::new(), tag).await.map(drop)
    }

    fn test(id: String) -> Answer<Trial> {
        answering(async move { Ok(services().await?.destinations.trial(&id).await?.into()) })
    }
}

impl From<service::DestinationView> for Destination {
    fn from(view: service::DestinationView) -> Self {
        let service::DestinationView { id, name, settings, created, tag, secret_gone } = view;
        Self { id, name, settings, created, tag, secret_gone }
    }
}

impl From<service::Trial> for Trial {
    fn from(trial: service::Trial) -> Self {
        Self {
            reachable: trial.reachable.into(),
            topic: trial.topic.into(),
            partitions: trial.partitions,
            write: trial.write.into(),
        }
    }
}

impl From<service::Finding> for Finding {
    fn from(finding: service::Finding) -> Self {
        match finding {
            service::Finding::Yes => Self::Yes,
            service::Finding::No(fault) => {
                Self::No(Obstacle { reason: fault.kind().into(), sentence: fault.to_string() })
            }
            service::Finding::Unknown(note) => Self::Unknown(note.into()),
        }
    }
}
