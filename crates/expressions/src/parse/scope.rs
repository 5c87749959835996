//! Which names are known where.

use std::rc::Rc;

use crate::term::{Function, Hops};

#[derive(Debug)]
pub(crate) enum Entry {
    Variable(String),
    /// A filter that a function takes, and whether it gives one value.
    Parameter(String, bool),
    Label(String),
    /// Takes no slot of the environment.
    Function(String, Rc<Function>),
    /// A function while its own body is read: name and arity. Takes no slot.
    Defining(String, usize),
}

/// What a call means.
pub(super) enum Callee {
    Function(Hops, Rc<Function>),
    Parameter(Hops, bool),
    /// The function that the call stands in.
    Itself,
}

impl Entry {
    fn has_slot(&self) -> bool {
        !matches!(self, Self::Function(..) | Self::Defining(..))
    }
}

#[derive(Debug)]
pub(super) struct Scope {
    entries: Vec<Entry>,
}

impl Scope {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    pub(super) fn push_variables(&mut self, names: Vec<String>) {
        self.entries.extend(names.into_iter().map(Entry::Variable));
    }

    pub(super) fn pop(&mut self, count: usize) {
        self.entries.truncate(self.entries.len() - count);
    }

    /// How many slots the environment has here.
    pub(super) fn slots(&self) -> Hops {
        self.entries.iter().filter(|entry| entry.has_slot()).count()
    }

    pub(super) fn variable(&self, name: &str) -> Option<Hops> {
        self.find(|entry| matches!(entry, Entry::Variable(found) if found == name)).map(|f| f.0)
    }

    pub(super) fn label(&self, name: &str) -> Option<Hops> {
        self.find(|entry| matches!(entry, Entry::Label(found) if found == name)).map(|f| f.0)
    }

    pub(super) fn function(&self, name: &str, arity: usize) -> Option<Callee> {
        let (hops, entry) = self.find(|entry| match entry {
            Entry::Parameter(found, _) => arity == 0 && found == name,
            Entry::Function(found, function) => found == name && function.values.len() == arity,
            Entry::Defining(found, count) => found == name && *count == arity,
            _ => false,
        })?;
        Some(match entry {
            Entry::Function(_, function) => Callee::Function(hops, function.clone()),
            Entry::Parameter(_, single) => Callee::Parameter(hops, *single),
            _ => Callee::Itself,
        })
    }

    /// The innermost entry that is meant, and how many slots lie above it.
    fn find(&self, meant: impl Fn(&Entry) -> bool) -> Option<(Hops, &Entry)> {
        let mut hops = 0;
        for entry in self.entries.iter().rev() {
            if meant(entry) {
                return Some((hops, entry));
            }
            hops += usize::from(entry.has_slot());
        }
        None
    }
}
