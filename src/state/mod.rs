//! Documents in the host's key-value store.
//!
//! [`keys`] builds every key there is. [`lane`] is how instances that know
//! nothing of each other take turns at a document. Services say what their
//! documents hold; nothing else of the core talks to the store.

pub mod keys;
pub mod lane;
mod store;
