//! Doubles as Java prints them.

/// `Double.toString`: plain notation from 1e-3 to 1e7, else one digit before
/// the point and an `E`. Always at least one digit after the point.
pub(crate) fn java_double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::java_double;

    #[test]
    fn doubles_look_like_javas() {
        let cases = [
            ("1e3", "1000.0"),
            ("1.10", "1.1"),
            ("0.1e-7", "1.0E-8"),
            ("-0.0", "-0.0"),
            ("1e-400", "0.0"),
            ("1E400", "Infinity"),
            ("-1E400", "-Infinity"),
            ("3.141592653589793238462643", "3.141592653589793"),
            ("100000000000000000000.5", "1.0E20"),
            ("9999999.0", "9999999.0"),
            ("1e7", "1.0E7"),
            ("0.001", "0.001"),
            ("0.00099", "9.9E-4"),
            ("1.5", "1.5"),
        ];
        for (input, expected) in cases {
            let value: f64 = input.parse().expect("a number");
            assert_eq!(java_double(value), expected, "{input}");
        }
    }
}
