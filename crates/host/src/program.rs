//! A compiled component.

use sha2::{Digest, Sha256};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use wasmtime::component::Component;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How many instances of one program can live at once, at most.
pub const MAX_INSTANCES: u32 = 256;

/// How many core modules, and memories, one component may consist of: a
/// component has an adapter or two beside its own, a composed one more.
const MODULES_PER_COMPONENT: u32 = 24;

/// A component, compiled for this machine. Cheap to clone; hosts made from
/// the same program share the machine code.
#[derive(Clone)]
pub struct Program {
    engine: Engine,
    component: Component,
    from_cache: bool,
    is_metered: bool,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("from_cache", &self.from_cache).finish_non_exhaustive()
    }
}

/// Why a component could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("{path} could not be read: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: std::io::Error,
    },
    /// It is no component, or not one that this engine can run.
    #[error("the component could not be compiled: {0}")]
    Compile(String),
}

impl Program {
    /// Compiles the component in a file, or takes what an earlier run left of
    /// it in the folder `cache`.
    pub fn load(path: impl AsRef<Path>, cache: Option<&Path>) -> Result<Self, LoadError> {
        let path = path.as_ref();
        let wasm = std::fs::read(path)
            .map_err(|reason| LoadError::Read { path: path.to_owned(), reason })?;
        Self::from_bytes(&wasm, cache)
    }

    /// The same, with code that counts the instructions that it runs
    /// ([`Host::fuel_left`](crate::Host::fuel_left)).
    pub fn load_metered(path: impl AsRef<Path>, cache: Option<&Path>) -> Result<Self, LoadError> {
        let path = path.as_ref();
        let wasm = std::fs::read(path)
            .map_err(|reason| LoadError::Read { path: path.to_owned(), reason })?;
        Self::compile(&wasm, cache, true)
    }

    /// The same from memory.
    pub fn from_bytes(wasm: &[u8], cache: Option<&Path>) -> Result<Self, LoadError> {
        Self::compile(wasm, cache, false)
    }

    fn compile(wasm: &[u8], cache: Option<&Path>, is_metered: bool) -> Result<Self, LoadError> {
        let compile_error = |error: wasmtime::Error| LoadError::Compile(format!("{error:#}"));
        let engine = engine(is_metered).map_err(compile_error)?;
        let kept = cache.map(|folder| folder.join(cache_name(&engine, wasm)));
        if let Some(component) = kept.as_deref().and_then(|file| kept_code(&engine, file)) {
            return Ok(Self { engine, component, from_cache: true, is_metered });
        }
        let component = Component::from_binary(&engine, wasm).map_err(compile_error)?;
        if let Some(file) = kept {
            // A cache that cannot be written costs time at the next start and
            // nothing else.
            _ = component.serialize().map(|code| keep(&file, &code));
        }
        Ok(Self { engine, component, from_cache: false, is_metered })
    }

    /// Whether the machine code came from the cache.
    pub fn is_from_cache(&self) -> bool {
        self.from_cache
    }

    pub(crate) fn is_metered(&self) -> bool {
        self.is_metered
    }

    /// Whether it takes its settings from the interface that hosts other than Spin have.
    pub(crate) fn is_for_other_hosts(&self) -> bool {
        let component = self.component.component_type();
        component.imports(&self.engine).any(|(name, _)| name.starts_with("wasi:config/"))
    }

    /// The engine it was compiled for.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The component itself.
    pub fn component(&self) -> &Component {
        &self.component
    }
}

fn engine(is_metered: bool) -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(MAX_INSTANCES)
        .total_core_instances(MAX_INSTANCES * 8)
        .total_memories(MAX_INSTANCES * 2)
        .total_tables(MAX_INSTANCES * 8)
        .max_core_instances_per_component(MODULES_PER_COMPONENT)
        .max_memories_per_component(MODULES_PER_COMPONENT)
        .max_tables_per_component(MODULES_PER_COMPONENT);
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    config.consume_fuel(is_metered);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).or_else(|_| {
        // The pool reserves a terabyte of addresses. Where that is forbidden
        // instances are made one by one.
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        Engine::new(&config)
    })
}

/// A name that changes with the component and with everything about the
/// engine that its machine code depends on, wasmtime's version among it.
fn cache_name(engine: &Engine, wasm: &[u8]) -> String {
    let mut compatibility = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compatibility);
    let digest = Sha256::digest(wasm);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digest}-{:016x}.cwasm", compatibility.finish())
}

#[allow(
    unsafe_code,
    reason = "machine code can only be taken over from a file that is trusted not to have been \
              changed by others; the cache lies where the program itself was built"
)]
fn kept_code(engine: &Engine, file: &Path) -> Option<Component> {
    if !file.exists() {
        return None;
    }
    // SAFETY: the file was written by `keep`, under a name made of the hash of
    // its source, in a folder that only this user's own builds write to.
    unsafe { Component::deserialize_file(engine, file) }.ok()
}

/// Writes a new file and renames it, so that another process never sees an
/// incomplete one.
fn keep(file: &Path, code: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let part = file.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&part, code)?;
    std::fs::rename(&part, file)
}
