//! What becomes of claimed records: `POST /consumer/{topic}/ack`, `/nack`, `/reject`,
//! `/renew`, and `/acknowledge`, which takes all four words in one call.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::{Consume, GROUP, group};
use crate::access::{AllowedTopic, Scope};
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, ListInPath};
use crate::http::json;
use crate::http::limits::{DEFAULT_LEASE, RECEIPTS_BYTES};
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::limits;
use crate::services::consume::{Acknowledged, Disposal};

/// The body of each of these calls; [`Word`] tells which fields are its.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    receipts: Option<Vec<String>>,
    accept: Option<Vec<String>>,
    release: Option<Vec<String>>,
    reject: Option<Vec<String>>,
    renew: Option<Vec<String>>,
    delay: Option<f64>,
    lease: Option<f64>,
}

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

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct ReceiptAnswers<'a> {
    receipts: Vec<ReceiptAnswer<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct ReceiptAnswer<'a> {
    receipt: &'a str,
    /// `acked`, `nacked`, `rejected`, `renewed`, `expired`, `unknown` or `undelivered`.
    status: &'static str,
    /// Present where the record is still the caller's, although it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// Which call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Accept,
    Release,
    Reject,
    Renew,
    /// The body names the words.
    Named,
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

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> Result<Response, Refusal> {
        dispose(call, &topics, Word::Accept).await
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

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> Result<Response, Refusal> {
        dispose(call, &topics, Word::Release).await
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

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> Result<Response, Refusal> {
        dispose(call, &topics, Word::Reject).await
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

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> Result<Response, Refusal> {
        dispose(call, &topics, Word::Renew).await
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

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> Result<Response, Refusal> {
        dispose(call, &topics, Word::Named).await
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
    topics: &[AllowedTopic],
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

/// What a call asks for.
struct Wanted {
    body: Body,
    word: Word,
    delay: Duration,
    lease: Option<Duration>,
    renews: bool,
}

impl Wanted {
    fn read(body: &[u8], word: Word) -> Result<Self, Error> {
        let body: Body = json::object(body)
            .map_err(|error| Error::invalid("body", format!("Not a list of receipts: {error}")))?;
        let (delay, lease) = check(&body, word)?;
        let renews = word == Word::Renew || body.renew.is_some();
        let this = Self { body, word, delay, lease, renews };
        limits::check_receipts(this.receipts(DEFAULT_LEASE).len())?;
        Ok(this)
    }

    fn lists(&self, lease: Duration) -> [(&Option<Vec<String>>, Disposal); 5] {
        let (nack, renew) = (Disposal::Nack { delay: self.delay }, Disposal::Renew { lease });
        let of_receipts = match self.word {
            Word::Accept | Word::Named => Disposal::Ack,
            Word::Release => nack,
            Word::Reject => Disposal::Reject,
            Word::Renew => renew,
        };
        [
            (&self.body.receipts, of_receipts),
            (&self.body.accept, Disposal::Ack),
            (&self.body.release, nack),
            (&self.body.reject, Disposal::Reject),
            (&self.body.renew, renew),
        ]
    }

    fn receipts(&self, lease: Duration) -> Vec<(&str, Disposal)> {
        let mut receipts = Vec::new();
        for (list, disposal) in self.lists(lease) {
            receipts.extend(list.iter().flatten().map(|receipt| (receipt.as_str(), disposal)));
        }
        receipts
    }
}

fn answer(receipts: &[(&str, Disposal)], acknowledged: Vec<Acknowledged>) -> Response {
    let answers = receipts.iter().zip(acknowledged).map(|((receipt, disposal), acknowledged)| {
        let undelivered = acknowledged == Acknowledged::Undelivered;
        ReceiptAnswer {
            receipt,
            status: status(acknowledged, *disposal),
            error: undelivered.then_some("The dead letter could not be written"),
        }
    });
    Response::json(StatusCode::OK, &ReceiptAnswers { receipts: answers.collect() })
}

fn status(acknowledged: Acknowledged, disposal: Disposal) -> &'static str {
    match (acknowledged, disposal) {
        (Acknowledged::Done, Disposal::Nack { .. }) => "nacked",
        (Acknowledged::Done, Disposal::Reject) => "rejected",
        (Acknowledged::Done, Disposal::Renew { .. }) => "renewed",
        (Acknowledged::Done, Disposal::Ack) | (Acknowledged::DoneBefore, _) => "acked",
        (Acknowledged::Expired, _) => "expired",
        (Acknowledged::Unknown, _) => "unknown",
        (Acknowledged::Undelivered, _) => "undelivered",
    }
}

/// Checks that the call takes all that the body has. Returns the delay and the lease.
fn check(body: &Body, word: Word) -> Result<(Duration, Option<Duration>), Error> {
    let named = word == Word::Named;
    if body.receipts.is_some() == named {
        let problem = match named {
            true => "/acknowledge takes receipts by what becomes of them",
            false => "There is no list of receipts",
        };
        return Err(Error::invalid("receipts", problem));
    }
    for (name, list) in [
        ("accept", &body.accept),
        ("release", &body.release),
        ("reject", &body.reject),
        ("renew", &body.renew),
    ] {
        if list.is_some() && !named {
            return Err(Error::invalid(name, "It is accepted only by /acknowledge"));
        }
    }
    let delays = word == Word::Release || named;
    if body.delay.is_some() && !delays {
        return Err(Error::invalid("delay", "It is accepted only where records are released"));
    }
    let renews = word == Word::Renew || named;
    if body.lease.is_some() && !renews {
        return Err(Error::invalid("lease", "It is accepted only where leases are renewed"));
    }
    let delay = seconds("delay", body.delay.unwrap_or_default())?;
    let delay = limits::check_time("delay", delay, limits::DELAY)?;
    let lease = body.lease.map(|lease| limits::check_lease(seconds("lease", lease)?));
    Ok((delay, lease.transpose()?))
}

fn seconds(field: &'static str, number: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(number)
        .map_err(|_| Error::invalid(field, "Not a number of seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_takes_what_is_its_own() {
        let refused = |word, json: &str| {
            let body: Body = serde_json::from_str(json).unwrap();
            match check(&body, word) {
                Err(Error::Invalid { field, .. }) => field,
                other => panic!("{json}: {other:?}"),
            }
        };
        for (word, json, field) in [
            (Word::Accept, "{}", "receipts"),
            (Word::Named, r#"{"receipts":[]}"#, "receipts"),
            (Word::Accept, r#"{"receipts":[],"accept":[]}"#, "accept"),
            (Word::Release, r#"{"receipts":[],"renew":[]}"#, "renew"),
            (Word::Accept, r#"{"receipts":[],"delay":1}"#, "delay"),
            (Word::Renew, r#"{"receipts":[],"delay":1}"#, "delay"),
            (Word::Release, r#"{"receipts":[],"delay":-1}"#, "delay"),
            (Word::Named, r#"{"delay":3601}"#, "delay"),
            (Word::Reject, r#"{"receipts":[],"lease":1}"#, "lease"),
            (Word::Renew, r#"{"receipts":[],"lease":0.5}"#, "lease"),
            (Word::Named, r#"{"renew":[],"lease":1e99}"#, "lease"),
        ] {
            assert_eq!(refused(word, json), field, "{word:?} {json}");
        }
        let body: Body = serde_json::from_str(r#"{"renew":[],"lease":60,"delay":5}"#).unwrap();
        let times = (Duration::from_secs(5), Some(Duration::from_secs(60)));
        assert_eq!(check(&body, Word::Named), Ok(times));
    }
}
