//! What `cargo dev` runs first: it becomes `cargo run --package kafka-edge-dev`.
//!
//! That program builds the component when it starts, which is all there is to
//! do on most days. On the first one it takes minutes to be built itself, with a
//! core or more idle at the end of it and again while the component is linked.
//! So then the component is built beside it.

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};

/// The program that the arguments are for.
const PROGRAM: &str = "kafka-edge-dev";

fn main() -> ExitCode {
    if !is_built() {
        eprintln!("the first build takes some minutes; later ones take seconds");
        build_component();
    }
    let mut run = cargo();
    run.args(["run", "--package", PROGRAM, "--"]).args(env::args_os().skip(1));
    become_program(run)
}

/// Whether the program lies where cargo has put this one.
fn is_built() -> bool {
    let program = format!("{PROGRAM}{}", env::consts::EXE_SUFFIX);
    env::current_exe().is_ok_and(|this| this.with_file_name(program).is_file())
}

/// Starts to build the component, and waits for nothing.
///
/// Whatever goes wrong is not said here: the program builds the component as
/// well, then finds the work done, or the same fault.
fn build_component() {
    let target = ["target", "add", "wasm32-wasip2"];
    _ = Command::new("rustup").args(target).stderr(Stdio::null()).status();
    _ = cargo().args(["wasm", "--quiet"]).stdin(Stdio::null()).stderr(Stdio::null()).spawn();
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// In the place of this process, so that Ctrl-C reaches the program alone and
/// the terminal waits for its end.
#[cfg(unix)]
fn become_program(mut command: Command) -> ExitCode {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    eprintln!("error: cargo could not be run: {error}");
    ExitCode::FAILURE
}

#[cfg(not(unix))]
fn become_program(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) => ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)),
        Err(error) => {
            eprintln!("error: cargo could not be run: {error}");
            ExitCode::FAILURE
        }
    }
}
