//! Keys, and whether a signature was made with one.

use ed25519_dalek::VerifyingKey as Ed25519Key;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{DerSignature, VerifyingKey as EcdsaKey};
use p256::pkcs8::DecodePublicKey;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::key::{decode, key};
use crate::scheme::{Encoding, Hash, KeyForm};

/// Gives the signed bytes in pieces to whoever asks.
pub(crate) type Feed<'f> = dyn Fn(&mut dyn FnMut(&[u8])) + 'f;

/// A key, ready to check signatures. Its `Debug` does not show it.
#[derive(Clone)]
pub(crate) enum Key {
    // A state takes its key in once, and is copied for each request.
    HmacSha1(Hmac<Sha1>),
    HmacSha256(Hmac<Sha256>),
    HmacSha512(Hmac<Sha512>),
    Ecdsa(EcdsaKey),
    Ed25519(Ed25519Key),
}

impl Key {
    pub(crate) fn hmac(hash: Hash, key: &[u8]) -> Option<Self> {
        Some(match hash {
            Hash::Sha1 => Self::HmacSha1(Hmac::new_from_slice(key).ok()?),
            Hash::Sha256 => Self::HmacSha256(Hmac::new_from_slice(key).ok()?),
            Hash::Sha512 => Self::HmacSha512(Hmac::new_from_slice(key).ok()?),
        })
    }

    /// Reads a public key as PEM, or as its DER in base64.
    pub(crate) fn ecdsa(text: &str) -> Option<Self> {
        let text = text.trim();
        let key = match text.starts_with("-----") {
            true => EcdsaKey::from_public_key_pem(text).ok()?,
            false => EcdsaKey::from_public_key_der(&decode(text, Encoding::Base64)?).ok()?,
        };
        Some(Self::Ecdsa(key))
    }

    /// Reads a public key of 32 bytes in this form.
    pub(crate) fn ed25519(text: &str, form: &KeyForm) -> Option<Self> {
        let bytes: [u8; 32] = key(text.trim(), form)?.try_into().ok()?;
        Some(Self::Ed25519(Ed25519Key::from_bytes(&bytes).ok()?))
    }

    /// Whether one of the signatures is of the bytes that `feed` gives.
    pub(crate) fn signed_one_of(&self, signatures: &[Vec<u8>], feed: &Feed<'_>) -> bool {
        match self {
            Self::HmacSha1(mac) => same(mac.clone(), signatures, feed),
            Self::HmacSha256(mac) => same(mac.clone(), signatures, feed),
            Self::HmacSha512(mac) => same(mac.clone(), signatures, feed),
            Self::Ecdsa(key) => {
                let bytes = collected(feed);
                signatures.iter().any(|signature| {
                    DerSignature::try_from(signature.as_slice())
                        .is_ok_and(|signature| key.verify(&bytes, &signature).is_ok())
                })
            }
            Self::Ed25519(key) => {
                let bytes = collected(feed);
                signatures.iter().any(|signature| {
                    ed25519_dalek::Signature::from_slice(signature)
                        .is_ok_and(|signature| key.verify_strict(&bytes, &signature).is_ok())
                })
            }
        }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// `Mac` compares in constant time.
fn same<M: Mac + Clone>(mut mac: M, signatures: &[Vec<u8>], feed: &Feed<'_>) -> bool {
    feed(&mut |bytes| mac.update(bytes));
    signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
}

fn collected(feed: &Feed<'_>) -> Vec<u8> {
    let mut all = Vec::new();
    feed(&mut |bytes| all.extend_from_slice(bytes));
    all
}
