//! Work that goes on side by side within one task.
//!
//! The usual combinators are made anew for every kind of future that they
//! join, and in a small component that is much of the code. Here each future
//! is boxed and the joining is there once.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Futures that are under way at once, at most: each is a call of the host,
/// as a rule, and all of them are looked at whenever one has gone on.
const AT_ONCE: usize = 64;

type Part<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Waits for all, and answers in the order given.
pub async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let futures: Vec<_> = futures.into_iter().collect();
    let slots: Vec<_> = futures.iter().map(|_| Cell::new(None)).collect();
    let parts = futures.into_iter().zip(&slots).map(|(future, slot)| {
        let part: Part<'_> = Box::pin(async move { slot.set(Some(future.await)) });
        part
    });
    let mut waiting: Vec<_> = parts.collect();
    waiting.reverse();
    run(waiting).await;
    // Every part has run to its end, so every slot is filled.
    slots.into_iter().filter_map(Cell::into_inner).collect()
}

/// Waits for all; answers with the first error in the order given, if there
/// is one.
pub async fn try_join_all<F, T, E>(futures: impl IntoIterator<Item = F>) -> Result<Vec<T>, E>
where
    F: Future<Output = Result<T, E>>,
{
    join_all(futures).await.into_iter().collect()
}

/// Runs parts from the last to the first.
async fn run(mut waiting: Vec<Part<'_>>) {
    let mut running: Vec<Part<'_>> = Vec::new();
    poll_fn(move |cx| {
        loop {
            while running.len() < AT_ONCE
                && let Some(part) = waiting.pop()
            {
                running.push(part);
            }
            let before = running.len();
            running.retain_mut(|part| part.as_mut().poll(cx).is_pending());
            // A part that has just begun has to be polled, or nobody is woken
            // for it.
            if running.len() == before || waiting.is_empty() {
                break;
            }
        }
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::task::{Context, Waker};

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn answers_come_in_the_order_given_whatever_is_done_first() {
        let answers = join_all((0..200).map(async |number| {
            // Each second one needs another look.
            let mut pending = number % 2 == 0;
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if std::mem::take(&mut pending) { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
            number
        }));
        let mut answers = Box::pin(answers);
        let mut cx = Context::from_waker(Waker::noop());
        let answers = loop {
            if let Poll::Ready(answers) = answers.as_mut().poll(&mut cx) {
                break answers;
            }
        };
        assert_eq!(answers, (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn no_more_than_so_many_are_under_way() {
        let (running, most) = (Rc::new(Cell::new(0)), Cell::new(0));
        let futures = (0..AT_ONCE * 3).map(async |_| {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            let mut pending = true;
            poll_fn(|_| if std::mem::take(&mut pending) { Poll::Pending } else { Poll::Ready(()) })
                .await;
            running.set(running.get() - 1);
        });
        let mut all = Box::pin(join_all(futures));
        let mut cx = Context::from_waker(Waker::noop());
        let mut looks = 0;
        while all.as_mut().poll(&mut cx).is_pending() {
            looks += 1;
            assert!(looks < 100, "it does not come to an end");
        }
        assert_eq!(most.get(), AT_ONCE);
    }

    #[test]
    fn the_first_error_is_the_answer_and_nothing_is_no_error() {
        let tried = try_join_all((0..5).map(async |n| if n < 3 { Ok(n) } else { Err(n) }));
        assert_eq!(tried.now_or_never(), Some(Err(3)));
        let none = join_all(std::iter::empty::<std::future::Ready<u8>>());
        assert_eq!(none.now_or_never(), Some(vec![]));
    }
}
