//! Documents in the host's key-value store.
//!
//! [`keys`] builds every key there is. [`lane`] is how instances that know
//! nothing of each other take turns at a document; [`shared`] is a document
//! that a turn of one write is enough for; `stored` gives each kind of document a
//! version. Services say what their documents hold; nothing else of the core
//! talks to the store.

pub(crate) mod gate;
pub mod keys;
pub mod lane;
pub mod shared;
mod store;
pub(crate) mod stored;

pub use store::delete_all;
#[cfg(feature = "actions")]
pub(crate) use store::{counter, increment};
pub(crate) use store::{
    create, delete, get, get_bytes, probe, set, set_bytes, set_for, unreadable,
};
