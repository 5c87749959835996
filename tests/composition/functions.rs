//! Every function of the interface does what it is there for.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::caller::{self, Arguments, Caller};
use crate::interface::Interface;
use crate::kafka::{Kafka, Trouble};

/// What a component went through, and which functions it called.
struct Story {
    caller: Caller,
    called: BTreeSet<String>,
}

impl Story {
    /// Makes a call that goes well.
    async fn call(&mut self, function: &str, arguments: Arguments) -> String {
        self.called.insert(function.to_owned());
        let outcome = self.caller.call(function, arguments).await;
        outcome.unwrap_or_else(|error| panic!("{function}: {error:?}"))
    }

    /// Makes a call, in whose answer there is all of this, in this order.
    async fn expect(&mut self, function: &str, arguments: Arguments, expected: &[&str]) -> String {
        let answer = self.call(function, arguments).await;
        let mut rest = answer.as_str();
        for part in expected {
            let found = rest.split_once(part);
            rest = found.unwrap_or_else(|| panic!("{function}: no {part} in {answer}")).1;
        }
        answer
    }
}

/// The first text in an answer that stands behind this.
fn behind(answer: &str, name: &str) -> String {
    let found = answer.split_once(&format!("{name}: \"")).or_else(|| {
        // An option.
        answer.split_once(&format!("{name}: Some(\""))
    });
    let text = found.and_then(|(_, rest)| rest.split('"').next());
    text.unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

fn with() -> Arguments {
    Arguments::default()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_does_what_it_is_there_for() {
    let host = caller::host().variables(caller::variables());
    let host = host.upstream(Kafka::new().upstream(Trouble::None));
    let mut story = Story { caller: Caller::start(host), called: BTreeSet::new() };

    story.expect("consumer.ready", with(), &["()"]).await;
    produces(&mut story).await;
    consumes(&mut story).await;
    claims(&mut story).await;
    sets_groups(&mut story).await;
    follows(&mut story).await;
    moves_groups(&mut story).await;
    looks_at_topics(&mut story).await;
    has_subscriptions(&mut story).await;
    has_sources(&mut story).await;
    has_destinations(&mut story).await;
    has_actions(&mut story).await;
    has_credentials(&mut story).await;
    produces_once(&mut story).await;
    moves_all_of_it(&mut story).await;

    assert_eq!(story.called, Interface::exported().functions, "each function is called above");
}

/// Three records in partition 1; the last one is a tombstone.
async fn produces(story: &mut Story) {
    let one = Arguments { text: "one".into(), ..with() };
    story.expect("producer.send", one, &["partition: 1", "offset: 0"]).await;
    let two = Arguments { text: "two".into(), ..with() };
    story.expect("producer.send-many", two, &["[Ok(", "offset: 1", "Ok(", "offset: 2"]).await;
}

async fn consumes(story: &mut Story) {
    let first = ["topic: \"orders\"", "headers: Some(", "from", "partition: 1", "offset: 0"];
    story.expect("consumer.next", with(), &first).await;
    story.expect("consumer.next-page", with(), &["offset: 1"]).await;
}

async fn claims(story: &mut Story) {
    let claim = Arguments { time: 5000, ..with() };
    let tombstone = ["value: None", "offset: 2", "delivery-count: 1"];
    let claimed = story.expect("consumer.claim", claim.clone(), &tombstone).await;
    let receipts = vec![behind(&claimed, "receipt"), "nonsense".to_owned()];
    let back = Arguments { receipts, time: 0, ..with() };
    story.expect("consumer.nack", back, &["Done", "Unknown"]).await;

    let again = ["offset: 2", "delivery-count: 2"];
    let claimed = story.expect("consumer.claim", claim.clone(), &again).await;
    let back = Arguments { receipts: vec![behind(&claimed, "receipt")], time: 0, ..with() };
    story.expect("consumer.release", back, &["Done"]).await;
    let again = ["offset: 2", "delivery-count: 3"];
    let claimed = story.expect("consumer.claim", claim, &again).await;
    let receipts = vec![behind(&claimed, "receipt")];
    let longer = Arguments { receipts: receipts.clone(), time: 60_000, ..with() };
    story.expect("consumer.renew", longer, &["Done"]).await;
    story.expect("consumer.ack", Arguments { receipts, ..with() }, &["Done"]).await;

    let committed = "committed: Some(3), claimed: 0, acquired: 0, available: Some(0), rejected: 0, \
                     given-up: 0, oldest-claim: None, end: Some(3), lag: Some(0)";
    while !story.call("consumer.describe-group", with()).await.contains(committed) {
        // An acknowledgement counts at once, and is told of a little later.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    story.expect("consumer.list-groups", with(), &["name: \"shop\", topics: [\"orders\"]"]).await;
}

async fn sets_groups(story: &mut Story) {
    let group = || Arguments { name: "careful".into(), time: 5000, ..with() };
    let settings = |text: &str| Arguments { text: text.into(), ..group() };
    let limited = ["settings: \"{\\\"delivery_limit\\\":5}\"", "tag: "];
    story.expect("consumer.put-group", settings(r#"{"delivery_limit":5}"#), &limited).await;
    let shown = story.expect("consumer.get-group", group(), &limited).await;
    let patch = settings(r#"{"max_claimed":1}"#);
    let patch = Arguments { tag: behind(&shown, "tag"), ..patch };
    story.expect("consumer.patch-group", patch, &["delivery_limit", "max_claimed"]).await;

    let many = Arguments { max: 5, ..group() };
    let claimed = story.expect("consumer.claim", many.clone(), &["offset: 0"]).await;
    assert!(!claimed.contains("offset: 1"), "{claimed}");
    let receipts = vec![behind(&claimed, "receipt")];
    story.expect("consumer.reject", Arguments { receipts, ..group() }, &["Done"]).await;
    let claimed = story.expect("consumer.claim", many, &["offset: 1"]).await;
    let standing = [
        "acquired: 1",
        "available: Some(1)",
        "rejected: 1",
        "given-up: 0",
        "oldest-claim: Some(",
        "offset: 1",
        "delivery-count: 1",
    ];
    story.expect("consumer.describe-group", group(), &standing).await;
    let receipts = vec![behind(&claimed, "receipt")];
    story.expect("consumer.accept", Arguments { receipts, ..group() }, &["Done"]).await;
}

async fn follows(story: &mut Story) {
    let nobody = Arguments { name: String::new(), time: 0, max: 2, ..with() };
    let two = ["offset: 0", "receipt: None", "offset: 1"];
    let read = story.expect("follower.follow", nobody.clone(), &two).await;
    let cursor = read.rsplit_once("cursor").map(|(_, last)| format!("cursor{last}"));
    let text = behind(&cursor.expect("each record has one"), "cursor");
    let rest = Arguments { text, max: 1, ..nobody };
    story.expect("follower.follow", rest, &["offset: 2", "cursor"]).await;

    let group = Arguments { name: "followers".into(), time: 0, max: 3, ..with() };
    story.expect("follower.follow", group, &["offset: 0", "offset: 1", "offset: 2"]).await;
    let claims = Arguments { name: "claimers".into(), time: 5000, ..with() };
    let one = ["offset: 0", "receipt: Some(", "delivery-count: Some(1)"];
    story.expect("follower.follow", claims, &one).await;
}

async fn moves_groups(story: &mut Story) {
    let to = |text: &str| Arguments { text: text.into(), at: i64::MAX, ..with() };
    let starts = ["partition: 0, offset: 0", "partition: 1, offset: 0", "partition: 2, offset: 0"];
    story.expect("consumer.seek", to("earliest"), &starts).await;
    story.expect("consumer.seek", to("latest"), &["partition: 1, offset: 3"]).await;
    story.expect("consumer.seek", to("time"), &["partition: 1, offset: 3"]).await;
    let two = Arguments { at: 2, ..with() };
    story.expect("consumer.seek", two, &["[PartitionOffset", "partition: 1, offset: 2"]).await;
    story.expect("consumer.next", with(), &["offset: 2"]).await;
    story.call("consumer.delete-group", with()).await;
    let groups = story.call("consumer.list-groups", with()).await;
    assert!(!groups.contains("shop"), "{groups}");
}

async fn looks_at_topics(story: &mut Story) {
    let second = Arguments { at: 1, ..with() };
    story.expect("consumer.read-at", second, &["offset: 1", "next: 2"]).await;
    story.expect("consumer.list-topics", with(), &["name: \"orders\", partitions: 3"]).await;
    let bounds = ["name: \"orders\", partitions: 3", "partition: 1, first: 0, end: 3"];
    story.expect("consumer.describe-topic", with(), &bounds).await;
    let ends = Arguments { at: i64::MAX, ..with() };
    story.expect("consumer.offsets-at", ends, &["partition: 1, offset: 3"]).await;
    story.expect("consumer.offsets-at", with(), &["partition: 1, offset: 0"]).await;
}

async fn has_subscriptions(story: &mut Story) {
    let hook = || Arguments { text: "https://shop.example/hook".into(), ..with() };
    let new = ["callback-url: \"https://shop.example/hook\"", "secret: Some(\"whsec_", "true"];
    let registered = story.expect("subscriptions.register", hook(), &new).await;
    story.expect("subscriptions.register", hook(), &["secret: None", "is-new: false"]).await;
    let id = behind(&registered, "id");
    story.expect("subscriptions.list", with(), &[&id, "next: None"]).await;
    let by_id = || Arguments { name: id.clone(), ..with() };
    let standing = ["partition: 1, position: 3", "lag: Some(0), failures: 0", "delivered: 0"];
    story.expect("subscriptions.get", by_id(), &standing).await;
    let end = || Arguments { text: "latest".into(), ..by_id() };
    story.expect("subscriptions.seek", end(), &["topic: \"orders\"", "1, offset: 3"]).await;
    story.expect("subscriptions.deliver", with(), &[&id, "delivered: 0", "failed: 0"]).await;
    story.call("subscriptions.delete", by_id()).await;

    let settings = r#"{"topics":["orders"],"callback_url":"https://shop.example/all",
        "exhausted":{"dead_letter":"undelivered"},"sign":["v1","v1a"]}"#;
    let new = Arguments { text: settings.into(), ..with() };
    let shown = ["\\\"dead_letter\\\"", "State::Active", "public-keys: [\"whpk_", "\"whsec_"];
    let made = story.expect("subscriptions.create", new, &shown).await;
    let id = behind(&made, "id");
    let by_id = || Arguments { name: id.clone(), ..with() };
    let text = |text: &str| Arguments { text: text.into(), ..by_id() };
    let slow = Arguments { tag: behind(&made, "tag"), ..text(r#"{"rate":5}"#) };
    story.expect("subscriptions.patch", slow, &["\\\"rate\\\":5"]).await;
    let put = story.expect("subscriptions.put", text(settings), &["is-new: false"]).await;
    assert!(!put.contains("rate"), "{put}");
    story.expect("subscriptions.pause", by_id(), &["State::Paused, since: Some("]).await;
    story.expect("subscriptions.resume", by_id(), &["State::Active"]).await;
    let rotated = ["secret_overlaps_until", "secret: Some(\"whsec_"];
    story.expect("subscriptions.rotate", Arguments { time: 60, ..by_id() }, &rotated).await;
    story.expect("subscriptions.attempts", by_id(), &["[]"]).await;
    let all = r#"{"from":"earliest"}"#;
    let run = ["id: \"run_", "topic: \"orders\"", "partition: 1, from: 0, to: 3"];
    story.expect("subscriptions.replay", text(all), &run).await;
    let letter = Arguments { topic: "undelivered".into(), partition: 0, ..with() };
    story.call("producer.send", letter).await;
    let letters = ["id: \"run_", "topic: \"undelivered\""];
    story.expect("subscriptions.redrive", by_id(), &letters).await;
    // There is nobody.
    story.expect("subscriptions.test", by_id(), &["accepted: false", "error: Some("]).await;
    let tag = behind(&story.call("subscriptions.get", by_id()).await, "tag");
    story.call("subscriptions.delete", Arguments { tag, ..by_id() }).await;
    story.expect("subscriptions.list", with(), &["subscriptions: []"]).await;
}

async fn has_sources(story: &mut Story) {
    let by_name = || Arguments { name: "desk".into(), ..with() };
    let settings = r#"{"name":"desk","topic":"orders","dedupe":{"id":{"field":"/id"}},
        "verify":{"token":{"header":"x-token"},"secrets":["first"]}}"#;
    let new = Arguments { text: settings.into(), ..with() };
    let masked =
        ["name: \"desk\"", "\\\"topic\\\":\\\"orders\\\"", "tag: \"", "secret-gone: false"];
    let made = story.expect("sources.create", new, &masked).await;
    assert!(!made.contains("first"), "{made}");
    story.expect("sources.list", with(), &["name: \"desk\""]).await;

    let event = |token: &str| Arguments {
        text: r#"{"id":7}"#.into(),
        tag: token.into(),
        client: "203.0.113.9".into(),
        ..by_name()
    };
    let tried = ["allow: None, verify: None", "id: Some(\"7\")", "Written([TrialRecord"];
    story.expect("sources.test", event("first"), &tried).await;
    let written =
        ["Events([Outcome::Written([Place { destination: None, topic: \"orders\"", "offset: "];
    let taken = story.expect("sources.receive", event("first"), &written).await;
    let again = story.expect("sources.receive", event("first"), &["Repeat"]).await;
    assert_eq!(again.replace("Repeat", "Written"), taken);
    let refused = ["Refused(Refusal { stage: Stage::Verify", "status: 401", "retry-after: None"];
    story.expect("sources.receive", event("wrong"), &refused).await;
    let asks = Arguments { method: "OPTIONS".into(), ..event("") };
    let told = ["Handshake(", "webhook-allowed-origin", "events.example"];
    story.expect("sources.receive", asks, &told).await;

    let counted = ["accepted: 1, repeats: 1", "cause: \"verify/", "count: 1", "x-token"];
    story.expect("sources.get", by_name(), &counted).await;

    let off = Arguments { text: r#"{"enabled":false}"#.into(), ..by_name() };
    let changed = Arguments { tag: behind(&made, "tag"), ..off };
    story.expect("sources.patch", changed, &["\\\"enabled\\\":false"]).await;
    story.expect("sources.receive", event("first"), &["Stage::Allow", "status: 410"]).await;
    let put = Arguments { text: settings.into(), ..by_name() };
    let replaced = story.expect("sources.put", put, &["is-new: false"]).await;
    assert!(!replaced.contains("enabled"), "{replaced}");

    story.expect("secrets.rewrap", with(), &["rewrapped: 0, key-gone: 0", "Some("]).await;
    let tag = behind(&replaced, "tag");
    story.call("sources.delete", Arguments { tag, ..by_name() }).await;
    assert_eq!(story.call("sources.list", with()).await, "[]");
}

async fn has_destinations(story: &mut Story) {
    let by_name = || Arguments { name: "Event Stream".into(), ..with() };
    let settings = r#"{"name":"Event Stream","type":"kafka","config":{"topic":"orders",
        "rest_url":"http://other.example/kafka","cluster_id":"lkc-emulator",
        "api_key":"KEY","api_secret":"hush"}}"#;
    let new = Arguments { text: settings.into(), ..with() };
    let masked = ["id: \"dest_", "name: \"Event Stream\"", "********", "secret-gone: false"];
    let made = story.expect("destinations.create", new, &masked).await;
    assert!(!made.contains("hush"), "{made}");
    story.expect("destinations.list", with(), &["name: \"Event Stream\""]).await;
    assert_eq!(story.call("destinations.get", by_name()).await, made);
    let by_id = Arguments { name: behind(&made, "id"), ..with() };
    assert_eq!(story.call("destinations.get", by_id).await, made);
    let tried = ["reachable: Finding::Yes, topic: Finding::Yes", "write: Finding::"];
    story.expect("destinations.test", by_name(), &tried).await;

    // What a source does with it.
    let source = r#"{"name":"both","topic":"orders","destinations":["gateway","Event Stream"],
        "verify":{"none":{}}}"#;
    story.call("sources.create", Arguments { text: source.into(), ..with() }).await;
    let event = || Arguments { name: "both".into(), text: "{}".into(), ..with() };
    let tried = ["name: \"gateway\"", "name: \"Event Stream\"", "TrialOutcome::Written"];
    story.expect("sources.test", event(), &tried).await;
    let written = ["destination: None", "destination: Some(\"Event Stream\")"];
    story.expect("sources.receive", event(), &written).await;
    story.call("sources.delete", Arguments { name: "both".into(), ..with() }).await;

    let off = Arguments { text: r#"{"enabled":false}"#.into(), ..by_name() };
    let changed = Arguments { tag: behind(&made, "tag"), ..off };
    story.expect("destinations.patch", changed, &["\\\"enabled\\\":false"]).await;
    let put = Arguments { text: settings.into(), ..by_name() };
    let replaced = story.expect("destinations.put", put, &["is-new: false"]).await;
    let tag = behind(&replaced, "tag");
    story.call("destinations.delete", Arguments { tag, ..by_name() }).await;
    assert_eq!(story.call("destinations.list", with()).await, "[]");
}

async fn has_actions(story: &mut Story) {
    let by_name = || Arguments { name: "order".into(), ..with() };
    let settings = r#"{"identifier":"order","org_id":"acme","config":{"type":"KAFKA",
        "topic":"orders","payload":{"by":"{{ .outputs.trigger.user | upper }}"}}}"#;
    let new = Arguments { text: settings.into(), ..with() };
    let shown = ["identifier: \"order\"", "\\\"org_id\\\":\\\"acme\\\"", "created: ", "tag: \""];
    let made = story.expect("actions.create", new, &shown).await;
    story.expect("actions.list", with(), &["identifier: \"order\""]).await;
    assert_eq!(story.call("actions.get", by_name()).await, made);

    let outputs = r#"{"outputs":{"trigger":{"user":"ada"}}}"#;
    let run = || Arguments { text: outputs.into(), tag: "once".into(), ..by_name() };
    let published = ["run-id: \"wfr_", "topic: \"orders\"", "reports: [Ok(", "is-repeat: false"];
    let first = story.expect("actions.run", run(), &published).await;
    let again = story.expect("actions.run", run(), &["is-repeat: true"]).await;
    let id = behind(&first, "run-id");
    assert_eq!(behind(&again, "run-id"), id);
    let of_run = || Arguments { name: id.clone(), ..with() };
    let begun = ["action: \"order\"", "Status::InProgress", "outcome: None", "records: [Some("];
    story.expect("actions.get-run", of_run(), &begun).await;
    let report = r#"{"status":"COMPLETED","result":"FAILED","output":{"a":1}}"#;
    let report = Arguments { text: report.into(), ..of_run() };
    let ended = ["Status::Completed", "Outcome::Failed", "output: Some(\"{\\\"a\\\":1}\")"];
    story.expect("actions.report", report, &ended).await;

    let title = Arguments { text: r#"{"title":"T"}"#.into(), ..by_name() };
    let changed = Arguments { tag: behind(&made, "tag"), ..title };
    story.expect("actions.patch", changed, &["\\\"title\\\":\\\"T\\\""]).await;
    let config = r#"{"config":{"type":"KAFKA","payload":{}}}"#;
    let put = Arguments { text: config.into(), ..by_name() };
    let replaced = story.expect("actions.put", put, &["is-new: false"]).await;
    let tag = behind(&replaced, "tag");
    story.call("actions.delete", Arguments { tag, ..by_name() }).await;
    assert_eq!(story.call("actions.list", with()).await, "[]");
}

/// The same record twice is there once, and so are the same two.
async fn produces_once(story: &mut Story) {
    let one = |tag: &str| Arguments { text: "once".into(), tag: tag.into(), ..with() };
    let first = story.expect("producer.send-once", one("a"), &["partition: 1, offset: "]).await;
    let again = story.expect("producer.send-once", one("a"), &["timestamp: None"]).await;
    assert_eq!(first.split("timestamp").next(), again.split("timestamp").next());
    let both = story.expect("producer.send-many-once", one("b"), &["Ok(", "Ok("]).await;
    let again = story.call("producer.send-many-once", one("b")).await;
    let offsets = |text: &str| {
        let parts = text.split("offset: ").skip(1);
        parts.map(|part| part.split(',').next().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(offsets(&both), offsets(&again));
}

async fn moves_all_of_it(story: &mut Story) {
    let settings = r#"{"name":"moved","topic":"orders","verify":{"provider":"stripe",
        "secrets":["whsec_hush"]}}"#;
    story.call("sources.create", Arguments { text: settings.into(), ..with() }).await;
    let sealed = Arguments { tag: "correct horse battery".into(), ..with() };
    let whole = [
        "\\\"version\\\":1",
        "\\\"kdf\\\":\\\"argon2id\\\"",
        "\\\"kind\\\":\\\"source\\\"",
        "\\\"secrets\\\":[\\\"sealed:",
    ];
    let document = story.expect("config.export", sealed, &whole).await;
    let document: String = serde_json::from_str(&document).expect("it is a text");
    assert!(!document.contains("hush"), "{document}");
    let apply = |at| Arguments {
        text: document.clone(),
        tag: "correct horse battery".into(),
        at,
        ..with()
    };
    story.expect("config.apply", apply(1), &["name: \"moved\"", "Change::Unchanged"]).await;
    story.call("sources.delete", Arguments { name: "moved".into(), ..with() }).await;
    story.expect("config.apply", apply(1), &["name: \"moved\"", "Change::Create"]).await;
    assert_eq!(story.call("sources.list", with()).await, "[]", "that was a dry run");
    story.expect("config.apply", apply(0), &["name: \"moved\"", "Change::Create"]).await;
    story.expect("sources.list", with(), &["name: \"moved\"", "secret-gone: false"]).await;
    let without = Arguments { text: document.clone(), ..with() };
    story.expect("config.apply", without, &["name: \"moved\"", "Change::Unchanged"]).await;
}

async fn has_credentials(story: &mut Story) {
    let clerk = || Arguments { name: "clerk".into(), ..with() };
    let new = ["name: \"clerk\"", "bits: 3", "topics: [\"orders\"]", "created: Some("];
    let made = story.expect("credentials.create", clerk(), &new).await;
    let secret = behind(&made, "secret");
    let all = ["name: \"configured\"", "bits: 8", "created: None", "name: \"clerk\""];
    let list = story.expect("credentials.list", with(), &all).await;
    assert!(!list.contains(&secret), "{list}");

    // In the year 2100.
    let at = Arguments { at: 4_102_444_800_000, ..clerk() };
    let ending = ["expires: Some(4102444800000)", "has-previous-secret: false"];
    story.expect("credentials.set-expiry", at, &ending).await;
    let limited = Arguments { at: 5, ..clerk() };
    story.expect("credentials.set-rate", limited, &["rate: Some(5)"]).await;
    story.expect("credentials.set-rate", clerk(), &["rate: None"]).await;
    let both = ["has-previous-secret: true", "previous-secret-expires: Some(", "last-used: None"];
    let rotated = story.expect("credentials.rotate", clerk(), &both).await;
    assert_ne!(behind(&rotated, "secret"), secret);
    story.expect("credentials.set-expiry", clerk(), &["expires: None"]).await;
    story.call("credentials.delete", clerk()).await;
    let list = story.call("credentials.list", with()).await;
    assert!(!list.contains("clerk"), "{list}");
}
