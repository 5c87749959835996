//! When an instance ends.

use futures_util::future::BoxFuture;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::Sleep;

/// How far a host's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It serves.
    Open,
    /// Instances end as soon as they have nothing to do.
    Draining,
    /// Instances end now.
    Over,
}

/// Informs instances of the host's end, and the host of the end of its
/// instances.
#[derive(Debug)]
pub(crate) struct Closing {
    phase: watch::Sender<Phase>,
    live: watch::Sender<usize>,
}

impl Closing {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { phase: watch::Sender::new(Phase::Open), live: watch::Sender::new(0) })
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.phase.borrow() == Phase::Open
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Waits until a phase is reached.
    pub(crate) async fn reached(&self, phase: Phase) {
        let mut phases = self.phase.subscribe();
        // The sender lives as long as `self` does.
        _ = phases.wait_for(|now| *now >= phase).await;
    }

    pub(crate) fn instance_started(&self) {
        self.live.send_modify(|live| *live += 1);
    }

    pub(crate) fn instance_ended(&self) {
        self.live.send_modify(|live| *live -= 1);
    }

    /// Waits until no instance is left.
    pub(crate) async fn no_instances(&self) {
        let mut live = self.live.subscribe();
        _ = live.wait_for(|live| *live == 0).await;
    }
}

/// Ends an instance that has been idle for too long, or whose host ends.
pub(super) struct Expiration {
    idle_timeout: Duration,
    idle: Option<(Instant, Pin<Box<Sleep>>)>,
    draining: Option<BoxFuture<'static, ()>>,
    over: BoxFuture<'static, ()>,
}

impl Expiration {
    pub(super) fn new(idle_timeout: Duration, closing: &Arc<Closing>) -> Self {
        let reached = |phase| -> BoxFuture<'static, ()> {
            let closing = Arc::clone(closing);
            Box::pin(async move { closing.reached(phase).await })
        };
        Self {
            idle_timeout,
            idle: None,
            draining: Some(reached(Phase::Draining)),
            over: reached(Phase::Over),
        }
    }
}

impl Expiration {
    /// Whether the instance ends now, which has had nothing to do since then.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, idle: Option<Instant>) -> Poll<()> {
        if self.over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if let Some(draining) = &mut self.draining
            && draining.as_mut().poll(cx).is_ready()
        {
            self.draining = None;
        }
        let Some(since) = idle else {
            self.idle = None;
            return Poll::Pending;
        };
        if self.draining.is_none() {
            return Poll::Ready(());
        }
        let deadline = since + self.idle_timeout;
        match &mut self.idle {
            Some((at, _)) if *at == deadline => {}
            other => {
                let sleep = tokio::time::sleep_until(deadline.into());
                *other = Some((deadline, Box::pin(sleep)));
            }
        }
        match &mut self.idle {
            Some((_, sleep)) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
