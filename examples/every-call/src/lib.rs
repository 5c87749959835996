//! Every call of `kafka-edge:api`, as a component in Rust makes it, and every
//! error that can come of it. Look in [`calls`] for how a call is made.

#![cfg(all(target_os = "wasi", target_env = "p2"))]

mod bindings;
mod calls;
mod errors;

use bindings::{Arguments, Failure, Guest};

struct EveryCall;

impl Guest for EveryCall {
    async fn call(function: String, with: Arguments) -> Result<String, Failure> {
        calls::call(&function, with).await.map_err(errors::taken_apart)
    }
}
