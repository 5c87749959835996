//! `GET /metrics`.

use std::collections::BTreeSet;

use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use kafka_edge_sim::local;
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
        assert_eq!(text, other, "each instance tells the same");
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
        assert_eq!(text, scrape(&gateway.restarted(), "/metrics").await);
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
        // Two for each partition, each group on a topic and both lists; one for the source.
        assert_eq!(reads, 2 * (307 + 5 + 2) + 1);
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
        let gateway = scene().await;
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
            for hidden in ["secret", "a record", &receipt] {
                assert!(!text.contains(hidden), "{entry}: {text}");
            }
        }
    })
    .await;
}
