//! Requests to a gateway, and their answers.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method};
use http_body_util::BodyExt;
use kafka_edge_host::{Body, Host, HostError, body};
use serde_json::Value;

/// Nothing here takes so long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// An answer of the component.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Null for what is no JSON.
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Sentence and detail of an error that has the form of one.
    pub(crate) fn error(&self, status: u16) -> (&str, Option<&str>) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.json["status"], status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        let sentence = self.json["error"].as_str().unwrap_or_else(|| panic!("{self:?}"));
        (sentence, self.json["detail"].as_str())
    }

    /// The JSON of a success.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json
    }

    /// What each line of an NDJSON answer holds.
    pub(crate) fn lines(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{self:?}");
        self.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(crate) fn request(method: Method, target: &str, body: Body) -> http::Request<Body> {
    let uri = format!("http://edge.test{target}");
    http::Request::builder().method(method).uri(uri).body(body).unwrap()
}

/// Sends a request. The error is an instance's death before its answer.
pub(crate) async fn try_send(
    host: &Host,
    request: http::Request<Body>,
) -> Result<Answer, HostError> {
    let whole = async {
        let (head, body) = host.handle(request).await?.into_parts();
        let body = whole(&head.headers, body).await.ok_or(HostError::Trapped)?;
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8_lossy(&body).into_owned(),
            json: serde_json::from_slice(&body).unwrap_or_default(),
        })
    };
    tokio::time::timeout(PATIENCE, whole).await.expect("an answer")
}

/// A body, as a client sees it: whole when all of the announced bytes are
/// there, whatever becomes of the instance after that. `None`: it broke off.
async fn whole(headers: &HeaderMap, mut body: Body) -> Option<Vec<u8>> {
    let length = headers.get(CONTENT_LENGTH).map(|value| value.to_str().unwrap().parse().unwrap());
    let mut bytes: Vec<u8> = Vec::new();
    while Some(bytes.len()) != length {
        match body.frame().await {
            None => break,
            Some(frame) => bytes.extend(frame.ok()?.into_data().ok()?),
        }
    }
    Some(bytes)
}

pub(crate) async fn send(host: &Host, request: http::Request<Body>) -> Answer {
    let target = format!("{} {}", request.method(), request.uri());
    let answer = try_send(host, request).await;
    answer.unwrap_or_else(|error| panic!("{target}: {error}"))
}

pub(crate) async fn get(host: &Host, target: &str) -> Answer {
    send(host, request(Method::GET, target, body::empty())).await
}

pub(crate) async fn post(host: &Host, target: &str, text: impl Into<Bytes>) -> Answer {
    send(host, request(Method::POST, target, body::full(text))).await
}

/// Writes each line as a record.
pub(crate) async fn post_lines(host: &Host, target: &str, lines: &str) -> Answer {
    let mut request = request(Method::POST, target, body::full(lines.to_owned()));
    let content_type = http::HeaderValue::from_static("application/x-ndjson");
    request.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
    send(host, request).await
}

/// Asks again and again until something is so.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "it never came to this: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
