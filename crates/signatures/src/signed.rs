//! Checks a signature over bytes of a request.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::algorithm::Key;
use crate::failure::{Failure, Unusable};
use crate::key::{decode, key};
use crate::request::SignedRequest;
use crate::scheme::{KeyForm, Signed, ValueAt};
use crate::template::{Template, Values};
use crate::{age, field};

/// The most signatures that a request may offer: each is compared with each key.
const MAX_SIGNATURES: usize = 16;

/// Which kind of keys a scheme has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Hmac,
    Ecdsa,
    Ed25519,
}

/// A scheme with its keys.
#[derive(Debug, Clone)]
pub(crate) struct SignedWith {
    scheme: Signed,
    template: Template,
    keys: Vec<Key>,
}

impl SignedWith {
    pub(crate) fn new(scheme: &Signed, kind: Kind, secrets: &[&str]) -> Result<Self, Unusable> {
        let template = Template::parse(&scheme.signed)
            .map_err(|sentence| Unusable::new("verify.signed", sentence))?;
        check_places(scheme, &template)?;
        let mut keys = Vec::new();
        for (place, secret) in secrets.iter().enumerate() {
            let before = keys.len();
            keys.extend(scheme.key.0.iter().filter_map(|form| match kind {
                Kind::Hmac => Key::hmac(scheme.algorithm, &key(secret, form)?),
                Kind::Ecdsa => Key::ecdsa(secret),
                Kind::Ed25519 => Key::ed25519(secret, form),
            }));
            if keys.len() == before {
                let expected = expected(kind, &scheme.key.0);
                return Err(Unusable::new(
                    format!("verify.secrets[{place}]"),
                    format!("The secret is not {expected}"),
                ));
            }
        }
        if keys.is_empty() {
            return Err(Unusable::new("verify.secrets", "At least one secret is needed"));
        }
        Ok(Self { scheme: scheme.clone(), template, keys })
    }

    pub(crate) fn covers_url(&self) -> bool {
        self.template.covers_url()
    }

    /// Whether this request looks like one that was signed by this scheme.
    pub(crate) fn applies(&self, request: &SignedRequest<'_>) -> bool {
        let Signed { header, when, body_sha256, .. } = &self.scheme;
        let condition = when.as_ref().is_none_or(|when| {
            request.header(&when.header).is_some_and(|value| {
                when.holds.as_ref().is_none_or(|part| value.contains(part.as_str()))
            })
        });
        let digested = body_sha256.as_ref().is_none_or(|name| request.parameter(name).is_some());
        condition
            && digested
            && (header.0.is_empty() || header.0.iter().any(|name| has(request, name)))
    }

    pub(crate) fn check(&self, request: &SignedRequest<'_>, now: i64) -> Result<(), Failure> {
        let Signed { timestamp, tolerance, id, body_sha256, expect, each, .. } = &self.scheme;
        for (name, value) in expect {
            let found = request.header(name);
            let found = found.ok_or_else(|| Failure::MissingHeader(name.clone()))?;
            if !found.eq_ignore_ascii_case(value) {
                return Err(Failure::UnexpectedHeader(name.clone()));
            }
        }
        let signatures = match &self.scheme.field {
            None => self.in_headers(request)?,
            Some(_) => Vec::new(),
        };
        let time = match timestamp {
            Some(timestamp) => timestamp.place().find(request)?,
            None => Cow::Borrowed(""),
        };
        if let Some(timestamp) = timestamp {
            age::check(&time, timestamp.unit, *tolerance, now)?;
        }
        let id = id.as_ref().map_or(Ok(Cow::Borrowed("")), |id| id.find(request))?;
        if let Some(parameter) = body_sha256 {
            let digest =
                request.parameter(parameter).and_then(|hex| decode(&hex, crate::Encoding::Hex));
            if digest.as_deref() != Some(&*Sha256::digest(request.body)) {
                return Err(Failure::BodyDigest);
            }
        }
        let values = Values { request, url: "", timestamp: &time, id: &id, item: None };
        let Some(each) = each else {
            return self.check_one(values, signatures);
        };
        let items = field::at(request.body, each);
        if items.is_empty() {
            return Err(Failure::MissingField(each.clone()));
        }
        items.into_iter().try_for_each(|item| {
            self.check_one(Values { item: Some(item), ..values }, signatures.clone())
        })
    }

    fn check_one(&self, values: Values<'_>, mut signatures: Vec<Vec<u8>>) -> Result<(), Failure> {
        if let Some(pointer) = &self.scheme.field {
            let found = match values.item {
                Some(item) => field::below(item, pointer),
                None => field::at(values.request.body, pointer),
            };
            let text = found.first().and_then(|value| field::text(value));
            let text = text.ok_or_else(|| Failure::MissingField(pointer.clone()))?;
            signatures.extend(self.signature(&text));
        }
        if signatures.is_empty() {
            return Err(Failure::NoSignature);
        }
        for url in urls(values.request, self.covers_url()) {
            let pieces = self.template.fill(Values { url: &url, ..values })?;
            let feed = |take: &mut dyn FnMut(&[u8])| pieces.iter().for_each(|piece| take(piece));
            if self.keys.iter().any(|key| key.signed_one_of(&signatures, &feed)) {
                return Ok(());
            }
        }
        Err(Failure::Mismatch)
    }

    fn in_headers(&self, request: &SignedRequest<'_>) -> Result<Vec<Vec<u8>>, Failure> {
        let Signed { header, separator, .. } = &self.scheme;
        let values: Vec<_> = header.0.iter().filter_map(|name| request.header(name)).collect();
        if values.is_empty() {
            let first = header.0.first().cloned().unwrap_or_default();
            return Err(Failure::MissingHeader(first));
        }
        let entries = values.into_iter().flat_map(|value| entries(value, separator.as_deref()));
        let signatures: Vec<_> =
            entries.filter_map(|entry| self.signature(entry)).take(MAX_SIGNATURES).collect();
        if signatures.is_empty() { Err(Failure::NoSignature) } else { Ok(signatures) }
    }

    fn signature(&self, text: &str) -> Option<Vec<u8>> {
        let Signed { prefix, encoding, .. } = &self.scheme;
        let decoded = |text: &str| decode(text, *encoding).filter(|bytes| !bytes.is_empty());
        let text = text.trim();
        match prefix.0.is_empty() {
            true => decoded(text),
            false => prefix.0.iter().find_map(|prefix| decoded(text.strip_prefix(&**prefix)?)),
        }
    }
}

impl ValueAt {
    /// The value, which has to be there and not empty.
    pub fn find<'a>(&self, request: &SignedRequest<'a>) -> Result<Cow<'a, str>, Failure> {
        if let Some(pointer) = &self.field {
            let found = field::one_text(request.body, pointer).filter(|text| !text.is_empty());
            return found.ok_or_else(|| Failure::MissingField(pointer.clone()));
        }
        let name = self.header.as_deref().unwrap_or_default();
        let value = request.header(name).ok_or_else(|| Failure::MissingHeader(name.to_owned()))?;
        let entries = entries(value, self.separator.as_deref());
        let found = entries.into_iter().find_map(|entry| entry.trim().strip_prefix(&*self.prefix));
        let found = found.filter(|text| !text.is_empty());
        found.map(Cow::Borrowed).ok_or_else(|| Failure::UnexpectedHeader(name.to_owned()))
    }
}

fn has(request: &SignedRequest<'_>, name: &str) -> bool {
    request.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
}

fn entries<'v>(value: &'v str, separator: Option<&str>) -> Vec<&'v str> {
    match separator {
        Some(separator) => value.split(separator).collect(),
        None => vec![value],
    }
}

/// The address as it is, without a port, and with the port that its scheme has anyway:
/// senders write any of these (npm twilio 6.3.1, PyPI twilio 9.13.0).
fn urls(request: &SignedRequest<'_>, covered: bool) -> Vec<String> {
    let Some(url) = request.url.filter(|_| covered) else { return vec![String::new()] };
    let Some((scheme, rest)) = url.split_once("://") else { return vec![url.to_owned()] };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // The colons of an IPv6 address are within brackets.
    let bare = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    };
    let port = if scheme == "https" { 443 } else { 80 };
    let mut urls = vec![url.to_owned()];
    for other in [format!("{scheme}://{bare}{path}"), format!("{scheme}://{bare}:{port}{path}")] {
        if !urls.contains(&other) {
            urls.push(other);
        }
    }
    urls
}

fn check_places(scheme: &Signed, template: &Template) -> Result<(), Unusable> {
    let unusable = |field: &str, sentence: &str| Err(Unusable::new(field, sentence));
    if scheme.header.0.is_empty() == scheme.field.is_none() {
        return unusable("verify.header", "The signature is either in a header or in a field");
    }
    if template.covers_timestamp() && scheme.timestamp.is_none() {
        return unusable("verify.timestamp", "The template has {timestamp}, but no place for it");
    }
    if template.covers_id() && scheme.id.is_none() {
        return unusable("verify.id", "The template has {id}, but no place for it");
    }
    let at = |place: &ValueAt| place.header.is_some() != place.field.is_some();
    if scheme.timestamp.as_ref().is_some_and(|timestamp| !at(&timestamp.place())) {
        return unusable("verify.timestamp", "A value is either in a header or in a field");
    }
    if scheme.id.as_ref().is_some_and(|id| !at(id)) {
        return unusable("verify.id", "A value is either in a header or in a field");
    }
    if scheme.separator.as_deref() == Some("") {
        return unusable("verify.separator", "The separator is empty");
    }
    Ok(())
}

fn expected(kind: Kind, forms: &[KeyForm]) -> String {
    match kind {
        Kind::Ecdsa => "a public key of P-256, as PEM or as DER in base64".into(),
        Kind::Ed25519 => "a public key of 32 bytes in the form that is asked for".into(),
        Kind::Hmac => {
            let form = |form: &KeyForm| match form {
                KeyForm::Text => "a text".to_owned(),
                KeyForm::Hex => "hexadecimal digits".into(),
                KeyForm::Base64 => "base64".into(),
                KeyForm::Base64After(prefix) => format!("{prefix} and base64"),
            };
            forms.iter().map(form).collect::<Vec<_>>().join(" or ")
        }
    }
}
