//! A request as Spin hands it to a component.

use crate::Body;
use http::header::{HOST, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};

/// Completes the URI of a request as it comes over HTTP/1.1, and adds what
/// Spin adds. Of that a component sees everything as if it came from the
/// sender, a credential in the query of `spin-full-url` included.
pub(crate) fn as_spin_does(request: http::Request<Body>) -> http::Request<Body> {
    let mut request = with_authority(request);
    let full_url = request.uri().to_string();
    let path = request.uri().path().to_owned();
    let added = [
        ("spin-path-info", path.as_str()),
        ("spin-full-url", full_url.as_str()),
        ("spin-matched-route", "/..."),
        ("spin-base-path", "/"),
        ("spin-raw-component-route", "/..."),
        ("spin-component-route", ""),
        ("spin-client-addr", "127.0.0.1:1"),
    ];
    let headers = request.headers_mut();
    for (name, value) in added {
        // A URI has no character that a header does not take.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    request
}

fn with_authority(mut request: http::Request<Body>) -> http::Request<Body> {
    if request.uri().authority().is_some() {
        return request;
    }
    let host = request.headers().get(HOST);
    let authority = host
        .and_then(|host| Authority::try_from(host.as_bytes()).ok())
        .unwrap_or(Authority::from_static("localhost"));
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    if let Ok(uri) = http::Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}
