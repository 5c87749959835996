//! `GET /consumer/{topic}` as a stream: server-sent events, or lines of JSON.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::{ACK, GROUP, LAST_EVENT_ID, LEASE, acknowledgement, group};
use crate::access::AllowedTopic;
use crate::error::Error;
use crate::host::{Host, Limit};
use crate::http::answer::{ErrorBody, Response, to_json};
use crate::http::body::Source;
use crate::http::endpoint::Call;
use crate::http::endpoints::record::RecordJson;
use crate::http::ndjson;
use crate::http::parameter::{MAX, MAX_BYTES, WAIT};
use crate::http::refusal::Refusal;
use crate::http::request::Request;
use crate::kafka::Log;
use crate::limits;
use crate::services::consume::{Handed, StartFrom};
use crate::services::stream::{Cursor, Notice, Stream, StreamMode};

/// The interval of heartbeats while there are no records. They keep proxies from
/// closing the connection, and show us when the reader is gone.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The maximum duration of one answer. The reader then reconnects with its cursor
/// (an `EventSource` does so by itself), and its credential is checked again.
const MAX_STREAM_AGE: Duration = Duration::from_secs(15 * 60);

/// The same where an execution may send only so many requests: the looks for records of so
/// long a wait fit in.
const MAX_STREAM_AGE_OF_FEW_CALLS: Duration = limits::WAIT;

const LAST_EVENT_ID_HEADER: &str = "last-event-id";

/// How a stream is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Events,
    Lines,
}

impl Format {
    /// The format of the first media type in `accept` that we support; `None` if
    /// that is not a stream.
    pub(super) fn asked_for<B>(request: &Request<B>) -> Option<Self> {
        let values = request.header_values("accept");
        let ranges = values.flat_map(|value| value.split(|byte| *byte == b','));
        let types = ranges.map(|range| {
            let end = range.iter().position(|byte| *byte == b';').unwrap_or(range.len());
            range[..end].trim_ascii().to_ascii_lowercase()
        });
        let format = types.map(|media_type| match &media_type[..] {
            b"text/event-stream" => Some(Some(Self::Events)),
            b"application/x-ndjson" => Some(Some(Self::Lines)),
            b"application/json" | b"application/*" | b"*/*" => Some(None),
            _ => None,
        });
        format.flatten().next().flatten()
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream",
            Self::Lines => ndjson::CONTENT_TYPE,
        }
    }
}

pub(super) async fn open<H: Host, L: Log, B>(
    call: Call<'_, H, L, B>,
    topics: Vec<AllowedTopic>,
    format: Format,
) -> Result<Response, Refusal> {
    let query = &call.query;
    query.without(&[WAIT.name, MAX.name, MAX_BYTES.name])?;
    let mode = if query.bytes(GROUP.name).is_some() {
        let name = group(query)?;
        let ack = acknowledgement(&call, &name).await?;
        StreamMode::Group { name, from: query.from()?.unwrap_or_default(), ack }
    } else if query.bytes(ACK.name).is_some() {
        return Err(Error::invalid("ack", "Only a group acknowledges records").into());
    } else if query.bytes(LEASE.name).is_some() {
        return Err(Error::invalid("lease", "There is a lease only with ack=manual").into());
    } else {
        StreamMode::Tail { from: query.from()?.unwrap_or(StartFrom::Latest) }
    };
    let header = call.request.header(LAST_EVENT_ID_HEADER).map(|value| &**value);
    let cursor = header.or_else(|| query.bytes(LAST_EVENT_ID.name));
    let cursor = cursor.filter(|value| !value.is_empty()).map(String::from_utf8_lossy);
    let resumed = cursor.as_deref().and_then(|text| Cursor::parse(text, &topics));
    let damaged = cursor.is_some() && resumed.is_none();
    if damaged && format == Format::Lines {
        return Err(Error::invalid(LAST_EVENT_ID_HEADER, "Not a cursor of these topics").into());
    }
    let mut stream = call.app.services().await?.streams.open(topics, mode, resumed);
    // An error that does not pass is still answered with its own status.
    let first = stream.next(Duration::ZERO).await?;
    let source = Pieces {
        stream,
        format,
        first: Some(first),
        sent: None,
        longest: match call.app.host().capabilities().outbound_calls {
            Limit::None => MAX_STREAM_AGE,
            Limit::AtMost(_) => MAX_STREAM_AGE_OF_FEW_CALLS,
        },
        stage: Stage::Head { damaged },
        located: false,
    };
    Ok(Response::stream(format.content_type(), source))
}

/// The pieces of the body, one page of records each.
struct Pieces<H: Host, L: Log> {
    stream: Stream<H, L>,
    format: Format,
    first: Option<Handed>,
    /// The records in the last piece.
    sent: Option<Handed>,
    /// How long the answer may take.
    longest: Duration,
    stage: Stage,
    /// Whether an event stream has told its reader where it is.
    located: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head {
        /// The cursor was not one of these topics, and is not used. An
        /// `EventSource` would never get over an error.
        damaged: bool,
    },
    Records,
    Over,
}

impl<H: Host, L: Log> Source for Pieces<H, L> {
    fn next(&mut self) -> LocalBoxFuture<'_, Option<Bytes>> {
        self.piece().boxed_local()
    }
}

impl<H: Host, L: Log> Pieces<H, L> {
    async fn piece(&mut self) -> Option<Bytes> {
        // A host that asks for the next piece has taken the previous one.
        if let Some(sent) = self.sent.take() {
            sent.delivered();
        }
        if let Stage::Head { damaged } = self.stage {
            self.stage = Stage::Records;
            if self.format == Format::Events {
                return Some(self.head(damaged));
            }
        }
        if self.stage == Stage::Over {
            return None;
        }
        if self.stream.age() >= self.longest {
            self.stage = Stage::Over;
            return None;
        }
        let page = match self.first.take() {
            Some(first) if !first.is_empty() => Ok(first),
            _ => self.stream.next(HEARTBEAT).await,
        };
        match page {
            Ok(page) => {
                let piece = self.render(&page);
                self.sent = Some(page);
                Some(piece)
            }
            Err(error) => {
                self.stage = Stage::Over;
                Some(self.failed(&error))
            }
        }
    }

    /// The first piece. It is sent at once and shows the reader that it is
    /// connected. Like heartbeats and comments it has no blank line at its end:
    /// that would make it an event without data, which some clients hand to their
    /// users (`@microsoft/fetch-event-source` 2.0.1, `httpx-sse` 0.4.3).
    fn head(&mut self, damaged: bool) -> Bytes {
        let mut piece = String::from("retry: 2000\n");
        if damaged {
            piece.push_str(": The cursor was not one of these topics, and is not used\n");
        }
        self.say(&mut piece);
        piece.into()
    }

    /// Adds what is no record: where the reader is, once, and what there is to say.
    fn say(&mut self, piece: &mut String) {
        for notice in self.stream.take_notices() {
            // A reader that starts again is somewhere else.
            self.located &= !matches!(notice, Notice::StartedAgain(_));
            let _ = writeln!(piece, ": {notice}");
        }
        if !self.located
            && let Some(cursor) = self.stream.cursor()
        {
            self.located = true;
            let _ = writeln!(piece, "id: {cursor}");
        }
    }

    fn render(&mut self, page: &Handed) -> Bytes {
        match self.format {
            Format::Events => self.events(page),
            Format::Lines => self.lines(page),
        }
    }

    fn events(&mut self, page: &Handed) -> Bytes {
        let mut piece = String::new();
        // Each record says where its reader is.
        self.located |= !page.is_empty();
        self.say(&mut piece);
        if page.is_empty() && piece.is_empty() {
            piece.push_str(":\n");
        }
        let mut piece = piece.into_bytes();
        for consumed in &page.records {
            let cursor = self.stream.pass(consumed);
            piece.extend(format!("id: {cursor}\ndata: ").into_bytes());
            piece.extend(to_json(&RecordJson::from(consumed)));
            piece.extend(b"\n\n");
        }
        piece.into()
    }

    fn lines(&mut self, page: &Handed) -> Bytes {
        let mut piece = Vec::new();
        for consumed in &page.records {
            let mut record = RecordJson::from(consumed);
            record.cursor = Some(self.stream.pass(consumed));
            piece.extend(to_json(&record));
            piece.push(b'\n');
        }
        if page.is_empty() {
            piece.push(b'\n');
        }
        piece.into()
    }

    fn failed(&self, error: &Error) -> Bytes {
        let mut piece = match self.format {
            Format::Events => b"event: error\ndata: ".to_vec(),
            Format::Lines => Vec::new(),
        };
        piece.extend(to_json(&ErrorBody::from(error)));
        piece.extend(match self.format {
            Format::Events => &b"\n\n"[..],
            Format::Lines => b"\n",
        });
        piece.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_media_type_that_we_have_counts() {
        let asked_for = |accept: &[&str]| {
            Format::asked_for(&Request {
                method: http::Method::GET,
                target: "/".into(),
                headers: accept
                    .iter()
                    .map(|value| ("Accept".into(), Bytes::copy_from_slice(value.as_bytes())))
                    .collect(),
                scheme: None,
                authority: None,
                client: None,
                body: (),
            })
        };
        for (accept, format) in [
            (&["text/event-stream"][..], Some(Format::Events)),
            (&["Text/Event-Stream; q=0.9"], Some(Format::Events)),
            (&["text/html, application/x-ndjson;q=1, */*"], Some(Format::Lines)),
            (&["text/html", "text/event-stream"], Some(Format::Events)),
            (&["application/json, text/event-stream"], None),
            (&["*/*"], None),
            (&["text/html"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(asked_for(accept), format, "{accept:?}");
        }
    }
}
