//! Who may do what, as decisions without I/O.
//!
//! A caller presents something ([`Presented`]), which is looked up among the
//! [`Credential`]s that there are ([`identify`]). What comes of it is a
//! [`Grant`]: it is asked for a [`Permission`] and, as soon as a topic is
//! known, for that. Each of these can end in a [`Denial`].
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
//! let grant = access::check(&known, &presented, Permission::Produce, Some("logs.eu"))?;
//! assert_eq!(grant.name(), Some("orders-writer"));
//!
//! let denied = access::check(&known, &presented, Permission::Produce, Some("payments"));
//! assert_eq!(denied, Err(Denial::Forbidden(Missing::Topic("payments".into()))));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! In pass-through mode the gateway has no opinion of its own: the pair that a
//! caller presents becomes the key for Kafka of that call, and Kafka decides.
//! What could be done without asking Kafka is therefore refused: whatever needs
//! a key after the caller has gone (webhooks), and calls that would touch the
//! gateway's own state on no topic that Kafka has let this key see. See
//! [`App`](crate::app::App) for how the services of several keys are kept
//! apart.
//!
//! Who calls through WIT is not asked: the component that imports this one was
//! linked to it by whoever deploys both, and has a door of its own.

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
pub use document::{DocumentError, MAX_CREDENTIALS, parse as parse_document};
pub use permission::{Permission, Permissions};
pub use presented::Presented;
pub use secret::{MIN_SECRET_CHARS, Secret, SecretHash};
pub use topics::{MAX_TOPICS, TopicPattern, TopicPatterns};
