//! The list of where Spin lets the component connect, as `spin.toml` has it.

use kafka_edge_host::{HostBuilder, OutboundHosts};

use crate::calling::{get, post};
use crate::world::World;

const MANIFEST: &str = include_str!("../../spin.toml");

/// The manifest's list where these variables are set and all others have their defaults.
fn hosts(set: &[(&str, &str)]) -> OutboundHosts {
    let manifest: toml::Table = MANIFEST.parse().unwrap();
    let value = |name: &str| {
        let given = set.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let default = || manifest["variables"][name]["default"].as_str().unwrap();
        given.unwrap_or_else(default).to_owned()
    };
    let entries = manifest["component"]["kafka-edge"]["allowed_outbound_hosts"].as_array().unwrap();
    OutboundHosts::new(entries.iter().map(|entry| {
        let name = entry.as_str().unwrap().trim_start_matches("{{ ").trim_end_matches(" }}");
        value(name)
    }))
}

fn gateway(set: &[(&str, &str)]) -> HostBuilder {
    World::new().gateway().outbound(hosts(set))
}

const WHERE_TO_LOOK: &str = "Look at allowed_outbound_hosts in the manifest";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_variable_is_an_entry_and_an_empty_one_is_none() {
    let all = gateway(&[]).build().unwrap();
    get(&all, "/readyz").await.ok();
    for name in
        ["outbound_more", "outbound_2", "outbound_3", "outbound_4", "outbound_5", "outbound_6"]
    {
        let narrow = [("outbound_https", ""), ("outbound_http", ""), (name, "http://kafka.test")];
        let host = gateway(&narrow).build().unwrap();
        get(&host, "/readyz").await.ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_list_lacks_is_told_with_where_to_look() {
    let lacking = [("outbound_http", "http://elsewhere.test")];
    let malformed = [("outbound_4", "kafka.test")];
    let two_in_one = [("outbound_more", "http://kafka.test,http://other.test")];
    for set in [&lacking[..], &malformed, &two_in_one] {
        let host = gateway(set).build().unwrap();
        for target in ["/readyz", "/topics", "/consumer/t"] {
            let answer = get(&host, target).await;
            let (sentence, detail) = answer.error(503);
            assert_eq!(sentence, "The Kafka server cannot be reached");
            assert!(detail.unwrap().contains(WHERE_TO_LOOK), "{set:?}: {answer:?}");
        }
        let answer = post(&host, "/producer/t", "m").await;
        let (_, detail) = answer.error(503);
        assert!(detail.unwrap().contains(WHERE_TO_LOOK), "{answer:?}");
        assert_eq!((host.stats().outgoing_calls, host.stats().traps), (0, 0));
    }
}

/// There need be no server: the list is looked at first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_has_to_be_on_the_list_too() {
    let url = "redis://:hush@127.0.0.1:1/0";
    for (set, part) in [
        (&[][..], "The host does not let Redis be reached. Look at allowed_outbound_hosts"),
        (&[("outbound_2", "redis://127.0.0.1")], "The host does not let Redis be reached."),
        (&[("outbound_2", "redis://127.0.0.1:1")], "Redis does not accept connections"),
        (&[("outbound_2", "127.0.0.1:1")], "Redis cannot be reached. Look at allowed_outbound"),
    ] {
        let host = gateway(set).variable("state_store", url).build().unwrap();
        let answer = get(&host, "/readyz").await;
        let (sentence, detail) = answer.error(503);
        assert_eq!(sentence, "The key-value store failed");
        assert!(detail.unwrap().contains(part), "{set:?}: {answer:?}");
        assert!(!answer.text.contains("hush"));
    }
}
