//! Variables: secrets from the service's secret store, all others from its config store.

use fastly::{ConfigStore, SecretStore};

use kafka_edge::host::VariableError;

const CONFIG: &str = "kafka-edge-config";
const SECRETS: &str = "kafka-edge-secrets";

/// A store that the service does not have is an empty one: small set-ups need no secret
/// store, and one that has everything in it no config store.
pub(super) fn get(name: &str) -> Result<Option<String>, VariableError> {
    let value = match secret(name)? {
        Some(value) => Some(value),
        None => config(name)?,
    };
    Ok(value.filter(|value| !value.is_empty()))
}

fn secret(name: &str) -> Result<Option<String>, VariableError> {
    let Ok(store) = SecretStore::open(SECRETS) else { return Ok(None) };
    let failed = || VariableError(format!("{SECRETS} could not be read"));
    let Some(secret) = store.try_get(name).map_err(|_| failed())? else { return Ok(None) };
    let value = secret.try_plaintext().map_err(|_| failed())?;
    String::from_utf8(value.to_vec())
        .map(Some)
        .map_err(|_| VariableError(format!("{name} in {SECRETS} is not UTF-8")))
}

fn config(name: &str) -> Result<Option<String>, VariableError> {
    let Ok(store) = ConfigStore::try_open(CONFIG) else { return Ok(None) };
    store.try_get(name).map_err(|_| VariableError(format!("{CONFIG} could not be read")))
}
