//! Streams of new records, page by page, until the reader goes away.
//!
//! A stream with a group reads on behalf of the group: it begins where the group
//! is, the group's position moves as pages are taken, and other callers of the
//! group get other records. A stream without a group is a [`tail`]: it moves no
//! position, and its reader presents a [`cursor`] to go on.
//!
//! A stream rides out failures that pass: the readers of most streams reconnect by
//! themselves, but an `EventSource` that is answered with an error never does
//! (HTML, "Server-sent events": *fail the connection*).

mod cursor;
mod notice;
mod outage;
mod tail;

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

pub use self::cursor::Cursor;
pub use self::notice::Notice;
use self::outage::Outage;
use self::tail::Tail;
use crate::access::AllowedTopic;
use crate::concurrent::try_join_bounded;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::services::beyond_end::BeyondEnd;
use crate::services::consume::{Ack, Consume, Consumed, Handed, Next, StartFrom};
use crate::services::ends::Ends;
use crate::telemetry::{Report, Trace, current_trace, level_of, with_trace};

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
}

/// An open stream.
pub struct Stream<H: Host, L: Log> {
    host: H,
    source: RecordSource<H, L>,
    /// Where the reader is.
    cursor: Cursor,
    outage: Option<Outage>,
    notices: Vec<Notice>,
    /// The positions beyond an end that the reader was told of.
    told: Vec<BeyondEnd>,
    opened: Duration,
    /// Its pages are read long after the request was answered.
    trace: Option<Trace>,
}

enum RecordSource<H: Host, L: Log> {
    Group { log: Rc<L>, consume: Rc<Consume<H, L>>, next: Next },
    Tail(Tail<H, L>),
}

impl<H: Host, L: Log> Streams<H, L> {
    pub fn new(host: H, log: Rc<L>, ends: Rc<Ends<H, L>>, consume: Rc<Consume<H, L>>) -> Self {
        Self { host, log, ends, consume }
    }

    /// Opens a stream over topics. Nothing is asked before the first page is.
    ///
    /// A tail goes on behind the records that its cursor says its reader has had.
    /// A group's stream goes on where the group is, whatever the cursor: other
    /// members may have read on since, and hold claims.
    pub fn open(
        &self,
        topics: Vec<AllowedTopic>,
        reader: StreamMode,
        resumed: Option<Cursor>,
    ) -> Stream<H, L> {
        let host = self.host.clone();
        let cursor = resumed.clone().unwrap_or_else(|| Cursor::new(&topics));
        let source = match reader {
            StreamMode::Group { name, from, ack } => {
                let next = Next {
                    group: name,
                    topics,
                    from,
                    wait: Duration::ZERO,
                    max: MAX_PAGE_RECORDS,
                    max_bytes: MAX_PAGE_BYTES,
                    ack,
                };
                let (log, consume) = (self.log.clone(), self.consume.clone());
                RecordSource::Group { log, consume, next }
            }
            StreamMode::Tail { from } => {
                let (log, ends) = (self.log.clone(), self.ends.clone());
                RecordSource::Tail(Tail::new(host.clone(), log, ends, &topics, from, resumed))
            }
        };
        let opened = host.monotonic();
        let (outage, notices, told, trace) = (None, Vec::new(), Vec::new(), current_trace());
        Stream { host, source, cursor, outage, notices, told, opened, trace }
    }
}

impl<H: Host, L: Log> Stream<H, L> {
    /// Shows what fails for good before any record is read.
    pub async fn begin(&mut self) -> Result<()> {
        let begun = match &mut self.source {
            RecordSource::Tail(tail) => place(tail, &mut self.cursor).await,
            RecordSource::Group { log, next, .. } => {
                let topics = next.topics.iter().map(|topic| log.topic(topic));
                try_join_bounded(topics).await.map(drop)
            }
        };
        begun.or_else(|error| self.endure(error))
    }

    /// The next page; empty if there was no record within the wait, or none
    /// could be read. As with [`Consume::next`], a group moves on once the records
    /// are marked as [`delivered`](Handed::delivered).
    ///
    /// A failure that passes is an error only once it has lasted for minutes.
    pub fn next(&mut self, wait: Duration) -> impl Future<Output = Result<Handed>> {
        with_trace(self.trace, self.page(wait))
    }

    async fn page(&mut self, wait: Duration) -> Result<Handed> {
        let give_up = self.host.monotonic() + wait;
        loop {
            let now = self.host.monotonic();
            let left = give_up.saturating_sub(now);
            let pause = self.outage.as_ref().map_or(Duration::ZERO, |outage| outage.pause(now));
            if !pause.is_zero() && pause >= left {
                self.host.sleep(left).await;
                return Ok(Handed::default());
            }
            if !pause.is_zero() {
                self.host.sleep(pause).await;
            }
            match self.attempt(left - pause).await {
                Ok(handed) => {
                    if self.outage.take().is_some() {
                        self.notices.push(Notice::GoesOn);
                    }
                    return Ok(handed);
                }
                Err(error) => self.endure(error)?,
            }
        }
    }

    /// Gives the error back unless the stream goes on in spite of it.
    fn endure(&mut self, error: Error) -> Result<()> {
        let now = self.host.monotonic();
        if !error.is_passing() || self.outage.as_ref().is_some_and(|outage| outage.is_long(now)) {
            return Err(error);
        }
        if self.outage.is_none() {
            let fields = [("why", error.kind().into())];
            self.host.event(level_of(&error), "stream-interrupted", &fields);
            self.notices.push(Notice::Interrupted(error.clone()));
        }
        Outage::failed(&mut self.outage, &error, now, crate::random::number(&self.host));
        Ok(())
    }

    async fn attempt(&mut self, wait: Duration) -> Result<Handed> {
        match &mut self.source {
            RecordSource::Tail(tail) => {
                place(tail, &mut self.cursor).await?;
                let records = tail.next(wait).await?;
                for (beyond, next) in tail.take_beyond() {
                    self.cursor.set(&beyond.topic, beyond.partition, next);
                    self.notices.push(Notice::StartedAgain(beyond));
                }
                Ok(Handed::of(records))
            }
            RecordSource::Group { consume, next, .. } => {
                match consume.next(Next { wait, ..next.clone() }).await {
                    // Another reader is about to begin the group.
                    Err(error) if matches!(*error, ErrorKind::Busy(_)) => Ok(Handed::default()),
                    Ok(mut handed) => {
                        for beyond in std::mem::take(&mut handed.beyond) {
                            if !self.told.contains(&beyond) {
                                self.told.push(beyond.clone());
                                self.notices.push(Notice::BeyondEnd(beyond));
                            }
                        }
                        Ok(handed)
                    }
                    failed => failed,
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

    /// The cursor after all records that were passed; `None` as long as the reader
    /// is nowhere.
    pub fn cursor(&self) -> Option<String> {
        self.cursor.is_set().then(|| self.cursor.to_text())
    }

    /// What there is to say to the reader, each thing once.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// How long ago the stream was opened.
    pub fn age(&self) -> Duration {
        self.host.monotonic().saturating_sub(self.opened)
    }
}

/// Sets the cursor to where a tail begins, when that becomes known.
async fn place<H: Host, L: Log>(tail: &mut Tail<H, L>, cursor: &mut Cursor) -> Result<()> {
    if let Some(positions) = tail.begin().await? {
        positions.for_each(|(topic, (partition, next))| cursor.set(topic, partition, next));
    }
    Ok(())
}

impl<H: Host, L> fmt::Debug for Streams<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

impl<H: Host, L: Log> fmt::Debug for Stream<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}
