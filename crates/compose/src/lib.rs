//! Plugs a component of another author and the gateway into each other.
//!
//! What the component imports of `kafka-edge:api` it gets from the gateway, and
//! what it exports, an HTTP handler for one, is exported by the whole. Of the
//! gateway's own exports `kafka-edge:api/subscriptions` stays one, unless the
//! component has one of its own: whatever runs the two has to start deliveries.

use std::path::{Path, PathBuf};

use wac_graph::types::{Package, SubtypeChecker, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeOptions, PackageId};

/// The package that the gateway publishes.
const API: &str = "kafka-edge:api/";

/// What the gateway still exports: how deliveries are started, and the types
/// that it is declared with.
const KEPT: [&str; 2] = ["kafka-edge:api/types@", "kafka-edge:api/subscriptions@"];

/// Why two components do not become one.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// A file could not be read, or it holds no component.
    #[error("{path} is no component: {reason}")]
    NoComponent {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is nothing that the gateway could be plugged into.
    #[error("{path} imports nothing that the gateway exports")]
    NothingWanted {
        /// The file.
        path: PathBuf,
    },
    /// The component wants an interface in another form, or of another
    /// version.
    #[error("{path} imports {name}, which the gateway does not export in that form: {reason}")]
    Differs {
        /// The file.
        path: PathBuf,
        /// The interface.
        name: String,
        /// What differs.
        reason: String,
    },
    /// Anything else, from below.
    #[error("the two components cannot be made into one: {0}")]
    Other(String),
}

/// The component at `component`, with the gateway at `gateway` in the place of
/// what it imports of it. What neither has is left to the host.
pub fn compose(component: &Path, gateway: &Path) -> Result<Vec<u8>, ComposeError> {
    let mut graph = CompositionGraph::new();
    let outer = register(&mut graph, "kafka-edge:composed", component)?;
    let inner = register(&mut graph, "kafka-edge:gateway", gateway)?;
    let plugs = plugs(&graph, outer, inner, component)?;
    let exports = exports_of(&graph, outer);
    let kept = exports_of(&graph, inner)
        .into_iter()
        .filter(|name| KEPT.iter().any(|kept| name.starts_with(kept)) && !exports.contains(name));
    let kept: Vec<_> = kept.collect();
    wire(&mut graph, (outer, inner), plugs, &exports, &kept)
        .map_err(|error| ComposeError::Other(chain(&*error)))
}

/// An import of the component and the export of the gateway that fills it.
struct Plug {
    import: String,
    export: String,
}

fn register(
    graph: &mut CompositionGraph,
    name: &str,
    path: &Path,
) -> Result<PackageId, ComposeError> {
    let wrong = |reason| ComposeError::NoComponent { path: path.to_owned(), reason };
    let package = Package::from_file(name, None, path, graph.types_mut());
    let package = package.map_err(|error| wrong(format!("{error:#}")))?;
    graph.register_package(package).map_err(|error| wrong(chain(&error)))
}

fn exports_of(graph: &CompositionGraph, package: PackageId) -> Vec<String> {
    graph.types()[graph[package].ty()].exports.keys().cloned().collect()
}

fn plugs(
    graph: &CompositionGraph,
    outer: PackageId,
    inner: PackageId,
    path: &Path,
) -> Result<Vec<Plug>, ComposeError> {
    let types = graph.types();
    let imports = &types[graph[outer].ty()].imports;
    let exports = &types[graph[inner].ty()].exports;
    let mut cache = Default::default();
    let mut checker = SubtypeChecker::new(&mut cache);
    let mut plugs = Vec::new();
    for (import, wanted) in imports {
        let exact = exports.get_key_value(import);
        let export =
            exact.or_else(|| exports.iter().find(|(e, _)| are_semver_compatible(e, import)));
        let fits = match export {
            Some((_, offered)) => checker
                .is_subtype(*offered, types, *wanted, types)
                .map_err(|error| format!("{error:#}")),
            None => Err("it has no such interface".to_owned()),
        };
        match (fits, export) {
            (Ok(()), Some((export, _))) => {
                plugs.push(Plug { import: import.clone(), export: export.clone() });
            }
            (Err(reason), _) if import.starts_with(API) => {
                let (path, name) = (path.to_owned(), import.clone());
                return Err(ComposeError::Differs { path, name, reason });
            }
            // The host has it, or nobody.
            _ => {}
        }
    }
    match plugs.is_empty() {
        true => Err(ComposeError::NothingWanted { path: path.to_owned() }),
        false => Ok(plugs),
    }
}

fn wire(
    graph: &mut CompositionGraph,
    (outer, inner): (PackageId, PackageId),
    plugs: Vec<Plug>,
    exports: &[String],
    kept: &[String],
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let inner = graph.instantiate(inner);
    let outer = graph.instantiate(outer);
    for Plug { import, export } in plugs {
        let filled = graph.alias_instance_export(inner, &export)?;
        graph.set_instantiation_argument(outer, &import, filled)?;
    }
    for (instance, names) in [(inner, kept), (outer, exports)] {
        for name in names {
            let export = graph.alias_instance_export(instance, name)?;
            graph.export(export, name)?;
        }
    }
    Ok(graph.encode(EncodeOptions::default())?)
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
