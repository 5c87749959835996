//! Requests to other servers, each over a dynamic backend.

use std::time::Duration;

use fastly::Backend;
use fastly::backend::BackendCreationError;
use fastly::handle::{BodyHandle, CacheOverride, PendingRequestHandle, RequestHandle};
use fastly::http::Url;
use fastly::http::request::SendErrorCause;
use futures_util::future::{Either, select};
use std::io::Write;

use super::body::FastlyBody;
use crate::executor;
use crate::handles::Handle;
use crate::names;
use kafka_edge::host::{Incoming, Outgoing, SendError, SendErrorKind, Sent};

/// How large the headers of an answer may be, in bytes.
const MAX_HEADER_BYTES: usize = 128 * 1024;

/// The limits that a backend may have, in seconds. A service may have 200 dynamic backends,
/// and each combination is one: the exact limits are kept by timers of our own.
const LIMITS: [u64; 4] = [5, 20, 60, 110];

pub(super) async fn send(request: Outgoing) -> Result<Incoming<FastlyBody>, SendError> {
    let timeout = request.read_timeout;
    let pending = start(request)?;
    let ready = Box::pin(executor::ready(Handle(pending.as_u32())));
    if let Either::Right(_) = select(ready, Box::pin(executor::sleep(timeout))).await {
        return Err(SendError { sent: Sent::Perhaps, kind: SendErrorKind::Timeout });
    }
    let (head, body) = pending.wait().map_err(|cause| meaning(&cause))?;
    let mut headers = http::HeaderMap::new();
    for name in head.get_header_names(MAX_HEADER_BYTES).filter_map(Result::ok) {
        let values = head.get_header_values(&name, MAX_HEADER_BYTES);
        for value in values.filter_map(Result::ok) {
            headers.append(name.clone(), value);
        }
    }
    Ok(Incoming { status: head.get_status(), headers, body: FastlyBody::new(body, timeout) })
}

fn start(request: Outgoing) -> Result<PendingRequestHandle, SendError> {
    let backend = backend(&request)?;
    let mut handle = RequestHandle::new();
    handle.set_method(&request.method);
    // The Host header comes from the URL, and not from the backend.
    let url = Url::parse(&request.uri.to_string()).map_err(|_| unsendable())?;
    handle.set_url(&url);
    for name in request.headers.keys() {
        handle.set_header_values(name, request.headers.get_all(name));
    }
    // Without it the answer to a GET may come from Fastly's cache.
    handle.set_cache_override(&CacheOverride::pass());
    let mut body = BodyHandle::new();
    body.write_all(&request.body).map_err(|_| unsendable())?;
    handle.send_async(body, backend.name()).map_err(|cause| meaning(&cause))
}

/// A backend for the request's server. It can be made once in an execution, and its
/// connections are pooled over executions for the same name and settings: so the name is a
/// digest of all of them. A host name alone may be as long as a backend's may (255 bytes).
fn backend(request: &Outgoing) -> Result<Backend, SendError> {
    let uri = &request.uri;
    let host = uri.host().ok_or_else(unsendable)?;
    let is_tls = uri.scheme_str() != Some("http");
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let connect = limit(request.connect_timeout);
    let read = limit(request.read_timeout);
    let scheme = if is_tls { "https" } else { "http" };
    let name = names::backend(&format!("{scheme}/{host}/{port}/{connect}/{read}"));
    let target = format!("{host}:{port}");
    let mut builder = Backend::builder(&name, target)
        .connect_timeout(Duration::from_secs(connect))
        .first_byte_timeout(Duration::from_secs(read))
        .between_bytes_timeout(Duration::from_secs(read));
    // All three of them: without the last one the service takes any name in the certificate.
    builder = match is_tls {
        true => builder.enable_ssl().sni_hostname(host).check_certificate(host),
        false => builder.disable_ssl(),
    };
    match builder.finish() {
        Ok(backend) => Ok(backend),
        // It was made by an earlier request of this execution.
        Err(BackendCreationError::NameInUse) => Backend::from_name(&name).map_err(|_| unsendable()),
        Err(BackendCreationError::Disallowed) => {
            Err(forbidden("The service has to allow dynamic backends"))
        }
        Err(_) => Err(unsendable()),
    }
}

/// The smallest of the limits that is above this one, so that our own timer ends the request
/// and says which; the largest, if none is.
fn limit(time: Duration) -> u64 {
    let is_enough = |limit: &&u64| Duration::from_secs(**limit) > time;
    *LIMITS.iter().find(is_enough).unwrap_or(&LIMITS[LIMITS.len() - 1])
}

/// The execution has used up what it may send.
pub(super) fn one_too_many() -> SendError {
    forbidden("An execution may send 32 requests to other servers")
}

fn forbidden(where_to_look: &'static str) -> SendError {
    SendError { sent: Sent::Not, kind: SendErrorKind::Forbidden(where_to_look) }
}

fn unsendable() -> SendError {
    SendError { sent: Sent::Not, kind: SendErrorKind::Protocol }
}

/// What a failure means for a request. It is [`Sent::Not`] only if no byte of it can have
/// been sent. Fastly's local server says `InternalError` for a refused connection, a failed
/// resolution, TLS and timeouts alike (Viceroy 0.22.0, `reference/fastly.md`).
fn meaning(cause: &SendErrorCause) -> SendError {
    use SendErrorCause as C;
    use SendErrorKind as Kind;
    let (sent, kind) = match cause {
        C::DnsTimeout | C::DnsError { .. } | C::DestinationNotFound => (Sent::Not, Kind::Dns),
        C::DestinationUnavailable
        | C::DestinationIpUnroutable
        | C::ConnectionRefused
        | C::ConnectionLimitReached => (Sent::Not, Kind::Refused),
        C::ConnectionTimeout => (Sent::Not, Kind::Timeout),
        C::TlsCertificateError | C::TlsConfigurationError => (Sent::Not, Kind::Tls),
        // These can also come in the middle of a connection.
        C::TlsProtocolError | C::TlsAlertReceived { .. } => (Sent::Perhaps, Kind::Tls),
        C::HttpResponseTimeout => (Sent::Perhaps, Kind::Timeout),
        C::ConnectionTerminated | C::HttpIncompleteResponse => (Sent::Perhaps, Kind::Broken),
        C::HttpResponseStatusInvalid
        | C::HttpResponseHeaderSectionTooLarge
        | C::HttpResponseBodyTooLarge
        | C::HttpUpgradeFailed => (Sent::Perhaps, Kind::Protocol),
        _ => (Sent::Perhaps, Kind::Broken),
    };
    SendError { sent, kind }
}
