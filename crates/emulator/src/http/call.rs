//! A parsed request.

use super::error::RestError;
use crate::options::Options;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, header, request::Parts};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

/// A request body of any origin; the error is only told apart from an end.
pub(crate) type RequestBody = UnsyncBoxBody<Bytes, BodyCut>;

/// The body ended before it was complete.
#[derive(Debug)]
pub(crate) struct BodyCut;

/// A request without its body.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path as it came.
    pub(crate) path: String,
    /// The path's parts, percent-decoded, without the API's prefix.
    pub(crate) segments: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    /// Scheme and authority for links.
    pub(crate) origin: String,
    /// The prefix before the path of a call: `/v3`, `/kafka/v3` or nothing.
    pub(crate) prefix: &'static str,
}

impl Call {
    pub(crate) fn new(parts: Parts, options: &Options) -> Call {
        let path = parts.uri.path().to_owned();
        let (prefix, rest) = split_prefix(&path);
        let segments = rest
            .trim_start_matches('/')
            .trim_end_matches('/')
            .split('/')
            .filter(|_| !rest.trim_matches('/').is_empty())
            .map(percent_decode)
            .collect();
        let query = parts.uri.query().map(parse_query).unwrap_or_default();
        let host = options.host_name.clone().or_else(|| {
            let host = parts.headers.get(header::HOST).and_then(|h| h.to_str().ok());
            host.or_else(|| parts.uri.authority().map(|a| a.as_str())).map(str::to_owned)
        });
        let scheme = parts.uri.scheme_str().unwrap_or("http");
        let origin = format!("{scheme}://{}", host.as_deref().unwrap_or("localhost"));
        Call { method: parts.method, path, segments, query, headers: parts.headers, origin, prefix }
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The first query parameter of that name.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A query parameter that must be a whole number. A wrong one is a 404:
    /// the proxy's framework finds no call that would take it.
    pub(crate) fn query_int(&self, name: &str) -> Result<Option<i64>, RestError> {
        match self.query(name) {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| RestError::not_found()),
        }
    }
}

fn split_prefix(path: &str) -> (&'static str, &str) {
    for prefix in ["/kafka/v3", "/v3"] {
        if let Some(rest) = path.strip_prefix(prefix)
            && (rest.is_empty() || rest.starts_with('/'))
        {
            return (prefix, rest);
        }
    }
    ("", path)
}

/// Decodes `%xx`. Invalid escapes stay as they are, and invalid UTF-8 is
/// replaced.
pub(crate) fn percent_decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn parse_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| percent_decode(&text.replace('+', " "));
            (decode(name), decode(value))
        })
        .collect()
}

/// Reads a whole body.
pub(crate) async fn collect(mut body: RequestBody) -> Result<Bytes, RestError> {
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|BodyCut| RestError::bad_request("Early EOF"))?;
        let Ok(data) = frame.into_data() else { continue };
        match &first {
            None => first = Some(data),
            Some(start) => {
                if rest.is_empty() {
                    rest.extend_from_slice(start);
                }
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(if rest.is_empty() { first.unwrap_or_default() } else { rest.freeze() })
}
