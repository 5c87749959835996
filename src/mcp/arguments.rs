//! The arguments of a tool. What is wrong with one is said under its name.

use std::ops::RangeInclusive;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::value::RawValue;

use super::object::Object;
use crate::error::{Error, Result};
use crate::{calendar, names};

/// A larger offset or number of bytes is none.
const MOST: f64 = 9_007_199_254_740_992.0;

#[derive(Debug, Default)]
pub(crate) struct Arguments<'a>(Object<'a>);

impl<'a> Arguments<'a> {
    #[inline(never)]
    pub(crate) fn parse(text: Option<&'a str>) -> Result<Self> {
        Self::of("arguments", text.unwrap_or("{}"))
    }

    fn of(field: &'static str, text: &'a str) -> Result<Self> {
        let sentence = "Not an object with at most 64 members, each of them once";
        Object::parse(text).map(Self).ok_or_else(|| Error::invalid(field, sentence))
    }

    /// Refuses any that the tool does not know.
    pub(crate) fn only(&self, known: &[&str]) -> Result<()> {
        self.only_in("arguments", known)
    }

    fn only_in(&self, field: &'static str, known: &[&str]) -> Result<()> {
        let Some(unknown) = self.0.names().find(|name| !known.contains(name)) else {
            return Ok(());
        };
        let unknown: String = unknown.chars().take(40).collect();
        let known = known.join(", ");
        Err(Error::invalid(field, format!("There is no \"{unknown}\"; there are: {known}")))
    }

    /// Whether it is there, be it null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.given(name).is_some()
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<Option<String>> {
        let read = |text| {
            kafka_edge_json::from_str(text)
                .map_err(|_| Error::invalid(name, "Not a string of Unicode"))
        };
        self.0.get(name).map(read).transpose()
    }

    /// One that the tool cannot do without.
    pub(crate) fn needed(&self, name: &'static str) -> Result<String> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn group(&self) -> Result<Option<String>> {
        let group = self.text("group")?;
        group.as_deref().map(names::check_group).transpose()?;
        Ok(group)
    }

    /// A whole number. Some programs write one with a zero behind the point.
    pub(crate) fn number(
        &self,
        name: &'static str,
        bounds: RangeInclusive<i64>,
    ) -> Result<Option<i64>> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        let decimal = || {
            let number: f64 = text.parse().ok()?;
            (number.fract() == 0.0 && number.abs() < MOST).then_some(number as i64)
        };
        let number = text.parse().ok().or_else(decimal).filter(|number| bounds.contains(number));
        number.map(Some).ok_or_else(|| {
            let (least, most) = (bounds.start(), bounds.end());
            Error::invalid(name, format!("Not a whole number from {least} to {most}"))
        })
    }

    pub(crate) fn count(
        &self,
        name: &'static str,
        bounds: RangeInclusive<usize>,
        default: usize,
    ) -> Result<usize> {
        let whole = |count: &usize| i64::try_from(*count).unwrap_or(i64::MAX);
        let given = self.number(name, whole(bounds.start())..=whole(bounds.end()))?;
        Ok(given.map_or(default, |given| usize::try_from(given).unwrap_or(default)))
    }

    pub(crate) fn seconds(
        &self,
        name: &'static str,
        bounds: RangeInclusive<Duration>,
        default: Duration,
    ) -> Result<Duration> {
        let whole = |time: &Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let given = self.number(name, whole(bounds.start())..=whole(bounds.end()))?;
        Ok(given.map_or(default, |given| Duration::from_secs(given.unsigned_abs())))
    }

    pub(crate) fn partition(&self) -> Result<Option<i32>> {
        let partition = self.number("partition", 0..=i64::from(i32::MAX))?;
        Ok(partition.and_then(|partition| i32::try_from(partition).ok()))
    }

    /// RFC 3339, or milliseconds since 1970 as text.
    pub(crate) fn time(&self, name: &'static str) -> Result<Option<i64>> {
        let read = |text: String| {
            let sentence = "Neither a time in RFC 3339 nor milliseconds since 1970";
            calendar::parse(&text).ok_or_else(|| Error::invalid(name, sentence))
        };
        self.text(name)?.map(read).transpose()
    }

    /// Bytes: text, or base64 where the member beside it says so.
    pub(crate) fn bytes(
        &self,
        name: &'static str,
        encoding: &'static str,
    ) -> Result<Option<Bytes>> {
        let text = self.text(name)?;
        match (self.text(encoding)?.as_deref(), text) {
            (None, text) => Ok(text.map(Bytes::from)),
            (Some("base64"), Some(text)) => {
                let bytes = STANDARD.decode(text).map_err(|_| Error::invalid(name, "Not base64"));
                Ok(Some(bytes?.into()))
            }
            (Some(_), _) => {
                Err(Error::invalid(encoding, "Only \"base64\", beside a string, is taken"))
            }
        }
    }

    /// An array of strings; empty if there is none.
    pub(crate) fn texts(&self, name: &'static str) -> Result<Vec<String>> {
        let Some(text) = self.0.get(name) else { return Ok(Vec::new()) };
        kafka_edge_json::from_str(text).map_err(|_| Error::invalid(name, "Not an array of strings"))
    }

    /// An array of objects that have the `known` members; empty if there is none.
    pub(crate) fn objects(&self, name: &'static str, known: &[&str]) -> Result<Vec<Arguments<'a>>> {
        let Some(text) = self.0.get(name) else { return Ok(Vec::new()) };
        let all: Vec<&'a RawValue> = kafka_edge_json::from_str(text)
            .map_err(|_| Error::invalid(name, "Not an array of objects"))?;
        let mut objects = Vec::new();
        for raw in all {
            let object = Arguments::of(name, raw.get())?;
            object.only_in(name, known)?;
            objects.push(object);
        }
        Ok(objects)
    }
}

pub(crate) fn missing(name: &'static str) -> Error {
    Error::invalid(name, "It is needed, and missing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn of(text: &str) -> Arguments<'_> {
        Arguments::parse(Some(text)).unwrap()
    }

    fn field<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
        match result.map_err(Error::into_kind) {
            Err(ErrorKind::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_tool_does_not_have_is_named() {
        let error = of(r#"{"tpoic":"t"}"#).only(&["topic", "max"]).unwrap_err();
        assert_eq!(error.to_string(), "There is no \"tpoic\"; there are: topic, max");
        for text in ["[]", "1", "\"a\"", r#"{"a":1,"a":2}"#] {
            assert_eq!(field(Arguments::parse(Some(text))), "arguments", "{text}");
        }
        assert!(!Arguments::parse(None).unwrap().has("a"));
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let number = |text: &str| of(&format!("{{\"a\":{text}}}")).number("a", -5..=1 << 60);
        for (text, expected) in [
            ("0", 0),
            ("-5", -5),
            ("5.0", 5),
            ("1e3", 1000),
            ("1152921504606846975", 1_152_921_504_606_846_975),
        ] {
            assert_eq!(number(text), Ok(Some(expected)), "{text}");
        }
        assert_eq!(number("null"), Ok(None));
        for text in ["1.5", "\"1\"", "-6", "1e300", "9223372036854775807", "[]", "true"] {
            assert_eq!(field(number(text)), "a", "{text}");
        }
    }

    #[test]
    fn strings_are_strings() {
        assert_eq!(of(r#"{"a":"x\u0041"}"#).needed("a").unwrap(), "xA");
        assert_eq!(field(of("{}").needed("a")), "a");
        for text in [r#"{"a":1}"#, r#"{"a":"\ud800"}"#, r#"{"a":[]}"#] {
            assert_eq!(field(of(text).text("a")), "a", "{text}");
            assert_eq!(field(of(text).bytes("a", "e")), "a", "{text}");
        }
        assert_eq!(
            of(r#"{"a":"/w==","e":"base64"}"#).bytes("a", "e").unwrap().unwrap(),
            [0xff][..]
        );
        assert_eq!(field(of(r#"{"a":"%","e":"base64"}"#).bytes("a", "e")), "a");
        for text in [r#"{"a":"x","e":"hex"}"#, r#"{"e":"base64"}"#] {
            assert_eq!(field(of(text).bytes("a", "e")), "e", "{text}");
        }
        assert_eq!(of(r#"{"a":["x","y"]}"#).texts("a").unwrap(), ["x", "y"]);
        assert_eq!(field(of(r#"{"a":[1]}"#).texts("a")), "a");
        assert_eq!(field(of(r#"{"group":"a\n"}"#).group()), "group");
        assert_eq!(field(of(r#"{"a":"noon"}"#).time("a")), "a");
        assert_eq!(of(r#"{"a":"1970-01-01T00:00:01Z"}"#).time("a"), Ok(Some(1000)));
    }

    #[test]
    fn objects_in_a_list_have_their_own_members() {
        let arguments = of(r#"{"a":[{"x":"1"},{}]}"#);
        let objects = arguments.objects("a", &["x"]).unwrap();
        assert_eq!(objects[0].text("x").unwrap().as_deref(), Some("1"));
        assert!(!objects[1].has("x"));
        for text in [r#"{"a":[1]}"#, r#"{"a":{}}"#, r#"{"a":[{"y":1}]}"#] {
            assert_eq!(field(of(text).objects("a", &["x"])), "a", "{text}");
        }
    }
}
