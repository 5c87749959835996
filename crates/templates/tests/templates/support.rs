//! What the tests share.

use kafka_edge_bounded_json::{Budget, Limits, Value, parse};
use kafka_edge_templates::Payload;

/// 2026-11-29T08:05:09.007Z, as `tests/templates/main.go` has it.
pub(crate) const NOW: i64 = 1_795_939_509_007;

pub(crate) fn file(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(folder.join(name)).expect(name)
}

pub(crate) fn json(text: &str) -> Value {
    let mut budget = Budget::new(Limits { steps: 100_000_000, bytes: 1 << 32, depth: 1000 });
    parse(text.as_bytes(), &mut budget).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn written(value: &Value) -> String {
    String::from_utf8(value.to_vec(&mut Budget::default()).unwrap()).unwrap()
}

/// What a payload becomes, or where and why it fails.
pub(crate) fn render(payload: &Value, data: &Value) -> Result<Value, (String, String)> {
    let payload =
        Payload::compile(payload).map_err(|refused| (refused.at.clone(), refused.to_string()))?;
    let rendered = payload.render(data, NOW, &mut Budget::default());
    rendered.map_err(|error| (error.at.clone(), error.to_string()))
}

/// What a template writes where a text is wanted.
pub(crate) fn as_text(template: &str, data: &Value) -> Result<String, String> {
    // With something behind it, it is no value of its own.
    let payload = Value::from(format!("{template}\u{1}").as_str());
    let value = render(&payload, data).map_err(|(_, error)| error)?;
    let text = value.as_str().expect("a text");
    Ok(text.strip_suffix('\u{1}').expect("the end").to_owned())
}
