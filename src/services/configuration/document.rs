//! The document, as text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::kind::{Entry, Given};
use super::passphrase::{self, MEMORY_KIB, PASSES, SALT_BYTES};
use super::{MAX_BYTES, MAX_ENTRIES};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Clock;
use crate::secrets::{SecretKeys, StoredSecret};

/// The version of documents, and of each kind of entries.
const VERSION: u32 = 1;

/// How much is left for the end of a document.
const END_BYTES: usize = 600;

/// What a document says of its secrets, as a JSON text whose members are in order.
fn encryption(salt: &[u8]) -> String {
    format!(
        "{{\"cipher\":\"xchacha20-poly1305\",\"kdf\":\"argon2id\",\"memory_kib\":{MEMORY_KIB},\
         \"passes\":{PASSES},\"salt\":{}}}",
        quoted(&STANDARD.encode(salt))
    )
}

/// To whom an encrypted secret belongs: it cannot be moved to another entry.
fn owner(kind: &str, name: &str, place: usize) -> String {
    format!("document/{kind}/{name}/{place}")
}

/// A document on its way out.
pub(super) struct Writer<'c, C> {
    clock: &'c C,
    keys: Option<SecretKeys>,
    text: String,
    entries: usize,
    /// Of the last entry.
    last: String,
}

impl<'c, C: Clock> Writer<'c, C> {
    pub(super) fn begin(
        clock: &'c C,
        kinds: impl Iterator<Item = &'static str>,
        passphrase: Option<&str>,
    ) -> Result<Self> {
        let versions: Vec<_> = kinds.map(|kind| format!("{}:{VERSION}", quoted(kind))).collect();
        let mut text = format!(
            "{{\"version\":{VERSION},\"gateway\":{},\"versions\":{{{}}},",
            quoted(env!("CARGO_PKG_VERSION")),
            versions.join(","),
        );
        let mut keys = None;
        if let Some(passphrase) = passphrase {
            let mut salt = [0; SALT_BYTES];
            clock.random(&mut salt);
            keys = Some(passphrase::key(passphrase, &salt)?);
            text += &format!("\"encryption\":{},", encryption(&salt));
        }
        text += "\"entries\":[";
        Ok(Self { clock, keys, text, entries: 0, last: String::new() })
    }

    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    /// Adds an entry; returns whether it fits.
    pub(super) fn add(&mut self, kind: &str, name: &str, entry: Entry) -> Result<bool> {
        let before = self.text.len();
        self.text += if self.entries == 0 { "\n" } else { ",\n" };
        self.text += &format!(
            "{{\"kind\":{},\"name\":{},\"settings\":{}",
            quoted(kind),
            quoted(name),
            entry.settings
        );
        let secrets = entry.secrets.filter(|secrets| !secrets.is_empty());
        if let (Some(keys), Some(secrets)) = (&self.keys, secrets) {
            let sealed = secrets.iter().enumerate().map(|(place, secret)| {
                let sealed = keys.seal(self.clock, &owner(kind, name, place), secret)?;
                Ok(quoted(&sealed.to_text()))
            });
            let sealed: Vec<String> = sealed.collect::<Result<_>>()?;
            self.text += &format!(",\"secrets\":[{}]", sealed.join(","));
        }
        self.text.push('}');
        if self.text.len() > MAX_BYTES - END_BYTES - kind.len() - name.len() {
            self.text.truncate(before);
            if self.entries == 0 {
                return Err(ErrorKind::Unprocessable {
                    field: "entries".into(),
                    sentence: "One entry alone is too large for a document".into(),
                }
                .into());
            }
            return Ok(false);
        }
        self.entries += 1;
        self.last = format!("{kind}/{name}");
        Ok(true)
    }

    pub(super) fn end(self) -> String {
        self.text + "\n]}\n"
    }

    /// The end of a document behind which there is more.
    pub(super) fn end_before_more(self) -> String {
        let next = quoted(&self.last);
        self.text + &format!("\n],\"next\":{next}}}\n")
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A document as it is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    version: Value,
    #[serde(default, rename = "gateway")]
    _gateway: Value,
    #[serde(default)]
    versions: Value,
    #[serde(default)]
    encryption: Value,
    pub(super) entries: Vec<Written>,
    /// There is another document behind it.
    #[serde(default, rename = "next")]
    _next: Value,
}

/// An entry of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) kind: String,
    pub(super) name: String,
    settings: Box<RawValue>,
    #[serde(default)]
    secrets: Option<Vec<StoredSecret>>,
}

impl Document {
    /// Reads a document. `is_known` says whether there is a kind of this name.
    pub(super) fn parse(text: &[u8], is_known: &dyn Fn(&str) -> bool) -> Result<Self> {
        let document: Self =
            kafka_edge_json::from_slice(text).map_err(|error| Error::of_json(&error, "body"))?;
        let newer = |name: &str| {
            let sentence = format!(
                "The document is of another version of {name} than this gateway knows, which is \
                 {VERSION}"
            );
            Error::invalid("version", sentence)
        };
        if document.version != VERSION {
            return Err(newer("documents"));
        }
        for (kind, version) in document.versions.as_object().into_iter().flatten() {
            if is_known(kind) && *version != VERSION {
                return Err(newer(kind));
            }
        }
        if document.entries.len() > MAX_ENTRIES {
            return Err(Error::invalid("entries", format!("More than {MAX_ENTRIES} entries")));
        }
        Ok(document)
    }

    /// The key of its secrets, if they are encrypted and there is a passphrase. Without one
    /// they are as good as left out.
    pub(super) fn keys(&self, passphrase: Option<&str>) -> Result<Option<SecretKeys>> {
        let Some(passphrase) = passphrase else { return Ok(None) };
        if self.encryption.is_null() {
            let sentence = "The document holds no encrypted secrets";
            return Err(Error::invalid("passphrase", sentence));
        }
        let salt = self.encryption.get("salt").and_then(Value::as_str).unwrap_or_default();
        let salt = STANDARD.decode(salt).unwrap_or_default();
        let stated = self.encryption.to_string();
        if salt.len() != SALT_BYTES || stated != encryption(&salt) {
            let sentence = "The document's secrets are encrypted in a way that is not known here";
            return Err(Error::invalid("encryption", sentence));
        }
        let keys = passphrase::key(passphrase, &salt)?;
        // A wrong passphrase is found before anything is changed.
        let mut first = self.entries.iter().filter_map(|written| {
            let secret = written.secrets.as_ref()?.first()?;
            Some(written.open(0, secret, &keys))
        });
        first.next().transpose()?;
        Ok(Some(keys))
    }
}

impl Written {
    pub(super) fn given(&self, keys: Option<&SecretKeys>) -> Result<Given> {
        let nothing = SecretKeys::default();
        let keys_or_none = keys.unwrap_or(&nothing);
        let secrets = self.secrets.as_ref().filter(|secrets| {
            keys.is_some() || secrets.iter().all(|s| matches!(s, StoredSecret::Plain(_)))
        });
        let opened = secrets.map(|secrets| {
            let secrets = secrets.iter().enumerate();
            secrets.map(|(place, secret)| self.open(place, secret, keys_or_none)).collect()
        });
        Ok(Given {
            name: self.name.clone(),
            settings: self.settings.get().to_owned(),
            secrets: opened.transpose()?,
        })
    }

    fn open(&self, place: usize, secret: &StoredSecret, keys: &SecretKeys) -> Result<String> {
        keys.open(&owner(&self.kind, &self.name, place), secret).map_err(|_| {
            let sentence = "A secret of the document is not encrypted to this passphrase";
            Error::invalid("passphrase", sentence)
        })
    }
}
