//! Compressed answers.

use super::body::ResponseBody;
use super::reply::Reply;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, header};
use std::io::Write;

/// Whether an `Accept-Encoding` header asks for gzip.
pub(crate) fn accepts_gzip(accept_encoding: Option<&str>) -> bool {
    accept_encoding.is_some_and(|value| {
        value.split(',').any(|part| {
            let mut part = part.split(';').map(str::trim);
            part.next() == Some("gzip") && part.all(|p| p != "q=0")
        })
    })
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// Compresses an answer of one piece. Streams do this themselves.
pub(crate) fn compress(reply: Reply) -> Reply {
    let (mut parts, body) = reply.into_parts();
    match body.into_whole() {
        Ok(bytes) => {
            let encoding = HeaderValue::from_static("gzip");
            parts.headers.insert(header::CONTENT_ENCODING, encoding);
            Reply::from_parts(parts, ResponseBody::gzipped(gzip(&bytes)))
        }
        Err(body) => Reply::from_parts(parts, body),
    }
}
