//! Translations between the types of a version of `wasi:http` and ours.

/// Makes `from_wasi_method`, `to_wasi_method`, `from_wasi_scheme`, `to_wasi_scheme` and
/// `from_error_code` for the module with the types of a version of `wasi:http`.
#[macro_export]
macro_rules! translations {
    ($($types:tt)*) => {
        use $($types)* as wasi_types;

        pub(crate) fn from_wasi_method(
            method: wasi_types::Method,
        ) -> Result<http::Method, wasi_types::ErrorCode> {
            use wasi_types::Method as M;
            Ok(match method {
                M::Get => http::Method::GET,
                M::Head => http::Method::HEAD,
                M::Post => http::Method::POST,
                M::Put => http::Method::PUT,
                M::Delete => http::Method::DELETE,
                M::Connect => http::Method::CONNECT,
                M::Options => http::Method::OPTIONS,
                M::Trace => http::Method::TRACE,
                M::Patch => http::Method::PATCH,
                M::Other(name) => http::Method::from_bytes(name.as_bytes())
                    .map_err(|_| wasi_types::ErrorCode::HttpRequestMethodInvalid)?,
            })
        }

        pub(crate) fn to_wasi_method(method: &http::Method) -> wasi_types::Method {
            use wasi_types::Method as M;
            match method.as_str() {
                "GET" => M::Get,
                "HEAD" => M::Head,
                "POST" => M::Post,
                "PUT" => M::Put,
                "DELETE" => M::Delete,
                "PATCH" => M::Patch,
                "OPTIONS" => M::Options,
                other => M::Other(other.to_owned()),
            }
        }

        pub(crate) fn from_wasi_scheme(scheme: wasi_types::Scheme) -> String {
            match scheme {
                wasi_types::Scheme::Http => "http".into(),
                wasi_types::Scheme::Https => "https".into(),
                wasi_types::Scheme::Other(name) => name,
            }
        }

        pub(crate) fn to_wasi_scheme(uri: &http::Uri) -> wasi_types::Scheme {
            match uri.scheme_str() {
                Some("http") => wasi_types::Scheme::Http,
                _ => wasi_types::Scheme::Https,
            }
        }

        /// What a host's error means for a request. It is `Sent::Not` only if no byte
        /// of the request can have been sent.
        pub(crate) fn from_error_code(
            code: wasi_types::ErrorCode,
        ) -> kafka_edge::host::SendError {
            use kafka_edge::host::{SendError, SendErrorKind as Kind, Sent};
            use wasi_types::ErrorCode as E;
            let (sent, kind) = match code {
                E::DnsTimeout | E::DnsError(_) | E::DestinationNotFound => (Sent::Not, Kind::Dns),
                E::DestinationUnavailable
                | E::DestinationIpUnroutable
                | E::ConnectionRefused
                | E::ConnectionLimitReached => (Sent::Not, Kind::Refused),
                E::DestinationIpProhibited | E::HttpRequestDenied => {
                    (Sent::Not, Kind::Forbidden("Look at the host's list of what may be reached"))
                }
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
    };
}
