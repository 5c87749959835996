//! Two components made into one, with the composition library of the Wasm
//! tool chain.

use std::path::{Path, PathBuf};

use kafka_edge_host::{Program, build};
use wac_graph::types::{Package, Types};
use wac_graph::{CompositionGraph, EncodeOptions, plug};

/// The component of an example, composed with ours and compiled.
pub(crate) fn composed(example: &str) -> Program {
    let example = built(example);
    let component = compose(&example, &gateway());
    let cache = example.with_file_name("machine-code");
    Program::from_bytes(&component, Some(&cache)).expect("what was composed is valid")
}

/// What the component of an example, composed with ours, wants from its host.
pub(crate) fn left_to_the_host(example: &str) -> Vec<String> {
    let component = compose(&built(example), &gateway());
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

/// The component at `socket`, with what the one at `plugged` exports in the
/// place of what it imports. What neither has is left to the host.
fn compose(socket: &Path, plugged: &Path) -> Vec<u8> {
    let mut graph = CompositionGraph::new();
    let mut register = |name: &str, path: &Path| {
        let package = Package::from_file(name, None, path, graph.types_mut()).expect("it is valid");
        graph.register_package(package).expect("it has a name of its own")
    };
    let socket = register("example:caller", socket);
    let plugged = register("kafka-edge:gateway", plugged);
    plug(&mut graph, vec![plugged], socket).expect("they fit");
    graph.encode(EncodeOptions::default()).expect("what fits can be encoded")
}
