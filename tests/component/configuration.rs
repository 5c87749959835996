//! Variables that are missing or malformed: said, on every call that needs
//! them, and never a death.

use kafka_edge_host::Host;

use crate::calling::{get, post};
use crate::program::program;
use crate::world::World;

const CALLS: [&str; 6] =
    ["/producer/t/m", "/consumer/t", "/topics", "/topics/t", "/webhooks", "/readyz"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_or_malformed_is_named_wherever_it_is_needed() {
    for (name, value) in [
        ("kafka_rest_url", ""),
        ("kafka_rest_url", "kafka.test"),
        ("kafka_rest_url", "ftp://kafka.test"),
        ("kafka_rest_url", "http://"),
        ("kafka_cluster_id", "a/b"),
        ("kafka_consume_api", "v3"),
        ("kafka_api_key", "alone"),
        ("connect_timeout", "soon"),
        ("request_timeout", "0s"),
        ("webhook_timeout", "11m"),
        ("webhook_allow_private", "perhaps"),
    ] {
        let world = World::new();
        let host = world.gateway().variable(name, value).spread_over(1).build().unwrap();
        for target in CALLS {
            let answer = get(&host, target).await;
            assert!(answer.error(503).0.contains(name), "{name}={value}: {answer:?}");
        }
        let answer = post(&host, "/webhooks/deliver", "").await;
        assert!(answer.error(503).0.contains(name), "{name}={value}: {answer:?}");
        // These need none of it.
        for target in ["/", "/healthz"] {
            get(&host, target).await.ok();
        }
        assert_eq!(host.stats().outgoing_calls, 0);
        assert_eq!((host.stats().traps, host.stats().instances_started), (0, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_nothing_configured_all_but_the_health_checks_refuse() {
    let host = Host::builder(program()).output(|_| {}).build().unwrap();
    for target in ["/", "/producer/t/m", "/consumer/t", "/topics", "/webhooks", "/credentials"] {
        let answer = get(&host, target).await;
        assert!(matches!(answer.status, 401 | 503), "{answer:?}");
        let (sentence, _) = answer.error(answer.status);
        assert!(sentence.contains("open_access"), "{sentence}");
    }
    get(&host, "/healthz").await.ok();
    get(&host, "/readyz").await.error(503);
    assert_eq!((host.stats().outgoing_calls, host.stats().traps), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_old_the_store_may_be_is_needed_to_tell_who_calls() {
    let host = World::new().gateway().variable("store_staleness", "now").build().unwrap();
    for target in CALLS.into_iter().chain(["/", "/credentials"]) {
        let answer = get(&host, target).await;
        assert!(answer.error(503).0.contains("store_staleness"), "{answer:?}");
    }
    get(&host, "/healthz").await.ok();
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complete_configuration_is_ready() {
    let host = World::new().gateway().build().unwrap();
    assert_eq!(get(&host, "/readyz").await.ok()["status"], "ready");
}
