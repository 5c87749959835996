//! The request of the client.

use std::io::Read;

use bytes::Bytes;
use fastly::handle::{BodyHandle, RequestHandle, client_request_and_body};

use crate::executor;
use crate::handles::{self, Handle};
use crate::url::Url;
use kafka_edge::http::{BodyBroken, Request, RequestBody};

/// The size of a read of a body, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// Longer names of methods, and longer headers, are not passed on: the core refuses both.
const MAX_METHOD_BYTES: usize = 64;
const MAX_HEADER_BYTES: usize = 128 * 1024;

pub(crate) type Arrived = Request<FastlyBody>;

/// The request, and whether its answer has no body.
pub(crate) fn from_client() -> (Arrived, bool) {
    let (request, body) = client_request_and_body();
    let method = request.get_method(MAX_METHOD_BYTES).unwrap_or_default();
    let is_head = method == http::Method::HEAD;
    let url = String::from_utf8(handles::url(request.as_u32())).unwrap_or_default();
    let Url { scheme, authority, target } = Url::of(&url);
    let request = Request {
        method,
        target,
        headers: headers(&request),
        scheme,
        authority,
        client: request.client_ip_addr(),
        body: FastlyBody(body),
    };
    (request, is_head)
}

fn headers(request: &RequestHandle) -> Vec<(String, Bytes)> {
    let mut headers = Vec::new();
    let names = request.get_header_names(MAX_HEADER_BYTES);
    for name in names.filter_map(Result::ok) {
        let values = request.get_header_values(&name, MAX_HEADER_BYTES);
        for value in values.filter_map(Result::ok) {
            headers.push((name.as_str().to_owned(), Bytes::copy_from_slice(value.as_bytes())));
        }
    }
    headers
}

/// The body of the request.
#[derive(Debug)]
pub(crate) struct FastlyBody(BodyHandle);

impl RequestBody for FastlyBody {
    async fn chunk(&mut self) -> Option<Result<Bytes, BodyBroken>> {
        executor::ready(Handle::of_body(&self.0)).await;
        let mut piece = vec![0; CHUNK_BYTES];
        match self.0.read(&mut piece) {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some(Ok(piece.into()))
            }
            Err(_) => Some(Err(BodyBroken)),
        }
    }
}
