//! The writes of which changes to the registry consist. Each may be repeated.

use std::rc::Rc;

use super::directory::{MAX_TOPICS, part};
use super::{
    Directory, Entries, MAX_DIRECTORY_AGE, MAX_PAGES, MAX_PER_TOPIC, MAX_PREFIXES,
    MAX_TOPICS_OF_PART, PAGE, Registry, recent,
};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Millis};
use crate::services::subscriptions::subscription::{
    MAX_SUBSCRIPTION_BYTES, Registered, Subscription,
};
use crate::state::delete_all;
use crate::state::keys::{LaneName, Prefix};
use crate::state::shared::Shared;

/// A change that also tells something.
type Edit<'a, T> = &'a dyn Fn(&mut T) -> Result<bool>;

/// The note of a topic whose index was seen empty.
const EMPTY: &str = "-";

impl<H: Host> Registry<H> {
    /// Changes the directory. What is generic is there once for each function that it is
    /// used with; so this one takes any.
    async fn change_directory(&self, edit: Edit<'_, Directory>) -> Result<bool> {
        self.directory.change(edit).await
    }

    async fn change_list(
        &self,
        list: &Shared<H, Entries>,
        edit: Edit<'_, Entries>,
    ) -> Result<bool> {
        list.change(edit).await
    }

    /// Puts an id on a page that has room: the last one, else a new one, else any.
    pub(in crate::services::subscriptions) async fn enlist(
        &self,
        id: &str,
        created: Millis,
    ) -> Result<u32> {
        let pages = recent(&self.directory, MAX_DIRECTORY_AGE).await?.pages;
        let last = pages.saturating_sub(1);
        let others = (pages.max(1)..MAX_PAGES).take(1).chain(0..last);
        for page in std::iter::once(last).chain(others) {
            if page >= pages {
                let add = |directory: &mut Directory| {
                    directory.pages = directory.pages.max(page + 1);
                    Ok(true)
                };
                self.change_directory(&add).await?;
            }
            let ids = self.ids(page);
            if ids.read().await?.len() >= PAGE {
                continue;
            }
            let enlist = |ids: &mut Entries| {
                let has_room = ids.len() < PAGE || ids.note(id).is_some();
                if has_room {
                    ids.put(id, &created.to_string());
                }
                Ok(has_room)
            };
            if self.change_list(&ids, &enlist).await? {
                return Ok(page);
            }
        }
        let most = PAGE * MAX_PAGES as usize;
        Err(ErrorKind::LimitReached(format!("There are {most} webhooks already")).into())
    }

    pub(in crate::services::subscriptions) async fn delist(
        &self,
        page: u32,
        gone: &[&str],
    ) -> Result<()> {
        let delist = |ids: &mut Entries| {
            gone.iter().for_each(|id| ids.remove(id));
            Ok(true)
        };
        self.change_list(&self.ids(page), &delist).await.map(drop)
    }

    /// Writes the document of a new subscription.
    pub(in crate::services::subscriptions) async fn write(
        &self,
        new: &Rc<Subscription>,
    ) -> Result<()> {
        check_size(new)?;
        // An earlier write of the same may have been stored.
        let write = |registered: &mut Registered| match &registered.0 {
            Some(known) if known != new => {
                Err(ErrorKind::NameTaken("There is a webhook of this id already".into()).into())
            }
            _ => {
                *registered = Registered(Some(new.clone()));
                Ok(())
            }
        };
        self.document(&new.id)?.change(write).await
    }

    /// Changes a subscription. `edit` gets the latest one, and may be called again, even
    /// if its earlier change may have been stored. If it fails, nothing is changed.
    pub(in crate::services::subscriptions) async fn change(
        &self,
        id: &str,
        edit: &dyn Fn(&mut Subscription) -> Result<()>,
    ) -> Result<Rc<Subscription>> {
        let unknown = || Error::from(ErrorKind::UnknownSubscription(id.into()));
        let document = self.document(id)?;
        // Nothing is drawn for an id that is not there: its keys would stay.
        recent(&document, MAX_DIRECTORY_AGE).await?.0.as_ref().ok_or_else(unknown)?;
        let change = |registered: &mut Registered| {
            let before = registered.0.as_ref().ok_or_else(unknown)?;
            let mut next = Subscription::clone(before);
            edit(&mut next)?;
            if next != **before {
                next.version += 1;
                check_size(&next)?;
                registered.0 = Some(Rc::new(next));
            }
            registered.0.clone().ok_or_else(unknown)
        };
        document.change(change).await
    }

    /// Deletes everything that the store holds of a subscription, but for lists.
    pub(in crate::services::subscriptions) async fn forget(&self, id: &str) -> Result<()> {
        delete_all(&self.host, &Prefix::subscription(id)?).await?;
        self.documents.forget(&LaneName::subscription_document(id)?);
        Ok(())
    }

    /// Puts a subscription into the index of a topic, unless another one is there for the
    /// same callback, whose id is returned. Those that are `nobody` do not count.
    pub(in crate::services::subscriptions) async fn index(
        &self,
        topic: &str,
        id: &str,
        twin: &str,
        nobody: &[String],
    ) -> Result<Option<String>> {
        let index = self.topic_index(topic)?;
        let add = |entries: &mut Entries| {
            let is_twin = |(known, note): &(&str, &str)| {
                let is_nobody = || nobody.iter().any(|nobody| nobody == known);
                !twin.is_empty() && *note == twin && *known != id && !is_nobody()
            };
            if let Some((other, _)) = entries.iter().find(is_twin) {
                return Ok(Some(other.to_owned()));
            }
            if entries.note(id).is_none() && entries.len() >= MAX_PER_TOPIC {
                return Err(ErrorKind::LimitReached(format!(
                    "The topic has {MAX_PER_TOPIC} webhooks already"
                ))
                .into());
            }
            entries.put(id, twin);
            Ok(None)
        };
        let other = index.change(add).await?;
        if other.is_none() {
            self.list_topic(topic).await?;
        }
        Ok(other)
    }

    /// Sees to it that a topic with an index is found: by the directory while that has room,
    /// else by a part of the list.
    async fn list_topic(&self, topic: &str) -> Result<()> {
        let number = part(topic);
        let list = self.part(number);
        let directory = self.directory.read().await?;
        if directory.topics.note(topic) == Some("") {
            return Ok(());
        }
        if directory.has_part(number) && list.read().await?.note(topic) == Some("") {
            return Ok(());
        }
        let name = |directory: &mut Directory| {
            let topics = &mut directory.topics;
            let has_room = topics.len() < MAX_TOPICS || topics.note(topic).is_some();
            if has_room {
                topics.put(topic, "");
            } else {
                directory.add_part(number);
            }
            Ok(has_room)
        };
        let is_named = match directory.topics.len() < MAX_TOPICS
            || directory.topics.note(topic).is_some()
            || !directory.has_part(number)
        {
            true => self.change_directory(&name).await?,
            false => false,
        };
        if is_named {
            return Ok(());
        }
        let add = |topics: &mut Entries| {
            if topics.note(topic).is_none() && topics.len() >= MAX_TOPICS_OF_PART {
                return Err(ErrorKind::LimitReached("Too many topics have webhooks".into()).into());
            }
            topics.put(topic, "");
            Ok(true)
        };
        self.change_list(&list, &add).await.map(drop)
    }

    /// Changes the lists in which a topic is.
    async fn relist(&self, topic: &str, edit: &dyn Fn(&mut Entries)) -> Result<()> {
        let directory = self.directory.read().await?;
        if directory.topics.note(topic).is_some() {
            let edit = |directory: &mut Directory| {
                edit(&mut directory.topics);
                Ok(true)
            };
            self.change_directory(&edit).await?;
        }
        let list = self.part(part(topic));
        if directory.has_part(part(topic)) && list.read().await?.note(topic).is_some() {
            let edit = |topics: &mut Entries| {
                edit(topics);
                Ok(true)
            };
            self.change_list(&list, &edit).await?;
        }
        Ok(())
    }

    /// Takes a subscription out of the index of a topic.
    pub(in crate::services::subscriptions) async fn unindex(
        &self,
        topic: &str,
        id: &str,
    ) -> Result<()> {
        let index = self.topic_index(topic)?;
        if index.read().await?.note(id).is_none() {
            return Ok(());
        }
        let remove = |entries: &mut Entries| {
            entries.remove(id);
            Ok(entries.is_empty())
        };
        if !self.change_list(&index, &remove).await? {
            return Ok(());
        }
        // A subscription that comes meanwhile is in the index first, and takes the mark
        // away after that. So a topic that still has it after a look is really empty.
        let mark = |topics: &mut Entries| {
            if topics.note(topic).is_some() {
                topics.put(topic, EMPTY);
            }
        };
        self.relist(topic, &mark).await?;
        if index.read().await?.is_empty() {
            let unlist = |topics: &mut Entries| {
                if topics.note(topic) == Some(EMPTY) {
                    topics.remove(topic);
                }
            };
            self.relist(topic, &unlist).await?;
        }
        Ok(())
    }

    /// Makes these the prefixes of a subscription.
    pub(in crate::services::subscriptions) async fn set_prefixes(
        &self,
        id: &str,
        prefixes: &[&str],
    ) -> Result<()> {
        let of = || prefixes.iter().copied();
        if self.directory.read().await?.are_prefixes(id, of()) {
            return Ok(());
        }
        let set = |directory: &mut Directory| {
            let mut next = directory.clone();
            next.set_prefixes(id, of());
            if next.prefix_count() > MAX_PREFIXES && !prefixes.is_empty() {
                return Err(ErrorKind::LimitReached(format!(
                    "There are {MAX_PREFIXES} prefixes of topics already"
                ))
                .into());
            }
            *directory = next;
            Ok(true)
        };
        self.change_directory(&set).await.map(drop)
    }
}

pub(in crate::services::subscriptions) fn check_size(subscription: &Subscription) -> Result<()> {
    let size = serde_json::to_vec(subscription).map_or(usize::MAX, |text| text.len());
    if size <= MAX_SUBSCRIPTION_BYTES {
        return Ok(());
    }
    let sentence = format!("The webhook is larger than {MAX_SUBSCRIPTION_BYTES} bytes");
    Err(ErrorKind::Unprocessable { field: "body".into(), sentence }.into())
}
