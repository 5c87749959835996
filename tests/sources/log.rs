//! A log that fails, loses its reports, and takes its time.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use kafka_edge::error::{Error, ErrorKind, Result};
use kafka_edge::host::Millis;
use kafka_edge::kafka::{Fetch, Fetched, Log, LogCapabilities, Offsets, Place, Topic};
use kafka_edge::record::{NewRecord, RecordMetadata};
use kafka_edge_sim::SimLog;

#[derive(Clone)]
pub(crate) struct FailingLog {
    pub(crate) log: SimLog,
    pub(crate) faults: Rc<Cell<LogFaults>>,
    random: Rc<RefCell<fastrand::Rng>>,
    unknown: Rc<RefCell<BTreeMap<Vec<u8>, u64>>>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogFaults {
    /// How often a produce fails, as a whole or for some of its records.
    pub(crate) rate: f64,
    /// A produce takes up to this time, half of it before it has an effect.
    pub(crate) delay: Duration,
}

impl FailingLog {
    pub(crate) fn new(log: SimLog, seed: u64, faults: LogFaults) -> Self {
        let random = Rc::new(RefCell::new(fastrand::Rng::with_seed(seed)));
        Self { log, faults: Rc::new(Cell::new(faults)), random, unknown: Rc::default() }
    }

    /// How often it was not told whether a record with this value was written.
    pub(crate) fn unknown(&self, value: &[u8]) -> u64 {
        self.unknown.borrow().get(value).copied().unwrap_or_default()
    }

    fn fault(&self) -> Option<Fault> {
        let mut random = self.random.borrow_mut();
        (random.f64() < self.faults.get().rate).then(|| match random.u8(..6) {
            0 => Fault::Not(ErrorKind::Timeout.into()),
            1 => Fault::Not(ErrorKind::Throttled { retry_after: Duration::from_secs(1) }.into()),
            2 => Fault::Not(ErrorKind::Unreachable { detail: String::new() }.into()),
            _ => Fault::Unknown { written: random.bool() },
        })
    }

    async fn pass(&self) {
        let time = self.faults.get().delay.mul_f64(self.random.borrow_mut().f64() / 2.0);
        tokio::time::sleep(time).await;
    }
}

#[derive(Clone)]
enum Fault {
    Not(Error),
    Unknown { written: bool },
}

impl Log for FailingLog {
    async fn capabilities(&self) -> Result<LogCapabilities> {
        self.log.capabilities().await
    }

    async fn cluster_id(&self) -> Result<String> {
        self.log.cluster_id().await
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        self.log.topics().await
    }

    async fn topic(&self, name: &str) -> Result<Topic> {
        self.log.topic(name).await
    }

    async fn offsets(&self, topic: &str) -> Result<Vec<(i32, Offsets)>> {
        self.log.offsets(topic).await
    }

    async fn offset_at(&self, topic: &str, time: Millis) -> Result<Vec<(i32, i64)>> {
        self.log.offset_at(topic, time).await
    }

    async fn produce(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        mut report: impl FnMut(usize, Result<RecordMetadata>),
    ) {
        self.pass().await;
        let whole = self.fault();
        let each_by_itself = self.random.borrow_mut().bool();
        let mut reports = Vec::new();
        for record in records {
            let fault = if each_by_itself { self.fault() } else { whole.clone() };
            if let Some(Fault::Unknown { .. }) = fault {
                let value = record.value.clone().unwrap_or_default().to_vec();
                *self.unknown.borrow_mut().entry(value).or_default() += 1;
            }
            let mut written = None;
            if !matches!(fault, Some(Fault::Not(_) | Fault::Unknown { written: false })) {
                self.log.produce(topic, vec![record], |_, report| written = Some(report)).await;
            }
            reports.push(match fault {
                Some(Fault::Not(error)) => Err(error),
                Some(Fault::Unknown { .. }) => {
                    Err(ErrorKind::OutcomeUnknown { detail: String::new() }.into())
                }
                None => written.expect("the simulated log reports on each record"),
            });
        }
        self.pass().await;
        for (index, written) in reports.into_iter().enumerate() {
            report(index, written);
        }
    }

    async fn fetch(&self, fetch: Fetch<'_>) -> Result<Fetched> {
        self.log.fetch(fetch).await
    }

    async fn close(&self, place: Place) {
        self.log.close(place).await;
    }

    async fn ping(&self) -> Result<()> {
        self.log.ping().await
    }
}
