//! The settings of the host.

use kafka_edge::host::VariableError;

/// From `wasi:config`, and where that has none, from the environment: `wasmtime serve` takes
/// no comma in a value of the former (49.0.3), nor should a secret stand on its command line.
#[cfg(not(feature = "spin"))]
pub(super) fn get(name: &str) -> Result<Option<String>, VariableError> {
    use crate::bindings::wasi::config::store::{Error, get};
    let set = get(name);
    let set = set.map_err(|(Error::Upstream(text) | Error::Io(text))| VariableError(text))?;
    Ok(set.or_else(|| std::env::var(format!("KAFKA_EDGE_{}", name.to_ascii_uppercase())).ok()))
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
