//! Groups as a whole.

use std::time::Duration;

use futures_util::future::join;
use kafka_edge::access::{AllowedTopic, Grant};
use kafka_edge::error::ErrorKind;
use kafka_edge::services::consume::{Acknowledged, Next, StartFrom};
use kafka_edge::services::seek::SeekTo;
use kafka_edge::sorted::SortedMap;
use kafka_edge::state::keys::LaneName;
use kafka_edge::state::lane::{Lane, Params, Take};
use kafka_edge_sim::{SimHost, StoreMode, local};

use crate::scene::{ACK, Cluster, Instance, TOPIC, claiming, next, page, receipts};

#[tokio::test(start_paused = true)]
async fn records_that_have_expired_are_no_lag() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..10, 1);
        let instance = cluster.instance();
        let topic = AllowedTopic::trusted(TOPIC);
        let to = SeekTo::Offsets([(0, 2)].into());
        instance.groups.seek("g", &topic, to).await.unwrap();
        let lag = async || {
            let group = instance.groups.get("g", &Grant::open()).await.unwrap();
            let position = &group.topics.iter().next().unwrap().1[0];
            (position.committed, position.lag)
        };
        assert_eq!(lag().await, (Some(2), Some(8)));
        cluster.log.delete_before(TOPIC, 0, 6);
        assert_eq!(lag().await, (Some(2), Some(4)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn groups_are_listed_moved_and_deleted() {
    local(async {
        let cluster = Cluster::new(1, 2);
        cluster.append(0..10, 2);
        let instance = cluster.instance();
        assert_eq!(
            instance.groups.get("g", &Grant::open()).await,
            Err(ErrorKind::UnknownGroup("g".into()).into()),
            "a group exists once it has read"
        );
        let claimed = page(&instance, claiming(500, 60)).await;
        assert_eq!(claimed.len(), 10);
        let list = instance.groups.list(&Grant::open()).await.unwrap();
        assert_eq!(list, SortedMap::from([("g".into(), [TOPIC.to_owned()].into())]));

        let moved = instance
            .groups
            .seek("g", &AllowedTopic::trusted(TOPIC), SeekTo::Offsets([(1, 3)].into()))
            .await;
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

        let earliest =
            instance.groups.seek("g", &AllowedTopic::trusted(TOPIC), SeekTo::Earliest).await;
        assert_eq!(earliest, Ok([(0, 0), (1, 0)].into()));
        assert_eq!(page(&instance, Next { max: 500, ..next(1) }).await.len(), 10);
        instance.groups.seek("g", &AllowedTopic::trusted(TOPIC), SeekTo::Latest).await.unwrap();
        assert_eq!(instance.get(0).await, None);
        let time = instance.groups.seek("g", &AllowedTopic::trusted(TOPIC), SeekTo::Time(4)).await;
        assert_eq!(time, Ok([(0, 4), (1, 4)].into()), "the simulation stamps with the offset");
        let refused = instance
            .groups
            .seek("g", &AllowedTopic::trusted(TOPIC), SeekTo::Offsets([(2, 0)].into()))
            .await;
        assert!(
            refused
                .as_ref()
                .is_err_and(|error| matches!(**error, ErrorKind::Invalid { field: "offsets", .. })),
            "{refused:?}"
        );

        instance.groups.delete("g", &Grant::open()).await.unwrap();
        assert_eq!(instance.groups.list(&Grant::open()).await, Ok(SortedMap::new()));
        let unknown = Err(ErrorKind::UnknownGroup("g".into()).into());
        assert_eq!(instance.groups.delete("g", &Grant::open()).await, unknown);
        assert_eq!(page(&instance, Next { max: 500, ..next(1) }).await.len(), 10);
        assert_eq!(
            instance.groups.list(&Grant::open()).await.unwrap().len(),
            1,
            "it is listed again"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_group_has_not_read_is_told_as_what_it_will_read() {
    local(async {
        let cluster = Cluster::new(1, 3);
        cluster.append(0..10, 2);
        let instance = cluster.instance();
        let told = async || -> Vec<_> {
            let group = instance.groups.get("g", &Grant::open()).await.unwrap();
            let told = group.topics[TOPIC].iter();
            told.map(|at| (at.partition, at.committed, at.end, at.lag)).collect()
        };
        // Listed, and dead before it had a position.
        instance.list.enlist("g", &[TOPIC]).await.unwrap();
        let unread = |partition, end| (partition, None, Some(end), None);
        assert_eq!(told().await, [unread(0, 5), unread(1, 5), unread(2, 0)]);

        instance
            .groups
            .seek("g", &AllowedTopic::trusted(TOPIC), SeekTo::Offsets([(0, 4)].into()))
            .await
            .unwrap();
        cluster.log.delete_before(TOPIC, 1, 2);
        let expected = [
            (0, Some(4), Some(5), Some(1)),
            (1, None, Some(5), Some(3)),
            (2, None, Some(0), Some(0)),
        ];
        assert_eq!(told().await, expected);
        let rest = page(&instance, Next { from: StartFrom::Latest, max: 500, ..next(1) }).await;
        assert_eq!(rest.len(), 1 + 3, "that is what it gets, whatever its next caller says");
    })
    .await;
}

/// Whether a group has a position anywhere on the topic.
async fn has_position(instance: &Instance) -> bool {
    !instance.groups.committed("g", &AllowedTopic::trusted(TOPIC)).await.unwrap().is_empty()
}

async fn is_listed(instance: &Instance) -> bool {
    instance.groups.list(&Grant::open()).await.unwrap().contains_key("g")
}

#[tokio::test(start_paused = true)]
async fn a_group_is_read_while_others_keep_the_list_and_listed_once_they_are_gone() {
    local(async {
        for first_one_dies in [false, true] {
            let cluster = Cluster::new(1, 1);
            cluster.append(0..3, 1);
            // Somebody changed the list before, and somebody dies with it now.
            cluster
                .instance()
                .groups
                .seek("other", &AllowedTopic::trusted(TOPIC), SeekTo::Latest)
                .await
                .unwrap();
            let (dead, params) = (cluster.world.instance(), Params::default());
            let lane = Lane::<SimHost, serde_json::Value>::new(dead, LaneName::groups(), params);
            let held = lane.try_take(async |_| unreachable!()).await;
            assert!(matches!(held, Ok(Take::Held(_))), "{held:?}");

            let first = cluster.instance();
            let start = tokio::time::Instant::now();
            assert_eq!(first.get(5).await, Some(0));
            assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
            assert_eq!(first.get(5).await, Some(1));
            assert!(has_position(&first).await && !is_listed(&first).await);

            if first_one_dies {
                first.host.kill();
                let second = cluster.instance();
                assert_eq!(second.get(20).await, Some(2));
                second.host.idle().await;
                assert!(is_listed(&second).await);
            } else {
                first.host.idle().await;
                assert!(is_listed(&first).await);
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_read_while_it_is_deleted_is_gone_or_listed() {
    local(async {
        let (mut gone, mut listed) = (0, 0);
        for seed in 0..300 {
            let cluster = Cluster::new(seed, 1);
            cluster.append(0..9, 1);
            let latency = Duration::from_millis(20);
            cluster.world.set_store_mode(StoreMode { latency, ..StoreMode::default() });
            let (reader, other) = (cluster.instance(), cluster.instance());
            reader.get(1).await.unwrap();
            reader.host.idle().await;
            let asked = async {
                tokio::time::sleep(Duration::from_millis(seed)).await;
                for _ in 0..2 {
                    reader.ask(next(1)).await.unwrap().unwrap();
                }
            };
            let (deleted, ()) = join(other.groups.delete("g", &Grant::open()), asked).await;
            deleted.unwrap();
            reader.host.idle().await;
            other.host.idle().await;
            let (is_listed, has_position) = (is_listed(&other).await, has_position(&other).await);
            assert!(is_listed || !has_position, "{seed}: it is there, and nobody can see it");
            gone += u32::from(!is_listed);
            listed += u32::from(is_listed);
        }
        assert!(gone > 0 && listed > 0, "{gone} {listed}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_servers_place_is_given_up_where_a_group_leaves_it() {
    local(async {
        let cluster = Cluster::new(1, 2);
        cluster.append(0..20, 2);
        cluster.log.read_in_places(30);
        let instance = cluster.instance();
        let read = async || {
            assert!(!page(&instance, Next { max: 500, ..next(1) }).await.is_empty());
            instance.host.idle().await;
        };
        let topic = AllowedTopic::trusted(TOPIC);
        read().await;
        assert_eq!((cluster.log.calls("open"), cluster.log.calls("close")), (2, 0));
        instance.groups.seek("g", &topic, SeekTo::Earliest).await.unwrap();
        instance.host.idle().await;
        assert_eq!(cluster.log.calls("close"), 2, "moved");
        read().await;
        instance.groups.delete("g", &Grant::open()).await.unwrap();
        instance.host.idle().await;
        assert_eq!((cluster.log.calls("open"), cluster.log.calls("close")), (4, 4));
        // What was read ahead is too much to be kept with a position.
        let large = "x".repeat(20_000);
        cluster.log.create_topic(TOPIC, 1);
        for _ in 0..10 {
            cluster.log.append(TOPIC, 0, large.clone());
        }
        let fresh = cluster.instance();
        let one = page(&fresh, Next { group: "large".into(), ..next(1) }).await;
        fresh.host.idle().await;
        assert_eq!((one.len(), cluster.log.calls("close")), (1, 5));
    })
    .await;
}
