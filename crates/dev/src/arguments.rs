//! The command line.

use crate::component::Component;
use lexopt::{Arg, Parser, ValueExt};
use std::path::PathBuf;
use std::time::Duration;

/// The longest time that a write of the store may be told to take.
const MAX_WRITE_MILLIS: u64 = 10_000;

pub(crate) const HELP: &str = "\
cargo dev: the gateway with a Kafka REST server behind it, on this machine

Usage: cargo dev [OPTIONS]

  --listen ADDRESS           Where the gateway listens; port 0 takes any free one
                             [127.0.0.1:3000]
  --topic NAME[:PARTITIONS]  A topic to make if it is not there; may be repeated
                             [test-topic:3]
  --data-dir FOLDER          Where records and state are kept [.kafka-edge]
  --ephemeral                Keep them in memory, and forget them at the end
  --store-write-ms TIME      Let each write of state take this many milliseconds,
                             such as 15, and one write through at a time: a
                             little stricter than Spin's default store
  --variable NAME=VALUE      Set a variable of the component; may be repeated.
                             spin.toml lists them
  --variable @FILE           Set the variables in a TOML or JSON file. Secrets
                             belong there, or in SPIN_VARIABLE_NAME: cargo shows
                             its command line

  --host HOST                Run the build for this host, with what that host
                             offers: spin, wasi02 (as `wasmtime serve`), spin3,
                             wasmcloud or fastly, whose own local server is then
                             installed once, which takes a while [spin]

To run it together with a component of your own:

  --with COMPONENT.wasm      Plug the gateway into this component, which imports
                             kafka-edge:api and answers the HTTP requests
  --component COMPOSED.wasm  Run a composition that is finished. Deliveries are
                             started if it exports kafka-edge:api/subscriptions

To use a REST Proxy or Confluent Cloud in place of the embedded server:

  --rest-url URL             Its address, such as http://localhost:8082
  --api-key KEY              Credentials, sent as HTTP Basic
  --api-secret SECRET
  --cluster-id ID            The cluster; Confluent Cloud has to be told

  -h, --help                 This text

Ctrl-C ends it, once what is under way has finished.
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Run(Box<Arguments>),
    Help,
}

/// How to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) listen: String,
    pub(crate) topics: Vec<Topic>,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) ephemeral: bool,
    /// How long a write of the store takes, if it is to be slow.
    pub(crate) store_write: Option<Duration>,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) variable_files: Vec<PathBuf>,
    pub(crate) rest: Option<RestServer>,
    pub(crate) component: Component,
}

/// A topic to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) partitions: i32,
}

/// A REST server that is there already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RestServer {
    pub(crate) url: String,
    pub(crate) api_key: Option<String>,
    pub(crate) api_secret: Option<String>,
    pub(crate) cluster_id: Option<String>,
}

/// Why a command line makes no sense.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgumentError {
    #[error("{0}")]
    Syntax(#[from] lexopt::Error),
    #[error("`{0}` is not NAME[:PARTITIONS] with 1 to 1000 partitions")]
    Topic(String),
    #[error("`{0}` is not a time from 0 to {MAX_WRITE_MILLIS} milliseconds")]
    WriteTime(String),
    #[error("`{0}` is not NAME=VALUE")]
    Variable(String),
    #[error("`{0}` is no host: there are spin, wasi02, spin3, wasmcloud and fastly")]
    Host(String),
    #[error("--ephemeral and --data-dir contradict each other")]
    WhereToKeep,
    #[error("--with, --component and --host contradict each other, and each is given once")]
    WhatToRun,
    #[error("{0} is not for --host fastly: its local server keeps its store in memory")]
    NotForFastly(&'static str),
    #[error("{0} needs --rest-url: the embedded server takes no credentials")]
    NoRestServer(&'static str),
    #[error("--topic is for the embedded server; make topics on a server of your own yourself")]
    ForeignTopic,
}

pub(crate) fn parse(mut parser: Parser) -> Result<Command, ArgumentError> {
    let mut listen = "127.0.0.1:3000".to_owned();
    let mut topics = Vec::new();
    let mut data_dir = None;
    let mut ephemeral = false;
    let mut store_write = None;
    let (mut variables, mut variable_files) = (Vec::new(), Vec::new());
    let mut component = None;
    let (mut url, mut api_key, mut api_secret, mut cluster_id) = (None, None, None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("listen") => listen = parser.value()?.string()?,
            Arg::Long("topic") => topics.push(topic(parser.value()?.string()?)?),
            Arg::Long("data-dir") => data_dir = Some(PathBuf::from(parser.value()?)),
            Arg::Long("ephemeral") => ephemeral = true,
            Arg::Long("store-write-ms") => {
                store_write = Some(write_time(parser.value()?.string()?)?);
            }
            Arg::Long("variable") => {
                let text = parser.value()?.string()?;
                match text.strip_prefix('@') {
                    Some(file) => variable_files.push(PathBuf::from(file)),
                    None => variables.push(variable(text)?),
                }
            }
            Arg::Long("with" | "component" | "host") if component.is_some() => {
                return Err(ArgumentError::WhatToRun);
            }
            Arg::Long("with") => component = Some(Component::With(parser.value()?.into())),
            Arg::Long("component") => component = Some(Component::Composed(parser.value()?.into())),
            Arg::Long("host") => {
                let name = parser.value()?.string()?;
                component = Some(Component::for_host(&name).ok_or(ArgumentError::Host(name))?);
            }
            Arg::Long("rest-url") => url = Some(parser.value()?.string()?),
            Arg::Long("api-key") => api_key = Some(parser.value()?.string()?),
            Arg::Long("api-secret") => api_secret = Some(parser.value()?.string()?),
            Arg::Long("cluster-id") => cluster_id = Some(parser.value()?.string()?),
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            other => return Err(other.unexpected().into()),
        }
    }
    if ephemeral && data_dir.is_some() {
        return Err(ArgumentError::WhereToKeep);
    }
    let rest = match url {
        Some(_) if !topics.is_empty() => return Err(ArgumentError::ForeignTopic),
        Some(url) => Some(RestServer { url, api_key, api_secret, cluster_id }),
        None => {
            let orphans = [
                ("--api-key", api_key),
                ("--api-secret", api_secret),
                ("--cluster-id", cluster_id),
            ];
            if let Some((flag, _)) = orphans.into_iter().find(|(_, value)| value.is_some()) {
                return Err(ArgumentError::NoRestServer(flag));
            }
            None
        }
    };
    if topics.is_empty() {
        topics.push(Topic { name: "test-topic".to_owned(), partitions: 3 });
    }
    if let (Some(Component::Fastly), Some(_)) = (&component, store_write) {
        return Err(ArgumentError::NotForFastly("--store-write-ms"));
    }
    let arguments = Arguments {
        listen,
        topics,
        data_dir,
        ephemeral,
        store_write,
        variables,
        variable_files,
        rest,
        component: component.unwrap_or_default(),
    };
    Ok(Command::Run(Box::new(arguments)))
}

fn topic(text: String) -> Result<Topic, ArgumentError> {
    let (name, partitions) = match text.split_once(':') {
        None => (text.as_str(), Some(3)),
        Some((name, count)) => (name, count.parse().ok()),
    };
    match partitions {
        Some(partitions) if (1..=1000).contains(&partitions) && !name.is_empty() => {
            Ok(Topic { name: name.to_owned(), partitions })
        }
        _ => Err(ArgumentError::Topic(text)),
    }
}

fn write_time(text: String) -> Result<Duration, ArgumentError> {
    match text.parse() {
        Ok(millis @ 0..=MAX_WRITE_MILLIS) => Ok(Duration::from_millis(millis)),
        _ => Err(ArgumentError::WriteTime(text)),
    }
}

fn variable(text: String) -> Result<(String, String), ArgumentError> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(ArgumentError::Variable(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Build;

    fn parsed(arguments: &[&str]) -> Result<Command, ArgumentError> {
        parse(Parser::from_args(arguments))
    }

    fn run(arguments: &[&str]) -> Arguments {
        match parsed(arguments).unwrap() {
            Command::Run(arguments) => *arguments,
            Command::Help => panic!("help"),
        }
    }

    #[test]
    fn nothing_is_needed() {
        let arguments = run(&[]);
        assert_eq!(arguments.listen, "127.0.0.1:3000");
        assert_eq!(arguments.topics, [Topic { name: "test-topic".to_owned(), partitions: 3 }]);
        assert_eq!((arguments.data_dir, arguments.ephemeral), (None, false));
        assert_eq!(arguments.store_write, None);
        let slow = run(&["--store-write-ms", "15"]);
        assert_eq!(slow.store_write, Some(Duration::from_millis(15)));
    }

    #[test]
    fn topics_and_variables_may_be_repeated() {
        let arguments = run(&[
            "--topic=a",
            "--topic",
            "b:7",
            "--variable",
            "x=1",
            "--variable=url=http://a/?b=c",
            "--variable=@secrets.toml",
        ]);
        assert_eq!(arguments.variable_files, [PathBuf::from("secrets.toml")]);
        let topics: Vec<_> =
            arguments.topics.iter().map(|t| (t.name.as_str(), t.partitions)).collect();
        assert_eq!(topics, [("a", 3), ("b", 7)]);
        assert_eq!(arguments.variables[1], ("url".to_owned(), "http://a/?b=c".to_owned()));
    }

    #[test]
    fn the_component_is_the_gateway_or_a_file() {
        assert_eq!(run(&[]).component, Component::default());
        for host in Build::ALL.map(Build::name).into_iter().chain(["fastly"]) {
            let component = Component::for_host(host);
            assert_eq!(Some(run(&["--host", host]).component), component, "{host}");
            assert!(HELP.contains(host), "{host}");
            let refused = ArgumentError::Host(String::new()).to_string();
            assert!(refused.contains(host), "{host}");
        }
        assert_eq!(run(&["--with=a.wasm"]).component, Component::With("a.wasm".into()));
        assert_eq!(run(&["--component", "b"]).component, Component::Composed("b".into()));
    }

    #[test]
    fn help_wins_over_what_follows() {
        assert_eq!(parsed(&["--help", "--nonsense"]).unwrap(), Command::Help);
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (arguments, part) in [
            (&["--nonsense"][..], "--nonsense"),
            (&["--listen"], "--listen"),
            (&["--topic", "a:none"], "a:none"),
            (&["--topic", ":3"], ":3"),
            (&["--store-write-ms", "fast"], "milliseconds"),
            (&["--store-write-ms", "10001"], "milliseconds"),
            (&["--variable", "x"], "NAME=VALUE"),
            (&["--ephemeral", "--data-dir", "x"], "contradict"),
            (&["--with", "a.wasm", "--component", "b.wasm"], "contradict"),
            (&["--with", "a.wasm", "--with", "b.wasm"], "once"),
            (&["--host", "wasi02", "--component", "b.wasm"], "contradict"),
            (&["--host", "browser"], "browser"),
            (&["--host", "fastly", "--store-write-ms", "15"], "--host fastly"),
            (&["--api-key", "x"], "--rest-url"),
            (&["--rest-url", "http://x", "--topic", "a"], "embedded"),
        ] {
            let error = parsed(arguments).unwrap_err().to_string();
            assert!(error.contains(part), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn every_option_is_in_the_help() {
        for option in [
            "--listen",
            "--topic",
            "--data-dir",
            "--ephemeral",
            "--store-write-ms",
            "--variable",
            "--with",
            "--component",
            "--host",
            "--rest-url",
            "--api-key",
            "--api-secret",
            "--cluster-id",
            "--help",
        ] {
            assert!(HELP.contains(option), "{option}");
        }
    }
}
