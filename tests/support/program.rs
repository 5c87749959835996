//! The component of this package, for every test that runs it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kafka_edge_host::{Program, build};

/// The component as it ships, built when it is not up to date.
pub(crate) fn wasm() -> &'static Path {
    static WASM: OnceLock<PathBuf> = OnceLock::new();
    WASM.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let wasm = build::component(here, "kafka-edge-spin", &mut |_| {});
        wasm.unwrap_or_else(|error| panic!("{error}"))
    })
}

/// The same, with code that counts its instructions.
#[allow(dead_code, reason = "not every test program measures")]
pub(crate) fn metered() -> Program {
    let cache = wasm().with_file_name("machine-code");
    Program::load_metered(wasm(), Some(&cache)).unwrap_or_else(|error| panic!("{error}"))
}

/// The same, compiled once for each test program, and taken from the last
/// run's machine code if that is of the same component.
pub(crate) fn program() -> &'static Program {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let cache = wasm().with_file_name("machine-code");
        Program::load(wasm(), Some(&cache)).unwrap_or_else(|error| panic!("{error}"))
    })
}
