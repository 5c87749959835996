//! Answers.

use super::body::{FrameSender, ResponseBody};
use super::media::Media;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

pub(crate) type Reply = Response<ResponseBody>;

/// An answer with a JSON body, sent chunked as the proxy sends all of them.
pub(crate) fn json(status: StatusCode, media: Option<Media>, body: &impl Serialize) -> Reply {
    // Our answers are plain structs with text keys: they always serialise.
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let mut reply = Response::new(ResponseBody::whole(bytes));
    *reply.status_mut() = status;
    if let Some(media) = media {
        reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    }
    reply
}

pub(crate) fn no_content() -> Reply {
    let mut reply = Response::new(ResponseBody::empty());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}

/// A 200 whose body comes piece by piece.
pub(crate) fn streamed(media: Media) -> (FrameSender, Reply) {
    let (sender, body) = ResponseBody::stream();
    let mut reply = Response::new(body);
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    (sender, reply)
}

/// The web server's own answer to a request that it does not pass on.
pub(crate) fn html_error(html: String) -> Reply {
    let mut reply = Response::new(ResponseBody::sized(Bytes::from(html)));
    *reply.status_mut() = StatusCode::BAD_REQUEST;
    let headers = reply.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("must-revalidate,no-cache,no-store"),
    );
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html;charset=iso-8859-1"));
    reply
}
