//! The export of `kafka-edge:api/config` in a component without it: the world has it all
//! the same.

use crate::Component;
use crate::bindings::exports::kafka_edge::api::config::{Applied, Error, Guest, Selection};

impl Guest for Component {
    async fn export(_: Selection, _: Option<String>) -> Result<String, Error> {
        Err(unsupported())
    }

    async fn apply(_: String, _: Option<String>, _: bool) -> Result<Vec<Applied>, Error> {
        Err(unsupported())
    }
}

fn unsupported() -> Error {
    Error::Unsupported("This gateway was built without /config".into())
}
