//! A desk together with the partitions whose records are handed out at it.
//!
//! Callers are served here in their own requests as long as there are records in hand.
//! The task of the desk, [`serving`](super::serving), is woken only if there are none.

use std::cell::RefCell;
use std::rc::Rc;

use super::Consumed;
use super::claims::MAX_CLAIMS;
use super::desk::{Bell, Desk};
use super::owner::Owner;
use super::tend::Tended;
use crate::host::Host;

pub(super) type SharedDesk<H> = Rc<RefCell<Attended<H>>>;

pub(super) struct Attended<H: Host> {
    pub(super) desk: Desk<H::Wake>,
    /// The partitions that this instance holds, in the order in which it took them.
    pub(super) open: Vec<Tended<H>>,
    /// Records of partitions that are not held, which were claimed for callers who were
    /// not told of it. That may have been written all the same.
    unclaimed: Vec<(Rc<str>, i32, i64)>,
    /// How many records of a partition can be claimed, as the last caller has found it.
    pub(super) max_claimed: usize,
    /// For whom records are claimed.
    pub(super) owner: Option<Owner>,
    /// Wakes the task.
    pub(super) bell: Bell<H::Wake>,
}

impl<H: Host> Attended<H> {
    pub(super) fn new(owner: Option<Owner>) -> Self {
        Self {
            desk: Desk::default(),
            open: Vec::new(),
            unclaimed: Vec::new(),
            max_claimed: MAX_CLAIMS,
            owner,
            bell: Bell::default(),
        }
    }

    /// Hands out what is in hand. Returns whether anybody got something.
    pub(super) fn hand_out(&mut self, host: &H) -> bool {
        self.put_back();
        let Self { desk, open, .. } = self;
        if desk.has_open_order() && !open.iter().all(Tended::is_live) {
            // Another instance may hold a partition while its records wait for the
            // rest of their order.
            desk.take_back_open();
            self.put_back();
        }
        let Self { desk, open, owner, max_claimed, .. } = self;
        let mut any = false;
        for tended in open {
            any |= tended.hand_out(desk, host, owner.as_ref(), *max_claimed);
        }
        any
    }

    /// Puts back what was claimed for callers who were not told of it. Otherwise an owner
    /// that commits a later offset would pass over it.
    fn put_back(&mut self) {
        for Consumed { topic, record, .. } in self.desk.take_unclaimed() {
            let of_open =
                self.open.iter_mut().find(|tended| tended.is_of(&topic, record.partition));
            match of_open {
                Some(tended) => tended.unclaim(record),
                None => self.unclaimed.push((topic, record.partition, record.offset)),
            }
        }
    }

    /// The offsets of a partition that were claimed so while it was not held.
    pub(super) fn take_unclaimed(&mut self, topic: &Rc<str>, partition: i32) -> Vec<i64> {
        let is_of = |(of, number, _): &(Rc<str>, i32, i64)| of == topic && *number == partition;
        let offsets = self.unclaimed.iter().filter(|unclaimed| is_of(unclaimed));
        let offsets = offsets.map(|(.., offset)| *offset).collect();
        self.unclaimed.retain(|unclaimed| !is_of(unclaimed));
        offsets
    }
}
