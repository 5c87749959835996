//! Subscriptions out, over simulated instances that share a store, a log and the
//! callbacks.

mod budget;
mod costs;
mod death;
mod delivery;
mod giving_up;
mod overdue;
mod receiver;
mod registration;
mod registry;
mod runs;
mod scene;
mod settings;
