//! The key-value store that all instances of a world share.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use kafka_edge::host::StoreError;
use tokio::time::Instant;

/// The faults of the store. By default it does everything correctly and at
/// once.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreMode {
    /// Each operation takes up to this time; a write takes effect at some
    /// moment within it.
    pub latency: Duration,
    /// A read may return a value that is up to this old, even to its writer.
    pub stale: Duration,
    /// How often an increment gives the number that the last one gave.
    pub double_draws: f64,
    /// The probability that an operation fails. Half of the failed writes have
    /// taken effect.
    pub failures: f64,
    /// How often an operation is refused: it has no effect.
    pub refusals: f64,
    /// Each write takes this time, and only one is under way in the whole store; each
    /// read takes half a millisecond. Spin's default store does this
    /// (`reference/hosts.md`, "Spin 4.1 run by hand").
    pub write_time: Duration,
    /// Keys can be created if there are none, and values can have an end.
    pub creates: bool,
}

impl StoreMode {
    /// A store that takes nothing.
    pub const REFUSING: Self = Self {
        latency: Duration::ZERO,
        stale: Duration::ZERO,
        double_draws: 0.0,
        failures: 0.0,
        refusals: 1.0,
        write_time: Duration::ZERO,
        creates: false,
    };
}

/// How long a read takes where writes take a time of their own.
const READ_TIME: Duration = Duration::from_micros(500);

#[derive(Debug, Clone)]
pub(crate) struct SharedStore(Rc<RefCell<Inner>>);

/// The values that a key has had, the latest last.
type Versions = Vec<(Instant, Option<Vec<u8>>)>;

#[derive(Debug)]
struct Inner {
    mode: StoreMode,
    random: fastrand::Rng,
    values: BTreeMap<String, Versions>,
    counters: BTreeMap<String, u64>,
    /// When values end, and the first of these times.
    ends: BTreeMap<String, Instant>,
    first_end: Option<Instant>,
    calls: StoreCalls,
    /// When the last of the writes that queue is done.
    writing_until: Option<Instant>,
}

/// How often the store was called. A draw is a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreCalls {
    pub reads: u64,
    pub writes: u64,
}

impl SharedStore {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            mode: StoreMode::default(),
            random: fastrand::Rng::with_seed(seed),
            values: BTreeMap::new(),
            counters: BTreeMap::new(),
            ends: BTreeMap::new(),
            first_end: None,
            calls: StoreCalls::default(),
            writing_until: None,
        })))
    }

    pub(crate) fn calls(&self) -> StoreCalls {
        self.0.borrow().calls
    }

    pub(crate) fn set_mode(&self, mode: StoreMode) {
        self.0.borrow_mut().mode = mode;
    }

    pub(crate) fn creates(&self) -> bool {
        self.0.borrow().mode.creates
    }

    /// Everything in it, counters without a value.
    pub(crate) fn dump(&self) -> BTreeMap<String, Option<Vec<u8>>> {
        self.0.borrow_mut().end_values();
        let inner = self.0.borrow();
        let counters = inner.counters.keys().map(|name| (name.clone(), None));
        let values = inner.values.iter().filter_map(|(key, versions)| {
            let value = versions.last()?.1.clone()?;
            Some((key.clone(), Some(value)))
        });
        counters.chain(values).collect()
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.operation(false, |inner| {
            assert!(!inner.counters.contains_key(key), "a counter's key was read: {key}");
            let at = inner.seen_from();
            let versions = inner.values.get(key)?;
            versions.iter().rev().find(|(since, _)| *since <= at)?.1.clone()
        })
        .await
    }

    pub(crate) async fn write(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        self.operation(true, |inner| {
            if value.is_none() && inner.counters.remove(key).is_some() {
                return;
            }
            inner.put(key, value, None);
        })
        .await
    }

    pub(crate) async fn write_for(
        &self,
        key: &str,
        value: &[u8],
        lasts: Duration,
    ) -> Result<(), StoreError> {
        self.operation(true, |inner| inner.put(key, Some(value), Some(lasts))).await
    }

    /// Unlike a plain read it is never stale.
    pub(crate) async fn create(
        &self,
        key: &str,
        value: &[u8],
        lasts: Duration,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.operation(true, |inner| {
            let there = inner.values.get(key).and_then(|versions| versions.last()?.1.clone());
            if there.is_none() {
                inner.put(key, Some(value), Some(lasts));
            }
            there
        })
        .await
    }

    pub(crate) async fn increment(&self, key: &str, n: u64) -> Result<u64, StoreError> {
        self.operation(true, |inner| {
            inner.assert_no_value(key);
            let repeats = inner.mode.double_draws > 0.0
                && inner.counters.contains_key(key)
                && inner.random.f64() < inner.mode.double_draws;
            let counter = inner.counters.entry(key.to_owned()).or_default();
            *counter += if repeats { 0 } else { n };
            *counter
        })
        .await
    }

    /// Unlike a plain read it is never stale.
    pub(crate) async fn counter(&self, key: &str) -> Result<u64, StoreError> {
        self.operation(false, |inner| {
            inner.assert_no_value(key);
            inner.counters.get(key).copied().unwrap_or(0)
        })
        .await
    }

    pub(crate) async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.operation(false, |inner| {
            let at = inner.seen_from();
            let there = inner.values.iter().filter(|(_, versions)| {
                let seen = versions.iter().rev().find(|(since, _)| *since <= at);
                seen.is_some_and(|(_, value)| value.is_some())
            });
            let keys = there.map(|(key, _)| key).chain(inner.counters.keys());
            keys.filter(|key| key.starts_with(prefix)).cloned().collect()
        })
        .await
    }

    /// Waits as long as the operation takes where writes have a time of their own.
    async fn take_turn(&self, writes: bool) {
        let done = {
            let Inner { mode, writing_until, .. } = &mut *self.0.borrow_mut();
            let now = Instant::now();
            match (mode.write_time.is_zero(), writes) {
                (true, _) => return,
                (false, false) => now + READ_TIME,
                (false, true) => {
                    let begin = writing_until.map_or(now, |until| until.max(now));
                    *writing_until.insert(begin + mode.write_time)
                }
            }
        };
        tokio::time::sleep_until(done).await;
    }

    async fn operation<T>(
        &self,
        writes: bool,
        effect: impl FnOnce(&mut Inner) -> T,
    ) -> Result<T, StoreError> {
        let (before, after, refused, fails, lands) = {
            let Inner { mode, random, calls, .. } = &mut *self.0.borrow_mut();
            let count = if writes { &mut calls.writes } else { &mut calls.reads };
            *count += 1;
            let refused = mode.refusals > 0.0 && random.f64() < mode.refusals;
            let fails = random.f64() < mode.failures;
            let before = mode.latency.mul_f64(random.f64());
            let after = (mode.latency - before).mul_f64(random.f64());
            (before, after, refused, fails, !fails || (writes && random.bool()))
        };
        pass(before).await;
        self.take_turn(writes).await;
        if refused {
            return Err(StoreError::refused("the simulated store has too many requests"));
        }
        let answer = lands.then(|| {
            let mut inner = self.0.borrow_mut();
            inner.end_values();
            effect(&mut inner)
        });
        pass(after).await;
        match answer {
            Some(answer) if !fails => Ok(answer),
            _ => Err(StoreError::unknown("the simulated store failed")),
        }
    }
}

async fn pass(time: Duration) {
    if time.is_zero() {
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(time).await;
    }
}

impl Inner {
    fn put(&mut self, key: &str, value: Option<&[u8]>, lasts: Option<Duration>) {
        assert!(!self.counters.contains_key(key), "a counter's key was written: {key}");
        let now = Instant::now();
        self.ends.remove(key);
        if let Some(lasts) = lasts {
            let end = now + lasts;
            self.ends.insert(key.to_owned(), end);
            self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
        }
        self.push(key, now, value.map(<[u8]>::to_vec));
    }

    fn push(&mut self, key: &str, since: Instant, value: Option<Vec<u8>>) {
        let now = Instant::now();
        let oldest = now.checked_sub(self.mode.stale).unwrap_or(now);
        let versions = self.values.entry(key.to_owned()).or_default();
        versions.push((since, value));
        // The version that was current at `oldest` may still be read.
        let current = versions.iter().rposition(|(since, _)| *since <= oldest).unwrap_or(0);
        versions.drain(..current);
    }

    /// Ends the values whose time is over.
    fn end_values(&mut self) {
        let now = Instant::now();
        if self.first_end.is_none_or(|first| first > now) {
            return;
        }
        let over: Vec<_> = self.ends.extract_if(.., |_, end| *end <= now).collect();
        self.first_end = self.ends.values().min().copied();
        for (key, end) in over {
            self.push(&key, end, None);
        }
    }

    fn assert_no_value(&self, key: &str) {
        let value = self.values.get(key).and_then(|versions| versions.last());
        assert!(value.is_none_or(|last| last.1.is_none()), "a key with a value is counted: {key}");
    }

    fn seen_from(&mut self) -> Instant {
        let now = Instant::now();
        let age = self.mode.stale.mul_f64(self.random.f64());
        now.checked_sub(age).unwrap_or(now)
    }
}
