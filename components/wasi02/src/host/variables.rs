//! The settings of the host.

use kafka_edge::host::VariableError;

#[cfg(not(feature = "spin"))]
pub(super) fn get(name: &str) -> Result<Option<String>, VariableError> {
    use crate::bindings::wasi::config::store::{Error, get};
    get(name).map_err(|(Error::Upstream(text) | Error::Io(text))| VariableError(text))
}

#[cfg(feature = "spin")]
pub(super) fn get(name: &str) -> Result<Option<String>, VariableError> {
    use crate::bindings::fermyon::spin::variables::{Error, get};
    match get(name) {
        Ok(value) => Ok(Some(value)),
        Err(Error::Undefined(_)) => Ok(None),
        Err(Error::InvalidName(text) | Error::Provider(text) | Error::Other(text)) => {
            Err(VariableError(text))
        }
    }
}
