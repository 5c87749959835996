//! Groups as a whole.

use kafka_edge::error::Error;
use kafka_edge::services::consume::{Acknowledged, Next};
use kafka_edge::services::groups::SeekTo;
use kafka_edge::sorted::SortedMap;
use kafka_edge_sim::local;

use crate::scene::{ACK, Cluster, TOPIC, claiming, next, page, receipts};

#[tokio::test(start_paused = true)]
async fn groups_are_listed_moved_and_deleted() {
    local(async {
        let cluster = Cluster::new(1, 2);
        cluster.append(0..10, 2);
        let instance = cluster.instance();
        assert_eq!(
            instance.groups.get("g", |_| true).await,
            Err(Error::UnknownGroup("g".into())),
            "a group exists once it has read"
        );
        let claimed = page(&instance, claiming(500, 60)).await;
        assert_eq!(claimed.len(), 10);
        let list = instance.groups.list().await.unwrap();
        assert_eq!(list, SortedMap::from([("g".into(), [TOPIC.to_owned()].into())]));

        let moved = instance.groups.seek("g", TOPIC, SeekTo::Offsets([(1, 3)].into())).await;
        assert_eq!(moved, Ok([(1, 3)].into()));
        let of_moved: Vec<_> =
            claimed.iter().filter(|c| c.record.partition == 1).cloned().collect();
        let void = instance.acknowledge(&receipts(&of_moved), ACK).await;
        assert_eq!(void, [Acknowledged::Unknown; 5], "claims from before a seek are void");
        let mut again = Vec::new();
        for _ in 0..2 {
            again.push(instance.get(1).await);
        }
        assert_eq!(again, [Some(7), Some(9)]);
        assert_eq!(instance.get(0).await, None);

        let earliest = instance.groups.seek("g", TOPIC, SeekTo::Earliest).await;
        assert_eq!(earliest, Ok([(0, 0), (1, 0)].into()));
        assert_eq!(page(&instance, Next { max: 500, ..next(1) }).await.len(), 10);
        instance.groups.seek("g", TOPIC, SeekTo::Latest).await.unwrap();
        assert_eq!(instance.get(0).await, None);
        let time = instance.groups.seek("g", TOPIC, SeekTo::Time(4)).await;
        assert_eq!(time, Ok([(0, 4), (1, 4)].into()), "the simulation stamps with the offset");
        let refused = instance.groups.seek("g", TOPIC, SeekTo::Offsets([(2, 0)].into())).await;
        assert!(matches!(refused, Err(Error::Invalid { field: "offsets", .. })), "{refused:?}");

        instance.groups.delete("g").await.unwrap();
        assert_eq!(instance.groups.list().await, Ok(SortedMap::new()));
        assert_eq!(instance.groups.delete("g").await, Err(Error::UnknownGroup("g".into())));
        assert_eq!(page(&instance, Next { max: 500, ..next(1) }).await.len(), 10);
        assert_eq!(instance.groups.list().await.unwrap().len(), 1, "it is listed again");
    })
    .await;
}
