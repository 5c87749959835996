//! `GET /caller`: what the caller may do.

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

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct CallerJson {
    /// Of its credential; null with open access, and where callers present a key for Kafka.
    name: Option<String>,
    /// Of the permissions that a credential may have.
    allow: Vec<&'static str>,
    /// Names, or beginnings of names with a `*` behind them.
    topics: Vec<String>,
}

pub(super) struct GetCaller;

impl Endpoint for GetCaller {
    const DECLARATION: Declaration = Declaration {
        name: "getCaller",
        methods: &[Method::GET],
        path: "/caller",
        caller: Caller::Known,
        safe: true,
        about: "What the caller may do",
        query: QueryRule::NONE,
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        let caller = &call.caller;
        let answer = CallerJson {
            name: caller.name().map(str::to_owned),
            allow: caller.permissions().map(|permission| permission.name()).collect(),
            topics: caller.topic_patterns().unwrap_or_else(|| vec!["*".to_owned()]),
        };
        Ok(Response::json(StatusCode::OK, &answer))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "What is in `allow` can still be refused for a topic. Where callers present a key \
                 for Kafka, Kafka decides.",
            )
            .gives::<CallerJson>(200, "The caller's permissions and topics")
            .example("/caller");
    }
}
