//! One fetch from a partition, over one instance or two.

use std::time::Duration;

use http::StatusCode;

use super::MAX_PAGE_BYTES;
use super::instance::{self, ConsumerInstance};
use super::kept_instance::KeptInstance;
use super::page::{self, Expected, InstanceOrigin};
use crate::error::{Error, Result};
use crate::host::{Host, Sent};
use crate::kafka::confluent::client::{Client, is_forbidden};
use crate::kafka::confluent::failure::CallFailure;
use crate::kafka::confluent::names::TopicName;
use crate::kafka::{Fetch, Fetched, Offsets};
use crate::record::Record;

/// The longest that the server lets a read wait, by default.
const MAX_READ_WAIT: Duration = Duration::from_secs(1);
/// The shortest read that gives the server a chance to look for records.
const MIN_READ_WAIT: Duration = Duration::from_millis(100);
/// Between two reads that the server answered at once.
const MIN_READ_PAUSE: Duration = Duration::from_millis(50);

/// One fetch under way.
pub(super) struct Reading<'a, H> {
    client: &'a Client<H>,
    topic: TopicName<'a>,
    partition: i32,
    next: i64,
    end: Duration,
    page_limit: usize,
    seat: Option<Seat>,
    /// One instance is replaced in a fetch, not a second one.
    replaced: bool,
}

/// The instance that is read from.
struct Seat {
    instance: ConsumerInstance,
    origin: InstanceOrigin,
    silent_to: Option<i64>,
    end: KnownEnd,
}

/// What is known of the log's end while an instance says nothing.
#[derive(Clone, Copy)]
enum KnownEnd {
    NotAsked,
    /// There was nothing to be read.
    Here,
    /// There was something, and reads since then should have given it.
    Beyond {
        end: i64,
        since: Duration,
    },
}

/// What a read came to.
enum ReadResult {
    Records(Vec<Record>),
    /// Nothing; and whether the server took its time over it.
    Empty {
        waited: bool,
    },
    /// The instance does not exist any more.
    Gone,
    /// The instance has lost its place, or this page was lost.
    Off(String),
}

impl<'a, H: Host> Reading<'a, H> {
    pub(super) fn new(
        client: &'a Client<H>,
        topic: TopicName<'a>,
        fetch: &Fetch<'_>,
        page_limit: usize,
    ) -> Self {
        Self {
            client,
            topic,
            partition: fetch.partition,
            next: fetch.offset,
            end: client.host.monotonic() + fetch.wait,
            page_limit,
            seat: None,
            replaced: false,
        }
    }

    /// Reads from the instance handed over, or from a new one.
    pub(super) async fn run(mut self, kept: Option<KeptInstance>) -> Result<Fetched> {
        if let Some(kept) = kept {
            self.take_over(kept);
        }
        let outcome = self.records().await;
        self.leave(outcome)
    }

    /// Goes on with an instance that stands where reading is to go on.
    fn take_over(&mut self, kept: KeptInstance) {
        let instance = ConsumerInstance(kept.instance);
        if kept.next != self.next {
            return instance.forget(self.client);
        }
        self.seat = Some(Seat {
            instance,
            origin: InstanceOrigin::HandedOver,
            silent_to: kept.silent_to,
            end: KnownEnd::NotAsked,
        });
    }

    async fn records(&mut self) -> Result<Vec<Record>> {
        loop {
            if self.seat.is_none() && !self.open().await? {
                // The offset is past the end, and nothing there to wait at.
                self.client.host.sleep(self.left()).await;
                return Ok(Vec::new());
            }
            let Some(seat) = &self.seat else { continue };
            match self.read(seat).await? {
                ReadResult::Records(records) => {
                    self.next = records.last().map_or(self.next, |record| record.offset + 1);
                    return Ok(records);
                }
                ReadResult::Empty { waited } => {
                    if self.silence_is_right(waited).await? && self.left().is_zero() {
                        return Ok(Vec::new());
                    }
                    if !waited {
                        self.client.host.sleep(MIN_READ_PAUSE).await;
                    }
                }
                ReadResult::Gone => {
                    self.seat = None;
                    // Gone as soon as it was made: it is another proxy that
                    // answered.
                    self.count_replacement("it was gone (two proxies behind one address?)")?;
                }
                ReadResult::Off(why) => self.replace(&why)?,
            }
        }
    }

    /// Makes a new instance at the offset, or at the first one after it that
    /// the log still has. `false`: the log ends before that.
    async fn open(&mut self) -> Result<bool> {
        let Offsets { first, end } =
            instance::offsets(self.client, self.topic, self.partition).await?;
        if self.next > end {
            return Ok(false);
        }
        self.next = self.next.max(first);
        let instance =
            ConsumerInstance::open(self.client, self.topic, self.partition, self.next).await?;
        let since = self.client.host.monotonic();
        let end = if end > self.next { KnownEnd::Beyond { end, since } } else { KnownEnd::Here };
        self.seat = Some(Seat { instance, origin: InstanceOrigin::New, silent_to: None, end });
        Ok(true)
    }

    /// Reads one page.
    async fn read(&self, seat: &Seat) -> Result<ReadResult> {
        // A new instance takes half a second to its first record.
        let wait = match seat.end {
            KnownEnd::Beyond { .. } => MAX_READ_WAIT,
            _ => self.left().clamp(MIN_READ_WAIT, MAX_READ_WAIT),
        };
        let before = self.client.host.monotonic();
        let answer = seat.instance.read(self.client, wait, self.page_limit).await;
        let waited = self.client.host.monotonic().saturating_sub(before) * 2 >= wait;
        let body = match answer {
            Ok(body) => body,
            Err(failure) => return lost(failure),
        };
        let expected = Expected {
            topic: self.topic.as_str(),
            partition: self.partition,
            next: self.next,
            origin: seat.origin,
        };
        Ok(match expected.read(&body) {
            Ok(records) if records.is_empty() => ReadResult::Empty { waited },
            Ok(records) => ReadResult::Records(records),
            Err(page::Off) => ReadResult::Off("its records were not the ones to come".into()),
        })
    }

    /// Whether an instance says nothing because there is nothing. Where the
    /// log is known to have more, it gets one second to give it.
    async fn silence_is_right(&mut self, waited: bool) -> Result<bool> {
        let now = self.client.host.monotonic();
        let Some(seat) = &mut self.seat else { return Ok(true) };
        match seat.end {
            KnownEnd::Here => Ok(true),
            KnownEnd::NotAsked => {
                let end = instance::offsets(self.client, self.topic, self.partition).await?.end;
                let silent = end <= self.next.max(seat.silent_to.unwrap_or(0));
                let since = self.client.host.monotonic();
                seat.end = if silent { KnownEnd::Here } else { KnownEnd::Beyond { end, since } };
                Ok(silent)
            }
            KnownEnd::Beyond { since, .. } if now.saturating_sub(since) < MAX_READ_WAIT => {
                Ok(false)
            }
            KnownEnd::Beyond { .. } if seat.origin == InstanceOrigin::HandedOver => {
                self.replace("it kept records back")?;
                Ok(false)
            }
            // The next record may be too large for the page.
            KnownEnd::Beyond { end, .. } if self.page_limit < MAX_PAGE_BYTES => {
                self.page_limit = MAX_PAGE_BYTES;
                seat.end = KnownEnd::Beyond { end, since: now };
                Ok(false)
            }
            KnownEnd::Beyond { end, .. } if waited => {
                seat.silent_to = Some(end);
                seat.end = KnownEnd::Here;
                Ok(true)
            }
            // It does not even look for records: it has one, and keeps it.
            KnownEnd::Beyond { .. } => {
                let (topic, partition, next) = (self.topic, self.partition, self.next);
                let detail = format!("record {topic}/{partition}/{next} is too large to be read");
                Err(Error::Upstream { detail })
            }
        }
    }

    /// Gives the instance up, so that the next read is of a new one.
    fn replace(&mut self, why: &str) -> Result<()> {
        if let Some(seat) = self.seat.take() {
            seat.instance.forget(self.client);
        }
        self.count_replacement(why)
    }

    fn count_replacement(&mut self, why: &str) -> Result<()> {
        if std::mem::replace(&mut self.replaced, true) {
            let detail = format!("a new consumer instance failed too: {why}");
            return Err(Error::Upstream { detail });
        }
        Ok(())
    }

    /// Hands the instance on with what was read.
    fn leave(self, outcome: Result<Vec<Record>>) -> Result<Fetched> {
        let records = match outcome {
            Ok(records) => records,
            Err(error) => {
                // Whoever handed it over still has its place.
                if let Some(Seat { origin: InstanceOrigin::New, instance, .. }) = &self.seat {
                    instance.forget(self.client);
                }
                return Err(error);
            }
        };
        let place = self.seat.map(|seat| {
            let (instance, silent_to) = (seat.instance.0, seat.silent_to);
            KeptInstance { instance, next: self.next, silent_to }.place()
        });
        Ok(Fetched { records, next: self.next, place })
    }

    fn left(&self) -> Duration {
        self.end.saturating_sub(self.client.host.monotonic())
    }
}

/// What a read without a page came to. A read that was not made, or was
/// refused, has changed nothing; of any other nobody knows what it took along.
fn lost(failure: CallFailure) -> Result<ReadResult> {
    match &failure {
        CallFailure::Send(error) if error.sent == Sent::Perhaps => {
            Ok(ReadResult::Off(error.to_string()))
        }
        CallFailure::TooLong => Ok(ReadResult::Off("its answer was too long".into())),
        CallFailure::Refused(refusal) => match refusal.status {
            status if is_forbidden(status) => Err(failure.into()),
            StatusCode::TOO_MANY_REQUESTS => Err(failure.into()),
            // 40403 means the instance on this call, never the topic: an
            // unknown topic reads as empty.
            StatusCode::NOT_FOUND => Ok(ReadResult::Gone),
            _ => Ok(ReadResult::Off(refusal.detail())),
        },
        _ => Err(failure.into()),
    }
}
