//! Tokens in JSON Web Signature's compact form (RFC 7515, RFC 7519).

use std::collections::BTreeMap;
use std::rc::Rc;

use p256::ecdsa::signature::Verifier as _;
use rsa::pkcs1v15;
use rsa::pkcs8::DecodePublicKey;
use rsa::{BoxedUint, PublicKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::algorithm::Key;
use crate::failure::{Failure, Unusable};
use crate::key::decode;
use crate::request::SignedRequest;
use crate::scheme::{Encoding, Hash, Names};

/// The longest token, and the most keys of a set.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
const MAX_KEYS: usize = 32;

/// How far clocks may differ, in seconds. Google's own library allows for five
/// minutes (npm google-auth-library 11.3.4).
const LEEWAY: i64 = 60;
const LEEWAY_OF_ISSUE: i64 = 300;

/// How a token shows who sent a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    #[serde(default = "authorization")]
    pub header: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    pub algorithms: Vec<Algorithm>,
    /// Where the keys are published. Without it, the secrets are the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<String>,
    /// The `iss` that the token may have.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub issuer: Names,
    /// The `aud` that the token may have.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub audience: Names,
    /// Further claims, with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
    /// The claim that holds the address to which the request was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_claim: Option<String>,
    /// The claim that holds the body's SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<BodyDigest>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodyDigest {
    pub claim: String,
    pub encoding: Encoding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    HS256,
    RS256,
    ES256,
    #[serde(alias = "Ed25519")]
    EdDSA,
}

fn authorization() -> String {
    "authorization".into()
}

fn is_empty(names: &Names) -> bool {
    names.0.is_empty()
}

/// Keys that a server publishes (RFC 7517). Those of kinds that are not known here
/// are left out.
#[derive(Debug, Clone, Default)]
pub struct JwkSet(Rc<[NamedKey]>);

#[derive(Debug, Clone)]
struct NamedKey {
    kid: Option<String>,
    key: TokenKey,
}

#[derive(Clone)]
enum TokenKey {
    Shared(Key),
    Rsa(Box<pkcs1v15::VerifyingKey<Sha256>>),
    P256(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl JwkSet {
    /// Reads a set; `None` if it is none.
    pub fn parse(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = kafka_edge_json::from_slice(json).ok()?;
        let keys = set.keys.into_iter().take(MAX_KEYS).filter_map(|key| {
            let jwk: Jwk = kafka_edge_json::from_value(&key).ok()?;
            let key = TokenKey::of_jwk(&jwk)?;
            Some(NamedKey { kid: jwk.kid, key })
        });
        Some(Self(keys.collect()))
    }
}

impl TokenKey {
    fn of_jwk(jwk: &Jwk) -> Option<Self> {
        let part = |part: &Option<String>| decode(part.as_deref()?, Encoding::Base64url);
        match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => {
                let number = |bytes: Vec<u8>| BoxedUint::from_be_slice_vartime(&bytes);
                // The crate refuses keys of more than 4096 bits, which would let whoever
                // publishes them take our time.
                let key = PublicKey::new(number(part(&jwk.n)?), number(part(&jwk.e)?)).ok()?;
                Some(Self::Rsa(Box::new(pkcs1v15::VerifyingKey::new(key))))
            }
            ("EC", Some("P-256")) => {
                let point = [&[4_u8][..], &part(&jwk.x)?, &part(&jwk.y)?].concat();
                p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok().map(Self::P256)
            }
            ("OKP", Some("Ed25519")) => {
                let bytes: [u8; 32] = part(&jwk.x)?.try_into().ok()?;
                ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok().map(Self::Ed25519)
            }
            _ => None,
        }
    }

    /// The key in a secret: PEM for public keys of RSA and P-256, the 32 bytes of Ed25519's
    /// in base64 or hexadecimal digits, text for a shared one.
    fn of_secret(secret: &str, algorithms: &[Algorithm]) -> Option<Self> {
        if !secret.trim_start().starts_with("-----") {
            if algorithms == [Algorithm::EdDSA] {
                let bytes = [Encoding::Base64, Encoding::Base64url, Encoding::Hex];
                let bytes = bytes.into_iter().find_map(|encoding| {
                    <[u8; 32]>::try_from(decode(secret.trim(), encoding)?).ok()
                })?;
                return ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok().map(Self::Ed25519);
            }
            let shared = algorithms.contains(&Algorithm::HS256);
            return shared.then(|| Key::hmac(Hash::Sha256, secret.as_bytes()))?.map(Self::Shared);
        }
        let pem = secret.trim();
        if let Ok(key) = p256::ecdsa::VerifyingKey::from_public_key_pem(pem) {
            return Some(Self::P256(key));
        }
        let key = PublicKey::from_public_key_pem(pem).ok()?;
        Some(Self::Rsa(Box::new(pkcs1v15::VerifyingKey::new(key))))
    }

    /// An algorithm goes with one kind of keys, whatever the token says.
    fn signed(&self, algorithm: Algorithm, bytes: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::Shared(key), Algorithm::HS256) => {
                key.signed_one_of(&[signature.to_vec()], &|take| take(bytes))
            }
            (Self::Rsa(key), Algorithm::RS256) => pkcs1v15::Signature::try_from(signature)
                .is_ok_and(|signature| key.verify(bytes, &signature).is_ok()),
            (Self::P256(key), Algorithm::ES256) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(bytes, &signature).is_ok()),
            (Self::Ed25519(key), Algorithm::EdDSA) => {
                ed25519_dalek::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify_strict(bytes, &signature).is_ok())
            }
            _ => false,
        }
    }
}

/// The scheme with its keys.
#[derive(Debug, Clone)]
pub(crate) struct JwtWith {
    scheme: Jwt,
    keys: JwkSet,
}

#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    kid: Option<String>,
    crit: Option<Value>,
}

impl JwtWith {
    pub(crate) fn new(scheme: &Jwt, secrets: &[&str]) -> Result<Self, Unusable> {
        let mut keys = Vec::new();
        if scheme.algorithms.is_empty() {
            return Err(Unusable::new("verify.jwt.algorithms", "There is no algorithm"));
        }
        if scheme.jwks.is_some() && scheme.algorithms.contains(&Algorithm::HS256) {
            let sentence = "HS256 needs a secret, and a published key is none";
            return Err(Unusable::new("verify.jwt.algorithms", sentence));
        }
        // Whoever may have a token of the same server made for itself could send it.
        if scheme.jwks.is_some() && scheme.audience.0.is_empty() {
            let sentence = "Tokens that are signed with published keys need an audience";
            return Err(Unusable::new("verify.audience", sentence));
        }
        for (place, secret) in secrets.iter().enumerate() {
            let key = TokenKey::of_secret(secret, &scheme.algorithms).ok_or_else(|| {
                let field = format!("verify.secrets[{place}]");
                Unusable::new(field, "The secret is no key of one of the algorithms")
            })?;
            keys.push(NamedKey { kid: None, key });
        }
        Ok(Self { scheme: scheme.clone(), keys: JwkSet(keys.into()) })
    }

    pub(crate) fn header(&self) -> &str {
        &self.scheme.header
    }

    pub(crate) fn covers_url(&self) -> bool {
        self.scheme.url_claim.is_some()
    }

    pub(crate) fn jwks_url(&self) -> Option<&str> {
        self.scheme.jwks.as_deref()
    }

    pub(crate) fn set_keys(&mut self, keys: JwkSet) {
        if self.scheme.jwks.is_some() {
            self.keys = keys;
        }
    }

    pub(crate) fn applies(&self, request: &SignedRequest<'_>) -> bool {
        request.header(&self.scheme.header).is_some()
    }

    pub(crate) fn check(&self, request: &SignedRequest<'_>, now: i64) -> Result<(), Failure> {
        let missing = || Failure::MissingHeader(self.scheme.header.clone());
        let value = request.header(&self.scheme.header).ok_or_else(missing)?;
        let token = value.strip_prefix(&*self.scheme.prefix).ok_or(Failure::NoSignature)?;
        let claims = self.claims(token.trim())?;
        self.check_claims(&claims, request, now.div_euclid(1_000))
    }

    /// The claims of a token whose signature is good.
    fn claims(&self, token: &str) -> Result<Map<String, Value>, Failure> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Failure::MalformedToken);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Failure::MalformedToken)?;
        let (header, payload) = signed.split_once('.').ok_or(Failure::MalformedToken)?;
        let part = |text: &str| decode(text, Encoding::Base64url).ok_or(Failure::MalformedToken);
        let header: Header =
            kafka_edge_json::from_slice(&part(header)?).map_err(|_| Failure::MalformedToken)?;
        // What is critical has to be understood (RFC 7515, 4.1.11), and nothing is.
        if header.crit.is_some() || !self.scheme.algorithms.contains(&header.alg) {
            return Err(Failure::MalformedToken);
        }
        let signature = part(signature)?;
        let candidates =
            self.keys.0.iter().filter(|known| {
                known.kid.is_none() || header.kid.is_none() || known.kid == header.kid
            });
        let mut candidates = candidates.peekable();
        if candidates.peek().is_none() {
            return Err(Failure::UnknownKey);
        }
        let bytes = signed.as_bytes();
        if !candidates.any(|known| known.key.signed(header.alg, bytes, &signature)) {
            return Err(Failure::Mismatch);
        }
        kafka_edge_json::from_slice(&part(payload)?).map_err(|_| Failure::MalformedToken)
    }

    fn check_claims(
        &self,
        claims: &Map<String, Value>,
        request: &SignedRequest<'_>,
        now: i64,
    ) -> Result<(), Failure> {
        let Jwt { issuer, audience, claims: wanted, url_claim, body_sha256, .. } = &self.scheme;
        // Numbers may have fractions (RFC 7519, section 2).
        #[allow(clippy::cast_possible_truncation)]
        let time = |name: &str| claims.get(name).map(|time| time.as_f64().map(|time| time as i64));
        match time("exp") {
            Some(Some(end)) if end.saturating_add(LEEWAY) >= now => {}
            Some(Some(_)) => return Err(Failure::TooOld),
            _ => return Err(Failure::MalformedToken),
        }
        for (name, leeway) in [("nbf", LEEWAY), ("iat", LEEWAY_OF_ISSUE)] {
            match time(name) {
                None => {}
                Some(Some(begin)) if begin.saturating_sub(leeway) <= now => {}
                Some(Some(_)) => return Err(Failure::InTheFuture),
                Some(None) => return Err(Failure::MalformedToken),
            }
        }
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let is_one_of = |names: &Names, value: Option<&str>| {
            value.is_some_and(|value| names.0.iter().any(|name| name == value))
        };
        if !issuer.0.is_empty() && !is_one_of(issuer, text("iss")) {
            return Err(Failure::ForeignToken);
        }
        if !audience.0.is_empty() {
            let found = match claims.get("aud") {
                Some(Value::Array(several)) => {
                    several.iter().any(|one| is_one_of(audience, one.as_str()))
                }
                one => is_one_of(audience, one.and_then(Value::as_str)),
            };
            if !found {
                return Err(Failure::ForeignToken);
            }
        }
        for (name, value) in wanted {
            let found = match claims.get(name) {
                Some(Value::String(text)) => text == value,
                Some(Value::Bool(flag)) => *value == if *flag { "true" } else { "false" },
                _ => false,
            };
            if !found {
                return Err(Failure::ForeignToken);
            }
        }
        if let Some(name) = url_claim
            && (request.url.is_none() || text(name) != request.url)
        {
            return Err(Failure::ForeignToken);
        }
        if let Some(BodyDigest { claim, encoding }) = body_sha256 {
            let digest = text(claim).and_then(|text| decode(text, *encoding));
            let real = Sha256::digest(request.body);
            if !digest.is_some_and(|digest| digest.ct_eq(&real).into()) {
                return Err(Failure::BodyDigest);
            }
        }
        Ok(())
    }
}
