//! The export of another world, beside the HTTP handler.

#![allow(
    unsafe_code,
    reason = "the generated exports are functions with names that the runtime knows"
)]

use crate::behave::sleep;

spin_sdk::wit_bindgen::generate!({
    path: "wit",
    world: "extra",
    runtime_path: "spin_sdk::wit_bindgen::rt",
});

struct Adder;

export!(Adder);

impl exports::test::guest::adder::Guest for Adder {
    async fn add(left: u32, right: u32) -> Result<u32, String> {
        sleep(1).await;
        left.checked_add(right).ok_or_else(|| format!("{left} and {right} are too much"))
    }
}
