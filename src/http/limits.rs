//! What a stranger may send us at most.

use std::ops::RangeInclusive;
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

/// Records in one body of lines.
pub(super) const LINES: usize = 10_000;

/// The body of a call that takes a small JSON object.
pub(super) const JSON_BYTES: usize = 64 * 1024;

/// The longest wait for a record.
pub(super) const WAIT: Duration = Duration::from_secs(30);

/// The wait for a record when the caller names none.
pub(super) const DEFAULT_WAIT: Duration = Duration::from_secs(1);

/// The longest that one call may go on delivering.
pub(super) const BUDGET: Duration = Duration::from_secs(60);

/// The budget of a delivery when the caller names none.
pub(super) const DEFAULT_BUDGET: Duration = Duration::from_secs(10);

/// Records in one page.
pub(super) const PAGE_RECORDS: RangeInclusive<usize> = 1..=500;

/// Bytes of keys, values and headers in one page; the first record comes
/// however large.
pub(super) const PAGE_BYTES: RangeInclusive<usize> = 1..=16 * 1024 * 1024;

/// Topics that are read together.
pub(super) const TOPICS: usize = 20;
