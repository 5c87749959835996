//! Secrets and their hashes.
//!
//! Only the SHA-256 of a secret is stored, without a salt and without the slow
//! hash that a password needs. A generated secret has 256 random bits. It cannot
//! be guessed, and no two are the same, so neither a slow hash nor a salt would
//! add security. A slow hash would make every call expensive, including calls of
//! unknown callers. Secrets that people choose are only in the variable and are
//! never stored; it is better to generate those, too.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::credential::Flaw;
use crate::host::Clock;
use crate::random;

/// The minimum length of secrets that the gateway did not generate.
pub const MIN_SECRET_CHARS: usize = 16;
const MAX_SECRET_BYTES: usize = 256;

/// The prefix of generated secrets, by which scanners of source code and logs
/// can recognise them.
const SECRET_PREFIX: &str = "ke_";

const HASH_PREFIX: &str = "sha256:";

/// A secret in plain text: just generated, or just presented. Its `Debug` does
/// not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(super) fn presented(text: String) -> Self {
        Self(text)
    }

    pub fn generate(clock: &impl Clock) -> Self {
        let mut bytes = [0; 32];
        clock.random(&mut bytes);
        Self(format!("{SECRET_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The secret itself, for its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The hash of a secret, which is stored. Its `Debug` does not show it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// That of no secret: nobody can present one with this hash.
    #[cfg(feature = "configuration")]
    pub(crate) fn none() -> Self {
        Self([0; 32])
    }

    /// Whether it is that of no secret.
    #[cfg(feature = "configuration")]
    pub(crate) fn is_none(&self) -> bool {
        self.0 == [0; 32]
    }

    /// Whether a text is a hash and no secret.
    #[cfg(feature = "configuration")]
    pub(crate) fn is_written(text: &str) -> bool {
        text.starts_with(HASH_PREFIX)
    }

    /// Reads the field `secret` of a document: the secret itself, or `sha256:`
    /// and its hash in 64 hexadecimal digits.
    pub(super) fn parse(text: &str) -> Result<Self, Flaw> {
        if text.starts_with(HASH_PREFIX) {
            return Self::try_from(text.to_owned());
        }
        let flaw = |problem: &'static str| Err(Flaw::new("secret", problem));
        if text.chars().count() < MIN_SECRET_CHARS {
            return flaw("is shorter than 16 characters");
        }
        if text.len() > MAX_SECRET_BYTES {
            return flaw("is longer than 256 bytes");
        }
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return flaw("holds a space or a control character");
        }
        Ok(Self::of(text))
    }
}

impl ConstantTimeEq for SecretHash {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        format!("{HASH_PREFIX}{}", random::hex(&hash.0))
    }
}

impl TryFrom<String> for SecretHash {
    type Error = Flaw;

    fn try_from(text: String) -> Result<Self, Flaw> {
        let bytes = text.strip_prefix(HASH_PREFIX).and_then(|digits| {
            let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
            let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
            let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
            let bytes: Vec<u8> = pairs.iter().map(byte).collect::<Option<_>>()?;
            bytes.try_into().ok()
        });
        bytes
            .map(Self)
            .ok_or_else(|| Flaw::new("secret", "is not sha256: and 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_the_standard_and_survives_being_written() {
        let hash = SecretHash::of("abc");
        let written = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(String::from(hash.clone()), written);
        assert_eq!(SecretHash::parse(written), Ok(hash.clone()));
        assert_eq!(SecretHash::parse(&written.to_uppercase().replace("SHA", "sha")), Ok(hash));
    }

    #[test]
    fn a_malformed_hash_is_not_taken_for_a_secret() {
        let hash = String::from(SecretHash::of("abc"));
        for bad in ["sha256:", &hash[..70], &format!("{hash}0"), &hash.replace('b', "g")] {
            assert_eq!(SecretHash::parse(bad).unwrap_err().field, "secret", "{bad}");
        }
    }

    #[test]
    fn weak_secrets_are_refused_without_being_repeated() {
        for (bad, why) in [
            ("", "shorter"),
            ("hush-hush-hush-", "shorter"),
            ("üüüüüüüü", "shorter"),
            ("hush hush hush hush", "space"),
            ("hush-hush-hush-hush\n", "space"),
            ("hush-hush-hush-hush\0", "control"),
            (&"hush".repeat(65), "longer"),
        ] {
            let flaw = SecretHash::parse(bad).unwrap_err().to_string();
            assert!(flaw.contains(why) && !flaw.contains("hush"), "{flaw}");
        }
        assert_eq!(SecretHash::parse("hush-hush-hush-h"), Ok(SecretHash::of("hush-hush-hush-h")));
    }

    #[test]
    fn nothing_shows_in_debug() {
        let secret = Secret::presented("hush-hush-hush-hush".into());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(format!("{:?}", secret.hash()), "SecretHash(…)");
        assert_eq!(secret.reveal(), "hush-hush-hush-hush");
    }
}
