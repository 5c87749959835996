//! The registry: many subscriptions, and deaths between the writes of a change.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use kafka_edge::access::{AllowedTopic, Grant};
use kafka_edge::error::ErrorKind;
use kafka_edge::services::consume::StartFrom;
use kafka_edge::services::seek::SeekTo;
use kafka_edge::services::subscriptions::{Condition, Put};
use kafka_edge_sim::{Fate, StoreMode, local};
use serde_json::{Value, json};

use crate::receiver::Mood;
use crate::scene::{HOOK, Instance, Scene, TOPIC, counts};

const OTHER: &str = "payments";

/// After this time a change that is not finished was left by the dead.
const MENDED_AFTER: Duration = Duration::from_secs(11 * 60);

fn settings(topics: &[&str]) -> Value {
    json!({"topics": topics, "callback_url": HOOK})
}

async fn create(instance: &Instance, settings: &Value) -> Put {
    let json = settings.to_string();
    instance.webhooks.create(json.as_bytes(), &Grant::open()).await.unwrap()
}

async fn listed(instance: &Instance) -> Vec<String> {
    let page = instance.webhooks.page(None, &Grant::open()).await.unwrap();
    page.subscriptions.into_iter().map(|view| view.id).collect()
}

/// What the store holds, but for documents of which a later era has taken the place.
fn current(scene: &Scene) -> Vec<(String, String)> {
    let store = scene.world.store();
    let era = |key: &str| {
        let (lane, era) = key.rsplit_once("/d/")?;
        Some((lane.to_owned(), era.parse::<u32>().ok()?))
    };
    let mut latest = BTreeMap::new();
    for (lane, era) in store.keys().filter_map(|key| era(key)) {
        let known = latest.entry(lane).or_insert(era);
        *known = era.max(*known);
    }
    let is_current =
        |key: &String| era(key).is_none_or(|(lane, era)| latest.get(&lane) == Some(&era));
    let text =
        |value: Option<Vec<u8>>| String::from_utf8_lossy(&value.unwrap_or_default()).into_owned();
    let store = store.into_iter().filter(|(key, _)| is_current(key));
    store.map(|(key, value)| (key, text(value))).collect()
}

/// All keys in which something stands, and those of such documents.
fn traces(scene: &Scene, of: &str) -> Vec<String> {
    let store = current(scene).into_iter();
    store
        .filter(|(key, value)| key.contains(of) || value.contains(of))
        .map(|(key, _)| key)
        .collect()
}

/// Makes a call of which the instance dies at the given host call. `None`: it did.
async fn dying<T>(
    instance: &Instance,
    call: u64,
    fate: Fate,
    work: impl Future<Output = T> + 'static,
) -> Option<T>
where
    T: 'static,
{
    instance.host.kill_at(call, fate);
    instance.host.run(work).await
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_dies_is_nowhere_once_it_is_mended() {
    for fate in [Fate::Done, Fate::NotDone] {
        for call in 1.. {
            let finished = local(async move {
                let scene = Scene::new(1);
                scene.log.create_topic(OTHER, 1);
                let first = create(&scene.instance(), &settings(&[TOPIC])).await.view.id;
                let instance = scene.instance();
                let webhooks = instance.webhooks.clone();
                let json = settings(&[TOPIC, OTHER, "audit.*"]).to_string();
                let work = async move { webhooks.create(json.as_bytes(), &Grant::open()).await };
                let answer = dying(&instance, call, fate, work).await;

                tokio::time::sleep(MENDED_AFTER).await;
                let other = scene.instance();
                let mended = listed(&other).await;
                let expected: BTreeSet<_> = match &answer {
                    Some(answer) => {
                        [first.clone(), answer.as_ref().unwrap().view.id.clone()].into()
                    }
                    // The last write may have been done, and only its answer is missing.
                    None => mended.iter().cloned().collect(),
                };
                assert_eq!(mended.iter().cloned().collect::<BTreeSet<_>>(), expected, "{call}");
                assert!(mended.len() <= 2 && mended.contains(&first), "{call}: {mended:?}");
                // Whatever is not listed has left nothing behind.
                let whole: BTreeSet<_> = mended.into_iter().collect();
                let ids = ids_in(&scene);
                assert_eq!(ids, whole, "{call} {fate:?}");
                // Records go to those that are there, and to no other.
                scene.append(0, 1);
                assert_eq!(
                    counts(&other.deliver().await).iter().map(|c| c.0).sum::<u64>(),
                    whole.len() as u64,
                    "{call}"
                );
                answer.is_some()
            })
            .await;
            if finished {
                assert!(call > 20, "the test kills nobody");
                break;
            }
        }
    }
}

/// All ids of subscriptions that anything in the store names.
fn ids_in(scene: &Scene) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for (key, value) in current(scene) {
        for text in [&key, &value] {
            for part in text.split("webhook_").skip(1) {
                let id: String = part.chars().take_while(char::is_ascii_hexdigit).collect();
                if id.len() == 24 {
                    ids.insert(format!("webhook_{id}"));
                }
            }
        }
    }
    ids
}

#[tokio::test(start_paused = true)]
async fn a_change_of_topics_that_dies_is_finished_or_was_not_begun() {
    for fate in [Fate::Done, Fate::NotDone] {
        for call in 1.. {
            let finished = local(async move {
                let scene = Scene::new(1);
                scene.log.create_topic(OTHER, 1);
                let id = create(&scene.instance(), &settings(&[TOPIC])).await.view.id;
                // It has a position in the topic that it leaves.
                scene.append(0, 1);
                scene.instance().deliver().await;
                let instance = scene.instance();
                let webhooks = instance.webhooks.clone();
                let of = id.clone();
                let work = async move {
                    let patch = json!({"topics": [OTHER]}).to_string();
                    let open = Grant::open();
                    webhooks.patch(&of, patch.as_bytes(), Condition::None, &open).await
                };
                let answer = dying(&instance, call, fate, work).await;
                let done = answer.is_some();
                if let Some(answer) = answer {
                    assert_eq!(answer.unwrap().settings.topics, [OTHER]);
                }

                tokio::time::sleep(MENDED_AFTER).await;
                let other = scene.instance();
                let page = other.webhooks.page(None, &Grant::open()).await.unwrap();
                assert_eq!(page.subscriptions.len(), 1, "{call}");
                let topics = page.subscriptions[0].settings.topics.clone();
                assert!(topics == [OTHER] || (!done && topics == [TOPIC]), "{call}: {topics:?}");
                tokio::time::sleep(Duration::from_secs(5)).await;
                let before = scene.receiver.of(HOOK).len();
                scene.append(0, 1);
                scene.log.append(OTHER, 0, "x");
                // A timer finds what is to be done, whatever the dead one held.
                for _ in 0..3 {
                    scene.instance().deliver().await;
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
                let received = scene.receiver.of(HOOK).split_off(before);
                let bodies: Vec<_> = received
                    .iter()
                    .map(|one| serde_json::from_slice::<Value>(&one.body).unwrap()["topic"].clone())
                    .collect();
                assert_eq!(bodies, [json!(topics[0])], "{call} {fate:?}");
                done
            })
            .await;
            if finished {
                assert!(call > 20, "the test kills nobody");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_dies_is_finished_or_was_not_begun() {
    for fate in [Fate::Done, Fate::NotDone] {
        for call in 1.. {
            let finished = local(async move {
                let scene = Scene::new(1);
                let id = create(&scene.instance(), &settings(&[TOPIC, "audit.*"])).await.view.id;
                scene.append(0, 1);
                scene.instance().deliver().await;
                let before = scene.receiver.of(HOOK).len();
                let instance = scene.instance();
                let webhooks = instance.webhooks.clone();
                let of = id.clone();
                let work =
                    async move { webhooks.delete(&of, Condition::None, &Grant::open()).await };
                let answer = dying(&instance, call, fate, work).await;

                tokio::time::sleep(MENDED_AFTER).await;
                let other = scene.instance();
                let left = listed(&other).await;
                // A second look has nothing to mend any more.
                assert_eq!(listed(&other).await, left);
                if answer.is_some() {
                    assert_eq!(left, Vec::<String>::new());
                }
                scene.append(0, 1);
                other.deliver().await;
                assert_eq!(scene.receiver.of(HOOK).len() - before, left.len(), "{call}");
                if left.is_empty() {
                    assert_eq!(traces(&scene, &id), Vec::<String>::new(), "{call} {fate:?}");
                    let gone = other.webhooks.get(&id, &Grant::open()).await.unwrap_err();
                    assert_eq!(gone, ErrorKind::UnknownSubscription(id.clone()).into());
                }
                answer.is_some()
            })
            .await;
            if finished {
                assert!(call > 10, "the test kills nobody");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_was_left_and_comes_back_begins_anew() {
    local(async {
        let scene = Scene::new(1);
        scene.log.create_topic(OTHER, 1);
        let instance = scene.instance();
        let id = create(&instance, &settings(&[TOPIC])).await.view.id;
        let topics = async |topics: &[&str]| {
            let patch = json!({"topics": topics}).to_string();
            let open = Grant::open();
            instance.webhooks.patch(&id, patch.as_bytes(), Condition::None, &open).await.unwrap()
        };
        scene.append(0, 2);
        instance.deliver().await;
        topics(&[OTHER]).await;
        scene.append(0, 3);
        instance.deliver().await;
        assert_eq!(scene.receiver.accepted(HOOK), [0, 1]);
        topics(&[OTHER, TOPIC]).await;
        instance.deliver().await;
        scene.append(0, 1);
        instance.deliver().await;
        assert_eq!(scene.receiver.accepted(HOOK), [0, 1, 5], "from is the latest");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_counts_for_a_backlog_that_is_under_way() {
    local(async {
        let scene = Scene::new(1);
        let (instance, deliverer) = (scene.instance(), scene.instance());
        let id = create(&instance, &settings(&[TOPIC])).await.view.id;
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_millis(200)));
        scene.append(0, 50);
        deliverer.webhooks.deliver_in_background(TOPIC);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let elsewhere = "https://example.com/elsewhere";
        let patch = json!({"callback_url": elsewhere, "transform": ". + 1000"}).to_string();
        let open = Grant::open();
        instance.webhooks.patch(&id, patch.as_bytes(), Condition::None, &open).await.unwrap();
        deliverer.host.idle().await;
        let (before, after) = (scene.receiver.accepted(HOOK), scene.receiver.accepted(elsewhere));
        // A copy of the subscription is kept for a second.
        assert!((5..25).contains(&before.len()), "{}", before.len());
        assert_eq!([before, after].concat(), (0..50).collect::<Vec<_>>());
        for one in scene.receiver.of(elsewhere) {
            assert_eq!(one.json()["message"], one.offset() + 1000, "it was shaped for the other");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_without_subscriptions_is_in_no_list() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        let names_it = || current(&scene).into_iter().any(|(_, value)| value.contains(TOPIC));
        let first = create(&instance, &settings(&[TOPIC])).await.view.id;
        let second = create(&instance, &settings(&[TOPIC])).await.view.id;
        for (id, is_left) in [(first, true), (second, false)] {
            instance.webhooks.delete(&id, Condition::None, &Grant::open()).await.unwrap();
            assert_eq!(names_it(), is_left);
        }
    })
    .await;
}

/// Work that does not go on once its instance has begun so many calls. `None`: it has not ended
/// by then.
async fn up_to<T>(
    instance: &Instance,
    call: u64,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> Option<T> {
    poll_fn(|cx| match instance.host.calls() >= call {
        true => Poll::Ready(None),
        false => work.as_mut().poll(cx).map(Some),
    })
    .await
}

/// Whoever removes the last one takes the topic out of the list. Each of the two stands still
/// at each of its calls while the other one does all of its work.
#[tokio::test(start_paused = true)]
async fn a_topic_stays_listed_whose_last_subscription_goes_while_another_comes() {
    for removal_waits in [true, false] {
        for call in 1.. {
            let finished = local(async move {
                let scene = Scene::new(1);
                let (one, two) = (scene.instance(), scene.instance());
                let last = create(&one, &settings(&[TOPIC])).await.view.id;
                let before = one.host.calls();
                let (open, new) = (Grant::open(), settings(&[TOPIC]));
                let mut removal = pin!(one.webhooks.delete(&last, Condition::None, &open));
                let mut creation = pin!(create(&two, &new));
                let finished = match removal_waits {
                    true => {
                        let removed = up_to(&one, before + call, removal.as_mut()).await;
                        creation.await;
                        let finished = removed.is_some();
                        match removed {
                            Some(removed) => removed.unwrap(),
                            None => removal.await.unwrap(),
                        }
                        finished
                    }
                    false => {
                        let created = up_to(&two, call, creation.as_mut()).await;
                        removal.await.unwrap();
                        let finished = created.is_some();
                        if !finished {
                            creation.await;
                        }
                        finished
                    }
                };
                scene.append(0, 1);
                // Who stood still for long may have drawn a ticket that others wait for.
                for _ in 0..3 {
                    scene.instance().deliver().await;
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
                assert_eq!(scene.receiver.accepted(HOOK), [0], "{call}, {removal_waits}");
                finished
            })
            .await;
            if finished {
                assert!(call > 10, "nobody stands still");
                break;
            }
        }
    }
}

/// What is known of the topic is that nobody has anything to do there.
#[tokio::test(start_paused = true)]
async fn who_gets_something_to_do_in_a_topic_is_in_its_next_round() {
    for how in ["made", "changed", "moved", "resumed"] {
        local(async move {
            let scene = Scene::new(1);
            scene.log.create_topic(OTHER, 1);
            let (instance, open) = (scene.instance(), Grant::open());
            for number in 0..20 {
                let url = format!("{HOOK}/{number}");
                create(&instance, &json!({"topics": [OTHER], "callback_url": url})).await;
            }
            let one = |topic| json!({"topics": [topic], "callback_url": HOOK, "from": "earliest"});
            let id = match how {
                "made" => String::new(),
                "changed" => create(&instance, &one(TOPIC)).await.view.id,
                _ => create(&instance, &one(OTHER)).await.view.id,
            };
            if how == "resumed" {
                instance.webhooks.pause(&id, &open).await.unwrap();
            }
            for _ in 0..3 {
                scene.log.append(OTHER, 0, "x");
            }
            for _ in 0..3 {
                instance.deliver().await;
            }
            let before = scene.receiver.accepted(HOOK).len();
            assert_eq!(before, if how == "moved" { 3 } else { 0 });
            match how {
                "made" => drop(create(&instance, &one(OTHER)).await),
                "changed" => {
                    let patch = json!({"topics": [TOPIC, OTHER]}).to_string();
                    let patched =
                        instance.webhooks.patch(&id, patch.as_bytes(), Condition::None, &open);
                    patched.await.unwrap();
                }
                "moved" => {
                    instance.webhooks.seek(&id, None, SeekTo::Earliest, &open).await.unwrap();
                }
                _ => drop(instance.webhooks.resume(&id, &open).await.unwrap()),
            }
            scene.instance().deliver().await;
            assert_eq!(scene.receiver.accepted(HOOK)[before..], [0, 1, 2], "{how}");
        })
        .await;
    }
}

/// The same, where whoever made the subscription has died before it was whole, and another
/// caller registers the same callback.
#[tokio::test(start_paused = true)]
async fn what_another_has_left_unmade_is_in_the_next_round_once_it_is_adopted() {
    let mut adopted = 0;
    for call in 1.. {
        let (died, had_to_be_adopted) = local(async move {
            let scene = Scene::new(1);
            let instance = scene.instance();
            for number in 0..20 {
                let url = format!("{HOOK}/{number}");
                create(&instance, &json!({"topics": [TOPIC], "callback_url": url})).await;
            }
            let dies = scene.instance();
            let maker = dies.clone();
            let died = dying(&dies, call, Fate::Done, async move { maker.register(HOOK).await });
            let died = died.await.is_none();
            scene.append(0, 3);
            for _ in 0..3 {
                instance.deliver().await;
            }
            let was_made = scene.receiver.accepted(HOOK).len() == 3;
            let topic = AllowedTopic::trusted(TOPIC);
            let another = scene.instance();
            let registered = another.webhooks.register(&topic, HOOK, StartFrom::Latest);
            let is_new = registered.await.unwrap().secret.is_some();
            scene.instance().deliver().await;
            let expected: &[i64] = if is_new { &[] } else { &[0, 1, 2] };
            assert_eq!(scene.receiver.accepted(HOOK), expected, "{call}");
            (died, !is_new && !was_made)
        })
        .await;
        adopted += u32::from(had_to_be_adopted);
        if !died {
            break;
        }
    }
    assert!(adopted > 0, "nothing was left unmade");
}

/// Any of its writes comes back later than its turn lasts: the next turn finds what was
/// stored, and takes it for its own.
#[tokio::test(start_paused = true)]
async fn a_creation_that_was_stored_is_not_taken_for_anothers() {
    const WRITE: Duration = Duration::from_millis(100);
    const SLOW: Duration = Duration::from_secs(2);
    for write in 0.. {
        let is_late = local(async move {
            let scene = Scene::new(1);
            let quick = StoreMode { write_time: WRITE, ..StoreMode::default() };
            scene.world.set_store_mode(quick);
            let instance = scene.instance();
            let (making, began) = (instance.clone(), tokio::time::Instant::now());
            let making = tokio::task::spawn_local(async move {
                create(&making, &settings(&[TOPIC])).await.view.id
            });
            tokio::time::sleep(WRITE * write + WRITE / 2).await;
            let is_late = !making.is_finished();
            scene.world.set_store_mode(StoreMode { write_time: SLOW, ..StoreMode::default() });
            tokio::time::sleep(SLOW + SLOW / 2).await;
            scene.world.set_store_mode(quick);
            let id = making.await.unwrap();
            assert!(began.elapsed() < Duration::from_secs(60));
            assert_eq!(listed(&scene.instance()).await, [id], "{write}");
            is_late
        })
        .await;
        if !is_late {
            assert!(write > 5, "few writes were late");
            break;
        }
    }
}

/// Its write comes back later than its turn lasts, so that nobody knows whether it counts, and
/// another turn finds that it does.
#[tokio::test(start_paused = true)]
async fn a_change_that_was_stored_is_not_made_twice() {
    for rotates in [false, true] {
        local(async move {
            let scene = Scene::new(1);
            let view = create(&scene.instance(), &settings(&[TOPIC])).await.view;
            let slow = StoreMode { write_time: Duration::from_secs(2), ..StoreMode::default() };
            scene.world.set_store_mode(slow);
            let writes = scene.world.store_calls().writes;
            let (webhooks, id) = (scene.instance().webhooks, view.id);
            let changing = tokio::task::spawn_local(async move {
                let open = Grant::open();
                match rotates {
                    false => {
                        let tags = [view.tag];
                        let patch = br#"{"rate":5}"#;
                        webhooks.patch(&id, patch, Condition::Tags(&tags), &open).await.map(drop)
                    }
                    true => webhooks.rotate(&id, Some(600), None, &open).await.map(drop),
                }
            });
            // The draw has taken two seconds, and the write behind it is under way.
            tokio::time::sleep(Duration::from_secs(3)).await;
            scene.world.set_store_mode(StoreMode::default());
            changing.await.unwrap().unwrap();
            assert!(scene.world.store_calls().writes - writes >= 4, "one turn was enough");
            scene.append(0, 1);
            scene.instance().deliver().await;
            let received = &scene.receiver.of(HOOK)[0];
            let signatures: BTreeSet<_> = received.header("webhook-signature").split(' ').collect();
            assert_eq!(signatures.len(), if rotates { 2 } else { 1 }, "of two secrets, not of one");
        })
        .await;
    }
}

/// Its copies say that the topic is still the subscription's.
#[tokio::test(start_paused = true)]
async fn a_deliverer_that_is_late_begins_nothing_in_a_topic_that_was_left() {
    local(async {
        let scene = Scene::new(1);
        scene.log.create_topic(OTHER, 1);
        let (instance, late) = (scene.instance(), scene.instance());
        let id = create(&instance, &settings(&[TOPIC])).await.view.id;
        scene.append(0, 2);
        late.webhooks.deliver_in_background(TOPIC);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let topics = async |topics: &[&str]| {
            let patch = json!({"topics": topics}).to_string();
            let open = Grant::open();
            instance.webhooks.patch(&id, patch.as_bytes(), Condition::None, &open).await.unwrap()
        };
        topics(&[OTHER]).await;
        scene.append(0, 1);
        late.webhooks.deliver_in_background(TOPIC);
        late.host.idle().await;
        assert_eq!(scene.receiver.accepted(HOOK), [0, 1]);
        topics(&[OTHER, TOPIC]).await;
        scene.append(0, 1);
        // The late one has drawn a ticket, which others wait for.
        for _ in 0..3 {
            instance.deliver().await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        assert_eq!(scene.receiver.accepted(HOOK), [0, 1, 3], "from is the latest");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_prefix_finds_what_matches_and_what_comes_later_from_its_first_record() {
    local(async {
        let scene = Scene::new(1);
        scene.log.create_topic("audit.eu", 2);
        scene.log.append("audit.eu", 0, "before");
        let (instance, other) = (scene.instance(), scene.instance());
        create(&instance, &settings(&["audit.*"])).await;
        instance.deliver().await;
        assert_eq!(scene.receiver.of(HOOK).len(), 0, "what was there is not delivered");
        scene.log.append("audit.eu", 1, "after");
        instance.deliver().await;
        assert_eq!(scene.receiver.of(HOOK).len(), 1);

        scene.log.create_topic("audit.us", 1);
        scene.log.create_topic("other", 1);
        for topic in ["audit.us", "other"] {
            scene.log.append(topic, 0, "first");
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        instance.deliver().await;
        assert_eq!(scene.receiver.of(HOOK).len(), 2, "found within a minute");
        // A produce through a gateway finds it at once.
        scene.log.create_topic("audit.asia", 1);
        scene.log.append("audit.asia", 0, "first");
        other.webhooks.deliver_in_background("audit.asia");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(scene.receiver.of(HOOK).len(), 3);
        other.host.idle().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_cost_a_round_over_one_topic_no_more_reads_than_a_hundred() {
    local(async {
        let mut costs = Vec::new();
        for (subscriptions, topics) in [(100, 20), (10_000, 2_000)] {
            let scene = Scene::new(1);
            (0..topics).for_each(|n| scene.log.create_topic(&format!("topic-{n}"), 1));
            let instance = scene.instance();
            for n in 0..subscriptions {
                let topic = format!("topic-{}", n % topics);
                let url = format!("https://example.com/{n}");
                let new = json!({"topics": [topic], "callback_url": url});
                create(&instance, &new).await;
            }
            // Of two thousand it is none of those that the directory names.
            let one = &*format!("topic-{}", topics - 1);
            // What the last registrations said of the topic is known by now.
            scene.log.append(one, 0, "1");
            scene.instance().webhooks.deliver_in_background(one);
            tokio::time::sleep(Duration::from_secs(60)).await;
            let fresh = scene.instance();
            scene.log.append(one, 0, "2");
            let before = scene.world.store_calls();
            fresh.webhooks.deliver_in_background(one);
            tokio::time::sleep(Duration::from_secs(1)).await;
            let after = scene.world.store_calls();
            let delivered = (1..6).map(|n| n * topics - 1);
            for n in delivered {
                let url = format!("https://example.com/{n}");
                assert_eq!(scene.receiver.accepted(&url), [0, 1], "{n}");
            }
            costs.push(after.reads - before.reads);
            fresh.host.idle().await;
            if subscriptions == 10_000 {
                let pages = all_pages(&fresh).await;
                assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [500; 20]);
                let ids: BTreeSet<_> = pages.into_iter().flatten().collect();
                assert_eq!(ids.len(), 10_000);
            }
        }
        assert_eq!(costs[0], costs[1], "reads with a hundred, and with ten thousand");
    })
    .await;
}

async fn all_pages(instance: &Instance) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = instance.webhooks.page(cursor.as_deref(), &Grant::open()).await.unwrap();
        pages.push(page.subscriptions.into_iter().map(|view| view.id).collect());
        cursor = page.next;
        if cursor.is_none() {
            return pages;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_calls_cost_in_operations_of_the_store() {
    local(async {
        let scene = Scene::new(1);
        let first = create(&scene.instance(), &settings(&[TOPIC])).await.view.id;
        let mut costs = Vec::new();
        let calls = || {
            let calls = scene.world.store_calls();
            (calls.reads, calls.writes)
        };
        let since = |before: (u64, u64)| {
            let now = calls();
            (now.0 - before.0, now.1 - before.1)
        };
        let before = calls();
        let id = create(&scene.instance(), &settings(&[TOPIC])).await.view.id;
        costs.push(("create", since(before)));
        let before = calls();
        assert_eq!(listed(&scene.instance()).await, [first, id.clone()]);
        costs.push(("list two", since(before)));
        let before = calls();
        scene.instance().webhooks.describe(&id, &Grant::open()).await.unwrap();
        costs.push(("get", since(before)));
        let before = calls();
        let patch = br#"{"rate":5}"#;
        let instance = scene.instance();
        instance.webhooks.patch(&id, patch, Condition::None, &Grant::open()).await.unwrap();
        costs.push(("patch", since(before)));
        let before = calls();
        let instance = scene.instance();
        instance.webhooks.delete(&id, Condition::None, &Grant::open()).await.unwrap();
        costs.push(("delete", since(before)));
        assert_eq!(
            costs,
            [
                ("create", (18, 9)),
                // The directory, the page, and each document.
                ("list two", (8, 0)),
                // The document and the one lane.
                ("get", (4, 0)),
                ("patch", (5, 2)),
                ("delete", (17, 8)),
            ]
        );
    })
    .await;
}
