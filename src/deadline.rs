//! Limits the time of work.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::error::{ErrorKind, Result};
use crate::host::Clock;

/// Returns the result of `work`, or drops it after `limit` and returns `None`.
pub(crate) async fn within<T>(
    clock: &impl Clock,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    match select(pin!(work), pin!(clock.sleep(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// Does work that changes nothing, for a caller who waits no longer than
/// `limit`.
pub async fn or_timeout<T>(
    clock: &impl Clock,
    limit: Duration,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    within(clock, limit, work).await.unwrap_or(Err(ErrorKind::Timeout.into()))
}
