//! The Model Context Protocol (MCP) over HTTP, without sessions: each POST stands alone.
//!
//! Two eras share one URL. From 2026-07-28 on each request carries its version and the
//! client's capabilities. Older versions begin with `initialize`, after which nothing has
//! to be remembered here. Clients of both are in use: some of the newest still begin with
//! `initialize`.
//!
//! All but the tools is free of I/O: a message is read ([`message`]), it is decided what
//! becomes of it ([`decision`]), and the answer is written ([`reply`]). The endpoint is in
//! `src/http/endpoints/mcp.rs`.

mod arguments;
mod decision;
mod json;
mod message;
mod object;
mod piece;
mod record;
mod reply;
mod tools;

pub(crate) use self::decision::{Decision, Posted, What, decide_all};
pub(crate) use self::message::Headers;
pub(crate) use self::reply::{Reply, all, code, tools};
pub(crate) use self::tools::{Caller, call, is_tool, listed};

/// The version whose requests stand alone.
const NEW_VERSION: &str = "2026-07-28";

/// The versions that begin with `initialize`, the newest first.
const OLD_VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// The versions in which a POST may hold an array of messages. 2025-06-18 took that back.
const BATCH_VERSIONS: [&str; 2] = ["2025-03-26", "2024-11-05"];

/// All of them, as JSON.
const ALL_VERSIONS: &str = r#"["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"]"#;

/// What a model is told about this server.
const INSTRUCTIONS: &str = "Kafka over HTTP. list_topics shows the topics that your credential may \
     use. read_records looks at records and moves nothing. consume hands out the next records of a \
     consumer group, and acknowledge says what became of them. produce writes one record; give it \
     an idempotency_key, so that a repeated call writes nothing twice.";
