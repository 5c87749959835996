//! Components of examples, built and composed with ours.

use std::path::{Path, PathBuf};

use kafka_edge_compose::compose;
use kafka_edge_host::{Program, build};
use wac_graph::types::{Package, Types};

/// The component of an example, composed with ours and compiled.
pub(crate) fn composed(example: &str) -> Program {
    let example = built(example);
    let component = compose(&example, &gateway()).expect("they fit");
    let cache = example.with_file_name("machine-code");
    Program::from_bytes(&component, Some(&cache)).expect("what was composed is valid")
}

/// What the component of an example, composed with ours, wants from its host.
pub(crate) fn left_to_the_host(example: &str) -> Vec<String> {
    let component = compose(&built(example), &gateway()).expect("they fit");
    let mut types = Types::new();
    let package = Package::from_bytes("example:composed", None, component, &mut types);
    let world = &types[package.expect("it is a component").ty()];
    world.imports.keys().cloned().collect()
}

/// Our component alone.
pub(crate) fn gateway() -> PathBuf {
    built("kafka-edge-spin")
}

fn built(package: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    build::component(here, package, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"))
}
