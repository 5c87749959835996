//! Authorisation, as decisions without I/O.
//!
//! A caller presents something ([`Presented`]), which is looked up among all
//! [`Credential`]s ([`identify`]). The result is a [`Grant`], which is asked
//! for a [`Permission`] and, once the topic is known, for the topic. Each of
//! these steps can end in a [`Denial`].
//!
//! ```
//! use kafka_edge::access::{self, Denial, Missing, Permission, Presented};
//!
//! let known = access::parse_document(
//!     r#"[{"name": "orders-writer", "secret": "correct-horse-battery",
//!          "allow": ["produce"], "topics": ["orders", "logs.*"]}]"#,
//! )?;
//! let presented = Presented::pair("orders-writer", "correct-horse-battery");
//!
//! let now = 1_796_000_000_000;
//! let grant = access::check(&known, &presented, Permission::Produce, Some("logs.eu"), now)?;
//! assert_eq!(grant.name(), Some("orders-writer"));
//!
//! let denied = access::check(&known, &presented, Permission::Produce, Some("payments"), now);
//! assert_eq!(denied, Err(Denial::Forbidden(Missing::Topic("payments".into()))));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! In pass-through mode the gateway does not decide: the pair that a caller
//! presents is used as the key for Kafka in that call, and Kafka decides. Calls
//! that Kafka could not decide are therefore refused: those that need a key
//! after the call has ended (subscriptions), and those that would change the
//! gateway's own state without a topic that Kafka shows to this key.
//! [`App`](crate::app::App) describes how the services of different keys are
//! kept apart.
//!
//! Callers through WIT need no credential: the operator has linked the
//! component that imports this one, and that component does its own checks.

mod allowed;
mod credential;
mod decision;
mod document;
mod permission;
mod presented;
mod secret;
mod topics;

pub use allowed::{AccessError, AllowedTopic, Scope};
pub use credential::{Credential, Flaw, MAX_NAME_BYTES, Name};
pub use decision::{Denial, Grant, Missing, check, identify};
#[cfg(feature = "configuration")]
pub(crate) use document::read_entry;
pub use document::{DocumentError, MAX_CREDENTIALS, parse as parse_document};
pub use permission::{Permission, Permissions};
pub use presented::Presented;
pub use secret::{MIN_SECRET_CHARS, Secret, SecretHash};
pub use topics::{MAX_TOPICS, TopicPattern, TopicPatterns};
