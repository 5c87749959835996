//! Runs the component under wasmtime.
