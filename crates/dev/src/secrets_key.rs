//! The key under which secrets are stored: made at the first start, and kept beside
//! what it encrypts.

use crate::error::StartError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

const FILE: &str = "secrets-key";

/// The key of this folder. Without a folder it is good until the end.
pub(crate) fn of(folder: Option<&Path>) -> Result<String, StartError> {
    let Some(folder) = folder else { return Ok(new()) };
    let path = folder.join(FILE);
    match fs::read_to_string(&path) {
        Ok(key) => Ok(key.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = new();
            match write(&path, &key) {
                Ok(()) => Ok(key),
                Err(reason) => Err(StartError::SecretsKey { path, reason }),
            }
        }
        Err(reason) => Err(StartError::SecretsKey { path, reason }),
    }
}

fn new() -> String {
    let mut key = [0; 32];
    // Where the system has no randomness, nothing that is encrypted would be safe.
    getrandom::fill(&mut key).expect("the system gives random bytes");
    STANDARD.encode(key)
}

/// Only the user may read it.
fn write(path: &Path, key: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(path)?, "{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let key = of(Some(folder.path())).unwrap();
        assert_eq!(of(Some(folder.path())).unwrap(), key);
        assert_ne!(of(None).unwrap(), key);
        assert_eq!(key.len(), 44, "32 bytes in base64");
    }
}
