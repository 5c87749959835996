//! Responses on their way out.

use crate::body::{self, Body};
use crate::host::HostError;
use crate::instances::Threads;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use serde_json::json;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use wasmtime_wasi_http::Error;

/// The answer in place of the component's own.
pub(crate) fn of_error(error: &HostError) -> http::Response<Body> {
    let status = match error {
        HostError::Closed | HostError::NoPlace => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let message = match error {
        HostError::Closed => "The server is shutting down.",
        HostError::NoPlace => "Too many instances of the component are at work.",
        HostError::NoInstance(_) => "The component could not be started.",
        _ => "The component failed while handling this request.",
    };
    let text = json!({ "error": message, "status": status.as_u16() });
    let mut response = http::Response::new(body::full(text.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Set by the instance that takes a request, and true once it has died.
pub(crate) type Died = Arc<OnceLock<Arc<AtomicBool>>>;

/// A response whose body breaks off if its instance dies. Without this such a
/// body would seem complete.
///
/// A body that the instance only passes on comes straight from a connection, and outlives the
/// instance. The connection does not outlive its thread.
pub(crate) fn of_instance(
    response: http::Response<Body>,
    died: Died,
    threads: Option<Arc<Threads>>,
) -> http::Response<Body> {
    response.map(|inner| InstanceBody { inner, died, _threads: threads }.boxed_unsync())
}

struct InstanceBody {
    inner: Body,
    died: Died,
    /// Stay as long as this is held.
    _threads: Option<Arc<Threads>>,
}

impl InstanceBody {
    fn has_died(&self) -> bool {
        let died = self.died.get();
        died.is_some_and(|died| died.load(Ordering::SeqCst))
    }
}

impl http_body::Body for InstanceBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if frame.is_none() && self.has_died() {
            return Poll::Ready(Some(Err(Error::ConnectionTerminated)));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream() && !self.has_died()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
