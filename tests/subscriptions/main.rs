//! Subscriptions out, over simulated instances that share a store, a log and the
//! callbacks.

mod costs;
mod death;
mod delivery;
mod receiver;
mod registration;
mod scene;
