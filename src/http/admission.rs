//! Who calls, and whether they may, before an endpoint sees the request.

use http::header::AUTHORIZATION;

use super::endpoints;
use super::refusal::Refusal;
use super::request::Request;
use super::routes::{Caller, Endpoint, Found, Topic};
use super::upstash;
use crate::access::{Denial, Grant, Missing, Permission, Presented};
use crate::app::App;
use crate::error::Error;
use crate::host::Host;
use crate::kafka::Log;

/// A caller who may go on.
pub(super) struct Admitted<H: Host, L> {
    /// As it is for this caller.
    pub(super) app: App<H, L>,
    /// For what only the endpoint can tell.
    pub(super) grant: Grant,
}

/// Finds out who calls and whether they may, as far as the head of the request
/// tells. Nothing upstream is asked for that, but in pass-through mode.
pub(super) async fn admit<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    found: &Found<'_>,
) -> Result<Admitted<H, L>, Refusal> {
    let permission = match found.route.caller {
        Caller::Anyone => return Ok(Admitted { app: app.clone(), grant: Grant::nothing() }),
        Caller::Known => None,
        Caller::Allowed(permission) => Some(permission),
    };
    let presented = match found.route.endpoint {
        Endpoint::Upstash(upstash::Endpoint::Webhook) => upstash::webhook::presented(request)?,
        _ => Presented::from_headers(request.header_values(AUTHORIZATION.as_str())),
    };
    let grant = app.credentials().await?.check(&presented).await?;
    permission.map_or(Ok(()), |permission| grant.permits(permission))?;
    let topics = match found.route.topic {
        Topic::InPath => endpoints::topics(found.segment)?,
        _ => Vec::new(),
    };
    for topic in &topics {
        grant.permits_topic(topic)?;
    }
    let app = app.on_behalf_of(&grant);
    if grant.key().is_some() {
        let asked = ask_kafka(&app, permission, &topics).await;
        asked.map_err(|refusal| explain(refusal, &grant))?;
    }
    Ok(Admitted { app, grant })
}

/// In pass-through mode anybody can present anything: before a call may touch
/// the gateway's own state, Kafka has to show its topics to the caller's key.
async fn ask_kafka<H: Host, L: Log>(
    app: &App<H, L>,
    permission: Option<Permission>,
    topics: &[String],
) -> Result<(), Refusal> {
    // A call without a permission only asks Kafka, or nobody.
    let Some(permission) = permission else { return Ok(()) };
    if topics.is_empty() {
        return Err(Denial::Forbidden(Missing::KeyOfGateway(permission)).into());
    }
    let services = app.services().await?;
    for topic in topics {
        services.topics.get(topic).await?;
    }
    // A place on the server is made with the key of one caller and would serve
    // the next one, whom Kafka may not let read there.
    if permission == Permission::Consume && !services.topics.capabilities().await?.random_access {
        return Err(Error::Unsupported(
            "Consumer instances are shared among callers: to read through them, set \
             kafka_credentials to configured"
                .into(),
        )
        .into());
    }
    Ok(())
}

/// In pass-through mode what Kafka refuses is the caller's own key.
pub(super) fn explain(refusal: Refusal, grant: &Grant) -> Refusal {
    match refusal {
        Refusal::Service(Error::PermissionDenied { known, detail }) if grant.key().is_some() => {
            Denial::RefusedByKafka { known, detail }.into()
        }
        other => other,
    }
}
