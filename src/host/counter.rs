//! Reads the value of a counter as a plain read of the store returns it.

use super::StoreError;

/// The number in a counter's key; 0 if the key is missing.
///
/// Stores differ in how `increment` keeps a number: one over sqlite as 8
/// bytes, little-endian, Redis as decimal text (`reference/hosts.md`, "Key-value").
/// Eight ASCII digits are text: read as bytes they would be a number above
/// 3.4 · 10¹⁸, which no counter of ours reaches.
pub fn decode_counter(value: Option<&[u8]>) -> Result<u64, StoreError> {
    let Some(value) = value else { return Ok(0) };
    let number = match <[u8; 8]>::try_from(value) {
        Ok(bytes) if !value.iter().all(u8::is_ascii_digit) => {
            u64::try_from(i64::from_le_bytes(bytes)).ok()
        }
        _ => decimal(value),
    };
    number.ok_or_else(|| StoreError::unknown("the value of a counter's key is no number"))
}

/// Only digits: `parse` would also accept a leading `+`.
fn decimal(text: &[u8]) -> Option<u64> {
    let digits = text.iter().all(u8::is_ascii_digit).then_some(text)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_counter_is_zero() {
        assert_eq!(decode_counter(None), Ok(0));
    }

    #[test]
    fn both_forms_are_read_over_the_whole_range() {
        let numbers = [0, 1, 9, 255, 12_345_678, 99_999_999, 1 << 32, (1 << 32) + 45, 1 << 62];
        for number in numbers {
            let bytes = u64::to_le_bytes(number);
            assert_eq!(decode_counter(Some(&bytes)), Ok(number), "{number} as bytes");
            let text = number.to_string();
            assert_eq!(decode_counter(Some(text.as_bytes())), Ok(number), "{number} as text");
        }
    }

    #[test]
    fn eight_digits_are_text() {
        assert_eq!(decode_counter(Some(b"00000045")), Ok(45));
        assert_eq!(decode_counter(Some(b"12345678")), Ok(12_345_678));
    }

    #[test]
    fn what_is_no_number_is_an_error() {
        for value in [&b""[..], b"+1", b"-1", b"1.5", b"1234567x9", b"18446744073709551616"] {
            assert!(decode_counter(Some(value)).is_err(), "{value:?}");
        }
        assert!(decode_counter(Some(&(-1_i64).to_le_bytes())).is_err(), "below zero");
    }
}
