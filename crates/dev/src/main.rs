//! `cargo dev`: builds the component, starts a Kafka REST server and the host
//! that runs the component, and says how to talk to it.
//!
//! It is for one person on one machine. What it starts is the same component
//! that Spin runs; only the defaults are friendlier, see [`variables`].

mod arguments;
mod banner;
mod component;
mod error;
mod inbox;
mod kafka;
mod reach;
mod secrets_key;
mod start;
mod timer;
mod variables;
mod viceroy;

use arguments::Command;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match arguments::parse(lexopt::Parser::from_env()) {
        Ok(Command::Run(arguments)) => arguments,
        Ok(Command::Help) => {
            print!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error}\n\n`cargo dev --help` lists what there is.");
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads could be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(start::run(*arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
