//! The component's variables.
//!
//! Their names and defaults are only in `spin.toml`. They are overridden first
//! by defaults for a developer's machine, then by the environment and by files, and
//! then by the command line. A secret belongs in the environment or in a file: cargo
//! shows the command line of what it runs.

use crate::arguments::RestServer;
use crate::error::StartError;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Names with values.
pub(crate) type Variables = BTreeMap<String, String>;

/// The defaults in the manifest of the component.
pub(crate) fn defaults(workspace: &Path) -> Result<Variables, StartError> {
    parse(&manifest(workspace)?)
}

/// The names of the variables that the manifest calls secret.
pub(crate) fn secret(workspace: &Path) -> Result<BTreeSet<String>, StartError> {
    let variables = table(&manifest(workspace)?)?;
    let is_secret = |variable: &toml::Value| {
        variable.get("secret").and_then(toml::Value::as_bool).unwrap_or_default()
    };
    let secret = variables.into_iter().filter(|(_, variable)| is_secret(variable));
    Ok(secret.map(|(name, _)| name).collect())
}

fn manifest(workspace: &Path) -> Result<String, StartError> {
    std::fs::read_to_string(workspace.join("spin.toml"))
        .map_err(|error| StartError::Manifest(error.to_string()))
}

fn parse(manifest: &str) -> Result<Variables, StartError> {
    let value = |variable: &toml::Value| {
        let default = variable.get("default").and_then(toml::Value::as_str);
        default.unwrap_or_default().to_owned()
    };
    let variables = table(manifest)?.into_iter();
    Ok(variables.map(|(name, variable)| (name, value(&variable))).collect())
}

fn table(manifest: &str) -> Result<toml::Table, StartError> {
    let mut manifest: toml::Table = manifest
        .parse()
        .map_err(|error: toml::de::Error| StartError::Manifest(error.to_string()))?;
    match manifest.remove("variables") {
        Some(toml::Value::Table(variables)) => Ok(variables),
        _ => Err(StartError::Manifest("it has no table [variables]".to_owned())),
    }
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

/// What precedes a variable's name in the environment, as Spin has it.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// The variables that the environment sets, of those that the component knows.
pub(crate) fn from_environment(
    known: &Variables,
    environment: impl Fn(&str) -> Option<String>,
) -> Vec<(String, String)> {
    let value = |name: &String| {
        let variable = format!("{ENVIRONMENT_PREFIX}{}", name.to_uppercase());
        Some((name.clone(), environment(&variable)?))
    };
    known.keys().filter_map(value).collect()
}

/// The variables that a file sets: a table in TOML, or an object in a file whose
/// name ends in `.json`.
pub(crate) fn from_file(path: &Path) -> Result<Vec<(String, String)>, StartError> {
    let failed = |reason: String| StartError::VariableFile { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    // What the parsers say may quote the file, and with it a secret.
    let malformed = || failed("it is not a list of names with strings".to_owned());
    let values: BTreeMap<String, String> = if path.extension().is_some_and(|end| end == "json") {
        serde_json::from_str(&text).map_err(|_| malformed())?
    } else {
        toml::from_str(&text).map_err(|_| malformed())?
    };
    Ok(values.into_iter().collect())
}

/// Sets what was given; only what the component knows.
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
    fn the_environment_sets_what_is_known() {
        let known = parse(MANIFEST).unwrap();
        let environment = |name: &str| match name {
            "SPIN_VARIABLE_TWO" => Some("from outside".to_owned()),
            "SPIN_VARIABLE_THREE" => panic!("it is not known"),
            _ => None,
        };
        let set = from_environment(&known, environment);
        assert_eq!(set, [("two".to_owned(), "from outside".to_owned())]);
    }

    #[test]
    fn a_file_sets_what_it_says_and_is_not_quoted_when_it_is_malformed() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            from_file(&path)
        };
        let pair = [("one".to_owned(), "a secret".to_owned())];
        assert_eq!(file("a.toml", "one = \"a secret\"").unwrap(), pair);
        assert_eq!(file("a.json", r#"{"one":"a secret"}"#).unwrap(), pair);
        for (name, text) in [("b.toml", "one = a secret"), ("b.json", r#"{"one":["a secret"]}"#)] {
            let error = file(name, text).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains("a secret"), "{error}");
        }
        assert!(from_file(&folder.path().join("none.toml")).is_err());
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
        let secret = secret(&workspace).unwrap();
        assert!(secret.contains("credentials") && !secret.contains("open_access"), "{secret:?}");
    }
}
