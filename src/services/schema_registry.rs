//! The schema registry beside Kafka, if one is configured. Calls are passed on to
//! it and to no other server.

use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use crate::config::SchemaRegistryConfig;
use crate::deadline::within;
use crate::host::{Host, Incoming, Outgoing, SendError, SendErrorKind, Sent};
use crate::telemetry::{CallReport, Server, current_trace};
use crate::upstream::{BodyError, basic_authorization, read_body};

/// The longest answer that is passed on.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// A call of the registry.
#[derive(Debug, Clone)]
pub struct RegistryCall {
    pub method: Method,
    /// Below the registry's address, still encoded, without a leading slash.
    pub path: String,
    pub query: Option<String>,
    pub accept: Option<Bytes>,
    pub content_type: Option<Bytes>,
    pub body: Bytes,
}

/// What the registry answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub content_type: Option<String>,
    pub body: Bytes,
}

/// Why there is no answer of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    #[error("There is no schema registry here: schema_registry_url is not set")]
    None,
    #[error("Not a path of a schema registry")]
    Path,
    #[error("The schema registry cannot be reached")]
    Unreachable,
    #[error("The schema registry took too long to answer")]
    Timeout,
    #[error("The schema registry failed")]
    Failed,
    #[error("The schema registry refused the credentials of this gateway")]
    Credentials,
}

pub struct SchemaRegistry<H> {
    host: H,
    config: Option<SchemaRegistryConfig>,
}

impl<H: Host> SchemaRegistry<H> {
    pub fn new(host: H, config: Option<SchemaRegistryConfig>) -> Self {
        Self { host, config }
    }

    /// Makes a call once. The caller's own credentials are not passed on.
    pub async fn forward(&self, call: RegistryCall) -> Result<Answer, RegistryError> {
        let registry = self.config.as_ref().ok_or(RegistryError::None)?;
        let request = self.request(registry, call)?;
        let limit = registry.connect_timeout + registry.request_timeout;
        // Its path is the caller's own, and may hold anything.
        let (method, path) = (request.method.clone(), "/{path}");
        let report = CallReport::begin(&self.host, Server::SchemaRegistry, &method, path);
        let answer = within(&self.host, limit, self.exchange(request)).await;
        let answer = answer.unwrap_or(Err(RegistryError::Timeout));
        match &answer {
            Ok(answer) if answer.status.is_success() => report.succeeded(),
            Ok(answer) => report.refused(answer.status, None),
            Err(error) => report.failed(&error.to_string()),
        }
        answer
    }

    fn request(
        &self,
        registry: &SchemaRegistryConfig,
        call: RegistryCall,
    ) -> Result<Outgoing, RegistryError> {
        if !is_plain(&call.path) {
            return Err(RegistryError::Path);
        }
        let query = call.query.map(|query| format!("?{query}")).unwrap_or_default();
        let uri: Uri = format!("{}/{}{query}", registry.url, call.path)
            .parse()
            .map_err(|_| RegistryError::Path)?;
        let mut headers = HeaderMap::new();
        for (name, value) in [(ACCEPT, call.accept), (CONTENT_TYPE, call.content_type)] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_bytes(&value).ok()) {
                headers.insert(name, value);
            }
        }
        if let Some(value) = registry.api_key.as_ref().and_then(basic_authorization) {
            headers.insert(AUTHORIZATION, value);
        }
        if let Some(trace) = current_trace() {
            trace.name_in(&mut headers);
        }
        Ok(Outgoing {
            method: call.method,
            uri,
            headers,
            body: call.body,
            connect_timeout: registry.connect_timeout,
            read_timeout: registry.request_timeout,
        })
    }

    async fn exchange(&self, request: Outgoing) -> Result<Answer, RegistryError> {
        let Incoming { status, headers, mut body } = self.host.send(request).await?;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(RegistryError::Credentials);
            }
            // Redirects are not followed: only the configured registry is ever
            // contacted.
            status if status.is_redirection() => return Err(RegistryError::Failed),
            _ => {}
        }
        let body = read_body(&mut body, MAX_ANSWER_BYTES).await?;
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Ok(Answer { status, content_type: content_type.map(str::to_owned), body })
    }
}

/// Whether a path has no `.` or `..` segment. Servers differ in how they treat
/// dots that are percent-encoded, so those count as dots.
fn is_plain(path: &str) -> bool {
    let undotted = path.to_ascii_lowercase().replace("%2e", ".");
    !undotted.split('/').any(|segment| matches!(segment, "." | ".."))
}

impl From<SendError> for RegistryError {
    fn from(error: SendError) -> Self {
        match (error.sent, error.kind) {
            (_, SendErrorKind::Timeout) => Self::Timeout,
            (Sent::Not, _) => Self::Unreachable,
            (Sent::Perhaps, _) => Self::Failed,
        }
    }
}

impl From<BodyError> for RegistryError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLong => Self::Failed,
            BodyError::Broken(error) => error.into(),
        }
    }
}

impl<H> fmt::Debug for SchemaRegistry<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SchemaRegistry").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_down_only() {
        for path in ["subjects/a/versions", "", "subjects/a%2Fb", "subjects/...", "a//b"] {
            assert!(is_plain(path), "{path}");
        }
        for path in ["..", "subjects/../x", "%2e%2E/x", ".%2e", "a/."] {
            assert!(!is_plain(path), "{path}");
        }
    }
}
