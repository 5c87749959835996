//! Answers to messages: a status and JSON.

use super::decision::Era;
use super::json::{Json, error, quoted};

/// Codes of errors. Those of JSON-RPC 2.0, section 5.1, and of MCP 2026-07-28; the
/// gateway's own lie outside of what both have reserved, and are HTTP's.
pub(crate) mod code {
    pub(crate) const NOT_JSON: i32 = -32700;
    pub(crate) const NO_REQUEST: i32 = -32600;
    pub(crate) const UNKNOWN_METHOD: i32 = -32601;
    pub(crate) const WRONG_PARAMS: i32 = -32602;
    pub(crate) const HEADER: i32 = -32020;
    pub(crate) const VERSION: i32 = -32022;
}

/// The beginning of names that the protocol keeps for itself.
const SERVER_INFO: &str = concat!(
    r#"{"io.modelcontextprotocol/serverInfo":{"name":"kafka-edge","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""}}"#
);

/// An answer. Without JSON it has no body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) json: Option<String>,
}

impl Reply {
    /// A notification was taken.
    pub(crate) fn accepted() -> Self {
        Self { status: 202, json: None }
    }

    /// A result with these members.
    pub(crate) fn result(era: Era, id: &str, members: impl FnOnce(&mut Json)) -> Self {
        let result = Json::object(|json| {
            if era == Era::New {
                json.text("resultType", "complete");
                json.raw("_meta", SERVER_INFO);
            }
            members(json);
        });
        Self { status: 200, json: Some(answer(Some(id), "result", &result)) }
    }

    #[inline(never)]
    pub(crate) fn error(
        status: u16,
        id: Option<&str>,
        code: i32,
        message: &str,
        data: Option<&str>,
    ) -> Self {
        let json = Some(answer(id, "error", &error(code, message, data)));
        Self { status, json }
    }

    /// The result of a tool: the same JSON as text, for clients that read no other.
    #[inline(never)]
    pub(crate) fn called(era: Era, id: &str, result: &str) -> Self {
        Self::result(era, id, |json| {
            content(json, result);
            json.raw("structuredContent", result);
        })
    }

    /// The call of a tool that failed, in words that a model can act on.
    #[inline(never)]
    pub(crate) fn failed(era: Era, id: &str, sentence: &str) -> Self {
        Self::result(era, id, |json| {
            content(json, sentence);
            json.bool("isError", true);
        })
    }
}

fn content(json: &mut Json, text: &str) {
    json.objects("content", [text], |json, text| {
        json.text("type", "text");
        json.text("text", text);
    });
}

/// The answers to an array of messages. Those to notifications are left out. One that is
/// about the caller is the answer to all of them.
pub(crate) fn all(replies: Vec<Reply>) -> Reply {
    let mut texts = Vec::new();
    for reply in replies {
        match reply {
            Reply { status: 200 | 202 | 400, json } => texts.extend(json),
            whole => return whole,
        }
    }
    if texts.is_empty() {
        return Reply::accepted();
    }
    Reply { status: 200, json: Some(format!("[{}]", texts.join(","))) }
}

fn answer(id: Option<&str>, kind: &str, json: &str) -> String {
    Json::object(|answer| {
        answer.text("jsonrpc", "2.0");
        if let Some(id) = id {
            answer.raw("id", id);
        }
        answer.raw(kind, json);
    })
}

/// What a server says about itself in `server/discover`.
pub(crate) fn discovered(id: &str) -> Reply {
    Reply::result(Era::New, id, |json| {
        json.raw("supportedVersions", super::ALL_VERSIONS);
        json.raw("capabilities", CAPABILITIES);
        json.text("instructions", super::INSTRUCTIONS);
        // An hour: a gateway of another version says something else.
        json.number("ttlMs", 3_600_000);
        json.text("cacheScope", "public");
    })
}

/// The same in `initialize`.
pub(crate) fn initialized(id: &str, version: &str) -> Reply {
    Reply::result(Era::Old, id, |json| {
        json.text("protocolVersion", version);
        json.raw("capabilities", CAPABILITIES);
        json.raw(
            "serverInfo",
            &Json::object(|json| {
                json.text("name", "kafka-edge");
                json.text("version", env!("CARGO_PKG_VERSION"));
            }),
        );
        json.text("instructions", super::INSTRUCTIONS);
    })
}

/// Without `listChanged`, so that nobody asks for a stream.
const CAPABILITIES: &str = r#"{"tools":{}}"#;

/// The tools that a caller may call.
#[inline(never)]
pub(crate) fn tools(era: Era, id: &str, tools: &str) -> Reply {
    Reply::result(era, id, |json| {
        json.raw("tools", tools);
        if era == Era::New {
            // Permissions change now and then only, and a call that is not allowed any
            // more says so.
            json.number("ttlMs", 60_000);
            json.text("cacheScope", "private");
        }
    })
}

/// A version that is not served.
pub(crate) fn other_version(id: &str, requested: &str) -> Reply {
    let data = format!(
        r#"{{"supported":{},"requested":{}}}"#,
        super::ALL_VERSIONS,
        quoted(&requested.chars().take(40).collect::<String>())
    );
    let sentence = "This version is not served; those before 2026-07-28 begin with initialize";
    Reply::error(400, Some(id), code::VERSION, sentence, Some(&data))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn value(reply: Reply) -> Value {
        serde_json::from_str(&reply.json.unwrap()).unwrap()
    }

    #[test]
    fn the_new_era_says_more_than_the_old() {
        let of = |era| value(Reply::called(era, "7", r#"{"a":"b"}"#));
        let result = json!({
            "content": [{"type": "text", "text": "{\"a\":\"b\"}"}],
            "structuredContent": {"a": "b"},
        });
        assert_eq!(of(Era::Old), json!({"jsonrpc": "2.0", "id": 7, "result": result}));
        let new = of(Era::New);
        assert_eq!(new["result"]["resultType"], "complete");
        let server = &new["result"]["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert_eq!(server["name"], "kafka-edge");
        assert_eq!(new["result"]["content"], result["content"]);
    }

    #[test]
    fn an_error_without_an_id_has_none() {
        let error = value(Reply::error(400, None, code::NOT_JSON, "Not JSON", None));
        let expected = json!({"jsonrpc": "2.0", "error": {"code": -32700, "message": "Not JSON"}});
        assert_eq!(error, expected);
    }

    #[test]
    fn answers_to_an_array_are_an_array() {
        let one = || Reply::failed(Era::Old, "1", "x");
        assert_eq!(all(vec![Reply::accepted()]), Reply::accepted());
        let both = value(all(vec![one(), Reply::accepted(), one()]));
        assert_eq!(both.as_array().unwrap().len(), 2);
        let denied = || Reply::error(401, Some("1"), 401, "x", None);
        assert_eq!(all(vec![one(), denied()]), denied());
    }

    #[test]
    fn the_list_of_versions_is_that_of_the_constants() {
        let all: Vec<String> = serde_json::from_str(super::super::ALL_VERSIONS).unwrap();
        assert_eq!(all[0], super::super::NEW_VERSION);
        assert_eq!(all[1..], super::super::OLD_VERSIONS);
    }
}
