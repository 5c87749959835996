//! Every error of the interface comes as its case, from just those functions
//! whose documentation tells of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use http::StatusCode;
use kafka_edge_host::HostBuilder;
use kafka_edge_host::kv::Memory;
use kafka_edge_host::upstream::ErrorCode;
use kafka_edge_host::upstream::script::{fail, respond};

use crate::caller::{self, Arguments, CONFIGURED, Caller, Outcome};
use crate::interface::Interface;
use crate::kafka::{Kafka, Trouble, refusing};

/// The one case that nothing gives: it is there for what a later gateway may
/// have to say to a component of today.
const FOR_LATER: &str = "other";

/// A topic on which nobody has read.
const ONE_MORE: &str = "one-more";

/// Scenes that play side by side: most of their time they wait.
const AT_ONCE: usize = 4;

/// No call takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A place where calls end with some error.
struct Scene {
    host: HostBuilder,
    /// What each function is given.
    arguments: Arguments,
    /// The error's case.
    case: String,
    before: Before,
}

/// What went before: there is a group, a webhook, a credential, a receipt.
struct Before {
    kafka: Kafka,
    store: Memory,
    caller: Caller,
    receipt: String,
    webhook: String,
    /// One with all settings.
    subscription: String,
    run: String,
}

impl Before {
    async fn happens() -> Self {
        let (kafka, store) = (Kafka::new(), Memory::new());
        let host = gateway(&store).upstream(kafka.upstream(Trouble::None));
        let caller = Caller::start(host);
        let none = String::new;
        let (receipt, webhook, registered_id, run) = (none(), none(), none(), none());
        let this =
            Self { kafka, store, caller, receipt, webhook, subscription: registered_id, run };
        let with = Arguments { text: "https://shop.example/hook".into(), ..Arguments::default() };
        for _ in 0..5 {
            this.call("producer.send", with.clone()).await;
        }
        this.call("consumer.seek", with.clone()).await;
        let careful = Arguments { name: "careful".into(), text: "{}".into(), ..with.clone() };
        this.call("consumer.put-group", careful).await;
        let claims = Arguments { name: "claims".into(), time: 30_000, ..with.clone() };
        let claimed = this.call("consumer.claim", claims).await;
        let registered = this.call("subscriptions.register", with.clone()).await;
        let letter = Arguments { topic: "undelivered".into(), partition: 0, ..with.clone() };
        this.call("producer.send", letter).await;
        let all = Arguments { text: subscribed(""), ..with.clone() };
        let subscribed = this.call("subscriptions.create", all).await;
        this.call("credentials.create", Arguments { name: "clerk".into(), ..with.clone() }).await;
        let source = |name, topic| Arguments { text: settings(name, topic), ..with.clone() };
        this.call("sources.create", source("desk", "orders")).await;
        this.call("sources.create", source("lost", "no-such-topic")).await;
        let place = |name| Arguments { text: destination(name), ..with.clone() };
        this.call("destinations.create", place("near")).await;
        this.call("destinations.create", place("far")).await;
        let mut away = source("away", "orders");
        away.text = away.text.replacen('{', r#"{"destinations":["far"],"#, 1);
        this.call("sources.create", away).await;
        let action = |name, topic| Arguments { text: action(name, topic), ..with.clone() };
        this.call("actions.create", action("order", "orders")).await;
        this.call("actions.create", action("astray", "no-such-topic")).await;
        let outputs = Arguments { name: "order".into(), text: OUTPUTS.into(), ..with.clone() };
        let ran = this.call("actions.run", outputs).await;
        let text = |answer: &str, name: &str| {
            let quoted = answer.split_once(name).and_then(|(_, rest)| rest.split('"').nth(1));
            quoted.expect("the answer tells").to_owned()
        };
        let (receipt, webhook) = (text(&claimed, "receipt"), text(&registered, "id"));
        let (subscription, run) = (text(&subscribed, "id"), text(&ran, "run-id"));
        let report = r#"{"status":"COMPLETED","result":"FAILED"}"#.into();
        let report = Arguments { name: run.clone(), text: report, ..with };
        this.call("actions.report", report).await;
        Self { receipt, webhook, subscription, run, ..this }
    }

    async fn call(&self, function: &str, arguments: Arguments) -> String {
        let outcome = self.caller.call(function, arguments).await;
        outcome.unwrap_or_else(|error| panic!("{function}: {error:?}"))
    }

    /// As many topics of a group, runs of a subscription, credentials, sources, destinations and
    /// actions as there can be; one of most is there already.
    async fn fills_up(&self) {
        let with = || Arguments { partition: 0, ..Arguments::default() };
        for topic in (1..100).map(|number| format!("topic-{number}")) {
            self.kafka.create_topic(&topic, 1);
            self.call("consumer.seek", Arguments { topic, ..with() }).await;
        }
        let one_more = || Arguments { topic: ONE_MORE.into(), ..with() };
        self.kafka.create_topic(ONE_MORE, 1);
        self.call("producer.send", one_more()).await;
        for _ in 0..4 {
            let (name, text) = (self.subscription.clone(), EVERYTHING.into());
            self.call("subscriptions.replay", Arguments { name, text, ..with() }).await;
        }
        for number in 2..50 {
            let text = destination(&format!("place {number}"));
            self.call("destinations.create", Arguments { text, ..with() }).await;
        }
        for number in 3..50 {
            let text = settings(&format!("desk-{number}"), "orders");
            self.call("sources.create", Arguments { text, ..with() }).await;
        }
        for number in 2..50 {
            let text = action(&format!("order-{number}"), "orders");
            self.call("actions.create", Arguments { text, ..with() }).await;
        }
        for name in (1..100).map(|number| format!("clerk-{number}")) {
            self.call("credentials.create", Arguments { name, ..with() }).await;
        }
    }

    /// The way to an error.
    async fn then(self, case: &str) -> Scene {
        let arguments = Arguments {
            text: "https://shop.example/another".into(),
            receipts: vec![self.receipt.clone()],
            ..Arguments::default()
        };
        let changed = |change: &dyn Fn(&mut Arguments)| {
            let mut arguments = arguments.clone();
            change(&mut arguments);
            arguments
        };
        let same = || arguments.clone();
        let host = || gateway(&self.store);
        let well = || host().upstream(self.kafka.upstream(Trouble::None));
        let with = |trouble| host().upstream(self.kafka.upstream(trouble));
        let refused = |status| host().upstream(refusing(status));
        let (host, arguments) = match case {
            "unknown-topic" => (well(), changed(&|with| with.topic = "no-such-topic".into())),
            "unknown-webhook"
            | "unknown-group"
            | "unknown-credential"
            | "unknown-source"
            | "unknown-destination"
            | "unknown-action"
            | "unknown-run"
            | "changed" => (well(), same()),
            "invalid" => {
                let wrong = |with: &mut Arguments| {
                    (with.topic, with.name, with.time) = ("..".into(), "\n".into(), u32::MAX);
                };
                (well(), changed(&wrong))
            }
            "invalid-callback" => (well(), changed(&|with| with.text = "http://127.0.0.1/".into())),
            "too-large" => (well(), changed(&|with| with.text = "x".repeat(3 * 1024 * 1024))),
            "conflict" => (well(), same()),
            "limit-reached" => {
                self.fills_up().await;
                let one_more = |with: &mut Arguments| {
                    (with.topic, with.partition) = (ONE_MORE.into(), 0);
                };
                (well(), changed(&one_more))
            }
            "unconfigured" => (well().variable("open_access", "perhaps"), same()),
            "store" => (well().without_store("default"), same()),
            "connection" => (host().upstream(fail(ErrorCode::ConnectionRefused)), same()),
            "timeout" => (host().upstream(fail(ErrorCode::ConnectionReadTimeout)), same()),
            "throttled" => (refused(StatusCode::TOO_MANY_REQUESTS), same()),
            "permission-denied" => (refused(StatusCode::UNAUTHORIZED), same()),
            "upstream" => (host().upstream(respond(StatusCode::OK, "nonsense")), same()),
            "unsupported" => {
                self.kafka.create_topic(ONE_MORE, 1);
                (with(Trouble::ReadingRefused), same())
            }
            "outcome-unknown" => (with(Trouble::ReportsLost), same()),
            // Longer than anybody queues for a group, which is 11 s.
            "busy" => (with(Trouble::ReadingStuck).variable("request_timeout", "15s"), same()),
            _ => panic!("nothing here leads to the error {case}"),
        };
        Scene { host, arguments, case: case.to_owned(), before: self }
    }
}

/// A source whose events anyone may send, and which leaves their size to Kafka.
fn settings(name: &str, topic: &str) -> String {
    let rest = r#""verify":{"none":{}},"allow":{"max_bytes":4194304}"#;
    format!(r#"{{"name":"{name}","topic":"{topic}",{rest}}}"#)
}

/// A destination that is another address of the same cluster.
fn destination(name: &str) -> String {
    let config =
        r#"{"rest_url":"http://other.example/kafka","cluster_id":"lkc-emulator","topic":"orders"}"#;
    format!(r#"{{"name":"{name}","type":"kafka","config":{config}}}"#)
}

/// A subscription with a topic for what cannot be delivered, and more settings.
fn subscribed(more: &str) -> String {
    let rest =
        r#""callback_url":"https://shop.example/all","exhausted":{"dead_letter":"undelivered"}"#;
    format!(r#"{{"topics":["orders"],{rest}{more}}}"#)
}

/// What a replay sends.
const EVERYTHING: &str = r#"{"from":"earliest"}"#;

/// An action with a payload as large as its run makes it.
fn action(identifier: &str, topic: &str) -> String {
    let payload = r#"{"text":"{{ .outputs.trigger.text }}"}"#;
    let config = format!(r#"{{"type":"KAFKA","topic":"{topic}","payload":{payload}}}"#);
    format!(r#"{{"identifier":"{identifier}","config":{config}}}"#)
}

const OUTPUTS: &str = r#"{"outputs":{"trigger":{"text":"x"}}}"#;

fn gateway(store: &Memory) -> HostBuilder {
    caller::host().variables(caller::variables()).store("default", store.clone())
}

fn left_out(case: &str) -> &'static [&'static str] {
    match case {
        // A stream waits until the group is free, and who reads for no group
        // waits for Kafka. It takes a crowd to keep a list busy for as long as
        // the others wait for it.
        "busy" => &[
            "follower.follow",
            "consumer.read-at",
            "subscriptions.deliver",
            "consumer.seek",
            "consumer.delete-group",
            "consumer.put-group",
            "consumer.patch-group",
            "subscriptions.register",
            "subscriptions.create",
            "subscriptions.put",
            "subscriptions.patch",
            "subscriptions.delete",
            "subscriptions.pause",
            "subscriptions.resume",
            "subscriptions.seek",
            "subscriptions.rotate",
            "subscriptions.replay",
            "subscriptions.redrive",
            "credentials.create",
            "credentials.set-expiry",
            "credentials.set-rate",
            "credentials.rotate",
            "credentials.delete",
            "sources.create",
            "sources.put",
            "sources.patch",
            "sources.delete",
            "secrets.rewrap",
            "destinations.create",
            "destinations.put",
            "destinations.patch",
            "destinations.delete",
            "actions.create",
            "actions.put",
            "actions.patch",
            "actions.delete",
            "actions.run",
            "actions.report",
            // The same call has to be under way.
            "producer.send-once",
            "producer.send-many-once",
        ],
        // There can be more of them than anybody wants to wait for.
        "limit-reached" => &[
            "consumer.put-group",
            "subscriptions.register",
            "subscriptions.create",
            "subscriptions.put",
            "subscriptions.patch",
        ],
        // A webhook is registered for a topic that exists; it takes a topic that is
        // deleted afterwards.
        "unknown-topic" => &["subscriptions.seek", "subscriptions.replay", "subscriptions.redrive"],
        // A stream rides these out for five minutes; tests/http/streaming.rs tells
        // its end.
        "connection" | "upstream" | "timeout" | "throttled" | "store" => &["follower.follow"],
        _ => &[],
    }
}

impl Scene {
    /// What becomes of a call of each function. What removes something comes
    /// last, since the others may need it.
    async fn plays(self, functions: &BTreeSet<String>) -> BTreeMap<String, Outcome> {
        let Self { host, arguments, case, before } = self;
        let left_out = left_out(&case);
        let caller = Caller::start(host);
        let call = async |function: &String| {
            let called = caller.call(function, suited(&arguments, &case, function, &before));
            let late = |_| Err(("no answer".to_owned(), format!("within {PATIENCE:?}")));
            let outcome = tokio::time::timeout(PATIENCE, called).await.unwrap_or_else(late);
            (function.clone(), outcome)
        };
        let functions = functions.iter().filter(|name| !left_out.contains(&name.as_str()));
        let (last, first): (Vec<_>, Vec<_>) = functions.partition(|name| name.contains("delete"));
        let mut outcomes = join_all(first.into_iter().map(call)).await;
        outcomes.extend(join_all(last.into_iter().map(call)).await);
        outcomes.into_iter().collect()
    }
}

/// The arguments for a function: name and text mean something else to each.
fn suited(arguments: &Arguments, case: &str, function: &str, before: &Before) -> Arguments {
    let mut arguments = arguments.clone();
    let is_of_sources = ["sources.", "destinations.", "actions."]
        .iter()
        .any(|interface| function.starts_with(interface));
    let is_of_subscriptions = function.starts_with("subscriptions.")
        && !matches!(
            function,
            "subscriptions.register"
                | "subscriptions.create"
                | "subscriptions.list"
                | "subscriptions.deliver"
        );
    let by_name = match function {
        // It makes what is not there.
        "subscriptions.put" if case == "unknown-webhook" => None,
        // It has no topic of dead letters.
        "subscriptions.redrive" if case == "invalid" => Some(before.webhook.as_str()),
        _ if is_of_subscriptions => Some(before.subscription.as_str()),
        "credentials.set-expiry"
        | "credentials.set-rate"
        | "credentials.rotate"
        | "credentials.delete" => Some("clerk"),
        "consumer.describe-group" | "consumer.delete-group" => Some("shop"),
        // It makes what is not there.
        "consumer.put-group" if case == "unknown-group" => None,
        "consumer.get-group" | "consumer.put-group" | "consumer.patch-group" => Some("careful"),
        "sources.receive" if case == "unknown-topic" => Some("lost"),
        "sources.put" if case == "limit-reached" => Some("new-desk"),
        // It makes what is not there.
        "sources.put" if case == "unknown-source" => None,
        "sources.get" | "sources.put" | "sources.patch" | "sources.delete" | "sources.receive"
        | "sources.test" => Some("desk"),
        "destinations.put" if case == "unknown-destination" => None,
        "destinations.put" if case == "limit-reached" => Some("new place"),
        // A source writes to it.
        "destinations.put" | "destinations.patch" | "destinations.delete" if case == "conflict" => {
            Some("far")
        }
        "destinations.get"
        | "destinations.put"
        | "destinations.patch"
        | "destinations.delete"
        | "destinations.test" => Some("near"),
        "actions.run" if case == "unknown-topic" => Some("astray"),
        "actions.put" if case == "unknown-action" => None,
        "actions.put" if case == "limit-reached" => Some("new-order"),
        "actions.get" | "actions.put" | "actions.patch" | "actions.delete" | "actions.run" => {
            Some("order")
        }
        "actions.get-run" | "actions.report" => Some(before.run.as_str()),
        _ => None,
    };
    arguments.name = match (case, by_name) {
        (
            "unknown-webhook"
            | "unknown-group"
            | "unknown-credential"
            | "unknown-source"
            | "unknown-destination"
            | "unknown-action"
            | "unknown-run",
            Some(_),
        ) => "nobody".into(),
        ("conflict", _) if function.starts_with("credentials") => CONFIGURED.into(),
        ("invalid", Some(name)) if is_of_subscriptions || is_of_sources => name.to_owned(),
        ("invalid", _) => arguments.name,
        (_, Some(name)) => name.to_owned(),
        (_, None) if function == "credentials.create" => "new-clerk".into(),
        (_, None) => arguments.name,
    };
    match function {
        "follower.follow" => arguments.text.clear(),
        "consumer.renew" if case != "invalid" => arguments.time = 60_000,
        "consumer.put-group" | "consumer.patch-group" => {
            arguments.text = format!(r#"{{"dead_letter":"{}"}}"#, arguments.topic);
        }
        "subscriptions.seek" if case == "invalid" => {
            (arguments.text, arguments.at) = (String::new(), -1);
        }
        "subscriptions.list" if case == "invalid" => arguments.tag = "nonsense".into(),
        "subscriptions.rotate" if case != "invalid" => arguments.time = 60,
        "subscriptions.create" | "subscriptions.put" | "subscriptions.patch"
            if case == "invalid" =>
        {
            arguments.text = r#"{"topics":[]}"#.into();
        }
        "subscriptions.put" | "subscriptions.patch" if case == "unsupported" => {
            let more = r#","from":{"time":"2026-01-01T00:00:00Z"}"#;
            arguments.text = subscribed(more).replace("orders", "one-more");
        }
        "subscriptions.create" if case == "unsupported" => {
            arguments.text = subscribed(r#","from":{"time":"2026-01-01T00:00:00Z"}"#);
        }
        "subscriptions.create" | "subscriptions.put" => arguments.text = subscribed(""),
        "subscriptions.patch" => arguments.text = r#"{"rate":5}"#.into(),
        "subscriptions.test" if case != "invalid" => arguments.text.clear(),
        "subscriptions.replay" if case != "invalid" => arguments.text = EVERYTHING.into(),
        "credentials.set-expiry" if case == "invalid" => arguments.at = 1,
        "credentials.set-rate" if case == "invalid" => arguments.at = -1,
        "consumer.seek" | "subscriptions.seek" if case == "unsupported" => {
            arguments.text = "time".into()
        }
        // Each has a key of its own; an empty one is invalid.
        "producer.send-once" | "producer.send-many-once" if case != "invalid" => {
            arguments.tag = function.into();
        }
        "sources.create" | "sources.put" | "sources.patch" if case == "invalid" => {
            arguments.text = r#"{"topic":".."}"#.into();
        }
        "actions.create" | "actions.put" | "actions.patch" | "actions.run" | "actions.report"
            if case == "invalid" =>
        {
            arguments.text = r#"{"config":7}"#.into();
        }
        "destinations.create" | "destinations.put" | "destinations.patch" if case == "invalid" => {
            arguments.text = r#"{"type":7}"#.into();
        }
        "destinations.create" if case == "conflict" => arguments.text = destination("near"),
        "destinations.create" => arguments.text = destination("new place"),
        "destinations.put" if case == "conflict" => arguments.text = destination("elsewhere"),
        "destinations.put" => arguments.text = destination(&arguments.name),
        "destinations.patch" if case == "conflict" => {
            arguments.text = r#"{"name":"elsewhere"}"#.into();
        }
        "destinations.patch" => arguments.text = r#"{"enabled":true}"#.into(),
        "actions.create" if case == "conflict" => arguments.text = action("order", "orders"),
        "actions.create" => arguments.text = action("new-order", "orders"),
        "actions.put" => arguments.text = action(&arguments.name, "orders"),
        "actions.patch" => arguments.text = r#"{"title":"T"}"#.into(),
        "actions.run" if case == "too-large" => {
            // It is in the record twice, as the trigger's and as the payload's.
            let text = "x".repeat(1_572_400);
            arguments.text = format!(r#"{{"outputs":{{"trigger":{{"text":"{text}"}}}}}}"#);
        }
        "actions.run" => arguments.text = OUTPUTS.into(),
        "actions.report" if case == "conflict" => {
            arguments.text = r#"{"status":"COMPLETED","result":"SUCCESS"}"#.into();
        }
        // It is known already, so that nothing is written; a new report is.
        "actions.report" => arguments.text = r#"{"status":"COMPLETED","result":"FAILED"}"#.into(),
        "config.export" if case == "invalid" => arguments.text = "router/x".into(),
        "config.apply" if case == "invalid" => arguments.text = "no document".into(),
        "config.apply" => arguments.text = r#"{"version":1,"entries":[]}"#.into(),
        "sources.create" if case == "conflict" => arguments.text = settings("desk", "orders"),
        "sources.create" => arguments.text = settings("new-desk", "orders"),
        "sources.put" => arguments.text = settings(&arguments.name, "orders"),
        "sources.patch" => arguments.text = r#"{"enabled":true}"#.into(),
        "sources.receive" | "sources.test" if case == "invalid" => {
            arguments.client = "nowhere".into();
        }
        _ => {}
    }
    let is_set = matches!(function, "consumer.put-group" | "consumer.patch-group");
    if case == "changed" && (is_of_sources || is_of_subscriptions || is_set) {
        arguments.tag = "another".into();
    }
    arguments
}

/// What a case has to carry, beyond a text.
fn carried(case: &str) -> &'static str {
    match case {
        "invalid" => "field: ",
        "too-large" => "size: 3145",
        "throttled" => "7000",
        _ => "",
    }
}

/// What differs between the documentation and what the functions do.
async fn differences(case: &str, documented: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let functions: BTreeSet<_> = documented.keys().cloned().collect();
    let scene = Before::happens().await.then(case).await;
    let left_out = left_out(case);
    let outcomes = scene.plays(&functions).await;

    let tells = |function: &str, case: &str| documented[function].contains(case);
    let difference = |(function, outcome): (&String, &Outcome)| match outcome {
        Err((given, what)) if !tells(function, given) => {
            Some(format!("{function} does not tell of {given}({what})"))
        }
        Err((given, what)) if given == case && !what.contains(carried(case)) => {
            Some(format!("{function} gives {case}({what})"))
        }
        Err((given, _)) if given == case => None,
        outcome => tells(function, case).then(|| format!("{function} gives {outcome:?}")),
    };
    let differences = outcomes.iter().filter_map(difference);
    let mut differences: Vec<_> = differences.map(|what| format!("{case}: {what}")).collect();
    let telling = functions.iter().filter(|name| tells(name, case));
    if telling.filter(|name| !left_out.contains(&name.as_str())).count() == 0 {
        differences.push(format!("{case}: no function tells of it"));
    }
    differences
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_comes_as_a_case_from_the_functions_that_tell_of_it() {
    let interface = Interface::exported();
    let documented = interface.documented();
    assert_eq!(documented.keys().cloned().collect::<BTreeSet<_>>(), interface.functions);
    let cases = interface.cases.iter().filter(|case| *case != FOR_LATER);
    let scenes = stream::iter(cases).map(|case| differences(case, &documented));
    let found = scenes.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.concat();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
