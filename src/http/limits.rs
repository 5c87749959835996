//! Limits on what a caller may send over HTTP, and defaults for what a caller
//! leaves out. What holds for every API is in [`crate::limits`].

use std::time::Duration;

/// Path and query together. A message in the path has to fit in here, and
/// most clients and proxies stop at half of it.
pub(super) const TARGET_BYTES: usize = 16 * 1024;

/// Request headers, of which some may become record headers.
pub(super) const HEADERS: usize = 128;

/// Names and values of all request headers together.
pub(super) const HEADER_BYTES: usize = 64 * 1024;

/// The body of a produce. What a topic takes is less, as a rule, and is
/// looked at later.
pub(super) const RECORD_BYTES: usize = 16 * 1024 * 1024;

/// The body of a call that takes a small JSON object.
pub(super) const JSON_BYTES: usize = 64 * 1024;

/// The body of an acknowledgement: as many receipts as are taken, each as long
/// as the longest name of a topic makes it.
pub(super) const RECEIPTS_BYTES: usize = 512 * 1024;

/// The lease of a caller who names none.
pub(super) const DEFAULT_LEASE: Duration = Duration::from_secs(30);

/// The wait for a record when the caller names none.
pub(super) const DEFAULT_WAIT: Duration = Duration::from_secs(1);

/// The budget of a delivery when the caller names none.
pub(super) const DEFAULT_BUDGET: Duration = Duration::from_secs(10);
