//! Errors of connections as those of `wasi:http`. Spin 4.1.0-pre uses only a
//! few of them (`reference/hosts.md`), and so does this crate.

use super::{DnsErrorPayload, ErrorCode};
use std::io;
use wasmtime_wasi_http::Error;

/// An exchange that broke once it had begun, or whose answer is no HTTP.
pub(super) const EXCHANGE: ErrorCode = ErrorCode::HttpProtocolError;

/// The same of a response body.
pub(super) const BODY: Error = Error::HttpProtocolError;

/// A TLS handshake that failed, whatever the reason.
pub(super) const TLS: ErrorCode = ErrorCode::TlsProtocolError;

/// A name that could not be resolved.
pub(super) fn dns(error: &io::Error) -> ErrorCode {
    ErrorCode::DnsError(DnsErrorPayload { rcode: Some(error.to_string()), info_code: None })
}

/// A TCP connection that did not come about.
pub(super) fn connect(error: &io::Error) -> ErrorCode {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => dns(error),
        _ => ErrorCode::ConnectionRefused,
    }
}
