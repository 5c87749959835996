//! Secrets as operators paste them, made into keys.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::scheme::{Encoding, KeyForm};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// The key in a secret of this form; `None` if the secret does not have it.
pub(crate) fn key(secret: &str, form: &KeyForm) -> Option<Vec<u8>> {
    let key = match form {
        KeyForm::Text => secret.as_bytes().to_vec(),
        KeyForm::Hex => decode(secret.trim(), Encoding::Hex)?,
        KeyForm::Base64 => decode(secret.trim(), Encoding::Base64)?,
        KeyForm::Base64After(prefix) => {
            decode(secret.trim().strip_prefix(prefix.as_str())?, Encoding::Base64)?
        }
    };
    (!key.is_empty()).then_some(key)
}

/// Decodes a signature or a key. Padding may be missing.
pub(crate) fn decode(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Hex => hex(text),
        Encoding::Base64 => BASE64.decode(text).ok(),
        Encoding::Base64url => BASE64URL.decode(text).ok(),
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for pair in text.as_bytes().chunks(2) {
        bytes.push(digit(pair[0])? << 4 | digit(*pair.get(1)?)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_the_form_that_is_asked_for_or_gives_no_key() {
        let whsec = KeyForm::Base64After("whsec_".into());
        assert_eq!(key("whsec_YWJj", &whsec).unwrap(), b"abc");
        assert_eq!(key("whsec_YWI", &whsec).unwrap(), b"ab");
        assert_eq!(key("whsec_YWJj", &KeyForm::Text).unwrap(), b"whsec_YWJj");
        assert_eq!(key("6aF0", &KeyForm::Hex).unwrap(), [0x6a, 0xf0]);
        assert_eq!(key("YWJj\n", &KeyForm::Base64).unwrap(), b"abc");
        for (secret, form) in
            [("YWJj", &whsec), ("6a0", &KeyForm::Hex), ("+g", &KeyForm::Hex), ("", &KeyForm::Text)]
        {
            assert_eq!(key(secret, form), None, "{secret}");
        }
    }
}
