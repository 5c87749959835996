//! Credentials made at run time, by several instances over one store.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use kafka_edge::access::AccessError;
use kafka_edge::access::{Denial, Permission, Presented};
use kafka_edge::config::Access;
use kafka_edge::error::ErrorKind;
use kafka_edge::host::Clock;
use kafka_edge::services::credentials::{
    Created, CredentialError, Credentials, MAX_LIST_AGE, MAX_LIST_AGE_TO_REFUSE, MAX_STORED, Wish,
};
use kafka_edge_sim::{Fate, SimHost, StoreMode, World, local};

#[path = "credentials/changes.rs"]
mod changes;
#[path = "credentials/last_use.rs"]
mod last_use;

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
        rate: None,
    }
}

fn basic(created: &Created) -> Presented {
    Presented::pair(created.credential.name.as_str(), created.secret.reveal())
}

fn bearer(secret: &str) -> Presented {
    Presented::from_headers([format!("Bearer {secret}").as_bytes()])
}

fn denied(denial: Denial) -> AccessError {
    denial.into()
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
        let reported = world.reported();
        assert_eq!(reported.len(), 1, "that there is one more: {reported:?}");
        assert!(!reported[0].contains(&secret[3..]) && !reported[0].contains("sha256:"));
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
            assert!(matches!(&refused, AccessError::Failed(error) if matches!(**error, ErrorKind::Store { .. })), "{refused:?}");
        }
        // What needs no store goes on.
        assert!(credentials.check(&bearer(ROOT)).await.is_ok());
        assert_eq!(credentials.check(&Presented::Nothing).await, Err(denied(Denial::Nobody)));
        let failed = credentials.create(wish("other")).await.unwrap_err();
        assert!(matches!(&failed, CredentialError::Failed(error) if matches!(**error, ErrorKind::Store { .. })), "{failed:?}");
        let failed = credentials.delete("writer").await.unwrap_err();
        assert!(matches!(&failed, CredentialError::Failed(error) if matches!(**error, ErrorKind::Store { .. })), "{failed:?}");

        // And with nobody in the configuration, it is not taken for empty.
        let bare = Credentials::new(world.instance(), Access::default());
        let refused = bare.check(&Presented::Nothing).await.unwrap_err();
        assert!(matches!(&refused, AccessError::Failed(error) if matches!(**error, ErrorKind::Store { .. })), "{refused:?}");

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
                Err(AccessError::Failed(error)) => {
                    assert!(matches!(*error, ErrorKind::Unconfigured(_)), "{error:?}");
                    let sentence = error.to_string();
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
