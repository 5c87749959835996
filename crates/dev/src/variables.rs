//! The component's variables.
//!
//! Their names and defaults are only in `spin.toml`. They are overridden first
//! by defaults for a developer's machine, and then by the command line.

use crate::arguments::RestServer;
use crate::error::StartError;
use std::collections::BTreeMap;
use std::path::Path;

/// Names with values.
pub(crate) type Variables = BTreeMap<String, String>;

/// The defaults in the manifest of the component.
pub(crate) fn defaults(workspace: &Path) -> Result<Variables, StartError> {
    let manifest = std::fs::read_to_string(workspace.join("spin.toml"))
        .map_err(|error| StartError::Manifest(error.to_string()))?;
    parse(&manifest)
}

fn parse(manifest: &str) -> Result<Variables, StartError> {
    let manifest: toml::Table = manifest
        .parse()
        .map_err(|error: toml::de::Error| StartError::Manifest(error.to_string()))?;
    let variables = manifest.get("variables").and_then(toml::Value::as_table);
    let variables =
        variables.ok_or_else(|| StartError::Manifest("it has no table [variables]".to_owned()))?;
    let value = |variable: &toml::Value| {
        let default = variable.get("default").and_then(toml::Value::as_str);
        default.unwrap_or_default().to_owned()
    };
    Ok(variables.iter().map(|(name, variable)| (name.clone(), value(variable))).collect())
}

/// Defaults for a developer's machine: on a loopback address all local callers
/// may call, and callbacks may be local, too.
pub(crate) fn for_loopback() -> [(&'static str, String); 2] {
    [("open_access", "true".to_owned()), ("webhook_allow_private", "true".to_owned())]
}

/// What leads to the embedded server, which reads as Confluent Cloud does.
pub(crate) fn for_embedded(url: &str, cluster_id: &str) -> [(&'static str, String); 3] {
    [
        ("kafka_rest_url", url.to_owned()),
        ("kafka_cluster_id", cluster_id.to_owned()),
        ("kafka_consume_api", "cloud".to_owned()),
    ]
}

/// What leads to a server that is there already.
pub(crate) fn for_rest(server: &RestServer) -> Vec<(&'static str, String)> {
    let given = [
        ("kafka_rest_url", Some(&server.url)),
        ("kafka_api_key", server.api_key.as_ref()),
        ("kafka_api_secret", server.api_secret.as_ref()),
        ("kafka_cluster_id", server.cluster_id.as_ref()),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name, value?.clone()))).collect()
}

/// Sets what the command line says; only what the component knows.
pub(crate) fn set(
    variables: &mut Variables,
    given: impl IntoIterator<Item = (String, String)>,
) -> Result<(), StartError> {
    for (name, value) in given {
        match variables.get_mut(&name) {
            Some(variable) => *variable = value,
            None => {
                let known: Vec<_> = variables.keys().map(String::as_str).collect();
                return Err(StartError::UnknownVariable { name, known: known.join(", ") });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        [application]
        name = "a"
        [variables]
        one = { default = "1" }
        two = { required = true }
    "#;

    #[test]
    fn defaults_come_from_the_manifest() {
        let variables = parse(MANIFEST).unwrap();
        let pairs: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("one", "1"), ("two", "")]);
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_that_are_known() {
        let mut variables = parse(MANIFEST).unwrap();
        set(&mut variables, [("one".to_owned(), "I".to_owned())]).unwrap();
        assert_eq!(variables["one"], "I");
        let error = set(&mut variables, [("three".to_owned(), String::new())]).unwrap_err();
        assert!(error.to_string().contains("one, two"), "{error}");
    }

    #[test]
    fn the_real_manifest_has_what_is_set_here() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let variables = defaults(&workspace).unwrap();
        let server = RestServer {
            api_key: Some(String::new()),
            api_secret: Some(String::new()),
            cluster_id: Some(String::new()),
            ..RestServer::default()
        };
        let set_here =
            for_loopback().into_iter().chain(for_embedded("", "")).chain(for_rest(&server));
        for (name, _) in set_here {
            assert!(variables.contains_key(name), "{name}");
        }
    }
}
