//! `GET /openapi.json`: the description of this API.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, VARY};
use http::{Method, StatusCode};

use crate::host::Host;
use crate::http::answer::Response;
use crate::http::content_encoding::gunzip;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, NoTopic};
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
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
        let response = if takes_gzip(call.request) {
            Response::passed_on(StatusCode::OK, None, Bytes::from_static(COMPRESSED))
                .with_header(CONTENT_ENCODING, "gzip")
        } else {
            let text = gunzip(COMPRESSED, usize::MAX);
            Response::passed_on(StatusCode::OK, None, text.unwrap_or_default().into())
        };
        Ok(response.with_header(VARY, "accept-encoding"))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<serde_json::Map<String, serde_json::Value>>(200, "This description")
            .example("/openapi.json");
    }
}

/// Whether the caller accepts gzip. `*` includes it; a weight of zero means that
/// the caller does not.
fn takes_gzip<B>(request: &Request<B>) -> bool {
    let values = request.header_values("accept-encoding");
    let mut codings = values.flat_map(|value| value.split(|byte| *byte == b','));
    codings.any(|coding| {
        let text = String::from_utf8_lossy(coding).to_ascii_lowercase();
        let (name, weight) = text.split_once(';').unwrap_or((&text, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f64));
        matches!(name.trim(), "gzip" | "x-gzip" | "*") && !refused
    })
}
