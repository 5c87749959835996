use std::{cmp::Ordering, fmt, rc::Rc};

use crate::decimal::{Decimal, decimal};

/// A number of JSON.
///
/// A float stands for the decimal number that is written for it, the shortest that reads
/// back as the same float; so what is compared is what is seen, and the order is total.
#[derive(Debug, Clone)]
pub enum Number {
    Int(i64),
    Float(f64),
    /// What was read and is neither an integer of 64 bits nor written as the float is.
    Literal(Rc<Literal>),
}

/// The text of a number that was read, and the float that is nearest.
#[derive(Debug)]
pub struct Literal {
    text: Box<str>,
    float: f64,
}

impl Number {
    /// Reads a number that is written as JSON has it. What is not gives nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let length = scan(text.as_bytes());
        if length == Some(text.len()) { Self::read(text) } else { None }
    }

    /// Reads what [`scan`] has found to be a number.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if text != "-0"
            && let Ok(int) = text.parse()
        {
            return Some(Self::Int(int));
        }
        let float: f64 = text.parse().ok()?;
        let mut written = Vec::new();
        write_float(float, &mut written);
        if written == text.as_bytes() {
            return Some(Self::Float(float));
        }
        Some(Self::Literal(Rc::new(Literal { text: text.into(), float })))
    }

    /// The nearest float; an infinity for what is larger than all of them.
    pub fn as_f64(&self) -> f64 {
        match self {
            Self::Int(int) => *int as f64,
            Self::Float(float) => *float,
            Self::Literal(literal) => literal.float,
        }
    }

    /// The number if it is an integer that fits, however it is written.
    pub fn as_i128(&self) -> Option<i128> {
        match self {
            Self::Int(int) => Some((*int).into()),
            // Up to here each integer that a float is written as is that float.
            Self::Float(float) if float.abs() <= 9_007_199_254_740_992.0 => {
                (float.trunc() == *float).then_some(*float as i128)
            }
            _ => {
                let Decimal { negative, digits, exponent } = self.decimal()?;
                let zeros = usize::try_from(exponent).ok()?.checked_sub(digits.len())?;
                if zeros > 40 {
                    return None;
                }
                let magnitude: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
                let magnitude = magnitude.checked_mul(10i128.checked_pow(zeros as u32)?)?;
                Some(if negative { -magnitude } else { magnitude })
            }
        }
    }

    /// The number with its other sign. An integer has no negative zero.
    pub fn negated(&self) -> Self {
        match self {
            Self::Int(int) => Self::from(-i128::from(*int)),
            Self::Float(float) => Self::Float(-float),
            Self::Literal(literal) => {
                let text = match literal.text.strip_prefix('-') {
                    Some(text) => text.into(),
                    None => format!("-{}", literal.text),
                };
                Self::read(&text).unwrap_or(Self::Float(-literal.float))
            }
        }
    }

    /// The number without its sign.
    pub fn absolute(&self) -> Self {
        if self.as_f64() < 0.0 { self.negated() } else { self.clone() }
    }

    /// Whether it is a whole number: `1.0` is one.
    pub fn is_integer(&self) -> bool {
        match self {
            Self::Int(_) => true,
            Self::Float(float) => float.trunc() == *float && float.is_finite(),
            Self::Literal(_) => self
                .decimal()
                .is_some_and(|d| d.digits.is_empty() || d.exponent >= d.digits.len() as i64),
        }
    }

    /// The number in decimal digits; nothing for `nan`. An infinity is what is written
    /// for it, the largest float.
    pub fn decimal(&self) -> Option<Decimal> {
        let mut text = Vec::new();
        write(self, &mut text);
        decimal(&text)
    }

    /// How many bytes are written at most.
    pub fn text_len(&self) -> usize {
        match self {
            Self::Literal(literal) => literal.text.len(),
            // The longest are -9223372036854775808 and -1.7976931348623157e+308.
            _ => 24,
        }
    }

    /// What the numbers are worth, exactly. `nan` is less than everything, itself too.
    pub fn compare(&self, other: &Self) -> Ordering {
        const EXACT: u64 = 1 << 53;
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(a), _) if a.is_nan() => Ordering::Less,
            (_, Self::Float(b)) if b.is_nan() => Ordering::Greater,
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Self::Int(a), Self::Float(b)) if a.unsigned_abs() <= EXACT => {
                (*a as f64).partial_cmp(b).unwrap_or(Ordering::Equal)
            }
            (Self::Float(a), Self::Int(b)) if b.unsigned_abs() <= EXACT => {
                a.partial_cmp(&(*b as f64)).unwrap_or(Ordering::Equal)
            }
            _ => self.compare_floats(other).unwrap_or_else(|| {
                match (self.decimal(), other.decimal()) {
                    (Some(a), Some(b)) => a.compare(&b),
                    _ => Ordering::Less,
                }
            }),
        }
    }

    /// The order of what is so far apart that the nearest floats show it.
    fn compare_floats(&self, other: &Self) -> Option<Ordering> {
        // An infinity may stand for the largest float, or for a bit more.
        let (a, b) = (self.as_f64().clamp(-1e300, 1e300), other.as_f64().clamp(-1e300, 1e300));
        let apart = (a - b).abs() > (a.abs() + b.abs()) * 1e-12;
        if apart { a.partial_cmp(&b) } else { None }
    }
}

impl From<i128> for Number {
    /// Exact as long as 64 bits hold it, signed or not; beyond, the nearest float.
    fn from(value: i128) -> Self {
        if let Ok(int) = i64::try_from(value) {
            return Self::Int(int);
        }
        let float = value as f64;
        match u64::try_from(value) {
            Ok(int) => {
                let text = int.to_string().into();
                Self::Literal(Rc::new(Literal { text, float }))
            }
            Err(_) => Self::Float(float),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        write(self, &mut text);
        f.write_str(str::from_utf8(&text).unwrap_or("null"))
    }
}

/// The length of the number that a text begins with, by the grammar of JSON.
pub(crate) fn scan(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(text.first() == Some(&b'-'));
    match text.get(at)? {
        b'0' => at += 1,
        b'1'..=b'9' => at += digits(at),
        _ => return None,
    }
    if text.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(text.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        let exponent = digits(at);
        if exponent == 0 {
            return None;
        }
        at += exponent;
    }
    Some(at)
}

pub(crate) fn write(number: &Number, out: &mut Vec<u8>) {
    match number {
        Number::Int(int) => write_int(*int, out),
        Number::Float(float) => write_float(*float, out),
        Number::Literal(literal) => out.extend_from_slice(literal.text.as_bytes()),
    }
}

fn write_int(int: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut left = int.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if int < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[start..]);
}

/// As jq writes a float: the shortest digits, an exponent from 17 zeros on, `null` for
/// `nan`, and the largest float for an infinity.
fn write_float(float: f64, out: &mut Vec<u8>) {
    if float.is_nan() {
        out.extend_from_slice(b"null");
        return;
    }
    if float.is_sign_negative() {
        out.push(b'-');
    }
    let float = float.abs().min(f64::MAX);
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(float);
    let Some(Decimal { digits, exponent, .. }) = decimal(shortest.as_bytes()) else { return };
    let (digits, count) = (digits.as_bytes(), digits.len() as i64);
    let zeros = |out: &mut Vec<u8>, n: i64| (0..n).for_each(|_| out.push(b'0'));
    if digits.is_empty() {
        out.push(b'0');
    } else if exponent <= -4 || exponent > count + 15 {
        out.push(digits[0]);
        if count > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        let power = exponent - 1;
        out.extend_from_slice(if power < 0 { b"e-" } else { b"e+" });
        if power.abs() < 10 {
            out.push(b'0');
        }
        write_int(power.abs(), out);
    } else if exponent <= 0 {
        out.extend_from_slice(b"0.");
        zeros(out, -exponent);
        out.extend_from_slice(digits);
    } else if exponent >= count {
        out.extend_from_slice(digits);
        zeros(out, exponent - count);
    } else {
        let (whole, fraction) = digits.split_at(exponent as usize);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(fraction);
    }
}
