//! The fields of a form, as Twilio signs them.

use std::borrow::Cow;
use std::collections::BinaryHeap;

const MAX_FIELDS: usize = 1_000;

/// The fields in the order of their names, each name followed by its value. Of
/// repeated names each different value counts once, in order (npm twilio 6.3.1).
pub(crate) fn sorted(body: &[u8]) -> Option<String> {
    let fields: Vec<(Cow<'_, str>, Cow<'_, str>)> =
        form_urlencoded::parse(body).take(MAX_FIELDS + 1).collect();
    if fields.len() > MAX_FIELDS {
        return None;
    }
    // A sort of the standard library's would be 4 KB of the component for this type.
    let mut fields = BinaryHeap::from(fields).into_sorted_vec();
    fields.dedup();
    Some(fields.iter().fold(String::new(), |all, (name, value)| all + name + value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_sorted_and_repeats_counted_once() {
        assert_eq!(sorted(b"b=2&a=&A=1+x&b=1&b=2").unwrap(), "A1 xab1b2");
        assert_eq!(sorted(b"").unwrap(), "");
        assert_eq!(sorted("a=1&".repeat(1_001).as_bytes()), None);
    }
}
