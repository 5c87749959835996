//! What the emulator does beyond what was recorded.

mod cloud;
mod common;
mod embedding;
mod files;
