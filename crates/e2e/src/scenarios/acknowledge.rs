//! `/consumer` with `ack=manual`, `/ack` and `/nack`.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::context::{Context, same, text};

/// For what an instance does behind its answer, even if another one has died.
const PATIENCE: Duration = Duration::from_secs(30);

/// A record that the group claims.
async fn claim(c: &Context, group: &str, lease: u32) -> Result<Value> {
    let parameters = format!("group={group}&ack=manual&lease={lease}&wait=25");
    c.consume(&c.one, &parameters).await
}

/// What becomes of a receipt.
async fn settle(c: &Context, call: &str, group: &str, body: Value) -> Result<String> {
    let target = format!("/consumer/{}/{call}?group={group}", c.one);
    let answer = c.client.post(target).json(&body).expect(200).await?;
    Ok(text(&answer["receipts"][0], "status")?.to_owned())
}

async fn committed(c: &Context, group: &str) -> Result<Option<i64>> {
    let group = c.client.get(format!("/groups/{group}")).expect(200).await?;
    Ok(group["topics"][0]["partitions"][0]["committed"].as_i64())
}

pub(super) async fn an_acknowledged_record_is_done_with(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.one).await?;
    let first = c.produce(&c.one, 0, "a").await?;
    c.produce(&c.one, 0, "b").await?;
    let (a, b) = (claim(c, &group, 60).await?, claim(c, &group, 60).await?);
    same("the records", (text(&a, "message")?, text(&b, "message")?), ("a", "b"))?;
    same("the first time", &a["delivery_count"], &json!(1))?;
    same("what is committed before", committed(c, &group).await?, Some(first))?;
    // In any order, and once more, which changes nothing.
    for record in [&b, &a, &a] {
        let receipts = json!({"receipts": [record["receipt"]]});
        same("the receipt", settle(c, "ack", &group, receipts).await?.as_str(), "acked")?;
    }
    let nothing = c.consume(&c.one, &format!("group={group}&ack=manual&wait=0")).await?;
    same("what is left", &nothing["message"], &Value::Null)?;
    // An acknowledgement may be folded into the position behind the answer.
    let start = Instant::now();
    while committed(c, &group).await? != Some(first + 2) {
        ensure!(start.elapsed() < PATIENCE, "the group has not moved in {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    c.forget(&group).await
}

pub(super) async fn a_record_that_is_given_back_comes_again(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.one).await?;
    let offset = c.produce(&c.one, 0, "a").await?;
    let claimed = claim(c, &group, 60).await?;
    let receipts = json!({"receipts": [claimed["receipt"]]});
    same("the receipt", settle(c, "nack", &group, receipts).await?.as_str(), "nacked")?;
    let again = claim(c, &group, 60).await?;
    same("the offset", &again["offset"], &json!(offset))?;
    same("the second time", &again["delivery_count"], &json!(2))?;
    ensure!(again["receipt"] != claimed["receipt"], "the receipt is the same: {again}");
    let receipts = json!({"receipts": [again["receipt"]]});
    same("the receipt", settle(c, "ack", &group, receipts).await?.as_str(), "acked")?;
    c.forget(&group).await
}

pub(super) async fn a_record_comes_again_when_its_lease_is_over(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.one).await?;
    let offset = c.produce(&c.one, 0, "a").await?;
    let claimed = claim(c, &group, 1).await?;
    let again = claim(c, &group, 60).await?;
    same("the offset", &again["offset"], &json!(offset))?;
    same("the second time", &again["delivery_count"], &json!(2))?;
    let receipts = json!({"receipts": [claimed["receipt"]]});
    same("the old receipt", settle(c, "ack", &group, receipts).await?.as_str(), "expired")?;
    c.forget(&group).await
}

pub(super) async fn a_receipt_that_is_none_is_unknown(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.one).await?;
    let receipts = json!({"receipts": ["nonsense"]});
    same("the receipt", settle(c, "ack", &group, receipts).await?.as_str(), "unknown")?;
    let target = format!("/consumer/{}/nack?group={group}", c.one);
    for body in [json!({}), json!({"receipts": 7})] {
        c.client.post(target.clone()).json(&body).refused(400).await?;
    }
    c.forget(&group).await
}
