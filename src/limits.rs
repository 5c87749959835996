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
