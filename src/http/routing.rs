//! Which call a request makes, by its method and path.

mod find;
mod pattern;

pub(super) use self::find::{Lead, find};
pub(super) use self::pattern::Params;
