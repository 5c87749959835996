//! What went wrong below, in the words of `wasi:http`.

use super::{DnsErrorPayload, ErrorCode};
use std::error::Error as _;
use std::io;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::p3::bindings::http::types::TlsAlertReceivedPayload;

/// A name that could not be resolved.
pub(super) fn dns(error: &io::Error) -> ErrorCode {
    ErrorCode::DnsError(DnsErrorPayload { rcode: Some(error.to_string()), info_code: None })
}

/// A TCP connection that did not come about.
pub(super) fn connect(error: &io::Error) -> ErrorCode {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => {
            ErrorCode::ConnectionRefused
        }
        io::ErrorKind::TimedOut => ErrorCode::ConnectionTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            ErrorCode::DestinationIpUnroutable
        }
        _ => ErrorCode::DestinationUnavailable,
    }
}

/// A TLS handshake that failed.
pub(super) fn tls(error: &io::Error) -> ErrorCode {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(rustls::Error::InvalidCertificate(_)) => ErrorCode::TlsCertificateError,
        Some(rustls::Error::AlertReceived(alert)) => {
            ErrorCode::TlsAlertReceived(TlsAlertReceivedPayload {
                alert_id: Some((*alert).into()),
                alert_message: Some(format!("{alert:?}")),
            })
        }
        _ => ErrorCode::TlsProtocolError,
    }
}

/// An exchange that broke once it had begun.
pub(super) fn exchange(error: &hyper::Error) -> ErrorCode {
    if error.is_parse_too_large() {
        return ErrorCode::HttpResponseHeaderSectionSize(None);
    }
    if error.is_parse() {
        return ErrorCode::HttpProtocolError;
    }
    if error.is_user() {
        // The request's own body ended in an error: the guest gave it up.
        return ErrorCode::InternalError(Some("the request body failed".to_owned()));
    }
    ErrorCode::ConnectionTerminated
}

/// A response body that broke.
pub(super) fn body(error: &hyper::Error) -> Error {
    let malformed = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|source| source.kind() == io::ErrorKind::InvalidInput);
    if malformed { Error::HttpProtocolError } else { Error::ConnectionTerminated }
}
