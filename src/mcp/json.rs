//! JSON that is written member by member. What serde derives would be larger.

use std::fmt::Display;

/// A JSON text on its way.
#[derive(Debug, Default)]
pub(crate) struct Json(String);

impl Json {
    /// An object whose members are written by `members`.
    pub(crate) fn object(members: impl FnOnce(&mut Self)) -> String {
        let mut json = Self::default();
        json.braces(members);
        json.0
    }

    fn braces(&mut self, members: impl FnOnce(&mut Self)) {
        self.0.push('{');
        members(self);
        self.0.push('}');
    }

    /// A member that is a string.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &quoted(value));
    }

    /// A member that is a string, if there is one.
    pub(crate) fn text_if(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// A member that is a string or null.
    pub(crate) fn text_or_null(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.raw(name, "null"),
        }
    }

    pub(crate) fn number(&mut self, name: &str, value: i64) {
        self.raw(name, &value.to_string());
    }

    pub(crate) fn number_or_null(&mut self, name: &str, value: Option<i64>) {
        match value {
            Some(value) => self.number(name, value),
            None => self.raw(name, "null"),
        }
    }

    pub(crate) fn bool(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    /// A member that is JSON already.
    pub(crate) fn raw(&mut self, name: &str, value: &str) {
        self.key(name);
        self.0.push_str(value);
    }

    /// A member that is an array of objects.
    pub(crate) fn objects<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut members: impl FnMut(&mut Self, T),
    ) {
        self.key(name);
        self.0.push('[');
        for item in items {
            self.comma();
            self.braces(|json| members(json, item));
        }
        self.0.push(']');
    }

    /// A member that is an array of strings.
    pub(crate) fn texts<'t>(&mut self, name: &str, items: impl IntoIterator<Item = &'t str>) {
        self.key(name);
        self.0.push('[');
        for item in items {
            self.comma();
            self.0.push_str(&quoted(item));
        }
        self.0.push(']');
    }

    fn key(&mut self, name: &str) {
        self.comma();
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn comma(&mut self) {
        if !self.0.ends_with(['{', '[']) {
            self.0.push(',');
        }
    }
}

/// A text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    // A string can always be written.
    serde_json::to_string(text).unwrap_or_default()
}

/// The members of an error: its code, its sentence, and JSON that says more.
pub(crate) fn error(code: impl Display, message: &str, data: Option<&str>) -> String {
    Json::object(|json| {
        json.raw("code", &code.to_string());
        json.text("message", message);
        if let Some(data) = data {
            json.raw("data", data);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_items_have_commas_between_them() {
        let text = Json::object(|json| {
            json.text("a", "x\"{");
            json.text_if("b", None);
            json.text_or_null("c", None);
            json.number("d", -1);
            json.number_or_null("e", None);
            json.bool("f", true);
            json.texts("g", ["[", "]"]);
            json.objects("h", [1, 2], |json, n| json.number("n", n));
            json.objects("i", [0; 0], |_, _| {});
        });
        let expected = r#"{"a":"x\"{","c":null,"d":-1,"e":null,"f":true,"g":["[","]"],"h":[{"n":1},{"n":2}],"i":[]}"#;
        assert_eq!(text, expected);
    }
}
