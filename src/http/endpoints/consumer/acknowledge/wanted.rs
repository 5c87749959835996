//! What a call wants to become of claimed records, and the answer to it.

use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::http::answer::Response;
use crate::http::json;
use crate::http::limits::DEFAULT_LEASE;
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

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
pub(super) struct ReceiptAnswers<'a> {
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
pub(super) enum Word {
    Accept,
    Release,
    Reject,
    Renew,
    /// The body names the words.
    Named,
}

/// What a call asks for.
pub(super) struct Wanted {
    body: Body,
    word: Word,
    delay: Duration,
    pub(super) lease: Option<Duration>,
    pub(super) renews: bool,
}

impl Wanted {
    pub(super) fn read(body: &[u8], word: Word) -> Result<Self, Error> {
        let body: Body = json::object(body)?;
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

    pub(super) fn receipts(&self, lease: Duration) -> Vec<(&str, Disposal)> {
        let mut receipts = Vec::new();
        for (list, disposal) in self.lists(lease) {
            receipts.extend(list.iter().flatten().map(|receipt| (receipt.as_str(), disposal)));
        }
        receipts
    }
}

pub(super) fn answer(receipts: &[(&str, Disposal)], acknowledged: Vec<Acknowledged>) -> Response {
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
    use crate::error::ErrorKind;

    #[test]
    fn each_call_takes_what_is_its_own() {
        let refused = |word, json: &str| {
            let body: Body = serde_json::from_str(json).unwrap();
            match check(&body, word).map_err(Error::into_kind) {
                Err(ErrorKind::Invalid { field, .. }) => field,
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
