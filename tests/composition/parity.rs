//! What is possible over HTTP is possible through the interface, and the other
//! way round: every route has its functions, every function a route.

use std::collections::BTreeSet;

use kafka_edge::http::{Endpoint, Route, routes};

use crate::interface::Interface;

/// The functions that can do what a route does; none where it is about HTTP
/// itself, as the package's documentation says.
fn functions(endpoint: Endpoint) -> &'static [&'static str] {
    use Endpoint as E;
    use kafka_edge::http::upstash::Endpoint as U;
    match endpoint {
        // Links to follow, and a sign of life: who calls a component has it.
        E::Index | E::Healthz => &[],
        E::Readyz => &["consumer.ready"],
        E::ProduceMessage => &["producer.send"],
        E::ProduceBody => &["producer.send", "producer.send-many"],
        E::Consume => &["consumer.next", "consumer.next-page", "consumer.claim", "consumer.follow"],
        E::Acknowledge => &["consumer.ack"],
        E::GiveBack => &["consumer.nack"],
        E::ListGroups => &["consumer.list-groups"],
        E::GetGroup => &["consumer.describe-group"],
        E::SeekGroup => &["consumer.seek"],
        E::DeleteGroup => &["consumer.delete-group"],
        E::RegisterByPath | E::RegisterByBody => &["webhook.register"],
        E::ListWebhooks => &["webhook.list"],
        E::GetWebhook => &["webhook.get"],
        E::DeleteWebhook => &["webhook.delete"],
        E::Deliver => &["webhook.deliver"],
        E::ListTopics => &["consumer.list-topics"],
        E::DescribeTopic => &["consumer.describe-topic"],
        E::ReadPartition => &["consumer.read-at"],
        E::ListCredentials => &["credentials.list"],
        E::CreateCredential => &["credentials.create"],
        E::DeleteCredential => &["credentials.delete"],
        E::Upstash(upstash) => match upstash {
            U::ProduceMessage | U::ProduceToTopic | U::Produce | U::Webhook => {
                &["producer.send", "producer.send-many"]
            }
            U::ConsumeTopic | U::Consume => &["consumer.next-page", "consumer.claim"],
            U::Fetch => &["consumer.read-at"],
            U::Commit => &["consumer.ack", "consumer.seek"],
            U::Committed => &["consumer.describe-group"],
            U::Offsets => &["consumer.describe-topic", "consumer.offsets-at"],
            U::Topics => &["consumer.list-topics"],
            // A group here has no instances; that API's are names for clients
            // that insist on them.
            U::Consumers => &["consumer.list-groups"],
            U::DeleteConsumer => &[],
            // Another server's API, passed on with the caller's own body.
            U::ReadRegistry | U::WriteRegistry | U::DeleteFromRegistry => &[],
        },
    }
}

#[test]
fn whatever_can_be_done_over_http_can_be_done_through_the_interface_and_back() {
    let reached: BTreeSet<_> = routes()
        .iter()
        .flat_map(|Route { endpoint, .. }| functions(*endpoint))
        .map(|function| (*function).to_owned())
        .collect();
    assert_eq!(reached, Interface::exported().functions);
}
