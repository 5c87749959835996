//! All subscriptions, shared by all instances: a document for each, and what finds them.
//!
//! | document | holds |
//! |---|---|
//! | the directory | how many pages there are, the first topics that have an index, which parts of the list of the others, all prefixes |
//! | a page of ids | up to [`PAGE`] ids, each with the time of its subscription |
//! | a subscription | everything about it |
//! | the index of a topic | the ids of the subscriptions that name it |
//! | a part of the topics' list | the other topics that have an index, divided by a hash |
//!
//! An id is listed before its document is written and until that is gone. The document is
//! written before the index entries, and is nobody's any more before they are removed. So
//! whatever a death leaves is found from the list of ids, and an entry of an index alone
//! means nothing.

mod directory;
mod entries;
mod known;
mod write;

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use self::directory::{Directory, PARTS, part};
pub(super) use self::entries::Entries;
use self::known::Known;
#[cfg(feature = "configuration")]
pub(super) use self::write::check_size;
use super::subscription::{Registered, Subscription};
use crate::error::{ErrorKind, Result};
use crate::host::Host;
use crate::sorted::SortedSet;
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::Shared;

/// The ids of a page.
pub(super) const PAGE: usize = 500;
/// With [`PAGE`], the maximum number of subscriptions of a deployment.
pub(super) const MAX_PAGES: u32 = 40;
/// The maximum number of subscriptions that name one topic: each of its records is sent
/// to all of them.
pub(super) const MAX_PER_TOPIC: usize = 1_000;
/// The maximum number of prefixes: each record is compared with all of them.
const MAX_PREFIXES: usize = 1_000;
/// The maximum number of topics in one part of their list.
const MAX_TOPICS_OF_PART: usize = 4_000;

/// How old a copy of the directory may be for whoever adds to what it names, and between
/// two steps of one task.
const MAX_DIRECTORY_AGE: Duration = Duration::from_secs(2);

/// The numbers of documents that an instance keeps.
const MAX_KNOWN_SUBSCRIPTIONS: usize = 1_000;
const MAX_KNOWN_LISTS: usize = 500;

pub(super) struct Registry<H> {
    host: H,
    directory: Shared<H, Directory>,
    lists: Known<H, Entries>,
    documents: Known<H, Registered>,
}

/// Where in the order of topics a round goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Turn {
    part: u8,
    after: String,
    /// Which topic of the part comes first, if `after` names none: any number.
    entry: u32,
}

impl Turn {
    /// Anywhere; `random` is any number.
    pub(super) fn random(random: u32) -> Self {
        let parts = u32::from(PARTS);
        Self { part: (random % parts) as u8, entry: random / parts, after: String::new() }
    }

    /// Behind this topic.
    pub(super) fn behind(topic: &str) -> Self {
        Self { part: part(topic), after: topic.to_owned(), entry: 0 }
    }
}

impl<H: Host> Registry<H> {
    pub(super) fn new(host: H, params: Params) -> Self {
        Self {
            directory: Shared::new(host.clone(), LaneName::directory(), params),
            lists: Known::new(host.clone(), params, MAX_KNOWN_LISTS),
            documents: Known::new(host.clone(), params, MAX_KNOWN_SUBSCRIPTIONS),
            host,
        }
    }

    /// A subscription, from a copy that is at most about `age` old.
    pub(super) async fn get(&self, id: &str, age: Duration) -> Result<Rc<Subscription>> {
        let found = self.find(id, age).await?.filter(|subscription| subscription.is_live());
        found.ok_or_else(|| ErrorKind::UnknownSubscription(id.into()).into())
    }

    /// The document of an id, whatever its stage.
    pub(super) async fn find(&self, id: &str, age: Duration) -> Result<Option<Rc<Subscription>>> {
        let document = self.document(id)?;
        Ok(recent(&document, age).await?.0.clone())
    }

    /// The ids of the subscriptions that may be to a topic, oldest first. Each has to be
    /// looked up, and may be gone or have left the topic.
    pub(super) async fn of_topic(&self, topic: &str, age: Duration) -> Result<Vec<String>> {
        let directory = recent(&self.directory, age).await?;
        let index = match directory.may_have(topic) {
            true => Some(recent(&*self.topic_index(topic)?, age).await?),
            false => None,
        };
        Ok(ids(&directory, index.as_deref(), topic))
    }

    /// The same of a topic whose place was looked up just now, by [`refresh`](Self::refresh)
    /// or [`topics`](Self::topics).
    pub(super) async fn of_listed(&self, topic: &str) -> Result<Vec<String>> {
        let directory = self.directory.recent(MAX_DIRECTORY_AGE).await?;
        let index = match directory.may_have(topic) {
            true => Some(self.topic_index(topic)?.read().await?),
            false => None,
        };
        Ok(ids(&directory, index.as_deref(), topic))
    }

    /// Reads the directory.
    pub(super) async fn refresh(&self) -> Result<()> {
        self.directory.read().await.map(drop)
    }

    /// The same as `of_topic` if this instance has copies that are at most `age` old. This costs no I/O.
    pub(super) fn known_of_topic(&self, topic: &str, age: Duration) -> Option<Vec<String>> {
        let directory = self.directory.known(age)?;
        let index = match directory.may_have(topic) {
            true => Some(self.topic_index(topic).ok()?.known(age)?),
            false => None,
        };
        Some(ids(&directory, index.as_deref(), topic))
    }

    /// What the index of a topic says: ids, and what stands for their callbacks.
    pub(super) async fn index_of(&self, topic: &str, age: Duration) -> Result<Rc<Entries>> {
        recent(&*self.topic_index(topic)?, age).await
    }

    /// Whether this instance knows that there have been no subscriptions. This costs no I/O.
    pub(super) fn is_known_empty(&self) -> bool {
        self.directory.known(MAX_DIRECTORY_AGE).is_some_and(|directory| directory.pages == 0)
    }

    /// Whether any subscription gives a prefix, in a directory that was read just now.
    pub(super) async fn has_prefixes(&self) -> Result<bool> {
        Ok(self.directory.recent(MAX_DIRECTORY_AGE).await?.has_prefixes())
    }

    /// At most `most` topics that may have subscriptions, in turn, and where the next call
    /// goes on. `others` are topics that exist; those that a prefix matches have their
    /// turns, too. The directory was [read](Self::refresh) just now.
    pub(super) async fn topics(
        &self,
        turn: &Turn,
        most: usize,
        others: &[String],
    ) -> Result<(Vec<String>, Turn)> {
        let directory = self.directory.recent(MAX_DIRECTORY_AGE).await?;
        let (mut topics, mut after) = (Vec::new(), turn.after.clone());
        // The first part twice: behind where the last call ended, and up to there.
        for step in 0..=PARTS {
            if step == PARTS && after.is_empty() {
                break;
            }
            let number = (turn.part + step) % PARTS;
            let mut of_part: SortedSet<String> = match directory.has_part(number) {
                true => self.part(number).read().await?.names().cloned().collect(),
                false => SortedSet::new(),
            };
            let is_here = |topic: &&String| {
                part(topic) == number && directory.matching(topic).next().is_some()
            };
            of_part.extend(others.iter().filter(is_here).cloned());
            let is_of_part = |topic: &&String| part(topic) == number;
            of_part.extend(directory.topics.names().filter(is_of_part).cloned());
            if step == 0 && after.is_empty() {
                let entry = turn.entry as usize % of_part.len().max(1);
                let before = entry.checked_sub(1).and_then(|before| of_part.iter().nth(before));
                after = before.cloned().unwrap_or_default();
            }
            for topic in of_part {
                let is_behind = topic > after;
                if (step == 0 && !is_behind) || (step == PARTS && is_behind) {
                    continue;
                }
                topics.push(topic);
                if topics.len() == most {
                    let next = topics.last().map(|topic| Turn::behind(topic)).unwrap_or_default();
                    return Ok((topics, next));
                }
            }
        }
        Ok((topics, turn.clone()))
    }

    /// The number of pages of ids.
    pub(super) async fn pages(&self, age: Duration) -> Result<u32> {
        Ok(recent(&self.directory, age).await?.pages)
    }

    /// The ids of a page, each with the time of its subscription.
    pub(super) async fn page(&self, page: u32) -> Result<Rc<Entries>> {
        self.ids(page).read().await
    }

    fn document(&self, id: &str) -> Result<Rc<Shared<H, Registered>>> {
        Ok(self.documents.of(LaneName::subscription_document(id)?))
    }

    fn topic_index(&self, topic: &str) -> Result<Rc<Shared<H, Entries>>> {
        Ok(self.lists.of(LaneName::subscriptions_of(topic)?))
    }

    fn part(&self, part: u8) -> Rc<Shared<H, Entries>> {
        self.lists.of(LaneName::subscribed_topics(part))
    }

    fn ids(&self, page: u32) -> Rc<Shared<H, Entries>> {
        self.lists.of(LaneName::subscription_ids(page))
    }
}

fn ids(directory: &Directory, index: Option<&Entries>, topic: &str) -> Vec<String> {
    let mut ids: Vec<String> = index.into_iter().flat_map(Entries::names).cloned().collect();
    for id in directory.matching(topic) {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}

/// The document, from a copy if one is at most about `age` old; with no age, as it is.
async fn recent<H, T>(document: &Shared<H, T>, age: Duration) -> Result<Rc<T>>
where
    H: Host,
    T: serde::Serialize + serde::de::DeserializeOwned + Clone + Default,
{
    match age.is_zero() {
        true => document.read().await,
        false => document.recent(age).await,
    }
}

impl<H> fmt::Debug for Registry<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}
