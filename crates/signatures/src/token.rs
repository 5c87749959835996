//! Secrets that are sent as they are.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::failure::Failure;
use crate::field;
use crate::request::SignedRequest;
use crate::scheme::Token;

/// A secret by its digest, so that comparing takes the same time whatever its
/// length.
#[derive(Clone)]
pub(crate) struct Digested([u8; 32]);

impl Digested {
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    fn is_among(&self, known: &[Self]) -> bool {
        let none = Choice::from(0);
        known.iter().fold(none, |found, known| found | known.0.ct_eq(&self.0)).into()
    }
}

impl std::fmt::Debug for Digested {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digested(…)")
    }
}

impl Token {
    pub(crate) fn check(
        &self,
        request: &SignedRequest<'_>,
        secrets: &[Digested],
    ) -> Result<(), Failure> {
        if let Some(pointer) = &self.field {
            let found = field::at(request.body, pointer);
            if found.is_empty() {
                return Err(Failure::MissingField(pointer.clone()));
            }
            let all = found.into_iter().all(|value| {
                field::text(value).is_some_and(|text| known(text.as_bytes(), secrets))
            });
            return if all { Ok(()) } else { Err(Failure::Mismatch) };
        }
        let name = self.header.as_deref().unwrap_or("authorization");
        let missing = || Failure::MissingHeader(name.to_owned());
        let value = request.header(name).ok_or_else(missing)?;
        let token = value.strip_prefix(&*self.prefix).ok_or(Failure::NoSignature)?;
        if known(token.as_bytes(), secrets) { Ok(()) } else { Err(Failure::Mismatch) }
    }
}

/// Checks HTTP Basic (RFC 7617), with secrets of the form `name:password`.
pub(crate) fn check_basic(
    request: &SignedRequest<'_>,
    secrets: &[Digested],
) -> Result<(), Failure> {
    const NAME: &str = "authorization";
    let value = request.header(NAME).ok_or_else(|| Failure::MissingHeader(NAME.into()))?;
    let (scheme, pair) = value.split_once(' ').ok_or(Failure::NoSignature)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Failure::NoSignature);
    }
    let pair = STANDARD.decode(pair.trim()).map_err(|_| Failure::NoSignature)?;
    if known(&pair, secrets) { Ok(()) } else { Err(Failure::Mismatch) }
}

fn known(secret: &[u8], secrets: &[Digested]) -> bool {
    Digested::of(secret).is_among(secrets)
}
