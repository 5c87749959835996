//! The emulator as a program: `kafka-edge-emulator --topic orders:3`.

use kafka_edge_emulator::{Emulator, Options, Server, TopicError};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
A Confluent-compatible Kafka REST server for trying things out.

usage: kafka-edge-emulator [--listen ADDRESS] [--topic NAME[:PARTITIONS]]... [--data-dir FOLDER]

  --listen ADDRESS           where to listen (127.0.0.1:8082)
  --topic NAME[:PARTITIONS]  a topic to make if it does not exist (3 partitions)
  --data-dir FOLDER          keep topics and records there (in memory only)
";

struct Arguments {
    listen: String,
    topics: Vec<(String, i32)>,
    data_dir: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(why) => {
            eprintln!("{why}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// None means that help was asked for.
fn parse(mut given: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut arguments =
        Arguments { listen: "127.0.0.1:8082".into(), topics: Vec::new(), data_dir: None };
    while let Some(flag) = given.next() {
        if matches!(flag.as_str(), "--help" | "-h") {
            return Ok(None);
        }
        let mut value = || given.next().ok_or_else(|| format!("{flag} needs a value"));
        match flag.as_str() {
            "--listen" => arguments.listen = value()?,
            "--topic" => arguments.topics.push(parse_topic(&value()?)?),
            "--data-dir" => arguments.data_dir = Some(value()?.into()),
            _ => return Err(format!("unknown argument {flag}")),
        }
    }
    Ok(Some(arguments))
}

fn parse_topic(text: &str) -> Result<(String, i32), String> {
    match text.split_once(':') {
        None => Ok((text.to_owned(), 3)),
        Some((name, count)) => match count.parse() {
            Ok(count) => Ok((name.to_owned(), count)),
            Err(_) => Err(format!("{count} is not a number of partitions")),
        },
    }
}

#[tokio::main]
async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::new(Options { data_dir: arguments.data_dir, ..Options::default() })?;
    for (name, partitions) in arguments.topics {
        match emulator.create_topic(&name, partitions) {
            Ok(()) | Err(TopicError::Exists(_)) => {}
            Err(error) => return Err(format!("topic {name}: {error}").into()),
        }
    }
    let server = Server::bind(&arguments.listen, emulator)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", arguments.listen))?;
    println!("Kafka REST on http://{}", server.local_addr());
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
