//! Looking at the ends of topics, together.

use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use kafka_edge::error::{Error, ErrorKind};
use kafka_edge::services::ends::{EndPoller, Ends};
use kafka_edge_sim::{SimHost, SimLog, World, local};
use tokio::time::{Instant, sleep};

const CALL: Duration = Duration::from_millis(50);

struct Scene {
    log: SimLog,
    ends: Rc<Ends<SimHost, SimLog>>,
}

impl Scene {
    /// Topics `a` and `b`; each call to the server takes a while.
    fn new() -> Self {
        let log = SimLog::new();
        log.create_topic("a", 1);
        log.create_topic("b", 1);
        log.set_delay(CALL);
        let ends = Ends::new(World::new(1).instance(), Rc::new(log.clone()));
        Self { log, ends: Rc::new(ends) }
    }

    fn watch(&self, topics: &[&str]) -> EndPoller<SimHost, SimLog> {
        let topics = topics.iter().map(|topic| Rc::from(*topic)).collect();
        EndPoller::new(self.ends.clone(), topics)
    }
}

/// Where the first topic ends.
async fn end(watch: &mut EndPoller<SimHost, SimLog>) -> Result<i64, Error> {
    let seen = watch.look().await?;
    Ok(seen[0].1.ends.as_ref().expect("the server tells ends")[&0])
}

#[tokio::test(start_paused = true)]
async fn those_who_look_at_once_share_a_look_that_began_after_they_came() {
    local(async {
        let scene = Scene::new();
        let mut early = scene.watch(&["a"]);
        let early = tokio::task::spawn_local(async move { end(&mut early).await });
        sleep(CALL / 2).await;
        scene.log.append("a", 0, "x");
        let mut watches: Vec<_> = (0..20).map(|_| scene.watch(&["a", "b"])).collect();
        let ends = join_all(watches.iter_mut().map(end)).await;
        assert!(early.await.unwrap().is_ok());
        assert!(ends.iter().all(|end| *end == Ok(1)), "{ends:?}");
        // At each topic one look of who came first, and one of all others.
        assert_eq!(scene.log.calls("offsets"), 4);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_look_that_somebody_else_has_made_since_will_do() {
    local(async {
        let scene = Scene::new();
        let (mut one, mut two) = (scene.watch(&["a"]), scene.watch(&["a"]));
        assert_eq!((end(&mut one).await, end(&mut two).await), (Ok(0), Ok(0)));
        assert_eq!(scene.log.calls("offsets"), 2, "each wants to know what is there now");
        scene.log.append("a", 0, "x");
        assert_eq!(end(&mut two).await, Ok(1));
        assert_eq!(end(&mut one).now_or_never(), Some(Ok(1)));
        assert_eq!(scene.log.calls("offsets"), 3);

        // Unless it does not show what was written through this instance.
        assert_eq!(end(&mut two).await, Ok(1));
        scene.log.append("a", 0, "y");
        scene.ends.written("a");
        assert_eq!(end(&mut one).await, Ok(2));
        one.renew();
        let before = scene.log.calls("offsets");
        assert_eq!(end(&mut one).await, Ok(2));
        assert_eq!(scene.log.calls("offsets"), before + 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rest_ends_with_a_write_and_otherwise_grows_longer() {
    local(async {
        let scene = Scene::new();
        let mut watch = scene.watch(&["a", "b"]);
        watch.look().await.unwrap();
        let mut rests = Vec::new();
        for _ in 0..12 {
            let start = Instant::now();
            watch.rest(Duration::MAX).await;
            rests.push(start.elapsed());
        }
        assert!(rests.is_sorted() && rests[0] < Duration::from_millis(30), "{rests:?}");
        assert_eq!(rests.last(), Some(&Duration::from_millis(200)));

        let start = Instant::now();
        let write = async {
            sleep(Duration::from_millis(3)).await;
            scene.ends.written("c");
            sleep(Duration::from_millis(4)).await;
            scene.ends.written("b");
        };
        futures_util::future::join(watch.rest(Duration::MAX), write).await;
        assert_eq!(start.elapsed(), Duration::from_millis(7));

        // What was written during a look is not known to have been seen.
        let write = async {
            sleep(CALL / 2).await;
            scene.ends.written("a");
        };
        assert!(futures_util::future::join(watch.look(), write).await.0.is_ok());
        assert_eq!(watch.rest(Duration::MAX).now_or_never(), Some(()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_of_many_partitions_is_looked_at_less_often() {
    local(async {
        let scene = Scene::new();
        scene.log.create_topic("wide", 60);
        let mut watch = scene.watch(&["wide"]);
        watch.look().await.unwrap();
        for _ in 0..12 {
            watch.rest(Duration::MAX).await;
        }
        let start = Instant::now();
        watch.rest(Duration::MAX).await;
        assert_eq!(start.elapsed(), Duration::from_millis(600));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_that_of_all_who_wait_for_it_and_of_nobody_later() {
    local(async {
        let scene = Scene::new();
        let mut later = scene.watch(&["a"]);
        assert_eq!(end(&mut later).await, Ok(0));
        scene.log.set_failure(Some(ErrorKind::Timeout.into()));
        let mut watches: Vec<_> = (0..20).map(|_| scene.watch(&["a"])).collect();
        let ends = join_all(watches.iter_mut().map(end)).await;
        assert!(ends.iter().all(|end| *end == Err(ErrorKind::Timeout.into())), "{ends:?}");
        assert!(scene.log.calls("offsets") <= 3, "{}", scene.log.calls("offsets"));
        scene.log.set_failure(None);
        assert_eq!(end(&mut later).await, Ok(0));
    })
    .await;
}

/// Where a broker stood still, such a caller waited for the look that did not see what it
/// wanted, and then for another one, which was more than its time.
#[tokio::test(start_paused = true)]
async fn a_failure_is_also_that_of_those_who_came_during_the_look() {
    local(async {
        let scene = Scene::new();
        scene.log.set_failure(Some(ErrorKind::Timeout.into()));
        let start = Instant::now();
        let mut early = scene.watch(&["a"]);
        let early = tokio::task::spawn_local(async move { end(&mut early).await });
        sleep(CALL / 2).await;
        scene.ends.written("a");
        let mut late = scene.watch(&["a"]);
        assert_eq!(end(&mut late).await, Err(ErrorKind::Timeout.into()));
        assert_eq!(early.await.unwrap(), Err(ErrorKind::Timeout.into()));
        assert_eq!(start.elapsed(), CALL);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_who_goes_away_during_a_look_leaves_it_to_the_next() {
    local(async {
        let scene = Scene::new();
        let (mut one, mut two) = (scene.watch(&["a"]), scene.watch(&["a"]));
        let gone = tokio::task::spawn_local(async move { end(&mut one).await });
        sleep(CALL / 2).await;
        let waiting = tokio::task::spawn_local(async move { end(&mut two).await });
        sleep(CALL / 4).await;
        gone.abort();
        assert_eq!(waiting.await.unwrap(), Ok(0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn topics_that_nobody_looks_at_any_more_are_forgotten() {
    local(async {
        let scene = Scene::new();
        for number in 0..300 {
            let topic = format!("t{number}");
            scene.log.create_topic(&topic, 1);
            assert_eq!(end(&mut scene.watch(&[&topic])).await, Ok(0));
            assert!(scene.ends.remembered() <= 101, "{}", scene.ends.remembered());
        }
    })
    .await;
}
