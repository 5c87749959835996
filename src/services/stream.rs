//! Records as they come, page after page, until nobody takes them.
//!
//! With a group it is the group that reads: its position moves as pages are
//! taken, and other callers of the group get other records. Without one it is
//! a [`tail`]: it moves nothing, and its place is a [`cursor`] that the reader
//! brings back.

mod cursor;
mod tail;

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use self::cursor::Cursor;
use self::tail::Tail;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::services::consume::{Ack, Consume, Consumed, Handed, Next, StartFrom};
use crate::services::ends::Ends;
use crate::services::groups::{Groups, SeekTo};
use crate::telemetry::{Trace, current_trace, with_trace};

/// What is in memory of a stream: one page. Large enough that a page costs
/// little beside its records.
const PAGE_RECORDS: usize = 500;
const PAGE_BYTES: usize = 512 * 1024;

/// Who reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamMode {
    Group {
        name: String,
        from: StartFrom,
        ack: Ack,
    },
    /// Nobody in particular.
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

/// A stream that somebody reads.
pub struct Stream<H: Host, L: Log> {
    host: H,
    consume: Rc<Consume<H, L>>,
    topics: Vec<String>,
    cursor: Cursor,
    source: Source<H, L>,
    opened: Duration,
    /// Its pages are read long after the request was answered.
    trace: Option<Trace>,
}

enum Source<H: Host, L: Log> {
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

    /// Opens a stream over topics; with a cursor that was given for the same
    /// topics, behind what its reader has had.
    pub async fn open(
        &self,
        mut topics: Vec<String>,
        reader: StreamMode,
        cursor: Option<&str>,
    ) -> Result<Stream<H, L>> {
        topics.sort_unstable();
        topics.dedup();
        let resumed = cursor.map(|text| Cursor::parse(text, &topics)).transpose()?;
        let (host, consume) = (self.host.clone(), self.consume.clone());
        let opened = host.monotonic();
        let mut cursor = resumed.clone().unwrap_or_else(|| Cursor::new(&topics));
        let source = match reader {
            StreamMode::Group { name, from, ack } => {
                for topic in &topics {
                    self.log.topic(topic).await?;
                }
                // Who acknowledges loses nothing: what did not arrive is
                // handed out again when its lease is over.
                if let (Some(resumed), Ack::Auto) = (&resumed, ack) {
                    self.go_back(&name, resumed).await?;
                }
                Source::Group { name, from, ack }
            }
            StreamMode::Tail { from } => {
                let (host, log) = (host.clone(), self.log.clone());
                let ends = self.ends.clone();
                let tail = Tail::open(host, log, ends, &topics, from, resumed.as_ref()).await?;
                for (topic, partition, next) in tail.positions() {
                    cursor.set(topic, partition, next);
                }
                Source::Tail(tail)
            }
        };
        Ok(Stream { host, consume, topics, cursor, source, opened, trace: current_trace() })
    }

    /// Moves a group back to where its reader was, if it is beyond that: what
    /// was on its way when the connection broke was counted as delivered. Never
    /// forward, whatever the reader claims to have had.
    async fn go_back(&self, name: &str, cursor: &Cursor) -> Result<()> {
        for (topic, mut back) in cursor.known() {
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
    /// The next page; empty when there was none within the wait. As with
    /// [`Consume::next`], a group moves on once the records are said to be
    /// [`delivered`](Handed::delivered).
    ///
    /// [`Consume::next`]: crate::services::consume::Consume::next
    pub async fn next(&mut self, wait: Duration) -> Result<Handed> {
        with_trace(self.trace, self.page(wait)).await
    }

    async fn page(&mut self, wait: Duration) -> Result<Handed> {
        match &mut self.source {
            Source::Tail(tail) => {
                let mut handed = Handed::default();
                handed.records = tail.next(wait).await?;
                Ok(handed)
            }
            Source::Group { name, from, ack } => {
                let next = Next {
                    group: name.clone(),
                    topics: self.topics.clone(),
                    from: *from,
                    wait,
                    max: PAGE_RECORDS,
                    max_bytes: PAGE_BYTES,
                    ack: *ack,
                };
                match self.consume.next(next).await {
                    // Others of the group are at work, for the moment.
                    Err(Error::Busy(_)) => Ok(Handed::default()),
                    handed => Ok(handed?.unwrap_or_default()),
                }
            }
        }
    }

    /// The cursor behind a record, given in the order in which they came.
    pub fn pass(&mut self, consumed: &Consumed) -> String {
        let Consumed { topic, record, .. } = consumed;
        self.cursor.set(topic, record.partition, record.offset + 1);
        self.cursor.to_text()
    }

    /// The cursor behind all that was passed.
    pub fn cursor(&self) -> String {
        self.cursor.to_text()
    }

    /// Whether a group's position moves with it.
    pub fn is_of_group(&self) -> bool {
        matches!(self.source, Source::Group { .. })
    }

    /// How long ago it was opened.
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
