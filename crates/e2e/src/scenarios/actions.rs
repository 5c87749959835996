//! `/actions` and their runs.

use anyhow::{Context as _, Result, ensure};
use http::Method;
use serde_json::{Value, json};

use crate::context::{Context, list, same, text};

async fn make(c: &Context, what: &str, payload: Value) -> Result<Value> {
    let config = json!({"type": "KAFKA", "topic": c.one, "payload": payload});
    let action = json!({"identifier": c.name(what), "config": config});
    c.client.post("/actions").json(&action).expect(201).await
}

async fn remove(c: &Context, what: &str) -> Result<()> {
    c.client.delete(format!("/actions/{}", c.name(what))).expect(204).await.map(drop)
}

async fn run(c: &Context, what: &str, trigger: Value, key: &str) -> Result<Value> {
    answered(c, what, trigger, key, 201).await
}

async fn answered(
    c: &Context,
    what: &str,
    trigger: Value,
    key: &str,
    status: u16,
) -> Result<Value> {
    let call = c.client.post(format!("/actions/{}/runs", c.name(what)));
    let call = call.json(&json!({"outputs": {"trigger": trigger}}));
    // An instance may not know a new action at once.
    let call = if key.is_empty() { call } else { call.header("idempotency-key", key) };
    call.past(404).await?.expect(status)?.json()
}

/// The records of a run, as JSON.
async fn records(c: &Context, run: &Value) -> Result<Vec<Value>> {
    let mut records = Vec::new();
    for place in list(run, "records")? {
        let number = |field: &str| {
            place[field].as_i64().with_context(|| format!("{field} is a number: {place}"))
        };
        let partition = i32::try_from(number("partition")?)?;
        let record = c.record_at(text(place, "topic")?, partition, number("offset")?).await?;
        same("the key", text(&record, "key")?, text(run, "run_id")?)?;
        records.push(serde_json::from_str(text(&record, "message")?)?);
    }
    Ok(records)
}

pub(super) async fn a_run_publishes_its_payload_and_is_reported_on(c: &Context) -> Result<()> {
    let payload = json!({"by": "{{ .outputs.trigger.user | upper }}",
        "order": "{{ .outputs.trigger.order }}", "callback": {}});
    make(c, "published", payload).await?;
    let order = 1_234_567_890_123_456_789_i64;
    let made = run(c, "published", json!({"user": "ada", "order": order}), "").await?;
    let id = text(&made, "run_id")?;
    let [record] = &records(c, &made).await?[..] else { anyhow::bail!("one record: {made}") };
    let expected = json!({"by": "ADA", "order": order, "callback": {}});
    same("the payload", &record["payload"], &expected)?;
    same("the run", text(record, "run_id")?, id)?;
    same("the action", text(&record["action"], "identifier")?, c.name("published").as_str())?;

    // Whoever consumes the record reports on what it names.
    let node = text(record, "node_run_id")?;
    let target = format!("/v1/workflows/runs/{id}/nodes/{node}");
    let report = |body: Value| c.client.call(Method::PATCH, &*target).json(&body);
    report(json!({"status": "IN_PROGRESS", "output": {"seen": true}})).expect(200).await?;
    let done = json!({"status": "COMPLETED", "result": "SUCCESS", "output": {"number": 42}});
    for _ in 0..2 {
        let reported = report(done.clone()).expect(200).await?;
        same("the result", text(&reported, "result")?, "SUCCESS")?;
    }
    report(json!({"status": "COMPLETED", "result": "FAILED"})).refused(409).await?;
    let shown = c.client.get(format!("/v1/workflows/runs/{id}")).expect(200).await?;
    same("the status", text(&shown, "status")?, "COMPLETED")?;
    same("the output", &shown["nodes"][0]["output"], &json!({"number": 42}))?;
    remove(c, "published").await?;
    // Another instance may still know the action.
    let shown = c.client.get(format!("/v1/workflows/runs/{id}")).past(200).await?;
    shown.refused(404).map(drop)
}

pub(super) async fn a_list_is_several_records_of_one_run_and_a_key_makes_it_once(
    c: &Context,
) -> Result<()> {
    let payload =
        json!([{"n": "{{ .outputs.trigger.n }}"}, {"text": "n={{ .outputs.trigger.n }}"}]);
    make(c, "several", payload).await?;
    let key = c.name("key");
    let made = run(c, "several", json!({"n": 7}), &key).await?;
    let payloads: Vec<_> =
        records(c, &made).await?.into_iter().map(|mut record| record["payload"].take()).collect();
    same("the payloads", payloads, vec![json!({"n": 7}), json!({"text": "n=7"})])?;
    let again = answered(c, "several", json!({"n": 7}), &key, 200).await?;
    same("the run", text(&again, "run_id")?, text(&made, "run_id")?)?;
    let other = run(c, "several", json!({"n": 7}), "").await?;
    ensure!(other["run_id"] != made["run_id"], "another call is another run: {other}");
    remove(c, "several").await
}

pub(super) async fn what_cannot_be_rendered_writes_nothing(c: &Context) -> Result<()> {
    let config = json!({"type": "KAFKA", "topic": c.one, "payload": {"n": "{{ env \"HOME\" }}"}});
    let unknown = json!({"identifier": c.name("unknown"), "config": config});
    let refused = c.client.post("/actions").json(&unknown).send().await?;
    same("the field", text(&refused.expect(400)?.json()?, "detail")?, "config.payload/n")?;

    make(c, "strict", json!({"by": "{{ .outputs.trigger.user | upper }}"})).await?;
    let before = c.produce(&c.one, 0, "before the run").await?;
    let call = c.client.post(format!("/actions/{}/runs", c.name("strict")));
    let answer = call.json(&json!({"outputs": {"trigger": {}}})).past(404).await?.expect(422)?;
    same("the place", text(&answer.json()?, "detail")?, "config.payload/by")?;
    let target = format!("/topics/{}/partitions/0/records?offset={before}&max=100", c.one);
    let page = c.client.get(target).expect(200).await?;
    let name = c.name("strict");
    let written = list(&page, "records")?
        .iter()
        .filter(|record| record["message"].as_str().is_some_and(|message| message.contains(&name)));
    same("the records", written.count(), 0)?;
    remove(c, "strict").await
}
