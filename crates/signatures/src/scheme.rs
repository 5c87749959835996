//! The parameters of a way of signing, in the form in which operators write them.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A way of showing who sent a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// A digest with a key that both sides know.
    Hmac(Signed),
    /// ECDSA over P-256 with SHA-256, DER-encoded.
    Ecdsa(Signed),
    Ed25519(Signed),
    /// A secret that is sent as it is.
    Token(Token),
    /// HTTP Basic; each secret is `name:password`.
    Basic(Empty),
    #[cfg(feature = "jwt")]
    Jwt(crate::jwt::Jwt),
    /// Everyone is believed.
    None(Empty),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// A signature over bytes of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The hash of an HMAC.
    #[serde(default, skip_serializing_if = "is_default")]
    pub algorithm: Hash,
    #[serde(default, skip_serializing_if = "is_default")]
    pub encoding: Encoding,
    /// The header, or the headers any of which may hold the signature.
    #[serde(default, skip_serializing_if = "is_default")]
    pub header: Names,
    /// The field of the body that holds the signature, in place of a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What stands before the signature, or the different things that may stand there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prefix: Names,
    /// What parts several entries in the header. Only those with a prefix count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// The template of the signed bytes.
    #[serde(default = "body", skip_serializing_if = "is_body")]
    pub signed: String,
    /// The items of the body, each of which is signed for itself. Fields are then
    /// those of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// How old a signature may be, and how far its time may lie ahead.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tolerance: Tolerance,
    /// The form, or the forms that are tried, of the secrets.
    #[serde(default, skip_serializing_if = "is_default")]
    pub key: KeyForms,
    /// The event's id, where the signature covers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ValueAt>,
    /// The parameter of the query that holds the body's SHA-256 in hexadecimal
    /// digits, where the signature covers the URL only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<String>,
    /// The scheme is used only for requests with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// Headers that the sender always writes, with these values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hash {
    Sha1,
    #[default]
    Sha256,
    Sha512,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    #[default]
    Hex,
    Base64,
    Base64url,
}

/// What a secret looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyForm {
    /// The bytes of the text.
    Text,
    Hex,
    Base64,
    /// Base64 behind this prefix, which has to be there.
    Base64After(String),
}

/// One name or several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

/// One form or several that are tried in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyForms(pub Vec<KeyForm>);

impl Default for KeyForms {
    fn default() -> Self {
        Self(vec![KeyForm::Text])
    }
}

/// One value alone, or a list of them. What serde derives for it is ten times as large.
fn one_or_many<T: DeserializeOwned, E: Error>(value: Value) -> Result<Vec<T>, E> {
    let values = match value {
        Value::Array(values) => values,
        one => vec![one],
    };
    let one = |value| kafka_edge_json::from_value(&value).map_err(E::custom);
    values.into_iter().map(one).collect()
}

fn write_one_or_many<T: Serialize, S: Serializer>(
    values: &[T],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match values {
        [one] => one.serialize(serializer),
        many => many.serialize(serializer),
    }
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_one_or_many(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_or_many(Value::deserialize(deserializer)?).map(Self)
    }
}

impl Serialize for KeyForms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_one_or_many(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for KeyForms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_or_many(Value::deserialize(deserializer)?).map(Self)
    }
}

/// Where a value stands: in a header or in a field of the body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueAt {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// A JSON pointer (RFC 6901), such as `/data/id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What stands before the value in the header.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// What parts several entries in the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
}

/// Where the time of a signature stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timestamp {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub unit: TimeUnit,
}

impl Timestamp {
    pub(crate) fn place(&self) -> ValueAt {
        ValueAt {
            header: self.header.clone(),
            field: self.field.clone(),
            prefix: self.prefix.clone(),
            separator: self.separator.clone(),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    #[default]
    S,
    Ms,
    /// A text such as `2026-11-29T10:00:00Z`; without a zone it is in UTC.
    Rfc3339,
}

/// Seconds, the same in both directions or each for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Tolerance {
    Both(u64),
    Each(Limits),
}

impl Default for Tolerance {
    fn default() -> Self {
        Self::Both(300)
    }
}

/// Without a number there is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    #[serde(default)]
    pub age: Option<u64>,
    #[serde(default)]
    pub future: Option<u64>,
}

impl<'de> Deserialize<'de> for Tolerance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.as_u64() {
            Some(seconds) => Ok(Self::Both(seconds)),
            None if value.is_object() => {
                kafka_edge_json::from_value(&value).map(Self::Each).map_err(D::Error::custom)
            }
            None => {
                let sentence =
                    "Neither a whole number of seconds nor an object with age and future";
                Err(D::Error::custom(sentence))
            }
        }
    }
}

impl Tolerance {
    pub(crate) fn limits(self) -> Limits {
        match self {
            Self::Both(seconds) => Limits { age: Some(seconds), future: Some(seconds) },
            Self::Each(limits) => limits,
        }
    }
}

/// What tells a request that uses a scheme from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    pub header: String,
    /// What the header's value holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<String>,
}

/// A secret that is sent as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// A field of the body; with `*` for each item of a list, all have to hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
}

fn body() -> String {
    "{body}".into()
}

fn is_body(template: &str) -> bool {
    template == "{body}"
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
