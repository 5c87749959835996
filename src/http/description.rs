//! The description of the API as OpenAPI 3.1, made from the declarations of the
//! endpoints.
//!
//! A test writes it to `docs/openapi.json`, with examples that a gateway gave;
//! the component serves that file and carries none of this.

mod document;
mod operation;

pub use self::document::{Answers, document};
pub use self::operation::{Example, Operation};
use super::endpoints::{self, Listed};

/// All endpoints with what they say of themselves.
pub fn operations() -> Vec<(&'static Listed, Operation)> {
    let mut operations = Vec::new();
    endpoints::describe(&mut |listed, describe| {
        let mut operation = Operation::default();
        describe(&mut operation);
        operations.push((listed, operation));
    });
    operations
}
