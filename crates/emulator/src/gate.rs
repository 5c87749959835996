//! Checks before every call: the web server's own refusals, credentials,
//! disabled calls and the general rate limit.

use crate::core::Core;
use crate::http::{Call, Reply, RestError, html_error};
use crate::options::{BasicAuth, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method, header};

/// What the web server refuses before it looks for a call.
pub(crate) fn malformed(core: &Core, call: &Call) -> Option<Reply> {
    let version = core.options.version;
    if version == Version::V8_3_1
        && let Some(what) = ambiguity(&call.path)
    {
        let mut reply =
            html_error(page(version, &format!("Ambiguous URI {what} segment"), "/badURI"));
        reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return Some(reply);
    }
    if call.header(header::CONTENT_TYPE) == Some("") {
        let uri = match version {
            Version::V7_9_9 => call.path.clone(),
            Version::V8_3_1 => format!("{}{}", call.origin, call.path),
        };
        return Some(html_error(page(version, "Bad Request", &uri)));
    }
    None
}

/// Why a path is ambiguous: an encoded dot segment, or an empty segment. 8.3.1
/// answers these with an HTML page (`recordings/8.3.1/v3-metadata.jsonl`).
fn ambiguity(path: &str) -> Option<&'static str> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (_, inner) = segments.split_last()?;
    if inner.iter().any(|segment| segment.is_empty()) {
        return Some("empty");
    }
    let dots = |segment: &str| matches!(segment.to_ascii_lowercase().as_str(), "%2e" | "%2e%2e");
    segments.iter().any(|segment| dots(segment)).then_some("path")
}

fn page(version: Version, message: &str, uri: &str) -> String {
    let line_end = if version == Version::V7_9_9 { "" } else { "\n" };
    format!(
        "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n<title>Error 400 {message}</title>\n</head>\n<body>{line_end}<h2>HTTP ERROR 400 {message}</h2>\n<table>\n<tr><th>URI:</th><td>{uri}</td></tr>\n<tr><th>STATUS:</th><td>400</td></tr>\n<tr><th>MESSAGE:</th><td>{message}</td></tr>\n</table>\n\n</body>\n</html>\n"
    )
}

/// Refuses callers without the credentials, disabled calls, and calls over the
/// rate limit.
pub(crate) fn admit(core: &Core, call: &Call, route: &str) -> Result<(), RestError> {
    if let Some(auth) = &core.options.basic_auth
        && !is_authorised(auth, call.header(header::AUTHORIZATION))
    {
        return Err(RestError::unauthorized());
    }
    let mut blocked = core.options.endpoint_blocklist.iter().filter_map(|b| b.split_once(' '));
    if blocked.any(|(method, path)| method == call.method.as_str() && path == route) {
        return Err(match call.method {
            Method::GET => RestError::not_found(),
            _ => RestError { of_framework: false, ..RestError::method_not_allowed() },
        });
    }
    // v3 produce has limits of its own.
    let limited = !route.contains("/records") || call.prefix.is_empty();
    if limited && !core.limits.admit_call() {
        return Err(RestError::too_many_requests());
    }
    Ok(())
}

fn is_authorised(auth: &BasicAuth, header: Option<&str>) -> bool {
    let Some((scheme, encoded)) = header.and_then(|h| h.split_once(' ')) else { return false };
    let expected = STANDARD.encode(format!("{}:{}", auth.key, auth.secret));
    scheme.eq_ignore_ascii_case("basic") && encoded.trim() == expected
}
