//! Fastly's local server, Viceroy, which runs the build for Fastly Compute.
//!
//! It is a program of its own, built once from crates.io and kept by its version under
//! `target/tools`. Its key-value store ends with the process.

use crate::error::StartError;
use crate::variables::Variables;
use kafka_edge_host::build;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::process::Child;

/// The version that the reference and the tests are of.
const VERSION: &str = "0.22.0";

/// The names of the stores, as `components/fastly` opens them.
const STATE: &str = "kafka-edge-state";
const CONFIG: &str = "kafka-edge-config";
const SECRETS: &str = "kafka-edge-secrets";

/// What Viceroy refuses to begin with: a longer value in a config store.
const MAX_VALUE_CHARS: usize = 8_000;

/// How often it is tried whether the server takes connections. It compiles the program
/// before it does.
const POLL: Duration = Duration::from_millis(50);

/// The server and the program, both built.
#[derive(Debug)]
pub(crate) struct Viceroy {
    server: PathBuf,
    program: PathBuf,
    /// The variables that are secret, by spin.toml.
    secret: BTreeSet<String>,
}

impl Viceroy {
    pub(crate) fn prepare(workspace: &Path) -> Result<Self, StartError> {
        let secret = crate::variables::secret(workspace)?;
        eprintln!("building the program");
        let mut progress = |line: &str| eprintln!("{line}");
        let program = build::module(workspace, "kafka-edge-fastly", &mut progress)?;
        Ok(Self { server: server(workspace)?, program, secret })
    }

    /// Starts the server, and returns once it takes connections.
    pub(crate) async fn start(
        &self,
        address: SocketAddr,
        variables: &Variables,
        folder: &Path,
    ) -> Result<Child, StartError> {
        let failed = |reason| StartError::NotStarted { program: self.server.clone(), reason };
        let manifest = folder.join("fastly.toml");
        let settings = Settings::of(variables, &self.secret)?;
        std::fs::write(&manifest, settings.manifest()).map_err(failed)?;
        let mut server = tokio::process::Command::new(&self.server);
        server.args(["serve", "--addr", &address.to_string(), "-C"]).arg(&manifest);
        server.arg(&self.program).stdin(Stdio::null()).kill_on_drop(true);
        for (name, value) in &settings.secrets {
            server.env(environment(name), value);
        }
        let mut child = server.spawn().map_err(failed)?;
        while TcpStream::connect(address).await.is_err() {
            if let Some(status) = child.try_wait().map_err(failed)? {
                return Err(StartError::Ended { program: self.server.clone(), status });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(child)
    }
}

/// What the server is told.
#[derive(Debug)]
struct Settings<'a> {
    config: Vec<(&'a str, &'a str)>,
    /// They reach the server through its environment and lie in no file.
    secrets: Vec<(&'a str, &'a str)>,
}

impl<'a> Settings<'a> {
    fn of(variables: &'a Variables, secret: &BTreeSet<String>) -> Result<Self, StartError> {
        let given = variables.iter().filter(|(_, value)| !value.is_empty());
        let given = given.map(|(name, value)| (name.as_str(), value.as_str()));
        let (secrets, config): (Vec<_>, Vec<_>) =
            given.partition(|(name, _)| secret.contains(*name));
        let is_long = |(_, value): &&(&str, &str)| value.chars().count() > MAX_VALUE_CHARS;
        match config.iter().find(is_long) {
            Some((name, _)) => Err(StartError::LongVariable((*name).to_owned())),
            None => Ok(Self { config, secrets }),
        }
    }

    fn manifest(&self) -> String {
        let mut manifest = format!(
            "manifest_version = 3\nname = \"kafka-edge\"\n\n[local_server.kv_stores]\n{STATE} = []\n\n\
             [local_server.config_stores.{CONFIG}]\nformat = \"inline-toml\"\n\n\
             [local_server.config_stores.{CONFIG}.contents]\n"
        );
        for (name, value) in &self.config {
            _ = writeln!(manifest, "{name} = {}", quoted(value));
        }
        if self.secrets.is_empty() {
            _ = writeln!(manifest, "\n[local_server.secret_stores]\n{SECRETS} = []");
        }
        for (name, _) in &self.secrets {
            let variable = environment(name);
            _ = writeln!(
                manifest,
                "\n[[local_server.secret_stores.{SECRETS}]]\nkey = \"{name}\"\nenv = \"{variable}\""
            );
        }
        manifest
    }
}

/// The variable of the server's environment that holds a secret.
fn environment(name: &str) -> String {
    format!("KAFKA_EDGE_{}", name.to_uppercase())
}

/// A basic string of TOML: JSON's strings are written in the same way.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The server's program, built if it is not there yet.
fn server(workspace: &Path) -> Result<PathBuf, StartError> {
    let folder = workspace.join(format!("target/tools/viceroy-{VERSION}"));
    let server = folder.join("bin/viceroy");
    if server.is_file() {
        return Ok(server);
    }
    eprintln!(
        "building Fastly's local server, Viceroy {VERSION}, once: 20 to 40 minutes on two cores"
    );
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut install = Command::new(cargo);
    install.args(["install", "viceroy", "--version", VERSION, "--locked", "--root"]).arg(&folder);
    match install.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(server),
        Ok(status) => Err(StartError::Ended { program: "cargo install viceroy".into(), status }),
        Err(reason) => Err(StartError::NotStarted { program: "cargo".into(), reason }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(given: &[(&str, &str)]) -> Variables {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_manifest_holds_the_variables_and_no_secret() {
        let given = variables(&[
            ("credentials", "[\"a \\\" secret\"]"),
            ("kafka_rest_url", "http://127.0.0.1:1"),
            ("log", "a \"quoted\" \\ text\n"),
            ("open_access", ""),
        ]);
        let secret = BTreeSet::from(["credentials".to_owned(), "kafka_api_secret".to_owned()]);
        let settings = Settings::of(&given, &secret).unwrap();
        let manifest = settings.manifest();
        assert!(!manifest.contains("a \\\" secret") && !manifest.contains("kafka_api_secret"));
        assert_eq!(settings.secrets, [("credentials", "[\"a \\\" secret\"]")]);

        let manifest: toml::Table = manifest.parse().unwrap();
        let local = &manifest["local_server"];
        let config = local["config_stores"][CONFIG]["contents"].as_table().unwrap();
        let contents: Vec<_> = config.iter().map(|(n, v)| (&**n, v.as_str().unwrap())).collect();
        let log = ("log", "a \"quoted\" \\ text\n");
        assert_eq!(contents, [("kafka_rest_url", "http://127.0.0.1:1"), log]);
        let secrets = local["secret_stores"][SECRETS].as_array().unwrap();
        assert_eq!(secrets.len(), 1);
        assert_eq!(secrets[0]["env"].as_str(), Some("KAFKA_EDGE_CREDENTIALS"));
        assert!(local["kv_stores"][STATE].as_array().unwrap().is_empty());
    }

    #[test]
    fn the_stores_are_there_even_if_they_are_empty() {
        let none = Variables::new();
        let settings = Settings::of(&none, &BTreeSet::new()).unwrap();
        let manifest: toml::Table = settings.manifest().parse().unwrap();
        let secrets = &manifest["local_server"]["secret_stores"][SECRETS];
        assert!(secrets.as_array().unwrap().is_empty());
    }

    #[test]
    fn a_value_that_the_server_refuses_is_refused_by_its_name() {
        let given = variables(&[("kafka_rest_url", &"x".repeat(8_001))]);
        let refused = Settings::of(&given, &BTreeSet::new()).unwrap_err().to_string();
        assert!(refused.contains("kafka_rest_url"), "{refused}");
    }
}
