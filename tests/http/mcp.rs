//! `POST /mcp`.

mod access;
mod failures;
mod protocol;
mod results;
mod scene;
mod tools;
