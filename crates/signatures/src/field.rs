//! Values of single fields of a JSON body. The body is scanned, and nothing of it
//! is kept but the fields that were asked for.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The most items that a `*` stands for.
const MAX_ITEMS: usize = 1_000;

/// The values at a JSON pointer, in which `*` stands for every item of a list.
pub(crate) fn at<'a>(body: &'a [u8], pointer: &str) -> Vec<&'a RawValue> {
    let whole = std::str::from_utf8(body).ok().and_then(|body| serde_json::from_str(body).ok());
    whole.map_or_else(Vec::new, |whole| below(whole, pointer))
}

/// The same, from a value on.
pub(crate) fn below<'a>(value: &'a RawValue, pointer: &str) -> Vec<&'a RawValue> {
    let mut found = vec![value];
    for step in pointer.split('/').skip(1) {
        let name = step.replace("~1", "/").replace("~0", "~");
        found = found.into_iter().flat_map(|value| children(value, &name)).collect();
        if found.is_empty() || found.len() > MAX_ITEMS {
            return Vec::new();
        }
    }
    found
}

/// A scalar as text; null is empty.
pub(crate) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'"' => kafka_edge_json::from_str::<String>(json).ok().map(Cow::Owned),
        b'{' | b'[' => None,
        b'n' => Some(Cow::Borrowed("")),
        _ => Some(Cow::Borrowed(json)),
    }
}

/// The only value at a pointer, as text.
pub(crate) fn one_text<'a>(body: &'a [u8], pointer: &str) -> Option<Cow<'a, str>> {
    match at(body, pointer)[..] {
        [value] => text(value),
        _ => None,
    }
}

fn children<'a>(value: &'a RawValue, name: &str) -> Vec<&'a RawValue> {
    kafka_edge_json::from_str_with(value.get(), |value| Children(name).deserialize(value))
        .unwrap_or_default()
}

/// Reads an object or a list, and keeps the children with this name.
struct Children<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Children<'_> {
    type Value = Vec<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Children<'_> {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if name == self.0 {
                // Of repeated names the last one counts, as in most parsers.
                found = vec![map.next_value()?];
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let wanted = (self.0 != "*").then(|| self.0.parse::<usize>().unwrap_or(usize::MAX));
        let (mut found, mut index) = (Vec::new(), 0);
        while let Some(item) = list.next_element::<&RawValue>()? {
            if wanted.is_none_or(|wanted| wanted == index) && found.len() <= MAX_ITEMS {
                found.push(item);
            }
            index += 1;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str, pointer: &str) -> Vec<String> {
        let found = at(body.as_bytes(), pointer);
        found.into_iter().map(|value| text(value).unwrap_or("…".into()).into_owned()).collect()
    }

    #[test]
    fn pointers_lead_to_fields_and_items() {
        let body =
            r#"{"a":{"b~c/d":"x\u00e9"},"list":[{"n":1},{"n":2.50},{"m":0}],"z":null,"z":7}"#;
        assert_eq!(texts(body, "/a/b~0c~1d"), ["xé"]);
        assert_eq!(texts(body, "/list/*/n"), ["1", "2.50"]);
        assert_eq!(texts(body, "/list/1/n"), ["2.50"]);
        assert_eq!(texts(body, "/z"), ["7"]);
        assert_eq!(texts(body, "/list"), ["…"]);
        for nowhere in ["/b", "/a/b", "/list/3/n", "/z/y", "/list/n"] {
            assert!(texts(body, nowhere).is_empty(), "{nowhere}");
        }
    }

    #[test]
    fn what_is_not_json_has_no_fields() {
        for body in ["", "x", "{\"a\":1", "[1", "{\"a\":1}x", "5"] {
            assert!(texts(body, "/a").is_empty(), "{body}");
        }
        let many = format!("[{}]", vec!["1"; MAX_ITEMS + 1].join(","));
        assert!(texts(&many, "/*").is_empty());
    }
}
