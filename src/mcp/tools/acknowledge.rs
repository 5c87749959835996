//! `acknowledge`: what became of records that were claimed.

use std::time::Duration;

use super::{Call, Called, Tool, Topics, done};
use crate::access::{AccessError, Permission};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::limits;
use crate::mcp::arguments::{Arguments, missing};
use crate::services::consume::{Acknowledged, Disposal};

pub(super) const TOOL: Tool =
    Tool { name: "acknowledge", permission: Some(Permission::Consume), topics: Topics::Some };

const KNOWN: [&str; 5] = ["topic", "group", "accept", "release", "delay"];

struct Asked {
    group: String,
    accept: Vec<String>,
    release: Vec<String>,
    delay: Duration,
}

#[inline(never)]
fn read(arguments: &Arguments<'_>) -> Result<Asked> {
    arguments.only(&KNOWN)?;
    let (accept, release) = (arguments.texts("accept")?, arguments.texts("release")?);
    limits::check_receipts(&accept)?;
    limits::check_receipts(&release)?;
    if accept.is_empty() && release.is_empty() {
        return Err(Error::invalid("accept", "There is no receipt in accept or release"));
    }
    Ok(Asked {
        group: arguments.group()?.ok_or_else(|| missing("group"))?,
        accept,
        release,
        delay: arguments.seconds("delay", Duration::ZERO..=limits::DELAY, Duration::ZERO)?,
    })
}

pub(super) async fn call<H: Host, L: Log>(call: Call<'_, H, L>) -> Result<Called, AccessError> {
    let Asked { group, accept, release, delay } = read(call.arguments)?;
    let (consume, topics) = (&call.services.consume, &call.topics[..]);
    let mut statuses = Vec::new();
    // Each word is an entry here, in `read` and in `tools.json`.
    for (receipts, disposal, word) in
        [(&accept, Disposal::Ack, "accepted"), (&release, Disposal::Nack { delay }, "released")]
    {
        if receipts.is_empty() {
            continue;
        }
        let told = consume.acknowledge(&group, topics, receipts, disposal).await?;
        statuses.push((receipts, told, word));
    }
    Ok(write(&statuses))
}

#[inline(never)]
fn write(statuses: &[(&Vec<String>, Vec<Acknowledged>, &'static str)]) -> Called {
    let each = statuses.iter().flat_map(|(receipts, told, word)| {
        receipts.iter().zip(told).map(move |(receipt, told)| (receipt, told, word))
    });
    done(|json| {
        json.objects("receipts", each, |json, (receipt, told, word)| {
            let status = match told {
                Acknowledged::Done => word,
                Acknowledged::DoneBefore => "accepted",
                Acknowledged::Expired => "expired",
                Acknowledged::Unknown => "unknown",
            };
            json.text("receipt", receipt);
            json.text("status", status);
        });
    })
}
