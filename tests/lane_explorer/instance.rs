//! What an instance is in the midst of.

use kafka_edge::state::lane::Era;
use kafka_edge::state::lane::look::{Memory, Step};
use kafka_edge::state::lane::turn::Turn;

use crate::store::{Doc, Position, Value};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Instance {
    /// How far its wall clock is ahead.
    pub(crate) ahead: i64,
    pub(crate) stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Idle(Memory<Position>),
    /// A step of a look or a draw, and what was read for it.
    Looking(Step<Position>, Read),
    Holding(Holding),
}

/// What was read: a counter, a value, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Read {
    pub(crate) counter: Option<u64>,
    pub(crate) value: Option<Option<Value>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Holding {
    pub(crate) turn: Turn,
    /// Where to go on handing out.
    pub(crate) position: Position,
    /// The position in the last document that was kept.
    pub(crate) written: Position,
    pub(crate) begun: bool,
    /// Whether it starts from a document.
    pub(crate) has_base: bool,
    /// The counter was read for the release.
    pub(crate) upto: Option<u64>,
    pub(crate) writing: Option<Writing>,
    /// A document of an era that has ended is to be deleted.
    pub(crate) delete: Option<Era>,
    /// The last document that was kept.
    pub(crate) kept: Option<Doc>,
}

impl Holding {
    pub(crate) fn last(&self) -> Option<Doc> {
        self.kept
    }

    pub(crate) fn released(&self) -> bool {
        self.kept.is_some_and(|document| document.held.is_none())
    }
}

/// A write that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Writing {
    pub(crate) document: Doc,
    pub(crate) landed: bool,
    pub(crate) seeks: bool,
}

impl Instance {
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle(_))
    }
}

impl Stage {
    pub(crate) fn turn(&self) -> Option<&Turn> {
        match self {
            Self::Holding(holding) => Some(&holding.turn),
            Self::Idle(_) | Self::Looking(..) => None,
        }
    }
}
