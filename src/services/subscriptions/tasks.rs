//! Jobs as tasks of their own, one for each subscription: what wakes one of them does not
//! poll the others, however many there are.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use super::job::{Job, JobReport};
use crate::concurrent::join_groups;
use crate::host::{Host, Limit};
use crate::random;

pub(super) type Task = Pin<Box<dyn Future<Output = (Job, JobReport)>>>;

/// Runs the jobs of all groups, and returns when all have ended.
pub(super) async fn run<H: Host>(host: &H, mut groups: Vec<Vec<Task>>) -> Vec<(Job, JobReport)> {
    if groups.len() < 2 {
        return join_groups(groups).await;
    }
    if let Limit::AtMost(_) = host.outbound_calls_left() {
        // What may be sent is not always enough for all: they come first in turn.
        let first = random::number(host) as usize % groups.len();
        groups.rotate_left(first);
    }
    let ended = Rc::new(RefCell::new(Vec::new()));
    let (wake, wait) = host.signal();
    // The last task drops it.
    let wake = Rc::new(wake);
    for group in groups {
        let (ended, wake) = (ended.clone(), wake.clone());
        host.spawn(async move {
            let of_group = join_groups(vec![group]).await;
            ended.borrow_mut().extend(of_group);
            drop(wake);
        });
    }
    drop(wake);
    wait.await;
    ended.take()
}
