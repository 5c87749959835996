//! What a host has to load.

use crate::program::wasm;

/// The budget for everything: see "The size of the component" in CONTRIBUTING.md.
const MOST_BYTES: u64 = 3 * 1024 * 1024;

#[test]
fn the_component_is_within_its_budget() {
    let bytes = std::fs::metadata(wasm()).unwrap().len();
    println!("the component: {bytes} bytes of {MOST_BYTES}");
    assert!(bytes <= MOST_BYTES, "{bytes} bytes");
}
