//! What the documents say about the repository is so: the files that they name
//! exist, the map has every module, and every call of the API is described.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const DOCUMENTS: [&str; 21] = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/console.md",
    "docs/documented-calls.md",
    "docs/http.md",
    "docs/mcp.md",
    "docs/metrics.md",
    "docs/moving.md",
    "docs/operations.md",
    "docs/sources.md",
    "docs/subscriptions.md",
    "docs/actions.md",
    "docs/destinations.md",
    "docs/upstash.md",
    "docs/wit.md",
    "docs/wit/c.md",
    "docs/wit/go.md",
    "docs/wit/javascript.md",
    "docs/wit/node.md",
    "docs/wit/python.md",
];

/// Paths that are named in backticks begin with one of these.
const FOLDERS: [&str; 10] = [
    ".ci/",
    "components/",
    "crates/",
    "deploy/",
    "docs/",
    "examples/",
    "packages/",
    "src/",
    "tests/",
    "wit/",
];

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands in backticks on one line.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// All files with Rust in a folder, down to this depth.
fn modules(folder: &Path, depth: usize, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && depth > 1 {
            modules(&path, depth - 1, found);
        } else if name.ends_with(".rs") && !["lib.rs", "main.rs"].contains(&name) {
            found.insert(path.to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn the_map_has_a_line_for_each_module() {
    let mut there = BTreeSet::new();
    modules(Path::new("src"), usize::MAX, &mut there);
    for component in fs::read_dir("components").unwrap() {
        let component = component.unwrap().path();
        let name = component.to_str().unwrap();
        modules(&Path::new(name).join("src"), usize::MAX, &mut there);
    }
    for krate in fs::read_dir("crates").unwrap() {
        modules(&krate.unwrap().path().join("src"), 1, &mut there);
    }

    let text = read("docs/architecture.md");
    let (_, map) = text.split_once("\n## All modules\n").expect("there is a map");
    let mut shown = BTreeSet::new();
    let mut folder = "";
    for line in map.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            folder = heading.trim_matches('`');
        } else if let Some(row) = line.strip_prefix("| `") {
            let path = format!("{folder}{}", row.split('`').next().unwrap());
            assert!(shown.insert(path.clone()), "{path} is on the map twice");
        }
    }
    let missing: Vec<_> = there.difference(&shown).collect();
    let gone: Vec<_> = shown.difference(&there).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not on the map: {missing:?}; gone: {gone:?}");
}

#[test]
fn the_files_that_the_documents_name_exist() {
    for document in DOCUMENTS {
        let text = read(document);
        let quoted = quoted(&text).filter(|text| FOLDERS.iter().any(|f| text.starts_with(f)));
        for path in quoted {
            // A command may have arguments.
            let path = path.split(' ').next().unwrap();
            assert!(Path::new(path).exists(), "{document} names {path}");
        }
        let folder = Path::new(document).parent().unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (path, _) = link.split_once('#').unwrap_or((link, ""));
            let there = path.is_empty() || path.contains("://") || folder.join(path).exists();
            assert!(there, "{document} links to {link}");
        }
    }
}

#[test]
fn every_call_is_described() {
    let description: serde_json::Value = serde_json::from_str(&read("docs/openapi.json")).unwrap();
    let (ours, upstash) = (read("docs/http.md"), read("docs/upstash.md"));
    for (path, operations) in description["paths"].as_object().unwrap() {
        if path.starts_with("/upstash/") {
            assert!(upstash.contains(&format!("`{path}`")), "docs/upstash.md has no {path}");
            continue;
        }
        for method in operations.as_object().unwrap().keys() {
            let call = format!("`{} {path}`", method.to_uppercase());
            assert!(ours.contains(&call), "docs/http.md has no {call}");
        }
    }
}

#[test]
fn the_package_for_node_has_each_interface_of_the_world() {
    let world = read("wit/world.wit");
    let exports = world.lines().filter_map(|line| line.trim().strip_prefix("export "));
    let exports: Vec<&str> = exports.filter_map(|name| name.strip_suffix(';')).collect();
    // What HTTP calls is for hosts, and `types` has no functions.
    let ours = exports.into_iter().filter(|name| !name.contains(':'));
    let (types, interfaces): (BTreeSet<&str>, BTreeSet<&str>) = ours.partition(|n| *n == "types");
    assert_eq!(types.len(), 1);

    let script = read("packages/node/index.js");
    let exported = script.lines().filter_map(|line| line.strip_prefix("export const "));
    let exported: BTreeSet<&str> = exported.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(exported, interfaces);

    let declared = read("packages/node/index.d.ts");
    let (_, declared) = declared.split_once("export {").expect("names that are exported");
    let (declared, _) = declared.split_once('}').unwrap();
    let declared: BTreeSet<&str> =
        declared.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    assert_eq!(declared, &interfaces | &types);
}

#[test]
fn the_lines_for_schedulers_make_the_call_that_is_described() {
    let text = read("docs/operations.md");
    let (_, section) = text.split_once("\n## Deliveries by the clock\n").expect("a section");
    let (section, _) = section.split_once("\n## ").unwrap();
    let description: serde_json::Value = serde_json::from_str(&read("docs/openapi.json")).unwrap();
    let call = &description["paths"]["/subscriptions/deliver"]["post"];
    assert_eq!(call["x-permission"], "webhooks");
    assert_eq!(call["parameters"][0]["name"], "budget");
    let most = call["parameters"][0]["schema"]["maximum"].as_u64().unwrap();
    let job = read("deploy/spinkube/spinapp.yaml");
    for (kind, part) in ["```crontab\n", "```ini\n", "```yaml\n", "```rust\n"]
        .map(|fence| {
            (fence, section.split_once(fence).expect(fence).1.split("```").next().unwrap())
        })
        .into_iter()
        .chain([("the job", job.as_str())])
    {
        let (_, budget) = part.split_once("/subscriptions/deliver?budget=").expect(kind);
        let digits: String = budget.chars().take_while(char::is_ascii_digit).collect();
        assert!(digits.parse::<u64>().unwrap() <= most, "{kind}: {digits}");
        let is_post = ["POST", "Method::Post"].iter().any(|method| part.contains(method));
        assert!(is_post, "{kind}");
    }
    assert!(section.contains(r#""allow":["webhooks"]"#));
}
