//! What one call may ask for at most, whichever API it comes through.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::error::{Error, Result};

/// Records in one produce.
pub const RECORDS: usize = 10_000;

/// Records in one page.
pub const PAGE_RECORDS: RangeInclusive<usize> = 1..=500;

/// Bytes of keys, values and headers in one page; the first record comes
/// however large.
pub const PAGE_BYTES: RangeInclusive<usize> = 1..=16 * 1024 * 1024;

/// Topics that are read together.
pub const TOPICS: usize = 20;

/// The longest wait for a record.
pub const WAIT: Duration = Duration::from_secs(30);

/// Receipts in one acknowledgement.
pub const RECEIPTS: usize = 1_000;

/// The lease on records that have to be acknowledged.
pub const LEASE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3_600);

/// The longest time for which a record that was given back is kept from
/// others.
pub const DELAY: Duration = Duration::from_secs(3_600);

/// The longest that one call may go on delivering.
pub const BUDGET: Duration = Duration::from_secs(60);

/// A time that a caller asks for.
pub fn check_time(field: &'static str, time: Duration, longest: Duration) -> Result<Duration> {
    if time <= longest {
        return Ok(time);
    }
    let longest = longest.as_secs();
    Err(Error::invalid(field, format!("Longer than {longest} seconds")))
}

/// The lease that a caller asks for.
pub fn check_lease(lease: Duration) -> Result<Duration> {
    if lease < *LEASE.start() {
        return Err(Error::invalid("lease", "Shorter than a second"));
    }
    check_time("lease", lease, *LEASE.end())
}

/// As many receipts as a caller gives back at once.
pub fn check_receipts(receipts: &[String]) -> Result<()> {
    if receipts.len() > RECEIPTS {
        return Err(Error::invalid("receipts", format!("More than {RECEIPTS} receipts")));
    }
    Ok(())
}

/// A number that a caller asks for.
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
