//! Answers.

use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response};
use spin_sdk::wasip3::{wit_future, wit_stream};
use spin_sdk::wit_bindgen::{self, FutureReader, StreamWriter};

pub(crate) type Answer = Result<Response, ErrorCode>;

pub(crate) fn text(body: impl Into<String>) -> Answer {
    with_status(200, body)
}

pub(crate) fn with_status(status: u16, body: impl Into<String>) -> Answer {
    let body = body.into();
    let (mut writer, response, _sent) = streaming()?;
    response.set_status_code(status).map_err(|()| ErrorCode::ConfigurationError)?;
    wit_bindgen::spawn(async move {
        writer.write_all(body.into_bytes()).await;
    });
    Ok(response)
}

type Sent = FutureReader<Result<(), ErrorCode>>;

/// An answer whose body is written elsewhere, and word of what became of it.
pub(crate) fn streaming() -> Result<(StreamWriter<u8>, Response, Sent), ErrorCode> {
    let (writer, contents) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, sent) = Response::new(Fields::new(), Some(contents), trailers);
    Ok((writer, response, sent))
}
