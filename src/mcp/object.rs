//! JSON objects whose members are read one by one, as they are asked for.

use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// No message of the protocol, and no tool, has so many members.
const MAX_MEMBERS: usize = 64;

/// The members of an object, in their order, not read yet.
#[derive(Debug, Default)]
pub(crate) struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    /// `None` if the text is not an object, or one with too many members or with two of
    /// the same name.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        kafka_edge_json::from_str_with(text, |object| object.deserialize_map(Members)).ok()
    }

    /// The JSON text of a member; `None` if it is missing or null.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.given(name).filter(|text| *text != "null")
    }

    /// The JSON text of a member; `None` if it is missing.
    pub(crate) fn given(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.get())
    }

    /// A member that is a string.
    pub(crate) fn string(&self, name: &str) -> Option<String> {
        kafka_edge_json::from_str(self.get(name)?).ok()
    }

    /// A member that is an object.
    pub(crate) fn object(&self, name: &str) -> Option<Object<'a>> {
        Self::parse(self.get(name)?)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(String, &'de RawValue)> = Vec::new();
        while let Some((name, value)) = entries.next_entry::<String, &RawValue>()? {
            if members.len() == MAX_MEMBERS || members.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom("too many members"));
            }
            members.push((name, value));
        }
        Ok(Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_name_and_read_when_asked_for() {
        let object = Object::parse(r#" {"a":"x\n","b":{"c":[1, 2]},"n":null,"d":1.0} "#).unwrap();
        assert_eq!(object.string("a").as_deref(), Some("x\n"));
        assert_eq!(object.object("b").unwrap().get("c"), Some("[1, 2]"));
        assert_eq!((object.get("n"), object.given("n")), (None, Some("null")));
        assert_eq!((object.get("x"), object.given("x")), (None, None));
        assert_eq!((object.get("d"), object.string("d")), (Some("1.0"), None));
        assert!(object.object("a").is_none());
        assert_eq!(object.names().collect::<Vec<_>>(), ["a", "b", "n", "d"]);
    }

    #[test]
    fn what_is_no_object_or_says_a_thing_twice_is_none() {
        let many: Vec<_> = (0..=MAX_MEMBERS).map(|n| format!("\"{n}\":0")).collect();
        let full = format!("{{{}}}", many[1..].join(","));
        assert!(Object::parse(&full).is_some());
        for text in [
            "",
            "[]",
            "1",
            "null",
            "{",
            "{} {}",
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":}"#,
            &format!("{{{}}}", many.join(",")),
        ] {
            assert!(Object::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn depth_costs_nothing() {
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(Object::parse(&deep).unwrap().get("a").is_some());
    }
}
