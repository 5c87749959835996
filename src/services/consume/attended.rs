//! A desk together with the partitions whose records are handed out at it.
//!
//! Callers are served here in their own requests as long as there are records in hand.
//! The task of the desk, [`serving`](super::serving), is woken only if there are none.

use std::cell::RefCell;
use std::rc::Rc;

use super::desk::{Bell, Desk};
use super::owner::Owner;
use super::tend::Tended;
use crate::host::Host;

pub(super) type SharedDesk<H> = Rc<RefCell<Attended<H>>>;

pub(super) struct Attended<H: Host> {
    pub(super) desk: Desk<H::Wake>,
    /// The partitions that this instance holds, in the order in which it took them.
    pub(super) open: Vec<Tended<H>>,
    /// For whom records are claimed.
    pub(super) owner: Option<Owner>,
    /// Wakes the task.
    pub(super) bell: Bell<H::Wake>,
}

impl<H: Host> Attended<H> {
    pub(super) fn new(owner: Option<Owner>) -> Self {
        Self { desk: Desk::default(), open: Vec::new(), owner, bell: Bell::default() }
    }

    /// Hands out what is in hand. Returns whether anybody got something.
    pub(super) fn hand_out(&mut self, host: &H) -> bool {
        let Self { desk, open, owner, .. } = self;
        if desk.has_open_order() && !open.iter().all(Tended::is_live) {
            // Another instance may hold a partition while its records wait for the
            // rest of their order.
            desk.take_back_open();
        }
        let mut any = false;
        for tended in open {
            any |= tended.hand_out(desk, host, owner.as_ref());
        }
        any
    }
}
