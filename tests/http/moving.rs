//! The set-up as a document: written, taken elsewhere, and taken again.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use kafka_edge::http::Request;
use kafka_edge_bounded_json::{Budget, parse};
use kafka_edge_schema::Schema;
use kafka_edge_sim::{SECRETS_KEY, StoreMode, local};
use serde_json::{Value, json};

use crate::gateway::{Gateway, Taken, header, request};

pub(crate) const PASSPHRASE: &str = "correct horse battery staple";

/// Another key for secrets than that of the other gateways.
pub(crate) const OTHER_KEY: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

/// Whether a document is as its schema says.
fn fits(document: &Value) -> bool {
    let schema = include_bytes!("../../docs/config.schema.json");
    let json = |text: &[u8]| parse(text, &mut Budget::default()).expect("it is JSON");
    let schema = Schema::compile(&json(schema)).expect("it is a schema");
    let document = json(document.to_string().as_bytes());
    schema.check(&document, &mut Budget::default()).expect("within the budget").is_ok()
}

pub(crate) fn exporting(query: &str, passphrase: Option<&str>) -> Request<Bytes> {
    let mut export = request(Method::GET, &format!("/config/export{query}"));
    export.headers.extend(passphrase.map(|text| header("X-Passphrase", text.as_bytes())));
    export
}

pub(crate) async fn export(gateway: &Gateway, query: &str) -> Value {
    let (status, document) = gateway.send(exporting(query, None)).await.taken();
    assert_eq!(status, 200, "{document}");
    document
}

pub(crate) async fn sealed(gateway: &Gateway) -> Value {
    let (status, document) = gateway.send(exporting("", Some(PASSPHRASE))).await.taken();
    assert_eq!(status, 200, "{document}");
    document
}

pub(crate) async fn answer(
    gateway: &Gateway,
    document: &Value,
    passphrase: Option<&str>,
    dry_run: bool,
) -> (u16, Value) {
    let target = format!("/config/apply{}", if dry_run { "?dry_run=true" } else { "" });
    let mut apply = request(Method::POST, &target);
    apply.headers.push(header("content-type", b"application/json"));
    apply.headers.extend(passphrase.map(|text| header("x-passphrase", text.as_bytes())));
    apply.body = document.to_string().into();
    gateway.send(apply).await.taken()
}

/// What is in the store, but for when to look for overdue deliveries, which is later.
async fn stored(gateway: &Gateway) -> BTreeMap<String, Option<Vec<u8>>> {
    gateway.world.looked_for_overdue().await;
    let mut store = gateway.world.store();
    store.remove("kafka-edge/2/overdue");
    store
}

/// Applies a document of which every entry is taken; returns `kind/name: what` of each.
pub(crate) async fn apply(
    gateway: &Gateway,
    document: &Value,
    passphrase: Option<&str>,
) -> Vec<String> {
    let before = stored(gateway).await;
    let (dry_status, dry) = answer(gateway, document, passphrase, true).await;
    assert_eq!(before, stored(gateway).await, "a dry run writes nothing");
    let (status, json) = answer(gateway, document, passphrase, false).await;
    assert_eq!((dry_status, status), (200, 200), "{dry} {json}");
    assert_eq!(dry["entries"], json["entries"], "a dry run says what is done");
    assert_eq!((&dry["dry_run"], &json["dry_run"]), (&json!(true), &json!(false)));
    what(&json)
}

pub(crate) fn what(json: &Value) -> Vec<String> {
    let entries = json["entries"].as_array().unwrap().iter();
    entries
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
            let needs = if entry["needs_secret"] == json!(true) { ", needs a secret" } else { "" };
            format!("{}/{}: {}{needs}", text("kind"), text("name"), text("what"))
        })
        .collect()
}

pub(crate) async fn made(gateway: &Gateway, method: Method, target: &str, body: Value) -> Value {
    let (status, json) = gateway.json(method, target, &body).await;
    assert!((200..300).contains(&status), "{target}: {status} {json}");
    json
}

/// A gateway that is set up with two of everything. Returns the secret of a credential.
async fn set_up() -> (Gateway, String) {
    let gateway = empty(SECRETS_KEY);
    let made = async |method, target, body| made(&gateway, method, target, body).await;
    let secret = made(
        Method::POST,
        "/credentials",
        json!({"name": "writer",
        "allow": ["produce", "consume"], "topics": ["t", "logs.*"], "rate": 7,
        "expires": "2999-01-01T00:00:00Z"}),
    )
    .await["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    made(Method::POST, "/credentials", json!({"name": "ops", "allow": ["admin"]})).await;
    let config = json!({"bootstrap_servers": "pkc-1.example.com:9092", "cluster_id": "lkc-1",
        "topic": "events", "api_key": "KEY", "api_secret": "a secret of Kafka"});
    let destination = json!({"name": "Event Stream", "type": "kafka", "config": config});
    made(Method::POST, "/destinations", destination).await;
    made(
        Method::PUT,
        "/sources/stripe",
        json!({"topic": "t", "dedupe": {"window": 60},
        "verify": {"provider": "stripe", "secrets": ["whsec_one", "whsec_two"]}}),
    )
    .await;
    made(
        Method::PUT,
        "/sources/open",
        json!({"topic": "t", "verify": {"none": {}}, "enabled": false,
        "destinations": ["gateway", "Event Stream"]}),
    )
    .await;
    // Numbers keep their digits, and members their order.
    let payload = json!({"z": 1, "a": "{{ now }}"}).to_string();
    let action = format!(
        r#"{{"title":"T","config":{{"type":"KAFKA","topic":"t","payload":{}}}}}"#,
        payload.replace('1', "12345678901234567890.50")
    );
    let mut put = request(Method::PUT, "/actions/order");
    put.headers.push(header("content-type", b"application/json"));
    put.body = action.into();
    assert_eq!(gateway.send(put).await.status, 201);
    made(Method::PUT, "/actions/plain", json!({"config": {"type": "KAFKA", "payload": {}}})).await;
    let subscription = json!({"topics": ["t", "audit.*"], "callback_url": "https://h.test/1",
        "from": "earliest", "sign": ["v1", "v1a"], "headers": {"x-tenant": "7"},
        "auth": {"basic": {"user": "ada", "password": "a password of a callback"}},
        "retry": {"delays": [1.5, 60]}, "exhausted": {"dead_letter": "t2"}, "disable_after": 0});
    made(Method::PUT, "/subscriptions/webhook_first", subscription).await;
    made(Method::POST, "/subscriptions/webhook_first/pause", json!({})).await;
    assert_eq!(gateway.get("/webhook/t/https://h.test/2").await.0, 201);
    for message in 0..6 {
        let (status, json) = gateway.get(&format!("/producer/t/{message}")).await;
        assert_eq!(status, 200, "{json}");
    }
    made(
        Method::PUT,
        "/groups/careful",
        json!({"delivery_limit": 5, "dead_letter": "t2",
        "lease": {"default": 60}}),
    )
    .await;
    let moved = json!({"topic": "t", "offsets": {"0": 2, "1": 1}});
    made(Method::POST, "/groups/careful/seek", moved).await;
    made(Method::POST, "/groups/grün%2F1/seek", json!({"topic": "t2", "to": "earliest"})).await;
    // One that has begun and has read of one partition only.
    assert_eq!(gateway.get("/consumer/t?group=reader").await.0, 200);
    (gateway, secret)
}

pub(crate) fn empty(key: &str) -> Gateway {
    let gateway = Gateway::open();
    gateway.log.create_topic("t2", 1);
    gateway.world.set_variable("secrets_key", key);
    gateway
}

/// The same Kafka behind another, empty store.
pub(crate) fn elsewhere(of: &Gateway, key: &str) -> Gateway {
    let log = of.log.clone();
    let connect = log.clone();
    let gateway = Gateway::connecting(kafka_edge_sim::World::new(7), log, move |_| connect.clone());
    gateway.world.set_variable("open_access", "true");
    gateway.world.set_variable("kafka_rest_url", "http://kafka.test:8082");
    gateway.world.set_variable("secrets_key", key);
    gateway
}

#[tokio::test(start_paused = true)]
async fn a_document_moves_all_of_it_to_an_empty_store_and_taken_again_changes_nothing() {
    local(async {
        let (from, secret) = set_up().await;
        let (plain, encrypted) = (export(&from, "").await, sealed(&from).await);
        let kinds = |document: &Value| {
            let entries = document["entries"].as_array().unwrap().iter();
            entries.map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let all =
            ["credential", "destination", "source", "action", "subscription", "group", "position"];
        let counts = all.map(|kind| kinds(&plain).iter().filter(|known| *known == kind).count());
        assert_eq!(counts, [2, 1, 2, 2, 2, 3, 3], "{plain}");
        assert!(fits(&plain) && fits(&encrypted), "{encrypted}");
        for (pointer, wrong) in [
            ("/version", json!(2)),
            ("/entries/0/settings/allow", json!(["root"])),
            ("/entries/3/kind", json!(7)),
            ("/entries/3/settings/verify", json!({"secrets": ["whsec_plain"]})),
            ("/entries/8/settings/secret", json!("whsec_plain")),
            ("/entries/8/settings/paused", json!("yes")),
            ("/encryption/salt", json!("short")),
        ] {
            let mut changed = encrypted.clone();
            *changed.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = wrong;
            assert!(!fits(&changed), "{pointer}");
        }
        let slow =
            StoreMode { latency: std::time::Duration::from_millis(20), ..StoreMode::default() };
        for (key, mode, with_secrets) in [
            (OTHER_KEY, StoreMode::default(), true),
            (SECRETS_KEY, slow, true),
            (SECRETS_KEY, StoreMode::default(), false),
            (OTHER_KEY, slow, false),
        ] {
            let to = elsewhere(&from, key);
            to.world.set_store_mode(mode);
            let (document, passphrase) = match with_secrets {
                true => (&encrypted, Some(PASSPHRASE)),
                false => (&plain, None),
            };
            let told = apply(&to, document, passphrase).await;
            assert!(told.iter().all(|entry| entry.contains(": create")), "{told:#?}");
            let waits: Vec<_> =
                told.iter().filter_map(|entry| entry.strip_suffix(", needs a secret")).collect();
            let lack =
                waits.iter().map(|entry| entry.split('/').next().unwrap()).collect::<Vec<_>>();
            let expected: &[&str] = if with_secrets {
                &[]
            } else {
                &[
                    "credential",
                    "credential",
                    "destination",
                    "source",
                    "subscription",
                    "subscription",
                ]
            };
            assert_eq!(lack, expected, "{told:#?}");
            // Another instance, which has read none of it.
            let to = to.restarted();
            assert_eq!(export(&to, "").await, plain, "the two exports are equal");
            let before = stored(&to).await;
            let again = apply(&to, document, passphrase).await;
            assert_eq!(before, stored(&to).await, "nothing is written");
            assert!(again.iter().all(|entry| entry.contains(": unchanged")), "{again:#?}");
            assert_eq!(export(&to, "").await, plain);

            // The credential works, if its hash came along.
            to.world.set_variable("open_access", "");
            let to = to.restarted();
            let mut call = request(Method::GET, "/producer/t/after");
            call.headers.push(header("authorization", format!("Bearer {secret}").as_bytes()));
            let status = to.send(call).await.status.as_u16();
            assert_eq!(status, if with_secrets { 200 } else { 401 });
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn secrets_are_in_no_export_and_encrypted_ones_are_bound_to_their_entry() {
    local(async {
        let (from, secret) = set_up().await;
        let (plain, encrypted) = (export(&from, "").await, sealed(&from).await);
        let stored = from.world.store();
        let hash = stored.values().flatten().find_map(|value| {
            let text = String::from_utf8_lossy(value).into_owned();
            text.split("sha256:").nth(1).map(|rest| rest[..64].to_owned())
        });
        let hash = hash.expect("a credential is stored by its hash");
        for secret in [
            "whsec_",
            "a password of a callback",
            "a secret of Kafka",
            &secret,
            SECRETS_KEY,
            &hash,
            PASSPHRASE,
        ] {
            assert!(!plain.to_string().contains(secret), "{plain}");
            assert!(!encrypted.to_string().contains(secret), "{encrypted}");
        }
        assert!(!plain.to_string().contains("sealed:"), "nor are they under the gateway's key");
        assert_eq!(plain.get("encryption"), None);
        assert_eq!(encrypted["encryption"]["kdf"], "argon2id");

        let to = elsewhere(&from, OTHER_KEY);
        let refused = |(status, json): (u16, Value)| (status, json["detail"].clone());
        let wrong = answer(&to, &encrypted, Some("correct horse battery stable"), false).await;
        assert_eq!(refused(wrong), (400, json!("passphrase")));
        assert_eq!(
            refused(answer(&to, &plain, Some(PASSPHRASE), false).await),
            (400, json!("passphrase"))
        );
        assert_eq!(
            refused(answer(&to, &encrypted, Some("short"), false).await),
            (400, json!("passphrase"))
        );
        let short = to.send(exporting("", Some("short"))).await.taken();
        assert_eq!(refused(short), (400, json!("passphrase")));
        let mut twice = exporting("", Some(PASSPHRASE));
        twice.headers.push(header("x-passphrase", b"another passphrase"));
        assert_eq!(refused(to.send(twice).await.taken()), (400, json!("passphrase")));
        assert!(to.world.store().is_empty(), "nothing is changed");

        // The secrets of one entry are not those of another.
        let mut moved = encrypted.clone();
        let place = |name: &str| {
            let entries = encrypted["entries"].as_array().unwrap();
            entries.iter().position(|entry| entry["name"] == name).unwrap()
        };
        let (writer, ops) = (place("writer"), place("ops"));
        moved["entries"][ops]["secrets"] = encrypted["entries"][writer]["secrets"].clone();
        let (status, json) = answer(&to, &moved, Some(PASSPHRASE), true).await;
        assert_eq!((status, &json["detail"]), (400, &json!("passphrase")), "{json}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_exists_keeps_its_secret_and_what_is_not_in_the_document_stays() {
    local(async {
        let (from, _) = set_up().await;
        let encrypted = sealed(&from).await;
        let to = elsewhere(&from, OTHER_KEY);
        let own = json!({"topic": "t2", "verify": {"token": {"header": "x-token"},
            "secrets": ["of its own"]}});
        for name in ["stripe", "own"] {
            made(&to, Method::PUT, &format!("/sources/{name}"), own.clone()).await;
        }
        let other = json!({"topic": "t", "offsets": {"0": 3}});
        made(&to, Method::POST, "/groups/careful/seek", other).await;

        let mut document = encrypted.clone();
        let mut entries = document["entries"].as_array().unwrap().clone();
        entries.retain(|entry| {
            let name = entry["name"].as_str().unwrap();
            entry["kind"] == "source" || name.starts_with("careful")
        });
        let stripe = entries.iter().position(|entry| entry["name"] == "stripe").unwrap();
        entries[stripe]["settings"].as_object_mut().unwrap().remove("dedupe");
        entries[stripe]["settings"]["verify"] = own["verify"].clone();
        entries[stripe]["settings"]["verify"]["secrets"] = json!(["********"]);
        // Its destination is not in this document.
        let open = entries.iter().position(|entry| entry["name"] == "open").unwrap();
        entries[open]["settings"].as_object_mut().unwrap().remove("destinations");
        document["entries"] = entries.into();
        let told = apply(&to, &document, Some(PASSPHRASE)).await;
        let expected = [
            "source/open: create",
            "source/stripe: replace",
            "group/careful: replace",
            "position/careful/t: create",
        ];
        assert_eq!(told, expected);
        let token = |token: &str| {
            let mut event = request(Method::POST, "/in/stripe");
            event.headers.push(header("x-token", token.as_bytes()));
            event.body = "{}".into();
            event
        };
        assert_eq!(to.send(token("of its own")).await.status, 200, "it keeps its secret");
        assert_eq!(to.send(token("whsec_one")).await.status, 401);
        let (status, _) = to.get("/sources/own").await;
        assert_eq!(status, 200, "what is not in the document stays");

        // A position that is there has moved on.
        let (_, group) = to.get("/groups/careful").await;
        let committed = group["topics"][0]["partitions"].as_array().unwrap().iter();
        let committed: Vec<_> = committed.map(|at| at["committed"].clone()).collect();
        assert_eq!(committed, [json!(3), json!(1)], "{group}");
        let told = apply(&to, &document, Some(PASSPHRASE)).await;
        assert_eq!(told[3], "position/careful/t: kept");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_needs_a_secret_does_nothing_before_it_is_given_one() {
    local(async {
        let (from, _) = set_up().await;
        let to = elsewhere(&from, OTHER_KEY);
        let plain = export(&from, "").await;
        apply(&to, &plain, None).await;
        let event = || {
            let mut event = request(Method::POST, "/in/stripe");
            event.body = "{}".into();
            event
        };
        assert_eq!(to.send(event()).await.status, 503);
        let (_, source) = to.get("/sources/stripe").await;
        assert_eq!(source["secret_gone"], json!(true), "{source}");
        let (status, json) = to.post_json("/secrets/rewrap", &json!({})).await;
        assert_eq!((status, &json["sources"]["key_gone"]), (200, &json!(0)), "{json}");

        // It may be changed, and works with its secret at once.
        let off = json!({"title": 1});
        assert_eq!(to.json(Method::PATCH, "/sources/stripe", &off).await.0, 400);
        made(&to, Method::PATCH, "/sources/stripe", json!({"proxies": 1})).await;
        let given = json!({"dedupe": null, "verify": {"provider": null, "token": {"header": "x-token"},
            "secrets": ["given"]}});
        let source = made(&to, Method::PATCH, "/sources/stripe", given).await;
        assert_eq!(source.get("secret_gone"), None, "{source}");
        let mut known = event();
        known.headers.push(header("x-token", b"given"));
        assert_eq!(to.send(known).await.status, 200);

        // A rotated credential has a secret; one that has none is named again.
        let (status, rotated) = to.post_json("/credentials/writer/rotate", &json!({})).await;
        assert_eq!(status, 200, "{rotated}");
        let told = apply(&to, &export(&from, "?kinds=credential").await, None).await;
        assert_eq!(
            told,
            ["credential/ops: unchanged, needs a secret", "credential/writer: unchanged"]
        );

        // Secrets that come later are taken.
        let told = apply(&to, &sealed(&from).await, Some(PASSPHRASE)).await;
        let taken: Vec<_> = told.iter().filter(|entry| entry.ends_with(": replace")).collect();
        assert_eq!(
            taken.len(),
            5, "ops, the destination, the source that was changed, and the two subscriptions: \
             {told:#?}"
        );
        assert!(!told.iter().any(|entry| entry.contains("needs")), "{told:#?}");
        // Nobody can say that a secret is missing, or that it is encrypted.
        for secret in ["sealed:1::", "sealed:1:00000000:AAAA"] {
            let hidden =
                json!({"topic": "t", "verify": {"provider": "stripe", "secrets": [secret]}});
            let (status, json) = to.json(Method::PUT, "/sources/hidden", &hidden).await;
            assert_eq!((status, &json["detail"]), (400, &json!("verify.secrets[0]")), "{json}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_entry_that_cannot_be_taken_is_told_of_and_the_others_are_done() {
    local(async {
        let gateway = empty(SECRETS_KEY);
        let entry = |kind: &str, name: &str, settings: Value| json!({"kind": kind, "name": name, "settings": settings});
        let mask = json!({"topic": "t", "name": "s", "verify": {"provider": "stripe", "secrets": ["********"]}});
        let with = |mut entry: Value, secrets: Value| {
            entry["secrets"] = secrets;
            entry
        };
        let plain = json!({"topic": "t", "name": "s", "verify": {"provider": "stripe", "secrets": ["whsec_hush"]}});
        let action = json!({"config": {"type": "KAFKA", "payload": {"a": "{{ env }}"}}});
        let rights = json!({"allow": ["produce"], "topics": ["t"]});
        let hook = |more: Value| {
            let mut hook = json!({"topics": ["t"], "callback_url": "https://h.test/hook"});
            hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            hook
        };
        for (entry, status, detail) in [
            (entry("router", "x", json!({})), 400, "kind"),
            (entry("source", "s", json!({})), 400, "verify"),
            (entry("source", "other", mask.clone()), 400, "name"),
            (entry("source", "s", plain), 400, "settings.verify.secrets"),
            (with(entry("source", "s", mask), json!(["a", "b"])), 400, "secrets"),
            (entry("action", "a", action), 400, "config.payload/a"),
            (with(entry("action", "a", json!({})), json!(["a"])), 400, "secrets"),
            (entry("credential", "c", json!({"allow": ["root"]})), 400, "allow"),
            (entry("credential", "c", json!({"allow": ["admin"], "secret": "x"})), 400, "settings"),
            (entry("credential", "c d", rights.clone()), 400, "name"),
            (with(entry("credential", "c", rights), json!(["a secret of my own"])), 400, "secrets"),
            (entry("group", "g", json!({"delivery_limit": 0})), 400, "delivery_limit"),
            (entry("group", "g", json!({"dead_letter": "gone"})), 404, ""),
            (entry("group", "g", json!({"of": 7})), 400, "of"),
            (entry("subscription", "first", hook(json!({}))), 422, "id"),
            (entry("subscription", "webhook_1", json!({})), 422, "topics"),
            (entry("subscription", "webhook_1", hook(json!({"topics": ["gone"]}))), 422, "topics[0]"),
            (entry("subscription", "webhook_1", hook(json!({"paused": 1}))), 422, "paused"),
            (entry("subscription", "webhook_1", hook(json!({"auth": {"bearer": "hush"}}))), 400, "settings"),
            (with(entry("subscription", "webhook_1", hook(json!({}))), json!(["a", "b"])), 400, "secrets"),
            (with(entry("subscription", "webhook_1", hook(json!({}))), json!(["whsec_hush"])), 422, "secret"),
            (entry("subscription", "webhook_1", hook(json!({"consent": "required"}))), 422, "consent"),
            (entry("position", "g", json!({"offsets": {}})), 400, "name"),
            (entry("position", "g/t", json!({"offsets": {"2": 1}})), 400, "settings.offsets"),
            (entry("position", "g/t", json!({"offsets": {"0": -1}})), 400, "settings.offsets"),
            (entry("position", "g/t", json!({"offset": 1})), 400, "settings"),
            (entry("position", "g/gone", json!({"offsets": {}})), 404, ""),
        ] {
            let fine = json!({"kind": "group", "name": "fine", "settings": {"max_claimed": 9}});
            let document = json!({"version": 1, "entries": [entry, fine]});
            for dry_run in [true, false] {
                let (answered, json) = answer(&gateway, &document, None, dry_run).await;
                let failed = json["entries"].as_array().unwrap().iter().find(|e| e.get("error").is_some());
                let failed = failed.unwrap_or_else(|| panic!("{document}: {json}"));
                assert_eq!((answered, &failed["status"]), (status, &json!(status)), "{document}: {json}");
                let named = failed["detail"].as_str().unwrap_or_default();
                assert!(named.starts_with(detail), "{document}: {json}");
                assert!(!json.to_string().contains("hush"), "{json}");
                assert_eq!(json["entries"].as_array().unwrap().len(), 2, "{json}");
            }
            assert_eq!(gateway.get("/groups/fine").await.0, 200, "the other entry is done");
            assert_eq!(gateway.call(Method::DELETE, "/groups/fine").await.0, 204);
        }
        let twice = json!({"version": 1, "entries": [entry("group", "g", json!({})), entry("group", "g", json!({"max_claimed": 1}))]});
        let (status, json) = answer(&gateway, &twice, None, false).await;
        assert_eq!((status, &json["entries"][1]["detail"]), (400, &json!("name")), "{json}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_document_is_refused_whole() {
    local(async {
        let gateway = empty(SECRETS_KEY);
        let entries = vec![json!({"kind": "group", "name": "g", "settings": {}}); 2_001];
        for (document, detail) in [
            (json!([]), "body"),
            (json!({"entries": []}), "version"),
            (json!({"version": 1}), "entries"),
            (json!({"version": 1, "entries": [{"kind": "group"}]}), "entries[0].name"),
            (json!({"version": 1, "entries": [], "more": "whsec_hush"}), "more"),
            (json!({"version": "whsec_hush", "entries": []}), "version"),
            (json!({"version": 2, "entries": []}), "version"),
            (json!({"version": 1, "versions": {"group": 2}, "entries": []}), "version"),
            (json!({"version": 1, "entries": entries}), "entries"),
        ] {
            let (status, json) = answer(&gateway, &document, None, false).await;
            assert_eq!((status, &json["detail"]), (400, &json!(detail)), "{json}");
            assert!(!json.to_string().contains("hush"), "{json}");
        }
        let unknown = json!({"version": 1, "versions": {"router": 9}, "entries": []});
        assert_eq!(answer(&gateway, &unknown, None, false).await.0, 200);
        assert_eq!(gateway.post_json("/config/apply?dry_run=yes", &unknown).await.0, 400);
        assert!(gateway.world.store().is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_document_comes_in_parts_and_never_in_part_without_saying_so() {
    local(async {
        let (gateway, _) = set_up().await;
        let whole = export(&gateway, "").await;
        for limit in [1, 2, 5, 13, 2_000] {
            let (mut entries, mut after, mut parts) = (Vec::new(), String::new(), 0);
            loop {
                let part = export(&gateway, &format!("?limit={limit}{after}")).await;
                let of_part = part["entries"].as_array().unwrap().clone();
                assert!(of_part.len() <= limit);
                entries.extend(of_part);
                parts += 1;
                let Some(next) = part["next"].as_str() else { break };
                let next = next.replace('/', "%2F").replace("ü", "%C3%BC");
                after = format!("&after={next}");
            }
            assert_eq!(&Value::from(entries), &whole["entries"]);
            assert_eq!(parts, 15_usize.div_ceil(limit));
        }
        let some = export(&gateway, "?kinds=group,credential").await;
        let names: Vec<_> =
            some["entries"].as_array().unwrap().iter().map(|entry| entry["name"].clone()).collect();
        assert_eq!(names, ["ops", "writer", "careful", "grün/1", "reader"]);
        for (query, detail) in [
            ("?kinds=router", "kinds"),
            ("?after=router/x", "after"),
            ("?limit=0", "limit"),
            ("?limit=2001", "limit"),
            ("?passphrase=abcdefghijklmnop", "passphrase"),
        ] {
            let (status, json) = gateway.send(exporting(query, None)).await.taken();
            assert_eq!((status, &json["detail"]), (400, &json!(detail)), "{query}: {json}");
        }
        // More than a document holds.
        let many = 20;
        for number in 0..many {
            let payload = vec!["x".repeat(1_000); 7];
            let config = json!({"config": {"type": "KAFKA", "payload": {"p": payload}}});
            made(&gateway, Method::PUT, &format!("/actions/large-{number}"), config).await;
        }
        assert_eq!(export(&gateway, "").await["entries"].as_array().unwrap().len(), 15 + many);
    })
    .await;
}
