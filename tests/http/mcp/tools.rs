//! What each tool does.

use kafka_edge_sim::local;
use serde_json::{Value, json};

use super::scene::{Era, Scene, Way, done, failed, tool_call};
use crate::gateway::Taken;

fn values(result: &Value) -> Vec<&str> {
    let records = result["records"].as_array().unwrap();
    records.iter().map(|record| record["value"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn records_are_read_without_moving_anything() {
    local(async {
        let scene = Scene::new().await;
        let before = scene.gateway.world.store();
        let read =
            async |arguments: Value| done(scene.call("all", "read_records", arguments).await);
        let last = read(json!({"topic": "orders", "partition": 0, "last": 1})).await;
        assert_eq!(values(&last), ["second"]);
        assert_eq!(last["next"], json!([{"partition": 0, "offset": 2}]));
        let all = read(json!({"topic": "orders"})).await;
        let mut found = values(&all);
        found.sort_unstable();
        assert_eq!(found, ["first", "second", "third"]);
        assert_eq!(all["next"].as_array().unwrap().len(), 2);
        let from = read(json!({"topic": "orders", "partition": 0, "offset": 1})).await;
        assert_eq!((values(&from), &from["next"][0]["offset"]), (vec!["second"], &json!(2)));
        let one = read(json!({"topic": "orders", "partition": 0, "offset": 0, "max": 1})).await;
        assert_eq!((values(&one), &one["next"][0]["offset"]), (vec!["first"], &json!(1)));
        let end = read(json!({"topic": "orders", "partition": 0, "offset": 2})).await;
        assert_eq!(end["records"], json!([]));
        assert_eq!(before, scene.gateway.world.store());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_records_are_read_where_the_first_are_gone_and_where_they_are_large() {
    local(async {
        let scene = Scene::new().await;
        scene.gateway.log.create_topic("large", 1);
        for number in 0..8 {
            scene.gateway.log.append("large", 0, format!("{number}{}", "x".repeat(400_000)));
        }
        scene.gateway.log.delete_before("large", 0, 3);
        let read = async |last: u8| {
            let arguments = json!({"topic": "large", "last": last, "max_value_bytes": 4});
            let result = done(scene.call("root", "read_records", arguments).await);
            assert_eq!(result["next"][0]["offset"], 8);
            let records = result["records"].as_array().unwrap();
            records.iter().map(|record| record["offset"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(read(1).await, [7]);
        assert_eq!(read(2).await, [6, 7]);
        // More than a megabyte is too much.
        assert_eq!(read(100).await.last(), Some(&7));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_of_many_partitions_is_read_one_at_a_time() {
    local(async {
        let scene = Scene::new().await;
        scene.gateway.log.create_topic("wide", 30);
        let sentence = failed(scene.call("root", "read_records", json!({"topic": "wide"})).await);
        assert_eq!(sentence, "partition: The topic has 30 partitions: name one.");
        done(scene.call("root", "read_records", json!({"topic": "wide", "partition": 29})).await);
    })
    .await;
}

/// What follows a name in a sentence, such as `value_from 2000`.
fn after<'s>(sentence: &'s str, name: &str) -> Option<&'s str> {
    let (_, rest) = sentence.split_once(&format!("{name} "))?;
    Some(rest.trim_end_matches('.'))
}

#[tokio::test(start_paused = true)]
async fn a_long_value_is_read_piece_by_piece_as_its_record_says() {
    local(async {
        let scene = Scene::new().await;
        let long = "grün, 日本. ".repeat(1000);
        let offset = scene.gateway.log.append("orders", 0, long.clone());
        let first = json!({"topic": "orders", "partition": 0, "offset": offset});
        let (mut arguments, mut whole, mut pieces) = (first, String::new(), 0);
        loop {
            let result = done(scene.call("all", "read_records", arguments.clone()).await);
            let record = &result["records"][0];
            whole += record["value"].as_str().unwrap();
            pieces += 1;
            let note = record["truncated"].as_str().unwrap();
            assert!(note.starts_with(&format!("The value has {} bytes", long.len())), "{note}");
            let Some(from) = after(note, "value_from") else { break };
            assert!(note.contains("read_records") && note.contains("partition 0"), "{note}");
            arguments["value_from"] = from.parse::<usize>().unwrap().into();
            arguments["max"] = 1.into();
        }
        assert!(whole == long && pieces > 3, "{pieces}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bytes_go_both_ways_in_base64() {
    local(async {
        let scene = Scene::new().await;
        let record = json!({
            "topic": "orders", "value": "/wA=", "encoding": "base64", "key": "/g==",
            "key_encoding": "base64", "partition": 1, "timestamp": "2026-01-02T03:04:05Z",
            "headers": [{"name": "a", "value": "1"}, {"name": "a", "value": null},
                {"name": "b", "value": "/Q==", "encoding": "base64"}],
        });
        let written = done(scene.call("produce", "produce", record.clone()).await);
        assert_eq!((&written["partition"], &written["repeat"]), (&json!(1), &json!(false)));
        let stored = scene.gateway.log.records("orders", 1).pop().unwrap();
        assert_eq!(stored.value.as_deref(), Some(&[0xff, 0][..]));
        let last = json!({"topic": "orders", "partition": 1, "last": 1});
        let read = done(scene.call("consume", "read_records", last).await);
        let read = &read["records"][0];
        for name in ["topic", "value", "encoding", "key", "key_encoding", "headers"] {
            assert_eq!(read[name], record[name], "{name}");
        }
        assert_eq!(read["timestamp"], "2026-01-02T03:04:05.000Z");

        let tombstone = json!({"topic": "orders", "value": null, "key": "k", "partition": 0});
        done(scene.call("produce", "produce", tombstone).await);
        assert_eq!(scene.gateway.log.records("orders", 0).pop().unwrap().value, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_produce_under_a_key_is_made_once() {
    local(async {
        let scene = Scene::new().await;
        let produce = async |value: &str, by: &str| {
            let arguments =
                json!({"topic": "orders", "value": value, "idempotency_key": "order-1"});
            scene.call(by, "produce", arguments).await
        };
        let first = done(produce("paid", "all").await);
        let again = done(produce("paid", "all").await);
        assert_eq!((&first["repeat"], &again["repeat"]), (&json!(false), &json!(true)));
        for place in ["partition", "offset"] {
            assert_eq!(first[place], again[place]);
        }
        assert!(failed(produce("other", "all").await).contains("other records before"));
        // Another caller may use the same key.
        assert_eq!(done(produce("paid", "produce").await)["repeat"], false);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_group_claims_and_settles() {
    local(async {
        let scene = Scene::new().await;
        let consume = async |max: u8| {
            let arguments = json!({"topic": "orders", "group": "g", "max": max, "wait": 5});
            done(scene.call("consume", "consume", arguments).await)
        };
        let first = consume(2).await;
        let receipts: Vec<_> = first["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["receipt"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(receipts.len(), 2);
        let arguments = json!({"topic": "orders", "group": "g", "accept": [receipts[0]],
            "release": [receipts[1]]});
        let told = done(scene.call("consume", "acknowledge", arguments).await);
        assert_eq!(
            told["receipts"],
            json!([{"receipt": receipts[0], "status": "accepted"},
                {"receipt": receipts[1], "status": "released"}])
        );
        let mut counts = Vec::new();
        for _ in 0..2 {
            let again = consume(1).await;
            counts.push(again["records"][0]["delivery_count"].as_u64().unwrap());
        }
        counts.sort_unstable();
        assert_eq!(counts, [1, 2]);
        let group = json!({"group": "g"});
        let lag = done(scene.call("consume", "group_lag", group).await);
        let topic = &lag["groups"][0]["topics"][0];
        assert_eq!((&topic["topic"], &topic["lag"]), (&json!("orders"), &json!(2)), "{lag}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn all_four_words_settle_in_one_call() {
    local(async {
        let scene = Scene::new().await;
        scene.gateway.log.create_topic("four", 1);
        for value in ["a", "b", "c", "d"] {
            scene.gateway.log.append("four", 0, value);
        }
        let consume = json!({"topic": "four", "group": "g", "max": 4});
        let claimed = done(scene.call("root", "consume", consume).await);
        let receipt = |at: usize| claimed["records"][at]["receipt"].clone();
        let arguments = json!({"topic": "four", "group": "g", "accept": [receipt(0)],
            "release": [receipt(1)], "reject": [receipt(2)], "renew": [receipt(3)], "lease": 60});
        let told = done(scene.call("root", "acknowledge", arguments).await);
        let statuses: Vec<_> =
            told["receipts"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
        assert_eq!(statuses, ["accepted", "released", "rejected", "renewed"]);
        // The one that was released comes again, and none of the others.
        let consume = json!({"topic": "four", "group": "g", "max": 4, "wait": 5});
        let again = done(scene.call("root", "consume", consume).await);
        assert_eq!(values(&again), ["b"]);
        let sentence =
            failed(scene.call("root", "acknowledge", json!({"topic": "four", "group": "g"})).await);
        assert!(sentence.contains("no receipt in any of the four words"), "{sentence}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn records_that_count_as_done_once_they_are_here_come_again_if_the_answer_is_lost() {
    local(async {
        let scene = Scene::new().await;
        let arguments = json!({"topic": "orders", "group": "g", "ack": "auto", "wait": 0});
        let lost = scene.send(tool_call(Era::Old, "consume", &arguments), "all", Way::Bearer).await;
        assert!(lost.on_sent.is_some());
        drop(lost);
        let again = done(scene.call("all", "consume", arguments.clone()).await);
        assert_eq!(again["records"].as_array().unwrap().len(), 3);
        assert_eq!(again["records"][0].get("receipt"), None);
        let nothing = done(scene.call("all", "consume", arguments).await);
        assert_eq!(nothing, json!({"records": []}));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn lists_say_what_there_is() {
    local(async {
        let scene = Scene::new().await;
        let topics = done(scene.call("all", "list_topics", json!({})).await);
        assert_eq!(topics, json!({"topics": [{"topic": "orders", "partitions": 2}]}));
        let groups = done(scene.call("all", "group_lag", json!({})).await);
        assert_eq!(groups["groups"].as_array().unwrap().len(), 2);
        assert_eq!(
            groups["groups"][0],
            json!({"group": "of-both", "topics": [{"topic": "orders"}]})
        );
        let subscriptions = done(scene.call("all", "list_subscriptions", json!({})).await);
        let subscription = &subscriptions["subscriptions"][0];
        assert_eq!(subscription["callback_url"], "https://h.test/orders?********");
        let sources = done(scene.call("all", "list_sources", json!({})).await);
        assert_eq!(sources["sources"].as_array().unwrap().len(), 1);
        let source = &sources["sources"][0];
        assert_eq!((&source["name"], &source["refused"]), (&json!("of-orders"), &json!(1)));
        let refusal = &source["refusals"][0];
        assert_eq!((&refusal["stage"], &refusal["reason"]), (&json!("verify"), &json!("mismatch")));
        assert!(refusal["headers"].as_array().unwrap().contains(&json!("x-token")), "{refusal}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_shows_some_refusals_and_one_source_all_of_them() {
    local(async {
        let scene = Scene::new().await;
        for _ in 0..5 {
            let event = crate::gateway::request(http::Method::POST, "/in/of-orders");
            assert_eq!(scene.gateway.send(event).await.taken().0, 401);
        }
        let count = async |arguments: Value| {
            let sources = done(scene.call("all", "list_sources", arguments).await);
            sources["sources"][0]["refusals"].as_array().unwrap().len()
        };
        assert_eq!(count(json!({})).await, 3);
        assert_eq!(count(json!({"name": "of-orders"})).await, 6);
    })
    .await;
}
