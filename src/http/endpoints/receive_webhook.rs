//! `/webhook?topic=…`: an event that another service sends becomes a record.

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

pub(super) struct ReceiveWebhook;

impl Endpoint for ReceiveWebhook {
    const DECLARATION: Declaration = plain_webhook::DECLARATION;

    type Topics = InQuery;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        topic: InQuery,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        plain_webhook::answer(call, topic, BareGet::Refused)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        plain_webhook::describe(operation)
            .detail(
                "A GET without a body is refused. GET /webhook/{topic}/{callback_url} is \
                     another call: it registers a callback.",
            )
            .example_with("/webhook?topic=orders", r#"{"event":"paid"}"#);
    }
}
