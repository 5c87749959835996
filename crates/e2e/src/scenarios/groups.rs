//! `/groups`.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::context::{Context, list, same, text};

async fn seek(c: &Context, group: &str, to: Value) -> Result<Value> {
    let moved = c.client.post(format!("/groups/{group}/seek")).json(&to).expect(200).await?;
    same("the group", text(&moved, "group")?, group)?;
    Ok(moved["offsets"].clone())
}

pub(super) async fn a_group_is_listed_and_described(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.three).await?;
    let groups = c.client.get("/groups").expect(200).await?;
    let entry = json!({"group": group, "topics": [c.three]});
    ensure!(list(&groups, "groups")?.contains(&entry), "{entry} is missing in {groups}");
    let end = c.produce(&c.three, 1, "a").await?;
    let described = c.client.get(format!("/groups/{group}")).expect(200).await?;
    let partition = &described["topics"][0]["partitions"][1];
    let expected = json!({"partition": 1, "committed": end, "claimed": 0, "acquired": 0,
        "available": 1, "rejected": 0, "given_up": 0, "end_offset": end + 1, "lag": 1});
    // A log that knows no ends has null for both.
    if partition["end_offset"].is_null() {
        same("the group's position", &partition["committed"], &expected["committed"])?;
    } else {
        same("the group's position", partition, &expected)?;
    }
    c.forget(&group).await
}

pub(super) async fn a_group_is_moved_to_either_end_and_to_an_offset(c: &Context) -> Result<()> {
    let group = c.name("group");
    let offset = c.produce(&c.one, 0, "a").await?;
    c.produce(&c.one, 0, "b").await?;
    let latest = seek(c, &group, json!({"topic": c.one, "to": "latest"})).await?;
    same("the end", latest, json!({"0": offset + 2}))?;
    let earliest = seek(c, &group, json!({"topic": c.one, "to": "earliest"})).await?;
    ensure!(earliest["0"].as_i64() <= Some(offset), "the beginning: {earliest}");
    let to = json!({"topic": c.one, "offsets": {"0": offset + 1}});
    same("the offset", seek(c, &group, to).await?, json!({"0": offset + 1}))?;
    let record = c.consume(&c.one, &format!("group={group}&wait=20")).await?;
    same("the record there", text(&record, "message")?, "b")?;
    for body in [
        json!({"topic": c.one, "to": "middle"}),
        json!({"topic": c.one, "offsets": {"9": 0}}),
        json!({"topic": c.one}),
    ] {
        c.client.post(format!("/groups/{group}/seek")).json(&body).refused(400).await?;
    }
    c.forget(&group).await
}

pub(super) async fn a_group_is_moved_to_a_time(c: &Context) -> Result<()> {
    let group = c.name("group");
    let report = c.client.get(format!("/producer/{}/timed", c.one)).expect(200).await?;
    let offset = report["offset"].as_i64().context("a report has an offset")?;
    let time = text(&report, "timestamp")?;
    let offsets = seek(c, &group, json!({"topic": c.one, "timestamp": time})).await?;
    // Records of the same millisecond may lie before it.
    let found = offsets["0"].as_i64().context("the partition was moved")?;
    ensure!(found <= offset, "{found} lies behind {offset}, the record of that time");
    let record = c.record_at(&c.one, 0, found).await?;
    if let Some(found) = record["timestamp"].as_str() {
        same("the time of the record there", found, time)?;
    }
    c.forget(&group).await
}

pub(super) async fn a_group_that_is_deleted_begins_anew(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.one).await?;
    c.forget(&group).await?;
    c.client.get(format!("/groups/{group}")).refused(404).await?;
    c.client.delete(format!("/groups/{group}")).refused(404).await?;
    let groups = c.client.get("/groups").expect(200).await?;
    let is_listed = list(&groups, "groups")?.iter().any(|entry| entry["group"] == group.as_str());
    ensure!(!is_listed, "it is still listed");
    c.produce(&c.one, 0, "a").await?;
    let first = c.consume(&c.one, &format!("group={group}&from=earliest&wait=20")).await?;
    let page = format!("/topics/{}/partitions/0/records?offset=0&max=1&wait=5", c.one);
    let page = c.client.get(page).expect(200).await?;
    same("where it begins", &first["offset"], &page["records"][0]["offset"])?;
    c.forget(&group).await
}
