//! HTTP without a connection: parses requests and builds answers.

mod body;
mod call;
mod encoding;
mod error;
mod media;
mod reply;

pub(crate) use body::FrameSender;
pub use body::ResponseBody;
pub(crate) use call::{BodyCut, Call, RequestBody, collect};
pub(crate) use encoding::{accepts_gzip, compress, gzip};
pub(crate) use error::RestError;
pub(crate) use media::{JSON, Media, V2, negotiate, require_content_type};
pub(crate) use reply::{Reply, html_error, json, no_content, streamed};
