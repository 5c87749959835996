//! A kind of entries.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use crate::access::AccessError;
use crate::error::{Error, ErrorKind, Result};

/// One kind of what is set up. A new one is a file beside its service, and a line in
/// `Configuration::kinds`.
pub(in crate::services) trait Kind {
    /// What documents call an entry of it.
    fn name(&self) -> &'static str;

    /// The names of all entries, as they are now. It is called before the others.
    fn names(&self) -> LocalBoxFuture<'_, Result<Vec<String>>>;

    /// The entry of this name; its secrets in plain text if they are wanted.
    fn get<'a>(
        &'a self,
        name: &'a str,
        with_secrets: bool,
    ) -> LocalBoxFuture<'a, Result<Option<Entry>>>;

    /// Makes an entry what is given, unless it is that already, or says what would be done.
    /// An entry that is there keeps its secrets; one that is new and lacks them does nothing
    /// before it is given them.
    fn take<'a>(&'a self, given: &'a Given, run: Run<'a>) -> LocalBoxFuture<'a, Result<Taken>>;
}

/// Of an entry that nobody was asked for, since whoever may take a document may do all.
pub(in crate::services) fn failed(error: AccessError) -> Error {
    match error {
        AccessError::Failed(error) => error,
        AccessError::Denied(denial) => ErrorKind::Unsupported(denial.to_string()).into(),
    }
}

/// Whether a document is carried out, or only looked at.
#[derive(Clone, Copy)]
pub(in crate::services) enum Run<'a> {
    Real,
    Dry(&'a Planned),
}

impl<'a> Run<'a> {
    /// What the entries before would have done, in a dry run.
    pub(in crate::services) fn planned(self) -> Option<&'a Planned> {
        match self {
            Self::Real => None,
            Self::Dry(planned) => Some(planned),
        }
    }

    pub(in crate::services) fn is_dry(self) -> bool {
        self.planned().is_some()
    }
}

/// What the entries of a dry run would have made so far, so that it says of the next one
/// what the real run would.
#[derive(Default)]
pub(in crate::services) struct Planned {
    /// How many of the kind that is being taken are new.
    pub(in crate::services) new: Cell<usize>,
    /// The names and the ids of destinations.
    pub(in crate::services) destinations: RefCell<Vec<(String, Rc<str>)>>,
}

/// An entry as it is.
pub(in crate::services) struct Entry {
    /// A JSON object, with masks in place of secrets. Equal entries have equal texts.
    pub(in crate::services) settings: String,
    /// `None` if they are not there, or were not wanted.
    pub(in crate::services) secrets: Option<Vec<String>>,
}

/// An entry as a document has it.
pub(in crate::services) struct Given {
    pub(in crate::services) name: String,
    /// A JSON object.
    pub(in crate::services) settings: String,
    /// In plain text.
    pub(in crate::services) secrets: Option<Vec<String>>,
}

impl Given {
    pub(in crate::services) fn value(&self) -> Result<Value> {
        kafka_edge_json::from_str(&self.settings)
            .map_err(|error| Error::of_json(&error, "settings"))
    }

    /// The secret of an entry that has one.
    pub(in crate::services) fn secret(&self) -> Result<Option<&str>> {
        match self.secrets.as_deref() {
            None => Ok(None),
            Some([secret]) => Ok(Some(secret)),
            Some(_) => Err(Error::invalid("secrets", "Not one secret")),
        }
    }
}

/// What was done with an entry, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub what: What,
    /// It does nothing before it is given its secret.
    pub needs_secret: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Create,
    Replace,
    Unchanged,
    /// What is there is another one, and stays: positions have moved on.
    Kept,
}

impl What {
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Unchanged => "unchanged",
            Self::Kept => "kept",
        }
    }

    /// Of an entry that is there, or is not, and is as given, or is not.
    pub(in crate::services) fn of(is_there: bool, is_same: bool) -> Self {
        match (is_there, is_same) {
            (false, _) => Self::Create,
            (true, false) => Self::Replace,
            (true, true) => Self::Unchanged,
        }
    }
}
