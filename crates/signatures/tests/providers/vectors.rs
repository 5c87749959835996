//! Signatures that `tests/providers/make` made with the providers' packages.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kafka_edge_signatures::{Failure, JwkSet, Names, Settings, SignedRequest, Verifier};
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Vector {
    pub(crate) provider: String,
    case: String,
    pub(crate) secrets: Vec<String>,
    /// In seconds.
    pub(crate) now: i64,
    pub(crate) window: Window,
    pub(crate) request: Request,
    pub(crate) id: Option<String>,
    #[serde(default)]
    claims: BTreeMap<String, String>,
    jwks: Option<serde_json::Value>,
    /// The package accepts the request, and we do not.
    refused: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Window {
    pub(crate) age: Option<i64>,
    pub(crate) future: Option<i64>,
}

/// A question of a provider, and the answer that it wants.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) provider: String,
    pub(crate) secrets: Vec<String>,
    pub(crate) request: Request,
    pub(crate) answer: Answer,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Answer {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
    pub(crate) body_base64: Option<String>,
}

impl Vector {
    pub(crate) fn settings(&self) -> Settings {
        let mut claims = self.claims.clone();
        if self.provider == "jwt" {
            return self.spelled_out(claims);
        }
        let audience = claims.remove("aud").map(|name| Names(vec![name]));
        let provider = Some(self.provider.clone());
        Settings { provider, audience, claims, ..Settings::default() }
    }

    /// A token of nobody in particular.
    fn spelled_out(&self, mut claims: BTreeMap<String, String>) -> Settings {
        let algorithm = match self.case.as_str() {
            "eddsa" => "EdDSA".to_owned(),
            case => case.to_uppercase(),
        };
        let mut jwt = serde_json::json!({
            "prefix": "Bearer ", "algorithms": [algorithm],
            "issuer": claims.remove("iss"), "audience": claims.remove("aud"),
        });
        if self.jwks.is_some() {
            jwt["jwks"] = "https://issuer.example.com/keys".into();
        }
        let jwt = serde_json::from_value(jwt).unwrap();
        Settings { jwt: Some(jwt), claims, ..Settings::default() }
    }

    pub(crate) fn verifier(&self) -> Verifier {
        let secrets: Vec<_> = self.secrets.iter().map(String::as_str).collect();
        let verifier = self.settings().verifier(&secrets);
        let verifier = verifier.unwrap_or_else(|error| panic!("{self}: {error}"));
        match &self.jwks {
            Some(keys) => verifier.with_keys(&JwkSet::parse(keys.to_string().as_bytes()).unwrap()),
            None => verifier,
        }
    }

    pub(crate) fn check(&self, now: i64) -> Result<(), Failure> {
        self.with_request(|request| self.verifier().check(request, now * 1_000))
    }

    pub(crate) fn with_request<T>(&self, run: impl Fn(&SignedRequest<'_>) -> T) -> T {
        self.request.with(run)
    }

    /// The id by which the provider's repeats are known.
    pub(crate) fn found_id(&self) -> Option<String> {
        let places = self.settings().id_places();
        self.with_request(|request| {
            places.iter().find_map(|place| Some(place.find(request).ok()?.into_owned()))
        })
    }
}

impl Request {
    pub(crate) fn with<T>(&self, run: impl Fn(&SignedRequest<'_>) -> T) -> T {
        let Self { method, url, headers, body, body_base64 } = self;
        let body = match body_base64 {
            Some(base64) => STANDARD.decode(base64).unwrap(),
            None => body.clone().unwrap_or_default().into_bytes(),
        };
        let target = &url["https://".len()..];
        let target = target.find('/').map_or("/", |slash| &target[slash..]);
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        run(&SignedRequest { method, target, url: Some(url), headers: &headers, body: &body })
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.provider, self.case)
    }
}

pub(crate) fn handshakes() -> Vec<Exchange> {
    let text = std::fs::read(folder().join("handshakes.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/providers")
}

/// What is accepted.
pub(crate) fn vectors() -> Vec<Vector> {
    all().into_iter().filter(|vector| vector.refused.is_none()).collect()
}

/// What the packages accept and we refuse.
pub(crate) fn refused() -> Vec<Vector> {
    all().into_iter().filter(|vector| vector.refused.is_some()).collect()
}

fn all() -> Vec<Vector> {
    let folder = folder().join("vectors");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file: &std::path::PathBuf| {
        let text = std::fs::read(file).unwrap();
        serde_json::from_slice::<Vec<Vector>>(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    files.iter().flat_map(read).collect()
}
