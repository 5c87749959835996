//! Everything below `/upstash`.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::context::{Context, same, text};

/// An answer that is a list.
fn records(answer: &Value) -> Result<&Vec<Value>> {
    answer.as_array().with_context(|| format!("a list is answered: {answer}"))
}

fn success() -> Value {
    json!({"result": "Success", "status": 200})
}

async fn post(c: &Context, path: &str, body: &Value) -> Result<Value> {
    c.client.post(format!("/upstash/{path}")).json(body).expect(200).await
}

/// What an instance of a group reads of the topic with one partition.
async fn consume(c: &Context, path: &str, auto_commit: bool) -> Result<Vec<String>> {
    let call = c.client.get(format!("/upstash/consume/{path}?timeout=5000"));
    let call = call.header("kafka-enable-auto-commit", &auto_commit.to_string());
    let answer = call.expect(200).await?;
    records(&answer)?.iter().map(|one| Ok(text(one, "value")?.to_owned())).collect()
}

pub(super) async fn records_are_produced(c: &Context) -> Result<()> {
    let call = c.client.get(format!("/upstash/produce/{}/a%2Fb?key=k", c.one));
    let one = call.expect(200).await?;
    let offset = one["offset"].as_i64().context("a report has an offset")?;
    let record = c.record_at(&c.one, 0, offset).await?;
    same("the record", (text(&record, "message")?, text(&record, "key")?), ("a/b", "k"))?;

    let body = json!([{"value": "b"}, {"value": "c"}]);
    let answer = post(c, &format!("produce/{}", c.one), &body).await?;
    same("the reports", records(&answer)?.len(), 2)?;
    let body = json!([{"topic": c.one, "value": "d"},
        {"topic": c.three, "value": "e", "partition": 1, "headers": [{"key": "h", "value": "v"}]}]);
    let answer = post(c, "produce", &body).await?;
    let reports = records(&answer)?;
    same(
        "the topics",
        [&reports[0]["topic"], &reports[1]["topic"]],
        [&json!(c.one), &json!(c.three)],
    )?;
    let offset = reports[1]["offset"].as_i64().context("a report has an offset")?;
    same("the record", text(&c.record_at(&c.three, 1, offset).await?, "message")?, "e")
}

pub(super) async fn a_webhook_is_a_record(c: &Context) -> Result<()> {
    let call = c.client.post(format!("/upstash/webhook?topic={}", c.one));
    let answer = call.body("text/plain", "some event").header("x-event", "push").expect(200);
    let answer = answer.await?;
    let offset = records(&answer)?[0]["offset"].as_i64().context("a report has an offset")?;
    same("the record", text(&c.record_at(&c.one, 0, offset).await?, "message")?, "some event")
}

pub(super) async fn records_are_consumed_and_committed(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.one).await?;
    let offset = c.produce(&c.one, 0, "a").await?;
    c.produce(&c.one, 0, "b").await?;
    let (one, two) = (format!("{group}/one"), format!("{group}/two"));
    let mut read = Vec::new();
    while read.len() < 2 {
        let more = consume(c, &format!("{one}/{}", c.one), false).await?;
        ensure!(!more.is_empty(), "only {read:?} came");
        read.extend(more);
    }
    same("the records", read, vec!["a".to_owned(), "b".to_owned()])?;

    let place = json!({"topic": c.one, "partition": 0});
    let at = json!({"topic": c.one, "partition": 0, "offset": offset + 1});
    same("a commit", post(c, &format!("commit/{one}"), &at).await?, success())?;
    let committed = post(c, &format!("committed/{one}"), &place).await?;
    same("what is committed", committed, json!([at]))?;
    let all = c.client.post(format!("/upstash/commit/{one}")).expect(200).await?;
    same("a commit of everything", all, success())?;
    let committed = post(c, &format!("committed/{one}"), &place).await?;
    same("what is committed then", &committed[0]["offset"], &json!(offset + 2))?;

    // Another one goes on from there.
    let removed = c.client.delete(format!("/upstash/delete-consumer/{one}")).expect(200).await?;
    same("the removal", removed, success())?;
    c.produce(&c.one, 0, "c").await?;
    let body = json!({"topics": [c.one], "timeout": 20_000});
    let answer = post(c, &format!("consume/{two}"), &body).await?;
    same("the next record", text(&records(&answer)?[0], "value")?, "c")?;
    c.client.delete(format!("/upstash/delete-consumer/{two}")).expect(200).await?;
    c.forget(&group).await
}

pub(super) async fn records_are_fetched(c: &Context) -> Result<()> {
    let offset = c.produce(&c.three, 2, "a").await?;
    c.produce(&c.three, 2, "b").await?;
    let body = json!({"topic": c.three, "partition": 2, "offset": offset, "timeout": 5_000});
    let answer = post(c, "fetch", &body).await?;
    let values: Result<Vec<_>> = records(&answer)?.iter().map(|one| text(one, "value")).collect();
    same("the values", values?, vec!["a", "b"])
}

pub(super) async fn topics_and_offsets_are_told(c: &Context) -> Result<()> {
    let topics = c.client.get("/upstash/topics").expect(200).await?;
    same("partitions", [&topics[&c.one], &topics[&c.three]], [&json!(1), &json!(3)])?;
    let offset = c.produce(&c.one, 0, "a").await?;
    let place = json!([{"topic": c.one, "partition": 0}]);
    let latest = post(c, "offsets/latest", &place).await?;
    same("the end", latest, json!([{"topic": c.one, "partition": 0, "offset": offset + 1}]))?;
    let earliest = post(c, "offsets/earliest", &place).await?;
    ensure!(earliest[0]["offset"].as_i64() <= Some(offset), "the beginning: {earliest}");
    Ok(())
}

pub(super) async fn a_time_has_an_offset(c: &Context) -> Result<()> {
    let report = c.client.get(format!("/upstash/produce/{}/timed", c.one)).expect(200).await?;
    let time = report["timestamp"].as_i64().context("a report has a timestamp")?;
    let place = json!([{"topic": c.one, "partition": 0}]);
    let found = post(c, &format!("offsets/{time}"), &place).await?;
    // Records of the same millisecond may lie before it.
    let (found, written) = (found[0]["offset"].as_i64(), report["offset"].as_i64());
    ensure!(found.is_some() && found <= written, "{found:?}, and it lies at {written:?}");
    Ok(())
}

pub(super) async fn instances_are_listed_and_removed(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.one).await?;
    let path = format!("/upstash/consume/{group}/one/{}?timeout=10", c.one);
    c.client.get(path).expect(200).await?;
    let groups = c.client.get("/upstash/consumers").expect(200).await?;
    let entry = records(&groups)?.iter().find(|entry| entry["name"] == group.as_str());
    let entry = entry.with_context(|| format!("{group} is missing in {groups}"))?;
    same("the instance", text(&entry["instances"][0], "name")?, "one")?;
    let path = format!("/upstash/delete-consumer/{group}/one");
    same("the removal", c.client.delete(path.clone()).expect(200).await?, success())?;
    c.client.delete(path).refused(404).await?;
    c.forget(&group).await
}

pub(super) async fn the_schema_registry_is_passed_on_to_or_missing(c: &Context) -> Result<()> {
    let answer = c.client.get("/upstash/schema-registry/subjects").send().await?;
    match answer.status() {
        501 => same("the status in the body", &answer.json()?["status"], &json!(501)),
        // Where one is configured, the answer is its list.
        200 => records(&answer.json()?).map(drop),
        status => bail!("it was answered with {status}"),
    }
}
