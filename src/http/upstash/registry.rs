//! `/schema-registry`: requests are passed on unchanged.

use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE};

use super::GET;
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
use crate::services::schema_registry::RegistryCall;
use crate::telemetry::Change;

/// The longest schema that is passed on.
const MAX_SCHEMA_BYTES: usize = 1024 * 1024;

pub(in crate::http) struct ReadRegistry;

impl Endpoint for ReadRegistry {
    const DECLARATION: Declaration = Declaration {
        name: "upstashReadRegistry",
        methods: GET,
        path: "/upstash/schema-registry/{*path}",
        caller: Caller::Known,
        safe: true,
        about: "Upstash: asks the schema registry",
        query: QueryRule::PartOfPath,
        body: BodyRule::Bytes { limit: MAX_SCHEMA_BYTES },
        credential_in_query: false,
    };

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        forward(call)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation.passes_on().example("/upstash/schema-registry/subjects");
    }
}

pub(in crate::http) struct WriteRegistry;

impl Endpoint for WriteRegistry {
    const DECLARATION: Declaration = Declaration {
        name: "upstashWriteRegistry",
        methods: &[Method::POST, Method::PUT],
        caller: Caller::Allowed(Permission::Produce),
        safe: false,
        about: "Upstash: registers schemas",
        ..ReadRegistry::DECLARATION
    };

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        forward(call)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes_bytes(&["application/vnd.schemaregistry.v1+json", "application/json"])
            .passes_on()
            .example("/upstash/schema-registry/subjects");
    }
}

pub(in crate::http) struct DeleteFromRegistry;

impl Endpoint for DeleteFromRegistry {
    const DECLARATION: Declaration = Declaration {
        name: "upstashDeleteFromRegistry",
        methods: &[Method::DELETE],
        caller: Caller::Allowed(Permission::Admin),
        safe: false,
        about: "Upstash: deletes from the schema registry",
        ..ReadRegistry::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        let (host, name) = (call.app.host().clone(), call.path_raw("path").to_owned());
        let answer = forward(call).await?;
        if answer.status.is_success() {
            let name = &name;
            Change { kind: "schema", name, what: "removed", fields: "" }.report(&host);
        }
        Ok(answer)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation.passes_on().example("/upstash/schema-registry/subjects");
    }
}

async fn forward<H: Host, L: Log, B: RequestBody>(
    mut call: Call<'_, H, L, B>,
) -> Result<Response, Refusal> {
    let body = call.body().await?;
    let request = &call.request;
    let forwarded = RegistryCall {
        method: request.method.clone(),
        path: call.path_raw("path").to_owned(),
        query: request.query().map(str::to_owned),
        accept: request.header(ACCEPT.as_str()).cloned(),
        content_type: request.header(CONTENT_TYPE.as_str()).cloned(),
        body,
    };
    let answer = call.app.services().await?.schema_registry.forward(forwarded).await?;
    Ok(Response::passed_on(answer.status, answer.content_type.as_deref(), answer.body))
}
