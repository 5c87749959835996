//! The store does not grow with what a group has consumed.

use std::time::Duration;

use kafka_edge::services::consume::{Ack, Acknowledged, Disposal, Next};
use kafka_edge::state::lane::Params;
use kafka_edge_sim::{SimLog, World};

use crate::run;
use crate::scene::{Instance, everything};

const ORDERS: &str = "orders";

const DONE: Acknowledged = Acknowledged::Done;

/// One instance, one topic of one partition, and the store below them.
struct Only {
    world: World,
    log: SimLog,
    instance: Instance,
}

impl Only {
    fn new(records: usize) -> Self {
        let (world, log) = (World::new(1), SimLog::new());
        log.create_topic(ORDERS, 1);
        for _ in 0..records {
            log.append(ORDERS, 0, "x");
        }
        let instance = Instance::new(&world, &log, Params::default());
        Self { world, log, instance }
    }

    /// Keys and bytes of the store. Digits are left out: an offset has more
    /// of them the further a group is.
    async fn size(&self) -> (usize, usize) {
        self.instance.host.idle().await;
        let store = self.world.store();
        let digits = |bytes: &[u8]| bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
        let bytes = store.iter().map(|(key, value)| {
            let value = value.as_deref().unwrap_or_default();
            key.len() + value.len() - digits(key.as_bytes()) - digits(value)
        });
        (store.len(), bytes.sum())
    }

    /// One record; taken, or dropped on the way.
    async fn single(&self, takes: bool) {
        let next = Next { max: 1, ..everything(&[ORDERS], Duration::ZERO) };
        let handed = self.instance.next(next, Duration::MAX).await.unwrap().unwrap();
        assert_eq!(handed.records.len(), 1);
        if takes {
            handed.delivered();
        } else {
            drop(handed);
        }
        self.instance.host.idle().await;
    }

    async fn page(&self) -> usize {
        let next = everything(&[ORDERS], Duration::from_secs(1));
        let handed = self.instance.next(next, Duration::MAX).await.unwrap().unwrap();
        let count = handed.records.len();
        handed.delivered();
        count
    }

    /// Claims up to `max` records and answers their receipts.
    async fn claim(&self, max: usize) -> Vec<String> {
        let ack = Ack::Manual { lease: Duration::from_secs(600) };
        let next = Next { max, ack, ..everything(&[ORDERS], Duration::from_secs(1)) };
        let handed = self.instance.next(next, Duration::MAX).await.unwrap().unwrap();
        let claims = handed.records.iter().map(|consumed| consumed.acquired.clone().unwrap());
        let receipts = claims.map(|claim| claim.receipt).collect();
        handed.delivered();
        receipts
    }

    async fn ack(&self, receipts: &[String]) {
        let answers = self.instance.acknowledge(receipts.to_vec(), Disposal::Ack).await;
        assert_eq!(answers.unwrap().unwrap(), vec![DONE; receipts.len()]);
        self.instance.host.idle().await;
    }

    async fn committed(&self) -> i64 {
        self.instance.host.idle().await;
        self.instance.group().await.unwrap().unwrap().topics[ORDERS][0].committed.unwrap()
    }
}

#[test]
fn a_group_that_consumed_a_million_records_holds_no_more_than_one_that_consumed_ten() {
    let few = run(async {
        let few = Only::new(10);
        for _ in 0..10 {
            few.single(false).await;
            few.single(true).await;
        }
        assert_eq!(few.committed().await, 10);
        few.size().await
    });
    let many = run(async {
        let many = Only::new(0);
        let mut consumed = 0;
        while consumed < 1_000_000 {
            // As retention does, which also keeps this test small.
            many.log.delete_before(ORDERS, 0, consumed);
            for _ in 0..10_000 {
                many.log.append(ORDERS, 0, "x");
            }
            let until = consumed + 10_000;
            while consumed < until {
                consumed += many.page().await as i64;
            }
            many.instance.host.idle().await;
        }
        assert_eq!(many.committed().await, 1_000_000);
        many.size().await
    });
    println!("(keys, bytes) after ten records {few:?}, after a million {many:?}");
    assert!(many.0 <= few.0 && many.1 <= few.1, "{many:?} against {few:?}");
}

#[test]
fn acknowledging_out_of_order_leaves_nothing_behind() {
    let consume = |pages: usize, page: usize| {
        run(async move {
            let only = Only::new(pages * page);
            for _ in 0..pages {
                let receipts = only.claim(page).await;
                assert_eq!(receipts.len(), page);
                let (first, rest) = receipts.split_first().unwrap();
                for receipts in rest.rchunks(page / 2 + 1) {
                    only.ack(receipts).await;
                }
                only.ack(std::slice::from_ref(first)).await;
            }
            assert_eq!(only.committed().await, (pages * page) as i64);
            only.size().await
        })
    };
    let (few, many) = (consume(10, 1), consume(60, 500));
    println!("(keys, bytes) after ten records {few:?}, after 30,000 {many:?}");
    // The documents of the last turns were written with claims in them.
    assert!(many.0 <= few.0, "{many:?} against {few:?}");
    assert!(many.1 <= few.1 + 16 * 500 * 50, "{many:?} against {few:?}");
}

#[test]
fn records_in_flight_are_capped_and_what_is_acknowledged_makes_room() {
    run(async {
        let only = Only::new(2_000);
        let mut receipts = only.claim(500).await;
        receipts.extend(only.claim(500).await);
        assert_eq!(receipts.len(), 1_000);
        assert_eq!(only.claim(500).await, Vec::<String>::new(), "no more at once");
        only.ack(&receipts[400..]).await;
        assert_eq!(only.committed().await, 0, "the first are still out");
        assert_eq!(only.claim(500).await.len(), 500);
        assert_eq!(only.claim(500).await.len(), 100);
        assert_eq!(only.claim(500).await, Vec::<String>::new(), "no more at once");
    });
}
