//! What runs: the gateway alone, or composed with somebody else's component.

use crate::error::StartError;
use crate::viceroy::Viceroy;
use kafka_edge_host::{Program, build};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How a component begins, in version 13 of its binary form. A core module has
/// another version.
const PREAMBLE: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Component {
    /// The gateway alone, as it is built for a host.
    Gateway(Build),
    /// The gateway alone, for Fastly Compute, under Fastly's local server.
    Fastly,
    /// Somebody else's component, with the gateway plugged into it.
    With(PathBuf),
    /// A composition that is finished.
    Composed(PathBuf),
}

impl Default for Component {
    fn default() -> Self {
        Self::Gateway(Build::Spin)
    }
}

/// What was built, and what runs it.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// A component, which our own host runs.
    Program(Program),
    Viceroy(Viceroy),
}

/// The builds of the gateway that are components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// For Spin 4.1 and later.
    Spin,
    /// For hosts without WASI 0.3, by the interfaces of `wasmtime serve`.
    Wasi02,
    /// For Spin 3.
    Spin3,
    /// For wasmCloud.
    WasmCloud,
}

impl Build {
    pub(crate) const ALL: [Self; 4] = [Self::Spin, Self::Wasi02, Self::Spin3, Self::WasmCloud];

    /// By its name on the command line.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|build| build.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Spin => "spin",
            Self::Wasi02 => "wasi02",
            Self::Spin3 => "spin3",
            Self::WasmCloud => "wasmcloud",
        }
    }

    /// Its package, and what of that is not there by default.
    fn package(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Spin => ("kafka-edge-spin", &[]),
            Self::Wasi02 => ("kafka-edge-wasi02", &[]),
            Self::Spin3 => ("kafka-edge-wasi02", &["spin"]),
            Self::WasmCloud => ("kafka-edge-wasmcloud", &[]),
        }
    }
}

impl Component {
    /// Its name on the command line after `--host`.
    pub(crate) fn for_host(name: &str) -> Option<Self> {
        match name {
            "fastly" => Some(Self::Fastly),
            _ => Build::named(name).map(Self::Gateway),
        }
    }

    /// The file of somebody else's that has a part in it.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Gateway(_) | Self::Fastly => None,
            Self::With(file) | Self::Composed(file) => Some(file),
        }
    }

    /// Whether there is such a file, and it begins as a component does.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        let Some(file) = self.file() else { return Ok(()) };
        let mut start = Vec::new();
        let read = File::open(file).and_then(|file| {
            let length = PREAMBLE.len() as u64;
            file.take(length).read_to_end(&mut start)
        });
        match read {
            Ok(_) if start == PREAMBLE => Ok(()),
            Ok(_) => Err(StartError::NoComponent(file.to_owned())),
            Err(reason) => Err(StartError::Unreadable { file: file.to_owned(), reason }),
        }
    }

    /// Builds, composes and compiles what has not been yet.
    pub(crate) async fn prepare(self, workspace: PathBuf) -> Result<Prepared, StartError> {
        let work = tokio::task::spawn_blocking(move || self.load(&workspace));
        match work.await {
            Ok(prepared) => prepared,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    fn load(&self, workspace: &Path) -> Result<Prepared, StartError> {
        let program = match self {
            Self::Fastly => return Viceroy::prepare(workspace).map(Prepared::Viceroy),
            Self::Gateway(build) => {
                let gateway = gateway(workspace, *build)?;
                Program::load(&gateway, Some(&machine_code(&gateway)))?
            }
            Self::With(component) => {
                let gateway = gateway(workspace, Build::Spin)?;
                let composed = compose(workspace, component, &gateway)?;
                Program::from_bytes(&composed, Some(&machine_code(&gateway)))?
            }
            Self::Composed(component) => {
                // Machine code is kept only where this program was built.
                let here = std::env::current_exe().ok();
                Program::load(component, here.as_deref().map(machine_code).as_deref())?
            }
        };
        Ok(Prepared::Program(program))
    }
}

fn gateway(workspace: &Path, build: Build) -> Result<PathBuf, StartError> {
    eprintln!("building the component");
    let (package, features) = build.package();
    Ok(build::component_with(workspace, package, features, &mut |line| eprintln!("{line}"))?)
}

/// The folder beside a file that was built.
fn machine_code(built: &Path) -> PathBuf {
    built.with_file_name("machine-code")
}

/// What composes is a program of its own and is built now, so that nobody else
/// has to wait for it.
fn compose(workspace: &Path, component: &Path, gateway: &Path) -> Result<Vec<u8>, StartError> {
    eprintln!("plugging the gateway into {}", component.display());
    let (package, this) = ("kafka-edge-compose", env!("CARGO_PKG_NAME"));
    let program = build::program(workspace, package, this, &mut |line| eprintln!("{line}"))?;
    let mut composer = Command::new(&program);
    let output = composer.args([component, gateway]).stdin(Stdio::null()).output();
    let output = output.map_err(|reason| StartError::Composer { program, reason })?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => {
            Err(StartError::Compose(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
        }
    }
}
