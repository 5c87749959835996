//! For how long everything stands still meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a ticket of the state protocol is good for (`GRACE` in `src/state/lane/params.rs`).
/// A holder that stands still for longer is followed, and its record comes again.
pub(crate) const GRACE: Duration = Duration::from_secs(3);

const PAUSE: Duration = Duration::from_millis(20);

/// Measures the longest time for which this process did not run, and for which its
/// runtime did not come to a task that was due: instances run on the runtime's threads, and
/// where these are busy the process is still given its share.
pub(crate) struct Stalls {
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Duration>,
    task: tokio::task::JoinHandle<Duration>,
}

impl Stalls {
    pub(crate) fn start() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (here, there) = (over.clone(), over.clone());
        let thread = std::thread::spawn(move || {
            let mut rounds = Rounds::begin();
            while !here.load(Ordering::Relaxed) {
                std::thread::sleep(PAUSE);
                rounds.end_one();
            }
            rounds.longest
        });
        let task = tokio::spawn(async move {
            let mut rounds = Rounds::begin();
            while !there.load(Ordering::Relaxed) {
                tokio::time::sleep(PAUSE).await;
                rounds.end_one();
            }
            rounds.longest
        });
        Self { over, thread, task }
    }

    /// The longer of the two.
    pub(crate) async fn stop(self) -> Duration {
        self.over.store(true, Ordering::Relaxed);
        let task = self.task.await.expect("it only sleeps");
        self.thread.join().expect("it only sleeps").max(task)
    }
}

struct Rounds {
    longest: Duration,
    last: Instant,
}

impl Rounds {
    fn begin() -> Self {
        Self { longest: Duration::ZERO, last: Instant::now() }
    }

    fn end_one(&mut self) {
        let now = Instant::now();
        self.longest = self.longest.max(now - self.last);
        self.last = now;
    }
}
