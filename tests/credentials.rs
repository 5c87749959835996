//! Credentials made at run time, by several instances over one store.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use kafka_edge::access::AccessError;
use kafka_edge::access::{Denial, Permission, Presented};
use kafka_edge::config::Access;
use kafka_edge::error::Error;
use kafka_edge::host::{AfterAnswer, Clock, Host, HostCapabilities, Store};
use kafka_edge::services::credentials::{
    Created, CredentialError, Credentials, MAX_LIST_AGE, MAX_LIST_AGE_TO_REFUSE, MAX_OVERLAP,
    MAX_STORED, Wish,
};
use kafka_edge_sim::{Fate, SimHost, StoreMode, World, local};

const ROOT: &str = "secret-of-the-root";

fn configured() -> Access {
    let document = format!(r#"[{{"name":"root","secret":"{ROOT}","allow":["admin"]}}]"#);
    Access::parse(None, Some(&document), None).unwrap()
}

fn instance(world: &World) -> (SimHost, Rc<Credentials<SimHost>>) {
    let host = world.instance();
    (host.clone(), Rc::new(Credentials::new(host, configured())))
}

fn wish(name: &str) -> Wish {
    Wish {
        name: name.into(),
        allow: vec!["produce".into()],
        topics: vec!["logs.*".into()],
        expires: None,
    }
}

fn basic(created: &Created) -> Presented {
    Presented::pair(created.credential.name.as_str(), created.secret.reveal())
}

fn bearer(secret: &str) -> Presented {
    Presented::from_headers([format!("Bearer {secret}").as_bytes()])
}

fn denied(denial: Denial) -> AccessError {
    AccessError::Denied(denial)
}

fn create(
    name: &str,
    credentials: &Rc<Credentials<SimHost>>,
) -> impl Future<Output = Result<Created, CredentialError>> + use<> {
    let (credentials, wish) = (credentials.clone(), wish(name));
    async move { credentials.create(wish).await }
}

#[tokio::test(start_paused = true)]
async fn a_new_credential_works_everywhere_and_only_for_what_it_allows() {
    local(async {
        let world = World::new(1);
        let ((_, one), (host, two)) = (instance(&world), instance(&world));
        // The second instance has just seen that there is none.
        assert_eq!(two.check(&bearer("x")).await, Err(denied(Denial::Unknown)));
        let created = one.create(wish("writer")).await.unwrap();
        host.sleep(MAX_LIST_AGE_TO_REFUSE * 2).await;
        assert!(created.secret.reveal().starts_with("ke_"));
        assert_eq!(created.secret.reveal().len(), 3 + 43);
        for credentials in [&one, &two] {
            for presented in [basic(&created), bearer(created.secret.reveal())] {
                let grant = credentials.check(&presented).await.unwrap();
                assert_eq!(grant.name(), Some("writer"));
                assert_eq!(grant.permits(Permission::Produce), Ok(()));
                assert!(grant.permits(Permission::Consume).is_err());
                assert!(grant.covers("logs.eu") && !grant.covers("orders"));
            }
        }
        let other = one.create(wish("other")).await.unwrap();
        assert_ne!(other.secret, created.secret);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_shown_once_and_never_stored() {
    local(async {
        let world = World::new(1);
        let (_, credentials) = instance(&world);
        let created = credentials.create(wish("writer")).await.unwrap();
        let secret = created.secret.reveal();
        for (key, value) in world.store() {
            assert!(key.starts_with("kafka-edge/2/credentials/"), "{key}");
            let value = String::from_utf8(value.unwrap_or_default()).unwrap();
            assert!(!value.contains(secret) && !value.contains(&secret[3..]), "{value}");
        }
        let listed = credentials.list().await.unwrap();
        let names: Vec<_> = listed.iter().map(|listed| listed.name.as_str()).collect();
        assert_eq!(names, ["root", "writer"]);
        assert_eq!(listed[0].created, None);
        assert!(listed[1].created.is_some());
        assert_eq!(listed[1], created.credential);
        let shown = format!("{created:?} {listed:?} {:?}", basic(&created));
        assert!(!shown.contains(&secret[3..]) && !shown.contains("sha256:"), "{shown}");
        assert!(world.reported().is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_credential_stops_within_the_age_of_what_is_kept() {
    local(async {
        let world = World::new(1);
        let ((_, one), (host, two)) = (instance(&world), instance(&world));
        let created = one.create(wish("writer")).await.unwrap();
        assert!(two.check(&basic(&created)).await.is_ok());
        host.idle().await;

        one.delete("writer").await.unwrap();
        assert_eq!(one.check(&basic(&created)).await, Err(denied(Denial::Unknown)));
        // Kept elsewhere, and without a read of the store.
        let calls = host.calls();
        assert!(two.check(&basic(&created)).await.is_ok());
        assert_eq!(host.calls(), calls);

        host.sleep(MAX_LIST_AGE * 2 + Duration::from_millis(1)).await;
        assert_eq!(two.check(&basic(&created)).await, Err(denied(Denial::Unknown)));
        assert_eq!(two.delete("writer").await, Err(CredentialError::Unknown));
        // The name is free again, with another secret.
        let again = one.create(wish("writer")).await.unwrap();
        assert_eq!(one.check(&basic(&created)).await, Err(denied(Denial::Unknown)));
        assert!(one.check(&basic(&again)).await.is_ok());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn checks_read_the_store_seldom_and_those_of_the_configuration_never() {
    local(async {
        let world = World::new(1);
        let (host, credentials) = instance(&world);
        for presented in [Presented::pair("root", ROOT), bearer(ROOT)] {
            let grant = credentials.check(&presented).await.unwrap();
            assert_eq!(grant.name(), Some("root"));
        }
        assert_eq!(credentials.check(&Presented::Nothing).await, Err(denied(Denial::Nobody)));
        assert_eq!(credentials.check(&Presented::Malformed).await, Err(denied(Denial::Malformed)));
        assert_eq!(host.calls(), 0);

        let created = credentials.create(wish("writer")).await.unwrap();
        // The first one of the day notes the day.
        credentials.check(&basic(&created)).await.unwrap();
        host.idle().await;
        let before = host.calls();
        for _ in 0..1000 {
            credentials.check(&basic(&created)).await.unwrap();
        }
        assert_eq!(host.calls(), before);
        // A stranger who tries for a second costs a few reads, not one a try.
        for _ in 0..1000 {
            host.sleep(Duration::from_millis(1)).await;
            credentials.check(&bearer("guess")).await.unwrap_err();
        }
        let reads = host.calls() - before;
        assert!((1..=20).contains(&reads), "{reads}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_two_instances_that_take_a_name_one_gets_it() {
    local(async {
        for seed in 0..20 {
            let world = World::new(seed);
            world.set_store_mode(StoreMode {
                latency: Duration::from_millis(20),
                ..StoreMode::default()
            });
            let ((host_one, one), (host_two, two)) = (instance(&world), instance(&world));
            let (a, b) =
                join(host_one.run(create("writer", &one)), host_two.run(create("writer", &two)))
                    .await;
            let (created, refused) = match (a.unwrap(), b.unwrap()) {
                (Ok(created), Err(refused)) | (Err(refused), Ok(created)) => (created, refused),
                other => panic!("{seed}: {other:?}"),
            };
            assert_eq!(refused, CredentialError::NameTaken);
            for credentials in [&one, &two] {
                assert!(credentials.check(&basic(&created)).await.is_ok());
                assert_eq!(credentials.list().await.unwrap().len(), 2);
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_instances_do_at_the_same_time_is_all_there() {
    local(async {
        let world = World::new(3);
        world.set_store_mode(StoreMode {
            latency: Duration::from_millis(5),
            ..StoreMode::default()
        });
        let instances: Vec<_> = (0..4).map(|_| instance(&world)).collect();
        let work = instances.iter().enumerate().map(|(n, (host, credentials))| {
            let credentials = credentials.clone();
            host.run(async move {
                credentials.create(wish(&format!("stays-{n}"))).await.unwrap();
                credentials.create(wish(&format!("goes-{n}"))).await.unwrap();
                credentials.delete(&format!("goes-{n}")).await.unwrap();
            })
        });
        assert!(join_all(work).await.iter().all(Option::is_some));
        let listed = instances[0].1.list().await.unwrap();
        let mut names: Vec<_> = listed.iter().map(|listed| listed.name.to_string()).collect();
        names.sort();
        assert_eq!(names, ["root", "stays-0", "stays-1", "stays-2", "stays-3"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_dies_while_it_makes_one_keeps_nobody_from_it() {
    local(async {
        for call in 1..=12 {
            for fate in [Fate::Done, Fate::NotDone] {
                let world = World::new(call);
                let ((dying, one), (host, two)) = (instance(&world), instance(&world));
                two.create(wish("there-before")).await.unwrap();
                dying.kill_at(call, fate);
                let created = dying.run(async move { one.create(wish("writer")).await }).await;

                // Whoever got an answer has a credential; whoever got none may
                // or may not, and either way the name can be had again.
                if let Some(created) = created {
                    host.sleep(MAX_LIST_AGE_TO_REFUSE * 2).await;
                    assert!(two.check(&basic(&created.unwrap())).await.is_ok());
                } else if two.delete("writer").await == Err(CredentialError::Unknown) {
                    two.create(wish("writer")).await.unwrap();
                }
                let listed = two.list().await.unwrap();
                assert!(listed.iter().any(|listed| listed.name.as_str() == "there-before"));
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_opens_nothing() {
    local(async {
        let world = World::new(1);
        let (host, credentials) = instance(&world);
        let created = credentials.create(wish("writer")).await.unwrap();
        world.set_store_mode(StoreMode { failures: 1.0, ..StoreMode::default() });
        host.sleep(MAX_LIST_AGE * 2 + Duration::from_millis(1)).await;

        for presented in [basic(&created), bearer("guess"), bearer(created.secret.reveal())] {
            let refused = credentials.check(&presented).await.unwrap_err();
            assert!(matches!(refused, AccessError::Failed(Error::Store { .. })), "{refused:?}");
        }
        // What needs no store goes on.
        assert!(credentials.check(&bearer(ROOT)).await.is_ok());
        assert_eq!(credentials.check(&Presented::Nothing).await, Err(denied(Denial::Nobody)));
        let failed = credentials.create(wish("other")).await.unwrap_err();
        assert!(matches!(failed, CredentialError::Failed(Error::Store { .. })), "{failed:?}");
        let failed = credentials.delete("writer").await.unwrap_err();
        assert!(matches!(failed, CredentialError::Failed(Error::Store { .. })), "{failed:?}");

        // And with nobody in the configuration, it is not taken for empty.
        let bare = Credentials::new(world.instance(), Access::default());
        let refused = bare.check(&Presented::Nothing).await.unwrap_err();
        assert!(matches!(refused, AccessError::Failed(Error::Store { .. })), "{refused:?}");

        world.set_store_mode(StoreMode::default());
        assert!(credentials.check(&basic(&created)).await.is_ok());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_nobody_at_all_it_is_said_what_to_configure() {
    local(async {
        let world = World::new(1);
        let bare = Credentials::new(world.instance(), Access::default());
        for presented in [Presented::Nothing, Presented::Malformed, bearer("x")] {
            match bare.check(&presented).await {
                Err(AccessError::Failed(Error::Unconfigured(sentence))) => {
                    assert!(sentence.contains("credentials"), "{sentence}");
                    assert!(sentence.contains("open_access"), "{sentence}");
                }
                other => panic!("{other:?}"),
            }
        }
        // One in the store is somebody.
        let (host, credentials) = instance(&world);
        let created = credentials.create(wish("writer")).await.unwrap();
        host.sleep(MAX_LIST_AGE_TO_REFUSE * 2).await;
        assert!(bare.check(&basic(&created)).await.is_ok());
        assert_eq!(bare.check(&Presented::Nothing).await, Err(denied(Denial::Nobody)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn open_is_open_and_asks_nothing() {
    local(async {
        let world = World::new(1);
        let host = world.instance();
        let open = Access { open: true, ..configured() };
        let credentials = Credentials::new(host.clone(), open);
        for presented in [Presented::Nothing, Presented::Malformed, bearer("x"), bearer(ROOT)] {
            let grant = credentials.check(&presented).await.unwrap();
            assert_eq!(grant.name(), None);
            assert_eq!(grant.permits(Permission::Admin), Ok(()));
        }
        assert_eq!(host.calls(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_or_deleted_is_refused_with_the_reason() {
    local(async {
        let world = World::new(1);
        let (_, credentials) = instance(&world);
        let flaw = async |wish: Wish| match credentials.create(wish).await {
            Err(CredentialError::Invalid(flaw)) => flaw.field,
            other => panic!("{other:?}"),
        };
        assert_eq!(flaw(wish("a b")).await, "name");
        assert_eq!(flaw(Wish { allow: vec!["all".into()], ..wish("a") }).await, "allow");
        assert_eq!(flaw(Wish { topics: vec!["a*b".into()], ..wish("a") }).await, "topics");
        assert_eq!(flaw(Wish { topics: vec![], ..wish("a") }).await, "topics");
        assert!(world.store().is_empty(), "nothing of that came to the store");

        assert_eq!(credentials.create(wish("root")).await, Err(CredentialError::NameTaken));
        assert_eq!(credentials.delete("root").await, Err(CredentialError::Configured));
        assert_eq!(credentials.delete("nobody").await, Err(CredentialError::Unknown));

        for n in 0..MAX_STORED {
            credentials.create(wish(&format!("c{n}"))).await.unwrap();
        }
        assert_eq!(credentials.create(wish("more")).await, Err(CredentialError::TooMany));
        credentials.delete("c0").await.unwrap();
        credentials.create(wish("more")).await.unwrap();
    })
    .await;
}

/// The day of last use as an administrator sees it.
async fn last_used(credentials: &Credentials<SimHost>, name: &str) -> Option<String> {
    let listed = credentials.list().await.unwrap();
    let found = listed.iter().find(|listed| listed.name.as_str() == name);
    found.unwrap().last_used.map(|day| day.to_string())
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What goes on after an answer ends.
async fn settle(host: &SimHost) {
    host.idle().await;
}

#[tokio::test(start_paused = true)]
async fn the_day_of_last_use_is_written_once_a_day() {
    local(async {
        let world = World::new(1);
        let ((one_host, one), (two_host, two)) = (instance(&world), instance(&world));
        let created = one.create(wish("writer")).await.unwrap();
        assert_eq!(last_used(&one, "writer").await, None);
        for day in ["2026-03-01", "2026-03-02"] {
            let before = world.store_calls();
            one.check(&basic(&created)).await.unwrap();
            settle(&one_host).await;
            let first = world.store_calls();
            // Two of them read the list for the check itself.
            let reads = first.reads - before.reads;
            assert!((1..=5).contains(&reads), "{reads}");
            assert_eq!(first.writes - before.writes, 2, "a turn at the list");
            assert_eq!(last_used(&one, "writer").await.as_deref(), Some(day));
            // Another instance finds it there, and this one remembers.
            for _ in 0..100 {
                for (host, credentials) in [(&one_host, &one), (&two_host, &two)] {
                    credentials.check(&basic(&created)).await.unwrap();
                    host.sleep(Duration::from_secs(60)).await;
                }
            }
            assert_eq!(world.store_calls().writes, first.writes);
            one_host.sleep(DAY - Duration::from_secs(200 * 60)).await;
        }
        // Those that nobody uses keep their day, and those of the configuration have none.
        assert_eq!(last_used(&one, "writer").await.as_deref(), Some("2026-03-02"));
        assert!(one.check(&bearer(ROOT)).await.is_ok());
        settle(&one_host).await;
        assert_eq!(last_used(&one, "root").await, None);
        assert!(one.check(&Presented::pair("writer", "wrong")).await.is_err());
        settle(&one_host).await;
        assert_eq!(last_used(&one, "writer").await.as_deref(), Some("2026-03-02"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_write_the_day_fails_no_call() {
    local(async {
        let world = World::new(1);
        let (host, credentials) = instance(&world);
        let created = credentials.create(wish("writer")).await.unwrap();
        world.set_store_mode(StoreMode { refusals: 1.0, ..StoreMode::default() });
        // The list is known; only the day cannot be written.
        let before = world.store_calls();
        assert!(credentials.check(&basic(&created)).await.is_ok());
        settle(&host).await;
        let tried = world.store_calls();
        for _ in 0..10 {
            assert!(credentials.check(&basic(&created)).await.is_ok());
            settle(&host).await;
        }
        assert_ne!(tried, before);
        assert_eq!(world.store_calls(), tried, "a failing store is not tried with each call");
        world.set_store_mode(StoreMode::default());
        assert!(credentials.check(&basic(&created)).await.is_ok());
        settle(&host).await;
        assert_eq!(last_used(&credentials, "writer").await, None);
        host.sleep(Duration::from_secs(600)).await;
        assert!(credentials.check(&basic(&created)).await.is_ok());
        settle(&host).await;
        assert_eq!(last_used(&credentials, "writer").await.as_deref(), Some("2026-03-01"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_tasks_end_with_the_answer_the_day_is_written_before_it() {
    local(async {
        let world = World::new(1);
        let (host, credentials) = instance(&world);
        let ends = HostCapabilities { after_answer: AfterAnswer::Ends, ..host.capabilities() };
        world.set_capabilities(ends);
        let created = credentials.create(wish("writer")).await.unwrap();
        assert!(credentials.check(&basic(&created)).await.is_ok());
        assert_eq!(last_used(&credentials, "writer").await.as_deref(), Some("2026-03-01"));

        // The next day, and nothing can be written.
        host.sleep(DAY).await;
        credentials.list().await.unwrap();
        world.set_store_mode(StoreMode { refusals: 1.0, ..StoreMode::default() });
        assert!(credentials.check(&basic(&created)).await.is_ok());
        world.set_store_mode(StoreMode::default());
        assert_eq!(last_used(&credentials, "writer").await.as_deref(), Some("2026-03-01"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_a_crowd_at_midnight_somebody_writes_the_day_and_nobody_waits() {
    local(async {
        for seed in 0..10 {
            let world = World::new(seed);
            let (host, credentials) = instance(&world);
            let created = Rc::new(credentials.create(wish("writer")).await.unwrap());
            let store = StoreMode { latency: Duration::from_millis(20), ..StoreMode::default() };
            world.set_store_mode(store);
            if seed % 2 == 1 {
                let ends = AfterAnswer::Ends;
                world.set_capabilities(HostCapabilities {
                    after_answer: ends,
                    ..host.capabilities()
                });
            }
            let before = world.store_calls();
            let crowd: Vec<_> = (0..50).map(|_| instance(&world)).collect();
            let calls = crowd.iter().map(|(host, credentials)| {
                let (credentials, created) = (credentials.clone(), created.clone());
                host.run(async move { credentials.check(&basic(&created)).await.is_ok() })
            });
            let began = host.monotonic();
            assert!(join_all(calls).await.iter().all(|let_in| *let_in == Some(true)));
            let took = host.monotonic() - began;
            // Where tasks end with the answer, a ticket that is lost is seen through.
            let longest = if seed % 2 == 1 { 1_050 } else { 50 };
            assert!(took <= Duration::from_millis(longest), "{seed}: {took:?}");
            host.sleep(Duration::from_secs(5)).await;
            let later = instance(&world).1;
            if last_used(&later, "writer").await.is_none() {
                // All have let each other go first; the next caller writes it.
                later.check(&basic(&created)).await.unwrap();
                host.sleep(Duration::from_secs(1)).await;
            }
            assert_eq!(last_used(&later, "writer").await.as_deref(), Some("2026-03-01"));
            let writes = world.store_calls().writes - before.writes;
            assert!(writes <= 60, "{seed}: {writes}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_dies_while_it_writes_the_day_leaves_the_list_usable() {
    local(async {
        for call in 1..=8 {
            for fate in [Fate::Done, Fate::NotDone] {
                let world = World::new(call);
                let ((dying, one), (host, two)) = (instance(&world), instance(&world));
                let created = Rc::new(two.create(wish("writer")).await.unwrap());
                let presented = basic(&created);
                dying.kill_at(call, fate);
                let caller = dying.clone();
                dying
                    .run(async move {
                        let _ = one.check(&presented).await;
                        caller.sleep(Duration::from_secs(1)).await;
                    })
                    .await;
                assert!(two.check(&basic(&created)).await.is_ok());
                two.create(wish("another")).await.unwrap();
                assert_eq!(two.list().await.unwrap().len(), 3);
                host.sleep(Duration::from_secs(1)).await;
            }
        }
    })
    .await;
}

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
        settle(&reader).await;
        let now = String::from_utf8(host.get(&key).await.unwrap().unwrap()).unwrap();
        assert!(now.contains(r#"{"v":2,"d":["#) && now.contains("last_used"), "{now}");
    })
    .await;
}
