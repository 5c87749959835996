//! The key that a passphrase stands for.
//!
//! Argon2id with 19 MiB and two passes is the least that OWASP's Password Storage Cheat Sheet
//! asks for. In a component it takes 28 ms of CPU on the machine on which the others were
//! tried (scrypt with 16 MiB and p = 5: 340 ms; PBKDF2 with 100,000 rounds: 38 ms, so some 230
//! for 600,000), which is below the 50 ms that the strictest of the hosts gives a call, and adds
//! some 19 KB.

use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::{Error, Result};
use crate::secrets::SecretKeys;

/// The length of a passphrase in bytes.
pub const MIN_PASSPHRASE: usize = 12;
pub const MAX_PASSPHRASE: usize = 1_024;

pub(super) const SALT_BYTES: usize = 16;
pub(super) const MEMORY_KIB: u32 = 19_456;
pub(super) const PASSES: u32 = 2;

/// The key of a passphrase with this salt.
pub(super) fn key(passphrase: &str, salt: &[u8]) -> Result<SecretKeys> {
    if !(MIN_PASSPHRASE..=MAX_PASSPHRASE).contains(&passphrase.len()) {
        let sentence = format!("Not a text of {MIN_PASSPHRASE} to {MAX_PASSPHRASE} bytes");
        return Err(Error::invalid("passphrase", sentence));
    }
    let mut key = [0; 32];
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(key.len()));
    let derived = params.and_then(|params| {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(passphrase.as_bytes(), salt, &mut key)
    });
    // Its parameters are right, so that only memory can be missing.
    derived.map_err(|_| Error::invalid("passphrase", "Its key could not be made"))?;
    Ok(SecretKeys::of(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_passphrase_has_a_length() {
        for (length, is_taken) in
            [(0, false), (11, false), (12, true), (1_024, true), (1_025, false)]
        {
            let key = key(&"x".repeat(length), b"of sixteen bytes");
            assert_eq!(key.is_ok(), is_taken, "{length}");
            if let Err(error) = key {
                assert!(
                    matches!(*error, ErrorKind::Invalid { field: "passphrase", .. }),
                    "{error:?}"
                );
            }
        }
    }

    #[test]
    fn a_key_is_that_of_its_passphrase_and_its_salt() {
        let key = |passphrase, salt: &[u8]| key(passphrase, salt).unwrap();
        let one = key("correct horse", b"of sixteen bytes");
        assert_eq!(one, key("correct horse", b"of sixteen bytes"));
        assert_ne!(one, key("correct hors!", b"of sixteen bytes"));
        assert_ne!(one, key("correct horse", b"of sixteen other"));
    }
}
