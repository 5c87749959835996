//! The gateway plugged into somebody else's component.

use crate::gateway::{Gateway, refused};
use kafka_edge_host::build;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn component(package: &str) -> PathBuf {
    let built = build::component(workspace(), package, &mut |_| {});
    built.unwrap_or_else(|error| panic!("{error}"))
}

fn mailbox() -> PathBuf {
    component("kafka-edge-example-handler")
}

/// Where the gateway's own callback is, from a banner without curl lines.
fn callback(gateway: &Gateway) -> String {
    let (_, rest) = gateway.banner.split_once("Deliveries to ").unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

/// Its HTTP requests go to the mailbox, and a record that comes another way is
/// delivered by the clock.
fn works_as_a_mailbox(mut gateway: Gateway) {
    assert_eq!(gateway.send("GET", "/", ""), (404, "the mailbox is empty\n".to_owned()));
    assert_eq!(gateway.send("POST", "/", "hello").0, 201);
    assert_eq!(gateway.send("GET", "/", ""), (200, "hello".to_owned()));
    // The gateway's own API is not there.
    assert_eq!(gateway.send("DELETE", "/topics", "").0, 405);

    let (status, id) = gateway.send("PUT", "/", &callback(&gateway));
    assert_eq!(status, 201, "{id}");
    gateway.write_behind_it("by the clock");
    gateway.until_line(|line| line.starts_with("callback  ") && line.contains("by the clock"));
    assert!(gateway.interrupt().success());
}

#[test]
fn requests_go_to_the_component_and_deliveries_start_all_the_same() {
    let mailbox = mailbox();
    // Nobody may call the gateway over HTTP, which is not what starts them.
    let arguments =
        ["--ephemeral", "--variable", "open_access=false", "--with", mailbox.to_str().unwrap()];
    works_as_a_mailbox(Gateway::start(&arguments));
}

#[test]
fn a_finished_composition_runs_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (package, beside) = ("kafka-edge-compose", env!("CARGO_PKG_NAME"));
    let program = build::program(workspace(), package, beside, &mut |_| {}).unwrap();
    let composed = Command::new(program).args([mailbox(), component("kafka-edge-spin")]).output();
    let file = folder.path().join("composed.wasm");
    fs::write(&file, composed.unwrap().stdout).unwrap();
    works_as_a_mailbox(Gateway::start(&["--ephemeral", "--component", file.to_str().unwrap()]));
}

#[test]
fn a_composition_without_the_webhooks_runs_without_the_clock_and_that_is_said_once() {
    let guest = component("kafka-edge-host-guest");
    let arguments = ["--ephemeral", "--component", guest.to_str().unwrap()];
    let mut gateway = Gateway::start_telling(&arguments, Stdio::piped());
    let mut told = gateway.child.stderr.take().unwrap();
    assert!(gateway.interrupt().success());
    let mut text = String::new();
    std::io::Read::read_to_string(&mut told, &mut text).unwrap();
    assert_eq!(text.matches("exports no kafka-edge:api/subscriptions").count(), 1, "{text}");
}

#[test]
fn what_cannot_be_run_together_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.wasm");
    fs::write(&text, "no component").unwrap();
    let (orders, guest) =
        (component("kafka-edge-example-orders"), component("kafka-edge-host-guest"));
    for (option, file, part) in [
        ("--with", Path::new("no/such.wasm"), "cannot be read"),
        ("--component", Path::new("no/such.wasm"), "cannot be read"),
        ("--with", &text, "is no WebAssembly component"),
        ("--component", &text, "is no WebAssembly component"),
        ("--with", &orders, "exports no wasi:http/handler@0.3.0"),
        ("--component", &orders, "imports instance `kafka-edge:api/producer@0.2.0`"),
        ("--with", &guest, "imports nothing that the gateway exports"),
    ] {
        let arguments = ["--listen", "127.0.0.1:0", "--ephemeral", option, file.to_str().unwrap()];
        let output = refused(&arguments);
        assert!(!output.status.success(), "{option} {file:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        let last = said.lines().last().unwrap_or_default();
        assert!(last.starts_with("error: ") && last.contains(part), "{option} {file:?}: {said}");
    }
}
