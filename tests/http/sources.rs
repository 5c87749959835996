//! `/sources`, and what comes to `/in/{source}`.

mod changes;
mod events;
mod shaping;
mod support;
