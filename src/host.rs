//! Everything that the core needs from its platform, as one trait.
//!
//! Each platform's crate under `components/` implements it. `crates/sim`
//! implements it natively, with a virtual clock. Nothing here names a platform.

mod capabilities;
mod counter;

use std::fmt;
use std::future::{Future, ready};
use std::time::Duration;

use bytes::Bytes;

pub use capabilities::{AfterAnswer, HostCapabilities, Limit, StoreCapabilities};
pub use counter::decode_counter;

/// Milliseconds since the Unix epoch, by the host's wall clock.
pub type Millis = i64;

/// A request to another server.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub method: http::Method,
    /// Absolute, with scheme and authority.
    pub uri: http::Uri,
    pub headers: http::HeaderMap,
    pub body: Bytes,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for the head of the answer after the request was sent,
    /// and then for each piece of its body.
    pub read_timeout: Duration,
}

/// The answer to an [`Outgoing`] request. Its body has not been read yet.
#[derive(Debug)]
pub struct Incoming<B> {
    pub status: http::StatusCode,
    pub headers: http::HeaderMap,
    pub body: B,
}

impl<B> Incoming<B> {
    /// Whether a body may follow, by what the head says (RFC 9112, section 6.3).
    pub fn may_have_body(&self) -> bool {
        let length = self.headers.get(http::header::CONTENT_LENGTH);
        !matches!(self.status, http::StatusCode::NO_CONTENT | http::StatusCode::NOT_MODIFIED)
            && length.is_none_or(|length| length != "0")
    }
}

/// The body of an answer while it arrives.
pub trait Body: 'static {
    /// The next piece, of any size; `None` at the end of a complete body. A
    /// body that was cut short is an error, never an early end.
    fn chunk(&mut self) -> impl Future<Output = Option<Result<Bytes, SendError>>>;
}

/// Why a request got no complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendError {
    pub sent: Sent,
    pub kind: SendErrorKind,
}

/// Whether the other side can have seen the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It certainly was not sent, for example because there was no connection.
    Not,
    /// It may have arrived, wholly or in part.
    Perhaps,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendErrorKind {
    /// The server's name could not be resolved.
    Dns,
    /// Nothing accepts connections at that address.
    Refused,
    /// The host does not allow requests to that address. The words tell an operator where
    /// to look.
    Forbidden(&'static str),
    /// No TLS connection could be made.
    Tls,
    /// Connecting or answering took too long.
    Timeout,
    /// The connection broke.
    Broken,
    /// The answer is not HTTP, or the host failed.
    Protocol,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            SendErrorKind::Forbidden(where_to_look) => {
                return write!(f, "the host does not let it be reached. {where_to_look}");
            }
            SendErrorKind::Dns => "its name could not be resolved",
            SendErrorKind::Refused => "the connection was refused",
            SendErrorKind::Tls => "no TLS connection could be made",
            SendErrorKind::Timeout => "it took too long",
            SendErrorKind::Broken => "the connection broke",
            SendErrorKind::Protocol => "the answer was not understood",
        })
    }
}

/// A call of the key-value store failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    pub kind: StoreErrorKind,
    pub detail: String,
}

/// What is known about a failed call of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// Nothing happened: the call was throttled, or the store never opened.
    Refused,
    /// The change may have happened, or may still happen.
    Unknown,
}

impl StoreError {
    pub fn refused(detail: impl Into<String>) -> Self {
        Self { kind: StoreErrorKind::Refused, detail: detail.into() }
    }

    pub fn unknown(detail: impl Into<String>) -> Self {
        Self { kind: StoreErrorKind::Unknown, detail: detail.into() }
    }
}

/// A configuration variable could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableError(pub String);

/// The key-value store of the host.
///
/// Plain reads and writes, possibly stale on a replicated store, and one
/// atomic operation: [`increment`](Store::increment). A counter's key is
/// touched by `increment`, [`counter`](Store::counter) and `delete` alone, and
/// nothing else is incremented: on a host's sqlite store a mixture was seen to
/// take the whole store down (`reference/hosts.md`, "Key-value").
///
/// `crates/contract/src/store.rs` has what each implementation promises.
pub trait Store {
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>>;
    fn set(&self, key: &str, value: &[u8]) -> impl Future<Output = Result<(), StoreError>>;
    fn delete(&self, key: &str) -> impl Future<Output = Result<(), StoreError>>;
    /// Adds to a counter and returns its new value; a missing counter is 0. No two
    /// callers get the same number, unless `n` is 0.
    fn increment(&self, key: &str, n: u64) -> impl Future<Output = Result<u64, StoreError>>;
    /// The value of a counter; 0 if it is missing.
    fn counter(&self, key: &str) -> impl Future<Output = Result<u64, StoreError>>;
    /// All keys that begin with `prefix`; one may be there twice, or have ended. This is
    /// slow: it lists the whole store.
    fn keys(&self, prefix: &str) -> impl Future<Output = Result<Vec<String>, StoreError>>;

    /// What this store can do beside the functions above. An error says what is wrong
    /// with its configuration.
    fn store_capabilities(&self) -> impl Future<Output = Result<StoreCapabilities, StoreError>> {
        ready(Ok(StoreCapabilities::default()))
    }

    /// Where [`creates`](StoreCapabilities::creates) is stated: gives a key that has no
    /// value this one, for this time, and returns `None`. A key that has a value keeps it,
    /// and the value is returned. Of several callers one at most is told `None`.
    fn create(
        &self,
        _key: &str,
        _value: &[u8],
        _lasts: Duration,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>> {
        ready(Err(StoreError::refused("this store creates no keys")))
    }

    /// Where [`creates`](StoreCapabilities::creates) is stated: sets a value that is gone
    /// after this time.
    fn set_for(
        &self,
        _key: &str,
        _value: &[u8],
        _lasts: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> {
        ready(Err(StoreError::refused("this store keeps no value for a time")))
    }
}

/// Clocks and randomness.
pub trait Clock {
    fn now(&self) -> Millis;
    /// A clock that never goes back. Only differences between its values have a
    /// meaning.
    fn monotonic(&self) -> Duration;
    fn sleep(&self, time: Duration) -> impl Future<Output = ()>;
    fn random(&self, buffer: &mut [u8]);
}

/// One platform. This is a handle, and cheap to clone.
pub trait Host: Store + Clock + Clone + 'static {
    type Body: Body;
    /// Dropping it wakes its [`Wait`](Host::Wait).
    type Wake: 'static;
    /// Resolves once its [`Wake`](Host::Wake) is dropped.
    type Wait: Future<Output = ()> + Unpin + 'static;

    /// What this host can and cannot do.
    fn capabilities(&self) -> HostCapabilities;

    /// How many requests to other servers this execution may still send. A host that limits
    /// them counts them, whatever they are sent for.
    fn outbound_calls_left(&self) -> Limit<u32> {
        self.capabilities().outbound_calls
    }

    /// Sends a request and returns once the head of the answer has arrived.
    fn send(
        &self,
        request: Outgoing,
    ) -> impl Future<Output = Result<Incoming<Self::Body>, SendError>>;

    /// A configuration variable; `None` if it is empty or not set.
    fn variable(&self, name: &str) -> impl Future<Output = Result<Option<String>, VariableError>>;

    /// Runs `task` beside the current request and, if the host's
    /// [capabilities](Host::capabilities) allow it, after the answer, for as long
    /// as the instance lives. Implementations use
    /// [`inheriting`](crate::telemetry::inheriting), so that the task keeps the
    /// trace of the task that spawns it.
    fn spawn(&self, task: impl Future<Output = ()> + 'static);

    /// The only way for a request to wait for another request of the same
    /// instance. On WASI, a Rust waker must not pass from one request to another
    /// (with wit-bindgen 0.57, `reference/hosts.md`): a channel, an async mutex or
    /// a shared future would trap the instance.
    fn signal(&self) -> (Self::Wake, Self::Wait);

    /// Writes a line for the operator, made by [`telemetry`](crate::telemetry).
    fn report(&self, line: &str);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_have_a_body_unless_its_status_or_its_length_says_so() {
        for (status, length, may_have) in [
            (204, None, false),
            (204, Some("7"), false),
            (304, None, false),
            (200, Some("0"), false),
            (500, Some("0"), false),
            (200, Some("10"), true),
            // It ends with the connection, or its pieces have their lengths.
            (200, None, true),
            (205, None, true),
        ] {
            let status = http::StatusCode::from_u16(status).unwrap();
            let mut headers = http::HeaderMap::new();
            headers.extend(length.map(|length| {
                (http::header::CONTENT_LENGTH, http::HeaderValue::from_static(length))
            }));
            let answer = Incoming { status, headers, body: () };
            assert_eq!(answer.may_have_body(), may_have, "{status} {length:?}");
        }
    }
}
