//! The gateway alone.

use crate::gateway::{Gateway, refused};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn the_lines_of_the_banner_work_as_they_stand() {
    let mut gateway = Gateway::start(&["--ephemeral"]);
    let lines = gateway.banner.lines().filter_map(|line| line.trim().strip_prefix("curl "));
    let paths: Vec<_> =
        lines.map(|url| url.strip_prefix("http://").unwrap().split_once('/').unwrap().1).collect();
    let [webhook, produce, consume] = paths[..] else {
        panic!("{}", gateway.banner);
    };
    let (status, subscription) = gateway.get(&format!("/{webhook}"));
    assert_eq!(status, 201, "{subscription}");
    let (status, report) = gateway.get(&format!("/{produce}"));
    assert_eq!((status, &report["message"]), (200, &Value::from("hello-world")));
    let (status, record) = gateway.get(&format!("/{consume}"));
    assert_eq!((status, &record["message"]), (200, &Value::from("hello-world")));
    let shown = |line: &str| line.starts_with("callback  ") && line.contains("hello-world");
    gateway.until_line(shown);
    assert!(gateway.interrupt().success());
}

#[test]
fn what_comes_another_way_is_delivered_although_another_callback_does_not_answer() {
    let stuck = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut gateway = Gateway::start(&["--ephemeral", "--variable", "webhook_timeout=60s"]);
    let (_, rest) = gateway.banner.split_once("/webhook/test-topic/").unwrap();
    let shown = rest.split_whitespace().next().unwrap().to_owned();
    for callback in [format!("http://{}/", stuck.local_addr().unwrap()), shown] {
        assert_eq!(gateway.get(&format!("/webhook/test-topic/{callback}")).0, 201);
    }
    gateway.write_behind_it("one");
    // The call that the timer made is now under way for a minute.
    let _stuck = stuck.accept().unwrap();
    let start = Instant::now();
    gateway.until_line(|line| line.starts_with("callback  ") && line.contains("\"one\""));
    gateway.write_behind_it("two");
    gateway.until_line(|line| line.starts_with("callback  ") && line.contains("\"two\""));
    assert!(start.elapsed() < Duration::from_secs(45), "{:?}", start.elapsed());
}

#[test]
fn it_ends_in_order_when_it_is_told_to() {
    assert!(Gateway::start(&["--ephemeral"]).terminate().success());
}

#[test]
fn secrets_come_from_the_environment_and_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets.toml");
    std::fs::write(&file, "open_access = \"false\"\nstore_staleness = \"oops\"").unwrap();
    let credentials =
        r#"[{"name":"all","secret":"0123456789abcdef","allow":["consume"],"topics":["*"]}]"#;
    let environment =
        [("SPIN_VARIABLE_CREDENTIALS", credentials), ("SPIN_VARIABLE_OPEN_ACCESS", "true")];
    let file = format!("@{}", file.display());
    // A file outweighs the environment, and the command line both.
    let arguments = ["--ephemeral", "--variable", "store_staleness=0s", "--variable", &file];
    let gateway = Gateway::start_in(&environment, &arguments);
    assert!(gateway.banner.contains("`credentials`"), "{}", gateway.banner);
    assert!(!gateway.banner.contains("0123456789abcdef"));
    assert_eq!(gateway.get("/topics").0, 401);
    assert_eq!(gateway.get("/readyz").0, 200);

    let refused = refused(&["--variable", "@no-such-file.toml"]);
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("no-such-file.toml"), "{said}");
}

#[test]
fn records_and_positions_survive_a_restart_and_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::in_folder(folder.path());
    for message in ["one", "two", "three"] {
        gateway.produce(message);
    }
    assert_eq!(gateway.consume(), "one");
    assert!(gateway.interrupt().success());

    let gateway = Gateway::in_folder(folder.path());
    assert_eq!(gateway.consume(), "two");
    gateway.produce("four");
    // Dropping it is kill -9.
    drop(gateway);

    // The kill may have come before the position of "two" was written: then
    // that one comes again, and nothing is ever passed over.
    let gateway = Gateway::in_folder(folder.path());
    let mut rest = Vec::new();
    while rest.last() != Some(&Value::from("four")) {
        rest.push(gateway.consume());
    }
    assert!(rest.ends_with(&["three".into(), "four".into()]), "{rest:?}");
}

#[test]
fn ctrl_c_ends_it_quietly_in_the_middle_of_its_work() {
    let mut gateway = Gateway::start_telling(&["--ephemeral"], Stdio::piped());
    gateway.produce("one");
    let mut stream = gateway.ask("/consumer/test-topic?from=earliest", "text/event-stream");
    let mut event = String::new();
    let mut lines = BufReader::new(&mut stream);
    while !event.contains("\"one\"") {
        assert_ne!(lines.read_line(&mut event).unwrap(), 0, "{event}");
    }
    let _waiting = gateway.ask("/consumer/test-topic?group=waiting&from=latest&wait=30", "*/*");
    gateway.produce("two");
    let mut told = gateway.child.stderr.take().unwrap();
    assert!(gateway.interrupt().success());
    let mut text = String::new();
    told.read_to_string(&mut text).unwrap();
    assert!(text.ends_with("\nending; Ctrl-C again ends it at once\n"), "{text}");
    for trouble in ["panic", "died", "error"] {
        assert!(!text.contains(trouble), "{text}");
    }
}

#[test]
fn what_keeps_it_from_starting_is_said_in_a_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (arguments, part) in [
        (&["--listen", &address, "--ephemeral"][..], "is taken"),
        (&["--listen", "nonsense"], "cannot be listened on"),
        (&["--variable", "no_such=1"], "open_access"),
        (&["--listen", "127.0.0.1:0", "--ephemeral", "--topic", "a b"], "topic a b"),
        (&["--nonsense"], "--help"),
    ] {
        let output = refused(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        // And at once, before anything is built.
        assert!(said.starts_with("error: ") && said.contains(part), "{arguments:?}: {said}");
    }
}

#[test]
fn a_folder_is_used_by_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let _gateway = Gateway::in_folder(folder.path());
    let output =
        refused(&["--listen", "127.0.0.1:0", "--data-dir", folder.path().to_str().unwrap()]);
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("is in use"));
}

#[test]
fn a_topic_that_is_there_keeps_its_partitions_and_the_banner_says_so() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Gateway::in_folder(folder.path()).banner.contains("test-topic (3 partitions)"));
    let folder = folder.path().to_str().unwrap();
    let gateway =
        Gateway::start(&["--data-dir", folder, "--topic", "test-topic:5", "--topic", "t:1"]);
    let banner = &gateway.banner;
    assert!(banner.contains("with t (1 partition), test-topic (3 partitions)"), "{banner}");
}

#[test]
fn kafka_is_reached_where_callbacks_must_not_be_private() {
    let gateway = Gateway::start(&["--ephemeral", "--variable", "webhook_allow_private=false"]);
    gateway.produce("one");
    let (status, error) = gateway.get("/webhook/test-topic/http://127.0.0.1:1/callback");
    assert_eq!((status, &error["error"]), (400, &Value::from("Invalid webhook URL")));
}

#[test]
fn nobody_is_served_where_others_could_call_until_that_is_allowed() {
    let gateway = Gateway::start(&["--ephemeral", "--variable", "open_access=false"]);
    assert!(gateway.banner.contains("open_access=true"), "{}", gateway.banner);
    assert_eq!(gateway.get("/healthz").0, 200);
    assert!(gateway.get("/producer/test-topic/x").0 >= 400);
}

#[test]
fn help_names_every_option() {
    let output = refused(&["--help"]);
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("--rest-url"));
}
