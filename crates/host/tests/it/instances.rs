//! When instances start, what they share, and when they end.

use crate::common::{another_program, get, get_with_status, host, program, text, until};
use futures_util::future::join_all;
use http_body_util::BodyExt;
use kafka_edge_host::faults::HostCall;
use kafka_edge_host::kv::{Memory, Store};
use kafka_edge_host::{Channel, GuestLine, Host, InstanceOptions, body};
use std::cell::OnceCell;
use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn one_instance_takes_request_after_request() {
    let host = host().build().unwrap();
    for visit in 1..=20 {
        assert_eq!(get(&host, "/visits").await, visit.to_string());
    }
    assert_eq!(host.stats().instances_started, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_wait_share_an_instance() {
    let host = host().spread_over(1).build().unwrap();
    let answers = join_all((0..64).map(|_| get(&host, "/together/3000"))).await;
    let most: u32 = answers.iter().map(|most| most.parse().unwrap()).max().unwrap();
    assert_eq!(most, 64);
    assert_eq!(host.stats().instances_started, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_spread_over_exactly_so_many_instances() {
    let host = host().spread_over(4).build().unwrap();
    let answers = join_all((0..64).map(|_| get(&host, "/visits"))).await;
    assert_eq!(host.stats().instances_started, 4);
    for visit in 1..=16 {
        let same = answers.iter().filter(|answer| **answer == visit.to_string());
        assert_eq!(same.count(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_prefers_the_instances_it_has() {
    // So patient that a machine busy with other things makes no difference.
    let options =
        InstanceOptions { patience: Duration::from_secs(1), ..InstanceOptions::default() };
    let host = host().instances(options).build().unwrap();
    for _ in 0..10 {
        join_all((0..64).map(|_| get(&host, "/together/5"))).await;
    }
    let started = host.stats().instances_started;
    // Each of 64 callers at once would get one of its own without the gate.
    assert!(started <= 8, "{started} instances for 64 callers");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_computes_does_not_keep_others_waiting() {
    let host = host().build().unwrap();
    get(&host, "/hello").await;
    let busy = get(&host, "/compute/2000");
    let quick = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let start = std::time::Instant::now();
        get(&host, "/hello").await;
        start.elapsed()
    };
    let (_, waited) = tokio::join!(busy, quick);
    assert!(waited < Duration::from_millis(1500), "{waited:?}");
    assert_eq!(host.stats().instances_started, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_short_of_cpu_starts_few_further_instances() {
    let host = host().build().unwrap();
    // Each computes for four times the shortest patience.
    for _ in 0..10 {
        get(&host, "/compute/20").await;
    }
    let before = host.stats().instances_started;
    join_all((0..40).map(|_| get(&host, "/compute/20"))).await;
    let started = host.stats().instances_started - before;
    // By the shortest patience it would be one for each that waits.
    assert!(started <= 6, "{started} instances for 40 callers");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_can_be_had_for_each_request() {
    let host = host().instances(InstanceOptions::one_request_each()).build().unwrap();
    for _ in 0..3 {
        assert_eq!(get(&host, "/visits").await, "1");
    }
    assert_eq!(host.stats().instances_started, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_instances_of_a_host_that_is_gone_end() {
    let seen_by_instances = Arc::new(());
    let held = Arc::clone(&seen_by_instances);
    let host = host().output(move |_| drop(Arc::clone(&held))).spread_over(2).build().unwrap();
    for _ in 0..2 {
        get(&host, "/hello").await;
    }
    drop(host);
    until(async || (Arc::strong_count(&seen_by_instances) == 1).then_some(())).await;
}

/// Where threads wait for each other.
#[derive(Default)]
struct Meeting {
    here: Mutex<HashSet<ThreadId>>,
    comes: Condvar,
}

impl Meeting {
    /// Blocks this thread until this number of threads is there.
    fn wait_for(&self, number: usize) {
        let mut here = self.here.lock().unwrap();
        here.insert(thread::current().id());
        self.comes.notify_all();
        let lacks = |here: &mut HashSet<_>| here.len() < number;
        drop(self.comes.wait_timeout_while(here, Duration::from_secs(20), lacks).unwrap());
    }
}

// On one thread, which instances would otherwise share.
#[tokio::test]
async fn instances_run_side_by_side_on_threads_of_the_host_that_end_with_it() {
    thread_local! {
        static HELD: OnceCell<Arc<()>> = const { OnceCell::new() };
    }
    let seen_by_threads = Arc::new(());
    let held = Arc::clone(&seen_by_threads);
    let meeting = Arc::new(Meeting::default());
    let meets = Arc::clone(&meeting);
    let memory = Memory::new();
    let host = host()
        .worker_threads(2)
        .spread_over(3)
        .store("default", memory.clone())
        .output(move |line| {
            HELD.with(|thread| _ = thread.get_or_init(|| Arc::clone(&held)));
            if line.channel == Channel::Stdout {
                meets.wait_for(2);
            }
        })
        .build()
        .unwrap();
    join_all((0..3).map(|_| get(&host, "/print/line"))).await;
    let threads = meeting.here.lock().unwrap().clone();
    assert_eq!(threads.len(), 2);
    assert!(!threads.contains(&thread::current().id()));
    assert_eq!(host.stats().instances_live, 3);
    // This one, that of the output, and those of the threads.
    assert_eq!(Arc::strong_count(&seen_by_threads), 4);

    get(&host, "/later/after/200").await;
    drop(host);
    until(async || (Arc::strong_count(&seen_by_threads) == 1).then_some(())).await;
    assert!(memory.get("after").await.unwrap().is_some(), "its work was not finished");
}

#[test]
fn instances_on_threads_of_the_host_outlive_the_callers_runtime() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let host = host().worker_threads(1).build().unwrap();
    assert_eq!(runtime().block_on(get(&host, "/visits")), "1");
    assert_eq!(runtime().block_on(get(&host, "/visits")), "2");
    assert!(runtime().block_on(host.close(Duration::from_secs(20))));
    assert_eq!(host.stats().instances_live, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_ever_for_a_place() {
    // This uses a separate pool, so that other tests do not wait.
    let program = another_program();
    let most = kafka_edge_host::MAX_INSTANCES as usize;
    let full = Host::builder(&program).spread_over(most).build().unwrap();
    join_all((0..most).map(|_| get(&full, "/hello"))).await;
    let impatient =
        InstanceOptions { pool_patience: Duration::from_millis(50), ..InstanceOptions::default() };
    let other = Host::builder(&program).instances(impatient).build().unwrap();
    assert_eq!(get_with_status(&other, "/hello").await.0, 503);
    drop(full);
    until(async || (get_with_status(&other, "/hello").await.0 == 200).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_instance_ends() {
    let options =
        InstanceOptions { idle_timeout: Duration::from_millis(50), ..InstanceOptions::default() };
    let host = host().instances(options).build().unwrap();
    get(&host, "/hello").await;
    until(async || (host.stats().instances_live == 0).then_some(())).await;
    assert_eq!(get(&host, "/visits").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_on_after_the_answer() {
    let memory = Memory::new();
    let options =
        InstanceOptions { idle_timeout: Duration::from_millis(1), ..InstanceOptions::default() };
    let host = host().instances(options).store("default", memory.clone()).build().unwrap();
    assert_eq!(get(&host, "/later/after/200").await, "soon");
    assert_eq!(memory.get("after").await.unwrap(), None);
    until(async || memory.get("after").await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_waits_for_work_after_the_answer() {
    let memory = Memory::new();
    let host = host().store("default", memory.clone()).build().unwrap();
    get(&host, "/later/after/200").await;
    assert!(host.close(Duration::from_secs(20)).await);
    assert!(memory.get("after").await.unwrap().is_some());
    assert_eq!(get_with_status(&host, "/hello").await.0, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_ends_work_that_takes_too_long() {
    let host = host().build().unwrap();
    get(&host, "/later/after/60000").await;
    assert!(!host.close(Duration::from_millis(50)).await);
    assert_eq!(host.stats().instances_live, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_hangs_up_ends_nothing() {
    let memory = Memory::new();
    let host = host().store("default", memory.clone()).build().unwrap();
    let hung_up = tokio::time::timeout(Duration::from_millis(100), get(&host, "/together/3000"));
    assert!(hung_up.await.is_err());
    // The other half of the body is never asked for.
    let request = http::Request::get("http://test/stream/fate/4000/1").body(body::empty());
    let mut response = host.handle(request.unwrap()).await.unwrap();
    response.frame().await.unwrap().unwrap();
    drop(response);
    let fate = until(async || memory.get("fate").await.unwrap()).await;
    let fate = String::from_utf8(fate).unwrap();
    assert!(!fate.starts_with("4000"), "{fate}");
    assert_eq!(get(&host, "/visits").await, "1");
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_costs_the_requests_of_its_instance_and_no_more() {
    let host = host().spread_over(2).build().unwrap();
    // In turn: the first, third and fifth request share an instance.
    let (one, two, three, four, dead) = tokio::join!(
        get_with_status(&host, "/together/3000"),
        get_with_status(&host, "/together/3000"),
        get_with_status(&host, "/together/3000"),
        get_with_status(&host, "/together/3000"),
        async {
            until(async || (host.stats().requests == 4).then_some(())).await;
            get_with_status(&host, "/panic").await
        },
    );
    let failed = r#"{"error":"The component failed while handling this request.","status":500}"#;
    for victim in [one, three, dead] {
        assert_eq!(victim, (500, failed.to_owned()));
    }
    assert_eq!(two, (200, "2".to_owned()));
    assert_eq!(four, (200, "2".to_owned()));
    until(async || (host.stats().traps == 1).then_some(())).await;
    assert_eq!(get(&host, "/hello").await, "hello");
}

#[test]
fn an_instance_whose_runtime_ends_has_not_died() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let host = runtime.block_on(async {
        let host = host().output(move |line| sink.lock().unwrap().push(line)).build().unwrap();
        // One is idle, one at work.
        get(&host, "/hello").await;
        let request = http::Request::get("http://test/stream/key/3/1000").body(body::empty());
        drop(host.handle(request.unwrap()).await.unwrap());
        host
    });
    assert!(host.stats().instances_live > 0);
    drop(runtime);
    let stats = host.stats();
    assert_eq!((stats.instances_live, stats.traps), (0, 0));
    assert_eq!(lines.lock().unwrap().len(), 0, "{:?}", lines.lock().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_host_panics_has_died() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let host = host()
        .output(move |line| sink.lock().unwrap().push(line.text))
        .faults(|_: &HostCall<'_>| panic!("a test's own panic"))
        .build()
        .unwrap();
    assert_eq!(get_with_status(&host, "/kv/default/spin/set/a/1").await.0, 500);
    until(async || (host.stats().traps == 1).then_some(())).await;
    assert_eq!(*lines.lock().unwrap(), ["the instance died: worker panicked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_memory_that_an_instance_had_is_told() {
    const MIB: u64 = 1024 * 1024;
    let host = host().spread_over(2).build().unwrap();
    for _ in 0..2 {
        get(&host, "/hello").await;
    }
    let small = host.stats().peak_memory;
    assert!((1..8 * MIB).contains(&small), "{small}");
    get(&host, "/fill/20").await;
    let peak = host.stats().peak_memory;
    assert!((20 * MIB..28 * MIB).contains(&peak), "{peak}");
    get(&host, "/fill/10").await;
    assert_eq!(host.stats().peak_memory, peak, "of any one, not of all together");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_whose_instance_dies_breaks_off() {
    let host = host().build().unwrap();
    let request = http::Request::get("http://test/stream-then-die/50").body(body::empty());
    let response = host.handle(request.unwrap()).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_place_of_a_response_is_a_500() {
    let host = host().build().unwrap();
    assert_eq!(get_with_status(&host, "/refuse").await.0, 500);
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_guests_print_arrives_line_by_line() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let host = Host::builder(program())
        .output(move |line| sink.lock().unwrap().push(line))
        .build()
        .unwrap();
    get(&host, "/print/line").await;
    assert_eq!(get_with_status(&host, "/panic").await.0, 500);
    until(async || (host.stats().instances_live == 0).then_some(())).await;
    let lines = lines.lock().unwrap().clone();
    let has = |channel, part: &str| {
        let mut lines = lines.iter();
        lines.any(|line: &GuestLine| line.channel == channel && line.text.contains(part))
    };
    assert!(has(Channel::Stdout, "out line"), "{lines:?}");
    assert!(has(Channel::Stderr, "err line"), "{lines:?}");
    assert!(has(Channel::Stderr, "on purpose"), "{lines:?}");
    assert!(has(Channel::Stderr, "the instance died: wasm trap"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_an_instance_can_wait_for_each_other() {
    let host = host().spread_over(1).build().unwrap();
    let (waited, gave) = tokio::join!(get(&host, "/signal/wait/a"), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        get(&host, "/signal/now/a").await
    });
    assert_eq!((waited.as_str(), gave.as_str()), ("Dropped", "1"));
    // And for a task that outlives the request it came from.
    let waits = join_all((0..8).map(|_| get(&host, "/signal/wait/b")));
    let (waited, _) = tokio::join!(waits, get(&host, "/signal/later/b/100"));
    assert_eq!(waited, vec!["Dropped"; 8]);
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_streamed_both_ways() {
    let host = host().build().unwrap();
    let (sender, receiver) = tokio::sync::mpsc::channel::<bytes::Bytes>(1);
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        let bytes = receiver.recv().await?;
        let frame = Ok::<_, std::convert::Infallible>(http_body::Frame::data(bytes));
        Some((frame, receiver))
    });
    let body = http_body_util::StreamBody::new(stream);
    let request = http::Request::post("http://test/echo").body(body).unwrap();
    let mut response = host.handle(request).await.unwrap();
    for piece in ["one", "two", "three"] {
        sender.send(piece.into()).await.unwrap();
        let frame = response.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), piece);
    }
    drop(sender);
    assert_eq!(text(response).await, "");
}
