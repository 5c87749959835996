//! Builds a component, or a program, from a package of a workspace.
//!
//! `cargo dev` and the end-to-end tests do this before they start a host. It
//! calls the installed `cargo`; concurrent calls are safe, because cargo makes
//! one wait for the other.

use serde_json::Value;
use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// The target of components.
pub const TARGET: &str = "wasm32-wasip2";

/// The target of programs for hosts that take no components.
pub const MODULE_TARGET: &str = "wasm32-wasip1";

/// The profile that they ship with.
pub const PROFILE: &str = "component";

/// Names a folder with builds as a release has them, which are taken in place of new ones.
const BUILDS: &str = "KAFKA_EDGE_BUILDS";

/// Why no component was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A program that is needed could not be run.
    #[error("{program} could not be run: {reason}")]
    NotRun {
        /// Which one.
        program: String,
        /// What the operating system said.
        reason: io::Error,
    },
    /// The target is missing and rustup could not add it.
    #[error(
        "the target {target} is not installed, and `rustup target add {target}` failed: {reason}"
    )]
    NoTarget {
        /// Which target.
        target: &'static str,
        /// What rustup said.
        reason: String,
    },
    /// The compiler found faults, as it said in lines that were passed on.
    #[error("`{command}` failed")]
    Failed {
        /// What to run to see it again.
        command: String,
        /// The compiler's own words.
        messages: String,
    },
    /// Cargo was content and made no program.
    #[error("the package {package} builds no program of its name")]
    NoProgram {
        /// Which package.
        package: String,
    },
    /// Cargo was content and made no component.
    #[error("the package {package} builds no component; is it a cdylib?")]
    NoComponent {
        /// Which package.
        package: String,
    },
}

/// Builds the component of a package, and returns its path.
///
/// `workspace` is a folder in the workspace. Lines about the progress, the
/// compiler's included, go to `progress`. `CARGO_TARGET_DIR` is heeded, and a component that is in
/// the folder `KAFKA_EDGE_BUILDS` is not built: so tests are played with those of a release.
pub fn component(
    workspace: &Path,
    package: &str,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<PathBuf, BuildError> {
    let given = env::var_os(BUILDS).map(|folder| {
        let name = package.replace('-', "_");
        Path::new(&folder).join(name).with_extension("wasm")
    });
    match given.filter(|given| given.is_file()) {
        Some(given) => Ok(given),
        None => component_with(workspace, package, &[], progress),
    }
}

/// The same with features of the package beside its default ones.
pub fn component_with(
    workspace: &Path,
    package: &str,
    features: &[&str],
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<PathBuf, BuildError> {
    add_target(workspace, TARGET, progress)?;
    let features = features.join(",");
    let mut options = vec!["--target", TARGET, "--profile", PROFILE];
    if !features.is_empty() {
        options.extend(["--features", features.as_str()]);
    }
    let component = build(workspace, package, &options, progress, |message| {
        let library = package.replace('-', "_");
        let files =
            message["filenames"].as_array().filter(|_| message["target"]["name"] == *library);
        files.into_iter().flatten().filter_map(Value::as_str).find(|file| file.ends_with(".wasm"))
    })?;
    component.ok_or_else(|| BuildError::NoComponent { package: package.to_owned() })
}

/// Builds the program of a package as a module for WASI 0.1, and says where it lies.
pub fn module(
    workspace: &Path,
    package: &str,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<PathBuf, BuildError> {
    module_with(workspace, package, &[], progress)
}

/// The same with features of the package beside its default ones.
pub fn module_with(
    workspace: &Path,
    package: &str,
    features: &[&str],
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<PathBuf, BuildError> {
    add_target(workspace, MODULE_TARGET, progress)?;
    let features = features.join(",");
    let mut options = vec!["--target", MODULE_TARGET, "--profile", PROFILE];
    if !features.is_empty() {
        options.extend(["--features", features.as_str()]);
    }
    let module = build(workspace, package, &options, progress, |message| {
        message["executable"].as_str().filter(|_| message["target"]["name"] == *package)
    })?;
    module.ok_or_else(|| BuildError::NoProgram { package: package.to_owned() })
}

/// Builds the program of a package for this machine, and says where it lies.
///
/// It is built together with the package `beside`, which has been built before:
/// what both depend on is then compiled with the same features, and not again.
pub fn program(
    workspace: &Path,
    package: &str,
    beside: &str,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<PathBuf, BuildError> {
    let program = build(workspace, package, &["--package", beside], progress, |message| {
        message["executable"].as_str().filter(|_| message["target"]["name"] == *package)
    })?;
    program.ok_or_else(|| BuildError::NoProgram { package: package.to_owned() })
}

/// Runs `cargo build` and looks for a file among the messages that tell what
/// was made.
fn build(
    workspace: &Path,
    package: &str,
    options: &[&str],
    progress: &mut (dyn FnMut(&str) + Send),
    find: impl Fn(&Value) -> Option<&str> + Send,
) -> Result<Option<PathBuf>, BuildError> {
    let mut cargo = tool("CARGO", "cargo");
    cargo
        .current_dir(workspace)
        .args(["build", "--package", package])
        .args(options)
        .args(["--color", "never"])
        .arg("--message-format=json-render-diagnostics")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let not_run = |reason| BuildError::NotRun { program: "cargo".to_owned(), reason };
    let mut child = cargo.spawn().map_err(not_run)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Both pipes must be emptied, or cargo stands still.
    let (found, messages) = thread::scope(|scope| {
        let artifacts = scope.spawn(move || stdout.and_then(|out| find_file(out, find)));
        let mut messages = String::new();
        for line in stderr.into_iter().flat_map(lines) {
            messages.push_str(&line);
            messages.push('\n');
            progress(&line);
        }
        (artifacts.join().unwrap_or_default(), messages)
    });
    let status = child.wait().map_err(not_run)?;
    if !status.success() {
        return Err(BuildError::Failed {
            command: ["cargo build -p", package]
                .into_iter()
                .chain(options.iter().copied())
                .collect::<Vec<_>>()
                .join(" "),
            messages,
        });
    }
    Ok(found)
}

/// Makes rustup add the target, if its libraries are missing.
fn add_target(
    workspace: &Path,
    target: &'static str,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<(), BuildError> {
    let libraries = tool("RUSTC", "rustc")
        .current_dir(workspace)
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .map_err(|reason| BuildError::NotRun { program: "rustc".to_owned(), reason })?;
    let libraries = String::from_utf8_lossy(&libraries.stdout);
    if Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    progress(&format!("adding the target {target} with rustup"));
    let added =
        Command::new("rustup").current_dir(workspace).args(["target", "add", target]).output();
    let reason = match added {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    Err(BuildError::NoTarget { target, reason })
}

/// The tool that an outer cargo names, or the one on the path.
fn tool(variable: &str, name: &str) -> Command {
    let program = std::env::var_os(variable).unwrap_or_else(|| OsString::from(name));
    Command::new(program)
}

fn lines(pipe: impl Read) -> impl Iterator<Item = String> {
    BufReader::new(pipe).lines().map_while(Result::ok)
}

/// The last file that `find` takes from the artifacts among the messages.
fn find_file(messages: impl Read, find: impl Fn(&Value) -> Option<&str>) -> Option<PathBuf> {
    let messages = lines(messages).filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let artifacts = messages.filter(|message| message["reason"] == "compiler-artifact");
    artifacts.filter_map(|message| find(&message).map(PathBuf::from)).last()
}
