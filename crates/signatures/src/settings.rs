//! What an operator writes under `verify`.

use serde::{Deserialize, Serialize};

use crate::failure::Unusable;
use crate::handshake::Handshake;
use crate::provider::{self, Provider};
use crate::scheme::{Empty, Names, Scheme, Signed, Token, Tolerance, ValueAt};
use crate::verifier::Verifier;

/// Exactly one of `provider`, `any` and the schemes is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A provider by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac: Option<Signed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecdsa: Option<Signed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ed25519: Option<Signed>,
    #[cfg(feature = "jwt")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<crate::jwt::Jwt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<Empty>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<Empty>,
    /// Several schemes, of which the first one whose header is there decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<Scheme>>,
    /// Another age of signatures than the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Tolerance>,
    /// The `aud` that tokens may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Names>,
    /// Claims that tokens have, with their values.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub claims: std::collections::BTreeMap<String, String>,
    /// Which handshake is answered, if it is another than the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake: Option<Handshake>,
}

impl Settings {
    /// The schemes with what the settings change in them.
    pub fn schemes(&self) -> Result<Vec<Scheme>, Unusable> {
        let one = [
            self.hmac.clone().map(Scheme::Hmac),
            self.ecdsa.clone().map(Scheme::Ecdsa),
            self.ed25519.clone().map(Scheme::Ed25519),
            #[cfg(feature = "jwt")]
            self.jwt.clone().map(Scheme::Jwt),
            self.token.clone().map(Scheme::Token),
            self.basic.clone().map(Scheme::Basic),
            self.none.clone().map(Scheme::None),
        ];
        let one: Vec<_> = one.into_iter().flatten().collect();
        let named = self.row()?.map(|row| row.schemes);
        let ways = one.len() + usize::from(named.is_some()) + usize::from(self.any.is_some());
        if ways != 1 {
            let sentence = "Exactly one of provider, hmac, ecdsa, ed25519, jwt, token, basic, any \
                            and none is needed";
            return Err(Unusable::new("verify", sentence));
        }
        let mut schemes = named.or_else(|| self.any.clone()).unwrap_or(one);
        if schemes.is_empty() {
            return Err(Unusable::new("verify.any", "There is no scheme"));
        }
        schemes.iter_mut().for_each(|scheme| self.change(scheme));
        Ok(schemes)
    }

    fn change(&self, scheme: &mut Scheme) {
        match scheme {
            Scheme::Hmac(signed) | Scheme::Ecdsa(signed) | Scheme::Ed25519(signed) => {
                signed.tolerance = self.tolerance.unwrap_or(signed.tolerance);
            }
            #[cfg(feature = "jwt")]
            Scheme::Jwt(jwt) => {
                if let Some(audience) = &self.audience {
                    jwt.audience = audience.clone();
                }
                jwt.claims.extend(self.claims.clone());
            }
            _ => {}
        }
    }

    pub fn verifier(&self, secrets: &[&str]) -> Result<Verifier, Unusable> {
        Verifier::new(&self.schemes()?, secrets)
    }

    /// Which handshake is answered.
    pub fn handshake(&self) -> Option<Handshake> {
        self.handshake.or_else(|| self.row().ok().flatten().and_then(|row| row.handshake))
    }

    /// Where the event's id stands, by the provider's habit; the first place that has
    /// one counts.
    pub fn id_places(&self) -> Vec<ValueAt> {
        self.row().ok().flatten().map(|row| row.id).unwrap_or_default()
    }

    fn row(&self) -> Result<Option<Provider>, Unusable> {
        let Some(name) = &self.provider else { return Ok(None) };
        let unknown = || Unusable::new("verify.provider", "There is no provider of this name");
        provider::provider(name).map(Some).ok_or_else(unknown)
    }
}
