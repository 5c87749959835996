//! Streams of new records, page by page, until the reader goes away.
//!
//! A stream with a group reads on behalf of the group: the group's position
//! moves as pages are taken, and other callers of the group get other records.
//! A stream without a group is a [`tail`]: it moves no position, and its reader
//! presents a [`cursor`] to go on.

mod cursor;
mod tail;

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use self::cursor::Cursor;
use self::tail::Tail;
use crate::access::AllowedTopic;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::services::consume::{Ack, Consume, Consumed, Handed, Next, StartFrom};
use crate::services::ends::Ends;
use crate::services::groups::{Groups, SeekTo};
use crate::telemetry::{Trace, current_trace, with_trace};

/// The limits of a page. A stream keeps one page in memory; it is large enough
/// that the costs of a page are small compared with those of its records.
const MAX_PAGE_RECORDS: usize = 500;
const MAX_PAGE_BYTES: usize = 512 * 1024;

/// Who reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamMode {
    Group {
        name: String,
        from: StartFrom,
        ack: Ack,
    },
    /// A reader without a group.
    Tail {
        from: StartFrom,
    },
}

/// Opens streams.
pub struct Streams<H: Host, L> {
    host: H,
    log: Rc<L>,
    ends: Rc<Ends<H, L>>,
    consume: Rc<Consume<H, L>>,
    groups: Rc<Groups<H, L>>,
}

/// An open stream.
pub struct Stream<H: Host, L: Log> {
    host: H,
    consume: Rc<Consume<H, L>>,
    topics: Vec<AllowedTopic>,
    cursor: Cursor,
    source: RecordSource<H, L>,
    opened: Duration,
    /// Its pages are read long after the request was answered.
    trace: Option<Trace>,
}

enum RecordSource<H: Host, L: Log> {
    Group { name: String, from: StartFrom, ack: Ack },
    Tail(Tail<H, L>),
}

impl<H: Host, L: Log> Streams<H, L> {
    pub fn new(
        host: H,
        log: Rc<L>,
        ends: Rc<Ends<H, L>>,
        consume: Rc<Consume<H, L>>,
        groups: Rc<Groups<H, L>>,
    ) -> Self {
        Self { host, log, ends, consume, groups }
    }

    /// Opens a stream over topics. With a cursor of the same topics it starts
    /// after the records that the reader has had.
    pub async fn open(
        &self,
        mut topics: Vec<AllowedTopic>,
        reader: StreamMode,
        cursor: Option<&str>,
    ) -> Result<Stream<H, L>> {
        topics.sort_unstable();
        topics.dedup();
        let names: Vec<String> = topics.iter().map(|topic| topic.to_string()).collect();
        let resumed = cursor.map(|text| Cursor::parse(text, &names)).transpose()?;
        let (host, consume) = (self.host.clone(), self.consume.clone());
        let opened = host.monotonic();
        let mut cursor = resumed.clone().unwrap_or_else(|| Cursor::new(&names));
        let source = match reader {
            StreamMode::Group { name, from, ack } => {
                for topic in &topics {
                    self.log.topic(topic).await?;
                }
                // A reader that acknowledges loses nothing: records that did
                // not arrive are handed out again when their lease ends.
                if let (Some(resumed), Ack::Auto) = (&resumed, ack) {
                    self.go_back(&name, &topics, resumed).await?;
                }
                RecordSource::Group { name, from, ack }
            }
            StreamMode::Tail { from } => {
                let (host, log) = (host.clone(), self.log.clone());
                let ends = self.ends.clone();
                let tail = Tail::open(host, log, ends, &names, from, resumed.as_ref()).await?;
                for (topic, partition, next) in tail.positions() {
                    cursor.set(topic, partition, next);
                }
                RecordSource::Tail(tail)
            }
        };
        Ok(Stream { host, consume, topics, cursor, source, opened, trace: current_trace() })
    }

    /// Moves a group back to its reader's cursor, if the group is beyond it:
    /// records that were being sent when the connection broke were counted as
    /// delivered. The group is never moved forward, whatever the reader presents.
    async fn go_back(&self, name: &str, topics: &[AllowedTopic], cursor: &Cursor) -> Result<()> {
        for (topic, mut back) in cursor.known() {
            // A cursor is for just these topics.
            let Some(topic) = topics.iter().find(|known| &***known == topic) else { continue };
            let committed = self.groups.committed(name, topic).await?;
            back.retain(|partition, next| committed.get(partition).is_some_and(|at| at > next));
            if !back.is_empty() {
                self.groups.seek(name, topic, SeekTo::Offsets(back)).await?;
            }
        }
        Ok(())
    }
}

impl<H: Host, L: Log> Stream<H, L> {
    /// The next page; empty if there was no record within the wait. As with
    /// [`Consume::next`], a group moves on once the records are marked as
    /// [`delivered`](Handed::delivered).
    ///
    /// [`Consume::next`]: crate::services::consume::Consume::next
    pub async fn next(&mut self, wait: Duration) -> Result<Handed> {
        with_trace(self.trace, self.page(wait)).await
    }

    async fn page(&mut self, wait: Duration) -> Result<Handed> {
        match &mut self.source {
            RecordSource::Tail(tail) => {
                let mut handed = Handed::default();
                handed.records = tail.next(wait).await?;
                Ok(handed)
            }
            RecordSource::Group { name, from, ack } => {
                let next = Next {
                    group: name.clone(),
                    topics: self.topics.clone(),
                    from: *from,
                    wait,
                    max: MAX_PAGE_RECORDS,
                    max_bytes: MAX_PAGE_BYTES,
                    ack: *ack,
                };
                match self.consume.next(next).await {
                    // Other readers of the group hold the partitions for the
                    // moment.
                    Err(Error::Busy(_)) => Ok(Handed::default()),
                    handed => Ok(handed?.unwrap_or_default()),
                }
            }
        }
    }

    /// The cursor after a record. Records have to be given in the order in
    /// which they came.
    pub fn pass(&mut self, consumed: &Consumed) -> String {
        let Consumed { topic, record, .. } = consumed;
        self.cursor.set(topic, record.partition, record.offset + 1);
        self.cursor.to_text()
    }

    /// The cursor after all records that were passed.
    pub fn cursor(&self) -> String {
        self.cursor.to_text()
    }

    /// Whether the stream moves the position of a group.
    pub fn is_of_group(&self) -> bool {
        matches!(self.source, RecordSource::Group { .. })
    }

    /// How long ago the stream was opened.
    pub fn age(&self) -> Duration {
        self.host.monotonic().saturating_sub(self.opened)
    }
}

impl<H: Host, L> fmt::Debug for Streams<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

impl<H: Host, L: Log> fmt::Debug for Stream<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("topics", &self.topics).finish_non_exhaustive()
    }
}
