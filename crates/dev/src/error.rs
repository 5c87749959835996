//! What can keep the gateway from starting.

use kafka_edge_host::build::BuildError;
use kafka_edge_host::kv::OpenError;
use kafka_edge_host::{HostError, LoadError};
use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(
        "{0} is taken, perhaps by another `cargo dev`. \
         `--listen 127.0.0.1:0` takes any free port."
    )]
    PortTaken(String),
    #[error("`{address}` cannot be listened on: {reason}")]
    Listen { address: String, reason: io::Error },
    #[error("{0}")]
    Build(#[from] BuildError),
    #[error("{0}")]
    Load(#[from] LoadError),
    #[error("{0}")]
    Host(#[from] HostError),
    #[error("the folder {folder} cannot be used: {reason}")]
    Folder { folder: PathBuf, reason: io::Error },
    #[error(
        "the folder {0} is in use, perhaps by another `cargo dev`. \
         `--data-dir` names another one, `--ephemeral` needs none."
    )]
    FolderInUse(PathBuf),
    #[error("{0}")]
    Store(OpenError),
    #[error("the Kafka REST server did not start: {0}")]
    Kafka(String),
    #[error("the key for secrets in {path} cannot be kept: {reason}")]
    SecretsKey { path: PathBuf, reason: io::Error },
    #[error("the variables in {path} cannot be read: {reason}")]
    VariableFile { path: PathBuf, reason: String },
    #[error("spin.toml cannot be read: {0}")]
    Manifest(String),
    #[error("{file} cannot be read: {reason}")]
    Unreadable { file: PathBuf, reason: io::Error },
    #[error("{0} is no WebAssembly component")]
    NoComponent(PathBuf),
    #[error("{program} could not be run: {reason}")]
    Composer { program: PathBuf, reason: io::Error },
    #[error("{program} could not be started: {reason}")]
    NotStarted { program: PathBuf, reason: io::Error },
    #[error("{program} ended at once: {status}")]
    Ended { program: PathBuf, status: std::process::ExitStatus },
    #[error("the variable {0} is longer than 8,000 characters, which a config store cannot hold")]
    LongVariable(String),
    #[error("{0}")]
    Compose(String),
    #[error("{0} exports no wasi:http/handler@0.3.0, so no request could reach it")]
    NoHandler(PathBuf),
    #[error("the component has no variable `{name}`. It has: {known}.")]
    UnknownVariable { name: String, known: String },
}
