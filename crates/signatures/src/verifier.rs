//! Settings made ready: schemes with their keys.

use crate::failure::{Failure, Unusable};
use crate::request::SignedRequest;
use crate::scheme::{Scheme, Token};
use crate::signed::{Kind, SignedWith};
use crate::token::{self, Digested};

/// Finds out whether a request comes from who holds the secrets.
#[derive(Debug, Clone)]
pub struct Verifier(Vec<Ready>);

#[derive(Debug, Clone)]
enum Ready {
    Signed(Box<SignedWith>),
    Token(Token, Vec<Digested>),
    Basic(Vec<Digested>),
    #[cfg(feature = "jwt")]
    Jwt(crate::jwt::JwtWith),
    None,
}

/// Secrets are compared with what strangers send, each in its turn.
const MAX_SECRETS: usize = 8;

impl Verifier {
    /// The schemes are tried in order; the first one whose header is there decides.
    pub fn new(schemes: &[Scheme], secrets: &[&str]) -> Result<Self, Unusable> {
        if secrets.len() > MAX_SECRETS {
            let sentence = format!("There are more than {MAX_SECRETS} secrets");
            return Err(Unusable::new("verify.secrets", sentence));
        }
        if schemes.iter().any(|scheme| !matches!(scheme, Scheme::None(_))) {
            check_secrets(schemes, secrets)?;
        }
        let mut first = None;
        let mut ready = Vec::new();
        for scheme in schemes {
            // A secret may be of the form that one of the schemes needs only.
            match Ready::new(scheme, secrets) {
                Ok(scheme) => ready.push(scheme),
                Err(unusable) => first = first.or(Some(unusable)),
            }
        }
        match (first, ready.is_empty()) {
            (Some(unusable), true) => Err(unusable),
            _ => Ok(Self(ready)),
        }
    }

    /// Whether a signature covers the address to which it was sent.
    pub fn covers_url(&self) -> bool {
        self.0.iter().any(|ready| match ready {
            Ready::Signed(signed) => signed.covers_url(),
            #[cfg(feature = "jwt")]
            Ready::Jwt(jwt) => jwt.covers_url(),
            _ => false,
        })
    }

    /// The headers that hold a secret as it is, or a token.
    pub fn secret_headers(&self) -> Vec<String> {
        let headers = self.0.iter().filter_map(|ready| match ready {
            Ready::Token(Token { header, .. }, _) => header.clone(),
            Ready::Basic(_) => Some("authorization".into()),
            #[cfg(feature = "jwt")]
            Ready::Jwt(jwt) => Some(jwt.header().to_owned()),
            _ => None,
        });
        headers.collect()
    }

    /// Where the keys are published, for tokens that are signed with one of a set.
    #[cfg(feature = "jwt")]
    pub fn jwks_url(&self) -> Option<&str> {
        self.0.iter().find_map(|ready| match ready {
            Ready::Jwt(jwt) => jwt.jwks_url(),
            _ => None,
        })
    }

    /// The same with the keys of a set that was fetched.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn with_keys(mut self, keys: &crate::jwt::JwkSet) -> Self {
        for ready in &mut self.0 {
            if let Ready::Jwt(jwt) = ready {
                jwt.set_keys(keys.clone());
            }
        }
        self
    }

    /// Checks a request at the time `now`, in milliseconds since 1970.
    pub fn check(&self, request: &SignedRequest<'_>, now: i64) -> Result<(), Failure> {
        let chosen = self.0.iter().find(|ready| ready.applies(request)).or(self.0.first());
        match chosen {
            Some(ready) => ready.check(request, now),
            None => Err(Failure::NoSignature),
        }
    }
}

impl Ready {
    fn new(scheme: &Scheme, secrets: &[&str]) -> Result<Self, Unusable> {
        let digested = || secrets.iter().map(|secret| Digested::of(secret.as_bytes())).collect();
        Ok(match scheme {
            Scheme::Hmac(signed) => {
                Self::Signed(SignedWith::new(signed, Kind::Hmac, secrets)?.into())
            }
            Scheme::Ecdsa(signed) => {
                Self::Signed(SignedWith::new(signed, Kind::Ecdsa, secrets)?.into())
            }
            Scheme::Ed25519(signed) => {
                Self::Signed(SignedWith::new(signed, Kind::Ed25519, secrets)?.into())
            }
            Scheme::Token(token) => {
                if token.header.is_some() == token.field.is_some() {
                    let sentence = "The token is either in a header or in a field";
                    return Err(Unusable::new("verify.token", sentence));
                }
                Self::Token(token.clone(), digested())
            }
            Scheme::Basic(_) => {
                let no_pair = secrets.iter().position(|secret| !secret.contains(':'));
                if let Some(place) = no_pair {
                    let field = format!("verify.secrets[{place}]");
                    return Err(Unusable::new(
                        field,
                        "The secret is not of the form name:password",
                    ));
                }
                Self::Basic(digested())
            }
            #[cfg(feature = "jwt")]
            Scheme::Jwt(jwt) => Self::Jwt(crate::jwt::JwtWith::new(jwt, secrets)?),
            Scheme::None(_) => Self::None,
        })
    }

    fn applies(&self, request: &SignedRequest<'_>) -> bool {
        match self {
            Self::Signed(signed) => signed.applies(request),
            Self::Token(Token { header: Some(name), .. }, _) => request.header(name).is_some(),
            Self::Basic(_) => request.header("authorization").is_some(),
            #[cfg(feature = "jwt")]
            Self::Jwt(jwt) => jwt.applies(request),
            Self::Token(..) | Self::None => true,
        }
    }

    fn check(&self, request: &SignedRequest<'_>, now: i64) -> Result<(), Failure> {
        match self {
            Self::Signed(signed) => signed.check(request, now),
            Self::Token(token, secrets) => token.check(request, secrets),
            Self::Basic(secrets) => token::check_basic(request, secrets),
            #[cfg(feature = "jwt")]
            Self::Jwt(jwt) => jwt.check(request, now),
            Self::None => Ok(()),
        }
    }
}

/// Every secret is good for at least one of the schemes.
fn check_secrets(schemes: &[Scheme], secrets: &[&str]) -> Result<(), Unusable> {
    for (place, secret) in secrets.iter().enumerate() {
        let field = || format!("verify.secrets[{place}]");
        if secret.is_empty() {
            return Err(Unusable::new(field(), "The secret is empty"));
        }
        let tries: Vec<_> = schemes.iter().map(|scheme| Ready::new(scheme, &[secret])).collect();
        if tries.iter().all(Result::is_err)
            && let Some(Err(unusable)) = tries.into_iter().next()
        {
            let of_secret = unusable.field.starts_with("verify.secrets[");
            let name = if of_secret { field() } else { unusable.field };
            return Err(Unusable::new(name, unusable.sentence));
        }
    }
    let keyless = |scheme: &Scheme| match scheme {
        Scheme::None(_) => true,
        #[cfg(feature = "jwt")]
        Scheme::Jwt(jwt) => jwt.jwks.is_some(),
        _ => false,
    };
    if secrets.is_empty() && !schemes.iter().any(keyless) {
        return Err(Unusable::new("verify.secrets", "At least one secret is needed"));
    }
    Ok(())
}
