//! What becomes of an event, one case after the other.

use std::time::Duration;

use http::Method;
use kafka_edge::error::{Error, ErrorKind};
use kafka_edge_sim::local;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::log::LogFaults;
use crate::scene::{Clusters, Scene, destination, request};

const ALL: [&str; 3] = ["gateway", "A", "B"];
/// For how long an instance uses its copy of the list.
const A_WHILE: Duration = Duration::from_secs(5);

async fn scene() -> (Scene, Clusters) {
    let clusters = Clusters::new(1, LogFaults::default());
    (Scene::with_destinations(1, &clusters).await, clusters)
}

fn counts(clusters: &Clusters) -> [usize; 3] {
    ALL.map(|name| clusters.of(name).log.records("t", 0).len())
}

fn headers(clusters: &Clusters, name: &str) -> Vec<(String, String)> {
    let record = clusters.of(name).log.records("t", 0).pop().expect("a record");
    let headers = record.headers.expect("the log has headers").into_iter();
    let text = |value: Option<bytes::Bytes>| String::from_utf8(value.unwrap().to_vec()).unwrap();
    headers.map(|header| (header.name, text(header.value))).collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_goes_to_all_of_them_with_its_id() {
    local(async {
        let (scene, clusters) = scene().await;
        scene.source("s", json!(["A", "gateway", "B"]), json!({})).await;
        let one = scene.instance();
        let taken = one.event("s", "e1").await.unwrap();
        assert_eq!(
            taken.json,
            json!({"records": [
                {"topic": "t", "partition": 0, "offset": 0},
                {"destination": "A", "topic": "t", "partition": 0, "offset": 0},
                {"destination": "B", "topic": "t", "partition": 0, "offset": 0},
            ]})
        );
        let id = one.get("/destinations/A").await.json["id"].as_str().unwrap().to_owned();
        let own = ("content-type".to_owned(), "application/json".to_owned());
        assert_eq!(headers(&clusters, "gateway"), std::slice::from_ref(&own));
        let added = [("kafka-edge-event-id", "e1"), ("kafka-edge-destination-id", &id)];
        let added = added.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(headers(&clusters, "A"), [[own].to_vec(), added.to_vec()].concat());

        let mut repeated = taken.json.clone();
        repeated["repeat"] = json!(true);
        for instance in [one, scene.instance()] {
            let again = instance.event("s", "e1").await.unwrap();
            assert!(again.is_repeat());
            assert_eq!(again.json["records"], repeated["records"]);
        }
        assert_eq!(counts(&clusters), [1; 3]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_told_and_only_that_is_written_again() {
    local(async {
        let (scene, clusters) = scene().await;
        scene.source("s", json!(ALL), json!({})).await;
        let detail = "HTTP 500: a text of the server's own".to_owned();
        for (number, (error, status, sentence)) in [
            (ErrorKind::UnknownTopic("t".into()), 404, "The destination has no such topic"),
            (
                ErrorKind::TooLarge { size: 7, limit: 5 },
                413,
                "The record is too large for the destination",
            ),
            (
                ErrorKind::Throttled { retry_after: Duration::from_secs(7) },
                429,
                "The destination's Kafka takes no more calls for now",
            ),
            (
                ErrorKind::PermissionDenied { known: false, detail: detail.clone() },
                502,
                "The destination's Kafka does not know the key",
            ),
            (
                ErrorKind::PermissionDenied { known: true, detail: detail.clone() },
                502,
                "The destination's Kafka does not allow this to the key",
            ),
            (ErrorKind::Upstream { detail: detail.clone() }, 502, "The destination's Kafka failed"),
            (
                ErrorKind::Unreachable { detail: detail.clone() },
                503,
                "The destination's Kafka cannot be reached",
            ),
            (
                ErrorKind::Unconfigured(detail.clone()),
                503,
                "The destination's Kafka does not have the cluster, or does not say which one it \
                 has",
            ),
            (ErrorKind::Timeout, 504, "The destination's Kafka took too long to answer"),
            (
                ErrorKind::OutcomeUnknown { detail: detail.clone() },
                504,
                "Unknown outcome: the record may or may not be at the destination",
            ),
            (
                Error::invalid("record", detail.clone()).into_kind(),
                422,
                "The destination's Kafka has refused the record",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let before = counts(&clusters);
            clusters.a.log.set_failure_of("produce", error.into());
            let id = format!("e{number}");
            for instance in [scene.instance(), scene.instance()] {
                let failed = instance.event("s", &id).await.unwrap();
                assert_eq!(failed.error(), (status, sentence, "A"), "{failed:?}");
                assert_eq!(failed.retry_after, (status == 429).then_some(7));
            }
            assert_eq!(counts(&clusters), [before[0] + 1, before[1], before[2] + 1]);
            clusters.a.log.clear_failures();
            let taken = scene.instance().event("s", &id).await.unwrap();
            assert!(taken.is_taken() && !taken.is_repeat(), "{taken:?}");
            assert_eq!(taken.destinations(), ALL);
            assert_eq!(counts(&clusters), before.map(|count| count + 1));
        }
        let reported = scene.world.reported().join("\n");
        assert!(reported.contains("destination-failed"), "{reported}");
        assert!(!reported.contains("server's own"), "{reported}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_without_an_id_is_written_to_all_of_them_again() {
    local(async {
        let (scene, clusters) = scene().await;
        scene.source("s", json!(["gateway", "A"]), json!({"dedupe": null})).await;
        let one = scene.instance();
        for count in 1..=2 {
            assert!(one.event("s", "e").await.unwrap().is_taken());
            assert_eq!(counts(&clusters), [count, count, 0]);
        }
        let ids: Vec<_> = headers(&clusters, "A").into_iter().map(|(_, value)| value).collect();
        assert_eq!((ids[1].len(), ids.len()), (32, 3), "{ids:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_switched_off_refuses_events_or_is_left_out() {
    local(async {
        let (scene, clusters) = scene().await;
        let one = scene.instance();
        scene.source("needs", json!(["gateway", "A"]), json!({})).await;
        let optional = json!(["gateway", {"name": "A", "optional": true}]);
        scene.source("spares", optional.clone(), json!({})).await;
        let alone = json!([{"name": "A", "optional": true}]);
        scene.source("alone", alone, json!({"topic": null})).await;
        let shown = one.get("/sources/spares").await;
        assert_eq!(shown.json["destinations"], optional);
        let off = one.call(Method::PATCH, "/destinations/A", &json!({"enabled": false})).await;
        assert_eq!(off.status, 200);
        sleep(A_WHILE).await;
        let refused = one.event("needs", "e").await.unwrap();
        assert_eq!(refused.error(), (503, "The destination is switched off", "A"));
        assert_eq!(counts(&clusters), [0; 3], "nothing is written anywhere");
        let taken = one.event("spares", "e").await.unwrap();
        assert_eq!((taken.status, taken.destinations()), (200, vec!["gateway"]));
        let refused = one.event("alone", "e").await.unwrap();
        let sentence = "Every destination of the source is switched off";
        assert_eq!(refused.error(), (503, sentence, ""));

        let on = one.call(Method::PATCH, "/destinations/A", &json!({"enabled": true})).await;
        assert_eq!(on.status, 200);
        sleep(A_WHILE).await;
        assert_eq!(one.event("needs", "e").await.unwrap().destinations(), ["gateway", "A"]);
        let repeat = one.event("spares", "e").await.unwrap();
        assert!(repeat.is_repeat(), "it was done without it");
        assert_eq!(one.event("alone", "e").await.unwrap().destinations(), ["A"]);
        let statistics = &one.get("/sources/needs").await.json["statistics"];
        assert_eq!(statistics["refused"], json!({"produce/destination-off": 1}));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn json_is_all_that_some_take() {
    local(async {
        let (scene, clusters) = scene().await;
        let one = scene.instance();
        let json_only = json!({"format": "json", "header_prefix": "hook-"});
        assert_eq!(one.call(Method::PATCH, "/destinations/B", &json_only).await.status, 200);
        sleep(A_WHILE).await;
        scene.source("s", json!(ALL), json!({})).await;
        let mut event = request(Method::POST, "/in/s", &Value::Null);
        event.body = "a=1".into();
        let refused = one.send(event).await.unwrap();
        let sentence = "The event is not JSON, which is all that a destination takes";
        assert_eq!(refused.error(), (422, sentence, "B"));
        assert_eq!(counts(&clusters), [0; 3], "nothing is written anywhere");
        assert!(one.event("s", "e").await.unwrap().is_taken());
        assert_eq!(headers(&clusters, "B")[1].0, "hook-event-id");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_for_the_gateways_own_kafka() {
    local(async {
        let (scene, clusters) = scene().await;
        clusters.own.log.create_topic("dead", 1);
        let more = json!({"topic": null,
            "validate": {"schema": {"required": ["no"]}, "on_failure": {"dead_letter": "dead"}}});
        scene.source("s", json!(["A"]), more).await;
        let one = scene.instance();
        let dead = one.event("s", "e").await.unwrap();
        assert_eq!(dead.status, 202, "{dead:?}");
        let place = json!([{"topic": "dead", "partition": 0, "offset": 0}]);
        assert_eq!(dead.json, json!({"dead_letter": true, "records": place}));
        let again = one.event("s", "e").await.unwrap();
        assert_eq!(again.json, json!({"repeat": true, "records": place}));
        assert_eq!(counts(&clusters), [0; 3]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_memory_outlasts_a_change_of_the_destinations() {
    local(async {
        let (scene, clusters) = scene().await;
        scene.source("s", json!(["gateway", "A"]), json!({})).await;
        let one = scene.instance();
        let change = async |destinations: Value| {
            let patch = json!({"destinations": destinations});
            assert_eq!(one.call(Method::PATCH, "/sources/s", &patch).await.status, 200);
            sleep(A_WHILE).await;
        };
        clusters.a.log.set_failure_of("produce", ErrorKind::Timeout.into());
        assert_eq!(one.event("s", "part").await.unwrap().status, 504);
        assert!(one.event("s", "done").await.unwrap().status == 504);
        clusters.a.log.clear_failures();
        assert!(one.event("s", "done").await.unwrap().is_taken());
        assert_eq!(counts(&clusters), [2, 1, 0]);

        // What the gateway's own Kafka has is not written to it again.
        change(json!(null)).await;
        let own = scene.instance().event("s", "part").await.unwrap();
        assert!(own.is_repeat(), "{own:?}");
        assert_eq!(own.destinations(), ["gateway"], "{own:?}");
        assert_eq!(counts(&clusters), [2, 1, 0]);
        // An event that is done is done.
        let done = scene.instance().event("s", "done").await.unwrap();
        assert!(done.is_repeat(), "{done:?}");
        assert_eq!(done.json["records"].as_array().unwrap().len(), 2);

        change(json!(["B", "gateway"])).await;
        let done = scene.instance().event("s", "done").await.unwrap();
        assert!(done.is_repeat(), "{done:?}");
        clusters.b.log.set_failure_of("produce", ErrorKind::Timeout.into());
        assert_eq!(one.event("s", "next").await.unwrap().status, 504);
        change(json!(["A", "B"])).await;
        clusters.b.log.clear_failures();
        assert_eq!(one.event("s", "next").await.unwrap().destinations(), ["A", "B"]);
        assert_eq!(counts(&clusters), [3, 2, 1]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_promised_is_written_to_all_of_them() {
    local(async {
        let (scene, clusters) = scene().await;
        scene.source("s", json!(ALL), json!({"answer": {"ack": "none"}})).await;
        let one = scene.instance();
        let promised = one.event("s", "e").await.unwrap();
        assert_eq!(promised.status, 202);
        one.host.idle().await;
        assert_eq!(counts(&clusters), [1; 3]);
        assert!(scene.instance().event("s", "e").await.unwrap().is_repeat());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_source_names_destinations_that_are_there() {
    local(async {
        let (scene, _) = scene().await;
        let one = scene.instance();
        let id = one.get("/destinations/A").await.json["id"].as_str().unwrap().to_owned();
        let nine: Vec<_> = (0..9).map(|number| format!("d{number}")).collect();
        for (destinations, detail, error) in [
            (json!(["A", "C"]), "destinations[1]", "There is no such destination"),
            (json!(["A", "A"]), "destinations[1]", "It is named twice"),
            (json!(["A", id]), "destinations[1]", "It is named twice"),
            (json!(nine), "destinations", "More than 8 destinations"),
            (
                json!([{"name": "gateway", "optional": true}]),
                "destinations[0]",
                "The gateway's own Kafka cannot be switched off, nor be optional",
            ),
        ] {
            let source = json!({"name": "s", "topic": "t", "verify": {"none": {}},
                "destinations": destinations});
            let refused = one.post("/sources", &source).await;
            assert_eq!(refused.error(), (400, error, detail));
            let refused = one.call(Method::PUT, "/sources/s", &source).await;
            assert_eq!(refused.error(), (400, error, detail));
        }
        for destinations in
            [json!("A"), json!([7]), json!([{"optional": true}]), json!([{"name": "A", "x": 1}])]
        {
            let source = json!({"name": "s", "topic": "t", "verify": {"none": {}},
                "destinations": destinations});
            assert_eq!(one.post("/sources", &source).await.status, 400, "{destinations}");
        }
        let topicless = json!({"name": "s", "verify": {"none": {}}, "destinations": ["gateway"]});
        assert_eq!(one.post("/sources", &topicless).await.error().2, "topic");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_kafka_is_for_admins() {
    local(async {
        let (scene, _) = scene().await;
        scene.world.set_variable("open_access", "");
        let credential = |name: &str, allow: Value| {
            json!({"name": name, "secret": format!("a-secret-of-the-{name}"), "topics": ["*"], "allow": allow})
        };
        let credentials = json!([
            credential("owner", json!(["webhooks", "produce"])),
            credential("admin", json!(["webhooks", "produce", "admin"])),
        ]);
        scene.world.set_variable("credentials", &credentials.to_string());
        let one = scene.instance();
        let by = async |name: &str, method: Method, target: &str, body: &Value| {
            let mut call = request(method, target, body);
            call.headers.push(("x-api-key".into(), format!("a-secret-of-the-{name}").into()));
            one.send(call).await.unwrap()
        };
        let source = |destinations: Value| {
            json!({"name": "s", "topic": "t", "verify": {"none": {}}, "destinations": destinations})
        };
        let made = by("owner", Method::POST, "/sources", &source(json!(["gateway"]))).await;
        assert_eq!(made.status, 201);
        let away = source(json!(["A"]));
        let refused = by("owner", Method::PUT, "/sources/s", &away).await;
        assert_eq!(refused.status, 403);
        assert!(refused.error().2.contains("\"admin\""), "{refused:?}");
        assert_eq!(by("admin", Method::PUT, "/sources/s", &away).await.status, 200);
        assert_eq!(by("owner", Method::GET, "/sources/s", &Value::Null).await.status, 403);
        let all = by("owner", Method::GET, "/sources", &Value::Null).await;
        assert_eq!(all.json, json!({"sources": []}));
        for target in ["/destinations", "/v1/destinations"] {
            assert_eq!(by("owner", Method::GET, target, &Value::Null).await.status, 403);
            assert_eq!(by("admin", Method::GET, target, &Value::Null).await.status, 200);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn trying_a_source_shows_its_destinations() {
    local(async {
        let (scene, clusters) = scene().await;
        let one = scene.instance();
        scene.source("own", json!([]), json!({})).await;
        let trial = one.post("/sources/own/test", &json!({"event": {"id": 1}})).await;
        assert_eq!(trial.json.get("destinations"), None);
        let made = one.post("/destinations", &destination("C", "a")).await;
        assert_eq!(made.status, 201);
        let optional = json!({"name": "C", "optional": true});
        scene.source("s", json!(["gateway", "A", optional, "B"]), json!({})).await;
        let off = json!({"enabled": false});
        for name in ["B", "C"] {
            let target = format!("/destinations/{name}");
            assert_eq!(one.call(Method::PATCH, &target, &off).await.status, 200);
        }
        let json = json!({"format": "json"});
        assert_eq!(one.call(Method::PATCH, "/destinations/A", &json).await.status, 200);
        sleep(A_WHILE).await;
        let id = one.get("/destinations/A").await.json["id"].clone();
        let trial = one.post("/sources/s/test", &json!({"event": {"id": 1}})).await;
        let sentence = "The destination is switched off";
        assert_eq!(
            trial.json["destinations"],
            json!([
                {"name": "gateway", "outcome": "written"},
                {"name": "A", "id": id, "topic": "t", "format": "json", "outcome": "written"},
                {"name": "C", "optional": true, "outcome": "left-out", "error": sentence},
                {"name": "B", "outcome": "refused", "error": sentence},
            ])
        );
        assert_eq!(trial.json["events"][0]["outcome"], json!("written"));
        let trial = one.post("/sources/s/test", &json!({"body": "a=1"})).await;
        assert_eq!(trial.json["events"][0]["refused"]["reason"], json!("not-json"));
        assert_eq!(counts(&clusters), [0; 3]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_whose_key_is_gone_fails_the_event() {
    local(async {
        let (scene, clusters) = scene().await;
        let mut with_key = destination("K", "a");
        with_key["config"]["api_key"] = json!("KEY");
        with_key["config"]["api_secret"] = json!("hush");
        assert_eq!(scene.instance().post("/destinations", &with_key).await.status, 201);
        scene.source("s", json!(["gateway", "K"]), json!({})).await;
        assert!(scene.instance().event("s", "e").await.unwrap().is_taken());
        scene.world.set_variable("secrets_key", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
        let failed = scene.instance().event("s", "f").await.unwrap();
        let sentence =
            "The secret of the destination cannot be read: its key is not in secrets_key";
        assert_eq!(failed.error(), (503, sentence, "K"));
        assert_eq!(counts(&clusters), [1, 1, 0]);
    })
    .await;
}
