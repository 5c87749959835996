//! `/topics/{topic}/partitions/{partition}/records`.

use std::time::Duration;

use kafka_edge_sim::local;
use serde_json::Value;
use tokio::time::Instant;

use crate::gateway::Gateway;

const RECORDS: &str = "/topics/t/partitions/0/records";

fn gateway() -> Gateway {
    let gateway = Gateway::open();
    for message in ["a", "b", "c", "d"] {
        gateway.log.append("t", 0, message);
    }
    gateway
}

fn messages(page: &Value) -> Vec<&str> {
    let records = page["records"].as_array().expect("a page");
    records.iter().map(|record| record["message"].as_str().expect("text")).collect()
}

#[tokio::test(start_paused = true)]
async fn records_are_read_at_an_offset_and_nothing_is_kept_of_it() {
    local(async {
        for in_places in [false, true] {
            let gateway = gateway();
            if in_places {
                gateway.log.read_in_places(3);
            }
            let read = async |query: &str| {
                let (status, page) = gateway.get(&format!("{RECORDS}?wait=0{query}")).await;
                assert_eq!(status, 200, "{page}");
                let next = page["next_offset"].as_i64().expect("an offset");
                (messages(&page).concat(), next)
            };
            assert_eq!(read("&offset=1&max=2").await, ("bc".into(), 3));
            assert_eq!(read("&offset=1&max_bytes=1").await, ("b".into(), 2));
            assert_eq!(read("&max=1").await, ("a".into(), 1));
            assert_eq!(read("&offset=4").await, (String::new(), 4));
            gateway.log.delete_before("t", 0, 2);
            assert_eq!(read("").await, ("cd".into(), 4));
            assert!(gateway.world.store().is_empty());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_read_at_the_end_waits() {
    local(async {
        let gateway = gateway();
        let log = gateway.log.clone();
        let append = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            log.append("t", 0, "e");
        };
        let start = Instant::now();
        let target = format!("{RECORDS}?offset=4&wait=30");
        let ((_, page), ()) = futures_util::future::join(gateway.get(&target), append).await;
        assert_eq!(messages(&page), ["e"]);
        assert!(start.elapsed() < Duration::from_secs(6));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_or_makes_no_sense_is_refused() {
    local(async {
        let gateway = gateway();
        for (target, status, detail) in [
            ("/topics/none/partitions/0/records", 404, "none"),
            ("/topics/t/partitions/2/records", 400, "partition"),
            ("/topics/t/partitions/-1/records", 400, "partition"),
            ("/topics/t/partitions/x/records", 400, "partition"),
            ("/topics/t/partitions/0/records?offset=-1", 400, "offset"),
            ("/topics/t/partitions/0/records?offset=", 400, "offset"),
            ("/topics/t/partitions/0/records?max=0", 400, "max"),
            ("/topics/t/partitions/0/records?wait=31", 400, "wait"),
            ("/topics/t/partitions/0/records?group=g", 400, "group"),
        ] {
            assert_eq!(gateway.refused(target, status).await.1, detail, "{target}");
        }
    })
    .await;
}
