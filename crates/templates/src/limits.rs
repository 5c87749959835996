//! What a payload may be. These caps hold while it is compiled; what rendering it may cost
//! is in the budget of the run.

/// The longest string with expressions in it.
pub const MAX_TEXT_BYTES: usize = 4096;

/// The most `{{ … }}` in a payload.
pub const MAX_ACTIONS: usize = 256;

/// How deeply calls lie in each other: each bracket and each stage of a pipe is one level.
pub const MAX_CALL_DEPTH: usize = 32;

/// The most arguments of a call, and the most fields in a path.
pub const MAX_PARTS: usize = 32;

/// How deeply arrays and objects lie in each other.
pub const MAX_PAYLOAD_DEPTH: u16 = 64;
