//! What is said of the configuration is what there is: the variables that are
//! read, those of `spin.toml` and those of `docs/operations.md` are the same ones, with
//! the same defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kafka_edge::config::{Access, Config, GatewayConfig, telemetry};
use kafka_edge::host::{Host, HostCapabilities};
use kafka_edge_sim::{World, local};

const MANIFEST: &str = include_str!("../spin.toml");
const OPERATIONS: &str = include_str!("../docs/operations.md");
/// For Spin 3, which gets another build.
const SPIN_3: &str = include_str!("../deploy/spinkube/spin.toml");

/// What only Spin reads, for its own list of where the component may connect.
const OF_SPIN: [&str; 8] = [
    "outbound_https",
    "outbound_http",
    "outbound_more",
    "outbound_2",
    "outbound_3",
    "outbound_4",
    "outbound_5",
    "outbound_6",
];

/// What the component reads for its platform, beside what the core reads.
const OF_THE_PLATFORM: [&str; 1] = [kafka_edge_redis_store::VARIABLE];

fn manifest() -> toml::Table {
    MANIFEST.parse().expect("it is TOML")
}

/// What is in a manifest under these names.
fn at<'m>(manifest: &'m toml::Table, path: &[&str]) -> &'m toml::Table {
    path.iter().fold(manifest, |table, name| {
        table.get(*name).and_then(toml::Value::as_table).unwrap_or_else(|| panic!("no {name}"))
    })
}

/// The default of each variable of the application.
fn defaults() -> BTreeMap<String, String> {
    let manifest = manifest();
    let default = |(name, variable): (&String, &toml::Value)| {
        let default = variable.get("default").and_then(toml::Value::as_str);
        (name.clone(), default.unwrap_or_else(|| panic!("{name} has no default")).to_owned())
    };
    at(&manifest, &["variables"]).iter().map(default).collect()
}

fn names<'n>(names: impl IntoIterator<Item = &'n String>) -> BTreeSet<&'n str> {
    names.into_iter().map(String::as_str).collect()
}

/// Every variable that the component asks its host for.
async fn read() -> BTreeSet<String> {
    local(async {
        let world = World::new(1);
        world.set_variable("kafka_rest_url", "http://kafka.test");
        let host = world.instance();
        Config::load(&host).await.expect("it is complete");
        Access::load(&host).await.expect("it is complete");
        GatewayConfig::load(&host).await.expect("it is complete");
        telemetry::load(&host).await.expect("it is complete");
        world.variables_read()
    })
    .await
}

#[tokio::test]
async fn spin_is_told_of_every_variable_that_is_read_and_of_no_other() {
    let manifest = manifest();
    let given = at(&manifest, &["component", "kafka-edge", "variables"]);
    let mut read = read().await;
    read.extend(OF_THE_PLATFORM.map(str::to_owned));
    assert_eq!(names(given.keys()), names(&read));
    for (name, template) in given {
        assert_eq!(template.as_str(), Some(format!("{{{{ {name} }}}}").as_str()));
    }
    let mut known = names(given.keys());
    known.extend(OF_SPIN);
    assert_eq!(names(defaults().keys()), known);
}

#[test]
fn the_defaults_of_the_manifest_are_those_of_the_component() {
    let defaults = defaults();
    let address = ("kafka_rest_url", "http://kafka.test");
    let config = |set: &dyn Fn(&str) -> Option<String>| {
        let value = |name| (name == address.0).then(|| address.1.to_owned()).or_else(|| set(name));
        Config::parse(value).expect("it is complete")
    };
    assert_eq!(config(&|name| defaults.get(name).cloned()), config(&|_| None));

    let default = |name: &str| Some(defaults[name].as_str());
    let access =
        Access::parse(default("open_access"), default("credentials"), default("kafka_credentials"));
    assert_eq!(access, Access::parse(None, None, None));
    let gateway =
        GatewayConfig::parse(default("base_path"), default("public_url"), default("cors_origins"));
    assert_eq!(gateway, GatewayConfig::parse(None, None, None));
    let settings = telemetry::parse(default("log_format"), default("log_level"));
    assert_eq!(settings, telemetry::parse(None, None));
    let address = |value| kafka_edge_redis_store::Address::parse(value);
    assert_eq!(address(&defaults["state_store"]), address(""));
}

#[test]
fn secrets_are_said_to_be_some() {
    let manifest = manifest();
    let secrets = at(&manifest, &["variables"]).iter().filter(|(_, variable)| {
        variable.get("secret").and_then(toml::Value::as_bool) == Some(true)
    });
    let secrets: Vec<_> = secrets.map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        secrets,
        [
            "credentials",
            "kafka_api_secret",
            "schema_registry_api_secret",
            "secrets_key",
            "state_store"
        ]
    );
}

#[test]
fn spin_lets_the_component_reach_its_store_and_what_is_configured() {
    let manifest = manifest();
    assert_eq!(manifest["spin_manifest_version"].as_integer(), Some(2));
    let component = at(&manifest, &["component", "kafka-edge"]);
    assert_eq!(component["key_value_stores"], toml::Value::from(vec!["default"]));
    let hosts = component["allowed_outbound_hosts"].as_array().expect("it is a list");
    let hosts: Vec<_> = hosts.iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(hosts, OF_SPIN.map(|name| format!("{{{{ {name} }}}}")));
    for trigger in manifest["trigger"]["http"].as_array().expect("there are some") {
        assert_eq!(trigger["component"].as_str(), Some("kafka-edge"));
        assert_eq!(trigger["route"].as_str(), Some("/..."));
    }
    let source = component["source"].as_str().expect("it is a path");
    assert_eq!(source, "target/wasm32-wasip2/component/kafka_edge_spin.wasm");
    assert_eq!(component["build"]["command"].as_str(), Some("cargo wasm"));
}

/// A row of the document's table can name several variables, and a default for
/// each that has one; other words stand in place of none.
#[test]
fn each_variable_is_documented_once_with_its_default() {
    let (_, section) = OPERATIONS.split_once("\n## Configuration\n").expect("there is a section");
    let section = section.split("\n#").next().unwrap_or(section);
    let mut documented = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let (variables, defaults) = (quoted(cells[1]), quoted(cells[2]));
        for (place, variable) in variables.iter().enumerate() {
            let default = defaults.get(place).copied().unwrap_or_default();
            let before = documented.insert(variable.to_string(), default.to_owned());
            assert_eq!(before, None, "{variable} is there twice");
        }
        assert!(!cells[3].is_empty(), "{row}");
    }
    assert_eq!(documented, defaults());
}

/// What stands in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[tokio::test(start_paused = true)]
async fn the_store_is_as_stale_as_the_host_states_unless_the_operator_says_otherwise() {
    local(async {
        let world = World::new(1);
        world.set_variable("kafka_rest_url", "http://kafka.test");
        let host = world.instance();
        let stated = Duration::from_secs(10);
        world.set_capabilities(HostCapabilities { store_staleness: stated, ..host.capabilities() });
        for (value, staleness) in
            [("", stated), ("0s", Duration::ZERO), ("300ms", Duration::from_millis(300))]
        {
            world.set_variable("store_staleness", value);
            assert_eq!(Config::load(&host).await.unwrap().store.staleness, staleness, "{value}");
            assert_eq!(Access::load(&host).await.unwrap().store.staleness, staleness, "{value}");
        }
    })
    .await;
}

#[test]
fn spin_3_is_told_what_spin_is_told() {
    let (spin, spin_3) = (manifest(), SPIN_3.parse::<toml::Table>().expect("it is TOML"));
    for path in [&["variables"][..], &["component", "kafka-edge", "variables"]] {
        // The build for it knows no other store than Spin's.
        let mut told = at(&spin, path).clone();
        told.retain(|name, _| !OF_THE_PLATFORM.contains(&name));
        assert_eq!(at(&spin_3, path), &told, "{path:?}");
    }
    let component = |manifest| at(manifest, &["component", "kafka-edge"]);
    for rule in ["key_value_stores", "allowed_outbound_hosts"] {
        assert_eq!(component(&spin_3)[rule], component(&spin)[rule], "{rule}");
    }
}
