//! One fetch from a partition, through one consumer instance or two.

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

/// The longest wait of a read in the server's default configuration
/// (`consumer.request.timeout.ms`).
const MAX_READ_WAIT: Duration = Duration::from_secs(1);
/// The shortest wait in which the server looks for records: it looks every 50 ms
/// (`reference/confluent-rest.md`, 5.4).
const MIN_READ_WAIT: Duration = Duration::from_millis(100);
/// The pause after a read that the server answered at once.
const MIN_READ_PAUSE: Duration = Duration::from_millis(50);

/// One fetch in progress.
pub(super) struct Reading<'a, H> {
    client: &'a Client<H>,
    topic: TopicName<'a>,
    partition: i32,
    next: i64,
    end: Duration,
    page_limit: usize,
    seat: Option<Seat>,
    /// At most one instance is replaced in a fetch.
    replaced: bool,
}

/// The instance that is read from.
struct Seat {
    instance: ConsumerInstance,
    origin: InstanceOrigin,
    silent_to: Option<i64>,
    end: KnownEnd,
}

/// What is known about the log's end while an instance returns no records.
#[derive(Clone, Copy)]
enum KnownEnd {
    NotAsked,
    /// The position is at the end.
    Here,
    /// There are more records, and reads since then should have returned them.
    Beyond {
        end: i64,
        since: Duration,
    },
}

/// The result of a read.
enum ReadResult {
    Records(Vec<Record>),
    /// No records, and whether the server waited for some.
    Empty {
        waited: bool,
    },
    /// The instance no longer exists.
    Gone,
    /// The instance has lost its position, or this page was lost.
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

    /// Reads from the instance that was passed on, or from a new one.
    pub(super) async fn run(mut self, kept: Option<KeptInstance>) -> Result<Fetched> {
        if let Some(kept) = kept {
            self.take_over(kept);
        }
        let outcome = self.records().await;
        self.leave(outcome)
    }

    /// Continues with an instance, if its position is the one to read from.
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
                // The offset is past the end, where no instance can wait.
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
                    // If a new instance is gone at once, another proxy has
                    // answered: instances live in one proxy process
                    // (`reference/confluent-rest.md`, 5.2).
                    self.count_replacement("it was gone (two proxies behind one address?)")?;
                }
                ReadResult::Off(why) => self.replace(&why)?,
            }
        }
    }

    /// Creates an instance at the offset, or at the first offset after it that
    /// the log still has. Returns `false` if the log ends before that.
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
        // A new instance needs half a second for its first record
        // (`recordings/v2-stateless-reading.jsonl`, "whole life").
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

    /// Whether an instance returns nothing because there is nothing. If the log
    /// is known to have more, the instance has one second to return it.
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
            // The server answered without waiting: it has a record that does
            // not fit into a page.
            KnownEnd::Beyond { .. } => {
                let (topic, partition, next) = (self.topic, self.partition, self.next);
                let detail = format!("record {topic}/{partition}/{next} is too large to be read");
                Err(Error::Upstream { detail })
            }
        }
    }

    /// Gives up the instance, so that the next read uses a new one.
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

    /// Returns what was read, with the instance for the next fetch.
    fn leave(self, outcome: Result<Vec<Record>>) -> Result<Fetched> {
        let records = match outcome {
            Ok(records) => records,
            Err(error) => {
                // An instance that was passed on is still in its reader's place.
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

/// The result of a read that failed. A read that was not sent, or was refused,
/// has changed nothing; any other may have taken records away
/// (`recordings/v2-consumer.jsonl`, "client hangs up").
fn lost(failure: CallFailure) -> Result<ReadResult> {
    match &failure {
        CallFailure::Send(error) if error.sent == Sent::Perhaps => {
            Ok(ReadResult::Off(error.to_string()))
        }
        CallFailure::TooLong => Ok(ReadResult::Off("its answer was too long".into())),
        CallFailure::Refused(refusal) => match refusal.status {
            status if is_forbidden(status) => Err(failure.into()),
            StatusCode::TOO_MANY_REQUESTS => Err(failure.into()),
            // On this call 40403 means the instance and never the topic: an
            // unknown topic reads as empty (`recordings/v2-consumer.jsonl`,
            // "records of an assigned unknown topic").
            StatusCode::NOT_FOUND => Ok(ReadResult::Gone),
            _ => Ok(ReadResult::Off(refusal.detail())),
        },
        _ => Err(failure.into()),
    }
}
