//! Base64 as Jackson decodes header values: padding is required, and the
//! message about a wrong character contains the rest of the text.

/// What Jackson says about a text that is not base64.
pub(super) fn decode_strictly(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut chars = text.chars();
    let mut quantum = [0u8; 4];
    let mut filled = 0;
    let mut padded = 0;
    while let Some(c) = chars.next() {
        // White space may stand between groups.
        if filled == 0 && (c as u32) <= 0x20 {
            continue;
        }
        match value_of(c) {
            Some(bits) if padded == 0 => quantum[filled] = bits,
            None if c == '=' && filled >= 2 => padded += 1,
            _ => return Err(wrong_text(chars.as_str(), &illegal(c))),
        }
        filled += 1;
        if filled == 4 {
            push_quantum(&mut out, quantum, 3 - padded);
            filled = 0;
            padded = 0;
        }
    }
    if filled > 0 {
        return Err(wrong_text(
            "",
            "Unexpected end of base64-encoded String: base64 variant 'MIME-NO-LINEFEEDS' expects padding (one or more '=' characters) at the end. This Base64Variant might have been incorrectly configured",
        ));
    }
    Ok(out)
}

fn push_quantum(out: &mut Vec<u8>, q: [u8; 4], bytes: usize) {
    let all = [q[0] << 2 | q[1] >> 4, q[1] << 4 | q[2] >> 2, q[2] << 6 | q[3]];
    out.extend_from_slice(&all[..bytes]);
}

fn value_of(c: char) -> Option<u8> {
    match c {
        'A'..='Z' => Some(c as u8 - b'A'),
        'a'..='z' => Some(c as u8 - b'a' + 26),
        '0'..='9' => Some(c as u8 - b'0' + 52),
        '+' => Some(62),
        '/' => Some(63),
        _ => None,
    }
}

fn illegal(c: char) -> String {
    let code = c as u32;
    let what = if code <= 0x20 {
        format!(
            "Illegal white space character (code 0x{code:x}) as character #1 of 4-char base64 unit: can only used between units"
        )
    } else {
        format!("Illegal character '{c}' (code 0x{code:x}) in base64 content")
    };
    format!("Failed to decode VALUE_STRING as base64 (MIME-NO-LINEFEEDS): {what}")
}

fn wrong_text(rest: &str, why: &str) -> String {
    format!("Cannot deserialize value of type `byte[]` from String \"{rest}\": {why}")
}

#[cfg(test)]
mod tests {
    use super::decode_strictly;

    #[test]
    fn padding_is_a_must() {
        assert_eq!(decode_strictly("YWJj").as_deref(), Ok(&b"abc"[..]));
        assert_eq!(decode_strictly("YQ==").as_deref(), Ok(&b"a"[..]));
        assert_eq!(decode_strictly("").as_deref(), Ok(&b""[..]));
        assert!(decode_strictly("YQ").unwrap_err().contains("expects padding"));
        assert!(decode_strictly("***").unwrap_err().contains("from String \"**\": Failed"));
    }
}
