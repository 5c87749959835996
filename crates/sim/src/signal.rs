//! The signal between requests of a simulated instance, over a channel of tokio.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

/// Dropping it wakes its [`Wait`].
#[derive(Debug)]
pub struct Wake(#[expect(dead_code, reason = "held for its drop")] oneshot::Sender<()>);

/// Resolves once its [`Wake`] is dropped.
#[derive(Debug)]
pub struct Wait(oneshot::Receiver<()>);

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(|_| ())
    }
}

pub(crate) fn pair() -> (Wake, Wait) {
    let (wake, wait) = oneshot::channel();
    (Wake(wake), Wait(wait))
}
