//! Verifies RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2.2).
//!
//! The usual crate calculates with secret numbers as well, in the same time for all of
//! them, and was 50 KiB of the component. Here every number is public.

use std::cmp::Ordering;

use p256::pkcs8::SubjectPublicKeyInfoRef;
use p256::pkcs8::der::asn1::{AnyRef, ObjectIdentifier, UintRef};
use p256::pkcs8::der::{Decode, Document, Reader, SliceReader};
use sha2::{Digest, Sha256};

/// Sizes of a modulus, in bits. A larger one would let whoever publishes it take our time.
const MIN_BITS: usize = 1024;
const MAX_BITS: usize = 8192;

/// The largest exponent, which is that of the crates `rsa` and `ring`, for the same reason.
const MAX_EXPONENT: u64 = (1 << 33) - 1;

/// The digest algorithm and the frame of a SHA-256 in DER (RFC 8017, section 9.2, note 1).
const SHA256_PREFIX: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A public key.
#[derive(Debug, Clone)]
pub(crate) struct RsaKey {
    modulus: Modulus,
    exponent: u64,
}

impl RsaKey {
    /// Takes modulus and exponent, most significant byte first.
    pub(crate) fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let (modulus, exponent) = (trimmed(modulus), trimmed(exponent));
        let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
        if !(MIN_BITS..=MAX_BITS).contains(&bits) || exponent.len() > 8 {
            return None;
        }
        let exponent = exponent.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let is_usable = exponent % 2 == 1 && (3..=MAX_EXPONENT).contains(&exponent);
        is_usable.then_some(Self { modulus: Modulus::new(modulus)?, exponent })
    }

    /// Reads a `SubjectPublicKeyInfo` in PEM (RFC 7468, section 13).
    pub(crate) fn from_pem(pem: &str) -> Option<Self> {
        let (label, document) = Document::from_pem(pem).ok()?;
        let info = SubjectPublicKeyInfoRef::from_der(document.as_bytes()).ok()?;
        let is_rsa =
            info.algorithm.oid == RSA_ENCRYPTION && info.algorithm.parameters == Some(AnyRef::NULL);
        if label != "PUBLIC KEY" || !is_rsa {
            return None;
        }
        let mut reader = SliceReader::new(info.subject_public_key.as_bytes()?).ok()?;
        let numbers = reader.sequence(|numbers| {
            Ok::<_, p256::pkcs8::der::Error>((UintRef::decode(numbers)?, UintRef::decode(numbers)?))
        });
        let (modulus, exponent) = numbers.ok()?;
        reader.finish().ok()?;
        Self::new(modulus.as_bytes(), exponent.as_bytes())
    }

    pub(crate) fn has_signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        // What was signed is made again and compared whole. Who reads it instead has to
        // refuse every other way to write it.
        let digest = Sha256::digest(bytes);
        let length = self.modulus.bytes;
        let mut expected = vec![0xff; length];
        let frame = length - SHA256_PREFIX.len() - digest.len();
        expected[..2].copy_from_slice(&[0, 1]);
        expected[frame - 1] = 0;
        expected[frame..frame + SHA256_PREFIX.len()].copy_from_slice(&SHA256_PREFIX);
        expected[frame + SHA256_PREFIX.len()..].copy_from_slice(&digest);
        signature.len() == length
            && self.modulus.power(signature, self.exponent).is_some_and(|shown| shown == expected)
    }
}

fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// An odd number, and what Montgomery's multiplication needs: numbers are multiplied by
/// 2^(32 · limbs) first, and are then reduced without a division (P. L. Montgomery, "Modular
/// Multiplication Without Trial Division", 1985). The first limb is the least one.
#[derive(Debug, Clone)]
struct Modulus {
    bytes: usize,
    limbs: Vec<u32>,
    /// Of the first limb negated, modulo 2^32.
    inverse: u32,
    /// 2^(64 · limbs), reduced.
    square: Vec<u32>,
}

impl Modulus {
    /// `None` for an even number, or 1. The first byte is not 0.
    fn new(bytes: &[u8]) -> Option<Self> {
        let limbs = limbs(bytes, bytes.len().div_ceil(4));
        let (first, last) = (*limbs.first()?, *limbs.last()?);
        if first % 2 == 0 || bytes == [1] {
            return None;
        }
        // Each step doubles the bits that are right; of an odd number itself it is three.
        let mut inverse = first;
        for _ in 0..4 {
            inverse = inverse.wrapping_mul(2_u32.wrapping_sub(first.wrapping_mul(inverse)));
        }
        let mut square = vec![0; limbs.len()];
        let mut modulus =
            Self { bytes: bytes.len(), inverse: inverse.wrapping_neg(), square: Vec::new(), limbs };
        // The highest power of two below it, doubled up to 2^(32 · limbs), which stands for 1,
        // and on to what stands for 2^32. Its power by the number of limbs is the square.
        let top = last.ilog2();
        *square.last_mut()? = 1 << top;
        for _ in 0..(32 - top) + 32 {
            modulus.double(&mut square);
        }
        modulus.square = modulus.raised(&square, modulus.limbs.len() as u64);
        Some(modulus)
    }

    /// The number's power, both of as many bytes as the modulus; `None` if it is no
    /// smaller than the modulus.
    fn power(&self, number: &[u8], exponent: u64) -> Option<Vec<u8>> {
        let number = limbs(number, self.limbs.len());
        if self.is_within(&number) {
            return None;
        }
        let raised = self.raised(&self.product(&number, &self.square), exponent);
        let mut one = vec![0; self.limbs.len()];
        *one.first_mut()? = 1;
        let raised = self.product(&raised, &one);
        let bytes: Vec<u8> = raised.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
        Some(bytes[bytes.len() - self.bytes..].to_vec())
    }

    /// The power of what stands for a number; the exponent is not 0.
    fn raised(&self, number: &[u32], exponent: u64) -> Vec<u32> {
        let mut power = number.to_vec();
        for bit in (0..exponent.ilog2()).rev() {
            power = self.product(&power, &power);
            if exponent >> bit & 1 == 1 {
                power = self.product(&power, number);
            }
        }
        power
    }

    /// a · b / 2^(32 · limbs).
    fn product(&self, a: &[u32], b: &[u32]) -> Vec<u32> {
        let mut sum = vec![0; self.limbs.len() + 1];
        for limb in a {
            let high = add_multiple(&mut sum, b, *limb);
            let reducing = sum[0].wrapping_mul(self.inverse);
            let higher = add_multiple(&mut sum, &self.limbs, reducing);
            // The first limb is 0 now. The sum is less than twice the modulus, so of the
            // limb above it at most one bit is there.
            sum.rotate_left(1);
            let last = sum.len() - 1;
            sum[last] = u32::from(high) + u32::from(higher);
        }
        let above = sum.pop() != Some(0);
        if above || self.is_within(&sum) {
            self.subtract_from(&mut sum);
        }
        sum
    }

    fn double(&self, number: &mut [u32]) {
        let mut carry = 0;
        for limb in number.iter_mut() {
            (*limb, carry) = (*limb << 1 | carry, *limb >> 31);
        }
        if carry == 1 || self.is_within(number) {
            self.subtract_from(number);
        }
    }

    /// Whether the modulus can be subtracted.
    fn is_within(&self, number: &[u32]) -> bool {
        number.iter().rev().cmp(self.limbs.iter().rev()) != Ordering::Less
    }

    fn subtract_from(&self, number: &mut [u32]) {
        let mut borrow = false;
        for (limb, taken) in number.iter_mut().zip(&self.limbs) {
            let (left, first) = limb.overflowing_sub(*taken);
            let (left, second) = left.overflowing_sub(borrow.into());
            (*limb, borrow) = (left, first || second);
        }
    }
}

/// Adds a product to a sum that has one limb more, and returns what is carried out of it.
#[allow(clippy::cast_possible_truncation, reason = "the rest is carried")]
fn add_multiple(sum: &mut [u32], number: &[u32], times: u32) -> bool {
    let mut carry = 0;
    for (sum, limb) in sum.iter_mut().zip(number) {
        let total = u64::from(*sum) + u64::from(*limb) * u64::from(times) + carry;
        (*sum, carry) = (total as u32, total >> 32);
    }
    let last = &mut sum[number.len()];
    let total = u64::from(*last) + carry;
    *last = total as u32;
    total >> 32 != 0
}

/// The limbs of a number whose most significant byte is first; as many as are wanted.
fn limbs(bytes: &[u8], count: usize) -> Vec<u32> {
    let of = |chunk: &[u8]| chunk.iter().fold(0, |limb, byte| limb << 8 | u32::from(*byte));
    let mut limbs: Vec<u32> = bytes.rchunks(4).map(of).collect();
    limbs.resize(count, 0);
    limbs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::decode;
    use crate::scheme::Encoding;

    /// The key, the signed bytes and the signature of RFC 7515, appendix A.2.
    const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    const SIGNED: &[u8] = b"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

    fn bytes(text: &str) -> Vec<u8> {
        decode(text, Encoding::Base64url).unwrap()
    }

    #[test]
    fn the_example_of_rfc_7515_is_believed_and_no_change_of_it() {
        let key = RsaKey::new(&bytes(MODULUS), &[1, 0, 1]).unwrap();
        let signature = bytes(SIGNATURE);
        assert!(key.has_signed(SIGNED, &signature));
        assert!(!key.has_signed(&SIGNED[1..], &signature));
        for place in [0, 1, 100, 255] {
            let mut changed = signature.clone();
            changed[place] ^= 1;
            assert!(!key.has_signed(SIGNED, &changed), "{place}");
        }
        assert!(!key.has_signed(SIGNED, &signature[1..]));
        assert!(!key.has_signed(SIGNED, &[&[0], &*signature].concat()));
        assert!(!key.has_signed(SIGNED, &[]));
        let other = RsaKey::new(&bytes(MODULUS), &[3]).unwrap();
        assert!(!other.has_signed(SIGNED, &signature));
    }

    #[test]
    fn a_number_that_is_no_smaller_than_the_modulus_is_no_signature() {
        let modulus = bytes(MODULUS);
        let key = RsaKey::new(&modulus, &[1, 0, 1]).unwrap();
        assert_eq!(key.modulus.power(&modulus, 3), None);
        assert_eq!(key.modulus.power(&vec![0xff; modulus.len()], 3), None);
        let mut below = modulus.clone();
        below[modulus.len() - 1] -= 1;
        // It stands for -1, whose odd powers are -1.
        assert_eq!(key.modulus.power(&below, 65_537), Some(below.clone()));
    }

    #[test]
    fn keys_that_are_too_small_too_large_or_no_keys_are_refused() {
        let odd = |bytes: usize| [vec![0x80; bytes - 1], vec![1]].concat();
        for bytes in [128, 1024] {
            assert!(RsaKey::new(&odd(bytes), &[3]).is_some(), "{bytes}");
            // Leading zeros count for nothing.
            assert!(RsaKey::new(&[vec![0; 3], odd(bytes)].concat(), &[0, 3]).is_some());
        }
        for modulus in [vec![], vec![0], odd(127), odd(1025), vec![0x80; 128]] {
            assert!(RsaKey::new(&modulus, &[3]).is_none(), "{} bytes", modulus.len());
        }
        for exponent in [&[][..], &[0], &[1], &[4], &[2, 0, 0, 0, 1], &[1; 9]] {
            assert!(RsaKey::new(&odd(128), exponent).is_none(), "{exponent:?}");
        }
        assert!(RsaKey::new(&odd(128), &[1, 0xff, 0xff, 0xff, 0xff]).is_some());
    }

    /// What 128 bits can calculate.
    fn expected(mut number: u128, mut exponent: u64, modulus: u128) -> u128 {
        let mut power = 1 % modulus;
        while exponent > 0 {
            if exponent & 1 == 1 {
                power = power * number % modulus;
            }
            (number, exponent) = (number * number % modulus, exponent >> 1);
        }
        power
    }

    #[test]
    fn powers_are_those_of_128_bits() {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            // Steele, Lea, Flood: SplitMix64.
            random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (random ^ random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ mixed >> 31
        };
        for round in 0..20_000 {
            let modulus = match round % 4 {
                0 => next() >> (next() % 62),
                // What overflows is near the ends.
                1 => u64::MAX - next() % 16,
                2 => 1 << 63 | next() % 16,
                _ => 1 << 32 | next() % 16,
            } | 1;
            let exponent = next() % (1 << 33) + 1;
            if modulus == 1 {
                continue;
            }
            let number = match round % 3 {
                0 => next() % modulus,
                1 => modulus - 1 - next() % 4.min(modulus),
                _ => next() % 4.min(modulus),
            };
            let all = modulus.to_be_bytes();
            let written = trimmed(&all);
            let power = Modulus::new(written).unwrap();
            let number_bytes = number.to_be_bytes();
            let power = power.power(&number_bytes[8 - written.len()..], exponent).unwrap();
            let power = power.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte));
            let right = expected(number.into(), exponent, modulus.into());
            assert_eq!(power, right, "{number} ^ {exponent} % {modulus}");
        }
    }
}
