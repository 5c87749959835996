//! `/webhook`: events from other services become records.

use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::Declaration;
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, InQuery};
use crate::http::plain_webhook::{self, BareGet};
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;

pub(in crate::http) struct Webhook;

impl Endpoint for Webhook {
    const DECLARATION: Declaration = Declaration {
        name: "upstashWebhook",
        path: "/upstash/webhook",
        about: "Upstash: writes the body as a record, and the headers with it",
        ..plain_webhook::DECLARATION
    };

    type Topics = InQuery;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        topic: InQuery,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        plain_webhook::answer(call, topic, BareGet::Event)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        plain_webhook::describe(operation)
            .example_with("/upstash/webhook?topic=orders", r#"{"event":"paid"}"#);
    }
}
