//! What becomes of a message, as far as that is known without I/O.

use super::message::{Body, Headers, Malformed, Message};
use super::object::Object;
use super::reply::{Reply, code, discovered, initialized, other_version};
use super::{BATCH_VERSIONS, NEW_VERSION, OLD_VERSIONS};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT: &str = "io.modelcontextprotocol/clientInfo";

/// How a client speaks: with `initialize`, or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// 2025-11-25 and older.
    Old,
    /// 2026-07-28 and newer.
    New,
}

impl Era {
    /// The status of an error that is about one call. Clients of the old era end their
    /// session at any other than 200.
    pub(crate) fn status(self, new: u16) -> u16 {
        if self == Self::New { new } else { 200 }
    }
}

/// A message of a body, decided.
#[derive(Debug)]
pub(crate) enum Decision<'a> {
    /// It is answered without store and upstream, whoever asks.
    Done(Reply),
    /// Whoever asks has to be known.
    Ask { era: Era, id: &'a str, what: What<'a> },
}

#[derive(Debug)]
pub(crate) enum What<'a> {
    ListTools,
    /// The arguments are JSON, if there are any.
    CallTool {
        name: String,
        arguments: Option<&'a str>,
    },
}

/// What a POST holds.
#[derive(Debug)]
pub(crate) enum Posted<'a> {
    One(Decision<'a>),
    Many(Vec<Decision<'a>>),
}

#[inline(never)]
pub(crate) fn decide_all<'a>(body: &'a [u8], headers: &Headers) -> Posted<'a> {
    let many = match Body::parse(body) {
        Ok(Body::One(text)) => return Posted::One(decide_text(text, headers)),
        Ok(Body::Many(many)) => many,
        Err(malformed) => return Posted::One(Decision::Done(refuse(malformed))),
    };
    let version = headers.version.as_deref();
    if version.is_some_and(|version| !BATCH_VERSIONS.contains(&version)) {
        let sentence = "From 2025-06-18 on a POST holds one message";
        let reply = Reply::error(400, None, code::NO_REQUEST, sentence, None);
        return Posted::One(Decision::Done(reply));
    }
    Posted::Many(many.into_iter().map(|raw| decide_text(raw.get(), headers)).collect())
}

fn refuse(malformed: Malformed<'_>) -> Reply {
    match malformed {
        Malformed::NotJson => Reply::error(400, None, code::NOT_JSON, "The body is not JSON", None),
        Malformed::NotARequest { id } => {
            let sentence =
                "Not a request of JSON-RPC 2.0 with an id that is a string or an integer";
            Reply::error(400, id, code::NO_REQUEST, sentence, None)
        }
    }
}

fn decide_text<'a>(text: &'a str, headers: &Headers) -> Decision<'a> {
    match Message::parse(text) {
        Ok(message) => decide(message, headers),
        Err(malformed) => Decision::Done(refuse(malformed)),
    }
}

fn decide<'a>(message: Message<'a>, headers: &Headers) -> Decision<'a> {
    let Some(id) = message.id else { return Decision::Done(Reply::accepted()) };
    let meta = message.params.object("_meta");
    let has_version = meta.as_ref().is_some_and(|meta| meta.given(VERSION).is_some());
    let is_old = |version: &str| OLD_VERSIONS.contains(&version);
    let named = headers.version.as_deref();
    if has_version || named.is_some_and(|v| !is_old(v)) || message.method == "server/discover" {
        return decide_new(id, &message, meta, headers);
    }
    match &*message.method {
        "initialize" => {
            let asked = message.params.string("protocolVersion").filter(|asked| is_old(asked));
            Decision::Done(initialized(id, asked.as_deref().unwrap_or(OLD_VERSIONS[0])))
        }
        "ping" => Decision::Done(Reply::result(Era::Old, id, |_| {})),
        _ => tools(Era::Old, id, &message),
    }
}

fn decide_new<'a>(
    id: &'a str,
    message: &Message<'a>,
    meta: Option<Object<'a>>,
    headers: &Headers,
) -> Decision<'a> {
    let refuse =
        |code, sentence: &str| Decision::Done(Reply::error(400, Some(id), code, sentence, None));
    let named = headers.version.as_deref();
    let version = meta.as_ref().and_then(|meta| meta.string(VERSION));
    let has = |name: &str| meta.as_ref().is_some_and(|meta| meta.object(name).is_some());
    let client = meta.as_ref().and_then(|meta| meta.given(CLIENT));
    let Some(version) = version.filter(|_| has(CAPABILITIES) && (client.is_none() || has(CLIENT)))
    else {
        return match named {
            // A newer version may say all of it in another way.
            Some(other) if other != NEW_VERSION && !OLD_VERSIONS.contains(&other) => {
                Decision::Done(other_version(id, other))
            }
            _ => refuse(
                code::WRONG_PARAMS,
                "params._meta needs io.modelcontextprotocol/protocolVersion, a string, and \
                 io.modelcontextprotocol/clientCapabilities, an object",
            ),
        };
    };
    if named != Some(&*version) {
        return refuse(code::HEADER, "The header MCP-Protocol-Version is not the version in _meta");
    }
    if headers.method.as_deref() != Some(&*message.method) {
        return refuse(code::HEADER, "The header Mcp-Method is not the method of the message");
    }
    if message.method == "tools/call"
        && let Some(name) = message.params.string("name")
        && !headers.is_name(&name)
    {
        return refuse(code::HEADER, "The header Mcp-Name is not the name of the tool");
    }
    if version != NEW_VERSION {
        return Decision::Done(other_version(id, &version));
    }
    match &*message.method {
        "server/discover" => Decision::Done(discovered(id)),
        _ => tools(Era::New, id, message),
    }
}

fn tools<'a>(era: Era, id: &'a str, message: &Message<'a>) -> Decision<'a> {
    let refuse = |status, code, sentence: &str| {
        Decision::Done(Reply::error(status, Some(id), code, sentence, None))
    };
    let what = match &*message.method {
        "tools/list" if message.params.get("cursor").is_some() => {
            return refuse(
                200,
                code::WRONG_PARAMS,
                "All tools are on one page: there is no cursor",
            );
        }
        "tools/list" => What::ListTools,
        "tools/call" => match message.params.string("name") {
            Some(name) => What::CallTool { name, arguments: message.params.get("arguments") },
            None => {
                return refuse(200, code::WRONG_PARAMS, "params.name is not the name of a tool");
            }
        },
        _ => {
            let sentence = "This server has tools only: tools/list and tools/call";
            return refuse(era.status(404), code::UNKNOWN_METHOD, sentence);
        }
    };
    Decision::Ask { era, id, what }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn headers(version: &str, method: &str, name: &str) -> Headers {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Headers { version: some(version), method: some(method), name: some(name) }
    }

    /// The status and the JSON of what is answered at once; nothing for a question.
    fn done(body: &Value, headers: &Headers) -> Option<(u16, Value)> {
        let text = body.to_string();
        match decide_all(text.as_bytes(), headers) {
            Posted::One(Decision::Done(reply)) => {
                let json = reply.json.map(|json| serde_json::from_str(&json).unwrap());
                Some((reply.status, json.unwrap_or_default()))
            }
            Posted::One(Decision::Ask { .. }) => None,
            Posted::Many(_) => panic!("{body} is one"),
        }
    }

    fn code(body: &Value, headers: &Headers) -> (u16, i64) {
        let (status, json) = done(body, headers).expect("it is answered at once");
        assert_eq!(json["id"], body["id"], "{json}");
        assert!(json["error"]["message"].is_string(), "{json}");
        (status, json["error"]["code"].as_i64().unwrap())
    }

    fn meta(version: &str) -> Value {
        json!({VERSION: version, CAPABILITIES: {}, CLIENT: {"name": "c", "version": "1"}})
    }

    fn new(method: &str, params: Value) -> Value {
        let mut params = params;
        params["_meta"] = meta(NEW_VERSION);
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    }

    fn old(method: &str, params: &Value) -> Value {
        json!({"jsonrpc": "2.0", "id": "a", "method": method, "params": params})
    }

    #[test]
    fn a_client_of_the_old_era_gets_the_version_that_it_asks_for() {
        for (asked, answered) in [
            ("2024-11-05", "2024-11-05"),
            ("2025-03-26", "2025-03-26"),
            ("2025-06-18", "2025-06-18"),
            ("2025-11-25", "2025-11-25"),
            ("2026-07-28", "2025-11-25"),
            ("1.0", "2025-11-25"),
            ("", "2025-11-25"),
        ] {
            let initialize = old("initialize", &json!({"protocolVersion": asked}));
            let (status, json) = done(&initialize, &Headers::default()).unwrap();
            assert_eq!((status, &json["result"]["protocolVersion"]), (200, &answered.into()));
            assert_eq!(json["result"]["capabilities"], json!({"tools": {}}));
            assert_eq!(json["result"].get("resultType"), None);
        }
    }

    #[test]
    fn the_old_era_needs_no_state_and_no_header() {
        for version in ["", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            let headers = headers(version, "", "");
            let ping = done(&old("ping", &json!({})), &headers).unwrap();
            assert_eq!(ping, (200, json!({"jsonrpc": "2.0", "id": "a", "result": {}})));
            assert!(done(&old("tools/list", &json!({})), &headers).is_none());
            assert!(done(&old("tools/list", &json!({"cursor": null})), &headers).is_none());
            assert!(done(&old("tools/call", &json!({"name": "x"})), &headers).is_none());
            assert_eq!(code(&old("prompts/list", &json!({})), &headers), (200, -32601));
            assert_eq!(code(&old("tools/list", &json!({"cursor": "x"})), &headers), (200, -32602));
            assert_eq!(code(&old("tools/call", &json!({})), &headers), (200, -32602));
        }
    }

    #[test]
    fn a_notification_is_taken_in_both_eras() {
        for version in ["", "2025-11-25", NEW_VERSION] {
            let notification = json!({"jsonrpc": "2.0", "method": "notifications/cancelled"});
            let taken = done(&notification, &headers(version, "", ""));
            assert_eq!(taken, Some((202, Value::Null)));
        }
    }

    #[test]
    fn the_new_era_discovers_lists_and_calls() {
        let discover = new("server/discover", json!({}));
        let (status, json) = done(&discover, &headers(NEW_VERSION, "server/discover", "")).unwrap();
        assert_eq!(status, 200);
        assert_eq!(json["result"]["supportedVersions"][0], NEW_VERSION);
        assert_eq!(json["result"]["resultType"], "complete");
        assert!(
            done(&new("tools/list", json!({})), &headers(NEW_VERSION, "tools/list", "")).is_none()
        );
        let call = new("tools/call", json!({"name": "produce"}));
        assert!(done(&call, &headers(NEW_VERSION, "tools/call", "produce")).is_none());
        for gone in ["initialize", "ping", "prompts/list", "x"] {
            let refused = code(&new(gone, json!({})), &headers(NEW_VERSION, gone, ""));
            assert_eq!(refused, (404, -32601), "{gone}");
        }
    }

    #[test]
    fn the_new_era_checks_meta_then_headers_then_the_version() {
        let right = headers(NEW_VERSION, "tools/list", "");
        for meta in [
            json!(null),
            json!(1),
            json!({}),
            json!({VERSION: NEW_VERSION}),
            json!({VERSION: NEW_VERSION, CAPABILITIES: 1}),
            json!({VERSION: 1, CAPABILITIES: {}}),
            json!({VERSION: NEW_VERSION, CAPABILITIES: {}, CLIENT: "c"}),
        ] {
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}});
            assert_eq!(code(&body, &right), (400, -32602), "{meta}");
        }
        let discover = json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover"});
        assert_eq!(code(&discover, &Headers::default()), (400, -32602));
        let list = new("tools/list", json!({}));
        for wrong in [
            headers("", "tools/list", ""),
            headers("2025-11-25", "tools/list", ""),
            headers(NEW_VERSION, "", ""),
            headers(NEW_VERSION, "Tools/List", ""),
        ] {
            assert_eq!(code(&list, &wrong), (400, -32020), "{wrong:?}");
        }
        let call = new("tools/call", json!({"name": "produce"}));
        for name in ["", "consume", "Produce"] {
            let wrong = headers(NEW_VERSION, "tools/call", name);
            assert_eq!(code(&call, &wrong), (400, -32020), "{name}");
        }
        for version in ["2027-01-01", "2025-11-25"] {
            let mut other = list.clone();
            other["params"]["_meta"] = meta(version);
            let (status, json) = done(&other, &headers(version, "tools/list", "")).unwrap();
            assert_eq!((status, &json["error"]["code"]), (400, &json!(-32022)));
            assert_eq!(json["error"]["data"]["requested"], version);
            assert_eq!(json["error"]["data"]["supported"][0], NEW_VERSION);
        }
        // A version that nobody knows yet, with none of what this one asks for.
        assert_eq!(
            code(&old("initialize", &json!({})), &headers("2030-01-01", "", "")),
            (400, -32022)
        );
    }

    #[test]
    fn an_array_is_taken_where_the_version_has_arrays() {
        let array = json!([old("ping", &json!({})), 1]).to_string();
        for (version, taken) in [
            ("", true),
            ("2025-03-26", true),
            ("2024-11-05", true),
            ("2025-06-18", false),
            ("2025-11-25", false),
            (NEW_VERSION, false),
        ] {
            match decide_all(array.as_bytes(), &headers(version, "", "")) {
                Posted::Many(many) => assert!(taken && many.len() == 2, "{version}"),
                Posted::One(Decision::Done(reply)) => {
                    assert!(!taken && reply.status == 400, "{version}");
                    assert!(reply.json.unwrap().contains("-32600"));
                }
                Posted::One(Decision::Ask { .. }) => panic!("{version}"),
            }
        }
    }

    #[test]
    fn what_is_no_message_is_refused_as_such() {
        for (body, code) in [("{", -32700), ("", -32700), ("1", -32600), ("[]", -32600)] {
            match decide_all(body.as_bytes(), &Headers::default()) {
                Posted::One(Decision::Done(Reply { status: 400, json: Some(json) })) => {
                    let json: Value = serde_json::from_str(&json).unwrap();
                    assert_eq!((&json["error"]["code"], json.get("id")), (&code.into(), None));
                }
                other => panic!("{body}: {other:?}"),
            }
        }
    }
}
