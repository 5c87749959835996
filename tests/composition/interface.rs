//! What the interface is: as the built component has it, and as `wit/` tells
//! of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use wac_graph::types::{DefinedType, ItemKind, Package, Type, Types, ValueType};

use crate::compose::gateway;

/// The functions, as `consumer.next`, and the cases of the error.
pub(crate) struct Interface {
    pub(crate) functions: BTreeSet<String>,
    pub(crate) cases: BTreeSet<String>,
}

impl Interface {
    /// What the built component exports.
    pub(crate) fn exported() -> Self {
        let mut types = Types::new();
        let package = Package::from_file("kafka-edge:gateway", None, gateway(), &mut types);
        let world = &types[package.expect("it is a component").ty()];
        let mut functions = BTreeSet::new();
        let mut cases = BTreeSet::new();
        for (name, item) in &world.exports {
            let Some(interface) = name.strip_prefix("kafka-edge:api/") else { continue };
            let ItemKind::Instance(id) = item else { panic!("{name} is no interface") };
            let interface = interface.split('@').next().unwrap_or(interface);
            for (name, item) in &types[*id].exports {
                match item {
                    ItemKind::Func(_) => {
                        functions.insert(format!("{interface}.{name}"));
                    }
                    ItemKind::Type(Type::Value(value)) if name == "error" => {
                        cases.extend(cases_of(&types, *value));
                    }
                    _ => {}
                }
            }
        }
        Self { functions, cases }
    }

    /// For each function the cases that its documentation tells of.
    pub(crate) fn documented(&self) -> BTreeMap<String, BTreeSet<String>> {
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("wit");
        let mut documented = BTreeMap::new();
        for file in fs::read_dir(wit).expect("there is a folder") {
            let path = file.expect("it can be listed").path();
            let Some("wit") = path.extension().and_then(|extension| extension.to_str()) else {
                continue;
            };
            let text = fs::read_to_string(&path).expect("it can be read");
            let interface = path.file_stem().and_then(|stem| stem.to_str()).expect("it has a name");
            let mut docs = Vec::new();
            for line in text.lines().map(str::trim) {
                match (line.strip_prefix("///"), line.split_once(": async func")) {
                    (Some(doc), _) => docs.push(doc.trim()),
                    (None, Some((name, _))) => {
                        let name = format!("{interface}.{}", name.trim_start_matches('%'));
                        documented.insert(name, self.errors(&docs));
                        docs.clear();
                    }
                    (None, None) => docs.clear(),
                }
            }
        }
        documented
    }

    /// The cases named in the paragraph that begins with `Errors:`.
    fn errors(&self, docs: &[&str]) -> BTreeSet<String> {
        let paragraph = docs
            .split(|line| line.is_empty())
            .find(|lines| lines.first().is_some_and(|line| line.starts_with("Errors: ")));
        let text = paragraph.unwrap_or_default().join(" ");
        let quoted = text.split('`').skip(1).step_by(2);
        quoted.filter(|word| self.cases.contains(*word)).map(str::to_owned).collect()
    }
}

fn cases_of(types: &Types, value: ValueType) -> Vec<String> {
    match types.resolve_value_type(value) {
        ValueType::Defined(id) => match &types[id] {
            DefinedType::Variant(variant) => variant.cases.keys().cloned().collect(),
            other => panic!("the error is {}", other.desc(types)),
        },
        other => panic!("the error is {}", other.desc(types)),
    }
}
