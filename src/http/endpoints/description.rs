//! `GET /openapi.json`: the description of this API.

use http::Method;

use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, NoTopic};
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;

/// `docs/openapi.json`, compressed by `build.rs`. A test generates that file from
/// the declarations of the endpoints, so the component contains neither the
/// generator nor the uncompressed text.
static COMPRESSED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.gz"));

pub(super) struct GetDescription;

impl Endpoint for GetDescription {
    const DECLARATION: Declaration = Declaration {
        name: "getDescription",
        methods: &[Method::GET],
        path: "/openapi.json",
        caller: Caller::Known,
        safe: true,
        about: "The description of this API, as OpenAPI 3.1",
        query: QueryRule::NONE,
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        Ok(Response::compressed(call.request, "application/json", COMPRESSED))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<serde_json::Map<String, serde_json::Value>>(200, "This description")
            .example("/openapi.json");
    }
}
