//! Threads that run instances and nothing else.
//!
//! On tokio's multi-thread runtime an instance shares its worker with the tasks of
//! connections. It wakes dozens of them at once, and they run before or after it on the same
//! thread, or are stolen one by one. Measured on 2 quiet cores with 64 callers of a produce
//! (2026-11-30): 5,925 calls a second there, for 240 µs of CPU each, and 10,440 for 157 µs
//! with the instance on a thread of its own; over an emulated REST proxy that is 0.58 and
//! 0.90 of what the proxy does alone. A call without others takes 0.1 ms longer (0.48 ms,
//! where it was 0.38), since two more threads have to wake. And on one core there is nothing
//! to win: 6,300 calls a second for 157 µs each, and 8,700 for 115 µs on the runtime's one
//! worker, which runs the instance and all that it wakes in turn.
//!
//! An instance stays on its thread. Two that compute on the same one wait for each other,
//! even if another thread has nothing to do.

use futures_util::future::BoxFuture;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;

type Task = BoxFuture<'static, ()>;

/// The threads of a host. They end when this is dropped and the instances on them have ended.
pub(crate) struct Threads {
    threads: Mutex<Vec<Thread>>,
}

#[derive(Default)]
struct Thread {
    /// Takes instances to it, once it has been started.
    tasks: Option<UnboundedSender<Task>>,
    /// Each instance on it has a clone.
    instances: Arc<()>,
}

impl Threads {
    /// A thread is started for the first instance that it gets.
    pub(crate) fn new(count: NonZeroUsize) -> Self {
        let threads = (0..count.get()).map(|_| Thread::default());
        Self { threads: Mutex::new(threads.collect()) }
    }

    /// A place for an instance. It counts as live from now on.
    pub(super) fn place(&self) -> io::Result<Place> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let next = with_fewest(threads.iter().map(|thread| Arc::strong_count(&thread.instances)));
        let thread = &mut threads[next];
        let tasks = match &mut thread.tasks {
            Some(tasks) => tasks,
            none => none.insert(start()?),
        };
        Ok(Place { tasks: tasks.clone(), instance: Arc::clone(&thread.instances) })
    }
}

/// Which thread gets the next instance, by how many live on each: the first of those with
/// the fewest, so that no more are started than are needed.
fn with_fewest(live: impl IntoIterator<Item = usize>) -> usize {
    live.into_iter().enumerate().min_by_key(|(_, live)| *live).map_or(0, |(thread, _)| thread)
}

/// A place on a thread.
pub(super) struct Place {
    tasks: UnboundedSender<Task>,
    instance: Arc<()>,
}

impl Place {
    /// Runs an instance on the thread.
    pub(super) fn run(self, instance: impl Future<Output = ()> + Send + 'static) {
        let place = self.instance;
        // A thread takes instances as long as there is somebody to send them.
        _ = self.tasks.send(Box::pin(async move {
            instance.await;
            drop(place);
        }));
    }
}

fn start() -> io::Result<UnboundedSender<Task>> {
    let (sender, tasks) = mpsc::unbounded_channel();
    let runtime = Own(Some(Builder::new_current_thread().enable_all().build()?));
    thread::Builder::new().name("instances".to_owned()).spawn(move || runtime.run(tasks))?;
    Ok(sender)
}

/// The runtime of a thread. It can be dropped anywhere, within another runtime too, and does
/// not wait for its blocking tasks: a look-up of a name may take long, and nobody needs it.
struct Own(Option<Runtime>);

impl Own {
    fn run(self, tasks: UnboundedReceiver<Task>) {
        if let Some(runtime) = &self.0 {
            runtime.block_on(run_all(tasks));
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Runs tasks until no more can come and all have ended. One that panics ends alone.
async fn run_all(mut tasks: UnboundedReceiver<Task>) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            task = tasks.recv() => match task {
                Some(task) => _ = running.spawn(task),
                None => break,
            },
            // Collects those that have ended.
            Some(_) = running.join_next() => {}
        }
    }
    while running.join_next().await.is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc as blocking;
    use std::thread::ThreadId;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn the_next_instance_goes_where_the_fewest_are() {
        for (live, next) in [
            (vec![0], 0),
            (vec![5], 0),
            (vec![0, 0, 0], 0),
            (vec![1, 0, 0], 1),
            (vec![1, 1, 0], 2),
            (vec![1, 1, 1], 0),
            (vec![2, 1, 3, 1], 1),
        ] {
            assert_eq!(with_fewest(live.iter().copied()), next, "{live:?}");
        }
    }

    fn threads(count: usize) -> Threads {
        Threads::new(NonZeroUsize::new(count).unwrap())
    }

    /// Runs something that ends with the sender, and tells its thread.
    fn occupy(threads: &Threads) -> (ThreadId, tokio::sync::oneshot::Sender<()>) {
        let (told, tells) = blocking::channel();
        let (end, ended) = tokio::sync::oneshot::channel();
        threads.place().unwrap().run(async move {
            told.send(thread::current().id()).unwrap();
            _ = ended.await;
        });
        (tells.recv_timeout(LONG).unwrap(), end)
    }

    #[test]
    fn instances_are_spread_and_a_free_thread_is_used_again() {
        let threads = threads(2);
        let (one, end_one) = occupy(&threads);
        let (two, _end_two) = occupy(&threads);
        let (three, _end_three) = occupy(&threads);
        assert_ne!(one, two);
        assert_eq!(one, three);
        drop(end_one);
        // Of two threads with one each the first is taken, once the first has one.
        let first = Arc::clone(&threads.threads.lock().unwrap()[0].instances);
        while Arc::strong_count(&first) > 3 {
            thread::yield_now();
        }
        drop(first);
        assert_eq!(occupy(&threads).0, one);
    }

    #[test]
    fn one_that_panics_ends_alone() {
        let threads = threads(1);
        let (thread, end) = occupy(&threads);
        threads.place().unwrap().run(async { panic!("a test's own panic") });
        let (same, _) = occupy(&threads);
        assert_eq!(thread, same);
        assert!(!end.is_closed());
    }

    #[test]
    fn a_thread_stays_until_its_instances_have_ended() {
        struct Told(blocking::Sender<()>);
        impl Drop for Told {
            fn drop(&mut self) {
                _ = self.0.send(());
            }
        }
        thread_local! {
            static AT_ITS_END: std::cell::RefCell<Option<Told>> = const { std::cell::RefCell::new(None) };
        }
        let (told, ended) = blocking::channel();
        let threads = threads(1);
        threads.place().unwrap().run(async move { AT_ITS_END.set(Some(Told(told))) });
        let (_, end) = occupy(&threads);
        let (late_told, late) = blocking::channel();
        // It has been sent, and the thread may not have taken it yet.
        threads.place().unwrap().run(async move { late_told.send(()).unwrap() });
        drop(threads);
        late.recv_timeout(LONG).unwrap();
        assert!(!end.is_closed());
        assert_eq!(ended.try_recv(), Err(blocking::TryRecvError::Empty));
        drop(end);
        ended.recv_timeout(LONG).unwrap();
    }
}
