//! Checks who sent a webhook.
//!
//! Every sender signs in a way of its own, but the ways differ only in a few
//! parameters: which bytes are signed, with which algorithm, where the signature
//! and the time stand, what the key looks like. A [`Scheme`] holds these
//! parameters, and each [provider](provider) is one row of them in
//! `providers.json`, in the form in which an operator may also spell them out.
//!
//! Nothing here does I/O, and nothing parses the body beyond the fields that a
//! scheme signs. Comparisons take the same time wherever the first difference is.

mod age;
mod algorithm;
pub mod ed25519;
mod failure;
mod field;
mod form;
mod handshake;
#[cfg(feature = "jwt")]
mod jwt;
mod key;
mod provider;
mod request;
mod scheme;
mod settings;
mod signed;
mod template;
mod token;
mod verifier;

pub use failure::{Failure, Unusable};
pub use handshake::{Answer, Handshake, consent};
#[cfg(feature = "jwt")]
pub use jwt::{JwkSet, Jwt};
pub use provider::{Provider, names, provider};
pub use request::SignedRequest;
pub use scheme::{
    Empty, Encoding, Hash, KeyForm, KeyForms, Limits, Names, Scheme, Signed, TimeUnit, Timestamp,
    Token, Tolerance, ValueAt, When,
};
pub use settings::Settings;
pub use verifier::Verifier;
