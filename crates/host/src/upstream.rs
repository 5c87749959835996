//! Where the component's outgoing HTTP goes.
//!
//! [`Network`] is the real thing: pooled HTTP/1.1 connections, TLS, timeouts.
//! Tests put something of their own in its place, often with the wrappers of
//! [`script`].
//!
//! A component must be able to distinguish "certainly not sent" from "unknown".
//! Of the errors that an [`Upstream`] here answers with, these mean that no
//! byte of the request has left: `DNS-*`, `destination-*`,
//! `connection-refused`, `connection-timeout`, `connection-limit-reached`,
//! `TLS-*`, `HTTP-request-denied`, `HTTP-request-URI-invalid`. After any other
//! one the request may have been acted upon.

mod connect;
mod errors;
mod network;
mod policy;
mod pool;
pub mod script;

pub use network::Network;
pub use policy::{Policy, is_public};
pub use wasmtime_wasi_http::RequestOptions;
pub use wasmtime_wasi_http::p3::bindings::http::types::{DnsErrorPayload, ErrorCode};

use crate::Body;
use async_trait::async_trait;

/// Sends the component's outgoing requests.
#[async_trait]
pub trait Upstream: Send + Sync + 'static {
    /// Sends one request, whose URI is absolute, and answers when the head of
    /// the response is there. Both bodies are streams; the response may begin
    /// while the request is still being written.
    async fn send(
        &self,
        request: http::Request<Body>,
        options: RequestOptions,
    ) -> Result<http::Response<Body>, ErrorCode>;
}
