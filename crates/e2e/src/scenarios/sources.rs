//! `/sources` and `/in/{source}`. The events are signed as GitHub signs them.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::client::{Answer, KNOWN, PAUSE};
use crate::context::{Context, list, same, text};

const SECRET: &str = "a-secret-of-the-end-to-end-suite";
const MASK: &str = "********";
const SIGNATURE: &str = "x-hub-signature-256";

/// Makes a source with more than the provider and its secret.
async fn make(c: &Context, what: &str, more: Value) -> Result<Value> {
    let mut source = json!({"name": c.name(what), "topic": c.one, "dedupe": {},
        "verify": {"provider": "github", "secrets": [SECRET]}});
    for (name, value) in more.as_object().into_iter().flatten() {
        source[name] = value.clone();
    }
    c.client.post("/sources").json(&source).expect(201).await
}

async fn remove(c: &Context, what: &str) -> Result<()> {
    c.client.delete(format!("/sources/{}", c.name(what))).expect(204).await.map(drop)
}

fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length is good");
    mac.update(body.as_bytes());
    let bytes = mac.finalize().into_bytes();
    format!("sha256={}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Sends an event as its sender does, who has no credential of the gateway. An instance may
/// not know a new source at once.
async fn send(c: &Context, what: &str, delivery: &str, body: &str, sign: &str) -> Result<Answer> {
    let client = c.client.as_nobody();
    let event = client.post(format!("/in/{}", c.name(what)));
    let event = event.body("application/json", body.to_owned());
    let event = event.header("x-github-delivery", delivery);
    let event = if sign.is_empty() { event } else { event.header(SIGNATURE, sign) };
    event.past(404).await
}

async fn event(c: &Context, what: &str, delivery: &str, body: &str) -> Result<Value> {
    send(c, what, delivery, body, &signature(SECRET, body)).await?.expect(200)?.json()
}

/// Where a report says that its records are.
fn places(report: &Value) -> Result<Vec<(&str, i64, i64)>> {
    list(report, "records")?.iter().map(place).collect()
}

fn place(record: &Value) -> Result<(&str, i64, i64)> {
    let number = |field: &str| {
        record[field].as_i64().with_context(|| format!("{field} is a number: {record}"))
    };
    Ok((text(record, "topic")?, number("partition")?, number("offset")?))
}

/// How many records from an offset of the first topic on have this message.
async fn times(c: &Context, from: i64, message: &str) -> Result<usize> {
    let target = format!("/topics/{}/partitions/0/records?offset={from}&max=100", c.one);
    let page = c.client.get(target).expect(200).await?;
    Ok(list(&page, "records")?.iter().filter(|record| record["message"] == message).count())
}

pub(super) async fn an_event_becomes_a_record_and_its_repeat_none(c: &Context) -> Result<()> {
    let made = make(c, "once", json!({})).await?;
    same("the name", text(&made, "name")?, c.name("once").as_str())?;
    same("the secrets", &made["verify"]["secrets"], &json!([MASK]))?;
    let url = text(&made, "url")?;
    ensure!(url.ends_with(&format!("/in/{}", c.name("once"))), "the URL: {url}");
    let body = format!("{{ \"event\": \"{}\", \"n\": 1.10 }}\r\n", c.name("first"));
    let first = event(c, "once", "1", &body).await?;
    let [(topic, 0, offset)] = places(&first)?[..] else { anyhow::bail!("one record: {first}") };
    same("the topic", topic, c.one.as_str())?;
    let record = c.record_at(&c.one, 0, offset).await?;
    same("the record", text(&record, "message")?, body.as_str())?;
    let again = event(c, "once", "1", &body).await?;
    same("that it is a repeat", &again["repeat"], &json!(true))?;
    same("the place of the repeat", places(&again)?, places(&first)?)?;
    let other = event(c, "once", "2", &body).await?;
    same("that another id is none", &other["repeat"], &Value::Null)?;
    same("how often it was written", times(c, offset, &body).await?, 2)?;
    remove(c, "once").await
}

pub(super) async fn a_stranger_writes_nothing(c: &Context) -> Result<()> {
    make(c, "closed", json!({})).await?;
    let body = json!({"event": c.name("strange")}).to_string();
    let before = c.produce(&c.one, 0, "before the stranger").await?;
    let good = signature(SECRET, &body);
    let other = signature(SECRET, &format!("{body} "));
    for sign in ["", &signature("another-secret", &body), &other, &good["sha256=".len()..]] {
        send(c, "closed", "1", &body, sign).await?.expect(401)?;
    }
    // The gateway's own credentials open no source.
    let target = format!("/in/{}", c.name("closed"));
    let call = c.client.post(target).body("application/json", body.clone());
    call.past(404).await?.refused(401)?;
    same("how often it was written", times(c, before, &body).await?, 0)?;
    event(c, "closed", "1", &body).await?;
    same("how often it was written then", times(c, before, &body).await?, 1)?;
    remove(c, "closed").await
}

/// Leaves out what is nothing, and makes a record of each item, in the topic that it names.
fn shape(c: &Context) -> Value {
    json!({"topic": null, "shape": {
        "filter": ".total > 0",
        "transform": ".items[] | {id, total}",
        "key": {"jq": "$out.id"},
        "topic": {"jq": format!("if $out.total > 1 then \"{}\" else \"{}\" end", c.three, c.one),
            "allowed": [c.one, c.three]},
    }})
}

fn order() -> Value {
    let items = json!([{"id": 1234567890123456789_i64, "total": 1, "more": 0},
        {"id": 2, "total": 2}]);
    json!({"total": 3, "items": items})
}

pub(super) async fn an_event_is_left_out_or_becomes_several_records(c: &Context) -> Result<()> {
    make(c, "shaped", shape(c)).await?;
    let left_out = event(c, "shaped", "1", r#"{"total":0}"#).await?;
    same("what is left out", left_out, json!({"filtered": true}))?;
    let written = event(c, "shaped", "2", &order().to_string()).await?;
    let records = places(&written)?;
    let topics: Vec<_> = records.iter().map(|(topic, ..)| *topic).collect();
    same("the topics", topics, vec![c.one.as_str(), c.three.as_str()])?;
    for ((topic, partition, offset), (message, key)) in records.into_iter().zip([
        (r#"{"id":1234567890123456789,"total":1}"#, "1234567890123456789"),
        (r#"{"id":2,"total":2}"#, "2"),
    ]) {
        let record = c.record_at(topic, i32::try_from(partition)?, offset).await?;
        same("the message", text(&record, "message")?, message)?;
        same("the key", text(&record, "key")?, key)?;
    }
    let no_json = "no JSON";
    let refused = send(c, "shaped", "3", no_json, &signature(SECRET, no_json)).await?;
    refused.expect(422)?;
    remove(c, "shaped").await
}

pub(super) async fn a_trial_shows_each_stage_and_writes_nothing(c: &Context) -> Result<()> {
    make(c, "tried", shape(c)).await?;
    let body = json!({"event": order(), "headers": {"x-github-delivery": "1"}});
    let target = format!("/sources/{}/test", c.name("tried"));
    let trial = c.client.post(target).json(&body).past(404).await?.expect(200)?.json()?;
    same("that it would be let in", &trial["allow"]["passed"], &json!(true))?;
    let verify = &trial["verify"]["refused"]["reason"];
    same("why it would be refused", verify, &json!("missing-header"))?;
    let [one] = &list(&trial, "events")?[..] else { anyhow::bail!("one event: {trial}") };
    same("the id", text(one, "id")?, "1")?;
    same("the outcome", text(one, "outcome")?, "written")?;
    let parts: Vec<_> = list(one, "steps")?.iter().map(|step| step["part"].clone()).collect();
    for part in ["filter", "transform", "topic", "key"] {
        ensure!(parts.contains(&json!(part)), "the step {part} is missing: {trial}");
    }
    same("the number of records", list(one, "records")?.len(), 2)?;
    // It came for the first time.
    let first = event(c, "tried", "1", &order().to_string()).await?;
    same("that it is a repeat", &first["repeat"], &Value::Null)?;
    remove(c, "tried").await
}

pub(super) async fn a_source_is_changed_in_the_version_that_was_seen(c: &Context) -> Result<()> {
    make(c, "changed", json!({})).await?;
    let name = c.name("changed");
    let target = format!("/sources/{name}");
    let seen = c.client.get(&*target).send().await?.expect(200)?;
    let tag = seen.header("etag").context("a source has a version")?.to_owned();
    let change =
        |method: Method, tag: &str| c.client.call(method, &*target).header("if-match", tag);
    let patch = json!({"enabled": false, "verify": {"secrets": [MASK, "another-secret"]}});
    let patched = change(Method::PATCH, &tag).json(&patch).expect(200).await?;
    same("that it is on", &patched["enabled"], &json!(false))?;
    same("its secrets", &patched["verify"]["secrets"], &json!([MASK, MASK]))?;
    change(Method::PATCH, &tag).json(&json!({"enabled": true})).refused(412).await?;
    change(Method::DELETE, &tag).refused(412).await?;
    let listed = c.client.get("/sources").expect(200).await?;
    let entry = list(&listed, "sources")?.iter().find(|one| one["name"] == name);
    same("its entry in the list", entry, Some(&patched))?;
    let body = json!({"event": c.name("late")}).to_string();
    answered(c, "changed", &body, 410).await?;
    change(Method::PATCH, "*").json(&json!({"enabled": true})).expect(200).await?;
    // The mask stood for the secret that was there.
    answered(c, "changed", &body, 200).await?;
    change(Method::DELETE, "*").expect(204).await?;
    c.client.get(&*target).refused(404).await?;
    change(Method::DELETE, "*").refused(412).await?;
    answered(c, "changed", &body, 404).await
}

/// Sends an event until it is answered with a status, because instances may go by the list
/// that they know.
async fn answered(c: &Context, what: &str, body: &str, status: u16) -> Result<()> {
    let client = c.client.as_nobody();
    let start = Instant::now();
    loop {
        let event = client.post(format!("/in/{}", c.name(what)));
        let event = event.header(SIGNATURE, &signature(SECRET, body));
        let event = event.header("x-github-delivery", &format!("{status}"));
        let answer = event.body("application/json", body.to_owned()).send().await?;
        if answer.status() == status {
            return Ok(());
        }
        ensure!(start.elapsed() < KNOWN, "{} in place of {status} for long", answer.status());
        tokio::time::sleep(PAUSE).await;
    }
}

pub(super) async fn a_source_that_cannot_work_is_refused(c: &Context) -> Result<()> {
    let source = |verify: Value| json!({"name": c.name("none"), "topic": c.one, "verify": verify});
    for (verify, field) in [
        (json!({"provider": "nobody", "secrets": [SECRET]}), "verify.provider"),
        (json!({"provider": "github"}), "verify.secrets"),
        (json!({}), "verify"),
    ] {
        let refused = c.client.post("/sources").json(&source(verify)).refused(400).await?;
        same("the field", refused.as_str(), field)?;
    }
    c.client.get(format!("/sources/{}", c.name("none"))).refused(404).await.map(drop)
}

/// Asks for the statistics of a source, with an event before each question, until they are
/// as wanted. Instances store their counts when they have not just done so.
async fn statistics(
    c: &Context,
    what: &str,
    sign: impl Fn(&str) -> String,
    is_wanted: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let start = Instant::now();
    for number in 0.. {
        let body = json!({"event": number}).to_string();
        send(c, what, &format!("{number}"), &body, &sign(&body)).await?;
        let shown = c.client.get(format!("/sources/{}", c.name(what))).expect(200).await?;
        let statistics = &shown["statistics"];
        if is_wanted(statistics) {
            return Ok(statistics.clone());
        }
        ensure!(start.elapsed() < KNOWN, "{statistics} after {KNOWN:?}");
        tokio::time::sleep(PAUSE).await;
    }
    unreachable!("numbers do not end")
}

pub(super) async fn a_refusal_is_shown_without_values(c: &Context) -> Result<()> {
    make(c, "refusing", json!({})).await?;
    let wrong = |body: &str| signature("another-secret", body);
    let counted = |statistics: &Value| {
        statistics["refused"]["verify/mismatch"].as_u64().is_some_and(|count| count > 0)
    };
    let statistics = statistics(c, "refusing", wrong, counted).await?;
    text(&statistics, "last_seen")?;
    let refusal = list(&statistics, "refusals")?.first().context("a refusal is shown")?;
    same("the stage", text(refusal, "stage")?, "verify")?;
    same("the reason", text(refusal, "reason")?, "mismatch")?;
    ensure!(list(refusal, "headers")?.contains(&json!(SIGNATURE)), "headers: {refusal}");
    ensure!(!statistics.to_string().contains("sha256="), "a value is shown: {statistics}");
    remove(c, "refusing").await
}

pub(super) async fn events_are_counted(c: &Context) -> Result<()> {
    make(c, "counting", json!({})).await?;
    let counted =
        |statistics: &Value| statistics["accepted"].as_u64().is_some_and(|count| count > 0);
    let statistics = statistics(c, "counting", |body| signature(SECRET, body), counted).await?;
    for none in ["filtered", "dead_lettered", "failed", "unknown"] {
        same(none, &statistics[none], &json!(0))?;
    }
    remove(c, "counting").await
}
