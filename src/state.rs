//! Documents in the host's key-value store.
//!
//! [`keys`] builds all keys. With [`lane`], instances that know nothing of each
//! other take turns at a document; [`shared`] is a document for which a short
//! turn is enough. Services define the content of their documents; nothing else
//! in the core uses the store.

pub mod keys;
pub mod lane;
pub mod marks;
pub mod shared;
mod store;

pub use store::delete_all;
