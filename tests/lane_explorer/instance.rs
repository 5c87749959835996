//! One instance: what it is doing, and what of it is under way.

use kafka_edge::state::lane::take::{Memory, Step};
use kafka_edge::state::lane::tenure::{Chore, Tenure};
use kafka_edge::state::lane::{Epoch, Hint, Watch};

use crate::store::{Doc, Position};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Instance {
    /// Of the wall clock.
    pub(crate) ahead: i64,
    pub(crate) stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Idle(Memory),
    /// A step of taking the lane, and what the store has said to it so far.
    Taking(Step<Position>, Answer),
    Writing(Writing),
    Holding(Holding),
    Tidying(Tidying),
}

/// What a store's answer to a step is, while it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    None,
    Hint(Option<Hint>),
    Document(Option<Doc>),
    Highest(Option<Epoch>),
    /// The two of a base come on their own.
    Base(Option<Option<Doc>>, Option<Option<Hint>>),
    Watch(Option<Watch>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Writing {
    pub(crate) tenure: Tenure,
    pub(crate) document: Doc,
    pub(crate) landed: bool,
    /// The position of the tenure while it writes.
    pub(crate) position: Position,
    pub(crate) announces: bool,
    pub(crate) seeks: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Holding {
    pub(crate) tenure: Tenure,
    /// Of the next record to hand out.
    pub(crate) position: Position,
    pub(crate) written: Position,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Tidying {
    pub(crate) chores: Vec<Chore>,
    /// A holder that stays.
    pub(crate) then: Option<Holding>,
}

impl Instance {
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle(_))
    }
}

impl Stage {
    /// The holder's tenure, from its announcement until it let go.
    pub(crate) fn tenure(&self) -> Option<&Tenure> {
        match self {
            Self::Writing(writing) if writing.announces => None,
            Self::Writing(writing) if writing.landed && writing.document.released => None,
            Self::Writing(writing) => Some(&writing.tenure),
            Self::Holding(holding) => Some(&holding.tenure),
            Self::Tidying(tidying) => tidying.then.as_ref().map(|holding| &holding.tenure),
            _ => None,
        }
    }
}
