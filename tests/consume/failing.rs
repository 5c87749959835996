//! Instances that die, callers that go away, servers that refuse.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use kafka_edge::access::AllowedTopic;
use kafka_edge::error::ErrorKind;
use kafka_edge::host::Store;
use kafka_edge::services::consume::Next;
use kafka_edge_sim::{Fate, StoreMode, local};

use crate::scene::{Cluster, next};

#[tokio::test(start_paused = true)]
async fn an_instance_that_dies_anywhere_loses_no_record() {
    local(async {
        let mut died = 0;
        for fate in [Fate::Done, Fate::NotDone] {
            for call in 1.. {
                let cluster = Cluster::new(call, 1);
                cluster.append(0..3, 1);
                let first = cluster.instance();
                first.host.kill_at(call, fate);
                let mut seen = Vec::new();
                for _ in 0..2 {
                    seen.extend(first.ask(next(0)).await.and_then(|answer| answer.unwrap()));
                }
                if !first.host.is_dead() {
                    first.host.idle().await;
                }
                let dead = first.host.is_dead();
                died += u32::from(dead);

                let second = cluster.instance();
                while !seen.contains(&2) {
                    // A lane that a death left taken answers "busy" for a while.
                    seen.extend(second.ask(next(5)).await.unwrap().unwrap_or_default());
                }
                let mut distinct = seen.clone();
                distinct.dedup();
                assert_eq!(distinct, [0, 1, 2], "killed at call {call} ({fate:?}): {seen:?}");
                if !dead {
                    assert_eq!(seen, [0, 1, 2], "no death, no repeat");
                    break;
                }
            }
        }
        assert!(died > 20, "only {died} places to die at");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_caller_did_not_take_goes_to_the_next_one() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..2, 1);
        let instance = cluster.instance();
        let consume = instance.consume.clone();
        instance.host.run(async move { drop(consume.next(next(1)).await) }).await.unwrap();
        assert_eq!(instance.get(1).await, Some(0));
        assert_eq!(instance.get(1).await, Some(1));
        assert_eq!(instance.get(1).await, None);

        cluster.append(2..5, 1);
        let gone = Rc::new(Cell::new(false));
        let (consume, flag) = (instance.consume.clone(), gone.clone());
        let hanging = instance.host.run(async move {
            let handed = consume.next(next(1)).await;
            flag.set(true);
            // Takes the record and never says whether it arrived.
            std::future::pending::<()>().await;
            drop(handed);
        });
        let others = async {
            while !gone.get() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            [instance.get(5).await, instance.get(5).await, instance.get(5).await]
        };
        futures_util::pin_mut!(hanging, others);
        match futures_util::future::select(hanging, others).await {
            futures_util::future::Either::Right((seen, _)) => {
                // Nobody waits for the one that hangs; its record comes to another.
                assert_eq!(seen, [Some(3), Some(4), Some(2)]);
            }
            futures_util::future::Either::Left(_) => unreachable!("it never ends"),
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn errors_reach_every_caller_and_heal() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..1, 1);
        let instance = cluster.instance();
        let unknown = Next { topics: vec![AllowedTopic::trusted("nowhere")], ..next(30) };
        let asked = instance.ask(unknown).await.unwrap();
        assert_eq!(asked, Err(ErrorKind::UnknownTopic("nowhere".into()).into()));

        cluster.log.set_failure(Some(ErrorKind::Timeout.into()));
        let callers = (0..3).map(|_| instance.ask(next(30)));
        for answer in join_all(callers).await {
            assert_eq!(answer.unwrap(), Err(ErrorKind::Timeout.into()));
        }
        cluster.log.set_failure(None);
        assert_eq!(instance.get(1).await, Some(0));

        let unnamed = Next { group: String::new(), ..next(0) };
        let refused = instance.ask(unnamed).await.unwrap();
        assert!(
            refused
                .as_ref()
                .is_err_and(|error| matches!(**error, ErrorKind::Invalid { field: "group", .. })),
            "{refused:?}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_document_of_a_newer_version_is_refused_and_no_other_one() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..4, 1);
        let instance = cluster.instance();
        let other = || Next { group: "other".into(), ..next(5) };
        assert_eq!(instance.get(5).await, Some(0));
        assert_eq!(instance.ask(other()).await.unwrap(), Ok(Some(0)));
        instance.host.idle().await;
        let documents = cluster.world.store().into_iter().filter_map(|(key, value)| {
            let of_group = key.starts_with("kafka-edge/2/group/g/") && key.contains("/0/d/");
            Some((key, String::from_utf8(value?).unwrap())).filter(|_| of_group)
        });
        let [(key, document)] = &documents.collect::<Vec<_>>()[..] else {
            panic!("{:?}", cluster.world.store());
        };
        let newer = document.replace(r#""p":{"o":1}"#, r#""p":{"v":3,"d":{"at":[1]}}"#);
        assert_ne!(&newer, document);
        instance.host.set(key, newer.as_bytes()).await.unwrap();

        // An instance that has just written another one knows nothing of it.
        let refused = cluster.instance().ask(next(5)).await.unwrap();
        let error = refused.unwrap_err();
        let ErrorKind::Store { detail } = &*error else { panic!("{error:?}") };
        assert!(
            detail.contains("was written by a newer version of kafka-edge")
                && detail.contains("version 3 of a group's position"),
            "{detail}"
        );
        assert_eq!(instance.ask(other()).await.unwrap(), Ok(Some(1)));
        instance.host.idle().await;
        let kept = cluster.world.store()[key].clone();
        assert_eq!(kept, Some(newer.into_bytes()), "it was written over");

        // Whoever knows the version goes on from it.
        instance.host.set(key, document.as_bytes()).await.unwrap();
        assert_eq!(instance.get(20).await, Some(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_costs_a_caller_ten_seconds_at_most() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..4, 1);
        let instance = cluster.instance();
        assert_eq!(instance.get(5).await, Some(0));
        instance.host.idle().await;
        let latency = Duration::from_secs(1_000_000);
        cluster.world.set_store_mode(StoreMode { latency, ..StoreMode::default() });
        let start = tokio::time::Instant::now();
        let refused = cluster.instance().ask(next(1)).await.unwrap();
        assert!(
            refused.as_ref().is_err_and(|error| matches!(**error, ErrorKind::Store { .. })),
            "{refused:?}"
        );
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());

        cluster.world.set_store_mode(StoreMode::default());
        assert_eq!(instance.get(20).await, Some(1));
    })
    .await;
}
