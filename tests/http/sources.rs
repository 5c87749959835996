//! `/sources`, and what comes to `/in/{source}`.

mod changes;
mod cloud_events;
mod cloudevents_sdk;
mod events;
mod shaping;
mod support;
