//! The export of `kafka-edge:api/sources` in a component without them: the world has
//! it all the same.

use crate::Component;
use crate::bindings::exports::kafka_edge::api::sources::{
    Error, Guest, InboundRequest, PutSource, Received, Source, Statistics, Trial,
};

impl Guest for Component {
    async fn create(_: String) -> Result<Source, Error> {
        Err(unsupported())
    }

    async fn list() -> Result<Vec<Source>, Error> {
        Err(unsupported())
    }

    async fn get(_: String) -> Result<(Source, Statistics), Error> {
        Err(unsupported())
    }

    async fn put(_: String, _: String, _: Option<String>) -> Result<PutSource, Error> {
        Err(unsupported())
    }

    async fn patch(_: String, _: String, _: Option<String>) -> Result<Source, Error> {
        Err(unsupported())
    }

    async fn delete(_: String, _: Option<String>) -> Result<(), Error> {
        Err(unsupported())
    }

    async fn receive(_: String, _: InboundRequest) -> Result<Received, Error> {
        Err(unsupported())
    }

    async fn test(_: String, _: InboundRequest) -> Result<Trial, Error> {
        Err(unsupported())
    }
}

fn unsupported() -> Error {
    Error::Unsupported("This gateway was built without sources".into())
}
