//! The exports of `wit/`, over the same services as the HTTP API.

#![allow(refining_impl_trait, reason = "each answer is of one type, whatever makes it")]

#[cfg(feature = "actions")]
mod actions;
#[cfg(feature = "configuration")]
mod config;
mod consumer;
mod convert;
mod credentials;
#[cfg(feature = "destinations")]
mod destinations;
mod follower;
mod producer;
mod secrets;
#[cfg(feature = "sources")]
mod sources;
mod subscriptions;
#[cfg(not(feature = "actions"))]
mod without_actions;
#[cfg(not(feature = "configuration"))]
mod without_configuration;
#[cfg(not(feature = "destinations"))]
mod without_destinations;
#[cfg(not(feature = "sources"))]
mod without_sources;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use kafka_edge::access::{AccessError, AllowedTopic, Grant};
use kafka_edge::telemetry::{Trace, for_trace};

use crate::app;
use crate::bindings::exports::kafka_edge::api::types::Error;
use kafka_edge_wasi03::start_tasks;

/// The answer to a call of another component, on its way. It has this type whatever is
/// done for it, so that what all calls do is in the component once for each type of
/// answer, and not for each call. The call has no trace of its caller's, so it begins one,
/// to which all events belong that it causes.
pub(crate) struct Answer<T> {
    trace: Trace,
    call: Pin<Box<dyn Future<Output = Result<T, Error>>>>,
}

/// Runs a call of another component.
fn answering<T>(call: impl Future<Output = Result<T, Error>> + 'static) -> Answer<T> {
    Answer { call: Box::pin(call), trace: trace() }
}

fn trace() -> Trace {
    Trace::begin(app().host())
}

impl<T> Future for Answer<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let poll = for_trace(self.trace, || self.call.as_mut().poll(cx));
        polled(poll.is_ready(), cx);
        poll
    }
}

/// What follows each poll, whatever the answer is.
fn polled(is_ready: bool, cx: &mut Context<'_>) {
    if is_ready {
        app().go_on_delivering();
    }
    start_tasks(cx);
}

/// What the component that is composed with this one may do: everything. Its
/// deployer has trusted it with all topics.
fn grant() -> Grant {
    Grant::open()
}

fn topic(name: String) -> Result<AllowedTopic, AccessError> {
    grant().topic(name)
}

fn topics(names: Vec<String>) -> Result<Vec<AllowedTopic>, AccessError> {
    grant().topics(names)
}
