//! What a program may be. These caps hold before and while it is read; what running it
//! may cost is in the budget of the event.

/// The longest program.
pub const MAX_PROGRAM_BYTES: usize = 4096;

/// The most terms, those of the definitions that it calls included.
pub const MAX_TERMS: usize = 1024;

/// How deeply the parser recurses. A bracket takes three levels.
pub const MAX_NESTING: usize = 192;

/// How deeply terms lie in each other, those of the functions that are called included.
pub const MAX_DEPTH: usize = 96;
