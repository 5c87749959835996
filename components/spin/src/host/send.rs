//! Requests to other servers, over `wasi:http@0.3.0`.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{
    ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme, Trailers,
};
use spin_sdk::wasip3::{wit_future, wit_stream};
use spin_sdk::wit_bindgen::{FutureReader, StreamReader};

use super::body::SpinBody;
use super::spawn::spawn;
use kafka_edge::host::{Incoming, Outgoing, SendError, SendErrorKind, Sent};

pub(super) async fn send(request: Outgoing) -> Result<Incoming<SpinBody>, SendError> {
    let (request, body) = to_wasi_request(request)?;
    let mut answer = pin!(client::send(request));
    let mut body = Some(Box::pin(body));
    let response = poll_fn(|cx| {
        let answer = answer.as_mut().poll(cx);
        if body.as_mut().is_some_and(|body| body.as_mut().poll(cx).is_ready()) {
            body = None;
        }
        answer
    });
    let response = response.await.map_err(from_error_code)?;
    if let Some(rest) = body {
        // The server answered before it had the whole body.
        spawn(rest);
    }
    from_wasi_response(response)
}

fn to_wasi_request(
    request: Outgoing,
) -> Result<(Request, impl Future<Output = ()> + 'static), SendError> {
    let length = request.body.len();
    let (contents, trailers, body) = body_stream(request.body);
    let options = to_wasi_options(request.connect_timeout, request.read_timeout);
    let headers = to_wasi_headers(request.headers, length)?;
    let (wasi, _transmitted) = Request::new(headers, contents, trailers, Some(options));
    wasi.set_method(&to_wasi_method(&request.method)).map_err(unsendable)?;
    let scheme = match request.uri.scheme_str() {
        Some("http") => Scheme::Http,
        _ => Scheme::Https,
    };
    wasi.set_scheme(Some(&scheme)).map_err(unsendable)?;
    let authority = request.uri.authority().map(http::uri::Authority::as_str);
    wasi.set_authority(authority).map_err(unsendable)?;
    let path = request.uri.path_and_query().map(http::uri::PathAndQuery::as_str);
    wasi.set_path_with_query(path).map_err(unsendable)?;
    Ok((wasi, body))
}

type TrailersResult = Result<Option<Trailers>, ErrorCode>;

/// The body as the host needs it: a stream, and a future that fills it while
/// the request is in progress. The future ends when the reader of the stream
/// does.
fn body_stream(
    body: Bytes,
) -> (Option<StreamReader<u8>>, FutureReader<TrailersResult>, impl Future<Output = ()> + 'static) {
    let (done, trailers) = wit_future::new(|| Ok(None));
    let (writer, contents) = if body.is_empty() {
        (None, None)
    } else {
        let (writer, contents) = wit_stream::new();
        (Some(writer), Some(contents))
    };
    let write = async move {
        if let Some(mut writer) = writer
            && !writer.write_all(body.into()).await.is_empty()
        {
            return;
        }
        // The reader may be gone; then the trailers are not read.
        let _ = done.write(Ok(None)).await;
    };
    (contents, trailers, write)
}

fn to_wasi_options(connect: Duration, read: Duration) -> RequestOptions {
    let options = RequestOptions::new();
    // A host that does not support one of these timeouts returns an error here,
    // and uses its own. Callers that need a limit have a timer of their own.
    let _ = options.set_connect_timeout(Some(nanos(connect)));
    let _ = options.set_first_byte_timeout(Some(nanos(read)));
    let _ = options.set_between_bytes_timeout(Some(nanos(read)));
    options
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn to_wasi_headers(headers: http::HeaderMap, length: usize) -> Result<Fields, SendError> {
    let mut entries: Vec<(String, Vec<u8>)> = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    // Without this header the body would be sent in chunks, and a receiver need
    // not accept a request without a length (RFC 9110, section 15.5.12).
    if length > 0 && !headers.contains_key(http::header::CONTENT_LENGTH) {
        entries.push(("content-length".into(), length.to_string().into_bytes()));
    }
    Fields::from_list(&entries).map_err(unsendable)
}

fn to_wasi_method(method: &http::Method) -> Method {
    match method.as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "PATCH" => Method::Patch,
        "OPTIONS" => Method::Options,
        other => Method::Other(other.to_owned()),
    }
}

fn from_wasi_response(response: Response) -> Result<Incoming<SpinBody>, SendError> {
    let status = http::StatusCode::from_u16(response.get_status_code()).map_err(nonsense)?;
    let mut headers = http::HeaderMap::new();
    for (name, value) in response.get_headers().copy_all() {
        let name = http::HeaderName::try_from(name).map_err(nonsense)?;
        headers.append(name, http::HeaderValue::from_bytes(&value).map_err(nonsense)?);
    }
    Ok(Incoming { status, headers, body: SpinBody::new(response) })
}

/// A request that cannot be expressed in the host's types was not sent.
fn unsendable<E>(_: E) -> SendError {
    SendError { sent: Sent::Not, kind: SendErrorKind::Protocol }
}

fn nonsense<E>(_: E) -> SendError {
    SendError { sent: Sent::Perhaps, kind: SendErrorKind::Protocol }
}

/// What a host's error means for a request. It is `Sent::Not` only if no byte
/// of the request can have been sent.
pub(super) fn from_error_code(code: ErrorCode) -> SendError {
    use ErrorCode as E;
    use SendErrorKind as Kind;
    let (sent, kind) = match code {
        E::DnsTimeout | E::DnsError(_) | E::DestinationNotFound => (Sent::Not, Kind::Dns),
        E::DestinationUnavailable
        | E::DestinationIpUnroutable
        | E::ConnectionRefused
        | E::ConnectionLimitReached => (Sent::Not, Kind::Refused),
        E::DestinationIpProhibited | E::HttpRequestDenied => (Sent::Not, Kind::Forbidden),
        E::ConnectionTimeout => (Sent::Not, Kind::Timeout),
        E::TlsProtocolError | E::TlsCertificateError => (Sent::Not, Kind::Tls),
        // A TLS alert can also come in the middle of a connection.
        E::TlsAlertReceived(_) => (Sent::Perhaps, Kind::Tls),
        E::HttpRequestMethodInvalid
        | E::HttpRequestUriInvalid
        | E::HttpRequestUriTooLong
        | E::HttpRequestLengthRequired
        | E::LoopDetected
        | E::ConfigurationError => (Sent::Not, Kind::Protocol),
        E::ConnectionReadTimeout | E::ConnectionWriteTimeout | E::HttpResponseTimeout => {
            (Sent::Perhaps, Kind::Timeout)
        }
        // Spin 4.1.0-pre reports the last one for every exchange that broke off
        // (`reference/hosts.md`).
        E::ConnectionTerminated | E::HttpResponseIncomplete | E::HttpProtocolError => {
            (Sent::Perhaps, Kind::Broken)
        }
        _ => (Sent::Perhaps, Kind::Protocol),
    };
    SendError { sent, kind }
}
