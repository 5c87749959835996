//! Reading CloudEvents from HTTP.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use kafka_edge_bounded_json::{Budget, Value, parse};

use super::{Attribute, CloudEvent, Malformed, is_json};
use crate::calendar::parse_rfc3339;
use crate::record::Header;
use crate::services::sources::inbound::Inbound;

/// Bounds what a stranger can make of one request.
const MAX_ATTRIBUTES: usize = 64;
const MAX_BATCH: usize = 500;

const JSON: &str = "application/json";
const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";
const PREFIX: &str = "ce-";
/// The attributes of CloudEvents 1.0 itself, none of which is a number or a truth value.
const CORE: [&str; 7] = ["specversion", "id", "source", "type", "subject", "time", "dataschema"];

/// How a request brings CloudEvents.
pub(in crate::services) enum Incoming {
    /// It brings none.
    None,
    One(CloudEvent),
    Batch(Vec<CloudEvent>),
}

/// Reads what a request brings.
pub(in crate::services) fn read(
    request: &Inbound<'_>,
    budget: &mut Budget,
) -> Result<Incoming, Malformed> {
    let content_type = request.header("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    // By the beginning and without regard to case (HTTP binding, section 3).
    if essence.eq_ignore_ascii_case(BATCH) {
        let events =
            parse(&request.body, budget).map_err(|_| Malformed("The batch is not JSON"))?;
        let events = events.as_array().ok_or(Malformed("The batch is not a list"))?;
        if events.len() > MAX_BATCH {
            return Err(Malformed("The batch has more than 500 events"));
        }
        let events = events.iter().map(|event| of_json(event, budget));
        return Ok(Incoming::Batch(events.collect::<Result<_, _>>()?));
    }
    if essence.eq_ignore_ascii_case(STRUCTURED) {
        let event = parse(&request.body, budget).map_err(|_| Malformed("The event is not JSON"))?;
        return Ok(Incoming::One(of_json(&event, budget)?));
    }
    if request.header("ce-specversion").is_none() {
        return Ok(Incoming::None);
    }
    let mut attributes = Vec::new();
    for (name, value) in request.headers.iter() {
        let Some((prefix, name)) = name.split_at_checked(PREFIX.len()) else { continue };
        // The content type alone says what type the data have (HTTP binding, 3.1.1).
        let is_type = name.eq_ignore_ascii_case("datacontenttype");
        if prefix.eq_ignore_ascii_case(PREFIX) && !name.is_empty() && !is_type {
            let value = unquoted(value).ok_or(Malformed("An attribute is not UTF-8"))?;
            add(&mut attributes, Attribute::text(name, value))?;
        }
    }
    let content_type = (!content_type.is_empty()).then(|| content_type.to_owned());
    let data = (!request.body.is_empty()).then(|| request.body.clone());
    checked(CloudEvent { attributes, content_type, data }).map(Incoming::One)
}

/// Reads what a record of Kafka holds (Kafka binding 1.0.2, binary and structured content).
/// `None`: it is no CloudEvent.
pub(in crate::services) fn of_record(
    headers: &[Header],
    value: Option<&Bytes>,
    budget: &mut Budget,
) -> Result<Option<CloudEvent>, Malformed> {
    let text = |value: Option<&Bytes>| {
        let text = std::str::from_utf8(value?).ok()?;
        Some(text.to_owned())
    };
    let find = |name: &str| headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    let content_type = find("content-type").and_then(|header| text(header.value.as_ref()));
    let essence = content_type.as_deref().unwrap_or_default().split(';').next();
    if essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(STRUCTURED)) {
        let value = value.map_or(&[][..], |value| value);
        let event = parse(value, budget).map_err(|_| Malformed("The event is not JSON"))?;
        return of_json(&event, budget).map(Some);
    }
    if find("ce_specversion").is_none() {
        return Ok(None);
    }
    let mut attributes = Vec::new();
    for header in headers {
        let Some(name) = header.name.strip_prefix("ce_").filter(|name| !name.is_empty()) else {
            continue;
        };
        let value = text(header.value.as_ref()).ok_or(Malformed("An attribute is not UTF-8"))?;
        add(&mut attributes, Attribute::text(name, value))?;
    }
    checked(CloudEvent { attributes, content_type, data: value.cloned() }).map(Some)
}

fn of_json(event: &Value, budget: &mut Budget) -> Result<CloudEvent, Malformed> {
    let event = event.as_object().ok_or(Malformed("The event is not an object"))?;
    let (mut attributes, mut content_type) = (Vec::new(), None);
    let (mut data, mut base64) = (None, None);
    for (name, value) in event.iter() {
        match (&**name, value) {
            ("data", value) => data = Some(value),
            // For an attribute, null is the same as absent (JSON format, 2.2).
            (_, Value::Null) => {}
            ("data_base64", Value::String(text)) => {
                let bytes = STANDARD.decode(text.as_bytes());
                base64 = Some(bytes.map_err(|_| Malformed("data_base64 is not base64"))?);
            }
            ("datacontenttype", Value::String(text)) => content_type = Some(text.to_string()),
            (name, Value::String(text)) => {
                add(&mut attributes, Attribute::text(name, text.to_string()))?;
            }
            (name, Value::Bool(flag)) => {
                let text = Attribute::text(name, flag.to_string());
                add(&mut attributes, Attribute { bare: true, ..text })?;
            }
            (name, Value::Number(number)) => {
                let text = Attribute::text(name, number.to_string());
                add(&mut attributes, Attribute { bare: true, ..text })?;
            }
            _ => {
                return Err(Malformed(
                    "An attribute is neither a text, a number nor a truth value",
                ));
            }
        }
    }
    let text_type = content_type.as_deref().is_some_and(|name| !is_json(name));
    let data = match (data, base64) {
        (None, None) => None,
        (None | Some(Value::Null), Some(bytes)) => Some(bytes.into()),
        (Some(_), Some(_)) => return Err(Malformed("The event has both data and data_base64")),
        // Data of another type is in a string (JSON format, 3.1.1).
        (Some(Value::String(text)), None) if text_type => {
            Some(Bytes::copy_from_slice(text.as_bytes()))
        }
        (Some(Value::Null), None) if text_type => None,
        // An explicit null is a JSON value as others are (3.1.1).
        (Some(value), None) => {
            content_type.get_or_insert_with(|| JSON.to_owned());
            let bytes = value.to_vec(budget);
            Some(bytes.map_err(|_| Malformed("The data is too large"))?.into())
        }
    };
    checked(CloudEvent { attributes, content_type, data })
}

fn add(attributes: &mut Vec<Attribute>, mut attribute: Attribute) -> Result<(), Malformed> {
    attribute.name.make_ascii_lowercase();
    let name = attribute.name.as_str();
    // CloudEvents 1.0.2, "Naming Conventions".
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Err(Malformed("An attribute's name holds something other than letters and digits"));
    }
    // They have places of their own, and would be there twice.
    if name == "data" || name == "datacontenttype" {
        return Err(Malformed("The data or their type are given as a plain attribute"));
    }
    // What readers make of it would depend on whether they keep the first or the last.
    if attributes.iter().any(|known| known.name == name) {
        return Err(Malformed("An attribute is there twice"));
    }
    // CloudEvents 1.0.2, "Type System".
    if attribute.value.chars().any(char::is_control) {
        return Err(Malformed("An attribute holds a control character"));
    }
    if attributes.len() >= MAX_ATTRIBUTES {
        return Err(Malformed("The event has more than 64 attributes"));
    }
    attribute.bare &= !CORE.contains(&name);
    attributes.push(attribute);
    Ok(())
}

fn checked(event: CloudEvent) -> Result<CloudEvent, Malformed> {
    if event.attribute("specversion") != Some("1.0") {
        return Err(Malformed("The event is not of version 1.0 of CloudEvents"));
    }
    let missing =
        ["id", "source", "type"].iter().any(|name| event.attribute(name).is_none_or(str::is_empty));
    if missing {
        return Err(Malformed("The event lacks one of id, source and type"));
    }
    // The SDKs fail on another form, each in its own way.
    if event.attribute("time").is_some_and(|time| parse_rfc3339(time).is_none()) {
        return Err(Malformed("The event's time is not in the form of RFC 3339"));
    }
    Ok(event)
}

/// Undoes quotes, which older senders write, and then percent-encoding, once each (HTTP
/// binding, 3.1.3.2). What is raw UTF-8 stays as it is.
fn unquoted(value: &[u8]) -> Option<String> {
    let value = value.trim_ascii();
    let quoted = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let mut plain = Vec::new();
    let mut rest = quoted.unwrap_or(value);
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after.split_first().filter(|_| first == b'\\' && quoted.is_some());
        let (byte, after) = escaped.map_or((first, after), |(&byte, after)| (byte, after));
        plain.push(byte);
        rest = after;
    }
    let mut bytes = Vec::new();
    let mut rest = &plain[..];
    while let Some((&first, after)) = rest.split_first() {
        let hex = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
        let encoded = hex(after.first()).zip(hex(after.get(1))).filter(|_| first == b'%');
        let (byte, after) = match encoded {
            Some((high, low)) => (u8::try_from(high * 16 + low).ok()?, &after[2..]),
            None => (first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::sources::source::ContentMode;

    /// The members that every event has, for the inside of a JSON object.
    const WHOLE: &str = r#""specversion":"1.0","id":"1","source":"/s","type":"t""#;

    fn request(headers: &[(&str, &[u8])], body: &str) -> Inbound<'static> {
        let header =
            |(name, value): &(&str, &[u8])| ((*name).to_owned(), Bytes::copy_from_slice(value));
        Inbound {
            method: "POST".into(),
            target: "/in/s".into(),
            headers: headers.iter().map(header).collect(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            client: None,
            scheme: None,
            authority: None,
        }
    }

    fn one(request: &Inbound<'_>) -> Result<CloudEvent, &'static str> {
        match read(request, &mut Budget::default()) {
            Ok(Incoming::One(event)) => Ok(event),
            Ok(_) => Err("not one event"),
            Err(Malformed(sentence)) => Err(sentence),
        }
    }

    /// A structured event with more members.
    fn structured(more: &str) -> Result<CloudEvent, &'static str> {
        one(&request(&[("content-type", STRUCTURED.as_bytes())], &format!("{{{WHOLE}{more}}}")))
    }

    /// A binary event with more headers.
    fn binary(more: &[(&str, &[u8])], body: &str) -> Result<CloudEvent, &'static str> {
        let whole: [(&str, &[u8]); 4] =
            [("ce-specversion", b"1.0"), ("ce-id", b"1"), ("ce-source", b"/s"), ("ce-type", b"t")];
        one(&request(&[&whole[..], more].concat(), body))
    }

    fn as_json(event: &CloudEvent) -> serde_json::Value {
        let written = event.write(ContentMode::Structured, &mut Budget::default());
        serde_json::from_slice(&written.unwrap().1.unwrap()).unwrap()
    }

    #[test]
    fn integers_and_truth_values_stay_what_they_are() {
        let event = structured(r#","count":-7,"flag":true,"half":1.5,"text":"7""#).unwrap();
        let json = as_json(&event);
        for (name, wanted) in
            [("count", "-7"), ("flag", "true"), ("half", "\"1.5\""), ("text", "\"7\"")]
        {
            assert_eq!(json[name].to_string(), wanted, "{json}");
        }
        let (headers, _) = event.write(ContentMode::Binary, &mut Budget::default()).unwrap();
        let count = headers.iter().find(|header| header.name == "ce_count").unwrap();
        assert_eq!(count.value.as_deref(), Some(&b"-7"[..]));
        // An id is a text, whatever its sender has made of it.
        let headers = [("content-type", STRUCTURED.as_bytes())];
        let numbered = r#"{"specversion":"1.0","id":5,"source":"/s","type":"t"}"#;
        assert_eq!(as_json(&one(&request(&headers, numbered)).unwrap())["id"], "5");
    }

    #[test]
    fn an_attribute_is_there_once_and_readable() {
        let twice = Err("An attribute is there twice");
        assert_eq!(binary(&[("Ce-Id", b"2")], ""), twice);
        assert_eq!(structured(r#","ID":"2""#), twice);
        let plain = Err("The data or their type are given as a plain attribute");
        assert_eq!(binary(&[("ce-data", b"x")], ""), plain);
        assert_eq!(structured(r#","datacontenttype":5"#), plain);
        let control = Err("An attribute holds a control character");
        assert_eq!(binary(&[("ce-subject", b"a%0D%0Ab")], ""), control);
        assert_eq!(structured(r#","subject":"a\u0085b""#), control);
        for wrong in ["yesterday", "2018-04-05T03:56:24", "2018-04-05"] {
            let time = Err("The event's time is not in the form of RFC 3339");
            assert_eq!(binary(&[("ce-time", wrong.as_bytes())], ""), time, "{wrong}");
        }
        for right in ["2018-04-05T03:56:24Z", "2018-04-05T03:56:24.123456+02:00"] {
            let event = binary(&[("ce-time", right.as_bytes())], "").unwrap();
            assert_eq!(event.attribute("time"), Some(right));
        }
        let typed: [(&str, &[u8]); 2] =
            [("ce-datacontenttype", b"text/plain"), ("content-type", b"a/b")];
        let event = binary(&typed, "x").unwrap();
        assert_eq!(
            (event.attribute("datacontenttype"), event.content_type.as_deref()),
            (None, Some("a/b"))
        );
    }

    #[test]
    fn source_and_id_cannot_take_each_others_place() {
        let identity = |source: &str, id: &str| {
            let (source, id) = (source.as_bytes(), id.as_bytes());
            let headers: [(&str, &[u8]); 4] = [
                ("ce-specversion", b"1.0"),
                ("ce-id", id),
                ("ce-source", source),
                ("ce-type", b"t"),
            ];
            one(&request(&headers, "")).map(|event| event.identity())
        };
        assert_ne!(identity("/a b", "c"), identity("/a", "b c"));
        assert_eq!(identity("/a%0A", "c"), Err("An attribute holds a control character"));
    }

    #[test]
    fn null_is_data_and_base64_excludes_data() {
        let data = |more| structured(more).map(|event| event.data);
        assert_eq!(data(""), Ok(None));
        assert_eq!(data(r#","data":null"#), Ok(Some("null".into())));
        assert_eq!(data(r#","data":null,"datacontenttype":"text/plain""#), Ok(None));
        assert_eq!(data(r#","data":"","datacontenttype":"text/plain""#), Ok(Some("".into())));
        assert_eq!(data(r#","data_base64":null"#), Ok(None));
        assert_eq!(data(r#","data_base64":"AQI=","data":null"#), Ok(Some("\u{1}\u{2}".into())));
        let both = Err("The event has both data and data_base64");
        assert_eq!(data(r#","data_base64":"AQI=","data":1"#), both);
        let event = structured(r#","data":null"#).unwrap();
        assert_eq!(as_json(&event).get("data"), Some(&serde_json::Value::Null));
    }

    #[test]
    fn only_what_is_json_by_its_type_is_written_as_json() {
        let written = |headers: &[(&str, &[u8])]| as_json(&binary(headers, "{\"a\":1}").unwrap());
        for json in ["application/json", "Text/JSON; charset=utf-8", "a/b+json", "x/json"] {
            let event = written(&[("content-type", json.as_bytes())]);
            assert_eq!(event["data"]["a"], 1, "{json}");
        }
        for other in ["text/plain", "application/jsonl", "application/json+x"] {
            let event = written(&[("content-type", other.as_bytes())]);
            assert_eq!((event.get("data"), &event["data_base64"]), (None, &"eyJhIjoxfQ==".into()));
        }
        let untyped = written(&[]);
        assert_eq!((untyped.get("data"), untyped.get("datacontenttype")), (None, None));
        assert_eq!(untyped["data_base64"], "eyJhIjoxfQ==");
        let again = structured(r#","data_base64":"eyJhIjoxfQ==""#).unwrap();
        assert_eq!(as_json(&again), untyped);
    }

    #[test]
    fn headers_are_unquoted_and_then_decoded_once() {
        for (sent, read) in [
            ("Euro%20%E2%82%AC%20%f0%9f%98%80", Some("Euro \u{20ac} \u{1f600}")),
            ("Z\u{fc}rich", Some("Z\u{fc}rich")),
            ("100%", Some("100%")),
            ("%2525", Some("%25")),
            (r#""a \"b\" \\c""#, Some(r#"a "b" \c"#)),
            (r#""\%41""#, Some("A")),
            ("%22a%22", Some("\"a\"")),
            (r"a\b", Some(r"a\b")),
            ("\"", Some("\"")),
            ("%C0%A0", None),
        ] {
            assert_eq!(unquoted(sent.as_bytes()).as_deref(), read, "{sent}");
        }
        assert_eq!(unquoted(b"caf\xe9"), None, "Latin-1");
    }
}
