//! Two components made into one, with the composition library of the Wasm
//! tool chain.

use std::path::Path;

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, plug};

/// The component at `socket`, with what the one at `plug` exports in the place
/// of what it imports. What neither has is left to the host.
pub(crate) fn compose(socket: &Path, plugged: &Path) -> Vec<u8> {
    let mut graph = CompositionGraph::new();
    let mut register = |name: &str, path: &Path| {
        let package = Package::from_file(name, None, path, graph.types_mut()).expect("it is valid");
        graph.register_package(package).expect("it has a name of its own")
    };
    let socket = register("example:orders", socket);
    let plugged = register("kafka-edge:gateway", plugged);
    plug(&mut graph, vec![plugged], socket).expect("they fit");
    graph.encode(EncodeOptions::default()).expect("what fits can be encoded")
}
