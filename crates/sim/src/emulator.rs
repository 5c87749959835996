//! The emulator as an upstream, without a socket.

use std::rc::Rc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full};
use kafka_edge::host::{Incoming, Outgoing};
use kafka_edge_emulator::Emulator;

use crate::body::{SimBody, broken};
use crate::world::Upstream;

/// Lets an emulator answer all requests, for any host. Dropping a request
/// closes its connection.
pub fn emulator(emulator: &Emulator) -> Upstream {
    let emulator = emulator.clone();
    Rc::new(move |request| {
        let emulator = emulator.clone();
        Box::pin(async move {
            let (head, body) = emulator.handle(to_http(request)).await.into_parts();
            let pieces = stream::unfold(body, async |mut body| {
                let piece = match body.frame().await? {
                    Ok(frame) => Ok(frame.into_data().unwrap_or_default()),
                    Err(_) => Err(broken()),
                };
                Some((piece, body))
            });
            Ok(Incoming { status: head.status, headers: head.headers, body: SimBody::new(pieces) })
        })
    })
}

fn to_http(outgoing: Outgoing) -> http::Request<Full<Bytes>> {
    let mut request = http::Request::new(Full::new(outgoing.body));
    *request.method_mut() = outgoing.method;
    *request.uri_mut() = outgoing.uri;
    *request.headers_mut() = outgoing.headers;
    request
}
