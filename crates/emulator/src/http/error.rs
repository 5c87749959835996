//! Errors as every answer of the proxy states them.

use super::media::Media;
use super::reply::{Reply, json};
use crate::json::BindError;
use crate::log::TopicError;
use http::StatusCode;
use serde::Serialize;

/// An error answer: a status and `{"error_code", "message"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RestError {
    pub(crate) status: StatusCode,
    pub(crate) code: u32,
    pub(crate) message: String,
    /// Whether the framework answered before any call was found. A 404, 405 or
    /// 406 of its own has no content type.
    pub(crate) of_framework: bool,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error_code: u32,
    message: &'a str,
}

impl RestError {
    pub(crate) fn new(status: u16, code: u32, message: impl Into<String>) -> RestError {
        RestError {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code,
            message: message.into(),
            of_framework: false,
        }
    }

    fn framework(status: u16, message: &str) -> RestError {
        RestError { of_framework: true, ..RestError::new(status, status.into(), message) }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> RestError {
        RestError::new(400, 400, message)
    }

    /// The call exists, but the requested object does not.
    pub(crate) fn not_found() -> RestError {
        RestError::new(404, 404, "HTTP 404 Not Found")
    }

    pub(crate) fn no_such_call() -> RestError {
        RestError::framework(404, "HTTP 404 Not Found")
    }

    pub(crate) fn method_not_allowed() -> RestError {
        RestError::framework(405, "HTTP 405 Method Not Allowed")
    }

    pub(crate) fn not_acceptable() -> RestError {
        RestError::framework(406, "HTTP 406 Not Acceptable")
    }

    pub(crate) fn unsupported_media_type() -> RestError {
        RestError::new(415, 415, "HTTP 415 Unsupported Media Type")
    }

    pub(crate) fn unauthorized() -> RestError {
        RestError::new(401, 401, "HTTP 401 Unauthorized")
    }

    pub(crate) fn too_many_requests() -> RestError {
        let text =
            "Request rate limit exceeded: The rate limit of requests per second has been exceeded.";
        RestError::new(429, 429, text)
    }

    pub(crate) fn unknown_topic() -> RestError {
        RestError::new(404, 40403, TopicError::Unknown.to_string())
    }

    pub(crate) fn partition_not_found() -> RestError {
        RestError::new(404, 40402, "Partition not found.")
    }

    pub(crate) fn kafka(message: impl Into<String>) -> RestError {
        RestError::new(400, 40002, message)
    }

    pub(crate) fn empty_payload() -> RestError {
        RestError::new(422, 42206, "Payload error. Request body is empty. Data is required.")
    }

    pub(crate) fn no_schema_registry() -> RestError {
        let text = "Payload error. Schema Registry must be configured when using schemas.";
        RestError::new(422, 42206, text)
    }

    pub(crate) fn internal() -> RestError {
        RestError::new(500, 500, "Internal Server Error")
    }

    /// The answer, in the media type of the call that failed.
    pub(crate) fn into_reply(self, media: Media) -> Reply {
        let media = match self.status {
            _ if self.of_framework => None,
            // Refused before the answer's type was chosen.
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Some(super::media::JSON),
            _ => Some(media),
        };
        json(self.status, media, &ErrorBody { error_code: self.code, message: &self.message })
    }
}

impl From<BindError> for RestError {
    fn from(error: BindError) -> RestError {
        match error {
            BindError::Invalid(message) => RestError::bad_request(message),
            BindError::Unrecognized(field) => {
                RestError::new(422, 422, format!("Unrecognized field: {field}"))
            }
            BindError::Internal => RestError::internal(),
        }
    }
}
