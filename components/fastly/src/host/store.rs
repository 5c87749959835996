//! The key-value store, over Fastly's KV Store.
//!
//! It has no counter but an insert on condition: that a key is absent (Add), or that it is
//! of the generation that a lookup has shown. A key that is absent is created with Add and
//! never by a generation, because Fastly's local server lets any generation match it
//! (Viceroy 0.22.0, `reference/fastly.md`).

use std::cell::OnceCell;
use std::fmt;
use std::time::Duration;

use fastly::KVStore;
use fastly::kv_store::{InsertMode, KVStoreError};

use super::FastlyHost;
use crate::count::Count;
use crate::executor;
use crate::handles::Handle;
use crate::names::{counter, from_fastly, to_fastly};
use kafka_edge::host::{Clock, Millis, Store, StoreCapabilities, StoreError};

const STORE: &str = "kafka-edge-state";

/// A draw that others were faster at is made again, so often.
const TRIES: u32 = 20;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Fastly's documentation gives 100 keys for a page.
const PAGE: u32 = 100;

#[derive(Default)]
pub(super) struct Opened(OnceCell<KVStore>);

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened")
    }
}

impl Opened {
    fn store(&self) -> Result<&KVStore, StoreError> {
        if let Some(store) = self.0.get() {
            return Ok(store);
        }
        let missing = || StoreError::refused(format!("the service has no KV store {STORE}"));
        let store = KVStore::open(STORE).map_err(|_| missing())?.ok_or_else(missing)?;
        Ok(self.0.get_or_init(|| store))
    }

    async fn look(&self, key: &str) -> Result<Option<Found>, StoreError> {
        let store = self.store()?;
        let pending = store.build_lookup().execute_async(key).map_err(failed)?;
        executor::ready(Handle(pending.as_u32())).await;
        match store.pending_lookup_wait(pending) {
            Ok(mut found) => {
                let generation = found.current_generation();
                let ends =
                    found.metadata().and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
                Ok(Some(Found { value: found.take_body_bytes(), generation, ends }))
            }
            Err(KVStoreError::ItemNotFound) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Returns whether the condition held; [`On::Nothing`] always does.
    async fn insert(&self, key: &str, value: &[u8], on: On) -> Result<bool, StoreError> {
        self.insert_for(key, value, on, None).await
    }

    /// The same for a value that has an end.
    async fn insert_for(
        &self,
        key: &str,
        value: &[u8],
        on: On,
        end: Option<End>,
    ) -> Result<bool, StoreError> {
        let store = self.store()?;
        let mut insert = match on {
            On::Nothing => store.build_insert(),
            On::Absence => store.build_insert().mode(InsertMode::Add),
            On::Generation(generation) => store.build_insert().if_generation_match(generation),
        };
        if let Some(End { at, lasts }) = end {
            // Whole seconds, cut: what is removed too early would be forgotten too early.
            let lasts = Duration::from_secs(lasts.as_secs() + 1);
            insert = insert.metadata(&at.to_string()).time_to_live(lasts);
        }
        let pending = insert.execute_async(key, value).map_err(failed)?;
        executor::ready(Handle(pending.as_u32())).await;
        match store.pending_insert_wait(pending) {
            Ok(()) => Ok(true),
            Err(KVStoreError::ItemPreconditionFailed) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

/// What a key holds.
struct Found {
    value: Vec<u8>,
    generation: u64,
    /// When it ends. Fastly removes it up to 24 hours after that.
    ends: Option<Millis>,
}

impl Found {
    fn is_over(&self, now: Millis) -> bool {
        self.ends.is_some_and(|end| end <= now)
    }
}

/// When a value ends.
#[derive(Debug, Clone, Copy)]
struct End {
    at: Millis,
    lasts: Duration,
}

impl End {
    fn after(now: Millis, lasts: Duration) -> Self {
        let millis = Millis::try_from(lasts.as_millis()).unwrap_or(Millis::MAX);
        Self { at: now.saturating_add(millis), lasts }
    }
}

/// The condition of an insert.
#[derive(Debug, Clone, Copy)]
enum On {
    Nothing,
    Absence,
    Generation(u64),
}

impl Store for FastlyHost {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.store.look(&to_fastly(key)).await?;
        Ok(found.filter(|found| !found.is_over(self.now())).map(|found| found.value))
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.store.insert(&to_fastly(key), value, On::Nothing).await.map(drop)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let store = self.store.store()?;
        let pending = store.build_delete().execute_async(&to_fastly(key)).map_err(failed)?;
        executor::ready(Handle(pending.as_u32())).await;
        match store.pending_delete_wait(pending) {
            Ok(()) | Err(KVStoreError::ItemNotFound) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    async fn increment(&self, key: &str, n: u64) -> Result<u64, StoreError> {
        let key = counter(key);
        let mut writer = [0; 16];
        self.random(&mut writer);
        let writer = u128::from_ne_bytes(writer);
        let mut pause = FIRST_PAUSE;
        for _ in 0..TRIES {
            let (before, on) = match self.store.look(&key).await? {
                None => (0, On::Absence),
                Some(Found { value, generation, .. }) => {
                    (parse(&value)?.number, On::Generation(generation))
                }
            };
            if n == 0 {
                return Ok(before);
            }
            let too_large = || StoreError::refused("the counter is at its end");
            let number = before.checked_add(n).ok_or_else(too_large)?;
            let drawn = Count { number, writer };
            match self.store.insert(&key, drawn.text().as_bytes(), on).await {
                Ok(true) => return Ok(number),
                // Somebody was faster, or the look was stale.
                Ok(false) => {}
                // Whether it was stored shows the writer.
                Err(error) => match self.store.look(&key).await {
                    Ok(Some(found)) if parse(&found.value)?.writer == writer => {
                        return Ok(number);
                    }
                    _ => return Err(error),
                },
            }
            let mut spread = [0; 1];
            self.random(&mut spread);
            self.sleep(pause.mul_f64(0.5 + f64::from(spread[0]) / 512.0)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        // Each failure was certain: nothing was drawn.
        Err(StoreError::refused("others changed the counter again and again"))
    }

    async fn counter(&self, key: &str) -> Result<u64, StoreError> {
        match self.store.look(&counter(key)).await? {
            Some(found) => parse(&found.value).map(|count| count.number),
            None => Ok(0),
        }
    }

    /// The counters are not among them: they are never deleted.
    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let store = self.store.store()?;
        let (mut found, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let prefix = to_fastly(prefix);
            let list = store.build_list().prefix(&prefix).limit(PAGE);
            let list = match &cursor {
                Some(cursor) => list.cursor(cursor),
                None => list,
            };
            let pending = list.execute_async().map_err(failed)?;
            executor::ready(Handle(pending.as_u32())).await;
            let page = store.pending_list_wait(pending).map_err(failed)?;
            cursor = page.next_cursor();
            found.extend(page.into_keys().iter().map(|key| from_fastly(key)));
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }

    async fn store_capabilities(&self) -> Result<StoreCapabilities, StoreError> {
        Ok(StoreCapabilities { creates: true })
    }

    async fn create(
        &self,
        key: &str,
        value: &[u8],
        lasts: Duration,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = to_fastly(key);
        for _ in 0..TRIES {
            let end = Some(End::after(self.now(), lasts));
            if self.store.insert_for(&key, value, On::Absence, end).await? {
                return Ok(None);
            }
            match self.store.look(&key).await? {
                // Had Fastly removed it since the look, no generation would match; its local
                // server takes any.
                Some(found) if found.is_over(self.now()) => {
                    let on = On::Generation(found.generation);
                    if self.store.insert_for(&key, value, on, end).await? {
                        return Ok(None);
                    }
                }
                Some(found) => return Ok(Some(found.value)),
                // It was removed meanwhile, or the look was stale.
                None => self.sleep(FIRST_PAUSE).await,
            }
        }
        Err(StoreError::refused("others changed the key again and again"))
    }

    async fn set_for(&self, key: &str, value: &[u8], lasts: Duration) -> Result<(), StoreError> {
        let end = Some(End::after(self.now(), lasts));
        self.store.insert_for(&to_fastly(key), value, On::Nothing, end).await.map(drop)
    }
}

fn parse(value: &[u8]) -> Result<Count, StoreError> {
    let malformed = || StoreError::unknown("the value of a counter's key is no number");
    Count::parse(value).ok_or_else(malformed)
}

/// What never left for the store is refused; everything else may have had an effect.
fn failed(error: KVStoreError) -> StoreError {
    match error {
        KVStoreError::InvalidKey
        | KVStoreError::InvalidStoreHandle
        | KVStoreError::InvalidStoreOptions
        | KVStoreError::StoreNotFound(_) => StoreError::refused(error.to_string()),
        KVStoreError::ItemBadRequest | KVStoreError::ItemPayloadTooLarge => {
            StoreError::unknown(error.to_string())
        }
        // Whether a call beyond the limit was made is not documented.
        KVStoreError::TooManyRequests => StoreError::unknown("too many requests"),
        _ => StoreError::unknown("the KV store failed"),
    }
}
