//! Consuming through the service, on simulated instances under virtual time.

mod claims;
mod costs;
mod failing;
mod groups;
mod pages;
mod scene;
mod sharing;
mod slow_store;
mod starting;
mod waiting;
mod words;
