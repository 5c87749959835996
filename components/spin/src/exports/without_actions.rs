//! The export of `kafka-edge:api/actions` in a component without them: the world has
//! it all the same.

use crate::Component;
use crate::bindings::exports::kafka_edge::api::actions::{
    Action, ActionRun, Error, Guest, Published, PutAction,
};

impl Guest for Component {
    async fn create(_: String) -> Result<Action, Error> {
        Err(unsupported())
    }

    async fn list() -> Result<Vec<Action>, Error> {
        Err(unsupported())
    }

    async fn get(_: String) -> Result<Action, Error> {
        Err(unsupported())
    }

    async fn put(_: String, _: String, _: Option<String>) -> Result<PutAction, Error> {
        Err(unsupported())
    }

    async fn patch(_: String, _: String, _: Option<String>) -> Result<Action, Error> {
        Err(unsupported())
    }

    async fn delete(_: String, _: Option<String>) -> Result<(), Error> {
        Err(unsupported())
    }

    async fn run(_: String, _: String, _: Option<String>) -> Result<Published, Error> {
        Err(unsupported())
    }

    async fn get_run(_: String) -> Result<ActionRun, Error> {
        Err(unsupported())
    }

    async fn report(_: String, _: String, _: String) -> Result<ActionRun, Error> {
        Err(unsupported())
    }
}

fn unsupported() -> Error {
    Error::Unsupported("This gateway was built without actions".into())
}
