//! An event on its way in, and what became of it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;

use bytes::Bytes;
use kafka_edge_signatures::SignedRequest;

use super::receive::NotTaken;

/// A request to a source.
#[derive(Debug, Clone)]
pub struct Inbound<'r> {
    pub method: String,
    /// The path and query as they were sent.
    pub target: String,
    /// In the order in which they arrived, with names in any case.
    pub headers: Cow<'r, [(String, Bytes)]>,
    /// With content encodings undone.
    pub body: Bytes,
    /// The client's address, if the host knows it.
    pub client: Option<IpAddr>,
    /// How the sender addressed the gateway, if the host knows: `https`, `example.com`.
    pub scheme: Option<String>,
    pub authority: Option<String>,
}

impl Inbound<'_> {
    /// The only header with this name, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        match values.next() {
            None => std::str::from_utf8(value).ok(),
            Some(_) => None,
        }
    }

    /// Runs with the request as signatures see it.
    pub(super) fn signed<T>(
        &self,
        url: Option<&str>,
        run: impl FnOnce(&SignedRequest<'_>) -> T,
    ) -> T {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_ref())).collect();
        let Self { method, target, body, .. } = self;
        run(&SignedRequest { method, target, url, headers: &headers, body })
    }

    /// The query with its question mark; empty if there is none.
    pub(super) fn query(&self) -> &str {
        self.target.find('?').map_or("", |at| &self.target[at..])
    }
}

/// Where a record was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The name of the destination, or its id where the name is not known; `None` for the
    /// gateway's own Kafka.
    pub destination: Option<Rc<str>>,
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

/// What became of a request that was not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// The sender asked something, and nothing was written.
    Handshake { content_type: &'static str, body: String, headers: Vec<(&'static str, String)> },
    /// What became of the event that the request brought.
    Event(Result<Taken, NotTaken>),
    /// What became of each event of a batch.
    Batch(Vec<Result<Taken, NotTaken>>),
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Its records are in Kafka.
    Written(Vec<Written>),
    /// It came before, and this is where its records are.
    Repeat(Vec<Written>),
    /// A filter, or what is done with errors, has left it out.
    Filtered,
    /// It is among the dead letters.
    DeadLetter(Vec<Written>),
    /// It will be written after the answer, perhaps.
    Promised,
}

impl Taken {
    /// What it is counted as.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Written(_) | Self::Promised => "accepted",
            Self::Repeat(_) => "repeats",
            Self::Filtered => "filtered",
            Self::DeadLetter(_) => "dead-lettered",
        }
    }
}

/// The stages of a source, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Allow,
    Verify,
    Dedupe,
    Validate,
    Shape,
    Produce,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Verify => "verify",
            Self::Dedupe => "dedupe",
            Self::Validate => "validate",
            Self::Shape => "shape",
            Self::Produce => "produce",
        }
    }
}

/// Why a request is refused. The text is for whoever sent it, and that may be anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub stage: Stage,
    /// In kebab case, for statistics.
    pub reason: &'static str,
    pub sentence: String,
    /// The field, the header or the place in the event.
    pub detail: Option<String>,
    pub status: u16,
    pub retry_after: Option<std::time::Duration>,
}

impl Refused {
    pub(super) fn new(stage: Stage, status: u16, reason: &'static str, sentence: &str) -> Self {
        let sentence = sentence.to_owned();
        Self { stage, reason, sentence, detail: None, status, retry_after: None }
    }

    pub(super) fn at(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    pub(super) fn again_after(self, time: std::time::Duration) -> Self {
        Self { retry_after: Some(time), ..self }
    }
}
