//! `/webhook` and `/webhooks`.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::context::{Context, list, same, text};
use crate::receiver::{Received, Receiver};

/// A callback that nobody serves.
const NOBODY: &str = "https://example.com/kafka-edge-e2e";

/// Between two rounds of delivery.
const PAUSE: Duration = Duration::from_millis(300);

async fn register(c: &Context, topic: &str, url: &str) -> Result<Value> {
    let body = json!({"topic": topic, "callback_url": url, "from": "latest"});
    c.client.post("/webhooks").json(&body).expect(201).await
}

async fn remove(c: &Context, webhook: &Value) -> Result<()> {
    let id = text(webhook, "webhook_id")?;
    c.client.delete(format!("/webhooks/{id}")).expect(204).await.map(drop)
}

/// Asks for rounds until something is delivered.
async fn deliver(c: &Context, receiver: &mut Receiver) -> Result<Received> {
    let start = Instant::now();
    loop {
        c.client.post("/webhooks/deliver").expect(200).await?;
        if let Some(received) = receiver.next_now() {
            return Ok(received);
        }
        ensure!(start.elapsed() < Duration::from_secs(45), "nothing was delivered");
        tokio::time::sleep(PAUSE).await;
    }
}

pub(super) async fn a_path_registers_a_callback_once(c: &Context) -> Result<()> {
    let url = format!("{NOBODY}/{}?a=b", c.name("path"));
    let target = format!("/webhook/{}/{url}", c.one);
    let webhook = c.client.get(target.clone()).expect(201).await?;
    same("the topic", text(&webhook, "topic")?, c.one.as_str())?;
    same("the callback", text(&webhook, "callback_url")?, url.as_str())?;
    ensure!(text(&webhook, "secret")?.starts_with("whsec_"), "the secret: {webhook}");
    let again = c.client.get(target).expect(200).await?;
    same("its id when asked again", &again["webhook_id"], &webhook["webhook_id"])?;
    same("its secret is shown once", &again["secret"], &Value::Null)?;
    remove(c, &webhook).await
}

pub(super) async fn a_body_registers_a_callback(c: &Context) -> Result<()> {
    let url = format!("{NOBODY}/{}", c.name("body"));
    let webhook = register(c, &c.three, &url).await?;
    let id = text(&webhook, "webhook_id")?;
    let all = c.client.get("/webhooks").expect(200).await?;
    let is_it = |one: &&Value| one["webhook_id"] == id;
    let listed = list(&all, "webhooks")?.iter().find(is_it);
    same("its callback in the list", listed.map(|one| &one["callback_url"]), Some(&json!(url)))?;
    let described = c.client.get(format!("/webhooks/{id}")).expect(200).await?;
    let positions = list(&described, "partitions")?;
    same("the number of partitions", positions.len(), 3)?;
    ensure!(positions.iter().all(|one| one["position"].is_i64()), "positions: {described}");
    remove(c, &webhook).await?;
    c.client.get(format!("/webhooks/{id}")).refused(404).await?;
    c.client.delete(format!("/webhooks/{id}")).refused(404).await.map(drop)
}

pub(super) async fn a_round_delivers_what_is_due(c: &Context) -> Result<()> {
    let mut receiver = c.receiver().await?;
    let webhook = register(c, &c.three, receiver.url()).await?;
    let offset = c.produce(&c.three, 1, "due").await?;
    let received = deliver(c, &mut receiver).await?;
    let delivery = received.json()?;
    for (field, value) in [
        ("topic", json!(c.three)),
        ("message", json!("due")),
        ("partition", json!(1)),
        ("offset", json!(offset)),
        ("webhook_id", webhook["webhook_id"].clone()),
    ] {
        same(field, &delivery[field], &value)?;
    }
    let verifier = standardwebhooks::Webhook::new(text(&webhook, "secret")?)?;
    verifier.verify(&received.body, &received.headers)?;
    remove(c, &webhook).await?;
    c.produce(&c.three, 1, "no longer").await?;
    c.client.post("/webhooks/deliver").expect(200).await?;
    ensure!(receiver.next_now().is_none(), "it is delivered to a webhook that was removed");
    Ok(())
}

pub(super) async fn a_produce_is_delivered_without_being_asked_for(c: &Context) -> Result<()> {
    let mut receiver = c.receiver().await?;
    let webhook = register(c, &c.one, receiver.url()).await?;
    for message in ["a", "b", "c"] {
        c.produce(&c.one, 0, message).await?;
    }
    for message in ["a", "b", "c"] {
        same("the delivery", text(&receiver.next().await?.json()?, "message")?, message)?;
    }
    remove(c, &webhook).await
}

pub(super) async fn a_delivery_that_fails_is_tried_again_under_the_same_id(
    c: &Context,
) -> Result<()> {
    let mut receiver = c.receiver().await?;
    let webhook = register(c, &c.one, receiver.url()).await?;
    receiver.refuse(1);
    c.produce(&c.one, 0, "a").await?;
    c.produce(&c.one, 0, "b").await?;
    let refused = deliver(c, &mut receiver).await?;
    let again = deliver(c, &mut receiver).await?;
    same("the id", again.header("webhook-id")?, refused.header("webhook-id")?)?;
    same("the record", text(&again.json()?, "message")?, "a")?;
    let next = deliver(c, &mut receiver).await?;
    same("the next record", text(&next.json()?, "message")?, "b")?;
    ensure!(next.header("webhook-id")? != again.header("webhook-id")?, "ids are the same");
    remove(c, &webhook).await
}

pub(super) async fn a_callback_that_may_not_be_is_refused(c: &Context) -> Result<()> {
    for url in ["ftp://example.com/", "nonsense", "http://user:pass@example.com/", "http://"] {
        let body = json!({"topic": c.one, "callback_url": url});
        c.client.post("/webhooks").json(&body).refused(400).await?;
    }
    let body = json!({"topic": "no-such-topic-of-e2e", "callback_url": NOBODY});
    c.client.post("/webhooks").json(&body).refused(404).await?;
    let body = json!({"topic": c.one, "callback_url": NOBODY, "from": "middle"});
    same("the field", c.client.post("/webhooks").json(&body).refused(400).await?.as_str(), "from")
}
