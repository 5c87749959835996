//! `consume`: the next records of a consumer group.

use std::time::Duration;

use super::{Call, Called, Tool, Topics};
use crate::access::{AccessError, Permission};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::limits;
use crate::mcp::arguments::{Arguments, missing};
use crate::mcp::json::Json;
use crate::mcp::record::{self, Cut, DEFAULT_BYTES, LEAST_BYTES, MOST_BYTES};
use crate::services::consume::{Ack, Consumed, Next, StartFrom};

pub(super) const TOOL: Tool =
    Tool { name: "consume", permission: Some(Permission::Consume), topics: Topics::Some };

const KNOWN: [&str; 8] =
    ["topic", "group", "from", "max", "wait", "ack", "lease", "max_value_bytes"];

/// A model takes its time.
const DEFAULT_LEASE: Duration = Duration::from_secs(300);

/// Room for the largest page.
pub(super) const PAGE_BYTES: usize = 1024 * 1024;

/// What is asked for, with its topics still to be allowed.
struct Asked {
    next: Next,
    /// Whether the caller names no lease, so that the group may have one.
    is_usual: bool,
    cut: Cut,
}

#[inline(never)]
fn read(arguments: &Arguments<'_>) -> Result<Asked> {
    arguments.only(&KNOWN)?;
    let lease = arguments.seconds("lease", limits::LEASE, DEFAULT_LEASE)?;
    let is_usual = !arguments.has("lease");
    let ack = match arguments.text("ack")?.as_deref() {
        None | Some("manual") => Ack::Manual { lease },
        Some("auto") if !arguments.has("lease") => Ack::Auto,
        Some("auto") => return Err(Error::invalid("lease", "There is a lease with manual only")),
        Some(_) => return Err(Error::invalid("ack", "Neither \"manual\" nor \"auto\"")),
    };
    let from = match arguments.text("from")?.as_deref() {
        None | Some("earliest") => StartFrom::Earliest,
        Some("latest") => StartFrom::Latest,
        Some(_) => return Err(Error::invalid("from", "Neither \"earliest\" nor \"latest\"")),
    };
    let next = Next {
        group: arguments.group()?.ok_or_else(|| missing("group"))?,
        topics: Vec::new(),
        from,
        wait: arguments.seconds("wait", Duration::ZERO..=limits::WAIT, Duration::from_secs(1))?,
        max: arguments.count("max", 1..=100, 10)?,
        max_bytes: PAGE_BYTES,
        ack,
    };
    let most = arguments.count("max_value_bytes", LEAST_BYTES..=MOST_BYTES, DEFAULT_BYTES)?;
    Ok(Asked { next, is_usual, cut: Cut { from: 0, most } })
}

pub(super) async fn call<H: Host, L: Log>(call: Call<'_, H, L>) -> Result<Called, AccessError> {
    let Asked { next, is_usual, cut } = read(call.arguments)?;
    let consume = &call.services.consume;
    let ack = match next.ack {
        Ack::Manual { lease } if is_usual => {
            Ack::Manual { lease: consume.default_lease(&next.group, lease).await? }
        }
        ack => ack,
    };
    let handed = consume.next(Next { topics: call.topics, ack, ..next }).await?;
    let json = write(&handed.records, cut);
    Ok(Called { json, on_sent: Some(Box::new(move || handed.delivered())) })
}

#[inline(never)]
fn write(records: &[Consumed], cut: Cut) -> String {
    Json::object(|json| {
        json.objects("records", records, |json, Consumed { topic, record, acquired }| {
            record::write(json, topic, record, cut, acquired.as_ref());
        });
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn records_are_claimed_unless_the_caller_says_otherwise() {
        let ack = |rest: &str| {
            let arguments = format!(r#"{{"topic":"t","group":"g"{rest}}}"#);
            read(&Arguments::parse(Some(&arguments))?).map(|asked| asked.next.ack)
        };
        let manual = |seconds| Ok(Ack::Manual { lease: Duration::from_secs(seconds) });
        assert_eq!(ack(""), manual(300));
        assert_eq!(ack(r#","ack":"manual","lease":60"#), manual(60));
        assert_eq!(ack(r#","ack":"auto""#), Ok(Ack::Auto));
        for (wrong, named) in [
            (r#","ack":"auto","lease":60"#, "lease"),
            (r#","ack":"none""#, "ack"),
            (r#","lease":0"#, "lease"),
            (r#","lease":3601"#, "lease"),
            (r#","from":"now""#, "from"),
            (r#","max":0"#, "max"),
            (r#","max":101"#, "max"),
            (r#","wait":31"#, "wait"),
            (r#","wait":0.5"#, "wait"),
            (r#","max_value_bytes":3"#, "max_value_bytes"),
            (r#","x":1"#, "arguments"),
        ] {
            let refused = ack(wrong);
            let named = matches!(&refused, Err(error) if matches!(**error, ErrorKind::Invalid { field, .. } if field == named));
            assert!(named, "{wrong}: {refused:?}");
        }
        assert!(read(&Arguments::parse(Some(r#"{"topic":"t"}"#)).unwrap()).is_err());
    }
}
