//! Webhooks in: named inbound endpoints. Each one says who may send, and what is done
//! with an event before it is a record.
//!
//! A request passes the stages of [`inbound::Stage`] in order. Its signature is checked
//! over the bytes of the body before anything of the body is parsed.

mod admission;
pub(in crate::services) mod cloud_events;
mod decide;
mod figures;
mod inbound;
#[cfg(feature = "jwt")]
mod keys;
mod list;
mod masking;
#[cfg(feature = "configuration")]
mod portable;
mod prepared;
pub(in crate::services) mod programs;
mod ready;
mod receive;
mod registry;
#[cfg(feature = "destinations")]
mod several;
mod shares;
mod source;
mod statistics;
mod trial;
mod whole_request;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use serde_json::Value;

pub use self::decide::Step;
pub use self::figures::SourceFigures;
pub use self::inbound::{Inbound, Received, Refused, Stage, Taken, Written};
use self::list::SourceList;
pub use self::list::{MAX_SOURCE_BYTES, MAX_SOURCES, StoredSource};
pub use self::prepared::{MAX_EVENT_BYTES, Prepared};
use self::prepared::{Rules, invalid, owner};
use self::ready::Ready;
pub use self::receive::NotTaken;
#[cfg(feature = "destinations")]
pub use self::several::TargetState;
pub use self::source::{Answer, GATEWAY, Source, Target};
use self::statistics::Counting;
pub use self::statistics::{Refusal, Statistics};
pub use self::trial::{Trial, TrialEvent, TrialOutcome};
use crate::access::{AccessError, Denial, Grant, Missing, Permission, TopicPattern};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{AfterAnswer, Host, Millis};
use crate::kafka::Log;
use crate::merge_patch;
use crate::random;
use crate::secrets::{SecretKeys, StoredSecret};
pub use crate::services::condition::Condition;
#[cfg(feature = "destinations")]
use crate::services::destinations::Destinations;
use crate::services::produce::Producer;
use crate::services::schema_registry::SchemaRegistry;
use crate::services::seen::Seen;
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::{MAX_LIST_AGE, MAX_LIST_AGE_TO_REFUSE, Shared};
use crate::telemetry::{Change, report_change};

/// What events call a source.
const KIND: &str = "source";

/// A source as callers see it, with its secrets masked.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceView {
    pub source: Source,
    pub created: Millis,
    pub tag: String,
    /// The key of one of its secrets is not there any more.
    pub secret_gone: bool,
}

/// The answer to a PUT.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    pub view: SourceView,
    pub is_new: bool,
}

/// The sources as one instance works on them.
pub struct Sources<H: Host, L> {
    host: H,
    keys: SecretKeys,
    rules: Rules,
    public_url: Option<String>,
    list: Shared<H, SourceList>,
    ready: RefCell<Ready>,
    seen: Rc<Seen<H>>,
    producer: Rc<Producer<H, L>>,
    schema_registry: Rc<SchemaRegistry<H>>,
    #[cfg(feature = "destinations")]
    destinations: Rc<Destinations<H, L>>,
    counting: Counting<H>,
}

/// What the sources need beside the host.
#[derive(Debug)]
pub struct Parts<H: Host, L> {
    pub keys: SecretKeys,
    pub allow_private: bool,
    pub public_url: Option<String>,
    pub has_schema_registry: bool,
    pub seen: Rc<Seen<H>>,
    pub producer: Rc<Producer<H, L>>,
    pub schema_registry: Rc<SchemaRegistry<H>>,
    #[cfg(feature = "destinations")]
    pub destinations: Rc<Destinations<H, L>>,
}

impl<H: Host, L: Log> Sources<H, L> {
    pub fn new(host: H, parts: Parts<H, L>, params: Params) -> Self {
        let capabilities = host.capabilities();
        let rules = Rules {
            #[cfg(feature = "jwt")]
            allow_private: parts.allow_private,
            public_url: parts.public_url.is_some(),
            schema_registry: parts.has_schema_registry,
            after_answer: capabilities.after_answer != AfterAnswer::Ends,
            client_address: capabilities.client_address,
        };
        Self {
            list: Shared::new(host.clone(), LaneName::sources(), params),
            counting: Counting::new(host.clone()),
            host,
            keys: parts.keys,
            rules,
            public_url: parts.public_url,
            ready: RefCell::default(),
            seen: parts.seen,
            producer: parts.producer,
            schema_registry: parts.schema_registry,
            #[cfg(feature = "destinations")]
            destinations: parts.destinations,
        }
    }

    /// Creates a source; its name must be new.
    pub async fn create(&self, json: &[u8], grant: &Grant) -> Result<SourceView, AccessError> {
        let source = self.read(json)?;
        self.check_targets(&source, &|_| None).await?;
        let stored = self.admit(source, None, grant)?;
        if self.list.read().await?.get(stored.source.name.as_str()).is_ok() {
            return Err(taken().into());
        }
        // A first write that seemed to fail may have been stored.
        self.list
            .change(|list| match list.get(stored.source.name.as_str()) {
                Ok(known) if *known == stored => Ok(()),
                Ok(_) => Err(taken()),
                Err(_) => list.put(&stored),
            })
            .await?;
        self.report(None, &stored);
        Ok(self.view(&stored))
    }

    /// Creates a source, or replaces the one of this name.
    pub async fn put(
        &self,
        name: &str,
        json: &[u8],
        condition: Condition<'_>,
        grant: &Grant,
    ) -> Result<Put, AccessError> {
        let mut json: Value =
            kafka_edge_json::from_slice(json).map_err(|error| malformed(&error))?;
        name_if_missing(&mut json, name);
        let source = Source::given(json)?;
        if source.name.as_str() != name {
            return Err(Error::invalid("name", "The name is not that in the path").into());
        }
        self.replace(name, condition, grant, &|_| Ok(source.clone())).await
    }

    /// Changes a source by JSON Merge Patch (RFC 7396).
    pub async fn patch(
        &self,
        name: &str,
        patch: &[u8],
        condition: Condition<'_>,
        grant: &Grant,
    ) -> Result<SourceView, AccessError> {
        let patch: Value = kafka_edge_json::from_slice(patch).map_err(|error| malformed(&error))?;
        let make = |before: Option<&StoredSource>| {
            let before = before.ok_or_else(|| ErrorKind::UnknownSource(name.to_owned()))?;
            let masked = masking::masked(&before.source);
            let mut json = masked.to_value();
            merge_patch::apply(&mut json, patch.clone());
            let source = Source::given(json)?;
            if source.name.as_str() != name {
                return Err(Error::invalid("name", "A source cannot be given another name"));
            }
            Ok(source)
        };
        Ok(self.replace(name, condition, grant, &make).await?.view)
    }

    async fn replace(
        &self,
        name: &str,
        condition: Condition<'_>,
        grant: &Grant,
        make: &dyn Fn(Option<&StoredSource>) -> Result<Source>,
    ) -> Result<Put, AccessError> {
        // What will be refused takes no turn at the list.
        let list = self.list.read().await?;
        let before = list.get(name).ok();
        check(condition, before)?;
        before.map_or(Ok(()), |before| self.may_change(&before.source, grant))?;
        let source = make(before)?;
        self.check_targets(&source, &|_| None).await?;
        let admitted = self.admit(source, before, grant)?;
        // Making a source ready is the dear part, and is done again only if somebody else
        // has changed the source since.
        let admitted = RefCell::new((before.cloned(), admitted));
        let denied = RefCell::new(None);
        let made = RefCell::new(None::<(StoredSource, bool)>);
        let changed = self.list.change(|list| {
            let before = list.get(name).ok().cloned();
            if let Some((stored, _)) = &*made.borrow()
                && before.as_ref() == Some(stored)
            {
                // An earlier write of the same change has been stored.
                return Ok(());
            }
            check(condition, before.as_ref())?;
            if let Some(before) = &before
                && let Err(error) = self.may_change(&before.source, grant)
            {
                return Err(keep(&denied, error));
            }
            let mut admitted = admitted.borrow_mut();
            if admitted.0 != before {
                let again = self.admit(make(before.as_ref())?, before.as_ref(), grant);
                *admitted = (before, again.map_err(|error| keep(&denied, error))?);
            }
            let (before, stored) = &*admitted;
            list.put(stored)?;
            *made.borrow_mut() = Some((stored.clone(), before.is_none()));
            Ok(())
        });
        let changed = changed.await;
        if let Some(denial) = denied.into_inner() {
            return Err(denial.into());
        }
        changed?;
        let made = made.into_inner();
        let (stored, is_new) = made.ok_or_else(|| ErrorKind::UnknownSource(name.to_owned()))?;
        self.report(admitted.borrow().0.as_ref(), &stored);
        Ok(Put { view: self.view(&stored), is_new })
    }

    /// The sources all of whose topics the caller may use, oldest first.
    pub async fn list(&self, grant: &Grant) -> Result<Vec<SourceView>> {
        let list = self.list.read().await?;
        let mine = list.iter().filter(|stored| self.may_change(&stored.source, grant).is_ok());
        Ok(mine.map(|stored| self.view(stored)).collect())
    }

    /// What came to a source.
    pub fn statistics(&self, source: &SourceView) -> impl Future<Output = Result<Statistics>> {
        self.counting.of(source.source.name.as_str())
    }

    /// A source, and what came to it.
    pub async fn get(
        &self,
        name: &str,
        grant: &Grant,
    ) -> Result<(SourceView, Statistics), AccessError> {
        let list = self.list.read().await?;
        let stored = list.get(name)?;
        self.may_change(&stored.source, grant)?;
        Ok((self.view(stored), self.counting.of(name).await?))
    }

    pub async fn delete(
        &self,
        name: &str,
        condition: Condition<'_>,
        grant: &Grant,
    ) -> Result<(), AccessError> {
        let list = self.list.read().await?;
        check(condition, list.get(name).ok())?;
        self.may_change(&list.get(name)?.source, grant)?;
        let (denied, removed) = (RefCell::new(None), RefCell::new(false));
        let changed = self.list.change(|list| {
            let before = list.get(name).ok();
            if before.is_none() && *removed.borrow() {
                return Ok(());
            }
            check(condition, before)?;
            let before = before.ok_or_else(|| ErrorKind::UnknownSource(name.to_owned()))?;
            self.may_change(&before.source, grant).map_err(|error| keep(&denied, error))?;
            *removed.borrow_mut() = true;
            list.remove(name)
        });
        let changed = changed.await;
        if let Some(denial) = denied.into_inner() {
            return Err(denial.into());
        }
        changed?;
        Change { kind: KIND, name, what: "removed", fields: "" }.report(&self.host);
        self.counting.forget(name).await;
        Ok(())
    }

    /// Tells the operator what has become of a source. What is compared are the settings as
    /// they are stored, so that a new secret is a change of `verify`.
    fn report(&self, before: Option<&StoredSource>, after: &StoredSource) {
        let before = before.map(|before| before.source.to_json());
        let (name, after) = (after.source.name.as_str(), after.source.to_json());
        report_change(&self.host, KIND, name, before.as_deref(), &after);
    }

    /// Encrypts secrets under the first key that are not; returns how many sources were
    /// changed, and of how many a key is gone.
    pub async fn rewrap(&self) -> Result<(usize, usize)> {
        let counted = RefCell::new((0, 0));
        self.list
            .change(|list| {
                let (mut changed, mut gone) = (0, 0);
                for stored in list.iter_mut() {
                    match self.renewed(&stored.source) {
                        Some(Ok(source)) => {
                            stored.source = source.into();
                            changed += 1;
                        }
                        Some(Err(())) => gone += 1,
                        None => {}
                    }
                }
                *counted.borrow_mut() = (changed, gone);
                Ok(())
            })
            .await?;
        let (rewrapped, gone) = counted.into_inner();
        if rewrapped > 0 {
            Change { kind: KIND, name: "*", what: "rewrapped", fields: "verify" }
                .report(&self.host);
        }
        Ok((rewrapped, gone))
    }

    fn renewed(&self, source: &Source) -> Option<Result<Source, ()>> {
        let owner = owner(source.name.as_str());
        let (mut renewed, mut changed) = (source.clone(), false);
        for secret in &mut renewed.verify.secrets {
            match self.keys.renewed(&self.host, &owner, secret) {
                Ok(None) => {}
                Ok(Some(new)) => {
                    *secret = new;
                    changed = true;
                }
                Err(_) => return Some(Err(())),
            }
        }
        changed.then_some(Ok(renewed))
    }

    /// Checks that the destinations of a source are there, or planned, and named once each.
    #[cfg(feature = "destinations")]
    async fn check_targets(
        &self,
        source: &Source,
        planned: &dyn Fn(&str) -> Option<Rc<str>>,
    ) -> Result<()> {
        prepared::check_targets(&source.destinations)?;
        let mut ids = Vec::new();
        for (place, target) in source.destinations.iter().enumerate() {
            if target.is_gateway() {
                continue;
            }
            let refused = |sentence| Err(invalid(format!("destinations[{place}]"), sentence));
            let found = self.destinations.find(&target.name).await?.map(|(id, _)| id);
            match found.or_else(|| planned(&target.name)) {
                None => return refused("There is no such destination"),
                Some(id) if ids.contains(&id) => return refused("It is named twice"),
                Some(id) => ids.push(id),
            }
        }
        Ok(())
    }

    #[cfg(not(feature = "destinations"))]
    async fn check_targets(&self, _: &Source, _: &dyn Fn(&str) -> Option<Rc<str>>) -> Result<()> {
        Ok(())
    }

    /// A source that writes to the destination of this name or id, if there is one.
    #[cfg(feature = "destinations")]
    pub(super) async fn with_destination(&self, name: &str, id: &str) -> Result<Option<String>> {
        let list = self.list.read().await?;
        let names = |stored: &&StoredSource| {
            let mut targets = stored.source.destinations.iter();
            targets.any(|target| target.name == name || target.name == id)
        };
        Ok(list.iter().find(names).map(|stored| stored.source.name.as_str().to_owned()))
    }

    /// The source of this name, ready to receive.
    pub async fn open(&self, name: &str) -> Result<Rc<Prepared>> {
        let mut list = self.list.recent(MAX_LIST_AGE).await?;
        if list.get(name).is_err() {
            list = self.list.recent(MAX_LIST_AGE_TO_REFUSE).await?;
        }
        let mut ready = self.ready.borrow_mut();
        ready.follow(&list);
        let stored = list.get(name)?;
        if let Some(prepared) = ready.get(stored) {
            return Ok(prepared);
        }
        let prepared = Rc::new(Prepared::new(stored, &self.keys, &self.rules)?);
        ready.put(stored.clone(), prepared.clone());
        Ok(prepared)
    }

    /// A source for a trial: the stored one, if the caller may change it.
    pub async fn open_for(&self, name: &str, grant: &Grant) -> Result<Rc<Prepared>, AccessError> {
        let prepared = self.open(name).await?;
        self.may_change(&prepared.source, grant)?;
        Ok(prepared)
    }

    /// The same with another shape, for this trial alone: a JSON Merge Patch (RFC 7396) of it.
    pub fn reshaped(
        &self,
        prepared: &Prepared,
        shape: &[u8],
        grant: &Grant,
    ) -> Result<Rc<Prepared>, AccessError> {
        let shape: Value = kafka_edge_json::from_slice(shape).map_err(|error| malformed(&error))?;
        let mut json = masking::masked(&prepared.source).to_value();
        merge_patch::apply(&mut json, serde_json::json!({"shape": shape}));
        let mut source = Source::given(json)?;
        source.verify.secrets.clone_from(&prepared.source.verify.secrets);
        self.may_change(&source, grant)?;
        let stored = StoredSource { source: source.into(), created: 0, memory: None };
        stored.is_small()?;
        Ok(Rc::new(Prepared::new(&stored, &self.keys, &self.rules)?))
    }

    fn read(&self, json: &[u8]) -> Result<Source> {
        let json = kafka_edge_json::from_slice(json).map_err(|error| malformed(&error))?;
        Source::given(json)
    }

    /// A source that can work, by a caller who may have it, with its secrets encrypted.
    fn admit(
        &self,
        source: Source,
        before: Option<&StoredSource>,
        grant: &Grant,
    ) -> Result<StoredSource, AccessError> {
        if source.verify.secrets.iter().any(|secret| !secret.is_missing()) {
            self.keys.check()?;
        }
        // Of a source that was read and is written again, the address is the gateway's.
        let url = source.url.clone().filter(|url| !url.starts_with('/'));
        let source = Source { url, ..source };
        let known = before.map(|before| &*before.source);
        let source = masking::sealed(source, known, &self.host, &self.keys)?;
        let (created, memory) = match before {
            Some(before) => (before.created, before.memory.clone()),
            None => (self.host.now(), Some(random::hex_id::<8>(&self.host))),
        };
        let stored = StoredSource { source: source.into(), created, memory };
        let source = &stored.source;
        match source.verify.secrets.iter().any(StoredSecret::is_missing) {
            // It does nothing before it is given them.
            true => Prepared::check_without_secrets(&stored, &self.rules)?,
            false => drop(Prepared::new(&stored, &self.keys, &self.rules)?),
        }
        prepared::check_host(source, &self.rules)?;
        self.may_change(source, grant)?;
        Ok(stored)
    }

    /// Whether a caller may see and change a source: it may write to all its topics.
    fn may_change(&self, source: &Source, grant: &Grant) -> Result<(), AccessError> {
        grant.permits(Permission::Produce)?;
        if !source.destinations.iter().all(Target::is_gateway) {
            // Permissions for topics say nothing of another Kafka.
            grant.permits(Permission::Admin)?;
        }
        for topic in source.topics() {
            let pattern = TopicPattern::parse(topic);
            if !pattern.is_some_and(|pattern| grant.covers_pattern(&pattern)) {
                return Err(Denial::Forbidden(Missing::Topic(topic.to_owned())).into());
            }
        }
        Ok(())
    }

    fn view(&self, stored: &StoredSource) -> SourceView {
        let secrets = &stored.source.verify.secrets;
        SourceView {
            source: masking::masked(&stored.source),
            created: stored.created,
            tag: stored.tag(),
            secret_gone: !secrets.iter().all(|secret| self.keys.has_key_of(secret)),
        }
    }
}

fn taken() -> Error {
    ErrorKind::NameTaken("There is a source of this name already".into()).into()
}

fn check(condition: Condition<'_>, before: Option<&StoredSource>) -> Result<()> {
    let tag = before.map(StoredSource::tag);
    match condition.holds(tag.as_ref()) {
        true => Ok(()),
        false => {
            Err(ErrorKind::Changed("The source is not in the version that was named".into()).into())
        }
    }
}

/// Keeps a denial beside the change that it ends.
fn keep(denied: &RefCell<Option<Denial>>, error: AccessError) -> Error {
    match error {
        AccessError::Failed(error) => error,
        AccessError::Denied(denial) => {
            *denied.borrow_mut() = Some(*denial);
            invalid("topic", "denied")
        }
    }
}

/// Where something is named beside its settings, these may hold the name, too.
pub(in crate::services) fn name_if_missing(settings: &mut Value, name: &str) {
    if let Value::Object(members) = settings {
        members.entry("name").or_insert_with(|| name.into());
    }
}

fn malformed(error: &kafka_edge_json::Error) -> Error {
    Error::of_json(error, "body")
}

impl<H: Host, L> fmt::Debug for Sources<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("list", &self.list).finish_non_exhaustive()
    }
}
