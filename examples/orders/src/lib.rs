//! A component of another author: it places orders, works on them and has
//! them sent to a callback, all through `kafka-edge:api`. It holds no address
//! of Kafka and no credential, and imports nothing else.

#![cfg(all(target_os = "wasi", target_env = "p2"))]

mod bindings;

use bindings::Guest;
use bindings::kafka_edge::api::consumer::{self, ConsumerRecord};
use bindings::kafka_edge::api::producer::{self, ProducerRecord};
use bindings::kafka_edge::api::subscriptions;
use bindings::kafka_edge::api::types::{Error, Header, Start};

/// The shop reads as one consumer group.
const GROUP: &str = "shop";

/// How long to wait for a record, in milliseconds.
const WAIT: u32 = 1000;

struct Orders;

impl Guest for Orders {
    async fn run(topic: String, callback_url: String) -> Vec<String> {
        let mut story = Vec::new();
        if let Err(error) = tell(&topic, &callback_url, &mut story).await {
            story.push(format!("stopped by {error:?}"));
        }
        story
    }
}

async fn tell(topic: &str, callback_url: &str, story: &mut Vec<String>) -> Result<(), Error> {
    let first = send(topic, "order-1", b"a book").await?;
    story.push(format!("order-1 is in {topic}, partition {}", first.partition));
    let second = send(topic, "order-2", b"two books").await?;
    story.push(format!("order-2 is in {topic}, partition {}", second.partition));

    for _ in 0..2 {
        let order = next(topic).await?;
        match order {
            Some(order) => story.push(format!("working on {}", describe(&order))),
            None => story.push("nothing to work on".into()),
        }
    }
    let nothing = next(topic).await?;
    story.push(format!("then there is {}", if nothing.is_none() { "nothing" } else { "more" }));

    let registration = register(topic, callback_url).await?;
    let secret = registration.secret.is_some();
    story.push(format!(
        "{} is registered, secret shown: {secret}",
        registration.subscription.callback_url
    ));
    let again = register(topic, callback_url).await?;
    let same = again.subscription.id == registration.subscription.id;
    story.push(format!("again it is the same: {same}, secret shown: {}", again.secret.is_some()));

    send(topic, "order-3", b"three books").await?;
    subscriptions::deliver(WAIT).await?;
    let standing = subscriptions::get(registration.subscription.id.clone()).await?;
    let partitions = standing.partitions.len();
    story.push(format!("its position is kept for {partitions} partitions"));
    subscriptions::delete(registration.subscription.id, None).await?;

    // What cannot be done comes as a case to be matched, not as a text.
    match send("no-such-topic", "order-4", b"four books").await {
        Err(Error::UnknownTopic) => story.push("no-such-topic is unknown".into()),
        Err(error) => return Err(error),
        Ok(_) => story.push("no-such-topic is there after all".into()),
    }
    Ok(())
}

async fn send(topic: &str, key: &str, order: &[u8]) -> Result<producer::RecordMetadata, Error> {
    let kind = Header { name: "content-type".into(), value: Some(b"text/plain".to_vec()) };
    let record = ProducerRecord {
        key: Some(key.into()),
        value: Some(order.to_vec()),
        headers: vec![kind],
        partition: None,
        timestamp: None,
    };
    producer::send(topic.to_owned(), record).await
}

async fn register(topic: &str, callback_url: &str) -> Result<subscriptions::Made, Error> {
    subscriptions::register(topic.to_owned(), callback_url.to_owned(), Start::Latest).await
}

async fn next(topic: &str) -> Result<Option<ConsumerRecord>, Error> {
    consumer::next(topic.to_owned(), GROUP.to_owned(), Start::Earliest, WAIT).await
}

fn describe(order: &ConsumerRecord) -> String {
    let text = |bytes: &Option<Vec<u8>>| {
        bytes.as_deref().map_or("nothing".into(), String::from_utf8_lossy).into_owned()
    };
    format!("{}: {}", text(&order.key), text(&order.value))
}
