//! `/producer`.

use anyhow::{Context as _, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::context::{Context, same, text};

pub(super) async fn the_rest_of_a_path_is_a_record(c: &Context) -> Result<()> {
    let target = format!("/producer/{}/path/with%20more%2F", c.one);
    let report = c.client.get(target).expect(200).await?;
    same("the topic", text(&report, "topic")?, c.one.as_str())?;
    same("the message", text(&report, "message")?, "path/with more/")?;
    text(&report, "timestamp")?;
    let offset = report["offset"].as_i64().context("a report has an offset")?;
    let record = c.record_at(&c.one, 0, offset).await?;
    same("the record", text(&record, "message")?, "path/with more/")?;
    same("its key", &record["key"], &Value::Null)
}

pub(super) async fn a_key_a_partition_and_a_time_are_taken(c: &Context) -> Result<()> {
    let (key, time) = (c.name("key"), "2026-03-01T10:15:30.250Z");
    let target = format!("/producer/{}/m?key={key}&partition=2&timestamp={time}", c.three);
    let report = c.client.get(target).expect(200).await?;
    same("the partition", &report["partition"], &json!(2))?;
    let offset = report["offset"].as_i64().context("a report has an offset")?;
    let record = c.record_at(&c.three, 2, offset).await?;
    same("the key", text(&record, "key")?, key.as_str())?;
    same("the time", text(&record, "timestamp")?, time)
}

pub(super) async fn a_body_is_a_record_byte_for_byte(c: &Context) -> Result<()> {
    let bodies = [&b"{\"n\": 1.10 }\r\n"[..], b"\xff\xfe\0", b"", "gr\u{fc}n".as_bytes()];
    for body in bodies {
        let target = format!("/producer/{}", c.one);
        let call = c.client.post(target).body("application/octet-stream", body);
        let report = call.expect(200).await?;
        ensure!(report.get("message").is_none(), "a body is not repeated: {report}");
        let offset = report["offset"].as_i64().context("a report has an offset")?;
        let record = c.record_at(&c.one, 0, offset).await?;
        match std::str::from_utf8(body) {
            Ok(body) => same("the message", text(&record, "message")?, body)?,
            Err(_) => {
                same("the encoding", text(&record, "encoding")?, "base64")?;
                same("the message", text(&record, "message")?, STANDARD.encode(body).as_str())?;
            }
        }
    }
    Ok(())
}

pub(super) async fn headers_become_headers_of_the_record(c: &Context) -> Result<()> {
    let call = c.client.post(format!("/producer/{}", c.one)).body("text/csv", "a,b");
    let report = call.header("kafka-header-trace", "abc").expect(200).await?;
    let offset = report["offset"].as_i64().context("a report has an offset")?;
    let record = c.record_at(&c.one, 0, offset).await?;
    let headers = record["headers"].as_array().context("a record has headers")?;
    for (name, value) in [("content-type", "text/csv"), ("trace", "abc")] {
        let header = json!({"name": name, "value": value});
        ensure!(headers.contains(&header), "{header} is missing in {headers:?}");
    }
    Ok(())
}

pub(super) async fn each_line_is_a_record_and_has_a_report(c: &Context) -> Result<()> {
    let lines = [
        json!({"value": "one", "partition": 0}),
        json!({"value": "two", "partition": 99}),
        json!({"value": null, "key": "k", "partition": 1}),
        json!({"value": {"order": 42}, "partition": 2}),
    ];
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let target = format!("/producer/{}", c.three);
    let answer = c.client.post(target).body("application/x-ndjson", body).send().await?;
    let reports = answer.expect(200)?.lines()?;
    same("the number of reports", reports.len(), 4)?;
    same("the status of the second one", &reports[1]["status"], &json!(400))?;
    same("what is wrong with it", text(&reports[1], "detail")?, "partition")?;
    for (index, partition, message) in
        [(0, 0, json!("one")), (2, 1, Value::Null), (3, 2, json!(r#"{"order":42}"#))]
    {
        let report = &reports[index];
        same("the partition", &report["partition"], &json!(partition))?;
        let offset = report["offset"].as_i64().context("a report has an offset")?;
        let record = c.record_at(&c.three, partition, offset).await?;
        same("the message", &record["message"], &message)?;
    }
    Ok(())
}

pub(super) async fn what_cannot_be_written_is_refused(c: &Context) -> Result<()> {
    for (query, field) in [
        ("partition=99", "partition"),
        ("partition=x", "partition"),
        ("timestamp=noon", "timestamp"),
    ] {
        let target = format!("/producer/{}/m?{query}", c.three);
        same(query, c.client.get(target).refused(400).await?.as_str(), field)?;
    }
    let call = c.client.post(format!("/producer/{}", c.one)).body("application/x-ndjson", "{\n");
    let reports = call.send().await?.expect(200)?.lines()?;
    same("the status of what is no JSON", &reports[0]["status"], &json!(400))
}

pub(super) async fn a_call_that_is_made_again_under_its_key_writes_nothing(
    c: &Context,
) -> Result<()> {
    let message = c.name("once");
    let lines = format!("{{\"value\":\"{message}\"}}\n");
    let upstash = json!({"value": message}).to_string();
    for (number, (target, content_type, body)) in [
        (format!("/producer/{}", c.one), "text/plain", message.clone()),
        (format!("/producer/{}", c.one), "application/x-ndjson", lines),
        (format!("/upstash/produce/{}", c.one), "application/json", upstash),
        (format!("/webhook?topic={}", c.one), "text/plain", message.clone()),
    ]
    .into_iter()
    .enumerate()
    {
        let key = c.name(&format!("key-{number}"));
        let call = |key: &str| {
            let call = c.client.post(&*target).header("idempotency-key", key);
            call.body(content_type, body.clone())
        };
        let place = |answer: &Answer| -> Result<(Value, Value)> {
            let report = answer.lines()?.into_iter().next().context("there is a report")?;
            let report = report.get(0).cloned().unwrap_or(report);
            ensure!(report["offset"].is_i64(), "{target}: {report}");
            Ok((report["partition"].clone(), report["offset"].clone()))
        };
        let first = call(&key).send().await?.expect(200)?;
        same("that the first is a repeat", first.header("idempotent-replayed"), None)?;
        let again = call(&key).send().await?.expect(200)?;
        same("that it is a repeat", again.header("idempotent-replayed"), Some("true"))?;
        same("the place of the repeat", place(&again)?, place(&first)?)?;
        let other = call(&format!("{key}-other")).send().await?.expect(200)?;
        ensure!(place(&other)? != place(&first)?, "{target}: another key is the same call");
    }
    let key = c.name("key-0");
    let call = c.client.post(format!("/producer/{}", c.one)).header("idempotency-key", &key);
    call.body("text/plain", "something else").refused(400).await?;
    let call = c.client.post(format!("/producer/{}", c.one)).header("idempotency-key", "\"\"");
    call.body("text/plain", message).refused(400).await.map(drop)
}
