//! `GET /healthz` and `GET /readyz`, which every caller may call.

use http::{Method, StatusCode};
use serde::Serialize;

use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, NoTopic};
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::render::timestamp;

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct Readiness {
    status: &'static str,
    /// Present where deliveries are due, as far as is known of the topics that were looked
    /// at.
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries_overdue_since: Option<String>,
}

/// The instance runs.
pub(super) struct Healthz;

impl Endpoint for Healthz {
    const DECLARATION: Declaration = Declaration {
        name: "healthz",
        methods: &[Method::GET],
        path: "/healthz",
        caller: Caller::Anyone,
        safe: true,
        about: "Alive",
        query: QueryRule::NONE,
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        _: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        Ok(Response::json(StatusCode::OK, &Health { status: "ok" }))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation.gives::<Health>(200, "The gateway runs").example("/healthz");
    }
}

/// The configuration is complete, Kafka answers, the store can be read and
/// written, and there are callers who may call. Anything else is a 503 with the
/// reason: to a health check, the gateway is either available or not.
pub(super) struct Readyz;

impl Endpoint for Readyz {
    const DECLARATION: Declaration = Declaration {
        name: "readyz",
        path: "/readyz",
        about: "Kafka answers, the store reads and writes",
        ..Healthz::DECLARATION
    };

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        match call.app.ready().await {
            Ok(()) => {
                // It is ready all the same. Where callers bring the key, nothing is delivered.
                let overdue = match call.app.services().await {
                    Ok(services) => services.subscriptions.overdue().await.ok().flatten(),
                    Err(_) => None,
                };
                let deliveries_overdue_since = overdue.map(timestamp);
                let readiness = Readiness { status: "ready", deliveries_overdue_since };
                Ok(Response::json(StatusCode::OK, &readiness))
            }
            Err(error) => Ok(Response::not_ready(&error)),
        }
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<Readiness>(200, "The gateway can serve")
            .fails(503, "The gateway cannot serve, for the reason given")
            .example("/readyz");
    }
}
