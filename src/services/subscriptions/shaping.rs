//! The filter and the transform of a subscription.

use serde_json::value::RawValue;

use super::settings::Settings;
use crate::record::Record;

/// What a record becomes.
#[derive(Debug, Clone)]
pub(super) enum Shaped {
    /// It is delivered, with this in place of its value if there was a transform.
    Delivered(Option<Box<RawValue>>),
    Filtered,
    /// An expression failed, with a sentence.
    Failed(String),
}

/// Compiled expressions.
#[derive(Debug, Clone, Default)]
pub(super) struct Shaping {
    #[cfg(feature = "sources")]
    filter: Option<crate::services::sources::programs::Program>,
    #[cfg(feature = "sources")]
    transform: Option<crate::services::sources::programs::Program>,
}

/// Why settings are not taken: the field, and a sentence.
pub(super) type Refused = (&'static str, String);

#[cfg(not(feature = "sources"))]
impl Shaping {
    pub(super) fn of(settings: &Settings) -> Result<Self, Refused> {
        let given = [("filter", &settings.filter), ("transform", &settings.transform)];
        let refused = || "This gateway was built without expressions".to_owned();
        match given.into_iter().find(|(_, program)| program.is_some()) {
            Some((field, _)) => Err((field, refused())),
            None => Ok(Self::default()),
        }
    }

    pub(super) fn shape(&self, _topic: &str, _record: &Record) -> Shaped {
        Shaped::Delivered(None)
    }
}

#[cfg(feature = "sources")]
mod with_expressions {
    use std::rc::Rc;

    use kafka_edge_bounded_json::{Budget, Limits, Number, Object, Value, parse};

    use super::{Record, Refused, Settings, Shaped, Shaping};
    use crate::render::Text;
    use crate::services::sources::programs::{Failed, Program, too_costly};

    impl Shaping {
        /// Compiles what the settings hold.
        pub(in crate::services::subscriptions) fn of(settings: &Settings) -> Result<Self, Refused> {
            let program = |field, text: &Option<String>| {
                let text = text.as_deref().map(Program::parse).transpose();
                text.map_err(|sentence| (field, sentence))
            };
            Ok(Self {
                filter: program("filter", &settings.filter)?,
                transform: program("transform", &settings.transform)?,
            })
        }

        pub(in crate::services::subscriptions) fn shape(
            &self,
            topic: &str,
            record: &Record,
        ) -> Shaped {
            if self.filter.is_none() && self.transform.is_none() {
                return Shaped::Delivered(None);
            }
            self.run(topic, record).unwrap_or_else(|Failed(sentence)| Shaped::Failed(sentence))
        }

        fn run(&self, topic: &str, record: &Record) -> Result<Shaped, Failed> {
            let mut budget = Budget::new(Limits::default());
            let input = match &record.value {
                None => Value::Null,
                Some(value) => parse(value, &mut budget)
                    .map_err(|error| Failed(format!("The record's value is not JSON: {error}")))?,
            };
            let about = about(topic, record, &mut budget)?;
            if let Some(filter) = &self.filter {
                let values = filter.run(&input, &about, &Value::Null, &mut budget)?;
                // Of several values all have to hold, as with `select` in a row.
                if values.is_empty() || !values.iter().all(Value::is_truthy) {
                    return Ok(Shaped::Filtered);
                }
            }
            let Some(transform) = &self.transform else { return Ok(Shaped::Delivered(None)) };
            let mut values = transform.run(&input, &about, &Value::Null, &mut budget)?;
            let value = match values.len() {
                0 => return Ok(Shaped::Filtered),
                1 => values.remove(0),
                _ => Value::array(values, &mut budget).map_err(too_costly)?,
            };
            let bytes = value.to_vec(&mut budget).map_err(too_costly)?;
            let text = String::from_utf8(bytes).unwrap_or_default();
            let raw = serde_json::value::RawValue::from_string(text);
            raw.map(|raw| Shaped::Delivered(Some(raw)))
                .map_err(|_| Failed("What the transform gives is not JSON".into()))
        }
    }

    /// What expressions know as `$record`.
    fn about(topic: &str, record: &Record, budget: &mut Budget) -> Result<Value, Failed> {
        let mut text = |bytes: Option<&[u8]>| match Text::of_option(bytes).0 {
            Some(text) => Value::string(&text, budget).map_err(too_costly),
            None => Ok(Value::Null),
        };
        let mut headers = Object::new();
        for header in record.headers.iter().flatten() {
            let name = header.name.to_ascii_lowercase();
            headers.insert(name.into(), text(header.value.as_deref())?);
        }
        let int = |number: i64| Value::Number(Number::Int(number));
        let mut about = Object::new();
        for (name, value) in [
            ("topic", text(Some(topic.as_bytes()))?),
            ("partition", int(record.partition.into())),
            ("offset", int(record.offset)),
            ("key", text(record.key.as_deref())?),
            ("time", record.timestamp.map_or(Value::Null, int)),
            ("headers", Value::Object(Rc::new(headers))),
        ] {
            about.insert(name.into(), value);
        }
        Ok(Value::Object(Rc::new(about)))
    }
}

#[cfg(all(test, feature = "expressions"))]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::record::Header;

    fn shaping(filter: Option<&str>, transform: Option<&str>) -> Result<Shaping, Refused> {
        let settings = r#"{"topics":["t"],"callback_url":"https://example.com/"}"#;
        let mut settings: Settings = kafka_edge_json::from_str(settings).unwrap();
        settings.filter = filter.map(str::to_owned);
        settings.transform = transform.map(str::to_owned);
        Shaping::of(&settings)
    }

    fn record(value: Option<&'static str>) -> Record {
        Record {
            partition: 2,
            offset: 42,
            key: Some(Bytes::from_static(b"k")),
            value: value.map(Bytes::from),
            headers: Some(vec![Header { name: "Kind".into(), value: Some("x".into()) }]),
            timestamp: Some(7),
        }
    }

    /// What is delivered; `filtered`, or the sentence of an error.
    fn shaped(
        filter: Option<&str>,
        transform: Option<&str>,
        value: Option<&'static str>,
    ) -> String {
        match shaping(filter, transform).unwrap().shape("orders", &record(value)) {
            Shaped::Delivered(None) => "as it is".into(),
            Shaped::Delivered(Some(json)) => json.get().into(),
            Shaped::Filtered => "filtered".into(),
            Shaped::Failed(sentence) => sentence,
        }
    }

    #[test]
    fn a_filter_keeps_what_it_holds_for() {
        let kept = |value| shaped(Some(".total > 100"), None, Some(value));
        assert_eq!(kept(r#"{"total":101}"#), "as it is");
        assert_eq!(kept(r#"{"total":100}"#), "filtered");
        assert_eq!(shaped(Some("empty"), None, Some("1")), "filtered");
        assert_eq!(shaped(Some(". == null"), None, None), "as it is", "a tombstone is null");
    }

    #[test]
    fn a_transform_gives_what_is_delivered_several_as_an_array_nothing_filters() {
        let of = |program| shaped(None, Some(program), Some(r#"{"ids":[1,2.50],"a":"b"}"#));
        assert_eq!(of(".a"), r#""b""#);
        assert_eq!(of(".ids[]"), "[1,2.50]");
        assert_eq!(of("empty"), "filtered");
        assert_eq!(of("null"), "null");
        assert_eq!(
            of("[$record.topic, $record.partition, $record.offset, $record.key, $record.time, \
                $record.headers.kind]"),
            r#"["orders",2,42,"k",7,"x"]"#
        );
    }

    #[test]
    fn what_fails_says_why_and_without_expressions_bytes_may_be_anything() {
        assert!(shaped(Some(".a"), None, Some("no json")).contains("is not JSON"));
        assert!(shaped(None, Some(".a.b"), Some(r#"{"a":1}"#)).contains("index"));
        assert_eq!(shaped(None, None, Some("no json")), "as it is");
    }

    #[test]
    fn an_expression_that_is_none_is_refused_with_its_field() {
        assert_eq!(shaping(Some(".["), None).unwrap_err().0, "filter");
        assert_eq!(shaping(None, Some("nosuch(1)")).unwrap_err().0, "transform");
    }
}
