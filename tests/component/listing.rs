//! Listing the store while other requests of the instance use it.

use futures_util::future::{join, join_all};
use http::Method;
use kafka_edge_host::{Host, body};

use crate::calling::{get, request, send};
use crate::world::World;

const CALLERS: usize = 8;

/// Each caller takes the next record for a group of its own.
async fn consume(host: &Host) {
    let callers = (0..CALLERS).map(async |caller| {
        let target = format!("/consumer/t?group=g{caller}&wait=0");
        assert!(get(host, &target).await.ok()["message"].is_string());
    });
    join_all(callers).await;
}

/// On Spin it would stand still for good, and every other instance with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removing_a_webhook_leaves_the_store_to_others() {
    let world = World::new();
    world.append("t", 0, 2);
    let host = world.gateway().spread_over(1).build().unwrap();
    let registered = get(&host, "/webhook/t/https://callback.test/hook").await;
    let id = registered.json["webhook_id"].as_str().unwrap();
    consume(&host).await;

    let removal = request(Method::DELETE, &format!("/webhooks/{id}"), body::empty());
    let (removed, ()) = join(send(&host, removal), consume(&host)).await;

    assert_eq!(removed.status, 204, "{removed:?}");
    // The host may have begun another instance while the first one computed.
    let stats = host.stats();
    assert_eq!((stats.instances_live, stats.traps), (stats.instances_started, 0));
}
