//! The key-value store that all instances of a world share.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
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
    /// The probability that a lost claim is reported as won.
    pub false_claims: f64,
    /// The probability that an operation fails. Half of the failed writes have
    /// taken effect.
    pub failures: f64,
}

#[derive(Debug, Clone)]
pub(crate) struct SharedStore(Rc<RefCell<Inner>>);

/// The values that a key has had, the latest last.
type Versions = Vec<(Instant, Option<Vec<u8>>)>;

#[derive(Debug)]
struct Inner {
    mode: StoreMode,
    random: fastrand::Rng,
    values: BTreeMap<String, Versions>,
    claims: BTreeSet<String>,
}

impl SharedStore {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            mode: StoreMode::default(),
            random: fastrand::Rng::with_seed(seed),
            values: BTreeMap::new(),
            claims: BTreeSet::new(),
        })))
    }

    pub(crate) fn set_mode(&self, mode: StoreMode) {
        self.0.borrow_mut().mode = mode;
    }

    /// Everything in it, claims without a value.
    pub(crate) fn dump(&self) -> BTreeMap<String, Option<Vec<u8>>> {
        let inner = self.0.borrow();
        let claims = inner.claims.iter().map(|name| (name.clone(), None));
        let values = inner.values.iter().filter_map(|(key, versions)| {
            let value = versions.last()?.1.clone()?;
            Some((key.clone(), Some(value)))
        });
        claims.chain(values).collect()
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.operation(false, |inner| {
            assert!(!inner.claims.contains(key), "a claim key was read: {key}");
            let at = inner.seen_from();
            let versions = inner.values.get(key)?;
            versions.iter().rev().find(|(since, _)| *since <= at)?.1.clone()
        })
        .await
    }

    pub(crate) async fn write(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        self.operation(true, |inner| {
            if value.is_none() && inner.claims.remove(key) {
                return;
            }
            assert!(!inner.claims.contains(key), "a claim key was written: {key}");
            let now = Instant::now();
            let oldest = now.checked_sub(inner.mode.stale).unwrap_or(now);
            let versions = inner.values.entry(key.to_owned()).or_default();
            versions.push((now, value.map(<[u8]>::to_vec)));
            // The version that was current at `oldest` may still be read.
            let current = versions.iter().rposition(|(since, _)| *since <= oldest).unwrap_or(0);
            versions.drain(..current);
        })
        .await
    }

    pub(crate) async fn claim(&self, key: &str) -> Result<bool, StoreError> {
        self.operation(true, |inner| {
            let is_value =
                inner.values.get(key).and_then(|v| v.last()).is_some_and(|v| v.1.is_some());
            assert!(!is_value, "a key with a value was claimed: {key}");
            let won = inner.claims.insert(key.to_owned());
            won || inner.random.f64() < inner.mode.false_claims
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
            let keys = there.map(|(key, _)| key).chain(&inner.claims);
            keys.filter(|key| key.starts_with(prefix)).cloned().collect()
        })
        .await
    }

    async fn operation<T>(
        &self,
        writes: bool,
        effect: impl FnOnce(&mut Inner) -> T,
    ) -> Result<T, StoreError> {
        let (before, after, fails, lands) = {
            let Inner { mode, random, .. } = &mut *self.0.borrow_mut();
            let fails = random.f64() < mode.failures;
            let before = mode.latency.mul_f64(random.f64());
            let after = (mode.latency - before).mul_f64(random.f64());
            (before, after, fails, !fails || (writes && random.bool()))
        };
        pass(before).await;
        let answer = lands.then(|| effect(&mut self.0.borrow_mut()));
        pass(after).await;
        match answer {
            Some(answer) if !fails => Ok(answer),
            _ => Err(StoreError("the simulated store failed".into())),
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
    fn seen_from(&mut self) -> Instant {
        let now = Instant::now();
        let age = self.mode.stale.mul_f64(self.random.f64());
        now.checked_sub(age).unwrap_or(now)
    }
}
