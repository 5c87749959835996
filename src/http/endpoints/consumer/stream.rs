//! `GET /consumer/{topic}` as a stream: server-sent events, or lines of JSON.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::{ACK, GROUP, LAST_EVENT_ID, acknowledgement, group};
use crate::access::AllowedTopic;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::{ErrorBody, Response, to_json};
use crate::http::body::Source;
use crate::http::endpoint::Call;
use crate::http::endpoints::record::RecordJson;
use crate::http::ndjson;
use crate::http::parameter::{MAX, MAX_BYTES, WAIT};
use crate::http::refusal::Refusal;
use crate::http::request::Request;
use crate::kafka::Log;
use crate::services::consume::{Handed, StartFrom};
use crate::services::stream::{Stream, StreamMode};

/// The interval of heartbeats while there are no records. They keep proxies from
/// closing the connection, and show us when the reader is gone.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The maximum duration of one answer. The reader then reconnects with its cursor
/// (an `EventSource` does so by itself), and its credential is checked again.
const MAX_STREAM_AGE: Duration = Duration::from_secs(15 * 60);

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
    let ack = acknowledgement(query)?;
    let mode = if query.bytes(GROUP.name).is_some() {
        StreamMode::Group { name: group(query)?, from: query.from()?.unwrap_or_default(), ack }
    } else if query.bytes(ACK.name).is_some() {
        return Err(Error::invalid("ack", "Only a group acknowledges records").into());
    } else {
        StreamMode::Tail { from: query.from()?.unwrap_or(StartFrom::Latest) }
    };
    let header = call.request.header("last-event-id").map(|value| &**value);
    let cursor = header.or_else(|| query.bytes(LAST_EVENT_ID.name));
    let cursor = cursor.filter(|value| !value.is_empty()).map(String::from_utf8_lossy);
    let streams = &call.app.services().await?.streams;
    let mut stream = streams.open(topics, mode, cursor.as_deref()).await?;
    // An error in the first read is still answered with its own status.
    let first = stream.next(Duration::ZERO).await?;
    let source = Pieces { stream, format, first: Some(first), sent: None, stage: Stage::Head };
    Ok(Response::stream(format.content_type(), source))
}

/// The pieces of the body, one page of records each.
struct Pieces<H: Host, L: Log> {
    stream: Stream<H, L>,
    format: Format,
    first: Option<Handed>,
    /// The records in the last piece.
    sent: Option<Handed>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
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
        if self.stage == Stage::Head {
            self.stage = Stage::Records;
            if self.format == Format::Events {
                return Some(self.head());
            }
        }
        if self.stage == Stage::Over {
            return None;
        }
        if self.stream.age() >= MAX_STREAM_AGE {
            self.stage = Stage::Over;
            return self.farewell();
        }
        let page = match self.first.take() {
            Some(first) if !first.records.is_empty() => Ok(first),
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
    /// connected, and at which cursor.
    fn head(&self) -> Bytes {
        format!("retry: 2000\nid: {}\n\n", self.stream.cursor()).into()
    }

    /// A reader that receives this has received everything before it. The empty
    /// `id` makes it reconnect without a cursor. With one, it would move the group
    /// back over records that other readers have received since.
    fn farewell(&self) -> Option<Bytes> {
        let forget = self.format == Format::Events && self.stream.is_of_group();
        forget.then_some(Bytes::from_static(b"id:\n\n"))
    }

    fn render(&mut self, page: &Handed) -> Bytes {
        if page.records.is_empty() {
            return Bytes::from_static(match self.format {
                Format::Events => b":\n\n",
                Format::Lines => b"\n",
            });
        }
        let mut piece = Vec::new();
        for consumed in &page.records {
            let cursor = self.stream.pass(consumed);
            let mut read = RecordJson::from(consumed);
            match self.format {
                Format::Events => {
                    piece.extend(format!("id: {cursor}\ndata: ").into_bytes());
                    piece.extend(to_json(&read));
                    piece.extend(b"\n\n");
                }
                Format::Lines => {
                    read.cursor = Some(cursor);
                    piece.extend(to_json(&read));
                    piece.push(b'\n');
                }
            }
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
