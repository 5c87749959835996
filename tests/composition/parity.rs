//! What is possible over HTTP is possible through the interface, and the other
//! way round: every route has its functions, every function a route.

use std::collections::BTreeSet;

use kafka_edge::http::ENDPOINTS;

use crate::interface::Interface;

/// The functions that can do what a call does; none where it is about HTTP
/// itself, as the package's documentation says.
fn functions(name: &str) -> &'static [&'static str] {
    match name {
        // Links to follow, and a sign of life: a composed component has both.
        "index" | "getDescription" | "healthz" => &[],
        // A page for people, and what it asks about the credential of its caller.
        "getConsole" | "getConsoleFile" | "getCaller" => &[],
        // A text in a format of its own; what is in it comes from the calls of this list.
        "getMetrics" => &[],
        // A protocol around calls that are in this list themselves.
        "mcp" => &[],
        "readyz" => &["consumer.ready"],
        "produceMessage" => &["producer.send", "producer.send-once"],
        "produceBody" | "receiveWebhook" => &[
            "producer.send",
            "producer.send-once",
            "producer.send-many",
            "producer.send-many-once",
        ],
        "consume" => &["consumer.next", "consumer.next-page", "consumer.claim", "follower.follow"],
        "acknowledge" => &["consumer.ack", "consumer.accept"],
        "giveBack" => &["consumer.nack", "consumer.release"],
        "reject" => &["consumer.reject"],
        "renew" => &["consumer.renew"],
        // One call for each word.
        "dispose" => &["consumer.accept", "consumer.release", "consumer.reject", "consumer.renew"],
        "listGroups" => &["consumer.list-groups"],
        "getGroup" => &["consumer.describe-group", "consumer.get-group"],
        "putGroup" => &["consumer.put-group"],
        "patchGroup" => &["consumer.patch-group"],
        "seekGroup" => &["consumer.seek"],
        "deleteGroup" => &["consumer.delete-group"],
        "registerWebhookByPath" | "registerWebhook" => &["subscriptions.register"],
        "listWebhooks" => &["subscriptions.list"],
        "getWebhook" => &["subscriptions.get"],
        "deleteWebhook" => &["subscriptions.delete"],
        "seekWebhook" => &["subscriptions.seek"],
        "deliver" | "deliverDue" => &["subscriptions.deliver"],
        "createSubscription" => &["subscriptions.create"],
        "listSubscriptions" => &["subscriptions.list"],
        "getSubscription" => &["subscriptions.get"],
        "putSubscription" => &["subscriptions.put"],
        "patchSubscription" => &["subscriptions.patch"],
        "deleteSubscription" => &["subscriptions.delete"],
        "pauseSubscription" => &["subscriptions.pause"],
        "resumeSubscription" => &["subscriptions.resume"],
        "seekSubscription" => &["subscriptions.seek"],
        "rotateSubscription" => &["subscriptions.rotate"],
        "testSubscription" => &["subscriptions.test"],
        "listAttempts" => &["subscriptions.attempts"],
        "replaySubscription" => &["subscriptions.replay"],
        "redriveSubscription" => &["subscriptions.redrive"],
        "listTopics" => &["consumer.list-topics"],
        "describeTopic" => &["consumer.describe-topic"],
        "readPartition" => &["consumer.read-at"],
        "createSource" => &["sources.create"],
        "listSources" => &["sources.list"],
        "getSource" => &["sources.get"],
        "putSource" => &["sources.put"],
        "patchSource" => &["sources.patch"],
        "deleteSource" => &["sources.delete"],
        "testSource" => &["sources.test"],
        "receiveEvent" => &["sources.receive"],
        "createDestination" | "createDestinationV1" => &["destinations.create"],
        "listDestinations" | "listDestinationsV1" => &["destinations.list"],
        "getDestination" | "getDestinationV1" => &["destinations.get"],
        "putDestination" | "putDestinationV1" => &["destinations.put"],
        "patchDestination" | "patchDestinationV1" => &["destinations.patch"],
        "deleteDestination" | "deleteDestinationV1" => &["destinations.delete"],
        "testDestination" | "testDestinationV1" => &["destinations.test"],
        "createAction" => &["actions.create"],
        "listActions" => &["actions.list"],
        "getAction" => &["actions.get"],
        "putAction" => &["actions.put"],
        "patchAction" => &["actions.patch"],
        "deleteAction" => &["actions.delete"],
        "runAction" => &["actions.run"],
        "getRun" => &["actions.get-run"],
        "reportRun" => &["actions.report"],
        "exportConfiguration" => &["config.export"],
        "applyConfiguration" => &["config.apply"],
        "rewrapSecrets" => &["secrets.rewrap"],
        "listCredentials" => &["credentials.list"],
        "createCredential" => &["credentials.create"],
        "updateCredential" => &["credentials.set-expiry", "credentials.set-rate"],
        "rotateCredential" => &["credentials.rotate"],
        "deleteCredential" => &["credentials.delete"],
        "upstashProduceMessage" | "upstashProduceToTopic" | "upstashProduce" | "upstashWebhook" => {
            &["producer.send", "producer.send-many"]
        }
        "upstashConsumeTopic" | "upstashConsume" => &["consumer.next-page", "consumer.claim"],
        "upstashFetch" => &["consumer.read-at"],
        "upstashCommit" => &["consumer.ack", "consumer.seek"],
        "upstashCommitted" => &["consumer.describe-group"],
        "upstashOffsets" => &["consumer.describe-topic", "consumer.offsets-at"],
        "upstashTopics" => &["consumer.list-topics"],
        // A group here has no instances; that API's are names for clients
        // that insist on them.
        "upstashConsumers" => &["consumer.list-groups"],
        "upstashDeleteConsumer" => &[],
        // Another server's API, passed on with the caller's own body.
        "upstashReadRegistry" | "upstashWriteRegistry" | "upstashDeleteFromRegistry" => &[],
        other => panic!("say here which functions can do what {other} does"),
    }
}

#[test]
fn whatever_can_be_done_over_http_can_be_done_through_the_interface_and_back() {
    let reached: BTreeSet<_> = ENDPOINTS
        .iter()
        .flat_map(|listed| functions(listed.declaration.name))
        .map(|function| (*function).to_owned())
        .collect();
    assert_eq!(reached, Interface::exported().functions);
}
