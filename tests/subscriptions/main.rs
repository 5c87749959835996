//! Subscriptions out, over simulated instances that share a store, a log and the
//! callbacks.

mod costs;
mod death;
mod delivery;
mod receiver;
mod giving_up;
mod registration;
mod runs;
mod scene;
mod settings;
