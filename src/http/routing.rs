//! Finds the call of a request by its method and path.

mod find;
mod pattern;

pub(super) use self::find::{Found, find};
pub(super) use self::pattern::Params;
