//! `acknowledge`: what became of records that were claimed.

use std::time::Duration;

use super::{Call, Called, Tool, Topics, done};
use crate::access::{AccessError, Permission, Scope};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::limits;
use crate::mcp::arguments::{Arguments, missing};
use crate::services::consume::{Acknowledged, Disposal};

pub(super) const TOOL: Tool =
    Tool { name: "acknowledge", permission: Some(Permission::Consume), topics: Topics::Some };

const KNOWN: [&str; 8] =
    ["topic", "group", "accept", "release", "reject", "renew", "delay", "lease"];

/// Where neither the caller nor the group names one.
const DEFAULT_LEASE: Duration = Duration::from_secs(300);

struct Asked {
    group: String,
    /// The receipts of each word, in the order of the words.
    accept: Vec<String>,
    release: Vec<String>,
    reject: Vec<String>,
    renew: Vec<String>,
    delay: Duration,
    lease: Option<Duration>,
}

impl Asked {
    /// Each receipt with what its record is to be, and the word for that.
    fn wishes(&self, lease: Duration) -> Vec<(&str, Disposal, &'static str)> {
        let (delay, mut wishes) = (self.delay, Vec::new());
        for (receipts, disposal, done) in [
            (&self.accept, Disposal::Ack, "accepted"),
            (&self.release, Disposal::Nack { delay }, "released"),
            (&self.reject, Disposal::Reject, "rejected"),
            (&self.renew, Disposal::Renew { lease }, "renewed"),
        ] {
            wishes.extend(receipts.iter().map(|receipt| (receipt.as_str(), disposal, done)));
        }
        wishes
    }
}

#[inline(never)]
fn read(arguments: &Arguments<'_>) -> Result<Asked> {
    arguments.only(&KNOWN)?;
    let lease = match arguments.has("lease") {
        true => Some(arguments.seconds("lease", limits::LEASE, DEFAULT_LEASE)?),
        false => None,
    };
    let asked = Asked {
        group: arguments.group()?.ok_or_else(|| missing("group"))?,
        accept: arguments.texts("accept")?,
        release: arguments.texts("release")?,
        reject: arguments.texts("reject")?,
        renew: arguments.texts("renew")?,
        delay: arguments.seconds("delay", Duration::ZERO..=limits::DELAY, Duration::ZERO)?,
        lease,
    };
    let Asked { accept, release, reject, renew, .. } = &asked;
    match accept.len() + release.len() + reject.len() + renew.len() {
        0 => Err(Error::invalid("accept", "There is no receipt in any of the four words")),
        count if count > limits::RECEIPTS => {
            Err(Error::invalid("accept", format!("More than {} receipts", limits::RECEIPTS)))
        }
        _ => Ok(asked),
    }
}

pub(super) async fn call<H: Host, L: Log>(call: Call<'_, H, L>) -> Result<Called, AccessError> {
    let asked = read(call.arguments)?;
    let (consume, topics) = (&call.services.consume, &call.topics[..]);
    let lease = match asked.lease {
        Some(lease) => lease,
        None if asked.renew.is_empty() => DEFAULT_LEASE,
        None => consume.default_lease(&asked.group, DEFAULT_LEASE).await?,
    };
    let wishes = asked.wishes(lease);
    let receipts: Vec<_> =
        wishes.iter().map(|(receipt, disposal, _)| (*receipt, *disposal)).collect();
    let told = consume.dispose(&asked.group, &|topic| topics.covers(topic), &receipts).await?;
    Ok(write(&wishes, &told))
}

#[inline(never)]
fn write(wishes: &[(&str, Disposal, &'static str)], told: &[Acknowledged]) -> Called {
    done(|json| {
        json.objects("receipts", wishes.iter().zip(told), |json, ((receipt, _, done), told)| {
            let status = match told {
                Acknowledged::Done => *done,
                Acknowledged::DoneBefore => "accepted",
                Acknowledged::Expired => "expired",
                Acknowledged::Unknown => "unknown",
                Acknowledged::Undelivered => "undelivered",
            };
            json.text("receipt", receipt);
            json.text("status", status);
        });
    })
}
