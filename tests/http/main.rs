//! The HTTP API over a simulated host and an in-memory log: every call, and calls
//! that no client should make.

mod access;
mod acknowledging;
mod base_path;
mod changes;
mod clients;
mod console;
mod consuming;
mod cors;
mod credentials;
mod description;
mod gateway;
mod groups;
mod health;
mod hostile;
mod idempotency;
mod mcp;
mod metrics;
mod moving;
mod moving_dry_runs;
mod moving_subscriptions;
mod pass_through;
mod producing;
mod reading;
mod routes;
mod rules;
mod sources;
mod store;
mod streaming;
mod subscriptions;
mod topics;
mod upstash;
mod webhooks;
mod webhooks_in;

#[path = "../support/names.rs"]
mod names;
