//! Limits on what a caller may send over HTTP, and defaults for values that a
//! caller leaves out. Limits that hold for every API are in [`crate::limits`].

use std::time::Duration;

/// The path and query together. This also limits a message in the path. Most
/// clients and proxies stop at half of it.
pub(super) const TARGET_BYTES: usize = 16 * 1024;

/// The number of request headers; some may become record headers.
pub(super) const HEADERS: usize = 128;

/// The names and values of all request headers together.
pub(super) const HEADER_BYTES: usize = 64 * 1024;

/// The body of a produce. A topic usually accepts less; that limit is checked
/// later.
pub(super) const RECORD_BYTES: usize = 16 * 1024 * 1024;

/// The body of a call that takes a small JSON object.
pub(super) const JSON_BYTES: usize = 64 * 1024;

/// The body of an acknowledgement: enough for the maximum number of receipts
/// when topics have the longest possible names.
pub(super) const RECEIPTS_BYTES: usize = 512 * 1024;

/// A message of the Model Context Protocol: a record of a megabyte, in base64 if need be.
#[cfg(feature = "mcp")]
pub(super) const MESSAGE_BYTES: usize = 2 * 1024 * 1024;

/// The lease if the caller names none.
pub(super) const DEFAULT_LEASE: Duration = Duration::from_secs(30);

/// The wait for a record if the caller names none.
pub(super) const DEFAULT_WAIT: Duration = Duration::from_secs(1);

/// The budget of a delivery if the caller names none.
pub(super) const DEFAULT_BUDGET: Duration = Duration::from_secs(10);
