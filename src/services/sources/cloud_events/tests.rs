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
