//! The life of an instance: its calls are counted, and it can end at any one.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::rc::Rc;

use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// What becomes of the call at which an instance dies. Its caller never
/// hears of it either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It has its effect.
    Done,
    /// It has none.
    NotDone,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Life(Rc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    calls: Cell<u64>,
    end: Cell<Option<(u64, Fate)>>,
    dead: Cell<bool>,
    tasks: RefCell<Vec<AbortHandle>>,
    working: Cell<usize>,
    rest: Notify,
}

/// Held by a piece of work until it ends or is dropped.
pub(crate) struct AtWork(Life);

impl Drop for AtWork {
    fn drop(&mut self) {
        let Inner { working, rest, .. } = &*self.0.0;
        working.set(working.get() - 1);
        if working.get() == 0 {
            rest.notify_waiters();
        }
    }
}

impl Life {
    /// Counts a call and makes it, unless this is where the instance dies.
    pub(crate) async fn call<T>(&self, effect: impl Future<Output = T>) -> T {
        let number = self.0.calls.get() + 1;
        self.0.calls.set(number);
        let fate = self.0.end.get().filter(|(end, _)| *end == number).map(|(_, fate)| fate);
        if self.0.dead.get() || fate == Some(Fate::NotDone) {
            self.kill();
            return pending().await;
        }
        let answer = effect.await;
        if fate == Some(Fate::Done) {
            self.kill();
        }
        if self.0.dead.get() {
            return pending().await;
        }
        answer
    }

    /// Waits, which is no call: whoever dies in the meantime dies before the next one.
    /// Most waits are limits of calls, and are dropped.
    pub(crate) async fn rest(&self, wait: impl Future<Output = ()>) {
        wait.await;
        if self.0.dead.get() {
            pending().await
        }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.0.calls.get()
    }

    pub(crate) fn kill_at(&self, number: u64, fate: Fate) {
        self.0.end.set(Some((number, fate)));
    }

    pub(crate) fn kill(&self) {
        self.0.dead.set(true);
        self.end_tasks();
    }

    /// Drops all work that is under way.
    pub(crate) fn end_tasks(&self) {
        for task in self.0.tasks.take() {
            task.abort();
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.dead.get()
    }

    pub(crate) fn owns(&self, task: AbortHandle) {
        if self.0.dead.get() {
            task.abort();
            return;
        }
        let mut tasks = self.0.tasks.borrow_mut();
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
    }

    pub(crate) fn begin_work(&self) -> AtWork {
        self.0.working.set(self.0.working.get() + 1);
        AtWork(self.clone())
    }

    /// Waits until no work is left.
    pub(crate) async fn idle(&self) {
        while self.0.working.get() > 0 {
            self.0.rest.notified().await;
        }
    }
}
