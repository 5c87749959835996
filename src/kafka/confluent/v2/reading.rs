//! One fetch from a partition, through one consumer instance or two.

use std::time::Duration;

use http::StatusCode;

use super::instance::{self, ConsumerInstance};
use super::kept_instance::KeptInstance;
use super::own_instances::OwnInstance;
use super::page::{self, Expected, InstanceOrigin, Page};
use super::{Known, MAX_PAGE_BYTES};
use crate::error::{ErrorKind, Result};
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
    known: &'a Known,
    topic: TopicName<'a>,
    partition: i32,
    from: i64,
    next: i64,
    end: Duration,
    page_limit: usize,
    /// How many records are wanted, and how many bytes.
    max_records: usize,
    max_bytes: usize,
    /// The end, as somebody has seen it.
    seen_end: Option<i64>,
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
    /// Offsets are missing in what it has read, so that it cannot be passed on.
    has_gaps: bool,
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
    Records(Page),
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
        known: &'a Known,
        topic: TopicName<'a>,
        fetch: &Fetch<'_>,
        page_limit: usize,
    ) -> Self {
        Self {
            client,
            known,
            topic,
            partition: fetch.partition,
            from: fetch.offset,
            next: fetch.offset,
            end: client.host.monotonic() + fetch.wait,
            page_limit,
            max_records: fetch.max_records,
            max_bytes: fetch.max_bytes,
            seen_end: fetch.end,
            seat: None,
            replaced: false,
        }
    }

    /// Reads from the instance that was passed on, or from a new one.
    pub(super) async fn run(mut self, kept: Option<KeptInstance>) -> Result<Fetched> {
        if let Some(kept) = kept {
            self.take_over(kept);
        } else if let Some(fetched) = self.take_own() {
            return Ok(fetched);
        }
        let mut outcome = self.records().await;
        if let Ok(records) = &mut outcome {
            self.fill(records).await;
        }
        self.leave(outcome)
    }

    /// Continues with an instance that nobody else knows, if there is one. What it has
    /// read before is returned at once.
    fn take_own(&mut self) -> Option<Fetched> {
        let now = self.client.host.monotonic();
        let (own, old) = self.known.own.take(self.topic.as_str(), self.partition, self.next, now);
        old.iter().for_each(|instance| instance.forget(self.client));
        let mut own = own?;
        if let Some(fetched) = own.kept(self.next) {
            self.keep(own);
            return Some(fetched);
        }
        self.next = own.next;
        self.seat = Some(Seat {
            instance: own.instance,
            origin: InstanceOrigin::New,
            silent_to: None,
            end: KnownEnd::NotAsked,
            has_gaps: true,
        });
        None
    }

    fn keep(&self, own: OwnInstance) {
        if let Some(instance) = self.known.own.keep(own) {
            instance.forget(self.client);
        }
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
            has_gaps: false,
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
            // A new instance needs half a second for its first record
            // (`recordings/v2-stateless-reading.jsonl`, "whole life").
            let wait = match seat.end {
                KnownEnd::Beyond { .. } => MAX_READ_WAIT,
                _ => self.left().clamp(MIN_READ_WAIT, MAX_READ_WAIT),
            };
            match self.read(seat, wait).await? {
                ReadResult::Records(page) => return Ok(self.note(page)),
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
        let origin = InstanceOrigin::New;
        self.seat = Some(Seat { instance, origin, silent_to: None, end, has_gaps: false });
        Ok(true)
    }

    /// Takes note of what was read.
    fn note(&mut self, page: Page) -> Vec<Record> {
        self.next = page.records.last().map_or(self.next, |record| record.offset + 1);
        if let Some(seat) = &mut self.seat {
            seat.has_gaps |= page.has_gaps;
        }
        page.records
    }

    /// Reads on for as long as more is wanted and likely to be there: after a page that
    /// was as large as pages are. What goes wrong here takes nothing from what was read.
    async fn fill(&mut self, records: &mut Vec<Record>) {
        let mut last_page = records.len();
        let mut bytes: usize = records.iter().map(Record::size).sum();
        while let Some(seat) = &self.seat
            && records.len() < self.max_records
            && bytes < self.max_bytes
        {
            let end = match seat.end {
                KnownEnd::Beyond { end, .. } => Some(end).max(self.seen_end),
                KnownEnd::Here | KnownEnd::NotAsked => self.seen_end,
            };
            let is_at_end = end.is_some_and(|end| end <= self.next);
            if is_at_end || !self.known.is_full_page(last_page) {
                return;
            }
            match self.read(seat, MIN_READ_WAIT).await {
                Ok(ReadResult::Records(page)) => {
                    let page = self.note(page);
                    last_page = page.len();
                    bytes += page.iter().map(Record::size).sum::<usize>();
                    records.extend(page);
                }
                Ok(ReadResult::Empty { .. }) | Err(_) => return,
                Ok(ReadResult::Gone) => self.seat = None,
                Ok(ReadResult::Off(_)) => {
                    if let Some(seat) = self.seat.take() {
                        seat.instance.forget(self.client);
                    }
                }
            }
        }
    }

    /// Reads one page.
    async fn read(&self, seat: &Seat, wait: Duration) -> Result<ReadResult> {
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
            Ok(page) if page.records.is_empty() => ReadResult::Empty { waited },
            Ok(page) => ReadResult::Records(page),
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
                Err(ErrorKind::Upstream { detail }.into())
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
            return Err(ErrorKind::Upstream { detail }.into());
        }
        Ok(())
    }

    /// Returns what was read, with the instance for the next fetch.
    fn leave(mut self, outcome: Result<Vec<Record>>) -> Result<Fetched> {
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
        let silent_to = self.seat.as_ref().and_then(|seat| seat.silent_to);
        let silent_to = silent_to.filter(|silent_to| *silent_to > self.next);
        let (from, next) = (self.from, self.next);
        let place = match self.seat.take() {
            Some(seat) if seat.has_gaps => {
                let now = self.client.host.monotonic();
                let read = (from, &records[..], next);
                let topic = self.topic.as_str();
                self.keep(OwnInstance::new(topic, self.partition, seat.instance, read, now));
                None
            }
            Some(Seat { instance, silent_to, .. }) => {
                Some(KeptInstance { instance: instance.0, next, silent_to }.place())
            }
            None => None,
        };
        Ok(Fetched { records, next, place, silent_to })
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
