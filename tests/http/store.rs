//! Stores that differ in how old their reads may be.

use std::time::Duration;

use futures_util::future::join_all;
use kafka_edge::state::keys::LaneName;
use kafka_edge::state::lane::{Lane, Params, Take};
use kafka_edge_sim::{SimHost, World, local};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::gateway::Gateway;

/// An instance takes a lane and dies.
async fn die_with(world: &World, name: LaneName) {
    let lane = Lane::<SimHost, Value>::new(world.instance(), name, Params::default());
    loop {
        match lane.try_take(async |_| panic!("it has been written to")).await.unwrap() {
            Take::Busy { retry_in } => sleep(retry_in).await,
            Take::Unworthy(_) => {}
            Take::Held(_) => return,
        }
    }
}

const CASES: usize = 4;

/// How long after those deaths everything that needs one of these lanes
/// works again.
async fn time_to_recover(staleness: &str) -> Vec<Duration> {
    let gateway = Gateway::open();
    gateway.world.set_variable("store_staleness", staleness);
    for number in 0..9 {
        gateway.log.append("t", 0, number.to_string());
    }
    let attempt = async |case: usize, number: usize| match case {
        0 => gateway.get("/consumer/t?group=g").await.1["offset"].is_i64(),
        1 => gateway.get(&format!("/webhook/t/https://example.com/{number}")).await.0 == 201,
        2 => {
            let credential = json!({
                "name": format!("n{number}"), "allow": ["consume"], "topics": ["t"],
            });
            gateway.post_json("/credentials", &credential).await.0 == 201
        }
        _ => {
            let to = json!({ "topic": "t", "to": "earliest" });
            gateway.post_json(&format!("/groups/new{number}/seek"), &to).await;
            gateway.get("/groups").await.1.to_string().contains(&format!("new{number}"))
        }
    };
    for case in 0..CASES {
        assert!(attempt(case, 0).await, "{case}");
    }
    sleep(Duration::from_secs(1)).await;
    let of_group = LaneName::group("g", "t", 0).unwrap();
    let lanes =
        [of_group, LaneName::subscription_ids(0), LaneName::credentials(), LaneName::groups()];
    for lane in lanes {
        die_with(&gateway.world, lane).await;
    }
    let died = Instant::now();
    let recovered = (0..CASES).map(async |case| {
        let mut number = 1;
        while !attempt(case, number).await {
            number += 1;
            assert!(number < 1000, "{case} never works again");
            sleep(Duration::from_millis(100)).await;
        }
        died.elapsed()
    });
    join_all(recovered).await
}

#[tokio::test(start_paused = true)]
async fn what_the_dead_held_is_kept_for_longer_where_reads_may_be_old() {
    local(async {
        for (staleness, from, to) in [("", 4, 10), ("0s", 4, 10), ("30s", 34, 50)] {
            for (case, time) in time_to_recover(staleness).await.into_iter().enumerate() {
                let (from, to) = (Duration::from_secs(from), Duration::from_secs(to));
                assert!((from..to).contains(&time), "{staleness:?}, {case}: {time:?}");
            }
        }
    })
    .await;
}
