//! `@json` and its like.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use kafka_edge_bounded_json::{Budget, Value};

use crate::eval::Stop;
use crate::ops::type_error;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Csv,
    Tsv,
    Html,
    Uri,
    UriDecoded,
    Base64,
    Base64Decoded,
}

/// jq takes base64 with its padding or without, and whatever bits are left over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Format {
    /// `@sh` is left out: nothing here is a shell. `@base32` is seldom asked for.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "text" => Self::Text,
            "json" => Self::Json,
            "csv" => Self::Csv,
            "tsv" => Self::Tsv,
            "html" => Self::Html,
            "uri" => Self::Uri,
            "urid" => Self::UriDecoded,
            "base64" => Self::Base64,
            "base64d" => Self::Base64Decoded,
            _ => return None,
        })
    }

    pub(crate) fn apply(self, value: &Value, budget: &mut Budget) -> Result<Value, Stop> {
        match self {
            Self::Text => text(value, budget),
            Self::Json => json(value, budget),
            Self::Csv | Self::Tsv => row(self, value, budget),
            _ => {
                let shown = text(value, budget)?;
                let text = shown.as_str().unwrap_or("");
                budget.spend_steps(text.len() as u64 / 64)?;
                match self {
                    Self::Html => escaped(text, HTML, budget),
                    Self::Uri => uri(text, budget),
                    Self::UriDecoded => match uri_decoded(text) {
                        Some(decoded) => Ok(Value::string(&decoded, budget)?),
                        None => Err(type_error(&shown, "is not a valid uri encoding", budget)?),
                    },
                    Self::Base64 => {
                        budget.spend_bytes(text.len() as u64 * 4 / 3)?;
                        Ok(Value::string(&BASE64.encode(text), budget)?)
                    }
                    _ => base64_decoded(&shown, text, budget),
                }
            }
        }
    }
}

/// `tostring`: a string as it is, and all else as JSON.
pub(crate) fn text(value: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    match value {
        Value::String(_) => Ok(value.clone()),
        other => json(other, budget),
    }
}

pub(crate) fn json(value: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    let bytes = value.to_vec(budget)?;
    Ok(Value::string(str::from_utf8(&bytes).unwrap_or(""), budget)?)
}

type Escapes = &'static [(char, &'static str)];

const CSV: Escapes = &[('"', "\"\""), ('\0', "\\0")];
const TSV: Escapes = &[('\t', "\\t"), ('\r', "\\r"), ('\n', "\\n"), ('\\', "\\\\"), ('\0', "\\0")];
const HTML: Escapes = &[
    ('&', "&amp;"),
    ('<', "&lt;"),
    ('>', "&gt;"),
    ('\'', "&apos;"),
    ('"', "&quot;"),
    ('\0', "\\0"),
];

fn escape(text: &str, escapes: Escapes, out: &mut String, budget: &mut Budget) -> Result<(), Stop> {
    budget.spend_bytes(text.len() as u64)?;
    for char in text.chars() {
        match escapes.iter().find(|(escaped, _)| *escaped == char) {
            Some((_, with)) => {
                budget.spend_bytes(with.len() as u64)?;
                out.push_str(with);
            }
            None => out.push(char),
        }
    }
    Ok(())
}

fn escaped(text: &str, escapes: Escapes, budget: &mut Budget) -> Result<Value, Stop> {
    let mut out = String::with_capacity(text.len());
    escape(text, escapes, &mut out, budget)?;
    Ok(Value::string(&out, budget)?)
}

fn row(format: Format, value: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    let (quote, between, escapes, what) = match format {
        Format::Csv => ("\"", ',', CSV, "cannot be csv-formatted, only array"),
        _ => ("", '\t', TSV, "cannot be tsv-formatted, only array"),
    };
    let Value::Array(items) = value else { return Err(type_error(value, what, budget)?) };
    let mut line = String::new();
    for (index, item) in items.iter().enumerate() {
        budget.step()?;
        if index > 0 {
            line.push(between);
        }
        match item {
            Value::Null => {}
            Value::Number(number) if number.as_f64().is_nan() => {}
            Value::Bool(_) | Value::Number(_) => {
                line.push_str(str::from_utf8(&item.to_vec(budget)?).unwrap_or(""));
            }
            Value::String(text) => {
                line.push_str(quote);
                escape(text, escapes, &mut line, budget)?;
                line.push_str(quote);
            }
            _ => return Err(type_error(item, "is not valid in a csv row", budget)?),
        }
    }
    Ok(Value::string(&line, budget)?)
}

fn uri(text: &str, budget: &mut Budget) -> Result<Value, Stop> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    budget.spend_bytes(3 * text.len() as u64)?;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    Ok(Value::string(&out, budget)?)
}

fn uri_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            out.push((digit(bytes.next()?)? * 16 + digit(bytes.next()?)?) as u8);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

fn base64_decoded(shown: &Value, text: &str, budget: &mut Budget) -> Result<Value, Stop> {
    // jq reads up to the first padding.
    let text = text.split('=').next().unwrap_or("");
    budget.spend_bytes(text.len() as u64)?;
    match BASE64.decode(text) {
        Ok(bytes) => Ok(Value::string(&String::from_utf8_lossy(&bytes), budget)?),
        Err(base64::DecodeError::InvalidLength(_)) => {
            Err(type_error(shown, "trailing base64 byte found", budget)?)
        }
        Err(_) => Err(type_error(shown, "is not valid base64 data", budget)?),
    }
}
