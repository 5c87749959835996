//! `/secrets/rewrap`: everything that is stored encrypted, under a new key.

use http::{Method, StatusCode};
use serde::Serialize;

use crate::access::Permission;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, NoTopic};
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::services::rewrap::{RewrapReport, Rewrapped};

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct RewrapJson {
    webhooks: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destinations: Option<Counts>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct Counts {
    /// Encrypted under the first key now, and not before.
    rewrapped: usize,
    /// Those whose key is in `secrets_key` no longer; they stay as they are.
    key_gone: usize,
}

impl From<Rewrapped> for Counts {
    fn from(Rewrapped { rewrapped, key_gone }: Rewrapped) -> Self {
        Self { rewrapped, key_gone }
    }
}

pub(super) struct RewrapSecrets;

impl Endpoint for RewrapSecrets {
    const DECLARATION: Declaration = Declaration {
        name: "rewrapSecrets",
        methods: &[Method::POST],
        path: "/secrets/rewrap",
        caller: Caller::Allowed(Permission::Admin),
        safe: false,
        about: "Encrypts all stored secrets under the first key of secrets_key",
        query: QueryRule::NONE,
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> Result<Response, Refusal> {
        let RewrapReport { webhooks, sources, destinations } =
            call.app.services().await?.rewrap_secrets().await?;
        let json = RewrapJson {
            webhooks: webhooks.into(),
            sources: sources.map(Counts::from),
            destinations: destinations.map(Counts::from),
        };
        Ok(Response::json(StatusCode::OK, &json))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<RewrapJson>(200, "How many were changed, and of how many the key is gone")
            .example("/secrets/rewrap");
    }
}
