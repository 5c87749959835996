//! What is drawn at random: jitter and names.

use std::time::Duration;

use crate::host::Clock;

/// A number that any jitter can be made of.
pub(crate) fn number(clock: &impl Clock) -> u32 {
    let mut bytes = [0; 4];
    clock.random(&mut bytes);
    u32::from_le_bytes(bytes)
}

/// A time between the two given ones, so that those who start together do not
/// come back together. `random` is any number.
pub(crate) fn between(least: Duration, most: Duration, random: u32) -> Duration {
    least + most.saturating_sub(least).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// `N` random bytes in hexadecimal digits.
pub(crate) fn hex_id<const N: usize>(clock: &impl Clock) -> String {
    let mut bytes = [0; N];
    clock.random(&mut bytes);
    hex(&bytes)
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
    // A string would encode each character that is pushed.
    let mut digits = Vec::with_capacity(2 * bytes.len());
    for byte in bytes {
        digits.push(digit(byte >> 4));
        digits.push(digit(byte & 15));
    }
    String::from_utf8(digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_lies_between_the_two() {
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(3));
        assert_eq!(between(least, most, 0), least);
        assert_eq!(between(least, most, u32::MAX / 2).as_millis(), 2_000);
        assert_eq!(between(least, most, u32::MAX), most);
        assert_eq!(between(most, most, 7), most);
    }

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hex(&[0x00, 0x0f, 0xa0, 0xff]), "000fa0ff");
    }
}
