//! Stores that behave as those of real hosts, including their faults: Spin
//! 4.1.0-pre of August 2026, as tried and described in `reference/hosts.md`.
//!
//! | store | what is wrong with it |
//! |---|---|
//! | [`SpinSqlite`] | compare-and-swap on a missing key tells every caller it won; `increment` on a value that is no counter kills the store; no cursors; `get-many` drops missing keys and the order |
//! | [`SpinRedis`] | compare-and-swap writes and says "failed"; counters are decimal text; `get-many` is an error |
//! | [`Eventual`] | reads may be stale, up to a bound |
//! | [`DoubleClaim`] | two increments may be given the same number |
//! | [`Slow`] | a write takes its time, one write at a time for all |

mod double_claim;
mod eventual;
mod redis;
mod slow;
mod sqlite;

pub use double_claim::DoubleClaim;
pub use eventual::Eventual;
pub use redis::SpinRedis;
pub use slow::Slow;
pub use sqlite::SpinSqlite;
