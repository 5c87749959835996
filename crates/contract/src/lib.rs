//! What each implementation of a trait at the core's edge promises: a function for each
//! promise, which panics where it is not kept. The name of the function is the promise.
//!
//! `tests/contract` plays them natively. With the feature `probe` a platform's component
//! answers a request by playing one, so that they are played on the platform itself.

mod names;

pub mod host;
pub mod log;
pub mod probe;
pub mod store;

use std::future::Future;
use std::time::Duration;

use kafka_edge::host::{Clock, Host, Store};
use kafka_edge::kafka::Log;

/// A store that is empty at first.
pub trait Stores {
    type Store: Store;

    /// A handle to it for one more instance.
    fn open(&self) -> Self::Store;

    /// Lets time pass, by the store's clock.
    fn pass(&self, time: Duration) -> impl Future<Output = ()>;
}

/// A host that a request can be sent to.
pub trait Serves {
    type Host: Host;

    fn host(&self) -> Self::Host;

    /// Does a request's work; when it returns, the request is answered.
    fn serve(&self, request: impl Future<Output = ()> + 'static) -> impl Future<Output = ()>;
}

/// A Kafka server with a topic `orders` of three partitions, empty at first, and what
/// happens to it behind a log's back.
pub trait Logs {
    type Log: Log;
    type Clock: Clock;

    /// The log as one more instance of the gateway reaches it.
    fn log(&self) -> Self::Log;

    /// What the log waits by.
    fn clock(&self) -> Self::Clock;

    /// How much longer than a limit an answer may take by that clock. In virtual time
    /// nothing but waits takes any.
    fn slack(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// Appends records to a partition of `orders`.
    fn append(&self, partition: i32, count: usize) -> impl Future<Output = ()>;

    /// Deletes the records of `orders` below an offset, as retention does.
    fn delete_before(&self, partition: i32, offset: i64) -> impl Future<Output = ()>;
}
