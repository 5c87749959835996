//! Changes of the list of actions, as decisions without I/O.

use std::cell::RefCell;

use super::action::Action;
use super::list::{ActionList, StoredAction};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Millis;
use crate::services::condition::Condition;
use crate::telemetry::{Change as Reported, Report, report_change};

/// What events call an action.
pub(super) const KIND: &str = "action";

/// What a caller wants of the list. The texts are JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// An action whose identifier is new.
    Create(&'a [u8]),
    /// An action in place of the one of this identifier, or beside the others.
    Put(&'a [u8]),
    /// A JSON Merge Patch (RFC 7396).
    Patch(&'a [u8]),
    Delete,
}

/// A change on its way.
pub(super) struct Wish<'a> {
    /// Empty for an action that is created.
    pub(super) identifier: &'a str,
    pub(super) change: Change<'a>,
    pub(super) condition: Condition<'a>,
    pub(super) now: Millis,
}

/// What was made of a change.
#[derive(Debug, Clone)]
pub(super) struct Made {
    identifier: String,
    /// As it was, if it was there.
    before: Option<StoredAction>,
    /// `None`: it is gone.
    pub(super) stored: Option<StoredAction>,
    pub(super) is_new: bool,
}

impl Made {
    /// Whether nothing is another than before.
    #[cfg(feature = "configuration")]
    pub(super) fn is_same(&self) -> bool {
        self.before == self.stored
    }

    /// Tells the operator.
    pub(super) fn report(&self, host: &impl Report) {
        let (name, before) = (&*self.identifier, self.before.as_ref());
        match &self.stored {
            None => Reported { kind: KIND, name, what: "removed", fields: "" }.report(host),
            Some(stored) => {
                let before = before.map(|before| &*before.settings);
                report_change(host, KIND, name, before, &stored.settings);
            }
        }
    }
}

impl Wish<'_> {
    /// What the change makes of a list, or why it is refused.
    pub(super) fn made(&self, list: &ActionList) -> Result<Made> {
        let (identifier, before) = match self.change {
            Change::Create(_) => (None, None),
            _ => (Some(self.identifier), list.get(self.identifier)),
        };
        let tag = before.map(StoredAction::tag);
        if !self.condition.holds(tag.as_ref()) {
            let sentence = "The action is not in the version that was named";
            return Err(ErrorKind::Changed(sentence.into()).into());
        }
        let there = || before.ok_or_else(|| unknown(self.identifier));
        let action = match self.change {
            Change::Create(json) | Change::Put(json) => Action::read(json, identifier)?,
            Change::Patch(patch) => Action::patched(&there()?.settings, patch, self.identifier)?,
            Change::Delete => {
                there()?;
                let identifier = self.identifier.to_owned();
                return Ok(Made { identifier, before: None, stored: None, is_new: false });
            }
        };
        let identifier = String::from(action.identifier);
        if matches!(self.change, Change::Create(_)) && list.get(&identifier).is_some() {
            let sentence = "There is an action of this identifier already";
            return Err(ErrorKind::NameTaken(sentence.into()).into());
        }
        let created = before.map_or(self.now, |before| before.created);
        let settings = action.settings.into();
        let stored = StoredAction { identifier: identifier.clone(), settings, created };
        let (before, is_new) = (before.cloned(), before.is_none());
        Ok(Made { identifier, before, stored: Some(stored), is_new })
    }

    /// Changes the list. An earlier write of the same change, which is in `known`, may have
    /// been stored.
    pub(super) fn carry_out(
        &self,
        list: &mut ActionList,
        known: &RefCell<Option<Made>>,
    ) -> Result<()> {
        if let Some(made) = &*known.borrow()
            && list.get(&made.identifier) == made.stored.as_ref()
        {
            return Ok(());
        }
        let made = self.made(list)?;
        match &made.stored {
            Some(stored) => list.put(stored)?,
            None => list.remove(&made.identifier),
        }
        *known.borrow_mut() = Some(made);
        Ok(())
    }
}

pub(super) fn unknown(identifier: &str) -> Error {
    ErrorKind::UnknownAction(identifier.to_owned()).into()
}
