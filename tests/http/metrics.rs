//! `GET /metrics`.

use std::collections::BTreeSet;

use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use kafka_edge::host::{Clock, Host};
use kafka_edge::record::NewRecord;
use kafka_edge_sim::{Answer, Script, local};
use serde_json::{Value, json};

use crate::gateway::{Gateway, Taken, header, request};

/// The samples, by name and labels. Duplicates are refused here: promtool and Prometheus'
/// client for Python let them pass.
fn samples(text: &str) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        assert!(seen.insert(name.to_owned()), "{name} is there twice");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        (name.to_owned(), value.to_owned())
    });
    samples.collect()
}

fn value(text: &str, name: &str) -> Option<String> {
    samples(text).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

async fn scrape(gateway: &Gateway, target: &str) -> String {
    let (status, text) = gateway.get(target).await;
    assert_eq!(status, 200, "{text}");
    text.as_str().expect("a text").to_owned()
}

async fn ok(gateway: &Gateway, method: Method, target: &str, body: Value) -> Value {
    let (status, json) = gateway.json(method, target, &body).await;
    assert!((200..300).contains(&status), "{target}: {status} {json}");
    json
}

/// What every instance tells.
fn shared(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.contains("kafka_edge_instance_")).collect()
}

async fn scene() -> Gateway {
    let gateway = Gateway::open();
    gateway.log.create_topic("orders", 2);
    gateway.log.create_topic("logs.web", 1);
    for number in 0..10 {
        gateway.log.append("orders", number % 2, format!("a record {number}"));
    }
    for (group, topic) in [("billing", "orders"), ("billing", "logs.web"), ("audit", "orders")] {
        let seek = json!({"topic": topic, "to": "earliest"});
        ok(&gateway, Method::POST, &format!("/groups/{group}/seek"), seek).await;
    }
    let (_, page) = gateway.get("/consumer/orders?group=billing&ack=manual&max=3&wait=0").await;
    let receipts: Vec<_> =
        page["records"].as_array().unwrap().iter().map(|r| &r["receipt"]).collect();
    let reject = json!({"receipts": [receipts[0]]});
    ok(&gateway, Method::POST, "/consumer/orders/reject?group=billing", reject).await;
    gateway
}

#[tokio::test(start_paused = true)]
async fn groups_are_told_by_topic_as_the_api_tells_them() {
    local(async {
        let gateway = scene().await;
        let text = scrape(&gateway, "/metrics").await;
        for group in ["billing", "audit"] {
            let (_, described) = gateway.get(&format!("/groups/{group}")).await;
            for topic in described["topics"].as_array().unwrap() {
                let partitions = topic["partitions"].as_array().unwrap();
                let sum = |field: &str| -> i64 {
                    partitions.iter().map(|one| one[field].as_i64().unwrap()).sum()
                };
                let labels = format!("{{group=\"{group}\",topic={}}}", topic["topic"]);
                for (name, field) in [
                    ("kafka_edge_group_lag", "lag"),
                    ("kafka_edge_group_claimed", "claimed"),
                    ("kafka_edge_group_acquired", "acquired"),
                    ("kafka_edge_group_rejected_total", "rejected"),
                    ("kafka_edge_group_given_up_total", "given_up"),
                ] {
                    let told = value(&text, &format!("{name}{labels}"));
                    assert_eq!(told, Some(sum(field).to_string()), "{name}{labels}\n{text}");
                }
            }
        }
        assert_eq!(value(&text, "kafka_edge_scrape_lanes").as_deref(), Some("5"));
        assert_eq!(value(&text, "kafka_edge_scrape_left_out").as_deref(), Some("0"));
        let other = scrape(&gateway.restarted(), "/metrics").await;
        assert_eq!(shared(&text), shared(&other), "each instance tells the same");
        let rejected = "kafka_edge_group_rejected_total{group=\"billing\",topic=\"orders\"}";
        assert_eq!(value(&text, rejected).as_deref(), Some("1"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn sources_are_told_as_they_are_stored() {
    local(async {
        let gateway = scene().await;
        let token = json!({"token": {"header": "x-token"}, "secrets": ["a secret of the shop"]});
        let source = json!({"name": "shop", "topic": "orders", "verify": token});
        ok(&gateway, Method::POST, "/sources", source).await;
        for secret in ["a secret of the shop", "a guess"] {
            let mut event = request(Method::POST, "/in/shop");
            event.headers.push(header("x-token", secret.as_bytes()));
            gateway.send(event).await;
        }
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        for _ in 0..2 {
            let mut event = request(Method::POST, "/in/shop");
            event.headers.push(header("x-token", b"a guess"));
            gateway.send(event).await;
        }
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        let text = scrape(&gateway, "/metrics").await;
        let (_, shown) = gateway.get("/sources/shop").await;
        let statistics = &shown["statistics"];
        let told = |name: &str| value(&text, name).unwrap_or_else(|| panic!("{name}\n{text}"));
        let events = "kafka_edge_source_events_total{source=\"shop\",outcome=\"accepted\"}";
        assert_eq!(told(events), statistics["accepted"].to_string());
        let refused =
            "kafka_edge_source_refused_total{source=\"shop\",stage=\"verify\",reason=\"mismatch\"}";
        assert_eq!(told(refused), statistics["refused"]["verify/mismatch"].to_string());
        assert_eq!(told("kafka_edge_source_enabled{source=\"shop\"}"), "1");
        told("kafka_edge_source_last_seen_timestamp_seconds{source=\"shop\"}");
        assert_eq!(shared(&text), shared(&scrape(&gateway.restarted(), "/metrics").await));
    })
    .await;
}

/// Two subscriptions: one whose callback works, and one that has a breaker and whose callback
/// does not. Each was tried with two records.
async fn delivering() -> Gateway {
    let gateway = scene().await;
    let script = Script::always(Answer::body(200, ""));
    script.on("POST /fails", [Answer::body(500, "a record of theirs")]);
    gateway.world.set_upstream(script.upstream());
    let works = json!({"topics": ["orders"], "callback_url": "https://h.test/works"});
    ok(&gateway, Method::PUT, "/subscriptions/webhook_1", works).await;
    let fails = json!({"topics": ["orders", "logs.*"], "callback_url": "https://h.test/fails",
        "breaker": {"failures": 1, "cooldown": 60}, "auth": {"bearer": "a secret of theirs"}});
    ok(&gateway, Method::PUT, "/subscriptions/webhook_2", fails).await;
    for partition in [0, 1] {
        gateway.log.append("orders", partition, "a record");
    }
    for _ in 0..2 {
        ok(&gateway, Method::POST, "/subscriptions/deliver", json!({})).await;
        tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    }
    gateway
}

#[tokio::test(start_paused = true)]
async fn subscriptions_are_told_as_the_api_tells_them() {
    local(async {
        let gateway = delivering().await;
        let text = scrape(&gateway, "/metrics").await;
        let told = |name: &str| value(&text, name).unwrap_or_else(|| panic!("{name}\n{text}"));
        for id in ["webhook_1", "webhook_2"] {
            let (_, shown) = gateway.get(&format!("/subscriptions/{id}")).await;
            let labels = format!("{{subscription=\"{id}\",topic=\"orders\"}}");
            let lag = told(&format!("kafka_edge_subscription_lag{labels}"));
            assert_eq!(lag, shown["lag"].to_string(), "{shown}");
            for (name, total) in shown["totals"].as_object().unwrap() {
                let metric = format!("kafka_edge_subscription_{name}_total{labels}");
                assert_eq!(told(&metric), total.to_string(), "{name}: {shown}");
            }
        }
        let of = |name: &str, id: &str, topic: &str| {
            format!("kafka_edge_subscription_{name}{{subscription=\"{id}\",topic=\"{topic}\"}}")
        };
        assert_eq!(told(&of("delivered_total", "webhook_1", "orders")), "2");
        assert_ne!(told(&of("failed_total", "webhook_2", "orders")), "0");
        assert_eq!(told(&of("breaker_open", "webhook_1", "orders")), "0");
        assert_eq!(told(&of("breaker_open", "webhook_2", "orders")), "1");
        assert_eq!(told(&of("breaker_open", "webhook_2", "logs.web")), "0");
        assert_eq!(told(&of("lag", "webhook_2", "logs.web")), "0");
        assert_eq!(told(&of("oldest_age_seconds", "webhook_1", "orders")), "0.000");
        let age: f64 = told(&of("oldest_age_seconds", "webhook_2", "orders")).parse().unwrap();
        // The oldest record of orders is the sixth of its partition, and of that millisecond.
        let (_, shown) = gateway.get("/subscriptions/webhook_2").await;
        assert_eq!(shown["waiting_since"], "1970-01-01T00:00:00.005Z");
        let expected = (gateway.world.instance().now() - 5) as f64 / 1000.0;
        assert!((age - expected).abs() < 0.001, "{age} {expected}");
        // Of a record that nobody has tried to deliver, too.
        let now = gateway.world.instance().now();
        let record = NewRecord { value: Some("1".into()), ..NewRecord::default() };
        gateway.log.write("orders", 0, NewRecord { timestamp: Some(now - 70_000), ..record });
        let text = scrape(&gateway, "/metrics").await;
        let age = value(&text, &of("oldest_age_seconds", "webhook_1", "orders")).unwrap();
        assert_eq!(age, "70.000");

        let state = |text: &str, state: &str| {
            let name = format!(
                "kafka_edge_subscription_state{{subscription=\"webhook_1\",state=\"{state}\"}}"
            );
            value(text, &name).unwrap()
        };
        assert_eq!(["active", "paused", "disabled"].map(|one| state(&text, one)), ["1", "0", "0"]);
        ok(&gateway, Method::POST, "/subscriptions/webhook_1/pause", json!({})).await;
        let text = scrape(&gateway, "/metrics").await;
        assert_eq!(["active", "paused", "disabled"].map(|one| state(&text, one)), ["0", "1", "0"]);
        assert_eq!(shared(&text), shared(&scrape(&gateway.restarted(), "/metrics").await));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn subscriptions_are_chosen_and_share_the_partitions_of_a_scrape() {
    local(async {
        let gateway = delivering().await;
        let names = async |target: &str| -> Vec<String> {
            let text = scrape(&gateway, target).await;
            let lags = samples(&text).into_iter().map(|(name, _)| name);
            lags.filter(|name| name.contains("_lag{"))
                .map(|name| name.split_once('{').unwrap().1.replace(['"', '}'], ""))
                .collect()
        };
        let all = [
            "subscription=webhook_1,topic=orders",
            "subscription=webhook_2,topic=orders",
            "subscription=webhook_2,topic=logs.web",
        ];
        assert_eq!(names("/metrics?subscription=*").await, all);
        assert_eq!(names("/metrics?subscription=webhook_2").await, all[1..]);
        assert_eq!(names("/metrics?subscription=webhook_2&topic=l*").await, all[2..]);
        assert_eq!(names("/metrics?subscription=none").await, [""; 0]);
        let both = names("/metrics?group=audit&subscription=webhook_1").await;
        assert_eq!(both, ["group=audit,topic=orders", all[0]]);
        assert!(!names("/metrics?group=audit").await.join(" ").contains("subscription"));

        // What docs/metrics.md says of the price: two for the list of pages, a page, a
        // subscription, and a partition.
        let before = gateway.world.store_calls().reads;
        scrape(&gateway, "/metrics?subscription=*").await;
        assert_eq!(gateway.world.store_calls().reads - before, 2 * (1 + 1 + 2 + 5));

        gateway.log.create_topic("wide", 300);
        for id in ["webhook_3", "webhook_4"] {
            let wide = json!({"topics": ["wide"], "callback_url": format!("https://h.test/{id}")});
            ok(&gateway, Method::PUT, &format!("/subscriptions/{id}"), wide).await;
        }
        let told = |text: &str, name: &str| value(text, name).unwrap();
        let text = scrape(&gateway, "/metrics").await;
        // Five partitions of groups come first.
        assert_eq!(told(&text, "kafka_edge_scrape_lanes"), (5 + 5 + 300).to_string());
        assert_eq!(told(&text, "kafka_edge_scrape_left_out"), "1");
        let text = scrape(&gateway, "/metrics?subscription=webhook_4").await;
        assert_eq!(told(&text, "kafka_edge_scrape_left_out"), "0");

        // No more documents are read than partitions.
        for number in 100..700 {
            let paused =
                json!({"topics": ["orders"], "callback_url": format!("https://h.test/{number}")});
            ok(&gateway, Method::PUT, &format!("/subscriptions/webhook_x{number}"), paused).await;
        }
        let before = gateway.world.store_calls().reads;
        let text = scrape(&gateway, "/metrics?subscription=webhook_x*").await;
        let reads = gateway.world.store_calls().reads - before;
        assert_eq!(told(&text, "kafka_edge_scrape_lanes"), "500");
        assert_eq!(told(&text, "kafka_edge_scrape_left_out"), (600 - 250).to_string());
        assert_eq!(reads, 2 * (1 + 2 + 500 + 500));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_tells_what_it_has_done() {
    local(async {
        let gateway = delivering().await;
        let calls = |text: &str, of: &str| -> Option<u64> {
            let name = format!("kafka_edge_instance_calls_total{{of=\"{of}\"}}");
            value(text, &name).map(|count| count.parse().unwrap())
        };
        let before = scrape(&gateway, "/metrics").await;
        let reads = gateway.world.store_calls().reads;
        let after = scrape(&gateway, "/metrics").await;
        let made = calls(&after, "store").unwrap() - calls(&before, "store").unwrap();
        assert_eq!(made, (gateway.world.store_calls().reads - reads) as u64);
        assert_eq!(calls(&after, "request").unwrap() - calls(&before, "request").unwrap(), 1);
        assert!(calls(&after, "callback").unwrap() >= 3, "{after}");
        let time = value(&after, "kafka_edge_instance_call_seconds_total{of=\"callback\"}");
        assert!(time.is_some());
    })
    .await;
}

/// wasmCloud without a pool and Spin on Akamai have an instance for each request, and say that
/// instances are reused: they may be.
#[tokio::test(start_paused = true)]
async fn an_instance_tells_of_itself_from_its_second_request_on() {
    local(async {
        // What a thread counts is an instance's, and this test has one of its own.
        let gateway = Gateway::open();
        assert!(gateway.world.instance().capabilities().instances_reused);
        let first = scrape(&gateway, "/metrics").await;
        assert!(!first.contains("kafka_edge_instance_"), "{first}");
        let second = scrape(&gateway, "/metrics").await;
        let requests = value(&second, "kafka_edge_instance_calls_total{of=\"request\"}");
        assert_eq!(requests.as_deref(), Some("1"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_query_chooses_and_what_is_left_out_is_told() {
    local(async {
        let gateway = scene().await;
        gateway.create_source("github", "logs.web").await;
        let names = async |target: &str| -> Vec<String> {
            let text = scrape(&gateway, target).await;
            let lags = samples(&text).into_iter().map(|(name, _)| name);
            lags.filter(|name| name.starts_with("kafka_edge_group_lag") || name.contains("enabled"))
                .map(|name| name.split_once('{').unwrap().1.replace(['"', '}'], ""))
                .collect()
        };
        let all = [
            "group=audit,topic=orders",
            "group=billing,topic=logs.web",
            "group=billing,topic=orders",
            "source=github",
        ];
        assert_eq!(names("/metrics").await, all);
        assert_eq!(names("/metrics?group=billing").await, all[1..3]);
        assert_eq!(names("/metrics?group=b*&topic=orders").await, all[2..3]);
        assert_eq!(names("/metrics?topic=logs.*").await, [all[1], all[3]]);
        assert_eq!(names("/metrics?group=none").await, [""; 0]);
        for wrong in ["/metrics?groups=a", "/metrics?group=a&group=b"] {
            assert_eq!(gateway.get(wrong).await.0, 400, "{wrong}");
        }

        gateway.log.create_topic("wide", 300);
        gateway.log.create_topic("wider", 501);
        for (group, topic) in [("a", "wide"), ("b", "wide"), ("c", "wider"), ("d", "orders")] {
            let seek = json!({"topic": topic, "offsets": {"0": 0}});
            ok(&gateway, Method::POST, &format!("/groups/{group}/seek"), seek).await;
        }
        let before = gateway.world.store_calls().reads;
        let text = scrape(&gateway, "/metrics").await;
        let reads = gateway.world.store_calls().reads - before;
        assert_eq!(value(&text, "kafka_edge_scrape_left_out").as_deref(), Some("2"));
        assert_eq!(value(&text, "kafka_edge_scrape_lanes").as_deref(), Some("307"));
        // What docs/metrics.md says of the price.
        println!("{reads} reads for 307 partitions");
        // Two for each partition, each group on a topic and the three lists; one for the source.
        assert_eq!(reads, 2 * (307 + 5 + 3) + 1);
        let text = scrape(&gateway, "/metrics?group=b").await;
        assert_eq!(value(&text, "kafka_edge_scrape_lanes").as_deref(), Some("300"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn both_formats_are_served() {
    local(async {
        let gateway = scene().await;
        for (accept, content_type, end) in [
            ("*/*", "text/plain; version=0.0.4; charset=utf-8", false),
            (
                "application/openmetrics-text",
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                true,
            ),
        ] {
            let mut get = request(Method::GET, "/metrics");
            get.headers.push(header(ACCEPT.as_str(), accept.as_bytes()));
            let response = gateway.send(get).await;
            assert_eq!(response.header(&CONTENT_TYPE), Some(content_type));
            let text = String::from_utf8(response.whole_body().to_vec()).unwrap();
            assert_eq!(text.ends_with("\n# EOF\n"), end);
            samples(&text);
        }
    })
    .await;
}

/// Neither another's topics and groups, nor a record, a receipt or a secret.
#[tokio::test(start_paused = true)]
async fn no_credential_sees_what_is_not_its_own() {
    local(async {
        let gateway = delivering().await;
        let token = json!({"token": {"header": "x-token"}, "secrets": ["a secret of the shop"]});
        let source = json!({"name": "shop", "topic": "orders", "verify": token});
        ok(&gateway, Method::POST, "/sources", source).await;
        let (_, claimed) = gateway.get("/consumer/orders?group=audit&ack=manual&wait=0").await;
        let receipt = claimed["receipt"].as_str().unwrap().to_owned();
        let entry = |name: &str, allow: &[&str], topics: &[&str]| json!({"name": name, "secret": format!("secret-of-the-{name}"), "allow": allow, "topics": topics});
        let all = ["produce", "consume", "webhooks", "admin", "metrics"];
        let callers = [
            (entry("prometheus", &["metrics"], &["*"]), 200, true, true),
            (entry("of-orders", &["metrics"], &["orders"]), 200, true, false),
            (entry("of-logs", &["metrics"], &["logs.*"]), 200, false, true),
            (entry("of-none", &["metrics"], &["elsewhere"]), 200, false, false),
            (entry("everything", &all, &["*"]), 200, true, true),
            (entry("without", &all[..4], &["*"]), 403, false, false),
        ];
        gateway.world.set_variable("open_access", "");
        let credentials: Vec<_> = callers.iter().map(|(entry, ..)| entry.clone()).collect();
        gateway.world.set_variable("credentials", &Value::from(credentials).to_string());
        let gateway = gateway.restarted();
        for (entry, status, orders, logs) in callers {
            let mut get = request(Method::GET, "/metrics");
            let bearer = format!("Bearer {}", entry["secret"].as_str().unwrap());
            get.headers.push(header(AUTHORIZATION.as_str(), bearer.as_bytes()));
            let (answered, text) = gateway.send(get).await.taken();
            assert_eq!(answered, status, "{entry}");
            let text = text.to_string();
            assert_eq!(text.contains("orders"), orders, "{entry}: {text}");
            assert_eq!(text.contains("shop"), orders, "{entry}: {text}");
            assert_eq!(text.contains("logs.web"), logs, "{entry}: {text}");
            // The second one has topics of both.
            assert_eq!(text.contains("webhook_1"), orders, "{entry}: {text}");
            assert_eq!(text.contains("webhook_2"), orders && logs, "{entry}: {text}");
            for hidden in ["secret", "a record", &receipt] {
                assert!(!text.contains(hidden), "{entry}: {text}");
            }
        }
    })
    .await;
}
