//! Registering, listing and removing webhooks.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use kafka_edge::access::{AccessError, AllowedTopic, Grant};
use kafka_edge::error::ErrorKind;
use kafka_edge::services::consume::StartFrom;
use kafka_edge::services::subscriptions::Condition;
use kafka_edge_sim::{StoreMode, local};

use crate::receiver::Mood;
use crate::scene::{HOOK, Scene, TOPIC, counts};

#[tokio::test(start_paused = true)]
async fn the_same_topic_and_url_is_the_same_webhook_and_its_secret_is_told_once() {
    local(async {
        let scene = Scene::new(1);
        scene.log.create_topic("other", 1);
        let (one, two) = (scene.instance(), scene.instance());
        let first = one
            .webhooks
            .register(&AllowedTopic::trusted(TOPIC), HOOK, StartFrom::Latest)
            .await
            .unwrap();
        let secret = first.secret.unwrap();
        assert!(secret.starts_with("whsec_"));
        assert!(first.subscription.id.starts_with("webhook_"));
        assert_eq!(first.subscription.topic, TOPIC);

        for (instance, url) in [(&one, HOOK), (&two, HOOK), (&two, "HTTPS://EXAMPLE.com:443/hook")]
        {
            let again = instance
                .webhooks
                .register(&AllowedTopic::trusted(TOPIC), url, StartFrom::Earliest)
                .await
                .unwrap();
            assert_eq!((again.subscription, again.secret), (first.subscription.clone(), None));
        }
        let other = two
            .webhooks
            .register(&AllowedTopic::trusted("other"), HOOK, StartFrom::Latest)
            .await
            .unwrap();
        assert_ne!(other.subscription.id, first.subscription.id);
        assert_ne!(other.secret, Some(secret.clone()));

        let list = one.webhooks.list(None, &Grant::open()).await.unwrap().0;
        assert_eq!(list, [first.subscription.clone(), other.subscription]);
        assert_eq!(
            two.webhooks.get(&first.subscription.id, &Grant::open()).await.unwrap().0,
            first.subscription
        );
        assert!(!format!("{:?} {:?}", one.webhooks, list).contains(&secret));
        assert!(scene.world.reported().iter().all(|line| !line.contains(&secret)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_delivered_cannot_be_registered() {
    local(async {
        let scene = Scene::new(1);
        let webhooks = scene.instance().webhooks;
        let unknown =
            webhooks.register(&AllowedTopic::trusted("none"), HOOK, StartFrom::Latest).await;
        assert_eq!(unknown, Err(ErrorKind::UnknownTopic("none".into()).into()));
        for url in ["http://2130706433/", "http://[::ffff:127.0.0.1]/", "ftp://example.com/", ""] {
            let refused = webhooks
                .register(&AllowedTopic::trusted(TOPIC), url, StartFrom::Latest)
                .await
                .unwrap_err();
            assert_eq!(refused.to_string(), "Invalid webhook URL");
        }
        // Neither where the server tells no offsets.
        scene.log.set_failure_of("offsets", ErrorKind::Unsupported("no such call".into()).into());
        let unknown =
            webhooks.register(&AllowedTopic::trusted("none"), HOOK, StartFrom::Earliest).await;
        assert_eq!(unknown, Err(ErrorKind::UnknownTopic("none".into()).into()));
        assert_eq!(webhooks.list(None, &Grant::open()).await.unwrap().0, []);
        let id = "webhook_none".to_owned();
        assert_eq!(
            webhooks.get(&id, &Grant::open()).await.unwrap_err(),
            ErrorKind::UnknownSubscription(id.clone()).into()
        );
        assert_eq!(
            webhooks.delete(&id, Condition::None, &Grant::open()).await,
            Err(ErrorKind::UnknownSubscription(id).into())
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn registrations_that_race_on_several_instances_all_survive() {
    local(async {
        let scene = Scene::new(1);
        scene.world.set_store_mode(StoreMode {
            latency: Duration::from_millis(5),
            ..StoreMode::default()
        });
        let instances: Vec<_> = (0..4).map(|_| scene.instance()).collect();
        let registrations = (0..24).map(|n| {
            let webhooks = instances[n % 4].webhooks.clone();
            // Each URL comes twice, from two instances.
            let url = format!("https://example.com/{}", n / 2);
            async move {
                webhooks
                    .register(&AllowedTopic::trusted(TOPIC), &url, StartFrom::Latest)
                    .await
                    .unwrap()
            }
        });
        let registered = join_all(registrations).await;
        let ids: BTreeSet<_> = registered.iter().map(|one| one.subscription.id.clone()).collect();
        assert_eq!(ids.len(), 12);
        let secrets = registered.iter().filter(|one| one.secret.is_some()).count();
        assert_eq!(secrets, 12, "one of each two is told the secret");
        let list = scene.instance().webhooks.list(None, &Grant::open()).await.unwrap().0;
        assert_eq!(list.into_iter().map(|webhook| webhook.id).collect::<BTreeSet<_>>(), ids);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_takes_no_more_than_a_thousand() {
    local(async {
        let scene = Scene::new(1);
        let webhooks = scene.instance().webhooks;
        let topic = AllowedTopic::trusted(TOPIC);
        for n in 0..1000 {
            let url = format!("https://example.com/{n}");
            webhooks.register(&topic, &url, StartFrom::Latest).await.unwrap();
        }
        let refused = webhooks.register(&topic, HOOK, StartFrom::Latest).await;
        assert!(
            refused.as_ref().is_err_and(|error| matches!(**error, ErrorKind::LimitReached(_))),
            "{refused:?}"
        );
        let known = webhooks.register(&topic, "https://example.com/7", StartFrom::Latest).await;
        let known = known.unwrap();
        assert_eq!(known.secret, None);
        // What was refused is nowhere.
        let (mut count, mut cursor) = (0, None::<String>);
        loop {
            let (page, next) = webhooks.list(cursor.as_deref(), &Grant::open()).await.unwrap();
            count += page.len();
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(count, 1000);
        let ids = scene.world.store().into_keys().filter(|key| key.contains("/~/d/"));
        assert_eq!(ids.count(), 1000);

        let id = known.subscription.id;
        webhooks.delete(&id, Condition::None, &Grant::open()).await.unwrap();
        webhooks.register(&topic, HOOK, StartFrom::Latest).await.unwrap();
        let (first, next) = webhooks.list(None, &Grant::open()).await.unwrap();
        assert_eq!((first.len(), next.as_deref()), (499, Some("1")));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn delivery_begins_where_the_registration_says() {
    local(async {
        let scene = Scene::new(2);
        scene.append(0, 3);
        let instance = scene.instance();
        let (late, early) = ("https://example.com/late", "https://example.com/early");
        let id = instance.register(late).await;
        instance
            .webhooks
            .register(&AllowedTopic::trusted(TOPIC), early, StartFrom::Earliest)
            .await
            .unwrap();
        let (_, progress) = instance.webhooks.get(&id, &Grant::open()).await.unwrap();
        let positions: Vec<_> = progress.iter().map(|one| (one.partition, one.position)).collect();
        assert_eq!(positions, [(0, 3), (1, 0)]);

        // Written after the registration, though nothing was delivered yet.
        scene.append(0, 1);
        assert_eq!(counts(&instance.deliver().await), [(1, 0), (4, 0)]);
        assert_eq!(scene.receiver.accepted(late), [3]);
        assert_eq!(scene.receiver.accepted(early), [0, 1, 2, 3]);
        let (_, progress) = instance.webhooks.get(&id, &Grant::open()).await.unwrap();
        assert_eq!(progress[0].position, 4);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_delivered_once_a_webhook_was_removed() {
    local(async {
        let scene = Scene::new(2);
        let (one, two) = (scene.instance(), scene.instance());
        let (removed, kept) = (HOOK, "https://example.com/kept");
        let id = one.register(removed).await;
        one.register(kept).await;
        scene.receiver.set(removed, Mood::Slow(Duration::from_millis(300)));
        scene.append(0, 100);
        scene.append(1, 100);
        let under_way = tokio::task::spawn_local({
            let one = one.clone();
            async move { one.deliver().await }
        });
        tokio::time::sleep(Duration::from_secs(2)).await;
        two.webhooks.delete(&id, Condition::None, &Grant::open()).await.unwrap();
        let so_far = scene.receiver.of(removed).len();
        assert!((2..30).contains(&so_far), "{so_far}");

        under_way.await.unwrap();
        one.deliver().await;
        two.webhooks.deliver_in_background(TOPIC);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(scene.receiver.of(removed).len(), so_far);
        assert_eq!(scene.receiver.accepted(kept).len(), 200);
        assert!(matches!(
            one.webhooks.get(&id, &Grant::open()).await,
            Err(AccessError::Failed(error))
                if matches!(*error, ErrorKind::UnknownSubscription(_))
        ));
        let left: Vec<_> =
            scene.world.store().into_keys().filter(|key| key.contains(&id)).collect();
        assert!(left.is_empty(), "{left:?}");

        // The same callback again is another subscription.
        assert_ne!(two.register(removed).await, id);
        scene.append(0, 1);
        two.deliver().await;
        assert_eq!(scene.receiver.of(removed).len(), so_far + 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_outruns_a_first_delivery() {
    for after in 0..100 {
        local(async move {
            let scene = Scene::new(1);
            let (one, two) = (scene.instance(), scene.instance());
            let id = one.register(HOOK).await;
            scene.append(0, 3);
            // A long way from the look at the list to the first attempt.
            scene.log.set_delay(Duration::from_millis(600));
            let latency = Duration::from_millis(10);
            scene.world.set_store_mode(StoreMode { latency, ..StoreMode::default() });
            one.webhooks.deliver_in_background(TOPIC);
            tokio::time::sleep(Duration::from_millis(after * 10)).await;
            scene.log.set_delay(Duration::ZERO);
            two.webhooks.delete(&id, Condition::None, &Grant::open()).await.unwrap();
            let so_far = scene.receiver.of(HOOK).len();
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert_eq!(scene.receiver.of(HOOK).len(), so_far, "removed after {after}0 ms");
        })
        .await;
    }
}
