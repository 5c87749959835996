//! Behind the export of `wasi:http/handler@0.3.0`: converts requests and responses.

use std::cell::Cell;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use kafka_edge_wasi_http::{REQUEST_PIECE, headers};
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response};
use wasip3::{wit_future, wit_stream};
use wit_bindgen::StreamWriter;

use crate::contents::Contents;
use crate::spawn::{finished, has_unfinished, let_go, starting_tasks};
use crate::wasi::{from_wasi_method, from_wasi_scheme};
use kafka_edge::http::{self as api, Body, BodyBroken, RequestBody, Source};

/// How long what an answer has left to be done may take, such as writing the position of a
/// group once its records have been sent. A call of the store has the same limit.
const LONGEST_HOLD: Duration = Duration::from_secs(5);

/// What a host does with an instance whose request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The instance goes on until its tasks have ended.
    GoesOn,
    /// It ends with its first answer, if it does not get another request. So the end of
    /// that answer is held back until what it has left to be done is done.
    WithTheAnswer,
}

thread_local! {
    /// How many requests this instance has got.
    static REQUESTS: Cell<u64> = const { Cell::new(0) };
}

fn is_reused() -> bool {
    REQUESTS.get() > 1
}

/// Has a request answered. `take_headers` takes away those that the host has added, and
/// finds the address of the client in them.
pub async fn handle(
    request: Request,
    ending: Ending,
    take_headers: fn(&mut headers::Entries) -> Option<IpAddr>,
    answer: impl AsyncFnOnce(api::Request<WasiBody>) -> api::Response,
) -> Result<Response, ErrorCode> {
    REQUESTS.set(REQUESTS.get() + 1);
    if is_reused() {
        let_go();
    }
    let head = request.get_method();
    let is_head = matches!(head, Method::Head);
    let request = from_wasi_request(head, request, take_headers)?;
    let response = starting_tasks(answer(request)).await;
    to_wasi_response(response, is_head, ending)
}

fn from_wasi_request(
    method: Method,
    request: Request,
    take_headers: fn(&mut headers::Entries) -> Option<IpAddr>,
) -> Result<api::Request<WasiBody>, ErrorCode> {
    let mut headers = request.get_headers().copy_all();
    let client = take_headers(&mut headers);
    Ok(api::Request {
        method: from_wasi_method(method)?,
        target: request.get_path_with_query().unwrap_or_else(|| "/".into()),
        headers: headers::of_request(headers),
        scheme: request.get_scheme().map(from_wasi_scheme),
        authority: request.get_authority(),
        client,
        body: WasiBody::new(request),
    })
}

/// The body of a request. The host counts it as read or refused once this is
/// dropped. If the caller closes the connection, the body breaks off.
pub struct WasiBody(Reading);

enum Reading {
    /// Most requests have none, and opening one costs several calls of the host.
    Unopened(Option<Request>),
    Opened(Contents),
}

impl WasiBody {
    fn new(request: Request) -> Self {
        Self(Reading::Unopened(Some(request)))
    }
}

impl RequestBody for WasiBody {
    async fn chunk(&mut self) -> Option<Result<Bytes, BodyBroken>> {
        if let Reading::Unopened(request) = &mut self.0 {
            let (_handled, result) = wit_future::new(|| Ok(()));
            let contents = Request::consume_body(request.take()?, result);
            self.0 = Reading::Opened(Contents::new(contents, REQUEST_PIECE));
        }
        match &mut self.0 {
            Reading::Opened(contents) => Some(contents.next().await?.map_err(|_| BodyBroken)),
            Reading::Unopened(_) => None,
        }
    }
}

impl fmt::Debug for WasiBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiBody").finish_non_exhaustive()
    }
}

/// The answer is sent as a stream, which shows when the host has taken all of
/// it.
fn to_wasi_response(
    response: api::Response,
    is_head: bool,
    ending: Ending,
) -> Result<Response, ErrorCode> {
    let api::Response { status, headers, body, on_sent } = response;
    let is_last = ending == Ending::WithTheAnswer && !is_reused();
    let holds = is_last && (on_sent.is_some() || has_unfinished());
    // With a length the answer would end with its last byte, and the instance with it.
    let entries = headers::of_answer(headers, &body, is_head || holds);
    let headers = Fields::from_list(&entries)
        .map_err(|error| ErrorCode::InternalError(Some(format!("{error:?}"))))?;
    let (done, trailers) = wit_future::new(|| Ok(None));
    let (mut writer, contents) = wit_stream::new();
    let contents = (!body.is_empty()).then_some(contents);
    let (wasi, _transmitted) = Response::new(headers, contents, trailers);
    if status != http::StatusCode::OK {
        wasi.set_status_code(status.as_u16()).map_err(|()| ErrorCode::ConfigurationError)?;
    }
    wit_bindgen::spawn(starting_tasks(async move {
        let sent = match body {
            Body::Whole(bytes) => writer.write_all(bytes.into()).await.is_empty(),
            Body::Stream(mut source) => send(&mut *source, &mut writer).await,
        };
        if !sent {
            // The caller is gone; `on_sent` is dropped.
            return;
        }
        // The host has the whole body. It does not report whether the caller
        // gets it.
        if let Some(sent) = on_sent {
            sent();
        }
        if holds && !is_reused() {
            finished(LONGEST_HOLD).await;
        }
        drop(writer);
        // The host may want no trailers; they are empty.
        let _ = done.write(Ok(None)).await;
    }));
    Ok(wasi)
}

/// Sends a body while it is produced: the next piece is requested after the
/// host has taken the one before it. Returns whether the host took all of it.
async fn send(source: &mut dyn Source, writer: &mut StreamWriter<u8>) -> bool {
    while let Some(piece) = source.next().await {
        if !writer.write_all(piece.into()).await.is_empty() {
            return false;
        }
    }
    true
}
