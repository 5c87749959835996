//! Limits of a call, through any API.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::error::{Error, Result};

/// The maximum number of records in a produce.
pub const RECORDS: usize = 10_000;

/// The number of records in a page.
pub const PAGE_RECORDS: RangeInclusive<usize> = 1..=500;

/// The size of keys, values and headers in a page, in bytes. The first record
/// is returned whatever its size.
pub const PAGE_BYTES: RangeInclusive<usize> = 1..=16 * 1024 * 1024;

/// The maximum number of topics that are read together.
pub const TOPICS: usize = 20;

/// The longest wait for a record.
pub const WAIT: Duration = Duration::from_secs(30);

/// The maximum number of receipts in an acknowledgement.
pub const RECEIPTS: usize = 1_000;

/// The lease on records that have to be acknowledged.
pub const LEASE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3_600);

/// The longest delay before a record that was given back is handed out again.
pub const DELAY: Duration = Duration::from_secs(3_600);

/// The longest time for which a call delivers.
pub const BUDGET: Duration = Duration::from_secs(60);

/// Checks a time that a caller asks for.
pub fn check_time(field: &'static str, time: Duration, longest: Duration) -> Result<Duration> {
    if time <= longest {
        return Ok(time);
    }
    let longest = longest.as_secs();
    Err(Error::invalid(field, format!("Longer than {longest} seconds")))
}

/// Checks the lease that a caller asks for.
pub fn check_lease(lease: Duration) -> Result<Duration> {
    if lease < *LEASE.start() {
        return Err(Error::invalid("lease", "Shorter than a second"));
    }
    check_time("lease", lease, *LEASE.end())
}

/// Checks the number of receipts in a call.
pub fn check_receipts(receipts: usize) -> Result<()> {
    if receipts > RECEIPTS {
        return Err(Error::invalid("receipts", format!("More than {RECEIPTS} receipts")));
    }
    Ok(())
}

/// Checks a number that a caller asks for.
pub fn check_number(
    field: &'static str,
    number: usize,
    bounds: &RangeInclusive<usize>,
) -> Result<usize> {
    if bounds.contains(&number) {
        return Ok(number);
    }
    let (least, most) = (bounds.start(), bounds.end());
    Err(Error::invalid(field, format!("Not a whole number from {least} to {most}")))
}
