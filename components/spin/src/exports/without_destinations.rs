//! The export of `kafka-edge:api/destinations` in a component without them: the world has
//! it all the same.

use crate::Component;
use crate::bindings::exports::kafka_edge::api::destinations::{
    Destination, Error, Guest, PutDestination, Trial,
};

impl Guest for Component {
    async fn create(_: String) -> Result<Destination, Error> {
        Err(unsupported())
    }

    async fn list() -> Result<Vec<Destination>, Error> {
        Err(unsupported())
    }

    async fn get(_: String) -> Result<Destination, Error> {
        Err(unsupported())
    }

    async fn put(_: String, _: String, _: Option<String>) -> Result<PutDestination, Error> {
        Err(unsupported())
    }

    async fn patch(_: String, _: String, _: Option<String>) -> Result<Destination, Error> {
        Err(unsupported())
    }

    async fn delete(_: String, _: Option<String>) -> Result<(), Error> {
        Err(unsupported())
    }

    async fn test(_: String) -> Result<Trial, Error> {
        Err(unsupported())
    }
}

fn unsupported() -> Error {
    Error::Unsupported("This gateway was built without destinations".into())
}
