//! What wakes the task of a desk.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use crate::concurrent::Running;
use crate::host::Host;
use crate::services::consume::desk::Bell;

/// The longest time that the task sleeps.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// A bell and a timer. Both stay as they are until they have woken the task: each costs
/// a call of the host.
pub(super) struct Alarm<H: Host> {
    host: H,
    bell: Bell<H::Wake>,
    rings: Option<H::Wait>,
    /// With the time that it is set to.
    timer: Option<(Duration, Sleep)>,
}

type Sleep = Pin<Box<dyn Future<Output = ()>>>;

impl<H: Host> Alarm<H> {
    pub(super) fn new(host: H, bell: Bell<H::Wake>) -> Self {
        Self { host, bell, rings: None, timer: None }
    }

    /// The next result of what runs. `None`: the bell has rung, or the time may have
    /// come.
    pub(super) async fn next<T>(
        &mut self,
        running: &mut Running<'_, T>,
        time: Duration,
    ) -> Option<T> {
        let rings = self.rings.get_or_insert_with(|| {
            let (wake, rings) = self.host.signal();
            self.bell.ring_with(wake);
            rings
        });
        if self.timer.as_ref().is_none_or(|(set, _)| *set > time) {
            let (host, now) = (self.host.clone(), self.host.monotonic());
            let sleep = time.saturating_sub(now).min(LONGEST_SLEEP);
            let timer: Sleep = Box::pin(async move { host.sleep(sleep).await });
            self.timer = Some((now + sleep, timer));
        }
        let timer = &mut self.timer;
        let (result, has_rung) = poll_fn(|cx| {
            if let Poll::Ready(result) = running.poll_next(cx) {
                return Poll::Ready((Some(result), false));
            }
            if Pin::new(&mut *rings).poll(cx).is_ready() {
                return Poll::Ready((None, true));
            }
            match timer.as_mut().map(|(_, timer)| timer.as_mut().poll(cx)) {
                Some(Poll::Ready(())) => {
                    *timer = None;
                    Poll::Ready((None, false))
                }
                _ => Poll::Pending,
            }
        })
        .await;
        if has_rung {
            self.rings = None;
        }
        result
    }
}
