//! Changes of the list of destinations, as decisions without I/O.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;

use super::destination::{Dialect, invalid, is_id, new_id};
use super::given::{Given, Secret};
use super::list::{DestinationList, StoredDestination};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Clock;
use crate::merge_patch;
use crate::secrets::{SecretKeys, StoredSecret};
use crate::services::condition::Condition;
use crate::telemetry::{Change as Reported, Report, report_change};

/// What events call a destination.
pub(super) const KIND: &str = "destination";

/// What a caller wants of the list. The texts are JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// A destination whose name is new.
    Create(&'a [u8]),
    /// A destination in place of the one that is meant, or beside the others.
    Put(&'a [u8]),
    /// A JSON Merge Patch (RFC 7396).
    Patch(&'a [u8]),
    Delete,
}

/// A change on its way.
pub(super) struct Wish<'a, C> {
    /// An id or a name; empty for a destination that is created.
    pub(super) reference: &'a str,
    pub(super) change: Change<'a>,
    pub(super) condition: Condition<'a>,
    pub(super) dialect: Dialect,
    pub(super) allow_private: bool,
    /// The mask may stand for a secret that is yet to be given.
    pub(super) may_lack_secret: bool,
    pub(super) keys: &'a SecretKeys,
    pub(super) clock: &'a C,
}

/// What was made of a change.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) id: Rc<str>,
    /// As it was, if it was there.
    before: Option<StoredDestination>,
    /// `None`: it is gone.
    pub(super) stored: Option<StoredDestination>,
    pub(super) is_new: bool,
}

impl Made {
    /// Tells the operator. What is compared holds the secret as it is stored, so that a new
    /// one is a change.
    pub(super) fn report(&self, host: &impl Report) {
        let before = self.before.as_ref();
        let Some(stored) = &self.stored else {
            let name = before.map_or(&*self.id, |before| &*before.name);
            return Reported { kind: KIND, name, what: "removed", fields: "" }.report(host);
        };
        let compared = |stored: &StoredDestination| {
            let Some(secret) = &stored.secret else { return stored.settings.to_string() };
            let settings = stored.settings.strip_suffix('}').unwrap_or_default();
            format!("{settings},\"api_secret\":{}}}", Value::from(secret.to_text()))
        };
        let before = before.map(compared);
        report_change(host, KIND, &stored.name, before.as_deref(), &compared(stored));
    }
}

impl<C: Clock> Wish<'_, C> {
    /// What the change makes of a list, or why it is refused.
    pub(super) fn made(&self, list: &DestinationList) -> Result<Made> {
        let before = match self.change {
            Change::Create(_) => None,
            _ => list.get(self.reference),
        };
        let tag = before.map(StoredDestination::tag);
        if !self.condition.holds(tag.as_ref()) {
            let sentence = "The destination is not in the version that was named";
            return Err(ErrorKind::Changed(sentence.into()).into());
        }
        let there = || before.ok_or_else(|| unknown(self.reference));
        let given = match self.change {
            Change::Create(json) => Given::read(parsed(json)?, None, self.dialect)?,
            Change::Put(json) => {
                let path = (!is_id(self.reference)).then_some(self.reference);
                let name = before.map(|before| &*before.name).or(path);
                Given::read(parsed(json)?, name, self.dialect)?
            }
            Change::Patch(patch) => {
                let before = there()?;
                let mut json = parsed(before.shown()?.as_bytes())?;
                merge_patch::apply(&mut json, parsed(patch)?);
                Given::read(json, None, self.dialect)?
            }
            Change::Delete => {
                let before = there()?.clone();
                let id = before.id.clone();
                return Ok(Made { id, before: Some(before), stored: None, is_new: false });
            }
        };
        if matches!(self.change, Change::Put(_))
            && before.is_none()
            && !is_id(self.reference)
            && given.destination.name != self.reference
        {
            return Err(invalid("name", "The name is not that in the path"));
        }
        let id = self.id(&given, before)?;
        let name: Rc<str> = given.destination.name.as_str().into();
        let others = list.iter().filter(|stored| before.is_none_or(|known| known.id != stored.id));
        for other in others {
            if other.name == name {
                let sentence = "There is a destination of this name already";
                return Err(ErrorKind::NameTaken(sentence.into()).into());
            }
            if other.id == id {
                let sentence = "There is a destination of this id already";
                return Err(ErrorKind::NameTaken(sentence.into()).into());
            }
        }
        given.destination.server.base(self.allow_private).map_err(|flaw| {
            let field = format!("config.{}", given.destination.server.field());
            invalid(&field, &format!("The address {flaw}"))
        })?;
        let secret = self.secret(&given, &id, before)?;
        let created = before.map_or_else(|| self.clock.now(), |before| before.created);
        let settings = given.destination.to_json(None, false).into();
        let stored = StoredDestination { id: id.clone(), name, settings, secret, created };
        let (before, is_new) = (before.cloned(), before.is_none());
        Ok(Made { id, before, stored: Some(stored), is_new })
    }

    /// The id stays what it is; a new destination may bring one along, so that a set-up can
    /// be moved.
    fn id(&self, given: &Given, before: Option<&StoredDestination>) -> Result<Rc<str>> {
        let named = given.id.as_deref();
        let in_path = matches!(self.change, Change::Put(_)).then_some(self.reference);
        let expected = match before {
            Some(before) => Some(&*before.id),
            None => in_path.filter(|reference| is_id(reference)),
        };
        match (named, expected) {
            (Some(named), Some(expected)) if named != expected => {
                Err(invalid("id", "The id is not that of the destination"))
            }
            (_, Some(expected)) => Ok(expected.into()),
            (Some(named), None) => Ok(named.into()),
            (None, None) => Ok(new_id(self.clock).into()),
        }
    }

    fn secret(
        &self,
        given: &Given,
        id: &str,
        before: Option<&StoredDestination>,
    ) -> Result<Option<StoredSecret>> {
        let (owner, known) = (owner(id), before.and_then(|before| before.secret.as_ref()));
        let secret = match &given.secret {
            Secret::Given(secret) => {
                // The same one again is no change.
                let is_known = |known: &&StoredSecret| {
                    let is_current =
                        matches!(self.keys.renewed(self.clock, &owner, known), Ok(None));
                    is_current && self.keys.open(&owner, known).is_ok_and(|known| known == *secret)
                };
                match known.filter(is_known).filter(|_| !self.keys.is_empty()) {
                    Some(known) => Some(known.clone()),
                    None => Some(self.keys.seal(self.clock, &owner, secret)?),
                }
            }
            Secret::Kept => match known {
                Some(known) => Some(known.clone()),
                #[cfg(feature = "configuration")]
                None if self.may_lack_secret => Some(StoredSecret::missing()),
                None => {
                    let sentence = "The mask stands for a secret that is not there";
                    return Err(invalid("config.api_secret", sentence));
                }
            },
            Secret::None => None,
        };
        if secret.is_none() && given.destination.api_key.is_some() && given.destination.enabled {
            let sentence = "A destination with a key and without its secret has to be switched \
                            off";
            return Err(invalid("config.api_secret", sentence));
        }
        Ok(secret)
    }

    /// Changes the list. An earlier write of the same change, which is in `known`, may have
    /// been stored.
    pub(super) fn carry_out(
        &self,
        list: &mut DestinationList,
        known: &RefCell<Option<Made>>,
    ) -> Result<()> {
        if let Some(made) = &*known.borrow()
            && list.get(&made.id) == made.stored.as_ref()
        {
            return Ok(());
        }
        let made = self.made(list)?;
        match &made.stored {
            Some(stored) => list.put(stored)?,
            None => list.remove(&made.id),
        }
        *known.borrow_mut() = Some(made);
        Ok(())
    }
}

impl StoredDestination {
    /// As callers see it, but for the time.
    pub(super) fn shown(&self) -> Result<String> {
        Ok(self.read()?.to_json(Some(&self.id), self.secret.is_some()))
    }
}

fn parsed(json: &[u8]) -> Result<Value> {
    kafka_edge_json::from_slice(json).map_err(|error| Error::of_json(&error, "body"))
}

pub(super) fn unknown(reference: &str) -> Error {
    ErrorKind::UnknownDestination(reference.to_owned()).into()
}

/// To whom a sealed secret belongs. The name may change.
pub(super) fn owner(id: &str) -> String {
    format!("destination/{id}")
}
