//! The API description in OpenAPI 3.1, generated from the declarations of the
//! endpoints.
//!
//! A test writes it to `docs/openapi.json`, with examples answered by a
//! gateway. The component serves that file and contains none of this code.

mod document;
mod operation;

pub use self::document::{Answers, document};
pub use self::operation::{Example, Operation};
use super::endpoints::{self, Listed};

/// All endpoints with their descriptions.
pub fn operations() -> Vec<(&'static Listed, Operation)> {
    let mut operations = Vec::new();
    endpoints::describe(&mut |listed, describe| {
        let mut operation = Operation::default();
        describe(&mut operation);
        operations.push((listed, operation));
    });
    operations
}
