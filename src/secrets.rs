//! Secrets of others, as they lie in the store: encrypted under a key that only the
//! operator has.
//!
//! The variable `secrets_key` holds one key, or several of which the first one
//! encrypts and all decrypt. A sealed secret names its key, and what it belongs to is
//! authenticated with it: whoever can write to the store cannot move it to another
//! owner. The cipher is XChaCha20-Poly1305, whose nonces of 24 bytes may be drawn at
//! random (draft-irtf-cfrg-xchacha, 2.1).

use std::fmt;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::host::Clock;
use crate::random;

pub const VARIABLE: &str = "secrets_key";

/// What an answer shows in place of a secret.
pub const MASK: &str = "********";

const PREFIX: &str = "sealed:1:";
const NONCE_BYTES: usize = 24;
const MAX_KEYS: usize = 8;

/// The keys of the operator. The first one encrypts.
#[derive(Clone, Default)]
pub struct SecretKeys(Rc<[Key]>);

struct Key {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl Key {
    fn new(key: [u8; 32]) -> Self {
        let id = random::hex(&Sha256::digest(key)[..4]);
        Self { id, cipher: XChaCha20Poly1305::new(&key.into()) }
    }
}

impl SecretKeys {
    /// Reads the variable: 32 bytes in base64, or several such keys with commas
    /// between them.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = || {
            Error::from(ErrorKind::Unconfigured(format!(
                "{VARIABLE} is not 32 bytes in base64, or up to {MAX_KEYS} of them with commas \
                 between"
            )))
        };
        let keys = text.split(',').map(str::trim).map(|key| {
            let key: [u8; 32] = STANDARD.decode(key).ok()?.try_into().ok()?;
            Some(Key::new(key))
        });
        let keys: Vec<Key> = keys.collect::<Option<_>>().ok_or_else(malformed)?;
        if keys.len() > MAX_KEYS {
            return Err(malformed());
        }
        Ok(Self(keys.into()))
    }

    /// One key.
    #[cfg(feature = "configuration")]
    pub(crate) fn of(key: [u8; 32]) -> Self {
        Self([Key::new(key)].into())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fails unless something new with a secret can be made.
    pub fn check(&self) -> Result<()> {
        self.first().map(drop)
    }

    /// Encrypts a secret of this owner, which is a name such as `source/stripe`.
    pub fn seal(&self, clock: &impl Clock, owner: &str, secret: &str) -> Result<StoredSecret> {
        let key = self.first()?;
        let mut nonce = [0; NONCE_BYTES];
        clock.random(&mut nonce);
        let payload = Payload { msg: secret.as_bytes(), aad: owner.as_bytes() };
        let sealed = key
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| ErrorKind::Store { detail: "a secret could not be encrypted".into() })?;
        Ok(StoredSecret::Sealed { key: key.id.clone(), sealed: [&nonce[..], &sealed].concat() })
    }

    /// The secret in plain text.
    pub fn open(&self, owner: &str, secret: &StoredSecret) -> Result<String, SecretGone> {
        let (id, sealed) = match secret {
            StoredSecret::Plain(secret) => return Ok(secret.clone()),
            StoredSecret::Sealed { key, sealed } => (key, sealed),
        };
        let key = self.0.iter().find(|key| key.id == *id);
        let key = key.ok_or_else(|| SecretGone { key: id.clone() })?;
        let opened = sealed.split_at_checked(NONCE_BYTES).and_then(|(nonce, sealed)| {
            let nonce = XNonce::try_from(nonce).ok()?;
            let payload = Payload { msg: sealed, aad: owner.as_bytes() };
            String::from_utf8(key.cipher.decrypt(&nonce, payload).ok()?).ok()
        });
        opened.ok_or_else(|| SecretGone { key: id.clone() })
    }

    /// Whether the key is there under which a secret was encrypted. Nothing is decrypted.
    pub fn has_key_of(&self, secret: &StoredSecret) -> bool {
        match secret {
            StoredSecret::Plain(_) => true,
            StoredSecret::Sealed { key, .. } => self.0.iter().any(|known| known.id == *key),
        }
    }

    /// The secret encrypted under the first key; `None` if it is already.
    pub fn renewed(
        &self,
        clock: &impl Clock,
        owner: &str,
        secret: &StoredSecret,
    ) -> Result<Option<StoredSecret>, SecretGone> {
        let Some(first) = self.0.first() else { return Ok(None) };
        if secret.is_missing() {
            return Ok(None);
        }
        if matches!(secret, StoredSecret::Sealed { key, .. } if *key == first.id) {
            return Ok(None);
        }
        let plain = self.open(owner, secret)?;
        Ok(self.seal(clock, owner, &plain).ok())
    }

    fn first(&self) -> Result<&Key> {
        self.0.first().ok_or_else(|| {
            ErrorKind::Unconfigured(format!(
                "Secrets are stored encrypted, and the variable {VARIABLE} holds no key: set it to \
                 32 random bytes in base64"
            ))
            .into()
        })
    }
}

/// The keys are equal if they have the same digests.
impl PartialEq for SecretKeys {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().map(|key| &key.id).eq(other.0.iter().map(|key| &key.id))
    }
}

impl Eq for SecretKeys {}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

/// The key of a secret is not among those of the variable, or what is stored was
/// changed by somebody else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct SecretGone {
    pub key: String,
}

impl SecretGone {
    fn sentence(&self) -> String {
        match &*self.key {
            "" => "The secret is missing: nobody has given it yet".into(),
            key => format!(
                "The key {key}, under which a secret was encrypted, is not in the variable \
                 {VARIABLE}"
            ),
        }
    }
}

impl From<SecretGone> for Error {
    fn from(gone: SecretGone) -> Self {
        ErrorKind::Unconfigured(gone.to_string()).into()
    }
}

/// A secret in a document. One that was stored before there were keys is plain.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredSecret {
    Plain(String),
    Sealed { key: String, sealed: Vec<u8> },
}

impl StoredSecret {
    /// What stands for a secret that is yet to be given, such as one that a document left
    /// out: it is encrypted under no key.
    #[cfg(feature = "configuration")]
    pub(crate) fn missing() -> Self {
        Self::Sealed { key: String::new(), sealed: Vec::new() }
    }

    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Sealed { key, .. } if key.is_empty())
    }

    /// As it is stored.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Plain(secret) => secret.clone(),
            Self::Sealed { key, sealed } => {
                format!("{PREFIX}{key}:{}", STANDARD_NO_PAD.encode(sealed))
            }
        }
    }

    fn parse(text: String) -> Self {
        let sealed = text.strip_prefix(PREFIX).and_then(|rest| {
            let (key, sealed) = rest.split_once(':')?;
            let sealed = STANDARD_NO_PAD.decode(sealed).ok()?;
            Some(Self::Sealed { key: key.to_owned(), sealed })
        });
        sealed.unwrap_or(Self::Plain(text))
    }
}

impl fmt::Debug for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredSecret(…)")
    }
}

impl Serialize for StoredSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for StoredSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws other bytes each time.
    struct Counting(std::cell::Cell<u8>);

    impl Clock for Counting {
        fn now(&self) -> crate::host::Millis {
            0
        }

        fn monotonic(&self) -> std::time::Duration {
            std::time::Duration::ZERO
        }

        async fn sleep(&self, _: std::time::Duration) {}

        fn random(&self, buffer: &mut [u8]) {
            buffer.fill(self.0.get());
            self.0.set(self.0.get() + 1);
        }
    }

    fn clock() -> Counting {
        Counting(std::cell::Cell::new(0))
    }

    fn keys(bytes: &[u8]) -> SecretKeys {
        let keys: Vec<_> = bytes.iter().map(|byte| STANDARD.encode([*byte; 32])).collect();
        SecretKeys::parse(&keys.join(", ")).unwrap()
    }

    #[test]
    fn a_secret_says_under_which_key_it_is() {
        let sealed = keys(&[1]).seal(&clock(), "source/a", "hush").unwrap();
        assert!(keys(&[2, 1]).has_key_of(&sealed));
        assert!(!keys(&[2]).has_key_of(&sealed));
        assert!(SecretKeys::default().has_key_of(&StoredSecret::Plain("hush".into())));
    }

    #[test]
    fn a_secret_comes_back_from_the_store_for_its_owner_only() {
        let (keys, clock) = (keys(&[1]), clock());
        let sealed = keys.seal(&clock, "source/a", "whsec_x").unwrap();
        assert_ne!(sealed, keys.seal(&clock, "source/a", "whsec_x").unwrap());
        let json = serde_json::to_string(&sealed).unwrap();
        assert!(!json.contains("whsec") && !format!("{sealed:?}").contains("whsec"), "{json}");
        let read: StoredSecret = serde_json::from_str(&json).unwrap();
        assert_eq!(read, sealed);
        assert_eq!(keys.open("source/a", &read).unwrap(), "whsec_x");
        assert!(keys.open("source/b", &read).is_err());
    }

    #[test]
    fn what_was_changed_is_not_opened() {
        let keys = keys(&[1]);
        let StoredSecret::Sealed { key, sealed } = keys.seal(&clock(), "o", "s").unwrap() else {
            panic!("it is sealed")
        };
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            let changed = StoredSecret::Sealed { key: key.clone(), sealed: changed };
            assert_eq!(keys.open("o", &changed), Err(SecretGone { key: key.clone() }));
        }
    }

    #[test]
    fn keys_can_be_changed_and_the_first_one_encrypts() {
        let (old, both, new, clock) = (keys(&[1]), keys(&[2, 1]), keys(&[2]), clock());
        let sealed = old.seal(&clock, "o", "s").unwrap();
        assert_eq!(both.open("o", &sealed).unwrap(), "s");
        let gone = new.open("o", &sealed).unwrap_err();
        assert!(gone.to_string().contains("secrets_key"), "{gone}");
        let renewed = both.renewed(&clock, "o", &sealed).unwrap().unwrap();
        assert_eq!(new.open("o", &renewed).unwrap(), "s");
        assert_eq!(both.renewed(&clock, "o", &renewed), Ok(None));
    }

    #[test]
    fn an_older_secret_is_plain_until_it_is_written_again() {
        let plain: StoredSecret = serde_json::from_str(r#""whsec_old""#).unwrap();
        let (keys, clock) = (keys(&[1]), clock());
        assert_eq!(SecretKeys::default().open("o", &plain).unwrap(), "whsec_old");
        assert_eq!(SecretKeys::default().renewed(&clock, "o", &plain), Ok(None));
        let renewed = keys.renewed(&clock, "o", &plain).unwrap().unwrap();
        assert!(matches!(renewed, StoredSecret::Sealed { .. }));
    }

    #[test]
    fn without_a_key_nothing_new_is_made_and_the_variable_is_named() {
        let refused = SecretKeys::default().seal(&clock(), "o", "s").unwrap_err();
        assert!(refused.to_string().contains(VARIABLE), "{refused}");
        let good = STANDARD.encode([1; 32]);
        for text in ["", "x", &STANDARD.encode([1; 31]), &format!("{good},"), &good[..43]] {
            let refused = SecretKeys::parse(text).unwrap_err().to_string();
            assert!(refused.contains(VARIABLE) && !refused.contains(&good[..10]), "{refused}");
        }
    }
}
