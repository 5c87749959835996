//! What came to a source, and why it was refused: kept without a write for each
//! event.
//!
//! An instance counts in memory, and adds its counts to a document that all instances
//! share at most once in [`INTERVAL`]. They do not take turns for it: two that write at
//! the same moment lose one of their counts, and so does an instance that ends. A write
//! that fails loses them, too, because it may have been stored. The counts are lower
//! bounds, and the last refusals are some of the last ones.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::inbound::{Inbound, Refused, Taken};
use crate::error::{Error, Result};
use crate::host::{AfterAnswer, Host, Millis};
use crate::sorted::SortedMap;
use crate::state::keys::{self, Key};
use crate::state::stored::stored;
use crate::state::{get, set};

const INTERVAL: Duration = Duration::from_secs(10);
const MAX_REFUSALS: usize = 20;
const MAX_HEADER_NAMES: usize = 40;
/// Anyone may send names of any length, and they are stored.
const MAX_NAME_CHARS: usize = 64;
/// How many sources an instance counts for.
const MAX_SOURCES: usize = 200;

/// What is known of the events of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Statistics {
    /// By what became of them: `accepted`, `repeats`, `filtered`, `dead-lettered`, and
    /// `failed` or `unknown` if Kafka did not take them or may have.
    #[serde(rename = "n", default)]
    pub counts: SortedMap<String, u64>,
    /// Refused ones, by stage and reason, such as `verify/mismatch`.
    #[serde(rename = "r", default)]
    pub refused: SortedMap<String, u64>,
    #[serde(rename = "s", default)]
    pub last_seen: Option<Millis>,
    /// The newest last.
    #[serde(rename = "l", default)]
    pub refusals: Vec<Refusal>,
    /// When this was last written.
    #[serde(rename = "w", default)]
    written: Millis,
}

stored!(Statistics, "the statistics of a source");

/// A request that was refused. It holds no values of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    #[serde(rename = "t")]
    pub time: Millis,
    #[serde(rename = "s")]
    pub stage: String,
    #[serde(rename = "r")]
    pub reason: String,
    #[serde(rename = "h")]
    pub header_names: Vec<String>,
}

impl Statistics {
    fn add(&mut self, other: &Self) {
        for (mine, theirs) in
            [(&mut self.counts, &other.counts), (&mut self.refused, &other.refused)]
        {
            for (name, count) in theirs {
                *mine.get_or_default(name.clone()) += count;
            }
        }
        self.last_seen = self.last_seen.max(other.last_seen);
        self.refusals.extend(other.refusals.iter().cloned());
        let too_many = self.refusals.len().saturating_sub(MAX_REFUSALS);
        self.refusals.drain(..too_many);
    }
}

/// What this instance has counted and not written yet.
#[derive(Default)]
struct Own {
    counted: Statistics,
    /// Somebody writes, or will.
    writing: bool,
    written: Option<Duration>,
}

pub(super) struct Counting<H> {
    host: H,
    own: Rc<RefCell<SortedMap<String, Own>>>,
}

impl<H: Host> Counting<H> {
    pub(super) fn new(host: H) -> Self {
        Self { host, own: Rc::default() }
    }

    /// An event that came at this time.
    pub(super) async fn taken(&self, source: &str, taken: &Taken, came: Millis) {
        self.became(source, taken.kind(), came);
        self.write_soon(source, false).await;
    }

    /// An event whose records are not all in Kafka, as far as is known.
    pub(super) async fn not_written(&self, source: &str, error: &Error) {
        let became = if error.is_unknown_outcome() { "unknown" } else { "failed" };
        self.became(source, became, self.host.now());
        self.write_soon(source, true).await;
    }

    fn became(&self, source: &str, kind: &str, now: Millis) {
        self.count(source, |counted| {
            match counted.counts.get_mut(kind) {
                Some(count) => *count += 1,
                None => *counted.counts.get_or_default(kind.to_owned()) = 1,
            }
            counted.last_seen = counted.last_seen.max(Some(now));
        });
    }

    pub(super) async fn refused(&self, source: &str, request: &Inbound<'_>, refused: &Refused) {
        let time = self.host.now();
        let (stage, reason) = (refused.stage.name(), refused.reason);
        let short =
            |name: &String| name.to_ascii_lowercase().chars().take(MAX_NAME_CHARS).collect();
        let names = request.headers.iter().map(|(name, _)| short(name));
        let refusal = Refusal {
            time,
            stage: stage.into(),
            reason: reason.into(),
            header_names: names.take(MAX_HEADER_NAMES).collect(),
        };
        self.count(source, |counted| {
            *counted.refused.get_or_default(format!("{stage}/{reason}")) += 1;
            counted.add(&Statistics { refusals: vec![refusal.clone()], ..Statistics::default() });
            counted.last_seen = Some(time);
        });
        self.write_soon(source, true).await;
    }

    /// What is stored, and what this instance has counted since.
    pub(super) async fn of(&self, source: &str) -> Result<Statistics> {
        let mut all = self.stored(source).await?;
        if let Some(own) = self.own.borrow().get(source) {
            all.add(&own.counted);
        }
        Ok(all)
    }

    /// What is stored: the same for every instance.
    pub(super) async fn stored(&self, source: &str) -> Result<Statistics> {
        Ok(get(&self.host, &key(source)?).await?.unwrap_or_default())
    }

    /// Forgets a source that is deleted.
    pub(super) async fn forget(&self, source: &str) {
        self.own.borrow_mut().remove(source);
        if let Ok(key) = key(source) {
            _ = crate::state::delete(&self.host, &key).await;
        }
    }

    fn count(&self, source: &str, add: impl FnOnce(&mut Statistics)) {
        let mut own = self.own.borrow_mut();
        if !own.contains_key(source) && own.len() < MAX_SOURCES {
            own.insert(source.to_owned(), Own::default());
        }
        if let Some(own) = own.get_mut(source) {
            add(&mut own.counted);
        }
    }

    /// Writes beside the answer, and once more when the interval is over. On a host that
    /// ends everything with the answer, only refusals and failures are worth the time.
    async fn write_soon(&self, source: &str, is_worth_time: bool) {
        let due_in = {
            let mut own = self.own.borrow_mut();
            let Some(own) = own.get_mut(source).filter(|own| !own.writing) else { return };
            let now = self.host.monotonic();
            let due = own.written.map_or(now, |at| at + INTERVAL);
            own.writing = true;
            due.saturating_sub(now)
        };
        let (host, own, source) = (self.host.clone(), self.own.clone(), source.to_owned());
        match self.host.capabilities().after_answer {
            AfterAnswer::GoesOn(_) => self.host.spawn(async move {
                host.sleep(due_in).await;
                write(&host, &own, &source).await;
            }),
            AfterAnswer::Ends if is_worth_time && due_in.is_zero() => {
                write(&host, &own, &source).await;
            }
            AfterAnswer::Ends => {
                if let Some(own) = own.borrow_mut().get_mut(&source) {
                    own.writing = false;
                }
            }
        }
    }
}

async fn write<H: Host>(host: &H, all: &RefCell<SortedMap<String, Own>>, source: &str) {
    let written = try_write(host, all, source).await;
    let mut all = all.borrow_mut();
    let Some(own) = all.get_mut(source) else { return };
    own.writing = false;
    own.written = Some(host.monotonic());
    if let Ok(Some(counted)) = written {
        // What came in the meantime stays for the next time.
        own.counted.subtract(&counted);
    }
}

/// What was written of this instance's counts, or may have been; `None` if another instance has written
/// within the interval.
async fn try_write<H: Host>(
    host: &H,
    all: &RefCell<SortedMap<String, Own>>,
    source: &str,
) -> Result<Option<Statistics>> {
    let key = key(source)?;
    let mut document = get(host, &key).await?.unwrap_or_default();
    let age = host.now().saturating_sub(document.written);
    let interval = Millis::try_from(INTERVAL.as_millis()).unwrap_or(Millis::MAX);
    if (0..interval).contains(&age) && document.written != 0 {
        return Ok(None);
    }
    let counted = match all.borrow().get(source) {
        Some(own) => own.counted.clone(),
        None => return Ok(None),
    };
    document.add(&counted);
    document.written = host.now();
    _ = set(host, &key, &document).await;
    Ok(Some(counted))
}

impl Statistics {
    fn subtract(&mut self, written: &Self) {
        for (mine, theirs) in
            [(&mut self.counts, &written.counts), (&mut self.refused, &written.refused)]
        {
            for (name, count) in theirs {
                if let Some(mine) = mine.get_mut(name) {
                    *mine = mine.saturating_sub(*count);
                }
            }
            mine.retain(|_, count| *count > 0);
        }
        self.refusals.retain(|refusal| !written.refusals.contains(refusal));
    }
}

fn key(source: &str) -> Result<Key<Statistics>> {
    keys::source_statistics(source)
}

impl<H> fmt::Debug for Counting<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counting").finish_non_exhaustive()
    }
}
