//! The exports of `wit/`, over the same services as the HTTP API.

mod consumer;
mod convert;
mod credentials;
mod producer;
mod webhook;
