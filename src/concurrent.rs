//! Runs several futures within one task.
//!
//! The usual combinators are compiled again for every type of future that they
//! join, which is a large part of the code of a small component. Here each
//! future is boxed, and what exists once for each type of result does no more
//! than to keep the results.

use std::future::{Future, poll_fn};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The maximum number of futures that run at the same time. Usually each is a
/// call of the host, and all of them are polled whenever one makes progress.
const MAX_RUNNING: usize = 64;

/// The minimum number of futures that run in each group.
const MIN_RUNNING_PER_GROUP: usize = 2;

type Part<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Waits for all futures, and returns their results in the order given.
pub fn join_bounded<'a, F: Future + 'a>(
    futures: impl IntoIterator<Item = F>,
) -> impl Future<Output = Vec<F::Output>> {
    join(parts(futures))
}

/// Waits for the futures of all groups. Slow or numerous futures of one group
/// do not delay those of the others: a future only waits for earlier ones of
/// its own group.
pub fn join_groups<'a, F: Future + 'a>(
    groups: Vec<Vec<F>>,
) -> impl Future<Output = Vec<F::Output>> {
    join_grouped(groups.into_iter().map(parts).collect())
}

/// Returns the first error in the order given, if there is one. Once a future
/// has failed, no other is started, but those that were started are awaited.
pub fn try_join_bounded<'a, F, T, E>(
    futures: impl IntoIterator<Item = F>,
) -> impl Future<Output = Result<Vec<T>, E>>
where
    F: Future<Output = Result<T, E>> + 'a,
{
    try_join(MAX_RUNNING, parts(futures))
}

/// Like [`try_join_bounded`], with at most `at_once` futures running.
pub fn try_join_few<'a, F, T, E>(
    at_once: usize,
    futures: impl IntoIterator<Item = F>,
) -> impl Future<Output = Result<Vec<T>, E>>
where
    F: Future<Output = Result<T, E>> + 'a,
{
    try_join(at_once, parts(futures))
}

fn parts<'a, F: Future + 'a>(futures: impl IntoIterator<Item = F>) -> Vec<Part<'a, F::Output>> {
    futures.into_iter().map(|future| Box::pin(future) as Part<'a, F::Output>).collect()
}

fn join<T>(parts: Vec<Part<'_, T>>) -> impl Future<Output = Vec<T>> {
    run(MAX_RUNNING, parts, |_| false)
}

async fn join_grouped<T>(groups: Vec<Vec<Part<'_, T>>>) -> Vec<T> {
    let of_each = (MAX_RUNNING / groups.len().max(1)).max(MIN_RUNNING_PER_GROUP);
    let all = groups.len();
    let groups = parts(groups.into_iter().map(|group| run(of_each, group, |_| false)));
    run(all, groups, |_| false).await.into_iter().flatten().collect()
}

async fn try_join<T, E>(at_once: usize, parts: Vec<Part<'_, Result<T, E>>>) -> Result<Vec<T>, E> {
    let answers = run(at_once, parts, Result::is_err).await;
    let mut successes = Vec::with_capacity(answers.len());
    for answer in answers {
        successes.push(answer?);
    }
    Ok(successes)
}

/// Runs parts until the result of one is the last that is needed; then no other
/// is started. The results are in the order of the parts.
async fn run<T>(at_once: usize, parts: Vec<Part<'_, T>>, is_last: fn(&T) -> bool) -> Vec<T> {
    let places = 0..parts.len();
    let mut states: Vec<_> = parts.into_iter().map(State::Runs).collect();
    let mut poll = |place: usize, cx: &mut Context<'_>| {
        let State::Runs(part) = &mut states[place] else { return Poll::Ready(false) };
        let answer = ready!(part.as_mut().poll(cx));
        let is_last = is_last(&answer);
        states[place] = State::Done(answer);
        Poll::Ready(is_last)
    };
    run_places(at_once, places, &mut poll).await;
    let mut answers = Vec::with_capacity(states.len());
    for state in states {
        if let State::Done(answer) = state {
            answers.push(answer);
        }
    }
    answers
}

enum State<'a, T> {
    /// Or waits for its turn.
    Runs(Part<'a, T>),
    Done(T),
}

/// Polls the part at a place. Once it is done, it tells whether it is the last.
type PollPlace<'a> = &'a mut dyn FnMut(usize, &mut Context<'_>) -> Poll<bool>;

/// Runs the parts at these places, whatever their results are.
async fn run_places(at_once: usize, mut waiting: Range<usize>, poll: PollPlace<'_>) {
    let mut running: Vec<usize> = Vec::new();
    poll_fn(|cx| {
        loop {
            while running.len() < at_once
                && let Some(place) = waiting.next()
            {
                running.push(place);
            }
            let before = running.len();
            running.retain(|place| match poll(*place, cx) {
                Poll::Pending => true,
                Poll::Ready(is_last) => {
                    if is_last {
                        waiting = 0..0;
                    }
                    false
                }
            });
            // A part that has just started has to be polled once, or it would
            // never wake this task.
            if running.len() == before || waiting.is_empty() {
                break;
            }
        }
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// What has succeeded, and the first failure of the rest.
pub fn successes<T, E>(results: impl IntoIterator<Item = Result<T, E>>) -> (Vec<T>, Result<(), E>) {
    let (mut successes, mut failure) = (Vec::new(), Ok(()));
    for result in results {
        match result {
            Ok(success) => successes.push(success),
            Err(error) => failure = failure.and(Err(error)),
        }
    }
    (successes, failure)
}

/// Futures that one task runs beside each other, and whose results it takes as they
/// come.
pub struct Running<'a, T>(Vec<Part<'a, T>>);

impl<T> Default for Running<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, T> Running<'a, T> {
    pub fn add(&mut self, future: impl Future<Output = T> + 'a) {
        self.0.push(Box::pin(future));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next result; never, if nothing runs.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        for index in 0..self.0.len() {
            if let Poll::Ready(result) = self.0[index].as_mut().poll(cx) {
                drop(self.0.swap_remove(index));
                return Poll::Ready(result);
            }
        }
        Poll::Pending
    }
}

impl<T> std::fmt::Debug for Running<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Running").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::task::Waker;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn answers_come_in_the_order_given_whatever_is_done_first() {
        let answers = join_bounded((0..200).map(async |number| {
            // Every second future has to be polled twice.
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
    fn what_succeeded_is_kept_beside_the_first_failure() {
        assert_eq!(successes([Ok(1), Err("a"), Ok(2), Err("b")]), (vec![1, 2], Err("a")));
        assert_eq!(successes([Ok::<_, ()>(1)]), (vec![1], Ok(())));
    }

    #[test]
    fn results_are_taken_as_they_come_and_others_run_on() {
        let mut running = Running::default();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(running.is_empty() && running.poll_next(&mut cx).is_pending());
        let late = Rc::new(Cell::new(false));
        let comes = late.clone();
        running.add(poll_fn(move |_| if comes.get() { Poll::Ready(1) } else { Poll::Pending }));
        running.add(std::future::ready(2));
        running.add(std::future::ready(3));
        let mut seen = [running.poll_next(&mut cx), running.poll_next(&mut cx)];
        seen.sort();
        assert_eq!(seen, [Poll::Ready(2), Poll::Ready(3)]);
        assert!(running.poll_next(&mut cx).is_pending());
        late.set(true);
        assert_eq!((running.poll_next(&mut cx), running.is_empty()), (Poll::Ready(1), true));
    }

    #[test]
    fn no_more_than_so_many_are_under_way() {
        let (running, most) = (Rc::new(Cell::new(0)), Cell::new(0));
        let futures = (0..MAX_RUNNING * 3).map(async |_| {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            let mut pending = true;
            poll_fn(|_| if std::mem::take(&mut pending) { Poll::Pending } else { Poll::Ready(()) })
                .await;
            running.set(running.get() - 1);
        });
        let mut all = Box::pin(join_bounded(futures));
        let mut cx = Context::from_waker(Waker::noop());
        let mut looks = 0;
        while all.as_mut().poll(&mut cx).is_pending() {
            looks += 1;
            assert!(looks < 100, "it does not come to an end");
        }
        assert_eq!(most.get(), MAX_RUNNING);
    }

    #[test]
    fn no_group_waits_for_another() {
        let done = Cell::new(0);
        // Each group begins with more futures that never end than may run at
        // all.
        let stuck = |group: usize| (0..MAX_RUNNING * 2).map(move |_| (group, false));
        let quick = |group: usize| (0..3).map(move |_| (group, true));
        let mut groups: Vec<Vec<_>> =
            (0..MAX_RUNNING).map(|group| stuck(group).collect()).collect();
        groups.push(quick(MAX_RUNNING).collect());
        let run = async |(_, quick)| {
            if quick { done.set(done.get() + 1) } else { std::future::pending().await }
        };
        let groups = groups.into_iter().map(|group| group.into_iter().map(run).collect());
        assert_eq!(join_groups(groups.collect()).now_or_never(), None);
        assert_eq!(done.get(), 3);
    }

    #[test]
    fn answers_of_groups_come_in_the_order_given() {
        let groups = [vec![1, 2, 3], vec![], vec![4]];
        let groups = groups.map(|group| group.into_iter().map(std::future::ready).collect());
        assert_eq!(join_groups(groups.into()).now_or_never(), Some(vec![1, 2, 3, 4]));
        assert_eq!(
            join_groups(Vec::<Vec<std::future::Ready<u8>>>::new()).now_or_never(),
            Some(vec![])
        );
    }

    #[test]
    fn the_first_error_is_the_answer_and_nothing_is_no_error() {
        let tried = try_join_bounded((0..5).map(async |n| if n < 3 { Ok(n) } else { Err(n) }));
        assert_eq!(tried.now_or_never(), Some(Err(3)));
        let begun = Cell::new(0);
        let tried = try_join_few(
            2,
            (0..9).map(async |n| {
                begun.set(begun.get() + 1);
                if n == 3 { Err(()) } else { Ok(()) }
            }),
        );
        assert_eq!((tried.now_or_never(), begun.get()), (Some(Err(())), 4));
        let none = join_bounded(std::iter::empty::<std::future::Ready<u8>>());
        assert_eq!(none.now_or_never(), Some(vec![]));
    }
}
