//! The export of `kafka-edge:api/sources`.

mod received;
mod trial;

use bytes::Bytes;

use super::{Answer, answering, grant};
use crate::bindings::exports::kafka_edge::api::sources::{
    Guest, InboundRequest, LastRefusal, PutSource, Received, RefusedCount, Source, Statistics,
    Trial,
};
use crate::{Component, services};
use kafka_edge::error::Error as ServiceError;
use kafka_edge::services::sources as service;

impl Guest for Component {
    fn create(settings: String) -> Answer<Source> {
        answering(async move {
            let services = services().await?;
            Ok(services.sources.create(settings.as_bytes(), &grant()).await?.into())
        })
    }

    fn list() -> Answer<Vec<Source>> {
        answering(async move {
            let sources = services().await?.sources.list(&grant()).await?;
            Ok(sources.into_iter().map(Into::into).collect())
        })
    }

    fn get(name: String) -> Answer<(Source, Statistics)> {
        answering(async move {
            let (source, statistics) = services().await?.sources.get(&name, &grant()).await?;
            Ok((source.into(), statistics.into()))
        })
    }

    fn put(name: String, settings: String, tag: Option<String>) -> Answer<PutSource> {
        answering(async move {
            let (settings, tag) = (settings.as_bytes(), condition(tag.as_ref()));
            let put = services().await?.sources.put(&name, settings, tag, &grant()).await?;
            Ok(PutSource { source: put.view.into(), is_new: put.is_new })
        })
    }

    fn patch(name: String, patch: String, tag: Option<String>) -> Answer<Source> {
        answering(async move {
            let (patch, tag) = (patch.as_bytes(), condition(tag.as_ref()));
            Ok(services().await?.sources.patch(&name, patch, tag, &grant()).await?.into())
        })
    }

    fn delete(name: String, tag: Option<String>) -> Answer<()> {
        answering(async move {
            let tag = condition(tag.as_ref());
            Ok(services().await?.sources.delete(&name, tag, &grant()).await?)
        })
    }

    fn receive(name: String, request: InboundRequest) -> Answer<Received> {
        answering(async move {
            let request = inbound(request)?;
            received::received(services().await?.sources.receive_whole(&name, request).await)
        })
    }

    fn test(name: String, request: InboundRequest) -> Answer<Trial> {
        answering(async move {
            let request = inbound(request)?;
            let sources = &services().await?.sources;
            let prepared = sources.open_for(&name, &grant()).await?;
            Ok(sources.trial(&prepared, &request).await?.into())
        })
    }
}

fn condition(tag: Option<&String>) -> service::Condition<'_> {
    tag.map_or(service::Condition::None, |tag| service::Condition::Tags(std::slice::from_ref(tag)))
}

fn inbound(request: InboundRequest) -> Result<service::Inbound<'static>, ServiceError> {
    let client = request.client_address.map(|address| {
        let not_one = |_| ServiceError::invalid("client-address", "Not an IP address");
        address.parse().map_err(not_one)
    });
    let header = |(name, value): (String, Vec<u8>)| (name, Bytes::from(value));
    Ok(service::Inbound {
        method: request.method,
        target: request.path_with_query,
        headers: request.headers.into_iter().map(header).collect(),
        body: request.body.into(),
        client: client.transpose()?,
        scheme: request.scheme,
        authority: request.authority,
    })
}

impl From<service::SourceView> for Source {
    fn from(view: service::SourceView) -> Self {
        Self {
            name: view.source.name.as_str().into(),
            settings: view.source.to_json(),
            created: view.created,
            tag: view.tag,
            secret_gone: view.secret_gone,
        }
    }
}

impl From<service::Statistics> for Statistics {
    fn from(statistics: service::Statistics) -> Self {
        let service::Statistics { counts, refused, last_seen, refusals, .. } = statistics;
        let count = |name: &str| counts.get(name).copied().unwrap_or(0);
        let refused = refused.into_iter().map(|(cause, count)| RefusedCount { cause, count });
        Self {
            accepted: count("accepted"),
            repeats: count("repeats"),
            filtered: count("filtered"),
            dead_lettered: count("dead-lettered"),
            failed: count("failed"),
            unknown: count("unknown"),
            refused: refused.collect(),
            last_seen,
            last_refusals: refusals.into_iter().rev().map(Into::into).collect(),
        }
    }
}

impl From<service::Refusal> for LastRefusal {
    fn from(refusal: service::Refusal) -> Self {
        Self {
            time: refusal.time,
            stage: refusal.stage,
            reason: refusal.reason,
            header_names: refusal.header_names,
        }
    }
}
