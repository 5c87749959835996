//! `/subscriptions`: what they may ask of their deliveries.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::context::{Context, same, text};
use crate::receiver::{Received, Receiver};

/// Between two rounds of delivery.
const PAUSE: Duration = Duration::from_millis(300);

async fn create(c: &Context, receiver: &Receiver, more: Value) -> Result<Value> {
    let mut settings = json!({"topics": [c.one], "callback_url": receiver.url()});
    if let (Some(settings), Value::Object(more)) = (settings.as_object_mut(), more) {
        settings.extend(more);
    }
    c.client.post("/subscriptions").json(&settings).expect(201).await
}

async fn remove(c: &Context, subscription: &Value) -> Result<()> {
    let id = text(subscription, "id")?;
    c.client.delete(format!("/subscriptions/{id}")).expect(204).await.map(drop)
}

/// Asks for rounds until something comes.
async fn deliver(c: &Context, receiver: &mut Receiver) -> Result<Received> {
    let start = Instant::now();
    loop {
        c.client.post("/subscriptions/deliver").expect(200).await?;
        if let Some(received) = receiver.next_now() {
            return Ok(received);
        }
        ensure!(start.elapsed() < Duration::from_secs(45), "nothing was delivered");
        tokio::time::sleep(PAUSE).await;
    }
}

pub(super) async fn records_are_filtered_and_transformed(c: &Context) -> Result<()> {
    let mut receiver = c.receiver().await?;
    let settings = json!({"filter": ".total > 100", "transform": "{id, total}"});
    let subscription = create(c, &receiver, settings).await?;
    for value in [r#"{"id":1,"total":7,"x":0}"#, r#"{"id":2,"total":101,"x":0}"#] {
        c.produce(&c.one, 0, value).await?;
    }
    let received = deliver(c, &mut receiver).await?.json()?;
    same("the message", &received["message"], &json!({"id": 2, "total": 101}))?;
    remove(c, &subscription).await
}

pub(super) async fn a_batch_holds_several_records(c: &Context) -> Result<()> {
    let mut receiver = c.receiver().await?;
    let settings = json!({"body": "envelopes", "batch": {"records": 3, "age": 20.0}});
    let subscription = create(c, &receiver, settings).await?;
    for value in ["a", "b", "c"] {
        c.produce(&c.one, 0, value).await?;
    }
    let received = deliver(c, &mut receiver).await?.json()?;
    let messages: Vec<_> = received.as_array().into_iter().flatten().collect();
    let messages: Vec<_> = messages.into_iter().map(|one| one["message"].clone()).collect();
    same("the messages", messages, vec![json!("a"), json!("b"), json!("c")])?;
    remove(c, &subscription).await
}

pub(super) async fn a_record_that_is_given_up_is_a_dead_letter_and_can_be_sent_again(
    c: &Context,
) -> Result<()> {
    let mut receiver = c.receiver().await?;
    let settings = json!({"exhausted": {"dead_letter": c.three},
        "retry": {"delays": [], "jitter": 0.0}});
    let subscription = create(c, &receiver, settings).await?;
    receiver.refuse(1);
    c.produce(&c.one, 0, "refused").await?;
    c.produce(&c.one, 0, "next").await?;
    let refused = deliver(c, &mut receiver).await?;
    same("the first", text(&refused.json()?, "message")?, "refused")?;
    same("the next", text(&deliver(c, &mut receiver).await?.json()?, "message")?, "next")?;
    let id = text(&subscription, "id")?;
    c.client.post(format!("/subscriptions/{id}/redrive")).expect(202).await?;
    let again = deliver(c, &mut receiver).await?;
    same("the record again", text(&again.json()?, "message")?, "refused")?;
    same("its topic", text(&again.json()?, "topic")?, c.one.as_str())?;
    same("its id", again.header("webhook-id")?, refused.header("webhook-id")?)?;
    remove(c, &subscription).await
}

pub(super) async fn a_secret_is_replaced_with_an_overlap(c: &Context) -> Result<()> {
    let mut receiver = c.receiver().await?;
    let subscription = create(c, &receiver, json!({})).await?;
    let id = text(&subscription, "id")?;
    let body = json!({"overlap": 3600});
    let rotated =
        c.client.post(format!("/subscriptions/{id}/rotate")).json(&body).expect(200).await?;
    // An instance may sign with what it knew a second ago.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    c.produce(&c.one, 0, "signed").await?;
    let received = deliver(c, &mut receiver).await?;
    for secret in [text(&subscription, "secret")?, text(&rotated, "secret")?] {
        standardwebhooks::Webhook::new(secret)?.verify(&received.body, &received.headers)?;
    }
    remove(c, &subscription).await
}
