//! The answer to the client.

use std::io::Write;

use fastly::handle::{BodyHandle, ResponseHandle, StreamingBodyHandle};

use crate::executor;
use crate::handles::Handle;
use kafka_edge::http::{Body, Response, Source};

/// Sends the answer. A body that is made piece by piece goes as it is made, and the rest of
/// the execution runs beside it.
pub(crate) async fn send(response: Response, is_head: bool) {
    let Response { status, headers, body, on_sent } = response;
    let mut head = ResponseHandle::new();
    head.set_status(status);
    for (name, value) in headers {
        if let Ok(value) = http::HeaderValue::try_from(value) {
            head.append_header(&name, &value);
        }
    }
    let sent = match body {
        Body::Whole(bytes) => {
            let mut body = BodyHandle::new();
            // What is written here waits for nobody: the host has the whole of it first.
            let written = is_head || body.write_all(&bytes).is_ok();
            head.send_to_client(body);
            written
        }
        Body::Stream(_) if is_head => {
            head.send_to_client(BodyHandle::new());
            false
        }
        Body::Stream(mut source) => {
            let mut body = head.stream_to_client(BodyHandle::new());
            match stream(&mut *source, &mut body).await {
                true => body.finish().is_ok(),
                // The client is gone.
                false => false,
            }
        }
    };
    // The host has all of it. It does not report whether the client gets it.
    if let (true, Some(on_sent)) = (sent, on_sent) {
        on_sent();
    }
}

/// Returns whether the host took all pieces.
async fn stream(source: &mut dyn Source, body: &mut StreamingBodyHandle) -> bool {
    while let Some(piece) = source.next().await {
        // A write waits for a slow client, and everything else with it; so the client has to
        // be ready first.
        executor::ready(Handle::of_stream(body)).await;
        if body.write_all(&piece).and_then(|()| body.flush()).is_err() {
            return false;
        }
    }
    true
}
