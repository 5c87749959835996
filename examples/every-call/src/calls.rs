//! One call of each function.

use std::fmt::Debug;

use crate::bindings::Arguments;
use crate::bindings::kafka_edge::api::actions;
use crate::bindings::kafka_edge::api::config;
use crate::bindings::kafka_edge::api::consumer::{self, PageRequest, ReadRequest};
use crate::bindings::kafka_edge::api::credentials::{self, Permissions};
use crate::bindings::kafka_edge::api::destinations;
use crate::bindings::kafka_edge::api::follower::{self, FollowRequest, FollowedRecord};
use crate::bindings::kafka_edge::api::producer::{self, ProducerRecord};
use crate::bindings::kafka_edge::api::secrets;
use crate::bindings::kafka_edge::api::sources::{self, InboundRequest};
use crate::bindings::kafka_edge::api::subscriptions;
use crate::bindings::kafka_edge::api::types::{Error, Header, PartitionOffset, SeekTarget, Start};

pub(crate) async fn call(function: &str, with: Arguments) -> Result<String, Error> {
    match function {
        "producer.send" => show(producer::send(with.topic.clone(), record(&with)).await?),
        "producer.send-many" => {
            let tombstone = ProducerRecord { value: None, headers: Vec::new(), ..record(&with) };
            show(producer::send_many(with.topic.clone(), vec![record(&with), tombstone]).await?)
        }

        "producer.send-once" => {
            let record = record(&with);
            show(producer::send_once(with.topic, record, with.tag).await?)
        }
        "producer.send-many-once" => {
            let records = vec![record(&with), record(&with)];
            show(producer::send_many_once(with.topic, records, with.tag).await?)
        }

        "consumer.next" => {
            show(consumer::next(with.topic, with.name, Start::Earliest, with.time).await?)
        }
        "consumer.next-page" => show(consumer::next_page(page(&with)).await?),
        "consumer.claim" => show(consumer::claim(page(&with), with.time).await?),
        "consumer.ack" => show(consumer::ack(with.name, with.receipts).await?),
        "consumer.nack" => show(consumer::nack(with.name, with.receipts, with.time).await?),

        "consumer.accept" => show(consumer::accept(with.name, with.receipts).await?),
        "consumer.release" => show(consumer::release(with.name, with.receipts, with.time).await?),
        "consumer.reject" => show(consumer::reject(with.name, with.receipts).await?),
        "consumer.renew" => show(consumer::renew(with.name, with.receipts, with.time).await?),

        "consumer.get-group" => show(consumer::get_group(with.name).await?),
        "consumer.put-group" => {
            let tag = tag(&with);
            show(consumer::put_group(with.name, with.text, tag).await?)
        }
        "consumer.patch-group" => {
            let tag = tag(&with);
            show(consumer::patch_group(with.name, with.text, tag).await?)
        }

        "consumer.list-groups" => show(consumer::list_groups().await?),
        "consumer.describe-group" => show(consumer::describe_group(with.name).await?),
        "consumer.seek" => {
            let to = seek_target(&with);
            show(consumer::seek(with.name, with.topic, to).await?)
        }
        "consumer.delete-group" => show(consumer::delete_group(with.name).await?),

        "consumer.read-at" => {
            let request = ReadRequest {
                topic: with.topic,
                partition: with.partition,
                offset: with.at,
                max: with.max,
                max_bytes: 1 << 20,
                wait: with.time,
            };
            show(consumer::read_at(request).await?)
        }
        "consumer.list-topics" => show(consumer::list_topics().await?),
        "consumer.describe-topic" => show(consumer::describe_topic(with.topic).await?),
        "consumer.offsets-at" => show(consumer::offsets_at(with.topic, with.at).await?),
        "consumer.ready" => show(consumer::ready().await?),

        "follower.follow" => show(follow(with).await?),

        "subscriptions.register" => {
            show(subscriptions::register(with.topic, with.text, Start::Latest).await?)
        }
        "subscriptions.create" => show(subscriptions::create(with.text).await?),
        "subscriptions.list" => {
            let cursor = tag(&with);
            show(subscriptions::list(cursor).await?)
        }
        "subscriptions.get" => show(subscriptions::get(with.name).await?),
        "subscriptions.put" => {
            let tag = tag(&with);
            show(subscriptions::put(with.name, with.text, tag).await?)
        }
        "subscriptions.patch" => {
            let tag = tag(&with);
            show(subscriptions::patch(with.name, with.text, tag).await?)
        }
        "subscriptions.delete" => {
            let tag = tag(&with);
            show(subscriptions::delete(with.name, tag).await?)
        }
        "subscriptions.pause" => show(subscriptions::pause(with.name).await?),
        "subscriptions.resume" => show(subscriptions::resume(with.name).await?),
        "subscriptions.seek" => {
            let to = seek_target(&with);
            show(subscriptions::seek(with.name, Some(with.topic), to).await?)
        }
        "subscriptions.rotate" => {
            let secret = tag(&with);
            show(subscriptions::rotate(with.name, Some(with.time), secret).await?)
        }
        "subscriptions.test" => show(subscriptions::test(with.name, with.text).await?),
        "subscriptions.attempts" => show(subscriptions::attempts(with.name).await?),
        "subscriptions.replay" => show(subscriptions::replay(with.name, with.text).await?),
        "subscriptions.redrive" => show(subscriptions::redrive(with.name).await?),
        "subscriptions.deliver" => show(subscriptions::deliver(with.time).await?),

        "sources.create" => show(sources::create(with.text).await?),
        "sources.list" => show(sources::list().await?),
        "sources.get" => show(sources::get(with.name).await?),
        "sources.put" => {
            let tag = tag(&with);
            show(sources::put(with.name, with.text, tag).await?)
        }
        "sources.patch" => {
            let tag = tag(&with);
            show(sources::patch(with.name, with.text, tag).await?)
        }
        "sources.delete" => {
            let tag = tag(&with);
            show(sources::delete(with.name, tag).await?)
        }
        "sources.receive" => {
            let request = event(&with);
            show(sources::receive(with.name, request).await?)
        }
        "sources.test" => {
            let request = event(&with);
            show(sources::test(with.name, request).await?)
        }

        "destinations.create" => show(destinations::create(with.text).await?),
        "destinations.list" => show(destinations::list().await?),
        "destinations.get" => show(destinations::get(with.name).await?),
        "destinations.put" => {
            let tag = tag(&with);
            show(destinations::put(with.name, with.text, tag).await?)
        }
        "destinations.patch" => {
            let tag = tag(&with);
            show(destinations::patch(with.name, with.text, tag).await?)
        }
        "destinations.delete" => {
            let tag = tag(&with);
            show(destinations::delete(with.name, tag).await?)
        }
        "destinations.test" => show(destinations::test(with.name).await?),

        "actions.create" => show(actions::create(with.text).await?),
        "actions.list" => show(actions::list().await?),
        "actions.get" => show(actions::get(with.name).await?),
        "actions.put" => {
            let tag = tag(&with);
            show(actions::put(with.name, with.text, tag).await?)
        }
        "actions.patch" => {
            let tag = tag(&with);
            show(actions::patch(with.name, with.text, tag).await?)
        }
        "actions.delete" => {
            let tag = tag(&with);
            show(actions::delete(with.name, tag).await?)
        }
        "actions.run" => {
            let key = tag(&with);
            show(actions::run(with.name, with.text, key).await?)
        }
        "actions.get-run" => show(actions::get_run(with.name).await?),
        "actions.report" => {
            // The id of a run's node has the same digits.
            let node = with.name.replace("wfr_", "wfnr_");
            show(actions::report(with.name, node, with.text).await?)
        }

        "credentials.create" => {
            let allow = Permissions::PRODUCE | Permissions::CONSUME;
            let expires = end(&with);
            show(credentials::create(with.name, allow, vec![with.topic], expires).await?)
        }
        "credentials.list" => show(credentials::list().await?),
        "credentials.set-expiry" => {
            let expires = end(&with);
            show(credentials::set_expiry(with.name, expires).await?)
        }
        "credentials.set-rate" => {
            let rate = (with.at != 0).then(|| u32::try_from(with.at).unwrap_or(0));
            show(credentials::set_rate(with.name, rate).await?)
        }
        "credentials.rotate" => show(credentials::rotate(with.name, with.time).await?),
        "credentials.delete" => show(credentials::delete(with.name).await?),

        "config.export" => {
            // A text that is no entry's name is no place to go on from.
            let after = Some(with.text).filter(|text| text.contains('/') && !text.contains(':'));
            let selection = config::Selection { kinds: Vec::new(), after, limit: None };
            show(config::export(selection, Some(with.tag).filter(|tag| !tag.is_empty())).await?)
        }
        "config.apply" => {
            let passphrase = Some(with.tag).filter(|tag| !tag.is_empty());
            show(config::apply(with.text, passphrase, with.at != 0).await?)
        }

        "secrets.rewrap" => show(secrets::rewrap().await?),

        _ => panic!("there is no call {function}"),
    }
}

fn show(answer: impl Debug) -> Result<String, Error> {
    Ok(format!("{answer:?}"))
}

fn record(with: &Arguments) -> ProducerRecord {
    let header = Header { name: "from".into(), value: Some(b"every-call".to_vec()) };
    ProducerRecord {
        key: Some(b"key".to_vec()),
        value: Some(with.text.clone().into_bytes()),
        headers: vec![header],
        partition: Some(with.partition),
        timestamp: None,
    }
}

/// Several topics have commas between them.
fn topics(with: &Arguments) -> Vec<String> {
    with.topic.split(',').map(str::to_owned).collect()
}

fn seek_target(with: &Arguments) -> SeekTarget {
    match with.text.as_str() {
        "earliest" => SeekTarget::Ends(Start::Earliest),
        "latest" => SeekTarget::Ends(Start::Latest),
        "time" => SeekTarget::Time(with.at),
        _ => {
            let (partition, offset) = (with.partition, with.at);
            SeekTarget::Offsets(vec![PartitionOffset { partition, offset }])
        }
    }
}

/// The version of what is to be changed, if it matters; or a key.
fn tag(with: &Arguments) -> Option<String> {
    Some(with.tag.clone()).filter(|tag| !tag.is_empty())
}

/// What a sender sends to a source: JSON, with a token.
fn event(with: &Arguments) -> InboundRequest {
    let headers = [
        ("content-type", "application/json"),
        ("x-token", with.tag.as_str()),
        ("webhook-request-origin", "events.example"),
    ];
    let header = |(name, value): (&str, &str)| (name.to_owned(), value.as_bytes().to_vec());
    InboundRequest {
        method: with.method.clone(),
        path_with_query: format!("/in/{}", with.name),
        headers: headers.into_iter().map(header).collect(),
        body: with.text.clone().into_bytes(),
        client_address: Some(with.client.clone()).filter(|client| !client.is_empty()),
        scheme: Some("https".into()),
        authority: Some("hooks.example".into()),
    }
}

/// When a credential ends: at a time, or never.
fn end(with: &Arguments) -> Option<i64> {
    Some(with.at).filter(|at| *at != 0)
}

fn page(with: &Arguments) -> PageRequest {
    PageRequest {
        topics: topics(with),
        group: with.name.clone(),
        start: Start::Earliest,
        wait: with.time,
        max: with.max,
        max_bytes: 1 << 20,
    }
}

/// Reads some records of a stream and leaves it. Without a name it is nobody's.
async fn follow(with: Arguments) -> Result<Vec<FollowedRecord>, Error> {
    let request = FollowRequest {
        topics: topics(&with),
        group: Some(with.name).filter(|name| !name.is_empty()),
        start: Start::Earliest,
        cursor: Some(with.text).filter(|cursor| !cursor.is_empty()),
        lease: Some(with.time).filter(|lease| *lease > 0),
    };
    let (mut records, end) = follower::follow(request).await?;
    let mut read = Vec::new();
    while read.len() < with.max as usize {
        match records.next().await {
            Some(record) => read.push(record),
            // It goes on for as long as it is read, so something is wrong.
            None => {
                end.await?;
                break;
            }
        }
    }
    Ok(read)
}
