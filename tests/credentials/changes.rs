//! Ends, two secrets at once, and a list that a former gateway wrote.

use std::time::Duration;

use kafka_edge::access::{Denial, Presented};
use kafka_edge::host::{Clock, Store};
use kafka_edge::services::credentials::{
    CredentialError, MAX_LIST_AGE, MAX_LIST_AGE_TO_REFUSE, MAX_OVERLAP, Wish,
};
use kafka_edge_sim::{StoreMode, World, local};

use crate::{basic, bearer, denied, instance, wish};

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_is_accepted_everywhere_beside_the_former_one() {
    local(async {
        let world = World::new(1);
        let ((_, one), (host, two)) = (instance(&world), instance(&world));
        let first = one.create(wish("writer")).await.unwrap();
        assert!(two.check(&basic(&first)).await.is_ok());
        let second = one.rotate("writer", Duration::from_secs(60)).await.unwrap();
        host.sleep(MAX_LIST_AGE_TO_REFUSE * 2).await;
        for credentials in [&one, &two] {
            for made in [&first, &second] {
                assert!(credentials.check(&basic(made)).await.is_ok());
                assert!(credentials.check(&bearer(made.secret.reveal())).await.is_ok());
            }
        }
        let shown = format!("{second:?} {:?}", one.list().await.unwrap());
        for made in [&first, &second] {
            assert!(!shown.contains(&made.secret.reveal()[3..]), "{shown}");
        }
        for (key, value) in world.store() {
            let value = String::from_utf8(value.unwrap_or_default()).unwrap();
            assert!(!value.contains(&second.secret.reveal()[3..]), "{key}: {value}");
        }
        host.sleep(Duration::from_secs(60)).await;
        for credentials in [&one, &two] {
            assert_eq!(credentials.check(&basic(&first)).await, Err(denied(Denial::Unknown)));
            assert!(credentials.check(&basic(&second)).await.is_ok());
        }
        let overlap = MAX_OVERLAP + Duration::from_millis(1);
        match one.rotate("writer", overlap).await {
            Err(CredentialError::Invalid(flaw)) => assert_eq!(flaw.field, "overlap"),
            other => panic!("{other:?}"),
        }
        assert_eq!(one.rotate("root", MAX_OVERLAP).await, Err(CredentialError::Configured));
        assert_eq!(one.rotate("nobody", MAX_OVERLAP).await, Err(CredentialError::Unknown));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rotation_over_a_store_that_fails_gives_no_secret_that_does_not_work() {
    local(async {
        let mut given = 0;
        for seed in 0..40 {
            let world = World::new(seed);
            let (host, credentials) = instance(&world);
            let first = credentials.create(wish("writer")).await.unwrap();
            world.set_store_mode(StoreMode { failures: 0.2, ..StoreMode::default() });
            let rotated = credentials.rotate("writer", Duration::from_secs(600)).await;
            world.set_store_mode(StoreMode::default());
            host.sleep(MAX_LIST_AGE).await;
            let other = instance(&world).1;
            // Whatever came of it, the one before goes on.
            assert!(other.check(&basic(&first)).await.is_ok(), "{seed}");
            if let Ok(second) = rotated {
                assert!(other.check(&basic(&second)).await.is_ok(), "{seed}");
                given += 1;
            }
        }
        assert!((5..40).contains(&given), "{given}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_moved_counts_everywhere() {
    local(async {
        let world = World::new(1);
        let ((_, one), (host, two)) = (instance(&world), instance(&world));
        let ending = Wish { expires: Some(host.now() + 10_000), ..wish("writer") };
        let created = one.create(ending).await.unwrap();
        assert_eq!(created.credential.expires, Some(host.now() + 10_000));
        assert!(two.check(&basic(&created)).await.is_ok());
        host.sleep(Duration::from_secs(10)).await;
        for credentials in [&one, &two] {
            assert_eq!(credentials.check(&basic(&created)).await, Err(denied(Denial::Expired)));
            let guess = Presented::pair("writer", "guess");
            assert_eq!(credentials.check(&guess).await, Err(denied(Denial::Unknown)));
        }
        one.expire("writer", None).await.unwrap();
        host.sleep(MAX_LIST_AGE_TO_REFUSE * 2).await;
        assert!(two.check(&basic(&created)).await.is_ok());
        for past in [host.now(), host.now() - 1, i64::MIN] {
            match one.expire("writer", Some(past)).await {
                Err(CredentialError::Invalid(flaw)) => assert_eq!(flaw.field, "expires"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(one.expire("root", None).await, Err(CredentialError::Configured));
        assert_eq!(one.expire("nobody", None).await, Err(CredentialError::Unknown));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_of_a_former_gateway_is_read_and_upgraded_with_the_next_change() {
    local(async {
        let world = World::new(1);
        let (host, credentials) = instance(&world);
        let created = credentials.create(wish("writer")).await.unwrap();
        let (key, value) = world
            .store()
            .into_iter()
            .find_map(|(key, value)| {
                let value = String::from_utf8(value?).ok()?;
                value.contains("writer").then_some((key, value))
            })
            .unwrap();
        // As it lay there before it had a version.
        let former = value.replacen(r#"{"v":2,"d":["#, "[", 1).replacen("}]}", "}]", 1);
        assert!(!former.contains(r#""v":2"#) && former.len() + 12 == value.len(), "{former}");
        host.set(&key, former.as_bytes()).await.unwrap();

        let (reader, other) = instance(&world);
        assert_eq!(other.list().await.unwrap(), credentials.list().await.unwrap());
        assert!(other.check(&basic(&created)).await.is_ok());
        reader.idle().await;
        let now = String::from_utf8(host.get(&key).await.unwrap().unwrap()).unwrap();
        assert!(now.contains(r#"{"v":2,"d":["#) && now.contains("last_used"), "{now}");
    })
    .await;
}
