//! The export of `wasi:http/incoming-handler@0.2`: converts requests and responses.

use std::time::Duration;

use bytes::Bytes;
use kafka_edge_wasi_http::{REQUEST_PIECE, headers};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{ErrorCode, Fields, IncomingRequest, OutgoingResponse, ResponseOutparam};

use super::Component;
use crate::contents::Contents;
use crate::executor;
use crate::host::Wasi02Host;
use crate::outgoing_body::Writer;
use crate::wasi::{from_wasi_method, from_wasi_scheme};
use kafka_edge::http::{self as api, Body, BodyBroken, RequestBody};

/// How long what an answer has left to be done may take, such as writing the position of a
/// group once its records have been sent. The limit on a call of the store is half of it.
const LINGER: Duration = Duration::from_secs(10);

impl Guest for Component {
    fn handle(request: IncomingRequest, answer: ResponseOutparam) {
        executor::run(respond(request, answer), LINGER);
    }
}

async fn respond(request: IncomingRequest, answer: ResponseOutparam) {
    let (request, is_head) = match from_wasi_request(request) {
        Ok(request) => {
            let is_head = request.method == http::Method::HEAD;
            (request, is_head)
        }
        Err(code) => return ResponseOutparam::set(answer, Err(code)),
    };
    let response = respond_to(request).await;
    send(response, is_head, answer).await;
}

#[cfg(not(feature = "probe"))]
async fn respond_to(request: api::Request<WasiBody>) -> api::Response {
    use kafka_edge::app::App;
    use kafka_edge::kafka::confluent::ConfluentLog;

    // Nothing is kept for the next request: what is under way here ends with it.
    let app = App::new(Wasi02Host::default(), ConfluentLog::new);
    api::handle(&app, request).await
}

#[cfg(feature = "probe")]
async fn respond_to(request: api::Request<WasiBody>) -> api::Response {
    let another = Wasi02Host::default;
    kafka_edge_contract::probe::answer(another(), another, &request.target).await
}

fn from_wasi_request(request: IncomingRequest) -> Result<api::Request<WasiBody>, ErrorCode> {
    #[cfg_attr(not(feature = "spin"), expect(unused_mut, reason = "Spin's own are taken out"))]
    let mut entries = request.headers().entries();
    #[cfg(feature = "spin")]
    let client = kafka_edge_wasi_http::of_spin::take_headers(&mut entries);
    #[cfg(not(feature = "spin"))]
    let client = None;
    Ok(api::Request {
        method: from_wasi_method(request.method())?,
        target: request.path_with_query().unwrap_or_else(|| "/".into()),
        headers: headers::of_request(entries),
        scheme: request.scheme().map(from_wasi_scheme),
        authority: request.authority(),
        client,
        body: WasiBody::Unopened(request),
    })
}

/// The body of a request. If the caller closes the connection, it breaks off.
enum WasiBody {
    /// Most requests have none, and opening one costs several calls of the host.
    Unopened(IncomingRequest),
    Opened(Contents),
    Broken,
}

impl RequestBody for WasiBody {
    async fn chunk(&mut self) -> Option<Result<Bytes, BodyBroken>> {
        if let Self::Unopened(request) = self {
            let contents = request.consume().ok();
            let contents = contents.and_then(|body| Contents::new(body, REQUEST_PIECE).ok());
            *self = contents.map_or(Self::Broken, Self::Opened);
        }
        match self {
            Self::Opened(contents) => Some(contents.next().await?.map_err(|_| BodyBroken)),
            Self::Unopened(_) | Self::Broken => Some(Err(BodyBroken)),
        }
    }
}

async fn send(response: api::Response, is_head: bool, answer: ResponseOutparam) {
    let api::Response { status, headers, body, on_sent } = response;
    let entries = headers::of_answer(headers, &body, is_head);
    let wasi = match to_wasi_response(status, &entries) {
        Ok(wasi) => wasi,
        Err(code) => return ResponseOutparam::set(answer, Err(code)),
    };
    let writer = wasi.body().ok().and_then(Writer::new);
    ResponseOutparam::set(answer, Ok(wasi));
    let Some(writer) = writer else { return };
    // What a `HEAD` would have got goes nowhere.
    let sent = match body {
        Body::Whole(bytes) => bytes.is_empty() || is_head || writer.write(&bytes).await.is_ok(),
        Body::Stream(_) if is_head => true,
        Body::Stream(mut source) => stream(&mut *source, &writer).await,
    };
    // The host has the whole body. It does not report whether the caller gets it; one that
    // is gone drops `on_sent`.
    if sent
        && writer.finish()
        && let Some(sent) = on_sent
    {
        sent();
    }
}

fn to_wasi_response(
    status: http::StatusCode,
    entries: &headers::Entries,
) -> Result<OutgoingResponse, ErrorCode> {
    let failed = |error: &dyn std::fmt::Debug| ErrorCode::InternalError(Some(format!("{error:?}")));
    let headers = Fields::from_list(entries).map_err(|error| failed(&error))?;
    let wasi = OutgoingResponse::new(headers);
    wasi.set_status_code(status.as_u16()).map_err(|()| ErrorCode::ConfigurationError)?;
    Ok(wasi)
}

/// Sends a body while it is produced: the next piece is requested after the host has taken
/// the one before it. Returns whether the host took all of it.
async fn stream(source: &mut dyn api::Source, writer: &Writer) -> bool {
    while let Some(piece) = source.next().await {
        if writer.write(&piece).await.is_err() {
            return false;
        }
    }
    true
}
