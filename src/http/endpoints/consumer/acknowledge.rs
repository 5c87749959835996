//! What becomes of claimed records: `POST /consumer/{topic}/ack`, `/nack`, `/reject`,
//! `/renew`, and `/acknowledge`, which takes all four words in one call.

mod wanted;

use http::Method;

#[cfg(feature = "description")]
use self::wanted::ReceiptAnswers;
use self::wanted::{Wanted, Word, answer};
use super::{Consume, GROUP, group};
use crate::access::{AllowedTopic, Scope};
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, ListInPath};
use crate::http::limits::{DEFAULT_LEASE, RECEIPTS_BYTES};
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct Receipts {
    receipts: Vec<String>,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct ReceiptsToRelease {
    receipts: Vec<String>,
    /// Seconds for which the records are kept from other callers.
    delay: Option<f64>,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct ReceiptsToRenew {
    receipts: Vec<String>,
    /// Seconds from now on, by default the group's lease.
    lease: Option<f64>,
}

/// Receipts by what becomes of their records. One that is there twice counts as it comes
/// first.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct ReceiptsByWord {
    #[serde(default)]
    accept: Vec<String>,
    #[serde(default)]
    release: Vec<String>,
    #[serde(default)]
    reject: Vec<String>,
    #[serde(default)]
    renew: Vec<String>,
    /// For those that are released: seconds for which the records are kept from other
    /// callers.
    delay: Option<f64>,
    /// For those that are renewed: seconds from now on, by default the group's lease.
    lease: Option<f64>,
}

pub(in crate::http::endpoints) struct Acknowledge;

impl Endpoint for Acknowledge {
    const DECLARATION: Declaration = Declaration {
        name: "acknowledge",
        methods: &[Method::POST],
        path: "/consumer/{topic}/ack",
        about: "Acknowledges records by their receipts",
        query: QueryRule::Only(&[GROUP]),
        body: BodyRule::Json { limit: RECEIPTS_BYTES },
        ..Consume::DECLARATION
    };

    type Topics = ListInPath;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        dispose(call, topics, Word::Accept)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<Receipts>()
            .gives::<ReceiptAnswers<'_>>(200, "What became of each receipt, in order")
            .example_with("/consumer/orders/ack?group=billing", r#"{"receipts":[]}"#);
    }
}

pub(in crate::http::endpoints) struct GiveBack;

impl Endpoint for GiveBack {
    const DECLARATION: Declaration = Declaration {
        name: "giveBack",
        path: "/consumer/{topic}/nack",
        about: "Gives records back, to be handed out again",
        ..Acknowledge::DECLARATION
    };

    type Topics = ListInPath;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        dispose(call, topics, Word::Release)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<ReceiptsToRelease>()
            .gives::<ReceiptAnswers<'_>>(200, "What became of each receipt, in order")
            .example_with("/consumer/orders/nack?group=billing", r#"{"receipts":[],"delay":5}"#);
    }
}

pub(in crate::http::endpoints) struct Reject;

impl Endpoint for Reject {
    const DECLARATION: Declaration = Declaration {
        name: "reject",
        path: "/consumer/{topic}/reject",
        about: "Gives records up: they are handed out to nobody any more",
        ..Acknowledge::DECLARATION
    };

    type Topics = ListInPath;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        dispose(call, topics, Word::Reject)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "Where the group has a dead-letter topic, each receipt is answered once its \
                 record is confirmed there. `undelivered` means that this failed and the record \
                 is still the caller's.",
            )
            .takes::<Receipts>()
            .gives::<ReceiptAnswers<'_>>(200, "What became of each receipt, in order")
            .example_with("/consumer/orders/reject?group=billing", r#"{"receipts":[]}"#);
    }
}

pub(in crate::http::endpoints) struct Renew;

impl Endpoint for Renew {
    const DECLARATION: Declaration = Declaration {
        name: "renew",
        path: "/consumer/{topic}/renew",
        about: "Extends the leases on records",
        ..Acknowledge::DECLARATION
    };

    type Topics = ListInPath;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        dispose(call, topics, Word::Renew)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<ReceiptsToRenew>()
            .gives::<ReceiptAnswers<'_>>(200, "What became of each receipt, in order")
            .example_with("/consumer/orders/renew?group=billing", r#"{"receipts":[],"lease":60}"#);
    }
}

pub(in crate::http::endpoints) struct Dispose;

impl Endpoint for Dispose {
    const DECLARATION: Declaration = Declaration {
        name: "dispose",
        path: "/consumer/{topic}/acknowledge",
        about: "Accepts, releases, rejects and renews records in one call",
        ..Acknowledge::DECLARATION
    };

    type Topics = ListInPath;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        dispose(call, topics, Word::Named)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<ReceiptsByWord>()
            .gives::<ReceiptAnswers<'_>>(
                200,
                "What became of each receipt: those to accept, to release, to reject and to \
                 renew, in this order",
            )
            .example_with(
                "/consumer/orders/acknowledge?group=billing",
                r#"{"accept":[],"release":[],"reject":[],"renew":[]}"#,
            );
    }
}

/// Does what the body asks. The caller is allowed the topics in the path; receipts for
/// other topics are answered with `unknown`.
async fn dispose<H: Host, L: Log, B: RequestBody>(
    mut call: Call<'_, H, L, B>,
    topics: Vec<AllowedTopic>,
    word: Word,
) -> Result<Response, Refusal> {
    let body = call.body().await?;
    let wanted = Wanted::read(&body, word)?;
    let group = group(&call.query)?;
    let consume = &call.app.services().await?.consume;
    let lease = match wanted.lease {
        Some(lease) => lease,
        None if wanted.renews => consume.default_lease(&group, DEFAULT_LEASE).await?,
        None => DEFAULT_LEASE,
    };
    let receipts = wanted.receipts(lease);
    let acknowledged = consume.dispose(&group, &|topic| topics.covers(topic), &receipts).await?;
    Ok(answer(&receipts, acknowledged))
}
