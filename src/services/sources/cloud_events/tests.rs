use super::*;

/// The members that every event has, for the inside of a JSON object.
const WHOLE: &str = r#""specversion":"1.0","id":"1","source":"/s","type":"t""#;

fn request(headers: &[(&str, &[u8])], body: &str) -> Inbound {
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

fn one(request: &Inbound) -> Result<CloudEvent, &'static str> {
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
