//! Signatures of deliveries, by Standard Webhooks: over `{id}.{timestamp}.{body}`, with
//! HMAC-SHA256 (`v1`) or Ed25519 (`v1a`). While a secret is replaced, both sign
//! (`reference/webhook-signatures.md`).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::host::Clock;

const SECRET_PREFIX: &str = "whsec_";

/// A key that a subscription's deliveries are signed with by `v1`. Its `Debug` does
/// not show it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SigningSecret(Vec<u8>);

impl SigningSecret {
    pub(super) fn generate(clock: &impl Clock) -> Self {
        let mut key = vec![0; 32];
        clock.random(&mut key);
        Self(key)
    }

    /// Reads `whsec_` and 24 to 64 bytes in base64.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let key = STANDARD.decode(text.strip_prefix(SECRET_PREFIX)?).ok()?;
        (24..=64).contains(&key.len()).then_some(Self(key))
    }

    /// The secret in the form that its owner gets: `whsec_…`.
    pub(super) fn reveal(&self) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(&self.0))
    }

    fn sign(&self, signed: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(signed);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// A key of `v1a`. It never leaves the gateway; receivers know its public half.
#[cfg(feature = "sources")]
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SigningSeed([u8; 32]);

#[cfg(feature = "sources")]
impl SigningSeed {
    const PREFIX: &str = "whsk_";
    const PUBLIC_PREFIX: &str = "whpk_";

    pub(super) fn generate(clock: &impl Clock) -> Self {
        let mut seed = [0; 32];
        clock.random(&mut seed);
        Self(seed)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let seed = STANDARD.decode(text.strip_prefix(Self::PREFIX)?).ok()?;
        seed.try_into().ok().map(Self)
    }

    /// The form in which it is stored, encrypted.
    pub(super) fn reveal(&self) -> String {
        format!("{}{}", Self::PREFIX, STANDARD.encode(self.0))
    }

    /// What receivers verify with: `whpk_…`.
    pub(super) fn public(&self) -> String {
        let public = kafka_edge_signatures::ed25519::public_key(&self.0);
        format!("{}{}", Self::PUBLIC_PREFIX, STANDARD.encode(public))
    }

    fn sign(&self, signed: &[u8]) -> String {
        let signature = kafka_edge_signatures::ed25519::sign(&self.0, signed);
        format!("v1a,{}", STANDARD.encode(signature))
    }
}

#[cfg(feature = "sources")]
impl fmt::Debug for SigningSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSeed(…)")
    }
}

/// All keys that sign now, the current one of each kind first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Signer {
    pub(super) secrets: Vec<SigningSecret>,
    #[cfg(feature = "sources")]
    pub(super) seeds: Vec<SigningSeed>,
}

impl Signer {
    /// The value of `webhook-signature`: one line, with single spaces between signatures.
    /// Some libraries take nothing else, and all of them pass over what they do not know
    /// only behind a comma (`reference/webhook-providers.md`).
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut signed = format!("{id}.{timestamp}.").into_bytes();
        signed.extend_from_slice(body);
        let mut all: Vec<_> = self.secrets.iter().map(|secret| secret.sign(&signed)).collect();
        #[cfg(feature = "sources")]
        all.extend(self.seeds.iter().map(|seed| seed.sign(&signed)));
        all.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(secrets: &[&str]) -> Signer {
        let secrets = secrets.iter().map(|text| SigningSecret::parse(text).unwrap()).collect();
        Signer { secrets, ..Signer::default() }
    }

    /// The vectors of two of the reference libraries.
    #[test]
    fn signs_as_the_reference_does() {
        for (secret, id, timestamp, body, signature) in [
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                r#"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
        ] {
            assert_eq!(signer(&[secret]).sign(id, timestamp, body.as_bytes()), signature);
        }
    }

    #[test]
    fn all_keys_sign_in_one_line_with_single_spaces() {
        let (new, old) =
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
        let line = signer(&[new, old]).sign("msg_1", 7, b"{}");
        let each = [signer(&[new]), signer(&[old])].map(|one| one.sign("msg_1", 7, b"{}"));
        assert_eq!(line, each.join(" "));
        assert_eq!(signer(&[]).sign("msg_1", 7, b"{}"), "");
    }

    #[cfg(feature = "sources")]
    #[test]
    fn v1a_comes_behind_v1_and_its_public_key_can_be_told() {
        let seed = SigningSeed([7; 32]);
        let both = Signer {
            seeds: vec![seed.clone()],
            ..signer(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
        };
        let line = both.sign("msg_1", 7, b"{}");
        let (v1, v1a) = line.split_once(' ').unwrap();
        assert!(v1.starts_with("v1,") && v1a.starts_with("v1a,"), "{line}");
        let signature = STANDARD.decode(&v1a[4..]).unwrap();
        assert_eq!(signature, kafka_edge_signatures::ed25519::sign(&seed.0, b"msg_1.7.{}"));
        assert_eq!(SigningSeed::parse(&seed.reveal()), Some(seed.clone()));
        assert!(seed.public().starts_with("whpk_") && format!("{seed:?}") == "SigningSeed(…)");
        assert_eq!(SigningSeed::parse("whsk_AAAA"), None);
    }

    #[test]
    fn a_secret_is_kept_whole_and_never_shown_by_accident() {
        let secret = SigningSecret((0..32).collect());
        assert_eq!(SigningSecret::parse(&secret.reveal()), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
    }

    #[test]
    fn what_is_no_secret_is_not_read_as_one() {
        for text in ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!"] {
            assert_eq!(SigningSecret::parse(text), None, "{text}");
        }
    }
}
