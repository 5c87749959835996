//! `acknowledge`: what became of records that were claimed.

use std::time::Duration;

use super::{Called, Caller, Tool, done};
use crate::access::{AccessError, Permission};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::limits;
use crate::mcp::arguments::{Arguments, missing};
use crate::services::consume::{Acknowledged, Disposal};

pub(super) const TOOL: Tool = Tool {
    name: "acknowledge",
    permission: Some(Permission::Consume),
    names_topics: true,
    listed: concat!(
        r#"{"name":"acknowledge","title":"Acknowledge records","#,
        r#""description":"Says what became of records that consume has claimed, by their receipts: accept those that are done, release those that the group shall get again. The status of each receipt is accepted, released, expired (the lease was over: somebody else has the record or will get it) or unknown (it is none of this group and these topics).","#,
        r#""annotations":{"readOnlyHint":false,"destructiveHint":true,"idempotentHint":true,"openWorldHint":false},"#,
        r#""inputSchema":{"type":"object","required":["topic","group"],"additionalProperties":false,"properties":{"#,
        r#""topic":{"type":"string","description":"The topic, or several with commas between them, as in consume."},"#,
        r#""group":{"type":"string"},"#,
        r#""accept":{"type":"array","items":{"type":"string"},"description":"Receipts of records that are done."},"#,
        r#""release":{"type":"array","items":{"type":"string"},"description":"Receipts of records to be handed out again."},"#,
        r#""delay":{"type":"integer","minimum":0,"maximum":3600,"default":0,"description":"For how many seconds released records are kept back."}}},"#,
        r#""outputSchema":{"type":"object","required":["receipts"],"additionalProperties":false,"properties":{"receipts":{"type":"array","items":{"type":"object","required":["receipt","status"],"additionalProperties":false,"properties":{"receipt":{"type":"string"},"status":{"enum":["accepted","released","expired","unknown"]}}}}}}}"#
    ),
};

const KNOWN: [&str; 5] = ["topic", "group", "accept", "release", "delay"];

struct Asked {
    topics: String,
    group: String,
    accept: Vec<String>,
    release: Vec<String>,
    delay: Duration,
}

fn read(arguments: Option<&str>) -> Result<Asked> {
    let arguments = Arguments::parse(arguments, &KNOWN)?;
    let (accept, release) = (arguments.texts("accept")?, arguments.texts("release")?);
    limits::check_receipts(&accept)?;
    limits::check_receipts(&release)?;
    if accept.is_empty() && release.is_empty() {
        return Err(Error::invalid("accept", "There is no receipt in accept or release"));
    }
    Ok(Asked {
        topics: arguments.needed("topic")?,
        group: arguments.group()?.ok_or_else(|| missing("group"))?,
        accept,
        release,
        delay: arguments.seconds("delay", Duration::ZERO..=limits::DELAY, Duration::ZERO)?,
    })
}

pub(super) async fn call<H: Host, L: Log>(
    caller: &Caller<H, L>,
    arguments: Option<&str>,
) -> Result<Called, AccessError> {
    let Asked { topics, group, accept, release, delay } = read(arguments)?;
    let topics = caller.topics(&topics, Permission::Consume).await?;
    let services = caller.app.services().await?;
    let mut statuses = Vec::new();
    for (receipts, disposal, word) in
        [(&accept, Disposal::Ack, "accepted"), (&release, Disposal::Nack { delay }, "released")]
    {
        if receipts.is_empty() {
            continue;
        }
        let told = services.consume.acknowledge(&group, &topics[..], receipts, disposal).await?;
        statuses.extend(receipts.iter().zip(told).map(|(receipt, told)| {
            let status = match told {
                Acknowledged::Done => word,
                Acknowledged::DoneBefore => "accepted",
                Acknowledged::Expired => "expired",
                Acknowledged::Unknown => "unknown",
            };
            (receipt, status)
        }));
    }
    Ok(done(|json| {
        json.objects("receipts", statuses, |json, (receipt, status)| {
            json.text("receipt", receipt);
            json.text("status", status);
        });
    }))
}
