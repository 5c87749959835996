//! Requests to other servers, over `wasi:http@0.2`.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use kafka_edge_wasi_http::{ANSWER_PIECE, headers, nanos, nonsense, unsendable};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, FutureIncomingResponse, IncomingResponse, OutgoingRequest, RequestOptions,
};

use super::body::AnswerBody;
use crate::contents::Contents;
use crate::executor::{self, Ready};
use crate::outgoing_body::Writer;
use crate::wasi::{from_error_code, to_wasi_method, to_wasi_scheme};
use kafka_edge::host::{Incoming, Outgoing, SendError};

pub(super) async fn send(request: Outgoing) -> Result<Incoming<AnswerBody>, SendError> {
    let (wasi, writer) = to_wasi_request(&request)?;
    let options = to_wasi_options(request.connect_timeout, request.read_timeout);
    let answer = outgoing_handler::handle(wasi, Some(options)).map_err(from_error_code)?;
    let mut body = writer.map(|writer| Box::pin(write(writer, request.body)));
    let mut head = pin!(head(answer));
    let response = poll_fn(|cx| {
        let head = head.as_mut().poll(cx);
        if body.as_mut().is_some_and(|body| body.as_mut().poll(cx).is_ready()) {
            body = None;
        }
        head
    });
    let response = response.await?;
    if let Some(rest) = body {
        // The server answered before it had the whole body.
        executor::spawn(rest);
    }
    from_wasi_response(&response)
}

fn to_wasi_request(request: &Outgoing) -> Result<(OutgoingRequest, Option<Writer>), SendError> {
    let length = request.body.len();
    let headers = headers::to_send(&request.headers, length);
    let wasi = OutgoingRequest::new(Fields::from_list(&headers).map_err(unsendable)?);
    wasi.set_method(&to_wasi_method(&request.method)).map_err(unsendable)?;
    wasi.set_scheme(Some(&to_wasi_scheme(&request.uri))).map_err(unsendable)?;
    let authority = request.uri.authority().map(http::uri::Authority::as_str);
    wasi.set_authority(authority).map_err(unsendable)?;
    let path = request.uri.path_and_query().map(http::uri::PathAndQuery::as_str);
    wasi.set_path_with_query(path).map_err(unsendable)?;
    if length == 0 {
        return Ok((wasi, None));
    }
    let body = wasi.body().map_err(unsendable)?;
    let writer = Writer::new(body).ok_or_else(|| unsendable(()))?;
    Ok((wasi, Some(writer)))
}

/// A body that could not be written ends with an error of the answer.
async fn write(writer: Writer, body: Bytes) {
    if writer.write(&body).await.is_ok() {
        writer.finish();
    }
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

async fn head(answer: FutureIncomingResponse) -> Result<IncomingResponse, SendError> {
    loop {
        match answer.get() {
            Some(Ok(response)) => return response.map_err(from_error_code),
            // The answer was taken before.
            Some(Err(())) => return Err(nonsense(())),
            None => Ready::new(answer.subscribe()).await,
        }
    }
}

fn from_wasi_response(response: &IncomingResponse) -> Result<Incoming<AnswerBody>, SendError> {
    let (status, headers) = headers::received(response.status(), response.headers().entries())?;
    let body = response.consume().map_err(nonsense)?;
    let contents = Contents::new(body, ANSWER_PIECE).map_err(nonsense)?;
    Ok(Incoming { status, headers, body: AnswerBody(contents) })
}
