//! The log over Confluent's REST APIs, against answers made up for it and
//! against the emulator, in virtual time.

mod any_order;
mod calls;
mod cloud;
mod emulated;
mod metadata;
mod produce;
mod setup;
mod stream_damage;
mod v2;
