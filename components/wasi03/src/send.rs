//! Requests to other servers, over `wasi:http@0.3.0`.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use kafka_edge_wasi_http::{headers, nanos, unsendable};
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Request, RequestOptions, Response, Trailers};
use wasip3::{wit_future, wit_stream};
use wit_bindgen::{FutureReader, StreamReader};

use crate::body::AnswerBody;
use crate::spawn::spawn;
use crate::wasi::{from_error_code, to_wasi_method, to_wasi_scheme};
use kafka_edge::host::{Incoming, Outgoing, SendError};

pub async fn send(request: Outgoing) -> Result<Incoming<AnswerBody>, SendError> {
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
    let headers = to_wasi_headers(&request.headers, length)?;
    let (wasi, _transmitted) = Request::new(headers, contents, trailers, Some(options));
    wasi.set_method(&to_wasi_method(&request.method)).map_err(unsendable)?;
    wasi.set_scheme(Some(&to_wasi_scheme(&request.uri))).map_err(unsendable)?;
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

fn to_wasi_headers(headers: &http::HeaderMap, length: usize) -> Result<Fields, SendError> {
    Fields::from_list(&headers::to_send(headers, length)).map_err(unsendable)
}

fn from_wasi_response(response: Response) -> Result<Incoming<AnswerBody>, SendError> {
    let (status, headers) =
        headers::received(response.get_status_code(), response.get_headers().copy_all())?;
    Ok(Incoming { status, headers, body: AnswerBody::new(response) })
}
